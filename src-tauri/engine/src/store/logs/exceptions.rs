//! Exceptions by what they have in common, and the pace of failures.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::write::Batch;
use super::{LogStore, told_time};
use crate::model::{EnvironmentName, ExceptionGroup, LogException, LogFrame, ReleaseId};
use crate::store::{StoreError, from_json, to_json};

/// Groups of an environment that are remembered.
const MOST: i64 = 1000;
/// Bytes of a record that are kept as an example.
const EXAMPLE: usize = 16 * 1024;

/// An exception that no release had told before, and of which people are not told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What it is.
    pub exception: LogException,
    /// Which release told it.
    pub release: ReleaseId,
    /// When, nanoseconds since 1970.
    pub at: i64,
}

/// Takes note of the exceptions of a batch; returns whether people are not told yet of one of them.
pub(super) fn take(connection: &Connection, batch: &Batch<'_>) -> Result<bool, StoreError> {
    let (environment, release) = (batch.source.environment.as_str(), &batch.source.instance.release);
    let (mut fresh, mut news) = (false, false);
    for record in batch.records {
        let Some(exception) = &record.exception else { continue };
        let mut count = connection.prepare_cached(
            "INSERT INTO exceptions
                 (environment, fingerprint, release, kind, message, count, first_at, last_at, frames, example, told)
             SELECT ?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?7, ?8, coalesce(max(told), 0)
             FROM exceptions WHERE environment = ?1 AND fingerprint = ?2
             ON CONFLICT DO UPDATE SET count = count + 1, message = excluded.message, frames = excluded.frames,
                 example = excluded.example, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
             RETURNING count, told",
        )?;
        let values = params![
            environment,
            exception.fingerprint,
            release.as_str(),
            exception.kind,
            exception.message,
            record.at,
            to_json(&exception.frames)?,
            shortened(&record.text)
        ];
        let (count, told): (i64, bool) = count.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        news |= !told;
        if count == 1 {
            fresh = true;
            // One example of each exception is enough.
            connection
                .prepare_cached(
                    "UPDATE exceptions SET example = '' WHERE environment = ?1 AND fingerprint = ?2 AND release <> ?3",
                )?
                .execute(params![environment, exception.fingerprint, release.as_str()])?;
        }
    }
    if fresh {
        connection.execute(
            "DELETE FROM exceptions WHERE environment = ?1 AND fingerprint NOT IN
                 (SELECT fingerprint FROM exceptions WHERE environment = ?1 GROUP BY fingerprint ORDER BY max(last_at) DESC LIMIT ?2)",
            params![environment, MOST],
        )?;
    }
    Ok(news)
}

fn shortened(text: &str) -> &str {
    let end = text.char_indices().map(|(at, character)| at + character.len_utf8()).take_while(|end| *end <= EXAMPLE).last();
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

struct Row {
    fingerprint: String,
    release: ReleaseId,
    kind: String,
    message: String,
    count: u64,
    first_at: i64,
    last_at: i64,
    frames: String,
    example: String,
}

impl LogStore {
    /// Groups the exceptions of an environment that were told since a moment (nanoseconds since 1970), the last told first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn exceptions(&self, environment: &EnvironmentName, since: i64) -> Result<Vec<ExceptionGroup>, StoreError> {
        let connection = self.connection();
        let newest = newest_release(&connection, environment)?;
        let mut find = connection.prepare_cached(
            "SELECT fingerprint, release, kind, message, count, first_at, last_at, frames, example FROM exceptions
             WHERE environment = ?1 ORDER BY first_at, release",
        )?;
        let rows = find.query_map([environment.as_str()], |row| {
            Ok(Row {
                fingerprint: row.get(0)?,
                release: ReleaseId::new(row.get::<_, String>(1)?),
                kind: row.get(2)?,
                message: row.get(3)?,
                count: row.get::<_, i64>(4)?.unsigned_abs(),
                first_at: row.get(5)?,
                last_at: row.get(6)?,
                frames: row.get(7)?,
                example: row.get(8)?,
            })
        })?;
        let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            let row = row?;
            groups.entry(row.fingerprint.clone()).or_default().push(row);
        }
        let mut found = Vec::new();
        for (fingerprint, rows) in groups {
            let Some(last) = rows.iter().max_by_key(|row| row.last_at) else { continue };
            if last.last_at < since {
                continue;
            }
            let example = rows.iter().filter(|row| !row.example.is_empty()).max_by_key(|row| row.last_at);
            let frames: Vec<LogFrame> = from_json(&last.frames)?;
            let releases: Vec<ReleaseId> = rows.iter().map(|row| row.release.clone()).collect();
            found.push((
                last.last_at,
                ExceptionGroup {
                    fingerprint,
                    kind: last.kind.clone(),
                    message: last.message.clone(),
                    count: rows.iter().map(|row| row.count).sum(),
                    first_at: told_time(rows.iter().map(|row| row.first_at).min().unwrap_or_default()),
                    last_at: told_time(last.last_at),
                    is_new: newest.is_some() && releases.iter().all(|release| Some(release) == newest.as_ref()),
                    releases,
                    frames,
                    example: example.map_or_else(String::new, |row| row.example.clone()),
                },
            ));
        }
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(found.into_iter().map(|(_, group)| group).collect())
    }

    /// Lists the exceptions of an environment of which people are not told yet, the first one first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn news(&self, environment: &EnvironmentName) -> Result<Vec<News>, StoreError> {
        let connection = self.connection();
        // Of the columns that are not counted SQLite gives those of the row with the least time.
        let mut find = connection.prepare_cached(
            "SELECT fingerprint, kind, message, frames, release, min(first_at) FROM exceptions
             WHERE environment = ?1 AND told = 0 GROUP BY fingerprint ORDER BY min(first_at)",
        )?;
        let rows = find.query_map([environment.as_str()], |row| {
            let exception =
                LogException { fingerprint: row.get(0)?, kind: row.get(1)?, message: row.get(2)?, frames: Vec::new() };
            Ok((exception, row.get::<_, String>(3)?, ReleaseId::new(row.get::<_, String>(4)?), row.get(5)?))
        })?;
        rows.map(|row| {
            let (exception, frames, release, at) = row?;
            Ok(News { exception: LogException { frames: from_json(&frames)?, ..exception }, release, at })
        })
        .collect()
    }

    /// People were told of an exception, or need not be.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_told(&self, environment: &EnvironmentName, fingerprint: &str) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE exceptions SET told = 1 WHERE environment = ?1 AND fingerprint = ?2",
            params![environment.as_str(), fingerprint],
        )?;
        Ok(())
    }

    /// Counts the failures that were told since a moment, by whole minutes (nanoseconds since 1970).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn errors_since(&self, environment: &EnvironmentName, since: i64) -> Result<u64, StoreError> {
        let connection = self.connection();
        let mut find =
            connection.prepare_cached("SELECT coalesce(sum(errors), 0) FROM minutes WHERE environment = ?1 AND at >= ?2")?;
        let found: i64 = find.query_row(params![environment.as_str(), since], |row| row.get(0))?;
        Ok(found.unsigned_abs())
    }
}

/// The release whose instance was heard last for the first time.
fn newest_release(connection: &Connection, environment: &EnvironmentName) -> Result<Option<ReleaseId>, StoreError> {
    let mut find = connection.prepare_cached("SELECT release FROM sources WHERE environment = ?1 ORDER BY id DESC LIMIT 1")?;
    let mut rows = find.query([environment.as_str()])?;
    Ok(rows.next()?.map(|row| row.get::<_, String>(0)).transpose()?.map(ReleaseId::new))
}
