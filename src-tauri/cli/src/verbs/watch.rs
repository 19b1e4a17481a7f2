//! `nonevent watch`

use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use nonevent_engine::model::{HealthState, Incident, Notice};
use nonevent_engine::{Engine, Watched};
use nonevent_notifier::{Action, Notifier, address_of, browser, may_go_back};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::jobs::summary;
use super::{desktop, open, rollback, unit};
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
    let (sender, mut told) = mpsc::channel(256);
    let stop = CancellationToken::new();
    let notifier = Notifier::default();
    let watching = engine.watch(sender.clone(), stop.clone());
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
                    show(notice, &notifier, &engine, &sender, session).await;
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
async fn show(notice: &Notice, notifier: &Notifier, engine: &Engine, tell: &mpsc::Sender<Watched>, session: &mut Session) {
    let (folder, window) = (engine.folder_of(&notice.project).ok(), desktop::installed());
    let url =
        folder.as_deref().zip(notice.url.as_deref()).and_then(|(folder, url)| browser::of_project(engine, folder, url).ok());
    let mut actions = Vec::new();
    if window.is_some() || url.is_some() {
        actions.push(Action::Open);
    }
    if may_go_back(engine, notice) {
        actions.push(Action::RollBack);
    }
    let address = address_of(engine, notice);
    let (about, tell) = (notice.clone(), tell.clone());
    let chosen = move |action| match (action, window, url, folder) {
        (Action::Open, Some(window), _, _) => drop(desktop::start(&window, Some(&address))),
        (Action::Open, None, Some(url), _) => drop(std::thread::spawn(move || open::show(&url))),
        (Action::RollBack, _, _, Some(folder)) => roll_back(folder, about, tell),
        _ => {}
    };
    let shown = tokio::time::timeout(PATIENCE, notifier.show(notice, &actions, chosen)).await;
    if let Ok(Err(error)) = shown {
        session.remark(&format!("warning: {error}"));
    }
}

/// Seen to its end beside the watch: what it did is told as of every rollout, and that it was refused here. A protected environment is not
/// gone back by a click.
fn roll_back(folder: PathBuf, notice: Notice, tell: mpsc::Sender<Watched>) {
    std::thread::spawn(move || {
        let ended = std::env::current_exe().and_then(|program| {
            let mut command = Command::new(program);
            command.args(["--quiet", "--color", "never", "--project"]).arg(folder);
            command.args(rollback::words(&notice.environment));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output()
        });
        if let Some(why) = refusal(ended) {
            let message = format!("{} ({}) was not rolled back: {why}", notice.project, notice.environment);
            // Nobody hears it any more when the watch has ended.
            let _ = tell.blocking_send(Watched::Trouble { message });
        }
    });
}

/// Returns why a command did not do its work, as it said itself.
fn refusal(ended: io::Result<Output>) -> Option<String> {
    let ended = match ended {
        Ok(ended) if ended.status.success() => return None,
        Ok(ended) => ended,
        Err(error) => return Some(error.to_string()),
    };
    let said = String::from_utf8_lossy(&ended.stderr);
    let error = said.lines().find_map(|line| line.strip_prefix("error: "));
    Some(error.map_or_else(|| format!("it ended with {}", ended.status), str::to_owned))
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
        Watched::Waiting { holder, .. } if holder.is_empty() => "another process watches already; waiting for its end".into(),
        Watched::Waiting { holder, since } => {
            let since = since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
            format!("{holder} watches{since} already; waiting for its end")
        }
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
        Watched::Trouble { message } | Watched::Hindered { message } => format!("warning: {message}"),
        Watched::Freed { message } => format!("that is over: {message}"),
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
        Watched::Waiting { holder, since } => ("watch_waiting", json!({ "holder": holder, "since": since })),
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
        Watched::Trouble { message } | Watched::Hindered { message } => ("watch_trouble", json!({ "message": message })),
        Watched::Freed { message } => ("watch_trouble_over", json!({ "message": message })),
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ended(script: &str) -> Option<String> {
        refusal(Command::new("sh").args(["-c", script]).output())
    }

    #[test]
    fn a_rollback_that_was_refused_says_why() {
        assert_eq!(ended("exit 0"), None);
        let refused = "echo 'error: there is nothing to go back to' >&2; echo 'hint: ship' >&2; exit 1";
        assert_eq!(ended(refused).unwrap(), "there is nothing to go back to");
        assert_eq!(ended("exit 3").unwrap(), "it ended with exit status: 3");
        assert!(refusal(Command::new("/nowhere/nonevent").output()).is_some());
    }
}
