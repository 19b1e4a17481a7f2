//! Containers that run one command and are gone afterwards.
//!
//! Whatever happens (it ends, it is stopped, the caller goes away), the container is removed. Output is read from before the first
//! byte, in lines; a reader that is too slow, or output beyond the limit, loses lines, never memory and never the last lines.

mod files;
mod output;
mod spec;

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::errors::Error as ApiError;
use bollard::models::{ContainerCreateResponse, NetworkConnectRequest};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, InspectContainerOptions,
    KillContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions, UploadToContainerOptionsBuilder,
    WaitContainerOptions,
};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::files::read_files;
use self::output::Reader;
pub use self::spec::{Folder, Mount, OUT, OnceSpec, Root, Stdout, Tmpfs};
use super::{Docker, said};
use crate::model::LogLine;

/// How long the end of a killed container is waited for.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// How a one-off container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnceEnd {
    /// Its exit code; 137 when it was killed.
    pub exit_code: i64,
    /// Whether the kernel ended something in it for want of memory.
    pub oom: bool,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
    /// Whether it was killed because somebody cancelled.
    pub cancelled: bool,
    /// Lines that no reader got: beyond the limit, or too fast for the reader.
    pub dropped_lines: u64,
    /// Bytes that it printed, standard output that is kept not counted.
    pub printed: u64,
    /// Standard output, when the specification keeps it.
    pub stdout: Vec<u8>,
    /// The last lines of its output.
    pub tail: Vec<String>,
    /// Files that were asked for, in order; none for each that is not there.
    pub collected: Vec<Option<Vec<u8>>>,
    /// How long it ran.
    pub took: Duration,
}

/// Why a one-off container could not run.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// Its image is not there.
    #[error("image `{image}` is not on the engine")]
    ImageMissing {
        /// The image.
        image: String,
    },
    /// Its program is not in the image.
    #[error("`{program}` is not in the image")]
    ProgramMissing {
        /// The program.
        program: String,
    },
    /// Another container bears its name.
    #[error("another container is called `{name}`")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// A file or output that was asked for is larger than its limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What, such as `/nonevent/out/junit.xml`.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Somebody cancelled before it started.
    #[error("it was cancelled")]
    Cancelled,
    /// The engine refused.
    #[error("{operation}: {reason}")]
    Engine {
        /// What was asked, such as `start the container`.
        operation: &'static str,
        /// What the engine said.
        reason: String,
    },
}

impl OnceError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ImageMissing { .. } => Some("build or pull it again".to_owned()),
            Self::ProgramMissing { program } => Some(format!("add what provides `{program}` to the image")),
            Self::NameTaken { .. } | Self::TooLarge { .. } | Self::Cancelled | Self::Engine { .. } => None,
        }
    }
}

/// Runs a container to its end, streams its output into `lines`, and removes it.
///
/// # Errors
/// When it cannot be made or started, when the engine goes away, or when a collected file is too large. A command that fails is
/// no error; see [`OnceEnd`].
pub async fn run(
    docker: &Docker,
    spec: &OnceSpec,
    lines: &mpsc::Sender<LogLine>,
    cancel: &CancellationToken,
) -> Result<OnceEnd, OnceError> {
    let container = Container::create(docker, spec).await?;
    let end = match container.prepare(spec).await {
        Ok(()) => container.run(spec, lines, cancel).await,
        Err(error) => Err(error),
    };
    container.remove().await;
    end
}

/// A container that is removed when this goes away, awaited or not.
struct Container {
    client: bollard::Docker,
    id: String,
    kept: bool,
}

impl Container {
    async fn create(docker: &Docker, spec: &OnceSpec) -> Result<Self, OnceError> {
        let options = spec.name.as_ref().map(|name| CreateContainerOptionsBuilder::default().name(name).build());
        let created = docker.client.create_container(options, spec.body(&docker.info)).await;
        let ContainerCreateResponse { id, .. } = created.map_err(|error| match status(&error) {
            Some(404) => OnceError::ImageMissing { image: spec.image.clone() },
            Some(409) if spec.name.is_some() => OnceError::NameTaken { name: spec.name.clone().unwrap_or_default() },
            _ => engine("make the container")(error),
        })?;
        Ok(Self { client: docker.client.clone(), id, kept: true })
    }

    /// Connects further networks and makes the folders that the command writes to.
    async fn prepare(&self, spec: &OnceSpec) -> Result<(), OnceError> {
        for network in spec.networks.iter().skip(1) {
            let request = NetworkConnectRequest { container: self.id.clone(), ..NetworkConnectRequest::default() };
            self.client.connect_network(network, request).await.map_err(engine("connect the container to its network"))?;
        }
        for (parent, archive) in spec.folder_archives() {
            let options = UploadToContainerOptionsBuilder::default().path(&parent).build();
            let body = bollard::body_full(archive.into());
            self.client
                .upload_to_container(&self.id, Some(options), body)
                .await
                .map_err(engine("make a folder in the container"))?;
        }
        Ok(())
    }

