//! Keeping records: their lines, how far their stream was read, and what they tell of exceptions, all or nothing.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::block::{self, BYTES, RECORDS, Row, flags, grade, read_flags};
use super::exceptions;
use super::{LogStore, retain};
use crate::logs::{Cursor, Joined};
use crate::model::{EnvironmentName, Instance, LogLevel, LogStream};
use crate::store::StoreError;

/// What prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where.
    pub environment: EnvironmentName,
    /// The instance.
    pub instance: Instance,
    /// Which of its streams.
    pub stream: LogStream,
}

/// Records of one stream, in their order.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Whose.
    pub source: &'a Source,
    /// How far the stream had been read when these were read.
    pub after: Option<Cursor>,
    /// How far it was read with them.
    pub to: Cursor,
    /// The records.
    pub records: &'a [Joined],
    /// Bytes that the project's file may take.
    pub budget: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is kept.
    Kept {
        /// Whether people are not told yet of an exception among it.
        news: bool,
    },
    /// Somebody else had read on: nothing is kept, and reading goes on from there.
    Moved(Option<Cursor>),
}

impl LogStore {
    /// Returns how far a stream was read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cursor(&self, source: &Source) -> Result<Option<Cursor>, StoreError> {
        cursor(&self.connection(), source)
    }

    /// Keeps records together with how far their stream was read, all or nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn append(&self, batch: &Batch<'_>) -> Result<Appended, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now_at = cursor(&transaction, batch.source)?;
        if now_at != batch.after {
            return Ok(Appended::Moved(now_at));
        }
        let source = source_id(&transaction, batch.source)?;
        transaction
            .prepare_cached("INSERT OR REPLACE INTO cursors (source, stream, at, count) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![source, stream_number(batch.source.stream), batch.to.at, batch.to.count])?;
        let sealed = put(&transaction, batch, source)?;
        count(&transaction, batch)?;
        let news = exceptions::take(&transaction, batch)?;
        if sealed {
            retain::fit(&transaction, batch.budget)?;
        }
        transaction.commit()?;
        if sealed {
            retain::give_back(&connection)?;
        }
        Ok(Appended::Kept { news })
    }
}

pub(super) fn stream_number(stream: LogStream) -> i64 {
    match stream {
        LogStream::Stdout => 0,
        LogStream::Stderr => 1,
    }
}

fn cursor(connection: &Connection, source: &Source) -> Result<Option<Cursor>, StoreError> {
    let mut find = connection.prepare_cached(
        "SELECT at, count FROM cursors WHERE source = (SELECT id FROM sources WHERE instance = ?1) AND stream = ?2",
    )?;
    let found = find.query_row(params![source.instance.id.as_str(), stream_number(source.stream)], |row| {
        Ok(Cursor { at: row.get(0)?, count: row.get(1)? })
    });
    Ok(found.optional()?)
}

