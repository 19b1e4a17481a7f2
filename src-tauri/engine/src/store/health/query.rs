//! Reading any span of a timeline with a bounded number of points.

use rusqlite::{OptionalExtension, params};

use super::sketch::Sketch;
use super::{HOUR, HealthStore, MINUTE};
use crate::model::{Gap, HealthState, Marker, ReleaseId, Series, TimelinePoint};
use crate::store::{StoreError, from_word};
use crate::target::Place;

/// Most points that a span is answered with.
const MOST_POINTS: i64 = 2000;
/// Spans up to this many milliseconds are read sample by sample.
const RAW_SPAN: i64 = 3 * HOUR;
/// Spans up to this many milliseconds are read minute by minute.
const MINUTE_SPAN: i64 = 3 * 24 * HOUR;

/// What one row brings to a point.
struct Part {
    at: i64,
    counts: [i64; 5],
    sketch: Sketch,
}

impl HealthStore {
    /// Lists the series of an environment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn series(&self, place: &Place) -> Result<Vec<Series>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT name, unit FROM series WHERE project = ?1 AND environment = ?2 ORDER BY name")?;
        let rows = statement.query_map(params![place.project.as_str(), place.environment.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (name, unit) = row?;
            Ok(Series { name, unit: from_word(&unit)? })
        })
        .collect()
    }

    /// Reads a series from one moment up to another (milliseconds since 1970), in at most 2000 points of equal length; times without
    /// any measurement have none. The shorter the span, the finer what is read: samples, minutes, hours, as far back as each is kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn timeline(&self, place: &Place, name: &str, from: i64, to: i64) -> Result<Vec<TimelinePoint>, StoreError> {
        let connection = self.connection();
        let id: Option<i64> = connection
            .prepare_cached("SELECT id FROM series WHERE project = ?1 AND environment = ?2 AND name = ?3")?
            .query_row(params![place.project.as_str(), place.environment.as_str(), name], |row| row.get(0))
            .optional()?;
        let (Some(id), true) = (id, to > from) else { return Ok(Vec::new()) };
        let oldest = |sql: &str, step: i64| -> Result<Option<i64>, StoreError> {
            Ok(connection.prepare_cached(sql)?.query_row(params![id, step], |row| row.get(0))?)
        };
        let oldest_raw = oldest("SELECT min(at) FROM raw WHERE series = ?1 AND ?2 = 0", 0)?;
        let oldest_minute = oldest("SELECT min(at) FROM rollups WHERE step = ?2 AND series = ?1", MINUTE)?;
        let oldest_hour = oldest("SELECT min(at) FROM rollups WHERE step = ?2 AND series = ?1", HOUR)?;
        // What is coarser reaches back further: it is read where the finer one does not hold all that there is.
        let reaches = |finer: Option<i64>, coarser: Option<i64>, step: i64| {
            finer.is_some_and(|finer| finer <= from || coarser.is_none_or(|coarser| finer < coarser + step))
        };
        let span = to - from;
        let step = match span {
            ..=RAW_SPAN if reaches(oldest_raw, oldest_minute, MINUTE) => 0,
            ..=MINUTE_SPAN if reaches(oldest_minute, oldest_hour, HOUR) => MINUTE,
            _ => HOUR,
        };
        let finest = step.max(1);
        let points = (span + MOST_POINTS - 2) / (MOST_POINTS - 1);
        // The first and the last point may be cut, together they are one more. Whole buckets, so that no point gets more of them than its neighbours do.
        let width = ((points + finest - 1) / finest * finest).max(finest);
        let mut joined = Joined::new(width);
        if step == 0 {
            let mut statement = connection
                .prepare_cached("SELECT at, outcome, value FROM raw WHERE series = ?1 AND at >= ?2 AND at < ?3 ORDER BY at")?;
            let mut rows = statement.query(params![id, from, to])?;
            while let Some(row) = rows.next()? {
                joined.sample(row.get(0)?, row.get(1)?, row.get(2)?)?;
            }
        } else {
            let mut statement = connection.prepare_cached(
                "SELECT at, count, degraded, failed, unseen, max, sketch FROM rollups
                 WHERE step = ?1 AND series = ?2 AND at >= ?3 AND at < ?4 ORDER BY at",
            )?;
            let mut rows = statement.query(params![step, id, from - from.rem_euclid(step), to])?;
            while let Some(row) = rows.next()? {
                let counts = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                let sketch = Sketch::read(row.get_ref(6)?.as_blob().unwrap_or_default())?;
                joined.add(Part { at: row.get(0)?, counts, sketch })?;
            }
        }
        Ok(joined.end())
    }

    /// Returns what the last measurements of an environment mean, and when it was known, milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn state(&self, place: &Place) -> Result<Option<(HealthState, i64)>, StoreError> {
        let found: Option<(String, i64)> = self
            .connection()
            .query_row(
                "SELECT state, at FROM states WHERE project = ?1 AND environment = ?2",
                params![place.project.as_str(), place.environment.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        found.map(|(state, at)| Ok((from_word(&state)?, at))).transpose()
    }

    /// Lists how every environment fares that anybody ever watched, and when that was known, by project and environment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn states(&self) -> Result<Vec<(Place, HealthState, i64)>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT project, environment, state, at FROM states ORDER BY project, environment")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
        })?;
        rows.map(|row| {
            let (project, environment, state, at) = row?;
            let place = Place { project: project.as_str().into(), environment: environment.as_str().into() };
            Ok((place, from_word(&state)?, at))
        })
        .collect()
    }

    /// Lists what happened in a span, the earliest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn markers(&self, place: &Place, from: i64, to: i64) -> Result<Vec<Marker>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT at, release, text FROM markers WHERE project = ?1 AND environment = ?2 AND at >= ?3 AND at < ?4 ORDER BY at LIMIT 2000",
        )?;
        let rows = statement.query_map(params![place.project.as_str(), place.environment.as_str(), from, to], |row| {
            Ok(Marker { at: row.get(0)?, release: row.get::<_, Option<String>>(1)?.map(ReleaseId::new), text: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lists the times of a span in which nothing was observed, the earliest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gaps(&self, place: &Place, from: i64, to: i64) -> Result<Vec<Gap>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT began, ended, reason FROM gaps WHERE project = ?1 AND environment = ?2 AND ended > ?3 AND began < ?4 ORDER BY began LIMIT 2000",
        )?;
        let rows = statement.query_map(params![place.project.as_str(), place.environment.as_str(), from, to], |row| {
            Ok(Gap { from: row.get(0)?, to: row.get(1)?, reason: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Joins what is read in the order of time into points.
struct Joined {
    width: i64,
    points: Vec<TimelinePoint>,
    open: Option<(TimelinePoint, Sketch)>,
}

impl Joined {
    fn new(width: i64) -> Self {
        Self { width, points: Vec::new(), open: None }
    }

    fn point(&mut self, at: i64) -> Result<&mut (TimelinePoint, Sketch), StoreError> {
        let at = at - at.rem_euclid(self.width);
        if self.open.as_ref().is_some_and(|(point, _)| point.at != at) {
            self.close();
        }
        let fresh = (TimelinePoint { at, ..TimelinePoint::default() }, Sketch::new()?);
        Ok(self.open.get_or_insert(fresh))
    }

    fn sample(&mut self, at: i64, outcome: i64, value: i64) -> Result<(), StoreError> {
        let (point, sketch) = self.point(at)?;
        if outcome == 3 {
            point.unseen += 1;
            return Ok(());
        }
        point.count += 1;
        point.degraded += u64::from(outcome == 1);
        point.failed += u64::from(outcome == 2);
        if outcome != 2 {
            let value = u64::try_from(value).unwrap_or_default();
            point.max = point.max.max(value);
            sketch.record(value);
        }
        Ok(())
    }

    fn add(&mut self, part: Part) -> Result<(), StoreError> {
        let (point, sketch) = self.point(part.at)?;
        let [count, degraded, failed, unseen, max] = part.counts.map(|count| u64::try_from(count).unwrap_or_default());
        point.count += count;
        point.degraded += degraded;
        point.failed += failed;
        point.unseen += unseen;
        point.max = point.max.max(max);
        sketch.add(&part.sketch)
    }

    fn close(&mut self) {
        if let Some((mut point, sketch)) = self.open.take() {
            (point.p50, point.p95, point.p99) = (sketch.percentile(50.0), sketch.percentile(95.0), sketch.percentile(99.0));
            // The end of a sketch's bucket may lie beyond the greatest value in it.
            for value in [&mut point.p50, &mut point.p95, &mut point.p99] {
                *value = (*value).min(point.max);
            }
            self.points.push(point);
        }
    }

    fn end(mut self) -> Vec<TimelinePoint> {
        self.close();
        self.points
    }
}
