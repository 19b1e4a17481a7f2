//! `nonevent watch`

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use nonevent_engine::model::{EnvironmentName, HealthState, Incident, Notice};
use nonevent_engine::{Engine, Watched};
use nonevent_notifier::{Action, Notifier, address_of, may_go_back};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::jobs::summary;
use super::{desktop, open, unit};
use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::interrupt::Interrupts;
use crate::json;
use crate::session::{Format, Session};
use crate::words::counted;

/// Watch what serves and run jobs at their times, for every project of this laptop, until Ctrl-C
///
/// Probes say how every environment fares; incidents and the ends of rollouts are told by the desktop and by webhooks.
///
/// One process of a home folder does it; a second one waits, and takes over when the first one ends. A time that was missed, because no
/// such process ran or the machine slept, is made up for once, however many there were.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent watch", "from a terminal, or as a service of the system"),
    ("nonevent watch --json", "one object a line"),
    ("nonevent watch --systemd-unit", "the file by which systemd does it, for one person"),
]))]
pub struct Args {
    /// Print a unit for systemd instead, which keeps it running
    #[arg(long)]
    systemd_unit: bool,
}

/// Time that the desktop may take to show something.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches.
///
/// # Errors
/// When the home's folder cannot be used.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    if args.systemd_unit {
        let program = std::env::current_exe().map_err(CliError::Setup)?;
        let unit = unit::file(&program, |name| std::env::var(name).ok());
        session.answer("watch", json!({ "unit": unit }), |_| unit.clone());
        return Ok(Exit::Done);
    }
    let engine = session.engine()?;
    let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let (sender, mut told) = tokio::sync::mpsc::channel(256);
    let stop = CancellationToken::new();
    let notifier = Notifier::default();
    let watching = engine.watch(sender, stop.clone());
    tokio::pin!(watching);
    loop {
        tokio::select! {
            () = interrupts.next() => {
                if stop.is_cancelled() {
                    return Ok(Exit::Interrupted);
                }
                session.remark("ending: jobs that run are stopped with their grace time; Ctrl-C again leaves at once");
                stop.cancel();
            }
            Some(one) = told.recv() => {
                tell(&one, session);
                if let Watched::Notice { id, notice } = &one {
                    show(notice, &notifier, &engine, session).await;
                    engine.shown(id);
                }
            }
            ended = &mut watching => {
                while let Ok(one) = told.try_recv() {
                    tell(&one, session);
                }
                ended?;
                if session.format == Format::Json {
                    session.answer("watch", json!({}), |_| String::new());
                }
                return Ok(Exit::Done);
            }
        }
    }
}

/// Shows a notice on the desktop; where there is none, that is said, and watching goes on.
async fn show(notice: &Notice, notifier: &Notifier, engine: &Engine, session: &mut Session) {
    let (url, environment) = (notice.url.clone(), notice.environment.clone());
    let (folder, window) = (engine.folder_of(&notice.project).ok(), desktop::installed());
    let mut actions = Vec::new();
    if window.is_some() || url.is_some() {
        actions.push(Action::Open);
    }
    if may_go_back(engine, notice) {
        actions.push(Action::RollBack);
    }
    let address = address_of(engine, notice);
    let chosen = move |action| match (action, window, url, folder) {
        (Action::Open, Some(window), _, _) => drop(desktop::start(&window, Some(&address))),
        (Action::Open, None, Some(url), _) => open::show(&url),
        (Action::RollBack, _, _, Some(folder)) => roll_back(&folder, &environment),
        _ => {}
    };
    let shown = tokio::time::timeout(PATIENCE, notifier.show(notice, &actions, chosen)).await;
    if let Ok(Err(error)) = shown {
        session.remark(&format!("warning: {error}"));
    }
}