fn source_id(connection: &Connection, source: &Source) -> Result<i64, StoreError> {
    let Source { environment, instance, .. } = source;
    let mut find = connection.prepare_cached("SELECT id FROM sources WHERE instance = ?1")?;
    if let Some(id) = find.query_row([instance.id.as_str()], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    connection.execute(
        "INSERT INTO sources (environment, instance, name, process, release) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![environment.as_str(), instance.id.as_str(), instance.name, instance.process.as_str(), instance.release.as_str()],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Puts records into the tail, and the tail into blocks once it is long enough; tells whether a block was made.
fn put(transaction: &Transaction<'_>, batch: &Batch<'_>, source: i64) -> Result<bool, StoreError> {
    let environment = batch.source.environment.as_str();
    let (waiting, bytes): (i64, i64) = transaction
        .prepare_cached("SELECT count(*), coalesce(sum(length(text)), 0) FROM tail WHERE environment = ?1")?
        .query_row([environment], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let waiting = usize::try_from(waiting).unwrap_or_default();
    let bytes = usize::try_from(bytes).unwrap_or_default();
    let stream = batch.source.stream;
    let long = waiting + batch.records.len() >= RECORDS
        || bytes + batch.records.iter().map(|record| record.text.len()).sum::<usize>() >= BYTES;
    if !long {
        let mut insert =
            transaction.prepare_cached("INSERT INTO tail (environment, at, source, flags, text) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for record in batch.records {
            insert.execute(params![environment, record.at, source, flags(record.level, stream), record.text])?;
        }
        return Ok(false);
    }
    let mut rows = waiting_rows(transaction, environment)?;
    transaction.prepare_cached("DELETE FROM tail WHERE environment = ?1")?.execute([environment])?;
    let mut seq = last_seq(transaction)?;
    rows.extend(batch.records.iter().map(|record| {
        seq += 1;
        Row { seq, at: record.at, source, level: record.level, stream, text: record.text.clone() }
    }));
    let mut rest = rows.as_slice();
    let mut sealed = false;
    while let Some(length) = full(rest) {
        let (block, after) = rest.split_at(length);
        seal(transaction, environment, block)?;
        rest = after;
        sealed = true;
    }
    let mut insert = transaction
        .prepare_cached("INSERT INTO tail (seq, environment, at, source, flags, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for row in rest {
        insert.execute(params![row.seq, environment, row.at, row.source, flags(row.level, row.stream), row.text])?;
    }
    // Numbers are never given twice, also those that went into blocks.
    transaction.execute("DELETE FROM sqlite_sequence WHERE name = 'tail'", [])?;
    transaction.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('tail', ?1)", [seq])?;
    Ok(sealed)
}

fn last_seq(connection: &Connection) -> Result<i64, StoreError> {
    let mut find = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'tail'")?;
    Ok(find.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Returns how many of the first records fill a block.
fn full(rows: &[Row]) -> Option<usize> {
    let mut bytes = 0;
    for (index, row) in rows.iter().enumerate() {
        bytes += row.text.len();
        if index + 1 >= RECORDS || bytes >= BYTES {
            return Some(index + 1);
        }
    }
    None
}

pub(super) fn waiting_rows(connection: &Connection, environment: &str) -> Result<Vec<Row>, StoreError> {
    let mut find =
        connection.prepare_cached("SELECT seq, at, source, flags, text FROM tail WHERE environment = ?1 ORDER BY seq")?;
    let rows = find.query_map([environment], |row| {
        let (level, stream) = read_flags(row.get(3)?);
        Ok(Row { seq: row.get(0)?, at: row.get(1)?, source: row.get(2)?, level, stream, text: row.get(4)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn seal(connection: &Connection, environment: &str, rows: &[Row]) -> Result<(), StoreError> {
    let sources: BTreeSet<i64> = rows.iter().map(|row| row.source).collect();
    let sources: Vec<String> = sources.iter().map(i64::to_string).collect();
    let levels = rows.iter().fold(0_i64, |mask, row| mask | 1 << grade(row.level));
    let times = rows.iter().map(|row| row.at);
    connection
        .prepare_cached(
            "INSERT INTO blocks (environment, from_at, to_at, count, levels, sources, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            environment,
            times.clone().min(),
            times.max(),
            i64::try_from(rows.len()).unwrap_or(i64::MAX),
            levels,
            sources.join(" "),
            block::write(rows)?
        ])?;
    Ok(())
}

/// Counts records and failures by minute.
fn count(connection: &Connection, batch: &Batch<'_>) -> Result<(), StoreError> {
    const MINUTE: i64 = 60_000_000_000;
    let mut minutes: BTreeMap<i64, (u32, u32)> = BTreeMap::new();
    for record in batch.records {
        let (records, errors) = minutes.entry(record.at - record.at.rem_euclid(MINUTE)).or_default();
        *records += 1;
        *errors += u32::from(record.level >= Some(LogLevel::Error));
    }
    let mut add = connection.prepare_cached(
        "INSERT INTO minutes (environment, at, records, errors) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET records = records + excluded.records, errors = errors + excluded.errors",
    )?;
    for (at, (records, errors)) in minutes {
        add.execute(params![batch.source.environment.as_str(), at, records, errors])?;
    }
    Ok(())
}
