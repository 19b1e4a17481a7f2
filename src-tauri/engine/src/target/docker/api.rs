//! The engine's API as this module needs it: errors in our words, labels and filters, files in and out of containers.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;

use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::models::{ContainerInspectResponse, ContainerSummary};
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt;

use super::scope::{Role, Scope, label};
use crate::target::{Place, TargetError};

/// One engine, seen from one installation.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub client: bollard::Docker,
    pub host: String,
    pub scope: Scope,
}

/// What a command inside a container printed, and how it ended.
#[derive(Debug)]
pub(super) struct Printed {
    pub output: String,
    pub errors: String,
    pub exit_code: i64,
}

/// A file for a container.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub path: &'a str,
    pub content: FileContent<'a>,
    pub mode: u32,
    pub owner: (u64, u64),
}

/// What a file is.
#[derive(Debug)]
pub(super) enum FileContent<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// A folder.
    Folder,
    /// A symbolic link to this path.
    Link(&'a str),
}

impl<'a> File<'a> {
    /// A file that only root writes and everybody reads.
    pub fn plain(path: &'a str, content: &'a [u8]) -> Self {
        Self { path, content: FileContent::Bytes(content), mode: 0o644, owner: (0, 0) }
    }
}

impl Api {
    /// Says what an error of the engine means for an operation.
    pub fn error(&self, operation: impl Into<String>, error: Error) -> TargetError {
        match error {
            Error::DockerResponseServerError { message, .. } => {
                TargetError::Refused { operation: operation.into(), reason: message.trim().to_owned() }
            }
            Error::HyperLegacyError { .. }
            | Error::HyperResponseError { .. }
            | Error::IOError { .. }
            | Error::SocketNotFoundError(_)
            | Error::RequestTimeoutError => TargetError::Unreachable { host: self.host.clone(), reason: innermost(&error) },
            other => TargetError::Refused { operation: operation.into(), reason: innermost(&other) },
        }
    }

    /// Inspects a container; none when there is none.
    pub async fn inspect(&self, name: &str) -> Result<Option<ContainerInspectResponse>, TargetError> {
        match self.client.inspect_container(name, None::<InspectContainerOptions>).await {
            Ok(container) => Ok(Some(container)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.error(format!("inspect {name}"), error)),
        }
    }

