//! Finding records, the newest first: blocks that cannot hold any are not opened, and no more are opened than are needed.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;
use rusqlite::{Connection, params};

use super::block::{self, Block, Entry, grade};
use super::write::waiting_rows;
use super::{LogStore, told_time};
use crate::logs::{Filter, parse};
use crate::model::{EnvironmentName, LogLevel, LogReach, LogRecord, ProcessName, ReleaseId};
use crate::store::StoreError;

/// Blocks that are in memory at once.
const AT_ONCE: usize = 8;

/// A place among the records of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    at: i64,
    seq: i64,
}

impl Position {
    /// Reads a place as [`LogRecord::place`] tells it.
    pub fn read(text: &str) -> Option<Self> {
        let (at, seq) = text.split_once('-')?;
        Some(Self { at: at.parse().ok()?, seq: seq.parse().ok()? })
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.at, self.seq)
    }
}

/// Records that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The newest first.
    pub records: Vec<LogRecord>,
    /// Where to go on; none when there is no more.
    pub next: Option<Position>,
}

struct Found {
    position: Position,
    source: i64,
    level: Option<LogLevel>,
    stream: crate::model::LogStream,
    text: String,
}

struct Known {
    name: String,
    process: ProcessName,
    release: ReleaseId,
    wanted: bool,
}

/// What is looked for, made ready.
struct Search<'a> {
    filter: &'a Filter,
    finders: Vec<AhoCorasick>,
    sources: BTreeMap<i64, Known>,
    before: Option<Position>,
    limit: usize,
}

struct Candidate {
    id: i64,
    to_at: i64,
}

impl LogStore {
    /// Finds the newest records of an environment that fit, at most `limit`, older than `before`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search(
        &self,
        environment: &EnvironmentName,
        filter: &Filter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Kept, StoreError> {
        let mut connection = self.connection();
        // Records that move into a block meanwhile must not be seen twice.
        let reading = connection.transaction()?;
        let search = Search {
            filter,
            finders: filter.finders(),
            sources: sources(&reading, environment, filter)?,
            before,
            limit: limit.max(1),
        };
        let mut found = search.of_tail(&reading, environment)?;
        let candidates = search.candidates(&reading, environment)?;
        let mut load = reading.prepare("SELECT data FROM blocks WHERE id = ?1")?;
        let mut rest = candidates.as_slice();
        while let Some(next) = rest.first() {
            search.cut(&mut found);
            // What was found is newer than all that is left.
            if found.len() > search.limit && found.last().is_some_and(|last| last.position.at > next.to_at) {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(AT_ONCE));
            rest = later;
            let data: Vec<Vec<u8>> =
                now.iter().map(|candidate| load.query_row([candidate.id], |row| row.get(0))).collect::<Result<_, _>>()?;
            let more: Vec<Vec<Found>> =
                data.par_iter().map(|data| Ok(search.of_block(&block::read(data)?))).collect::<Result<_, StoreError>>()?;
            found.extend(more.into_iter().flatten());
        }
        search.cut(&mut found);
        let more = found.len() > search.limit;
        found.truncate(search.limit);
        let next = found.last().filter(|_| more).map(|last| last.position);
        Ok(Kept { records: found.into_iter().filter_map(|found| search.record(found)).collect(), next })
    }