/// Not waited for: it tells of its end as every rollout does. A protected environment is not gone back by a click.
fn roll_back(folder: &Path, environment: &EnvironmentName) {
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    command.arg("--project").arg(folder).args(["rollback", environment.as_str()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(command.spawn());
}

fn tell(watched: &Watched, session: &mut Session) {
    match session.format {
        Format::Human => session.remark(&text(watched)),
        Format::Json => {
            let (kind, data) = object(watched);
            session.out.line(&json::line(Timestamp::now(), kind, &data));
        }
    }
}

/// Returns what is told to people.
pub fn text(watched: &Watched) -> String {
    match watched {
        Watched::Waiting { holder } if holder.is_empty() => "another process watches already; waiting for its end".into(),
        Watched::Waiting { holder } => format!("{holder} watches already; waiting for its end"),
        Watched::Holding => "watching".into(),
        Watched::Jobs { jobs } if jobs.is_empty() => "no release that serves has jobs".into(),
        Watched::Jobs { jobs } => {
            let lines = jobs.iter().map(|(place, job, next)| {
                let next = next.as_deref().unwrap_or("never");
                format!("\n  {job} of {place}, next {next}")
            });
            format!("{}:{}", counted(jobs.len(), "job"), lines.collect::<String>())
        }
        Watched::Begun { place, job } => format!("{job} of {place} began"),
        Watched::Ended(run) => {
            let tail = run.lines.iter().rev().take(3).rev().map(|line| format!("\n  {}", line.text));
            match run.succeeded() {
                true => format!("{} of {}", summary(run), run.project),
                false => format!("{} of {}{}", summary(run), run.project, tail.collect::<String>()),
            }
        }
        Watched::Overlapped { place, job } => format!("{job} of {place} was due, and the run before it still goes on"),
        Watched::Recovered { place, done } => format!("{place}: {}", done.join("; ")),
        Watched::Verdict { place, probe, from, to, finding } => {
            let why = if finding.is_empty() { String::new() } else { format!(": {finding}") };
            format!("{place}: {probe} went from {} to {}{why}", word(*from), word(*to))
        }
        Watched::Incident(incident) => match &incident.closed_at {
            Some(_) => format!("{} ({}): the incident is over", incident.project, incident.environment),
            None => {
                let Incident { project, environment, worst, .. } = incident.as_ref();
                format!("{project} ({environment}): {}, because {}", word(*worst), incident.cause())
            }
        },
        Watched::Notice { notice, .. } => format!("told the desktop: {}", notice.title),
        Watched::Trouble { message } => format!("warning: {message}"),
    }
}

fn word(state: HealthState) -> &'static str {
    match state {
        HealthState::Healthy => "healthy",
        HealthState::Degraded => "degraded",
        HealthState::Down => "down",
        HealthState::Unknown => "unknown",
        HealthState::Empty => "empty",
    }
}

fn object(watched: &Watched) -> (&'static str, Value) {
    match watched {
        Watched::Waiting { holder } => ("watch_waiting", json!({ "holder": holder })),
        Watched::Holding => ("watch_holding", json!({})),
        Watched::Jobs { jobs } => {
            let jobs: Vec<Value> =
                jobs.iter().map(|(place, job, next)| json!({ "place": place, "job": job, "next": next })).collect();
            ("watch_jobs", json!({ "jobs": jobs }))
        }
        Watched::Begun { place, job } => ("job_begun", json!({ "place": place, "job": job })),
        Watched::Ended(run) => ("job_ended", json!(run)),
        Watched::Overlapped { place, job } => ("job_overlapped", json!({ "place": place, "job": job })),
        Watched::Recovered { place, done } => ("rollout_recovered", json!({ "place": place, "done": done })),
        Watched::Verdict { place, probe, from, to, finding } => {
            ("verdict_changed", json!({ "place": place, "probe": probe, "from": from, "to": to, "finding": finding }))
        }
        Watched::Incident(incident) => ("incident_changed", json!(incident)),
        Watched::Notice { notice, .. } => ("notice", json!(notice)),
        Watched::Trouble { message } => ("watch_trouble", json!({ "message": message })),
    }
}
