//! `nonevent cancel`

use nonevent_engine::EngineError;
use nonevent_engine::model::RunRecord;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;
use crate::words::age;

/// As many of the newest runs as are looked at: those that go on are among them.
const NEWEST: u32 = 200;

/// Stop runs of the project that go on, in whichever process or window
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent cancel", "whatever goes on"),
    ("nonevent cancel 3f2a91c0", "one run, by the beginning of its id"),
]))]
pub struct Args {
    /// Only runs whose id begins so
    #[arg(default_value = "")]
    run: String,
}

/// Asks runs to stop; their owners do it, and end with what they were doing as if Ctrl-C was pressed.
///
/// # Errors
/// When the project or its memory cannot be read, or no such run goes on.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let engine = session.engine()?;
    let running = engine.running(&session.folder()?, NEWEST)?;
    let known = !args.run.is_empty();
    let wanted: Vec<RunRecord> = running.into_iter().filter(|run| run.id.as_str().starts_with(&args.run)).collect();
    if wanted.is_empty() && known {
        let message = format!("no run of this project that goes on has an id that begins with `{}`", args.run);
        return Err(EngineError::user("run_unknown", message).with_hint("`nonevent cancel` alone stops all that go on").into());
    }
    let mut asked = Vec::new();
    for run in wanted {
        if engine.cancel(&run.id)? {
            asked.push(run);
        }
    }
    session.answer("cancel", json!({ "asked": asked }), |view| match asked.as_slice() {
        [] => "nothing goes on".into(),
        asked => asked.iter().map(|run| line(run, &age(&run.started_at, view.now))).collect::<Vec<_>>().join("\n"),
    });
    Ok(Exit::Done)
}

fn line(run: &RunRecord, age: &str) -> String {
    let environment = run.environment.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("asked `{}{environment}` of {} to stop (run {}, begun {age} ago)", run.verb, run.by, run.id)
}
