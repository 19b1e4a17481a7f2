//! Rollouts and the journal of their steps.

use rusqlite::{Connection, Row, params};

use super::events::append;
use super::{Store, StoreError, from_json, from_word, now, to_json, to_word};
use crate::event::{Event, EventBody, StepFinished, StepStarted};
use crate::model::{
    Diagnosis, EnvironmentName, LogLine, Plan, ProjectName, ReleaseId, RolloutId, RolloutRecord, RolloutState, RunId, StepKind,
    StepRecord, StepState,
};

/// What [`read_rollout`] reads, in its order.
const COLUMNS: &str =
    "id, rollouts.run, rollouts.project, environment, reason, from_release, to_release, placement, state, failure, started_at,
     finished_at, by, diagnosis, message, anyway";

impl Store {
    /// Begins a rollout: itself, its planned steps and the event, all or nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_rollout(&self, rollout: &RolloutRecord, plan: &Plan) -> Result<Event, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO rollouts (id, run, project, environment, reason, from_release, to_release, placement, state, started_at, by, message,
                                   anyway)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                rollout.id.as_str(),
                rollout.run.as_str(),
                rollout.project.as_str(),
                rollout.environment.as_str(),
                to_word(&rollout.reason)?,
                rollout.from.as_ref().map(ReleaseId::as_str),
                rollout.to.as_str(),
                to_json(&rollout.placement)?,
                to_word(&rollout.state)?,
                rollout.started_at,
                rollout.by,
                rollout.message,
                rollout.anyway,
            ],
        )?;
        for (position, step) in plan.steps.iter().enumerate() {
            transaction.execute(
                "INSERT INTO rollout_steps (rollout, position, kind, state) VALUES (?1, ?2, ?3, 'planned')",
                params![rollout.id.as_str(), u32::try_from(position).unwrap_or(u32::MAX), to_json(&step.kind)?],
            )?;
        }
        let body = EventBody::RolloutPlanned { rollout: rollout.id.clone(), plan: plan.clone() };
        let event = append(&transaction, &rollout.project, &rollout.run, body)?;
        transaction.commit()?;
        Ok(event)
    }

    /// Remembers a rollout of another laptop; one that is known stays as it is. Tells whether it was not known.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_rollout(&self, rollout: &RolloutRecord) -> Result<bool, StoreError> {
        let written = self.connection().execute(
            "INSERT INTO rollouts (id, run, project, environment, reason, from_release, to_release, placement, state, started_at, by, message,
                                   anyway)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING",
            params![
                rollout.id.as_str(),
                rollout.run.as_str(),
                rollout.project.as_str(),
                rollout.environment.as_str(),
                to_word(&rollout.reason)?,
                rollout.from.as_ref().map(ReleaseId::as_str),
                rollout.to.as_str(),
                to_json(&rollout.placement)?,
                to_word(&rollout.state)?,
                rollout.started_at,
                rollout.by,
                rollout.message,
                rollout.anyway,
            ],
        )?;
        Ok(written > 0)
    }

    /// Journals that a step is about to be done.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn start_step(&self, rollout: &RolloutRecord, position: u32, kind: &StepKind, title: &str) -> Result<Event, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE rollout_steps SET state = 'started', started_at = ?3 WHERE rollout = ?1 AND position = ?2",
            params![rollout.id.as_str(), position, now()],
        )?;
        let body = EventBody::StepStarted(StepStarted { position, kind: kind.clone(), title: title.to_owned() });
        let event = append(&transaction, &rollout.project, &rollout.run, body)?;
        transaction.commit()?;
        Ok(event)
    }

    /// Journals how a step ended.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish_step(
        &self,
        rollout: &RolloutRecord,
        position: u32,
        kind: &StepKind,
        title: &str,
        state: StepState,
        duration_ms: u64,
    ) -> Result<Event, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE rollout_steps SET state = ?3, finished_at = ?4 WHERE rollout = ?1 AND position = ?2",
            params![rollout.id.as_str(), position, to_word(&state)?, now()],
        )?;
        let body =
            EventBody::StepFinished(StepFinished { position, kind: kind.clone(), state, title: title.to_owned(), duration_ms });
        let event = append(&transaction, &rollout.project, &rollout.run, body)?;
        transaction.commit()?;
        Ok(event)
    }

    /// Keeps what a one-off command of a rollout printed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_lines(&self, rollout: &RolloutId, lines: &[LogLine]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for (position, line) in lines.iter().enumerate() {
            transaction.execute(
                "INSERT INTO kept_lines (rollout, position, line) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![rollout.as_str(), i64::try_from(position).unwrap_or(i64::MAX), to_json(line)?],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Returns what one-off commands of a rollout printed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept_lines(&self, rollout: &RolloutId) -> Result<Vec<LogLine>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT line FROM kept_lines WHERE rollout = ?1 ORDER BY position")?;
        let rows = statement.query_map([rollout.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|line| from_json(&line?)).collect()
    }

    /// Changes a rollout's state without ending it: it bakes.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn mark_baking(&self, rollout: &RolloutId) -> Result<(), StoreError> {
        self.connection().execute("UPDATE rollouts SET state = 'baking' WHERE id = ?1", [rollout.as_str()])?;
        Ok(())
    }

    /// Records why an instance of a rollout is not healthy.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn record_diagnosis(&self, rollout: &RolloutRecord, diagnosis: &Diagnosis) -> Result<Event, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction
            .execute("UPDATE rollouts SET diagnosis = ?2 WHERE id = ?1", params![rollout.id.as_str(), to_json(diagnosis)?])?;
        let body = EventBody::DiagnosisMade { rollout: rollout.id.clone(), diagnosis: diagnosis.clone() };
        let event = append(&transaction, &rollout.project, &rollout.run, body)?;
        transaction.commit()?;
        Ok(event)
    }

    /// Ends a rollout.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish_rollout(
        &self,
        rollout: &RolloutRecord,
        state: RolloutState,
        serving: Option<ReleaseId>,
        failure: Option<String>,
    ) -> Result<Event, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE rollouts SET state = ?2, failure = ?3, finished_at = ?4 WHERE id = ?1",
            params![rollout.id.as_str(), to_word(&state)?, failure, now()],
        )?;
        let body = EventBody::RolloutFinished { rollout: rollout.id.clone(), state, serving, failure };
        let event = append(&transaction, &rollout.project, &rollout.run, body)?;
        transaction.commit()?;
        Ok(event)
    }

    /// Lists rollouts of a project, the newest first, with their steps.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rollouts(
        &self,
        project: &ProjectName,
        environment: Option<&EnvironmentName>,
        limit: u32,
    ) -> Result<Vec<RolloutRecord>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM rollouts
             WHERE project = ?1 AND (?2 IS NULL OR environment = ?2) ORDER BY started_at DESC, rowid DESC LIMIT ?3"
        ))?;
        let rows = statement
            .query_map(params![project.as_str(), environment.map(EnvironmentName::as_str), limit], |row| Ok(read_rollout(row)))?;
        let mut rollouts: Vec<RolloutRecord> = rows.map(|row| row?).collect::<Result<_, StoreError>>()?;
        for rollout in &mut rollouts {
            rollout.steps = read_steps(&connection, &rollout.id)?;
        }
        Ok(rollouts)
    }

    /// Lists the rollouts that ended with an event after one and not after another, the first one first and without their steps, each with
    /// that event.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rollouts_ended(&self, after: i64, until: i64) -> Result<Vec<(i64, RolloutRecord)>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS}, seq FROM events JOIN rollouts ON id = events.body ->> '$.data.rollout'
             WHERE seq > ?1 AND seq <= ?2 AND events.body ->> '$.type' = 'rollout_finished' ORDER BY seq"
        ))?;
        let rows = statement.query_map([after, until], |row| Ok((row.get(16)?, read_rollout(row))))?;
        rows.map(|row| row.map_err(StoreError::from).and_then(|(seq, rollout)| Ok((seq, rollout?)))).collect()
    }

    /// Lists the rollouts of an environment that have no end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unfinished_rollouts(
        &self,
        project: &ProjectName,
        environment: &EnvironmentName,
    ) -> Result<Vec<RolloutRecord>, StoreError> {
        Ok(self
            .rollouts(project, Some(environment), u32::MAX)?
            .into_iter()
            .filter(|rollout| matches!(rollout.state, RolloutState::Running | RolloutState::Baking))
            .collect())
    }
}

