//! `nonevent history`

use nonevent_engine::model::{EnvironmentName, RolloutRecord, RolloutState, StepKind, StepRecord, StepState};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::paint::Tone;
use crate::session::{Detail, Session, View};
use crate::table::{Cell, Edge, Table};
use crate::words::{age, between, duration};
use crate::{args, help};

/// List the rollouts of the project, the newest first: what, who, from where, why, how long, and why not
///
/// What other laptops did is listed as far as the target tells of it: which release served when, who asked for it and why.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent history", "of every environment"),
    ("nonevent history production -v", "of one, with the time of each step"),
    ("nonevent history --json", "everything that is known, as one object"),
]))]
pub struct Args {
    /// Only this environment
    #[arg(value_parser = args::environment)]
    environment: Option<EnvironmentName>,
    /// Only the last ones
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

/// Lists rollouts.
///
/// # Errors
/// When the project or its history cannot be read.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let mut rollouts = engine.history(&folder, args.environment.as_ref()).await?;
    rollouts.truncate(args.limit.unwrap_or(usize::MAX));
    session.answer("history", json!({ "rollouts": rollouts }), |view| text(&rollouts, view));
    Ok(Exit::Done)
}

/// Returns the rollouts as a table.
pub fn text(rollouts: &[RolloutRecord], view: View) -> String {
    if rollouts.is_empty() {
        return "no rollout yet; `nonevent ship` makes the first".into();
    }
    let mut table = Table::new(&[
        ("age", Edge::Right),
        ("environment", Edge::Left),
        ("what", Edge::Left),
        ("release", Edge::Left),
        ("before", Edge::Left),
        ("state", Edge::Left),
        ("took", Edge::Right),
        ("by", Edge::Left),
        ("from", Edge::Left),
    ]);
    for rollout in rollouts {
        let took = rollout.finished_at.as_ref().and_then(|end| between(&rollout.started_at, end));
        table.row([
            age(&rollout.started_at, view.now).into(),
            rollout.environment.as_str().into(),
            rollout.reason.word().into(),
            rollout.to.as_str().into(),
            rollout.from.as_ref().map(|from| from.as_str()).unwrap_or_default().into(),
            state(rollout.state),
            took.map(duration).unwrap_or_default().into(),
            who(&rollout.by).0.into(),
            who(&rollout.by).1.into(),
        ]);
        if let Some(message) = &rollout.message {
            table.note(format!("“{message}”"));
        }
        if let Some(anyway) = &rollout.anyway {
            table.note(format!("went back anyway: {anyway}"));
        }
        if let Some(failure) = &rollout.failure {
            table.note(failure.as_str());
        }
        if let Some(first) = rollout.diagnosis.as_ref().and_then(|diagnosis| diagnosis.first()) {
            table.note(format!("because {}", first.sentence));
        }
        if view.detail >= Detail::Lines {
            rollout.steps.iter().for_each(|step| table.note(step_words(step)));
        }
    }
    table.render(view.paint)
}

/// Parts who asked from the machine that was asked on.
fn who(by: &str) -> (&str, &str) {
    by.rsplit_once('@').unwrap_or((by, ""))
}

fn step_words(step: &StepRecord) -> String {
    let what = match &step.kind {
        StepKind::Start { process, count } => format!("start {count} × {process}"),
        StepKind::Retire { process, count } => format!("retire {count} × {process}"),
        kind => kind.word().replace('_', " "),
    };
    let took = step.started_at.as_ref().zip(step.finished_at.as_ref()).and_then(|(start, end)| between(start, end));
    let (mark, words) = match step.state {
        StepState::Done => ("✓", String::new()),
        StepState::Failed => ("✗", " failed".to_owned()),
        StepState::Started => ("…", " was begun and has no end".to_owned()),
        StepState::Planned => ("·", " was not reached".to_owned()),
    };
    let took = took.map(|took| format!(" {}", duration(took))).unwrap_or_default();
    format!("{mark} {what}{took}{words}")
}

fn state(state: RolloutState) -> Cell {
    match state {
        RolloutState::Running => Cell::new(Tone::Warn, "… running"),
        RolloutState::Baking => Cell::new(Tone::Warn, "… baking"),
        RolloutState::Succeeded => Cell::new(Tone::Good, "✓ succeeded"),
        RolloutState::Failed => Cell::new(Tone::Bad, "✗ failed"),
        RolloutState::Cancelled => Cell::new(Tone::Warn, "✗ cancelled"),
        RolloutState::WentBack => Cell::new(Tone::Bad, "↩ went back"),
        RolloutState::Recovered => Cell::new(Tone::Warn, "! recovered"),
    }
}
