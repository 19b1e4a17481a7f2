//! Commands inside running instances, with or without a terminal.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};

use super::DockerTarget;
use super::lock::label_of;
use super::scope::label;
use super::side::short;
use crate::model::{InstanceId, LogStream};
use crate::target::{Session, TargetError, Terminal};

/// Time after which a terminal's first size is set again, if it could not be; it grows with each try.
const FIRST_RESIZE: Duration = Duration::from_millis(10);
/// Parts of output or input that wait for a slow reader.
const WAITING: usize = 64;

impl DockerTarget {
    pub(super) async fn open_session(
        &self,
        instance: &InstanceId,
        command: &[String],
        terminal: Terminal,
    ) -> Result<Session, TargetError> {
        let operation = || format!("run `{}` in instance {}", command.first().map_or("", String::as_str), short(instance));
        let container = self.api.inspect(instance.as_str()).await?;
        let ours = container.as_ref().and_then(|container| label_of(container, label::SCOPE));
        if ours.as_deref() != Some(self.options.scope.name()) {
            return Err(TargetError::Refused { operation: operation(), reason: "it does not exist".to_owned() });
        }
        let tty = matches!(terminal, Terminal::Attached { .. });
        let reads = tty || terminal == Terminal::Input;
        let size = match terminal {
            Terminal::Attached { columns, rows } => Some((columns, rows)),
            Terminal::None | Terminal::Input => None,
        };
        let config = ExecConfig {
            attach_stdin: Some(reads),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(tty),
            // Newer engines give the terminal its size from the start, older ones leave this out of account.
            console_size: size.map(|(columns, rows)| vec![usize::from(rows), usize::from(columns)]),
            cmd: Some(command.to_vec()),
            env: tty.then(|| vec!["TERM=xterm-256color".to_owned()]),
            ..ExecConfig::default()
        };
        let created = self.api.client.create_exec(instance.as_str(), config).await;
        let id = created.map_err(|error| self.api.error(operation(), error))?.id;
        let start = StartExecOptions { detach: false, tty, output_capacity: None };
        let started = self.api.client.start_exec(&id, Some(start)).await.map_err(|error| self.api.error(operation(), error))?;
        let StartExecResults::Attached { output: mut printed, input: mut reader } = started else {
            return Err(TargetError::Refused { operation: operation(), reason: "the engine detached from it".to_owned() });
        };
        let (output, session_output) = mpsc::channel(WAITING);
        let (exit, session_exit) = oneshot::channel();
        let api = self.api.clone();
        let (exec, words) = (id.clone(), operation());
        tokio::spawn(async move {
            let mut broken = None;
            while let Some(part) = printed.next().await {
                let part = match part {
                    Ok(LogOutput::StdErr { message }) => (LogStream::Stderr, message.to_vec()),
                    Ok(other) => (LogStream::Stdout, other.into_bytes().to_vec()),
                    Err(error) => {
                        broken = Some(api.error(words.clone(), error));
                        break;
                    }
                };
                if output.send(part).await.is_err() {
                    break;
                }
            }
            let ended = match broken {
                Some(error) => Err(error),
                None => match api.client.inspect_exec(&exec).await {
                    Ok(ended) => Ok(ended.exit_code.unwrap_or(-1)),
                    Err(error) => Err(api.error(words, error)),
                },
            };
            let _ = exit.send(ended);
        });
        let input = reads.then(|| {
            let (input, mut typed) = mpsc::channel::<Vec<u8>>(WAITING);
            tokio::spawn(async move {
                while let Some(bytes) = typed.recv().await {
                    if reader.write_all(&bytes).await.is_err() || reader.flush().await.is_err() {
                        return;
                    }
                }
                let _ = reader.shutdown().await;
            });
            input
        });
        let resizes = size.map(|first| {
            let (resizes, mut sizes) = mpsc::channel::<(u16, u16)>(WAITING);
            let (client, id) = (self.api.client.clone(), id.clone());
            tokio::spawn(async move {
                let resize =
                    async |(columns, rows)| client.resize_exec(&id, ResizeExecOptions { width: columns, height: rows }).await;
                // An engine answers before the process is there that has the terminal.
                for wait in 1..10 {
                    if resize(first).await.is_ok() {
                        break;
                    }
                    tokio::time::sleep(FIRST_RESIZE * wait).await;
                }
                while let Some(size) = sizes.recv().await {
                    let _ = resize(size).await;
                }
            });
            resizes
        });
        Ok(Session { output: session_output, input, resize: resizes, exit: session_exit })
    }
}
