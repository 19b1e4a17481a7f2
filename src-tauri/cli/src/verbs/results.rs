//! `nonevent results`

use nonevent_engine::model::{RunResults, RunState, TestPast, TestResult, TestState};
use serde_json::json;

use super::exports::Exports;
use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::paint::Tone;
use crate::session::{Detail, Session, View};
use crate::table::{Cell, Edge, Table};
use crate::tell::{Lines, Look, gate_lines};
use crate::words::{age, duration};

/// Show again what the gates of the last run found; nothing runs
///
/// Takes everything from memory: findings and failures with the code around them as it was when the gates ran, every test with its
/// time. With `-v` nothing is left out.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent results --failed", "of the gates that did not pass"),
    ("nonevent results unit -v", "everything that one gate found"),
    ("nonevent results --test test_total", "what became of one test, run by run"),
]))]
pub struct Args {
    /// Only these gates
    gates: Vec<String>,
    /// Only gates that did not pass
    #[arg(long)]
    failed: bool,
    /// Another run than the last, by the beginning of its id
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// The slowest tests, as many as asked for
    #[arg(long, value_name = "N", conflicts_with = "test")]
    slowest: Option<usize>,
    /// What became of one test in each run; a part of its id will do
    #[arg(long, value_name = "TEST", conflicts_with_all = ["gates", "failed", "run", "sarif", "junit"])]
    test: Option<String>,
    #[command(flatten)]
    exports: Exports,
}

/// Shows what is remembered.
///
/// # Errors
/// When no gate has run, a gate or test is not known, or a file cannot be written.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    if let Some(test) = &args.test {
        let past = engine.test_history(&folder, test)?;
        session.answer("results", json!({ "history": past }), |view| history(&past, view));
        return Ok(Exit::Done);
    }
    let mut results = engine.results(&folder, args.run.as_deref())?;
    if let Some(unknown) = args.gates.iter().find(|name| results.gates.iter().all(|gate| gate.gate != **name)) {
        let known = results.gates.iter().map(|gate| gate.gate.clone()).collect();
        return Err(CliError::NoGate { gate: unknown.clone(), known });
    }
    results.gates.retain(|gate| args.gates.is_empty() || args.gates.contains(&gate.gate));
    results.gates.retain(|gate| !(args.failed && gate.state.passes()));
    args.exports.write(&engine, &results, &folder)?;
    if let Some(most) = args.slowest {
        let slow = engine.slowest_tests(&results, most)?;
        let rows: Vec<(&str, &TestResult)> = slow.iter().map(|one| (one.gate.as_str(), &one.test)).collect();
        session.answer("results", json!({ "slowest": slow }), |view| slowest(&rows, view));
        return Ok(Exit::Done);
    }
    let tests = engine.tests_of(&results)?;
    let answer = json!({ "run": results.run, "gates": results.gates, "tests": tests });
    session.answer("results", answer, |view| text(&results, view));
    Ok(Exit::Done)
}

/// Returns the results of a run as they were told when it ended.
pub fn text(results: &RunResults, view: View) -> String {
    let look = Look {
        paint: view.paint,
        lines: if view.detail >= Detail::Lines { Lines::Shown } else { Lines::Kept },
        width: view.width,
        now: Some(view.now),
    };
    let run = &results.run;
    let state = match run.state {
        RunState::Running => "goes on",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "was cancelled",
        RunState::Abandoned => "was abandoned",
    };
    let head = format!("{} {}, begun {} by {}, {state}", run.verb, run.id, ago(&run.started_at, view), run.by);
    let mut lines = vec![head];
    lines.extend(results.gates.iter().flat_map(|gate| gate_lines(gate, &look)));
    if results.gates.is_empty() {
        lines.push("no gate to show".into());
    }
    lines.join("\n")
}

fn ago(at: &str, view: View) -> String {
    match age(at, view.now).as_str() {
        "now" => "just now".into(),
        age if age.len() == 10 => format!("on {age}"),
        age => format!("{age} ago"),
    }
}

/// Returns the slowest tests as a table.
pub fn slowest(tests: &[(&str, &TestResult)], view: View) -> String {
    if tests.is_empty() {
        return "no test to show".into();
    }
    let mut table = Table::new(&[("took", Edge::Right), ("state", Edge::Left), ("gate", Edge::Left), ("test", Edge::Left)]);
    for (gate, test) in tests {
        table.row([took(test.duration_s).into(), state(test.state), (*gate).into(), test.id.as_str().into()]);
    }
    table.render(view.paint)
}

/// Returns what became of a test as a table.
pub fn history(past: &[TestPast], view: View) -> String {
    let mut table = Table::new(&[
        ("age", Edge::Right),
        ("state", Edge::Left),
        ("took", Edge::Right),
        ("gate", Edge::Left),
        ("run", Edge::Left),
    ]);
    for one in past {
        let run = one.run.as_str();
        table.row([
            age(&one.at, view.now).into(),
            state(one.test.state),
            took(one.test.duration_s).into(),
            one.gate.as_str().into(),
            run.into(),
        ]);
        if let Some(message) = &one.message {
            table.note(message.as_str());
        }
    }
    let name = past.first().map(|past| past.test.id.clone()).unwrap_or_default();
    format!("{name}\n{}", table.render(view.paint))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn took(seconds: f64) -> String {
    match seconds {
        ..0.1 => format!("{:.0} ms", seconds * 1000.0),
        _ => duration((seconds * 1000.0) as u64),
    }
}

fn state(state: TestState) -> Cell {
    match state {
        TestState::Passed => Cell::new(Tone::Good, "✓ passed"),
        TestState::Failed => Cell::new(Tone::Bad, "✗ failed"),
        TestState::Error => Cell::new(Tone::Bad, "✗ broken"),
        TestState::Skipped => Cell::new(Tone::Faint, "– skipped"),
        TestState::Flaky => Cell::new(Tone::Warn, "! flaky"),
    }
}
