//! One gate: waits for its turn, runs its tool in a container, reads what it found.

use std::time::{Duration, Instant};

use super::command::{self, Invocation, Known, Tool};
use super::container::{COVERAGE_FILE, Caching, JUNIT_FILE, LARGEST_OUTPUT, RUFF_FILE, specification};
use super::judge::{self, Limits, Reading};
use super::order::Board;
use super::readers::{self, Paths};
use super::{AfterRed, GateFact, Hall, Necessity, aftermath, excerpt, measured, retry, shard};
use crate::docker::LineSender;
use crate::docker::once::{self, OnceEnd, OnceError, OnceSpec};
use crate::model::{CommandLine, Finding, GateReport, GateSettings, GateState, LogStream};

/// Lines of output in a report that has nothing better.
const TAIL: usize = 30;

/// Runs one gate and tells how it ended.
pub(super) async fn run(hall: &Hall<'_>, board: &Board, settings: &GateSettings) -> GateReport {
    let report = match (&settings.run, hall.plan.known.get(&settings.name)) {
        (_, Some(known)) => known.clone(),
        (Some(command), None) => turn(hall, board, settings, command).await,
        (None, None) => not_set_up(&settings.name, Necessity::of(&settings.name, &hall.plan.required)),
    };
    let report = masked(hall, report);
    hall.stop_after(settings, &report);
    board.post(&settings.name, &report.state);
    (hall.facts)(GateFact::Finished(report.clone()));
    report
}

/// Takes secrets out of a report: some of it never passed a stream, such as what an engine says.
fn masked(hall: &Hall<'_>, report: GateReport) -> GateReport {
    let (gate, command) = (report.gate.clone(), hall.mask.text(&report.command).into_owned());
    hall.mask.of(report).unwrap_or_else(|| {
        let reason = "its report cannot be kept without a secret in it: a secret's value is a word of the report itself";
        blank(&gate, GateState::Error { reason: reason.to_owned() }, command)
    })
}

impl Hall<'_> {
    /// Stops the others after a red gate, when that is wanted.
    fn stop_after(&self, settings: &GateSettings, report: &GateReport) {
        let wanted = self.plan.after_red == AfterRed::Stop && !settings.allow_failure;
        if wanted && !report.state.passes() && !judge::no_tests(report) && self.red.set(settings.name.clone()).is_ok() {
            self.stop.cancel();
        }
    }

    /// Says why a gate was stopped.
    fn why_stopped(&self) -> String {
        match self.red.get() {
            Some(red) if !self.cancel.is_cancelled() => {
                format!("`{red}` did not pass, and the first one that does not stops the others")
            }
            _ => "it was cancelled".to_owned(),
        }
    }
}

/// Reports a gate whose tool the project does not configure; one that is required is red.
pub fn not_set_up(gate: &str, necessity: Necessity) -> GateReport {
    match necessity {
        Necessity::Required => {
            let tail = vec![format!("`{gate}` is required, but the project configures no such tool")];
            GateReport { tail, ..blank(gate, GateState::Red, String::new()) }
        }
        Necessity::Optional => blank(gate, GateState::NotSetUp, String::new()),
    }
}

fn blank(gate: &str, state: GateState, command: String) -> GateReport {
    GateReport {
        gate: gate.to_owned(),
        state,
        command,
        tool: None,
        duration_ms: 0,
        findings: Vec::new(),
        tests: None,
        tail: Vec::new(),
        compared: None,
    }
}

