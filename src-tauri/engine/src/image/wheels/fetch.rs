//! Brings locked wheels into the cache: several at once, each checked against the lock's sha256 before anything can use it.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use url::Url;

use super::{Wheel, WheelError};
use crate::image::cache::{Cache, CacheError};
use crate::image::digest::Hashing;
use crate::image::http::{self, Http};

/// Downloads at once.
const AT_ONCE: usize = 8;

/// Attempts after the first one, for faults that pass.
const MORE_ATTEMPTS: usize = 3;

/// Makes sure that every wheel is in the cache, and returns where.
pub(crate) async fn fetch(
    wheels: &[Wheel],
    http: &Http,
    cache: &Cache,
    progress: &(dyn Fn(String) + Send + Sync),
) -> Result<Vec<PathBuf>, WheelError> {
    let missing: Vec<_> = wheels.iter().filter(|wheel| !cache.wheel(&wheel.sha256).exists()).collect();
    let total = missing.len();
    let mut done = 0;
    let mut bytes = 0;
    let waiting: Vec<_> = missing.into_iter().map(|wheel| fetch_one(wheel, http, cache).boxed()).collect();
    let mut downloads = futures_util::stream::iter(waiting).buffer_unordered(AT_ONCE);
    while let Some(size) = downloads.try_next().await? {
        done += 1;
        bytes += size;
        progress(format!("fetched {done} of {total} wheels ({})", in_megabytes(bytes)));
    }
    Ok(wheels.iter().map(|wheel| cache.wheel(&wheel.sha256)).collect())
}

fn in_megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

async fn fetch_one(wheel: &Wheel, http: &Http, cache: &Cache) -> Result<u64, WheelError> {
    let address = |reason: String| WheelError::Address { filename: wheel.filename.clone(), reason };
    if !is_sha256(&wheel.sha256) {
        return Err(address(format!("`{}` is no sha256", wheel.sha256)));
    }
    let url = Url::parse(&wheel.url).map_err(|error| address(error.to_string()))?;
    match url.scheme() {
        "https" | "http" => {
            let attempt = || download(wheel, &url, http, cache);
            let pauses = ExponentialBuilder::default()
                .with_min_delay(Duration::from_millis(200))
                .with_max_times(MORE_ATTEMPTS)
                .with_jitter();
            let told = |error: &WheelError, pause: Duration| {
                tracing::debug!(wheel = wheel.filename, ?pause, error = %error, "a download is tried again");
            };
            attempt.retry(pauses).when(passes).notify(told).await
        }
        "file" => {
            let path = url.to_file_path().map_err(|()| address("it names no file".to_owned()))?;
            let (wheel, cache) = (wheel.clone(), cache.clone());
            let copied = tokio::task::spawn_blocking(move || copy(&wheel, &path, &cache)).await;
            copied.map_err(|error| address(error.to_string()))?
        }
        other => Err(address(format!("`{other}:` is not fetched"))),
    }
}

async fn download(wheel: &Wheel, url: &Url, http: &Http, cache: &Cache) -> Result<u64, WheelError> {
    let host = || url.host_str().unwrap_or_default().to_owned();
    let unreachable = |error: reqwest::Error| WheelError::Unreachable {
        filename: wheel.filename.clone(),
        host: host(),
        reason: http::reason(&error),
    };
    let response = http.for_url(url).get(url.clone()).send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        let status = response.status().as_u16();
        return Err(WheelError::Refused { filename: wheel.filename.clone(), host: host(), status });
    }
    let mut draft = Hashing::new(cache.draft()?);
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.try_next().await.map_err(unreachable)? {
        let path = cache.wheel(&wheel.sha256);
        draft.write_all(&chunk).map_err(|source| CacheError { path, source })?;
    }
    keep(wheel, draft, cache)
}

fn copy(wheel: &Wheel, path: &std::path::Path, cache: &Cache) -> Result<u64, WheelError> {
    let unreadable = |source| WheelError::Unreadable { filename: wheel.filename.clone(), source };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut draft = Hashing::new(cache.draft()?);
    std::io::copy(&mut file, &mut draft).map_err(unreadable)?;
    keep(wheel, draft, cache)
}

fn keep(wheel: &Wheel, draft: Hashing<tempfile::NamedTempFile>, cache: &Cache) -> Result<u64, WheelError> {
    let (found, size) = (draft.digest(), draft.written());
    if !found.hex().eq_ignore_ascii_case(&wheel.sha256) {
        return Err(WheelError::Mismatch {
            filename: wheel.filename.clone(),
            found: found.hex().to_owned(),
            expected: wheel.sha256.clone(),
        });
    }
    cache.keep(draft.into_inner(), &cache.wheel(&wheel.sha256))?;
    Ok(size)
}

/// Tells whether a fault may pass by itself.
fn passes(error: &WheelError) -> bool {
    match error {
        WheelError::Unreachable { .. } => true,
        WheelError::Refused { status, .. } => *status == 429 || *status >= 500,
        _ => false,
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}
