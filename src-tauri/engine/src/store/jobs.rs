//! Runs of jobs, and since when a job's schedule counts.

use rusqlite::{OptionalExtension, Row, params};

use super::{Store, StoreError, from_json, now, own_process, to_json};
use crate::model::{EnvironmentName, JobRun, LogLine, ProjectName, ReleaseId};
use crate::target::{OnceExit, Place};

/// Runs of one job that are remembered.
const MOST_RUNS: u32 = 200;

const COLUMNS: &str =
    "id, project, environment, job, release, due_at, started_at, finished_at, exit_code, oom, failure, lines, by";

/// How a job's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEnded {
    /// Its own end, when it came to one.
    pub exit: Option<OnceExit>,
    /// Why it came to none, or why that was not its own.
    pub failure: Option<String>,
    /// Its last lines.
    pub lines: Vec<LogLine>,
}

impl Store {
    /// Remembers that a job's run begins in this process; forgets the oldest ones.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_job(&self, run: &JobRun) -> Result<(), StoreError> {
        let own = own_process();
        let connection = self.connection();
        connection.execute(
            "INSERT INTO job_runs (id, project, environment, job, release, due_at, started_at, by, pid, pid_started)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                run.id,
                run.project.as_str(),
                run.environment.as_str(),
                run.job,
                run.release.as_ref().map(ReleaseId::as_str),
                run.due_at,
                run.started_at,
                run.by,
                own.0,
                own.1,
            ],
        )?;
        connection.execute(
            "DELETE FROM job_runs WHERE project = ?1 AND environment = ?2 AND job = ?3 AND finished_at IS NOT NULL AND id NOT IN (
                 SELECT id FROM job_runs WHERE project = ?1 AND environment = ?2 AND job = ?3 ORDER BY started_at DESC, rowid DESC LIMIT ?4)",
            params![run.project.as_str(), run.environment.as_str(), run.job, MOST_RUNS],
        )?;
        Ok(())
    }

    /// Remembers how a job's run ended; one that has an end keeps it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish_job(&self, id: &str, ended: &JobEnded) -> Result<(), StoreError> {
        self.connection().execute(
            "UPDATE job_runs SET finished_at = ?2, exit_code = ?3, oom = ?4, failure = ?5, lines = ?6 WHERE id = ?1 AND finished_at IS NULL",
            params![
                id,
                now(),
                ended.exit.map(|exit| exit.exit_code),
                ended.exit.is_some_and(|exit| exit.oom),
                ended.failure,
                to_json(&ended.lines)?,
            ],
        )?;
        Ok(())
    }

    /// Forgets a run that was not begun.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_job_run(&self, id: &str) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM job_runs WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Lists the runs of an environment's jobs, the newest first; of one job where it is named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn job_runs(&self, place: &Place, job: Option<&str>, limit: u32) -> Result<Vec<JobRun>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM job_runs WHERE project = ?1 AND environment = ?2 AND (?3 IS NULL OR job = ?3)
             ORDER BY started_at DESC, rowid DESC LIMIT ?4"
        ))?;
        let rows = statement
            .query_map(params![place.project.as_str(), place.environment.as_str(), job, limit], |row| Ok(read_run(row)))?;
        rows.map(|row| row?).collect()
    }

    /// Lists the runs of jobs that have no end and whose process, on this machine, is gone.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn orphaned_jobs(&self, alive: impl Fn(u32, u64) -> bool) -> Result<Vec<JobRun>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS}, pid, pid_started FROM job_runs WHERE finished_at IS NULL"))?;
        let rows = statement.query_map([], |row| Ok((read_run(row), row.get(13)?, row.get::<_, i64>(14)?)))?;
        let mut orphaned = Vec::new();
        for row in rows {
            let (run, pid, started) = row?;
            if !alive(pid, started.unsigned_abs()) {
                orphaned.push(run?);
            }
        }
        Ok(orphaned)
    }

    /// Returns the time from which a job's schedule counts; the present one when it is seen for the first time.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn job_counts_from(&self, place: &Place, job: &str) -> Result<String, StoreError> {
        let connection = self.connection();
        let keys = params![place.project.as_str(), place.environment.as_str(), job, now()];
        connection.execute(
            "INSERT INTO job_marks (project, environment, job, counted_from) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            keys,
        )?;
        let found: Option<String> = connection
            .query_row(
                "SELECT counted_from FROM job_marks WHERE project = ?1 AND environment = ?2 AND job = ?3",
                params![place.project.as_str(), place.environment.as_str(), job],
                |row| row.get(0),
            )
            .optional()?;
        Ok(found.unwrap_or_else(now))
    }

    /// Lets a job's schedule count from a time on: what was due until then was answered.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn count_job_from(&self, place: &Place, job: &str, from: &str) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO job_marks (project, environment, job, counted_from) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET counted_from = excluded.counted_from",
            params![place.project.as_str(), place.environment.as_str(), job, from],
        )?;
        Ok(())
    }
}