    /// Returns how far what is kept of an environment reaches.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reach(&self, environment: &EnvironmentName) -> Result<LogReach, StoreError> {
        let connection = self.connection();
        let mut find = connection.prepare_cached(
            "SELECT min(first), max(last) FROM
                 (SELECT min(from_at) AS first, max(to_at) AS last FROM blocks WHERE environment = ?1
                  UNION ALL SELECT min(at), max(at) FROM tail WHERE environment = ?1)",
        )?;
        let (first, last): (Option<i64>, Option<i64>) =
            find.query_row([environment.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(LogReach { first: first.map(told_time), last: last.map(told_time), behind: None })
    }
}

fn sources(connection: &Connection, environment: &EnvironmentName, filter: &Filter) -> Result<BTreeMap<i64, Known>, StoreError> {
    let mut find = connection.prepare("SELECT id, instance, name, process, release FROM sources WHERE environment = ?1")?;
    let rows = find.query_map([environment.as_str()], |row| {
        let (instance, name): (String, String) = (row.get(1)?, row.get(2)?);
        let (process, release): (String, String) = (row.get(3)?, row.get(4)?);
        let wanted = filter.takes_source(&instance, &name, &process, &release);
        Ok((row.get(0)?, Known { name, process: ProcessName::new(process), release: ReleaseId::new(release), wanted }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Search<'_> {
    /// Lists the blocks that may hold something, those with the newest records first.
    fn candidates(&self, connection: &Connection, environment: &EnvironmentName) -> Result<Vec<Candidate>, StoreError> {
        let nanoseconds = |time: jiff::Timestamp| i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX);
        let since = self.filter.since.map_or(i64::MIN, nanoseconds);
        let until = self.filter.until.map_or(i64::MAX, nanoseconds).min(self.before.map_or(i64::MAX, |before| before.at));
        let levels = match &self.filter.levels {
            None => 0b11_1111,
            Some(levels) => levels.iter().fold(0_i64, |mask, level| mask | 1 << grade(Some(*level))),
        };
        let mut find = connection.prepare_cached(
            "SELECT id, to_at, sources FROM blocks
             WHERE environment = ?1 AND to_at >= ?2 AND from_at <= ?3 AND levels & ?4 <> 0 ORDER BY to_at DESC",
        )?;
        let any = self.sources.values().all(|source| source.wanted);
        let rows = find.query_map(params![environment.as_str(), since, until, levels], |row| {
            let sources: String = row.get(2)?;
            let wanted = any || sources.split(' ').filter_map(|id| id.parse().ok()).any(|id| self.wants(id));
            Ok(wanted.then_some(Candidate { id: row.get(0)?, to_at: row.get(1)? }))
        })?;
        Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    fn wants(&self, source: i64) -> bool {
        self.sources.get(&source).is_some_and(|source| source.wanted)
    }

    fn of_tail(&self, connection: &Connection, environment: &EnvironmentName) -> Result<Vec<Found>, StoreError> {
        let rows = waiting_rows(connection, environment.as_str())?;
        Ok(rows
            .into_iter()
            .filter(|row| {
                let entry = Entry {
                    seq: row.seq,
                    at: row.at,
                    source: row.source,
                    level: row.level,
                    stream: row.stream,
                    from: 0,
                    to: row.text.len(),
                };
                self.fits(&entry) && self.has_texts(&row.text) && self.has_fields(&entry, &row.text)
            })
            .map(|row| Found {
                position: Position { at: row.at, seq: row.seq },
                source: row.source,
                level: row.level,
                stream: row.stream,
                text: row.text,
            })
            .collect())
    }

    /// Finds the newest records of a block; no more than anybody asked for.
    fn of_block(&self, block: &Block) -> Vec<Found> {
        let mut found: Vec<&Entry> = match self.finders.first() {
            None => block.entries.iter().filter(|entry| self.fits(entry)).collect(),
            Some(first) => {
                // One search over all texts is much faster than one for each.
                let mut last = None;
                first
                    .find_iter(&block.texts)
                    .filter_map(|hit| {
                        let index = block.at(hit.start());
                        let again = last.replace(index) == Some(index);
                        block.entries.get(index).filter(|entry| !again && self.fits(entry))
                    })
                    .filter(|entry| self.has_texts(block.text(entry)))
                    .collect()
            }
        };
        found.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.seq)));
        found
            .into_iter()
            .filter(|entry| self.has_fields(entry, block.text(entry)))
            .take(self.limit + 1)
            .map(|entry| Found {
                position: Position { at: entry.at, seq: entry.seq },
                source: entry.source,
                level: entry.level,
                stream: entry.stream,
                text: block.text(entry).to_owned(),
            })
            .collect()
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.filter.takes_level(entry.level)
            && self.filter.takes_time(entry.at)
            && self.before.is_none_or(|before| Position { at: entry.at, seq: entry.seq } < before)
            && self.wants(entry.source)
    }

    fn has_texts(&self, text: &str) -> bool {
        self.finders.iter().all(|finder| finder.is_match(text))
    }

    fn has_fields(&self, entry: &Entry, text: &str) -> bool {
        self.filter.fields.is_empty() || self.filter.takes_fields(&parse::read(text), entry.stream)
    }

    /// Leaves the newest, and one more to know of it.
    fn cut(&self, found: &mut Vec<Found>) {
        found.sort_by_key(|found| std::cmp::Reverse(found.position));
        found.truncate(self.limit + 1);
    }

    fn record(&self, found: Found) -> Option<LogRecord> {
        let source = self.sources.get(&found.source)?;
        let parsed = parse::read(&found.text);
        Some(LogRecord {
            place: Some(found.position.to_string()),
            at: told_time(found.position.at),
            level: found.level,
            message: parsed.message,
            logger: parsed.logger,
            fields: parsed.fields,
            instance: source.name.clone(),
            process: source.process.clone(),
            release: source.release.clone(),
            stream: found.stream,
            exception: parsed.exception,
            text: found.text,
        })
    }
}
