//! `nonevent jobs`

use clap::ValueEnum;
use jiff::Timestamp;
use nonevent_engine::model::{EnvironmentName, JobRun, JobStatus};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::paint::Tone;
use crate::session::{Format, Session, View};
use crate::table::{Cell, Edge, Table};
use crate::words::{age, between, duration};
use crate::{args, help};

/// List the jobs of what serves, with their next and last runs; run one now
///
/// Jobs stand in the configuration as `[job.NAME]` and come with a ship. `nonevent watch` runs them at their times.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent jobs", "of `local`"),
    ("nonevent jobs run cleanup", "now, and show what it prints"),
    ("nonevent jobs log cleanup -e production", "what its last runs printed"),
]))]
pub struct Args {
    /// What to do
    #[arg(default_value = "list", value_name = "WHAT")]
    what: What,
    /// The job
    #[arg(value_name = "JOB")]
    job: Option<String>,
    /// The environment
    #[arg(short = 'e', long = "env", value_name = "ENVIRONMENT", default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// Only the last runs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    limit: u32,
}

/// What is done with jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// List them
    List,
    /// Run one now
    Run,
    /// Show what the last runs printed
    Log,
}

/// Lists jobs, or runs one.
///
/// # Errors
/// When nothing serves, there is no such job, or the target does not answer.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    match (args.what, args.job) {
        (What::List, _) => {
            let jobs = engine.jobs(&folder, &args.environment).await?;
            session.answer("jobs", json!({ "jobs": jobs }), |view| text(&jobs, view));
            Ok(Exit::Done)
        }
        (What::Log, job) => {
            let runs = engine.job_runs(&folder, &args.environment, job.as_deref(), args.limit)?;
            session.answer("jobs", json!({ "runs": runs }), |view| log(&runs, view));
            Ok(Exit::Done)
        }
        (What::Run, None) => Err(CliError::NoJob),
        (What::Run, Some(job)) => {
            let (sender, mut lines) = tokio::sync::mpsc::channel(1024);
            let (stop, name) = (CancellationToken::new(), job.clone());
            let mut interrupts = Interrupts::listen().map_err(CliError::Setup)?;
            let running = engine.run_job(&folder, &args.environment, &name, sender, &stop);
            tokio::pin!(running);
            let ended = loop {
                tokio::select! {
                    () = interrupts.next() => {
                        if stop.is_cancelled() {
                            return Ok(Exit::Interrupted);
                        }
                        session.remark("stopping the job");
                        stop.cancel();
                    }
                    Some(line) = lines.recv() => {
                        let text = match session.format {
                            Format::Json => crate::json::line(Timestamp::now(), "line", &line),
                            Format::Human => line.text,
                        };
                        session.out.line(&text);
                    }
                    ended = &mut running => break ended,
                }
            };
            while let Ok(line) = lines.try_recv() {
                let text = match session.format {
                    Format::Json => crate::json::line(Timestamp::now(), "line", &line),
                    Format::Human => line.text,
                };
                session.out.line(&text);
            }
            let ended = ended?;
            if ended.succeeded() {
                let told = summary(&ended);
                session.remark(&told);
                if session.format == Format::Json {
                    session.answer("jobs", json!({ "run": ended }), |_| String::new());
                }
                return Ok(Exit::Done);
            }
            Err(CliError::JobFailed { job, why: summary(&ended) })
        }
    }
}

/// Returns the jobs as a table.
pub fn text(jobs: &[JobStatus], view: View) -> String {
    if jobs.is_empty() {
        return "what serves has no jobs; `[job.NAME]` in the configuration makes one".into();
    }
    let mut table = Table::new(&[
        ("job", Edge::Left),
        ("schedule", Edge::Left),
        ("next", Edge::Left),
        ("last", Edge::Right),
        ("ended", Edge::Left),
        ("took", Edge::Right),
        ("runs", Edge::Left),
    ]);
    for job in jobs {
        let last = job.last.as_ref();
        let took = last.and_then(|run| between(&run.started_at, run.finished_at.as_ref()?));
        table.row([
            job.name.as_str().into(),
            match job.timezone.as_str() {
                "UTC" => job.schedule.clone().into(),
                zone => format!("{} ({zone})", job.schedule).into(),
            },
            job.next.clone().map(|next| crate::words::minute(&next)).unwrap_or_default().into(),
            last.map(|run| age(&run.started_at, view.now)).unwrap_or_default().into(),
            last.map_or_else(|| Cell::new(Tone::Faint, "never ran"), state),
            took.map(duration).unwrap_or_default().into(),
            job.command.as_str().into(),
        ]);
    }
    table.render(view.paint)
}

/// Returns how a run stands, as a shape and words.
fn state(run: &JobRun) -> Cell {
    match (&run.finished_at, &run.failure, run.exit_code) {
        (None, ..) => Cell::new(Tone::Warn, "… running"),
        (_, Some(why), _) => Cell::new(Tone::Bad, format!("✗ {why}")),
        (_, None, Some(0)) => Cell::new(Tone::Good, "✓ exit 0"),
        (_, None, Some(code)) => Cell::new(Tone::Bad, format!("✗ exit {code}{}", if run.oom { ", out of memory" } else { "" })),
        (_, None, None) => Cell::new(Tone::Bad, "✗ no end is known"),
    }
}

/// Returns how a run ended, in one line.
pub fn summary(run: &JobRun) -> String {
    let took = run.finished_at.as_ref().and_then(|end| between(&run.started_at, end)).map(duration).unwrap_or_default();
    let how = match (&run.failure, run.exit_code) {
        (Some(why), Some(code)) => format!("{why}; exit {code}"),
        (Some(why), None) => why.clone(),
        (None, Some(code)) if run.oom => format!("exit {code}, out of memory"),
        (None, Some(code)) => format!("exit {code}"),
        (None, None) => "no end is known".to_owned(),
    };
    format!("{} in {}: {how} ({took})", run.job, run.environment)
}

/// Returns runs with what they printed, the newest first.
fn log(runs: &[JobRun], view: View) -> String {
    if runs.is_empty() {
        return "no job ran here yet".into();
    }
    let told = runs.iter().map(|run| {
        let when = format!("{} ago", age(&run.started_at, view.now));
        let mut text = format!("{} {}", summary(run), view.paint.tone(Tone::Faint, &when));
        run.lines.iter().for_each(|line| text.push_str(&format!("\n  {}", line.text)));
        text
    });
    told.collect::<Vec<_>>().join("\n")
}
