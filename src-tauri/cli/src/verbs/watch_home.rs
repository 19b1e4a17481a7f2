//! `nonevent watch`

use jiff::Timestamp;
use nonevent_engine::Watched;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::jobs::summary;
use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::interrupt::Interrupts;
use crate::json;
use crate::session::{Format, Session};
use crate::words::counted;

/// Run jobs at their times, for every project of this laptop, until Ctrl-C
///
/// One process of a home folder does it; a second one waits, and takes over when the first one ends. A time that was missed, because no
/// such process ran or the machine slept, is made up for once, however many there were.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent watch", "from a terminal, or as a service of the system"),
    ("nonevent watch --json", "one object a line"),
]))]
pub struct Args {}

/// Watches.
///
/// # Errors
/// When the home's folder cannot be used.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let engine = session.engine()?;
    let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
    let (sender, mut told) = tokio::sync::mpsc::channel(256);
    let stop = CancellationToken::new();
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
            Some(one) = told.recv() => tell(&one, session),
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
        Watched::Trouble { message } => format!("warning: {message}"),
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
        Watched::Trouble { message } => ("watch_trouble", json!({ "message": message })),
    }
}
