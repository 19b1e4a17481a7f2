//! Runs and how they ended.

use rusqlite::{OptionalExtension, Row, params};

use super::events::append;
use super::{Store, StoreError, from_word, now, own_process, to_word};
use crate::event::{Event, EventBody};
use crate::model::{EnvironmentName, Problem, ProjectName, ReleaseId, RunId, RunRecord, RunState};

impl Store {
    /// Begins a run.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_run(&self, run: &RunRecord) -> Result<Event, StoreError> {
        let own = own_process();
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO runs (id, project, environment, verb, state, release, started_at, by, pid, pid_started)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                run.id.as_str(),
                run.project.as_str(),
                run.environment.as_ref().map(EnvironmentName::as_str),
                run.verb,
                to_word(&run.state)?,
                run.release.as_ref().map(ReleaseId::as_str),
                run.started_at,
                run.by,
                own.0,
                own.1,
            ],
        )?;
        let event = append(&transaction, &run.project, &run.id, EventBody::RunStarted(run.clone()))?;
        transaction.commit()?;
        Ok(event)
    }

    /// Ends a run.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish_run(
        &self,
        project: &ProjectName,
        run: &RunId,
        state: RunState,
        release: Option<ReleaseId>,
        url: Option<String>,
        problem: Option<Problem>,
    ) -> Result<Event, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE runs SET state = ?2, release = COALESCE(?3, release), finished_at = ?4 WHERE id = ?1",
            params![run.as_str(), to_word(&state)?, release.as_ref().map(ReleaseId::as_str), now()],
        )?;
        let event = append(&transaction, project, run, EventBody::RunFinished { state, release, url, problem })?;
        transaction.commit()?;
        Ok(event)
    }

    /// Lists a project's runs, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs(&self, project: &ProjectName, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, project, environment, verb, state, release, started_at, finished_at, by
             FROM runs WHERE project = ?1 ORDER BY started_at DESC, rowid DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![project.as_str(), limit], |row| Ok(read_run(row)))?;
        rows.map(|row| row?).collect()
    }

    /// Finds a run.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn run(&self, run: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let row = self.connection().query_row(
            "SELECT id, project, environment, verb, state, release, started_at, finished_at, by FROM runs WHERE id = ?1",
            [run.as_str()],
            |row| Ok(read_run(row)),
        );
        row.optional()?.transpose()
    }

    /// Marks runs as abandoned whose process, on this machine, is gone; returns them.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn abandon_dead_runs(&self, alive: impl Fn(u32, u64) -> bool) -> Result<Vec<RunId>, StoreError> {
        let dead = self.dead_runs(alive)?;
        for run in &dead {
            let abandon = "UPDATE runs SET state = 'abandoned', finished_at = ?2 WHERE id = ?1 AND state = 'running'";
            self.connection().execute(abandon, params![run.as_str(), now()])?;
        }
        Ok(dead)
    }
}

fn read_run(row: &Row<'_>) -> Result<RunRecord, StoreError> {
    Ok(RunRecord {
        id: RunId::new(row.get::<_, String>(0)?),
        project: ProjectName::new(row.get::<_, String>(1)?),
        environment: row.get::<_, Option<String>>(2)?.map(EnvironmentName::new),
        verb: row.get(3)?,
        state: from_word(&row.get::<_, String>(4)?)?,
        release: row.get::<_, Option<String>>(5)?.map(ReleaseId::new),
        started_at: row.get(6)?,
        finished_at: row.get(7)?,
        by: row.get(8)?,
    })
}
