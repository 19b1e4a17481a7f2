//! `nonevent history`

use nonevent_engine::model::{EnvironmentName, RolloutRecord, RolloutState};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::paint::Tone;
use crate::session::{Session, View};
use crate::table::{Cell, Edge, Table};
use crate::words::{age, between, duration};
use crate::{args, help};

/// List the rollouts of the project, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent history", "of every environment"),
    ("nonevent history production", "of one"),
]))]
pub struct Args {
    /// Only this environment
    #[arg(value_parser = args::environment)]
    environment: Option<EnvironmentName>,
}

/// Lists rollouts.
///
/// # Errors
/// When the project or its history cannot be read.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let rollouts = session.engine()?.history(&session.folder()?, args.environment.as_ref())?;
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
            rollout.by.as_str().into(),
        ]);
        if let Some(failure) = &rollout.failure {
            table.note(failure.as_str());
        }
    }
    table.render(view.paint)
}

fn state(state: RolloutState) -> Cell {
    match state {
        RolloutState::Running => Cell::new(Tone::Warn, "… running"),
        RolloutState::Baking => Cell::new(Tone::Warn, "… baking"),
        RolloutState::Succeeded => Cell::new(Tone::Good, "✓ succeeded"),
        RolloutState::Failed => Cell::new(Tone::Bad, "✗ failed"),
        RolloutState::WentBack => Cell::new(Tone::Bad, "↩ went back"),
        RolloutState::Recovered => Cell::new(Tone::Warn, "! recovered"),
    }
}
