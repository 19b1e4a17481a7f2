//! One stream of one instance, line by line, for whoever keeps it.

use std::pin::pin;

use bollard::container::LogOutput;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::DockerTarget;
use super::api::is_missing;
use super::instance::instance;
use crate::logs::Line;
use crate::model::{Instance, InstanceId, LogLine, LogStream};
use crate::target::{Follow, Place, TargetError};

/// Bytes of a line beyond which it is cut in two: nothing that prints without end may fill the memory.
const LONGEST: usize = 256 * 1024;

impl DockerTarget {
    pub(super) async fn list_instances(&self, place: &Place) -> Result<Vec<Instance>, TargetError> {
        let containers = self.place_containers(place).await?;
        let inspected =
            containers.into_iter().filter_map(|container| container.id).map(|id| async move { self.api.inspect(&id).await });
        let inspected = try_join_all(inspected).await?;
        Ok(inspected.iter().flatten().filter_map(instance).collect())
    }

    pub(super) async fn read_stream(
        &self,
        instance: &InstanceId,
        stream: LogStream,
        since: Option<i64>,
        follow: Follow,
        lines: &mpsc::Sender<Line>,
    ) -> Result<(), TargetError> {
        let since = since.map_or(0, |at| i32::try_from(at.div_euclid(1_000_000_000)).unwrap_or(i32::MAX));
        let options = LogsOptionsBuilder::new()
            .stdout(stream == LogStream::Stdout)
            .stderr(stream == LogStream::Stderr)
            .timestamps(true)
            .since(since)
            .follow(follow == Follow::Follow)
            .build();
        let mut parts = pin!(self.api.client.logs(instance.as_str(), Some(options)));
        let mut whole = Whole::default();
        while let Some(part) = parts.next().await {
            let part = match part {
                Ok(LogOutput::StdOut { message } | LogOutput::StdErr { message } | LogOutput::Console { message }) => message,
                Ok(LogOutput::StdIn { .. }) => continue,
                Err(error) if is_missing(&error) => break,
                Err(error) => return Err(self.api.error(format!("read the output of {instance}"), error)),
            };
            if let Some(line) = whole.take(&part)
                && lines.send(line).await.is_err()
            {
                return Ok(());
            }
        }
        if let Some(line) = whole.end() {
            let _ = lines.send(line).await;
        }
        Ok(())
    }

    /// Has the last lines of a container read, if it is an instance; returns why not, when they were not.
    pub(super) async fn keep_output(&self, place: &Place, container: &ContainerInspectResponse) -> Option<LogLine> {
        let (keeper, instance) = (self.keeper.as_ref()?, instance(container)?);
        let error = keeper.keep(self, place, &instance).await.err()?;
        let text = format!("what {} printed last was not kept: {error}", instance.name);
        tracing::warn!("{text}");
        Some(LogLine { source: instance.name, stream: LogStream::Stderr, at: None, text })
    }
}

/// Puts the parts of long lines together: the engine cuts them every 16 KiB, and gives each part a time.
#[derive(Debug, Default)]
struct Whole {
    at: Option<i64>,
    bytes: Vec<u8>,
}

impl Whole {
    fn take(&mut self, part: &[u8]) -> Option<Line> {
        let (at, text) = timed(part);
        self.at = self.at.or(at);
        self.bytes.extend_from_slice(text);
        (text.last() == Some(&b'\n') || self.bytes.len() >= LONGEST).then(|| self.end()).flatten()
    }

    fn end(&mut self) -> Option<Line> {
        let at = self.at.take()?;
        let bytes = std::mem::take(&mut self.bytes);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Some(Line { at, text: text.strip_suffix('\r').unwrap_or(text).to_owned() })
    }
}

/// Parts what the engine wrote before a line, the time and a space, from the line.
fn timed(part: &[u8]) -> (Option<i64>, &[u8]) {
    let end = part.iter().take(40).position(|byte| matches!(byte, b' ' | b'\n'));
    let time = end.and_then(|end| std::str::from_utf8(part.get(..end)?).ok());
    let at = time.and_then(|time| time.parse::<Timestamp>().ok());
    match (at.and_then(|at| i64::try_from(at.as_nanosecond()).ok()), end) {
        (Some(at), Some(end)) => {
            let rest = part.get(end..).unwrap_or_default();
            (Some(at), rest.strip_prefix(b" ").unwrap_or(rest))
        }
        _ => (Some(0), part),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn long_lines_are_put_together_and_times_taken_off() {
        let mut whole = Whole::default();
        assert_eq!(whole.take(b"2026-11-23T08:47:07.000000001Z {\"a\":\xc3"), None);
        let line = whole.take(b"2026-11-23T08:47:07.000000009Z \xbc}\r\n").unwrap();
        assert_eq!((line.at % 1_000_000_000, line.text.as_str()), (1, "{\"a\":ü}"));
        assert_eq!(whole.take(b"2026-11-23T08:47:08Z\n").unwrap().text, "");
        assert_eq!(whole.take(b"2026-11-23T08:47:08Z   indented\n").unwrap().text, "  indented");
        assert_eq!(whole.end(), None);
        assert_eq!(whole.take(b"2026-11-23T08:47:09Z cut off"), None);
        assert_eq!(whole.end().unwrap().text, "cut off");
    }
}
