//! What the instances of an environment printed, and print.

use std::time::Duration;

use jiff::Timestamp;
use nonevent_engine::EngineError;
use nonevent_engine::logs::{Filter, FilterError};
use nonevent_engine::model::{EnvironmentName, ExceptionGroup, LogPage, LogReach, LogRecord, ProjectName};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri::State;
use tauri::ipc::Channel;

use crate::desk::{Answer, Desk, told};

/// As many as are sent at once.
const BATCH: usize = 1_000;
/// The page is told no more often than it can draw.
const PAUSE: Duration = Duration::from_millis(60);

/// Which records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Type)]
pub struct LogQuestion {
    /// A filter, as `nonevent logs --search` takes it.
    pub search: String,
    /// From when on, RFC 3339.
    pub since: Option<String>,
    /// Until when.
    pub until: Option<String>,
}

impl LogQuestion {
    fn filter(&self) -> Result<Filter, EngineError> {
        let mut filter = Filter::read(&self.search).map_err(unreadable)?;
        filter.since = self.since.as_deref().map(moment).transpose()?;
        filter.until = self.until.as_deref().map(moment).transpose()?;
        Ok(filter)
    }
}

/// The exceptions of an environment by their stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct Exceptions {
    /// The last told first.
    pub groups: Vec<ExceptionGroup>,
    /// How far what is kept reaches.
    pub reach: LogReach,
}

/// Finds the newest records that fit, at most `limit`; older than the place `before`, when it is given.
#[tauri::command]
#[specta::specta]
pub async fn log_records(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    question: LogQuestion,
    before: Option<String>,
    limit: u32,
) -> Answer<LogPage> {
    let filter = question.filter().map_err(told)?;
    desk.ask(move |engine| async move {
        engine.log_records(&engine.folder_of(&project)?, &environment, filter, before.as_deref(), limit).await
    })
    .await
}

/// Groups the exceptions that were told since a moment, RFC 3339, by their stack.
#[tauri::command]
#[specta::specta]
pub async fn exception_groups(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    since: Option<String>,
) -> Answer<Exceptions> {
    let since = since.as_deref().map(moment).transpose().map_err(told)?;
    desk.ask(move |engine| async move {
        let (groups, reach) = engine.exception_groups(&engine.folder_of(&project)?, &environment, since).await?;
        Ok(Exceptions { groups, reach })
    })
    .await
}

/// Sends the records that come from now on and fit, in place of what was followed before. An empty batch says that no more will come.
#[tauri::command]
#[specta::specta]
pub async fn follow_records(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    question: LogQuestion,
    page: Channel<Vec<LogRecord>>,
) -> Answer<()> {
    // Taken first: a slow engine may answer after the page has gone on to something else.
    let turn = desk.lines().turn();
    let filter = question.filter().map_err(told)?;
    let mut records = desk
        .ask(move |engine| async move { engine.follow_records(&engine.folder_of(&project)?, &environment, filter).await })
        .await?;
    desk.lines().begin(turn, async move {
        loop {
            let mut batch = Vec::new();
            let ended = records.recv_many(&mut batch, BATCH).await == 0;
            if page.send(batch).is_err() || ended {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    Ok(())
}

/// Ends what `follow_records` or `follow_lines` sends, or is about to send.
// Not async, as `follow_lines`: what the page asks for next must not come before.
#[expect(clippy::result_large_err, reason = "the page takes the one shape of an error as it is")]
#[tauri::command]
#[specta::specta]
pub fn stop_lines(desk: State<'_, Desk>) -> Answer<()> {
    desk.lines().end();
    Ok(())
}

fn moment(text: &str) -> Result<Timestamp, EngineError> {
    text.parse().map_err(|_| {
        EngineError::user("time_unreadable", format!("`{text}` is no time")).with_hint("write it as `2026-11-23T10:00:00Z`")
    })
}

fn unreadable(error: FilterError) -> EngineError {
    let problem = EngineError::user("filter_unreadable", error.to_string());
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn asked(search: &str) -> LogQuestion {
        LogQuestion { search: search.into(), ..LogQuestion::default() }
    }

    #[test]
    fn a_question_is_a_filter_and_a_span() {
        let question = LogQuestion { since: Some("2026-11-23T10:00:00Z".into()), ..asked("level>=error status=500") };
        let filter = question.filter().unwrap();
        assert_eq!(filter.fields, [("status".into(), "500".into())]);
        assert_eq!(filter.since.unwrap().to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(asked("").filter().unwrap(), Filter::default());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_to_write() {
        let error = asked("level>=loud").filter().unwrap_err();
        assert_eq!((error.problem.code.as_str(), error.problem.message.as_str()), ("filter_unreadable", "`loud` is no level"));
        assert!(!error.problem.hints.is_empty());
        let question = LogQuestion { until: Some("yesterday".into()), ..asked("") };
        assert_eq!(question.filter().unwrap_err().problem.code, "time_unreadable");
    }
}