fn read_run(row: &Row<'_>) -> Result<JobRun, StoreError> {
    Ok(JobRun {
        id: row.get(0)?,
        project: ProjectName::new(row.get::<_, String>(1)?),
        environment: EnvironmentName::new(row.get::<_, String>(2)?),
        job: row.get(3)?,
        release: row.get::<_, Option<String>>(4)?.map(ReleaseId::new),
        due_at: row.get(5)?,
        started_at: row.get(6)?,
        finished_at: row.get(7)?,
        exit_code: row.get(8)?,
        oom: row.get(9)?,
        failure: row.get(10)?,
        lines: from_json(&row.get::<_, String>(11)?)?,
        by: row.get(12)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place() -> Place {
        Place { project: "shop".into(), environment: "local".into() }
    }

    fn run(id: &str, started_at: &str) -> JobRun {
        JobRun {
            id: id.to_owned(),
            project: place().project,
            environment: place().environment,
            job: "cleanup".to_owned(),
            release: Some("aaa".into()),
            due_at: None,
            started_at: started_at.to_owned(),
            finished_at: None,
            exit_code: None,
            oom: false,
            failure: None,
            lines: Vec::new(),
            by: "ann@one".to_owned(),
        }
    }

    #[test]
    fn a_run_has_one_end() {
        let store = Store::in_memory().unwrap();
        store.begin_job(&run("1", "2026-11-23T10:00:00.000Z")).unwrap();
        assert!(store.orphaned_jobs(|_, _| true).unwrap().is_empty());
        assert_eq!(store.orphaned_jobs(|_, _| false).unwrap().len(), 1);
        let good = JobEnded { exit: Some(OnceExit { exit_code: 0, oom: false }), failure: None, lines: Vec::new() };
        store.finish_job("1", &good).unwrap();
        store.finish_job("1", &JobEnded { exit: None, failure: Some("lost".to_owned()), lines: Vec::new() }).unwrap();
        let runs = store.job_runs(&place(), Some("cleanup"), 10).unwrap();
        assert!(runs[0].succeeded() && runs[0].finished_at.is_some(), "{runs:?}");
        assert!(store.orphaned_jobs(|_, _| false).unwrap().is_empty());
        assert!(store.job_runs(&place(), Some("other"), 10).unwrap().is_empty());
    }

    #[test]
    fn a_schedule_counts_from_its_first_sight() {
        let store = Store::in_memory().unwrap();
        let first = store.job_counts_from(&place(), "cleanup").unwrap();
        assert_eq!(store.job_counts_from(&place(), "cleanup").unwrap(), first);
        store.count_job_from(&place(), "cleanup", "2030-01-01T00:00:00.000Z").unwrap();
        assert_eq!(store.job_counts_from(&place(), "cleanup").unwrap(), "2030-01-01T00:00:00.000Z");
    }

    #[test]
    fn old_runs_are_forgotten() {
        let store = Store::in_memory().unwrap();
        for number in 0..MOST_RUNS + 20 {
            let id = format!("{number:04}");
            store.begin_job(&run(&id, &format!("2026-11-23T10:00:00.{number:04}Z"))).unwrap();
            store.finish_job(&id, &JobEnded { exit: None, failure: None, lines: Vec::new() }).unwrap();
        }
        let runs = store.job_runs(&place(), None, u32::MAX).unwrap();
        assert!(runs.len() <= MOST_RUNS as usize + 1, "{}", runs.len());
        assert_eq!(runs[0].id, format!("{:04}", MOST_RUNS + 19));
    }
}
