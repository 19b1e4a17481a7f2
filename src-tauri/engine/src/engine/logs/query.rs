//! Finding what was kept, and what is printed now.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::docker::Docker;
use crate::engine::{Engine, environment, place};
use crate::error::EngineError;
use crate::logs::{Filter, Joined, Joiner, Line, parse};
use crate::model::{
    EnvironmentName, ExceptionGroup, Instance, LogLine, LogPage, LogReach, LogRecord, LogStream, ProcessName, ReleaseId,
};
use crate::project::Project;
use crate::store::LogStore;
use crate::store::logs::{Position, told_time};
use crate::target::{Follow, LogQuery, Place, Target};

/// Most records of one page.
const MOST: u32 = 10_000;
/// Time after which nothing more is expected to belong to what was printed last.
const QUIET: Duration = Duration::from_millis(300);

impl Engine {
    /// Finds the newest records of an environment that fit a filter, at most `limit`, after `before` of an earlier page. What was printed
    /// since somebody last kept it is kept first; without an engine, the page says how far what is kept reaches.
    ///
    /// # Errors
    /// When the project or what is kept cannot be read, or `before` is no place.
    pub async fn log_records(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        filter: Filter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<LogPage, EngineError> {
        let project = self.open_project(folder)?;
        let (name, _) = environment(&project, name)?;
        let before = match before {
            Some(text) => Some(Position::read(text).ok_or_else(|| {
                EngineError::user("log_place_unknown", format!("`{text}` is no place in the logs"))
                    .with_hint("take it from `next` of the page before")
            })?),
            None => None,
        };
        // Pages after the first one show what was there for the first one.
        let behind = if before.is_none() { self.refresh(&project, name).await } else { None };
        if !LogStore::exists(&self.home.data, &project.settings.app.name) {
            let reach = LogReach { behind, ..LogReach::default() };
            return Ok(LogPage { records: Vec::new(), next: None, reach });
        }
        let store = LogStore::open(&self.home.data, &project.settings.app.name)?;
        let environment = name.clone();
        let limit = usize::try_from(limit.clamp(1, MOST)).unwrap_or(1);
        let found = tokio::task::spawn_blocking(move || {
            let reach = store.reach(&environment)?;
            store.search(&environment, &filter, before, limit).map(|kept| (kept, reach))
        });
        let (kept, reach) = found.await.map_err(|error| EngineError::ours(error.to_string()))??;
        let next = kept.next.map(|next| next.to_string());
        Ok(LogPage { records: kept.records, next, reach: LogReach { behind, ..reach } })
    }

    /// Groups the exceptions that an environment told since a moment, the last told first; says how far what is kept reaches, too.
    ///
    /// # Errors
    /// When the project or what is kept cannot be read.
    pub async fn exception_groups(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        since: Option<Timestamp>,
    ) -> Result<(Vec<ExceptionGroup>, LogReach), EngineError> {
        let project = self.open_project(folder)?;
        let (name, _) = environment(&project, name)?;
        let behind = self.refresh(&project, name).await;
        if !LogStore::exists(&self.home.data, &project.settings.app.name) {
            return Ok((Vec::new(), LogReach { behind, ..LogReach::default() }));
        }
        let store = LogStore::open(&self.home.data, &project.settings.app.name)?;
        let since = since.map_or(i64::MIN, |since| i64::try_from(since.as_nanosecond()).unwrap_or(i64::MAX));
        Ok((store.exceptions(name, since)?, LogReach { behind, ..store.reach(name)? }))
    }

    /// Keeps what was printed by now; returns why that could not be done.
    async fn refresh(&self, project: &Project, name: &EnvironmentName) -> Option<String> {
        let refreshed = async {
            let (name, environment) = environment(project, name)?;
            let target = self.target(&Docker::connect().await?, project, environment)?;
            self.catch_up(target.as_ref(), project, name).await
        };
        refreshed.await.err().map(|error| error.to_string())
    }

    /// Reads the records that an environment prints from now on and that fit a filter, until the receiver is dropped.
    ///
    /// # Errors
    /// When the project cannot be read or no engine answers.
    pub async fn follow_records(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        filter: Filter,
    ) -> Result<mpsc::Receiver<LogRecord>, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let query = LogQuery { instance: None, tail: Some(1), follow: Follow::Follow };
        let lines = self.logs(folder, name, query).await?;
        let (sender, records) = mpsc::channel(256);
        let live = Live { target, place: place(&project, name), filter, known: HashMap::new(), joiners: BTreeMap::new() };
        tokio::spawn(live.run(lines, sender));
        Ok(records)
    }
}

/// Records of what is printed now.
struct Live {
    target: Arc<dyn Target>,
    place: Place,
    filter: Filter,
    known: HashMap<String, Instance>,
    joiners: BTreeMap<(String, bool), Joiner>,
}

impl Live {
    async fn run(mut self, mut lines: mpsc::Receiver<LogLine>, sender: mpsc::Sender<LogRecord>) {
        let mut joined = Vec::new();
        loop {
            let line = tokio::select! {
                () = sender.closed() => return,
                line = tokio::time::timeout(QUIET, lines.recv()) => line,
            };
            let ended = matches!(line, Ok(None));
            match line {
                Ok(Some(line)) => self.take(line, &mut joined),
                Ok(None) | Err(_) => {
                    for ((source, errors), joiner) in &mut self.joiners {
                        let mut own = Vec::new();
                        joiner.flush(&mut own);
                        joined.extend(own.into_iter().map(|one| (source.clone(), *errors, one)));
                    }
                }
            }
            for (source, errors, one) in joined.drain(..) {
                let record = self.record(source, errors, one).await;
                if self.filter.takes(&record) && sender.send(record).await.is_err() {
                    return;
                }
            }
            if ended {
                return;
            }
        }
    }

    fn take(&mut self, line: LogLine, joined: &mut Vec<(String, bool, Joined)>) {
        // What ran once before the start is no instance.
        let at = line.at.as_deref().and_then(|at| at.parse::<Timestamp>().ok()).unwrap_or_else(Timestamp::now);
        let key = (line.source, line.stream == LogStream::Stderr);
        let mut own = Vec::new();
        let at = i64::try_from(at.as_nanosecond()).unwrap_or_default();
        self.joiners.entry(key.clone()).or_default().push(Line { at, text: line.text }, &mut own);
        joined.extend(own.into_iter().map(|one| (key.0.clone(), key.1, one)));
    }

    async fn record(&mut self, source: String, errors: bool, joined: Joined) -> LogRecord {
        if !self.known.contains_key(&source)
            && let Ok(instances) = self.target.instances(&self.place).await
        {
            self.known.extend(instances.into_iter().map(|instance| (instance.name.clone(), instance)));
        }
        let known = self.known.get(&source);
        let parsed = parse::read(&joined.text);
        LogRecord {
            place: None,
            at: told_time(joined.at),
            level: joined.level,
            message: parsed.message,
            logger: parsed.logger,
            fields: parsed.fields,
            process: known.map_or_else(|| ProcessName::new(""), |known| known.process.clone()),
            release: known.map_or_else(|| ReleaseId::new(""), |known| known.release.clone()),
            instance: source,
            stream: if errors { LogStream::Stderr } else { LogStream::Stdout },
            exception: parsed.exception,
            text: joined.text,
        }
    }
}
