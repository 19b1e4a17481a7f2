//! Reading output: of one container to its end, of an environment's instances as they come and go.
//!
//! A place in an instance's output is a cursor: the time of the last line that was passed on and how many lines bore that time. After
//! the connection or the instance ended, reading goes on behind it: the engine is asked for everything since that second, and what
//! was passed on before is left out.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::{EventsOptionsBuilder, LogsOptions, LogsOptionsBuilder};
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::DockerTarget;
use super::api::is_missing;
use super::scope::{Role, label};
use crate::model::{LogLine, LogStream};
use crate::target::{Follow, LineSink, LogQuery, Place, TargetError};

/// A place in an instance's output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cursor {
    at: String,
    count: u32,
}

/// How often a line of the cursor's own time was met again.
#[derive(Debug, Default)]
struct Again(u32);

impl Cursor {
    /// Tells whether a line lies behind the cursor, and moves it there.
    fn advance(&mut self, at: &str, again: &mut Again) -> bool {
        match at.cmp(self.at.as_str()) {
            std::cmp::Ordering::Less => return false,
            std::cmp::Ordering::Equal => {
                again.0 += 1;
                if again.0 <= self.count {
                    return false;
                }
                self.count = again.0;
            }
            std::cmp::Ordering::Greater => {
                *self = Self { at: at.to_owned(), count: 1 };
                *again = Again(1);
            }
        }
        true
    }

    /// Returns the second from which the engine is asked.
    fn second(&self) -> i32 {
        let at: Option<Timestamp> = self.at.parse().ok();
        at.and_then(|at| i32::try_from(at.as_second()).ok()).unwrap_or_default()
    }
}

/// An instance whose output is read.
#[derive(Debug, Clone)]
struct Source {
    id: String,
    name: String,
}

/// Time in which an engine that went away must be back for reading to go on.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time that a reader of a live run may need for one line before it loses it.
const SLOW: Duration = Duration::from_millis(200);

pub(super) type Lines = Pin<Box<dyn Stream<Item = Result<LogLine, Error>> + Send>>;

impl DockerTarget {
    pub(super) async fn read_logs(&self, place: &Place, query: &LogQuery, sink: &LineSink) -> Result<(), TargetError> {
        let sources = self.sources(place, query).await?;
        let mut cursors = HashMap::new();
        self.merge(&sources, query, sink, &mut cursors).await?;
        match query.follow {
            Follow::Stop => Ok(()),
            Follow::Follow => self.follow(place, query, sink, cursors).await,
        }
    }

    /// Reads a container's output until it ends. A reader that is too slow loses lines.
    pub(super) async fn follow_to_end(&self, id: &str, name: &str, sink: &LineSink) -> Result<(), TargetError> {
        let mut lines = self.lines(id, name, LogsOptionsBuilder::new().follow(true));
        while let Some(line) = lines.next().await {
            let line = line.map_err(|error| self.api.error(format!("read the output of {name}"), error))?;
            let _ = sink.send_timeout(line, SLOW).await;
        }
        Ok(())
    }