    /// Lists containers of this installation that bear more labels, running or not.
    pub async fn containers(&self, labels: Vec<String>) -> Result<Vec<ContainerSummary>, TargetError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&self.filters(labels)).build();
        self.client.list_containers(Some(options)).await.map_err(|error| self.error("list containers", error))
    }

    /// Returns filters for things of this installation that bear more labels.
    pub fn filters(&self, labels: Vec<String>) -> HashMap<String, Vec<String>> {
        let mut all = vec![format!("{}={}", label::SCOPE, self.scope.name())];
        all.extend(labels);
        HashMap::from([("label".to_owned(), all)])
    }

    /// Returns the labels of something of ours.
    pub fn labels(&self, role: Role, place: Option<&Place>) -> HashMap<String, String> {
        let mut labels = HashMap::from([
            (label::SCOPE.to_owned(), self.scope.name().to_owned()),
            (label::ROLE.to_owned(), role.word().to_owned()),
        ]);
        if let Some(place) = place {
            labels.insert(label::PROJECT.to_owned(), place.project.to_string());
            labels.insert(label::ENVIRONMENT.to_owned(), place.environment.to_string());
        }
        labels
    }

    /// Removes a container and what is nameless of it; one that is gone is no error.
    pub async fn remove(&self, name: &str) -> Result<(), TargetError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.client.remove_container(name, Some(options)).await {
            Ok(()) => Ok(()),
            // Somebody else is removing it.
            Err(error) if is_missing(&error) || is_conflict(&error) => Ok(()),
            Err(error) => Err(self.error(format!("remove {name}"), error)),
        }
    }

    /// Runs a command inside a container to its end, as root.
    pub async fn run(&self, container: &str, command: Vec<String>, variables: Vec<String>) -> Result<Printed, TargetError> {
        self.run_as(container, command, variables, Some("0".to_owned())).await
    }

    /// Runs a command inside a container to its end, as a user of it or as the container's own.
    pub async fn run_as(
        &self,
        container: &str,
        command: Vec<String>,
        variables: Vec<String>,
        user: Option<String>,
    ) -> Result<Printed, TargetError> {
        let operation = || format!("run `{}` in {container}", command.first().map_or("", String::as_str));
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.clone()),
            env: Some(variables),
            user,
            ..CreateExecOptions::default()
        };
        let exec = self.client.create_exec(container, options).await.map_err(|error| self.error(operation(), error))?;
        let started = self.client.start_exec(&exec.id, None::<StartExecOptions>).await;
        let mut printed = Printed { output: String::new(), errors: String::new(), exit_code: 0 };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        if let StartExecResults::Attached { mut output, .. } = started.map_err(|error| self.error(operation(), error))? {
            while let Some(part) = output.next().await {
                match part.map_err(|error| self.error(operation(), error))? {
                    bollard::container::LogOutput::StdErr { message } => err.extend_from_slice(&message),
                    other => out.extend_from_slice(other.as_ref()),
                }
            }
        }
        let ended = self.client.inspect_exec(&exec.id).await.map_err(|error| self.error(operation(), error))?;
        printed.exit_code = ended.exit_code.unwrap_or(-1);
        printed.output = String::from_utf8_lossy(&out).into_owned();
        printed.errors = String::from_utf8_lossy(&err).into_owned();
        Ok(printed)
    }

    /// Puts files below a folder of a container, running or not.
    pub async fn upload(&self, container: &str, folder: &str, files: &[File<'_>]) -> Result<(), TargetError> {
        let operation = || format!("write to {folder} of {container}");
        let archive = archive(files).map_err(|error| self.error(operation(), Error::from(error)))?;
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        let body = bollard::body_full(archive.into());
        self.client.upload_to_container(container, Some(options), body).await.map_err(|error| self.error(operation(), error))
    }

    /// Reads one file of a container, running or not; none when there is none.
    pub async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, TargetError> {
        Ok(self.download_all(container, path).await?.into_values().next())
    }

    /// Reads a file or every file of a folder of a container, running or not, by their names; empty when there is none. The engine reads one
    /// thing of a container at a time, so that a folder takes as long as a file.
    pub async fn download_all(&self, container: &str, path: &str) -> Result<BTreeMap<String, Vec<u8>>, TargetError> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let mut stream = Box::pin(self.client.download_from_container(container, Some(options)));
        let mut archive = Vec::new();
        while let Some(part) = stream.next().await {
            match part {
                Ok(part) => archive.extend_from_slice(&part),
                Err(error) if is_missing(&error) => return Ok(BTreeMap::new()),
                Err(error) => return Err(self.error(format!("read {path} of {container}"), error)),
            }
        }
        files(&archive).map_err(|error| self.error(format!("read {path} of {container}"), Error::from(error)))
    }
}

fn archive(files: &[File<'_>]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(file.mode);
        header.set_uid(file.owner.0);
        header.set_gid(file.owner.1);
        match file.content {
            FileContent::Bytes(bytes) => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                builder.append_data(&mut header, file.path, bytes)?;
            }
            FileContent::Folder => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                builder.append_data(&mut header, file.path, std::io::empty())?;
            }
            FileContent::Link(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, file.path, target)?;
            }
        }
    }
    builder.into_inner()
}

fn files(archive: &[u8]) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    use std::io::Read as _;
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = entry.path()?.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            found.insert(name, content);
        }
    }
    Ok(found)
}

/// Tells whether the engine said that there is no such thing.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// Tells whether the engine said that a name is taken, or that the thing is being changed.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, .. })
}

/// Returns what the engine said, if it said something.
pub(super) fn said(error: &Error) -> &str {
    match error {
        Error::DockerResponseServerError { message, .. } => message,
        _ => "",
    }
}

/// Returns the cause that says most: `connection refused` rather than `client error (Connect)`.
fn innermost(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}
