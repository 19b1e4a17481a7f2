//! Builds an image from a project's Dockerfile, by the engine's own BuildKit.
//!
//! The context is the project's folder; the engine applies `.dockerignore` (or `<dockerfile>.dockerignore`) and fetches only what
//! it needs and does not have. Secrets reach a step only through `RUN --mount=type=secret` and are hidden in its output. Knows
//! nothing of releases; what it makes is described by an [`ImageReport`].

mod error;
mod failure;
mod files;
mod patterns;
mod progress;
mod report;
mod session;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bollard::moby::buildkit::v1::control_client::ControlClient;
use bollard::moby::buildkit::v1::{CacheOptions, SolveRequest, StatusRequest};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

pub use self::error::DockerfileError;
use self::files::Files;
use self::progress::{Progress, Told};
use self::session::{BuildSecrets, Session};
use crate::docker::{Docker, LineSender};
use crate::model::{AppSettings, BuildSettings, ImageReport, LogLine};

/// The Dockerfile that is taken when the settings name none.
const DEFAULT_DOCKERFILE: &str = "Dockerfile";

/// The secret under which a step finds the bundle of certificate authorities.
const CA_BUNDLE: &str = "ca_bundle";

/// Builds the project's Dockerfile and leaves the image on the engine as `nonevent/<project>:<first 12 digits of its id>`.
///
/// `progress` is told what is being done right now; `lines` gets each step and its output.
///
/// # Errors
/// See [`DockerfileError`]. Nothing is left on the engine but its build cache.
pub async fn build(
    docker: &Docker,
    root: &Path,
    settings: &BuildSettings,
    app: &AppSettings,
    lines: &mpsc::Sender<LogLine>,
    progress: &(dyn Fn(String) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<ImageReport, DockerfileError> {
    let dockerfile = settings.dockerfile.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DOCKERFILE));
    let source = Source::read(root, &dockerfile).await?;
    let secrets = read_secrets(root, settings).await?;
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let folders = BTreeMap::from([("context".to_owned(), root.to_owned()), ("dockerfile".to_owned(), source.folder.clone())]);
    let shared = hex::encode(Sha256::digest(root.as_os_str().as_encoded_bytes()));
    let files = Files::new(folders, warnings.clone());
    let session = Session::open(docker, &shared, files, secrets.clone()).await.map_err(unreachable)?;

    let request = solve_request(&session.id, &source, settings, app);
    let reference = request.r#ref.clone();
    let mut follower = Progress::new(&secrets);
    let mut control = session.control.clone();
    let solved = {
        let solving = control.solve(request);
        let following = follow(session.control.clone(), reference, &mut follower, lines, progress);
        tokio::pin!(solving, following);
        tokio::select! {
            () = cancel.cancelled() => return Err(DockerfileError::Cancelled),
            solved = &mut solving => {
                // The last words of a failed step may still be on their way.
                let _ = tokio::time::timeout(LAST_WORDS, &mut following).await;
                solved
            }
            () = &mut following => tokio::select! {
                () = cancel.cancelled() => return Err(DockerfileError::Cancelled),
                solved = &mut solving => solved,
            },
        }
    };
    let answer = solved
        .map_err(|status| failure::explain(&dockerfile, &source.text, &status, follower.failed()))?
        .into_inner()
        .exporter_response;
    let refused = |reason: String| DockerfileError::Refused { dockerfile: dockerfile.clone(), reason };
    let id = answer.get("containerimage.digest").ok_or_else(|| refused("it told no image".to_owned()))?;
    let warnings = std::mem::take(&mut *warnings.lock().unwrap_or_else(PoisonError::into_inner));
    report::describe(docker, &app.name, id, &follower.bases(), warnings).await.map_err(|error| refused(error.to_string()))
}

/// How long the engine's last words about a build that has ended are waited for.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(2);

/// A Dockerfile and where it lies; it need not lie in the context.
struct Source {
    folder: PathBuf,
    name: String,
    text: String,
}

impl Source {
    async fn read(root: &Path, dockerfile: &Path) -> Result<Self, DockerfileError> {
        let path = root.join(dockerfile);
        let text = tokio::fs::read_to_string(&path).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DockerfileError::Missing { dockerfile: dockerfile.to_owned() },
            _ => DockerfileError::Unreadable { dockerfile: dockerfile.to_owned(), reason: error.to_string() },
        })?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = path.parent().unwrap_or(root).to_owned();
        Ok(Self { folder, name, text })
    }
}

async fn read_secrets(root: &Path, settings: &BuildSettings) -> Result<BuildSecrets, DockerfileError> {
    let mut values = BTreeMap::new();
    let bundle = settings.ca_bundle.as_ref().map(|path| (CA_BUNDLE.to_owned(), path.to_string_lossy().into_owned()));
    // What the project names itself comes last and wins.
    for (id, source) in bundle.into_iter().chain(settings.secrets.clone()) {
        let missing = |reason: String| DockerfileError::SecretMissing { id: id.clone(), reason };
        let value = match source.strip_prefix("env:") {
            Some(name) => std::env::var_os(name)
                .map(std::ffi::OsString::into_encoded_bytes)
                .ok_or_else(|| missing(format!("the variable `{name}` is not set")))?,
            None => tokio::fs::read(root.join(&source))
                .await
                .map_err(|error| missing(format!("the file `{source}` cannot be read: {error}")))?,
        };
        values.insert(id, value);
    }
    Ok(BuildSecrets(values))
}

fn solve_request(session: &str, source: &Source, settings: &BuildSettings, app: &AppSettings) -> SolveRequest {
    let mut attributes = HashMap::from([("filename".to_owned(), source.name.clone())]);
    if let Some(stage) = &settings.stage {
        attributes.insert("target".to_owned(), stage.clone());
    }
    for (name, value) in &settings.args {
        attributes.insert(format!("build-arg:{name}"), value.clone());
    }
    for (name, value) in [("dev.nonevent.project", app.name.as_str()), ("dev.nonevent.role", "release")] {
        attributes.insert(format!("label:{name}"), value.to_owned());
    }
    SolveRequest {
        r#ref: uuid::Uuid::now_v7().simple().to_string(),
        session: session.to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: attributes,
        // The engine's own exporter: the image ends where `docker images` shows it, in either store.
        exporter_deprecated: "moby".to_owned(),
        cache: Some(CacheOptions::default()),
        ..SolveRequest::default()
    }
}

async fn follow(
    mut control: ControlClient<Channel>,
    reference: String,
    follower: &mut Progress<'_>,
    lines: &mpsc::Sender<LogLine>,
    progress: &(dyn Fn(String) + Send + Sync),
) {
    let Ok(status) = control.status(StatusRequest { r#ref: reference }).await else { return };
    let mut status = status.into_inner();
    let mut lines = LineSender::new("build", lines);
    while let Ok(Some(news)) = status.message().await {
        for told in follower.take(news) {
            match told {
                Told::Doing(text) => progress(text),
                Told::Line(stream, text) => lines.send(stream, text).await,
            }
        }
    }
}

#[allow(clippy::needless_pass_by_value)]
fn unreachable(error: io::Error) -> DockerfileError {
    DockerfileError::Unreachable { reason: error.to_string() }
}