/// Waits until it may run, then runs.
async fn turn(hall: &Hall<'_>, board: &Board, settings: &GateSettings, command: &CommandLine) -> GateReport {
    let ended = |state| blank(&settings.name, state, command::typed(command));
    if let Err(reason) = board.needed(settings).await {
        return ended(GateState::Skipped { reason });
    }
    let stopped = || ended(GateState::Skipped { reason: hall.why_stopped() });
    // A place is not held while services get ready: other gates can use it.
    let services = tokio::select! {
        ready = hall.services.ready(&settings.services) => ready,
        () = hall.stop.cancelled() => return stopped(),
    };
    let _place = tokio::select! {
        place = hall.places.take(settings.workers.unwrap_or(1)) => place,
        () = hall.stop.cancelled() => return stopped(),
    };
    if hall.stop.is_cancelled() {
        return stopped();
    }
    let typed = hall.mask.text(&command::typed(command)).into_owned();
    (hall.facts)(GateFact::Started { gate: settings.name.clone(), command: typed });
    let began = Instant::now();
    let report = match services {
        Ok(()) => tool(hall, settings, command).await,
        Err(failure) => {
            let reason = format!("service `{}` did not get ready: {}", failure.service, failure.reason);
            GateReport { tail: failure.tail, ..ended(GateState::Error { reason }) }
        }
    };
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    GateReport { duration_ms, ..report }
}

/// Runs the tool and reads what it found.
async fn tool(hall: &Hall<'_>, settings: &GateSettings, command: &CommandLine) -> GateReport {
    let report = |state| blank(&settings.name, state, command::typed(command));
    // Whoever made the plan has decided; a gate whose tool divides nothing has one worker.
    let workers = settings.workers.unwrap_or(1);
    let invocation = shard::divided(Invocation::new(command), workers);
    let known = invocation.known.map(|known| known.tool);
    let before = look(hall, settings).await;
    let (mut spec, mut end) = contained(hall, settings, invocation.for_reading(), known).await;
    let mut format = Format::Machine;
    if known == Some(Tool::Mypy) && end.as_ref().is_ok_and(knows_no_json) {
        format = Format::Lines;
        (spec, end) = contained(hall, settings, invocation.for_reading_lines(), known).await;
    }
    if let Some(before) = before {
        tell_left(hall, settings, &before).await;
    }
    let end = match end {
        Ok(end) if end.cancelled => return report(GateState::Skipped { reason: hall.why_stopped() }),
        Ok(end) => end,
        Err(OnceError::Cancelled) => return report(GateState::Skipped { reason: hall.why_stopped() }),
        Err(OnceError::ProgramMissing { program }) => {
            return report(GateState::Error { reason: judge::missing(&program) });
        }
        Err(error) => return report(GateState::Error { reason: error.to_string() }),
    };
    tell_flood(hall, settings, &end);
    let paths = Paths::new(&hall.plan.image.workdir);
    let mut reading = read(known, format, &end, &paths);
    print(hall, settings, invocation.known, &end, &reading).await;
    let limits = Limits { time: &in_words(settings.timeout), memory: &in_bytes(hall.plan.limits.budget.gate_memory) };
    let mut state = judge::judge(known, &end, &reading, &limits);
    if state == GateState::Red && known == Some(Tool::Pytest) {
        state = retry::again(hall, settings, &spec, &mut reading, &paths).await;
    }
    if state == GateState::Red {
        excerpt::add(hall, &mut reading).await;
    }
    let data = end.collected.get(COVERAGE_FILE).and_then(Option::as_ref);
    if let (Some(tests), Some(data)) = (&mut reading.tests, data) {
        tests.coverage = measured::coverage(hall, settings, data, &paths).await;
    }
    if !reading.results.is_empty() {
        let results = std::mem::take(&mut reading.results);
        if let Some(results) = hall.mask.of(results) {
            (hall.facts)(GateFact::Tested { gate: settings.name.clone(), results });
        }
    }
    let silent = reading.findings.is_empty() && reading.tests.as_ref().is_none_or(|tests| tests.failures.is_empty());
    let mut tail = match matches!(state, GateState::Green | GateState::Skipped { .. }) || (state == GateState::Red && !silent) {
        true => Vec::new(),
        false => last_lines(&end),
    };
    if state == GateState::Red && wrote_where_it_may_not(&end, &reading) {
        tail.push(READ_ONLY.to_owned());
    }
    let tool = match known {
        Some(tool) => hall.versions.of(hall, tool).await.map(|tool| shard::described(tool, workers)),
        None => None,
    };
    GateReport { tool, findings: reading.findings, tests: reading.tests, tail, ..report(state) }
}