    /// Reads the last lines of a container that has ended. A reader that is too slow loses lines.
    pub(super) async fn read_last_lines(&self, id: &str, name: &str, count: u32, sink: &LineSink) -> Result<(), TargetError> {
        let mut lines = self.lines(id, name, LogsOptionsBuilder::new().tail(&count.to_string()));
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) => {
                    let _ = sink.send_timeout(line, SLOW).await;
                }
                // Another logging driver than ours may not be read; that must not keep an instance from being removed.
                Err(error) => {
                    tracing::warn!(name, %error, "the last lines of an instance could not be read");
                    break;
                }
            }
        }
        Ok(())
    }

    /// Returns the last lines of a container as text.
    pub(super) async fn last_lines(&self, id: &str, count: u32) -> Result<Vec<String>, TargetError> {
        let lines = self.lines(id, id, LogsOptionsBuilder::new().tail(&count.to_string()));
        let lines: Vec<_> = lines.collect().await;
        Ok(lines.into_iter().filter_map(Result::ok).map(|line| line.text).collect())
    }

    /// Tells whether a container has printed a text since it started.
    pub(super) async fn has_printed(&self, name: &str, since: Option<&str>, text: &str) -> Result<bool, TargetError> {
        let since: Option<Timestamp> = since.and_then(|since| since.parse().ok());
        let second = since.and_then(|since| i32::try_from(since.as_second()).ok()).unwrap_or_default();
        let mut lines = self.lines(name, name, LogsOptionsBuilder::new().since(second));
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) if line.text.contains(text) => return Ok(true),
                Ok(_) => {}
                Err(error) => return Err(self.api.error(format!("read the output of {name}"), error)),
            }
        }
        Ok(false)
    }

    /// Passes on what is there, of all instances in the order of time.
    async fn merge(
        &self,
        sources: &[Source],
        query: &LogQuery,
        sink: &LineSink,
        cursors: &mut HashMap<String, Cursor>,
    ) -> Result<(), TargetError> {
        let tail = query.tail.map_or_else(|| "all".to_owned(), |count| count.to_string());
        let mut streams: Vec<(&Source, stream::Peekable<Lines>)> = sources
            .iter()
            .map(|source| (source, self.lines(&source.id, &source.name, LogsOptionsBuilder::new().tail(&tail)).peekable()))
            .collect();
        loop {
            let mut first: Option<(String, usize)> = None;
            for (index, (_, lines)) in streams.iter_mut().enumerate() {
                if let Some(Ok(line)) = Pin::new(lines).peek().await {
                    let at = line.at.clone().unwrap_or_default();
                    if first.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
                        first = Some((at, index));
                    }
                }
            }
            let Some((at, index)) = first else { return Ok(()) };
            let Some((source, lines)) = streams.get_mut(index) else { return Ok(()) };
            let cursor = cursors.entry(source.id.clone()).or_default();
            let mut again = Again(if cursor.at == at { cursor.count } else { 0 });
            if let Some(Ok(line)) = lines.next().await {
                cursor.advance(&at, &mut again);
                if sink.send(line).await.is_err() {
                    return Ok(());
                }
            }
        }
    }

    /// Passes on what is printed from now on, until the reader goes.
    async fn follow(
        &self,
        place: &Place,
        query: &LogQuery,
        sink: &LineSink,
        mut cursors: HashMap<String, Cursor>,
    ) -> Result<(), TargetError> {
        let mut lost: Option<Instant> = None;
        loop {
            match self.follow_connected(place, query, sink, &mut cursors).await {
                Ok(()) => return Ok(()),
                Err(error @ TargetError::Unreachable { .. }) => {
                    if lost.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                        return Err(error);
                    }
                    tokio::select! {
                        () = sink.closed() => return Ok(()),
                        () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    }
                    if self.api.client.ping().await.is_ok() {
                        lost = None;
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn follow_connected(
        &self,
        place: &Place,
        query: &LogQuery,
        sink: &LineSink,
        cursors: &mut HashMap<String, Cursor>,
    ) -> Result<(), TargetError> {
        let mut filters = self.api.filters(place_labels(place));
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), vec!["start".to_owned()]);
        // From a moment before the list is made, so that nothing starts between the two.
        let since = self.engine_time().await?.as_second().to_string();
        let options = EventsOptionsBuilder::new().since(&since).filters(&filters).build();
        let mut starts = Box::pin(self.api.client.events(Some(options)));
        let mut active = HashSet::new();
        let mut reading: JoinSet<(Source, Cursor)> = JoinSet::new();
        let mut waiting = self.sources(place, query).await?;
        loop {
            for source in waiting.drain(..) {
                if active.insert(source.id.clone()) {
                    let cursor = cursors.get(&source.id).cloned().unwrap_or_default();
                    let lines =
                        self.lines(&source.id, &source.name, LogsOptionsBuilder::new().follow(true).since(cursor.second()));
                    reading.spawn(read_on(source, lines, cursor, sink.clone()));
                }
            }
            tokio::select! {
                () = sink.closed() => return Ok(()),
                Some(ended) = reading.join_next(), if !reading.is_empty() => {
                    let Ok((source, cursor)) = ended else { continue };
                    active.remove(&source.id);
                    cursors.insert(source.id.clone(), cursor);
                    // Restarted before its end was noticed: its start was told while it was still being read.
                    if self.runs(&source).await? {
                        waiting.push(source);
                    }
                }
                event = starts.next() => match event {
                    Some(Ok(_)) => waiting = self.sources(place, query).await?,
                    Some(Err(error)) => return Err(self.api.error("listen to the engine", error)),
                    None => {
                        let host = self.api.host.clone();
                        return Err(TargetError::Unreachable { host, reason: "it ended the connection".to_owned() });
                    }
                },
            }
        }
    }

    /// Lists the instances whose output is asked for.
    async fn sources(&self, place: &Place, query: &LogQuery) -> Result<Vec<Source>, TargetError> {
        let listed = self.place_containers(place).await?;
        let mut sources: Vec<Source> = listed
            .into_iter()
            .filter_map(|container| {
                let labels = container.labels?;
                let role = labels.get(label::ROLE)?;
                let id = container.id?;
                let asked = query.instance.as_ref().is_none_or(|instance| instance.as_str() == id);
                let is_instance = role == Role::Web.word() || role == Role::Worker.word();
                (asked && is_instance).then(|| Source { id, name: labels.get(label::INSTANCE).cloned().unwrap_or_default() })
            })
            .collect();
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(sources)
    }

    async fn runs(&self, source: &Source) -> Result<bool, TargetError> {
        let container = self.api.inspect(&source.id).await?;
        Ok(container.and_then(|container| container.state).and_then(|state| state.running).unwrap_or_default())
    }

    pub(super) fn lines(&self, id: &str, name: &str, options: LogsOptionsBuilder) -> Lines {
        let options: LogsOptions = options.stdout(true).stderr(true).timestamps(true).build();
        let name = name.to_owned();
        let output = self.api.client.logs(id, Some(options));
        Box::pin(output.filter_map(move |part| {
            let line = match part {
                Ok(part) => Some(Ok(line(&name, &part))),
                // It was removed while it was read: that is its end.
                Err(error) if is_missing(&error) => None,
                Err(error) => Some(Err(error)),
            };
            std::future::ready(line)
        }))
    }
}

async fn read_on(source: Source, mut lines: Lines, mut cursor: Cursor, sink: LineSink) -> (Source, Cursor) {
    let mut again = Again::default();
    while let Some(Ok(line)) = lines.next().await {
        if cursor.advance(line.at.as_deref().unwrap_or_default(), &mut again) && sink.send(line).await.is_err() {
            break;
        }
    }
    (source, cursor)
}

/// Reads a line as the engine gives it: its time, a space, the text.
fn line(name: &str, part: &LogOutput) -> LogLine {
    let text = String::from_utf8_lossy(part.as_ref()).into_owned();
    let text = text.trim_end_matches(['\n', '\r']);
    let stream = if matches!(part, LogOutput::StdErr { .. }) { LogStream::Stderr } else { LogStream::Stdout };
    let (at, text) = match text.split_once(' ') {
        Some((at, rest)) if at.parse::<Timestamp>().is_ok() => (Some(at.to_owned()), rest),
        // An empty line is a time alone.
        None if text.parse::<Timestamp>().is_ok() => (Some(text.to_owned()), ""),
        _ => (None, text),
    };
    LogLine { source: name.to_owned(), stream, at, text: text.to_owned() }
}

fn place_labels(place: &Place) -> Vec<String> {
    vec![format!("{}={}", label::PROJECT, place.project), format!("{}={}", label::ENVIRONMENT, place.environment)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(cursor: &mut Cursor, times: &[&str]) -> Vec<String> {
        let mut again = Again::default();
        times.iter().filter(|at| cursor.advance(at, &mut again)).map(|at| (*at).to_owned()).collect()
    }

    #[test]
    fn lines_that_were_passed_on_are_left_out_after_a_reconnect() {
        let mut cursor = Cursor::default();
        assert_eq!(passed_on(&mut cursor, &["t1", "t2", "t2"]), ["t1", "t2", "t2"]);
        assert_eq!(passed_on(&mut cursor, &["t1", "t2", "t2", "t2", "t3"]), ["t2", "t3"]);
        assert_eq!(passed_on(&mut cursor, &["t3"]), [""; 0]);
    }

    #[test]
    fn a_line_is_parted_from_its_time() {
        let part = |text: &str| LogOutput::StdErr { message: text.to_owned().into() };
        let read = line("web", &part("2026-11-23T08:47:07.111222333Z hello there\r\n"));
        assert_eq!((read.at.as_deref(), read.text.as_str()), (Some("2026-11-23T08:47:07.111222333Z"), "hello there"));
        assert_eq!(read.stream, LogStream::Stderr);
        assert_eq!(line("web", &part("2026-11-23T08:47:07Z\n")).text, "");
        assert_eq!(line("web", &part("no time\n")).text, "no time");
    }
}
