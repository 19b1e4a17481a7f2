//! Which Python an image has: found by running it once, remembered by the image's id.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{AttachContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

use super::cache::Cache;
use super::error::ImageError;
use crate::docker::Docker;
use crate::model::Digest;

/// Runs inside the image and prints one line of JSON.
const PROBE: &str = include_str!("probe.py");

/// The shape of the remembered answer: changed with the probe.
const PROBE_FORMAT: &str = "1";

/// The Python of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonRuntime {
    /// The interpreter that the image's `PATH` finds.
    pub executable: String,
    /// The file behind it, links and virtual environments resolved.
    pub real_executable: String,
    /// Its version, such as `3.13.5`.
    pub version: String,
    /// `CPython` or another.
    pub implementation: String,
    /// The machine as the kernel names it, such as `x86_64`.
    pub machine: String,
    /// The C library.
    pub libc: Libc,
    /// `sys.prefix`.
    pub prefix: String,
    /// Where pure Python packages are installed.
    pub site_packages: String,
    /// File names of the shared libraries that the image has in its usual places.
    pub libraries: BTreeSet<String>,
}

/// A C library and its version, such as `glibc` `2.41`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libc {
    /// Which.
    pub kind: LibcKind,
    /// `MAJOR.MINOR`, for musl with a third number.
    pub version: String,
}

/// Which C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LibcKind {
    /// GNU's: wheels tagged `manylinux` fit.
    Glibc,
    /// musl, as in Alpine: wheels tagged `musllinux` fit.
    Musl,
    /// Neither: only pure wheels fit.
    Unknown,
}

impl PythonRuntime {
    /// Returns `MAJOR.MINOR`.
    pub fn minor(&self) -> String {
        self.version.split('.').take(2).collect::<Vec<_>>().join(".")
    }

    /// Returns the folder of the file behind the interpreter, which a virtual environment names as its home.
    pub fn home(&self) -> &str {
        self.real_executable.rsplit_once('/').map_or("/usr/local/bin", |(folder, _)| folder)
    }
}

/// What running an image once tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probed {
    pub(crate) python: PythonRuntime,
    /// Files below the image's own folder, relative to it; none when it names no folder.
    pub(crate) files: BTreeSet<String>,
}

/// Asks an image that the engine holds for its Python, by running it once without network.
///
/// # Errors
/// When the image has no Python 3, or its containers cannot be started.
pub async fn python_runtime(docker: &Docker, image: &Digest, cache: &Path) -> Result<PythonRuntime, ImageError> {
    Ok(probe(docker, image, cache).await?.python)
}

/// Runs the probe in an image, unless its answer is remembered.
pub(crate) async fn probe(docker: &Docker, image: &Digest, cache: &Path) -> Result<Probed, ImageError> {
    let cache = Cache::at(cache);
    let key = super::digest::key([PROBE_FORMAT, image.as_str()]);
    if let Some(known) = cache.record("pythons", &key) {
        return Ok(known);
    }
    let mut reason = String::new();
    for name in ["python", "python3"] {
        match run_probe(docker, image, name).await? {
            Ok(found) => {
                cache.put_record("pythons", &key, &found)?;
                return Ok(found);
            }
            Err(why) => reason = why,
        }
    }
    Err(ImageError::NoPython { image: image.clone(), reason })
}

/// One attempt: the outer error is the engine's, the inner one says why this name is no Python.
async fn run_probe(docker: &Docker, image: &Digest, name: &str) -> Result<Result<Probed, String>, ImageError> {
    let body = ContainerCreateBody {
        image: Some(image.as_str().to_owned()),
        entrypoint: Some(vec![name.to_owned(), "-c".to_owned(), PROBE.to_owned()]),
        cmd: Some(Vec::new()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        labels: Some([("dev.nonevent.role".to_owned(), "once".to_owned())].into()),
        host_config: Some(HostConfig { network_mode: Some("none".to_owned()), auto_remove: Some(true), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let operation = || format!("run `{name}` in {}", image.short());
    let container = docker.client.create_container(None, body).await.map_err(|error| ImageError::engine(operation(), &error))?.id;
    let attach = AttachContainerOptionsBuilder::new().stream(true).stdout(true).stderr(true).build();
    let attached = docker.client.attach_container(&container, Some(attach)).await;
    let started = match &attached {
        Ok(_) => docker.client.start_container(&container, None).await,
        Err(_) => Ok(()),
    };
    let mut output = match (attached, started) {
        (Ok(attached), Ok(())) => attached.output,
        (Ok(_), Err(error)) => {
            remove(docker, &container).await;
            let message = crate::docker::said(&error);
            return match message.contains("executable file not found") || message.contains("no such file") {
                true => Ok(Err(format!("there is no `{name}` on its PATH"))),
                false => Err(ImageError::engine(operation(), &error)),
            };
        }
        (Err(error), _) => {
            remove(docker, &container).await;
            return Err(ImageError::engine(operation(), &error));
        }
    };
    let mut printed = Vec::new();
    let mut complaints = Vec::new();
    while let Some(chunk) = output.next().await {
        match chunk.map_err(|error| ImageError::engine(operation(), &error))? {
            LogOutput::StdErr { message } => complaints.extend_from_slice(&message),
            LogOutput::StdOut { message } | LogOutput::Console { message } => printed.extend_from_slice(&message),
            LogOutput::StdIn { .. } => {}
        }
    }
    Ok(serde_json::from_slice(&printed).map_err(|error| {
        let complaints = String::from_utf8_lossy(&complaints);
        match complaints.lines().last() {
            Some(last) => format!("`{name}` said: {last}"),
            None => format!("`{name}` did not print what a Python 3 prints: {error}"),
        }
    }))
}

async fn remove(docker: &Docker, container: &str) {
    let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    // The engine removes it by itself when it can.
    if let Err(error) = docker.client.remove_container(container, Some(force)).await {
        tracing::debug!(container, error = %error, "a container that did not start was not removed");
    }
}

/// Returns the value of one variable of an image's `NAME=value` list.
pub(crate) fn variable<'a>(env: &'a [String], name: &str) -> Option<&'a str> {
    env.iter().rev().find_map(|entry| entry.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// Sets variables in an image's `NAME=value` list, keeping the order of those that are there.
pub(crate) fn with_variables(env: &[String], changes: &BTreeMap<&str, String>) -> Vec<String> {
    let named = |entry: &String| changes.contains_key(entry.split('=').next().unwrap_or_default());
    let kept = env.iter().filter(|entry| !named(entry)).cloned();
    kept.chain(changes.iter().map(|(name, value)| format!("{name}={value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_not_repeated() {
        let env: Vec<_> = ["PATH=/usr/bin", "LANG=C.UTF-8", "PATHS=x", "EMPTY"].map(str::to_owned).into();
        assert_eq!(variable(&env, "PATH"), Some("/usr/bin"));
        assert_eq!(variable(&env, "EMPTY"), None);
        let changes = BTreeMap::from([("PATH", "/opt/venv/bin:/usr/bin".to_owned()), ("NEW", "1".to_owned())]);
        let changed = with_variables(&env, &changes);
        assert_eq!(changed, ["LANG=C.UTF-8", "PATHS=x", "EMPTY", "NEW=1", "PATH=/opt/venv/bin:/usr/bin"]);
    }
}