/// Runs a gate's container, with its caches unless another run uses them just now.
async fn contained(
    hall: &Hall<'_>,
    settings: &GateSettings,
    argv: Vec<String>,
    tool: Option<Tool>,
) -> (OnceSpec, Result<OnceEnd, OnceError>) {
    let mut spec = specification(hall, settings, argv.clone(), tool, Caching::Kept);
    let mut end = once::run(hall.docker, &spec, hall.lines, &hall.stop).await;
    if matches!(end, Err(OnceError::NameTaken { .. })) {
        spec = specification(hall, settings, argv, tool, Caching::Not);
        end = once::run(hall.docker, &spec, hall.lines, &hall.stop).await;
    }
    (spec, end)
}

/// Looks at the engine before a gate gets its socket.
async fn look(hall: &Hall<'_>, settings: &GateSettings) -> Option<aftermath::Things> {
    if !settings.docker {
        return None;
    }
    aftermath::look(hall.docker).await.inspect_err(|error| tracing::warn!(%error, "what is on the engine cannot be listed")).ok()
}

/// Tells what came onto the engine while a gate had its socket.
async fn tell_left(hall: &Hall<'_>, settings: &GateSettings, before: &aftermath::Things) {
    let Ok(after) = aftermath::look(hall.docker).await else { return };
    for (what, command) in aftermath::new_ones(before, after) {
        let message = format!("gate `{}` has the engine's socket, and {what} appeared while it ran", settings.name);
        let hint = format!("if it is of the gate, remove it with `{command}`, or let the gate label it with $NONEVENT_RUN_LABEL");
        (hall.facts)(GateFact::Noted { message, hint: Some(hint) });
    }
}

