//! `nonevent status`

use std::collections::BTreeMap;

use nonevent_engine::model::{EnvironmentStatus, HealthState, Instance, InstanceState};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::paint::Tone;
use crate::session::{Detail, Session, View};
use crate::table::{Cell, Edge, Table};
use crate::words::{age, counted};

/// Show what serves in each environment of the project, as observed now
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent status", "one line for each environment"),
    ("nonevent status -v", "with every instance"),
    ("nonevent status --json", "as one object, for a script"),
]))]
pub struct Args {}

/// Shows the status.
///
/// # Errors
/// When the project cannot be read.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let environments = session.engine()?.status(&session.folder()?).await?;
    session.answer("status", json!({ "environments": environments }), |view| text(&environments, view));
    Ok(Exit::Done)
}

/// Returns the environments as a table.
pub fn text(environments: &[EnvironmentStatus], view: View) -> String {
    if environments.is_empty() {
        return "nothing was shipped yet; `nonevent ship` brings the project up on this laptop".into();
    }
    let mut table = Table::new(&[
        ("environment", Edge::Left),
        ("state", Edge::Left),
        ("release", Edge::Left),
        ("age", Edge::Right),
        ("url", Edge::Left),
        ("instances", Edge::Left),
        ("services", Edge::Left),
    ]);
    for status in environments {
        table.row([
            status.environment.as_str().into(),
            light(status.health),
            status.serving.as_ref().map(|release| release.as_str()).unwrap_or_default().into(),
            status.since.as_ref().map(|since| age(since, view.now)).unwrap_or_default().into(),
            status.url.clone().unwrap_or_default().into(),
            instances(&status.instances).into(),
            services(status).into(),
        ]);
        notes(status).into_iter().for_each(|note| table.note(note));
    }
    let mut text = table.render(view.paint);
    let every = environments.iter().flat_map(|status| status.instances.iter().map(move |instance| (status, instance)));
    if view.detail >= Detail::Lines && every.clone().next().is_some() {
        text.push_str("\n\n");
        text.push_str(&instance_table(every, view).render(view.paint));
    }
    if environments.iter().all(|status| status.health == HealthState::Empty) {
        text.push_str("\n\n`nonevent ship` brings the project up on this laptop");
    }
    text
}

/// Returns a light as a shape and a word, so that neither depends on colour.
pub fn light(health: HealthState) -> Cell {
    let (tone, text) = match health {
        HealthState::Healthy => (Tone::Good, "● healthy"),
        HealthState::Degraded => (Tone::Warn, "◐ degraded"),
        HealthState::Down => (Tone::Bad, "✗ down"),
        HealthState::Unknown => (Tone::Warn, "? unknown"),
        HealthState::Empty => (Tone::Faint, "○ empty"),
    };
    Cell::new(tone, text)
}

/// Returns how many instances of each process there are, and how many of them do not run.
fn instances(instances: &[Instance]) -> String {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for instance in instances {
        let (all, running) = counts.entry(instance.process.as_str()).or_default();
        *all += 1;
        *running += usize::from(instance.state == InstanceState::Running);
    }
    let told = counts.into_iter().map(|(process, (all, running))| match running == all {
        true => format!("{all} × {process}"),
        false => format!("{running} of {all} × {process}"),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn services(status: &EnvironmentStatus) -> String {
    let told = status.services.iter().map(|service| match service.running {
        true => service.name.clone(),
        false => format!("{} (stopped)", service.name),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn notes(status: &EnvironmentStatus) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &status.unreachable {
        notes.push(format!("it could not be observed: {reason}"));
    }
    if !status.lacks.is_empty() {
        let commands: Vec<String> =
            status.lacks.iter().map(|name| format!("`nonevent secret set {name} -e {}`", status.environment)).collect();
        notes.push(format!("it lacks {}, and cannot be shipped to: {}", status.lacks.join(", "), commands.join(", ")));
    }
    if let Some(holder) = &status.held_by {
        notes.push(format!("held by {holder}"));
    }
    if status.rollout.is_some() {
        notes.push("a rollout goes on here, or was left in the middle: `nonevent recover` ends what nobody works on".into());
    }
    let restarted = status.instances.iter().filter(|instance| instance.restarts > 0);
    notes.extend(restarted.map(|instance| {
        let times = usize::try_from(instance.restarts).unwrap_or(usize::MAX);
        format!("{} was restarted by the engine {}", instance.name, counted(times, "time"))
    }));
    notes
}

fn instance_table<'a>(every: impl Iterator<Item = (&'a EnvironmentStatus, &'a Instance)>, view: View) -> Table {
    let mut table = Table::new(&[
        ("environment", Edge::Left),
        ("instance", Edge::Left),
        ("state", Edge::Left),
        ("traffic", Edge::Left),
        ("release", Edge::Left),
        ("age", Edge::Right),
        ("address", Edge::Left),
    ]);
    for (status, instance) in every {
        table.row([
            status.environment.as_str().into(),
            instance.name.as_str().into(),
            state(&instance.state),
            match instance.serving {
                true => "yes".into(),
                false => Cell::new(Tone::Faint, "no"),
            },
            instance.release.as_str().into(),
            instance.started_at.as_ref().map(|at| age(at, view.now)).unwrap_or_default().into(),
            instance.address.clone().unwrap_or_default().into(),
        ]);
    }
    table
}

fn state(state: &InstanceState) -> Cell {
    match state {
        InstanceState::Created => Cell::new(Tone::Faint, "created"),
        InstanceState::Running => Cell::new(Tone::Good, "running"),
        InstanceState::Restarting { exit_code } => Cell::new(Tone::Warn, format!("restarting after exit {exit_code}")),
        InstanceState::Exited { exit_code, oom: false } => Cell::new(Tone::Bad, format!("exited with {exit_code}")),
        InstanceState::Exited { exit_code, oom: true } => Cell::new(Tone::Bad, format!("exited with {exit_code}, out of memory")),
    }
}