    async fn run(
        &self,
        spec: &OnceSpec,
        lines: &mpsc::Sender<LogLine>,
        cancel: &CancellationToken,
    ) -> Result<OnceEnd, OnceError> {
        if cancel.is_cancelled() {
            return Err(OnceError::Cancelled);
        }
        let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        let attached = self.client.attach_container(&self.id, Some(options)).await.map_err(engine("attach to the container"))?;
        self.start(spec).await?;
        let started = Instant::now();
        let mut reader = Reader::new(spec, lines);
        let stopped = self.follow(spec, attached.output, &mut reader, cancel).await?;
        let took = started.elapsed();
        reader.finish().await;

        let state = self.client.inspect_container(&self.id, None::<InspectContainerOptions>).await;
        let state = state.map_err(engine("inspect the container"))?.state.unwrap_or_default();
        let collected = match stopped {
            Stopped::Ended => self.collect(spec).await?,
            Stopped::TimedOut | Stopped::Cancelled => Vec::new(),
        };
        Ok(OnceEnd {
            exit_code: state.exit_code.unwrap_or(-1),
            oom: state.oom_killed.unwrap_or_default(),
            timed_out: stopped == Stopped::TimedOut,
            cancelled: stopped == Stopped::Cancelled,
            dropped_lines: reader.dropped(),
            printed: reader.read,
            tail: VecDeque::into(reader.tail),
            stdout: reader.kept,
            collected,
            took,
        })
    }

    async fn start(&self, spec: &OnceSpec) -> Result<(), OnceError> {
        self.client.start_container(&self.id, None::<StartContainerOptions>).await.map_err(|error| {
            let missing = error.to_string();
            match missing.contains("executable file not found") || missing.contains("no such file or directory") {
                true => OnceError::ProgramMissing { program: spec.argv.first().cloned().unwrap_or_default() },
                false => engine("start the container")(error),
            }
        })
    }

    /// Reads until the container has ended; kills it when its time is over or somebody cancels.
    async fn follow(
        &self,
        spec: &OnceSpec,
        mut output: impl Stream<Item = Result<LogOutput, ApiError>> + Unpin,
        reader: &mut Reader<'_>,
        cancel: &CancellationToken,
    ) -> Result<Stopped, OnceError> {
        let reading = async {
            // An engine that goes away ends the stream; waiting then says so.
            while let Some(Ok(piece)) = output.next().await {
                reader.take(piece).await;
            }
            self.wait().await
        };
        tokio::pin!(reading);
        let stopped = tokio::select! {
            ended = &mut reading => return ended.map(|()| Stopped::Ended),
            () = cancel.cancelled() => Stopped::Cancelled,
            () = tokio::time::sleep(spec.timeout) => Stopped::TimedOut,
        };
        self.kill().await?;
        // What it printed before it was killed is still on its way; an engine that lost it must not hold us up.
        let _ = tokio::time::timeout(AFTER_KILL, reading).await;
        Ok(stopped)
    }

    async fn wait(&self) -> Result<(), OnceError> {
        let mut waiting = self.client.wait_container(&self.id, None::<WaitContainerOptions>);
        match waiting.next().await {
            // The client takes an exit code other than 0 for an error.
            None | Some(Ok(_) | Err(ApiError::DockerContainerWaitError { .. })) => Ok(()),
            Some(Err(error)) => Err(engine("wait for the container")(error)),
        }
    }

    async fn kill(&self) -> Result<(), OnceError> {
        let options = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
        match self.client.kill_container(&self.id, Some(options)).await {
            Ok(()) => Ok(()),
            // It ended by itself meanwhile.
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(engine("stop the container")(error)),
        }
    }

    async fn collect(&self, spec: &OnceSpec) -> Result<Vec<Option<Vec<u8>>>, OnceError> {
        let mut files = Vec::with_capacity(spec.collect.len());
        for path in &spec.collect {
            let file = read_file(&self.client, &self.id, path, spec.collect_limit).await?;
            files.push(file.map(|bytes| spec.mask.bytes(&bytes).into_owned()));
        }
        Ok(files)
    }

    async fn remove(mut self) {
        self.kept = false;
        remove(&self.client, &self.id).await;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.kept {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (client, id) = (self.client.clone(), std::mem::take(&mut self.id));
            runtime.spawn(async move { remove(&client, &id).await });
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Ended,
    TimedOut,
    Cancelled,
}

/// Removes a container with its anonymous volumes. That it is gone already is what was wanted.
async fn remove(client: &bollard::Docker, id: &str) {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    if let Err(error) = client.remove_container(id, Some(options)).await
        && !matches!(status(&error), Some(404 | 409))
    {
        tracing::warn!(container = id, error = %error, "a one-off container was not removed");
    }
}

/// Reads one file out of a container, running or not; none when it is not there.
///
/// # Errors
/// When it is larger than `limit` bytes, or the engine refuses.
pub async fn read_file(client: &bollard::Docker, container: &str, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, OnceError> {
    let too_large = || OnceError::TooLarge { what: path.display().to_string(), limit };
    // Blocks and headers of the archive come on top of the file's own bytes.
    let most = usize::try_from(limit.saturating_add(16 * 1024)).unwrap_or(usize::MAX);
    let options = DownloadFromContainerOptionsBuilder::default().path(&path.to_string_lossy()).build();
    let mut stream = std::pin::pin!(client.download_from_container(container, Some(options)));
    let mut archive = Vec::new();
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) if archive.len() + piece.len() > most => return Err(too_large()),
            Ok(piece) => archive.extend_from_slice(&piece),
            Err(error) if status(&error) == Some(404) => return Ok(None),
            Err(error) => return Err(engine("read a file out of the container")(error)),
        }
    }
    first_file(&archive)
        .map_err(|error| OnceError::Engine { operation: "read a file out of the container", reason: error.to_string() })
}

fn first_file(archive: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn engine(operation: &'static str) -> impl Fn(ApiError) -> OnceError {
    move |error| OnceError::Engine { operation, reason: said(&error) }
}

/// Returns where a collected file must lie to be found after the command has ended.
pub fn out(file: &str) -> PathBuf {
    Path::new(OUT).join(file)
}