/// Tells that not everything that a gate printed is kept.
fn tell_flood(hall: &Hall<'_>, settings: &GateSettings, end: &OnceEnd) {
    let limit = hall.plan.limits.output;
    if end.printed >= limit && end.dropped_lines > 0 {
        let (printed, kept) = (in_bytes(end.printed), in_bytes(limit));
        let message = format!("gate `{}` printed {printed}: its first {kept} and its last lines are kept", settings.name);
        (hall.facts)(GateFact::Noted { message, hint: None });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Machine,
    Lines,
}

/// Versions of mypy before 1.11 refuse the option.
fn knows_no_json(end: &OnceEnd) -> bool {
    end.exit_code == 2 && end.tail.iter().any(|line| line.contains("unrecognized arguments: --output"))
}

fn read(tool: Option<Tool>, format: Format, end: &OnceEnd, paths: &Paths) -> Reading {
    let stdout = String::from_utf8_lossy(&end.stdout);
    let file = |place: usize| end.collected.get(place).and_then(Option::as_ref);
    let mut reading = Reading::default();
    let findings = match tool {
        Some(_) if end.stdout.len() >= LARGEST_OUTPUT => {
            Err(readers::Nonsense { tool: "it", reason: format!("more than {} of findings", in_bytes(LARGEST_OUTPUT as u64)) })
        }
        Some(Tool::RuffCheck) => match file(RUFF_FILE) {
            Some(report) => readers::ruff::check(&String::from_utf8_lossy(report), paths),
            None => Err(readers::Nonsense { tool: "ruff", reason: "there is no report".to_owned() }),
        },
        Some(Tool::RuffFormat) => readers::ruff::format(&stdout, paths),
        Some(Tool::Mypy) if format == Format::Lines => readers::mypy::lines(&stdout, paths),
        Some(Tool::Mypy) => readers::mypy::json(&stdout, paths),
        Some(Tool::Pyright) => readers::pyright::read(&stdout, paths),
        Some(Tool::Ty) => readers::ty::read(&stdout, paths),
        Some(Tool::Pytest) | None => Ok(Vec::new()),
    };
    match findings {
        Ok(findings) => reading.findings = findings,
        Err(nonsense) => reading.unreadable = Some(nonsense.to_string()),
    }
    match file(JUNIT_FILE).map(|xml| readers::junit::read(xml, paths)) {
        Some(Ok(tests)) => (reading.tests, reading.results) = (Some(tests.report), tests.results),
        Some(Err(nonsense)) => reading.unreadable = Some(nonsense.to_string()),
        None if tool == Some(Tool::Pytest) && matches!(end.exit_code, 0 | 1) => {
            reading.unreadable = Some("pytest left no results".to_owned());
        }
        None => {}
    }
    reading
}

/// Prints what a tool told only to a program.
async fn print(hall: &Hall<'_>, settings: &GateSettings, known: Option<Known>, end: &OnceEnd, reading: &Reading) {
    let Some(known) = known.filter(|known| known.tool != Tool::Pytest) else { return };
    let mut lines = LineSender::new(&settings.name, hall.lines);
    for finding in &reading.findings {
        lines.send(LogStream::Stdout, typed(finding)).await;
    }
    if reading.findings.is_empty() {
        // Whatever was not understood is shown as it came.
        let text = String::from_utf8_lossy(&end.stdout).into_owned();
        let unread = text.lines().filter(|_| end.exit_code != 0 || known.tool == Tool::RuffFormat);
        for line in unread.filter(|line| line.trim() != "[]") {
            lines.send(LogStream::Stdout, line.to_owned()).await;
        }
    }
    let count = match reading.findings.len() {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    if end.exit_code == 0 || !reading.findings.is_empty() {
        lines.send(LogStream::Stdout, format!("{}: {count}", known.tool.package())).await;
    }
}

fn typed(finding: &Finding) -> String {
    let mut text = finding.file.clone();
    for number in [finding.line, finding.column].into_iter().flatten() {
        text.push_str(&format!(":{number}"));
    }
    match &finding.rule {
        Some(rule) => format!("{text}: {rule} {}", finding.message),
        None => format!("{text}: {}", finding.message),
    }
}

/// What to know when a test wants to write beside the sources.
const READ_ONLY: &str = "gates run on a read-only root, as the app does: tests can write to /tmp (pytest's `tmp_path`)";

/// Recognises the system's words for it, and SQLite's.
fn wrote_where_it_may_not(end: &OnceEnd, reading: &Reading) -> bool {
    let words = ["Read-only file system", "attempt to write a readonly database", "unable to open database file"];
    let told = |text: &str| words.iter().any(|words| text.contains(words));
    let mut failures = reading.tests.iter().flat_map(|tests| &tests.failures);
    end.tail.iter().any(|line| told(line)) || failures.any(|failure| told(&failure.message) || told(&failure.text))
}

fn last_lines(end: &OnceEnd) -> Vec<String> {
    let mut lines: Vec<String> = String::from_utf8_lossy(&end.stdout).lines().map(str::to_owned).collect();
    lines.extend(end.tail.iter().cloned());
    lines.split_off(lines.len().saturating_sub(TAIL))
}

/// Says a length of time in words.
pub(super) fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1 => "1 second".to_owned(),
        60 => "1 minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

fn in_bytes(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    match bytes / MIB {
        mib if mib >= 1024 && mib % 1024 == 0 => format!("{} GiB", mib / 1024),
        mib => format!("{mib} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_said_in_words() {
        let table = [(1, "1 second"), (45, "45 seconds"), (60, "1 minute"), (90, "90 seconds"), (600, "10 minutes")];
        for (seconds, words) in table {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
        assert_eq!(in_bytes(2 * 1024 * 1024 * 1024), "2 GiB");
        assert_eq!(in_bytes(1536 * 1024 * 1024), "1536 MiB");
    }

    #[test]
    fn findings_are_printed_as_editors_read_them() {
        let finding = Finding {
            line: Some(3),
            column: Some(7),
            rule: Some("F401".into()),
            ..Finding::new("a.py".into(), crate::model::Level::Error, "`os` imported but unused".into())
        };
        assert_eq!(typed(&finding), "a.py:3:7: F401 `os` imported but unused");
        let bare = Finding { line: None, column: None, rule: None, ..finding };
        assert_eq!(typed(&bare), "a.py: `os` imported but unused");
    }
}