fn read_rollout(row: &Row<'_>) -> Result<RolloutRecord, StoreError> {
    Ok(RolloutRecord {
        id: RolloutId::new(row.get::<_, String>(0)?),
        run: RunId::new(row.get::<_, String>(1)?),
        project: ProjectName::new(row.get::<_, String>(2)?),
        environment: EnvironmentName::new(row.get::<_, String>(3)?),
        reason: from_word(&row.get::<_, String>(4)?)?,
        from: row.get::<_, Option<String>>(5)?.map(ReleaseId::new),
        to: ReleaseId::new(row.get::<_, String>(6)?),
        placement: from_json(&row.get::<_, String>(7)?)?,
        state: from_word(&row.get::<_, String>(8)?)?,
        failure: row.get(9)?,
        started_at: row.get(10)?,
        finished_at: row.get(11)?,
        by: row.get(12)?,
        // What a newer version found may have no name here.
        diagnosis: row.get::<_, Option<String>>(13)?.and_then(|text| from_json(&text).ok()),
        message: row.get(14)?,
        anyway: row.get(15)?,
        steps: Vec::new(),
    })
}

fn read_steps(connection: &Connection, rollout: &RolloutId) -> Result<Vec<StepRecord>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT position, kind, state, started_at, finished_at FROM rollout_steps WHERE rollout = ?1 ORDER BY position",
    )?;
    let rows = statement.query_map([rollout.as_str()], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get(4)?))
    })?;
    rows.map(|row| {
        let (position, kind, state, started_at, finished_at) = row?;
        Ok(StepRecord { position, kind: from_json(&kind)?, state: from_word(&state)?, started_at, finished_at })
    })
    .collect()
}
