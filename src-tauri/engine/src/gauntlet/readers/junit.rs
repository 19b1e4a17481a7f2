//! Reads JUnit XML as pytest writes it, in its families `xunit1` and `xunit2`.
//!
//! What it reads was written by whatever the project's tests do: nothing in it is believed to be small, whole or honest.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::place::{innermost, raised};
use super::{Nonsense, Paths};
use crate::model::{TestOutcome, TestReport, TestResult, TestState};

/// Bytes that are kept of one failure's text, of one test's output, and of all of them together.
const LONGEST_TEXT: usize = 64 * 1024;
const LONGEST_OUTPUT: usize = 16 * 1024;
const ALL_TEXTS: usize = 8 * 1024 * 1024;

/// Bytes of a name or a message that are kept.
const LONGEST_NAME: usize = 4 * 1024;

/// Tests that a report may have.
const MOST_TESTS: usize = 500_000;

/// The slowest tests: how many are named, and from how many seconds on.
const SLOWEST: usize = 10;
const SLOW: f64 = 0.1;

/// The tests of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::gauntlet) struct Tests {
    /// Counts and failures.
    pub(in crate::gauntlet) report: TestReport,
    /// Every test, in the report's order.
    pub(in crate::gauntlet) results: Vec<TestResult>,
}

/// Reads a report.
///
/// # Errors
/// When it is not XML, defines entities of its own, or ends too early.
pub(in crate::gauntlet) fn read(xml: &[u8], paths: &Paths) -> Result<Tests, Nonsense> {
    let nonsense = |reason: String| Nonsense { tool: "pytest", reason };
    let mut reader = Reader::from_reader(xml);
    let mut book = Book { paths, tests: Tests::default(), places: HashMap::new(), case: None, open: Vec::new(), room: ALL_TEXTS };
    let mut seen = false;
    loop {
        match reader.read_event().map_err(|error| nonsense(error.to_string()))? {
            Event::Start(element) => {
                let kind = Kind::of(&element);
                seen |= kind == Kind::Suite;
                book.begin(kind, &element).map_err(nonsense)?;
                book.open.push(kind);
            }
            Event::Empty(element) => {
                let kind = Kind::of(&element);
                seen |= kind == Kind::Suite;
                book.begin(kind, &element).map_err(nonsense)?;
                book.end(kind).map_err(nonsense)?;
            }
            Event::End(_) => {
                let kind = book.open.pop().unwrap_or(Kind::Other);
                book.end(kind).map_err(nonsense)?;
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| nonsense(error.to_string()))?;
                book.text(&text);
            }
            Event::CData(text) => book.text(&String::from_utf8_lossy(&text)),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| nonsense(error.to_string()))?;
                let character = resolve(&name).ok_or_else(|| nonsense(format!("it refers to an entity of its own, `{name}`")))?;
                book.text(&character.to_string());
            }
            // Entities that expand to more of themselves begin here; no test runner needs any.
            Event::DocType(_) => return Err(nonsense("the report has a document type of its own".to_owned())),
            Event::Eof if seen && book.open.is_empty() => return Ok(book.close()),
            Event::Eof => return Err(nonsense("the report ends too early".to_owned())),
            _ => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Suite,
    Case,
    Failure,
    Error,
    Skipped,
    Output,
    Other,
}

impl Kind {
    fn of(element: &BytesStart<'_>) -> Self {
        match element.local_name().as_ref() {
            b"testsuites" | b"testsuite" => Self::Suite,
            b"testcase" => Self::Case,
            b"failure" => Self::Failure,
            b"error" => Self::Error,
            b"skipped" => Self::Skipped,
            b"system-out" | b"system-err" => Self::Output,
            _ => Self::Other,
        }
    }
}

/// What was read so far.
struct Book<'a> {
    paths: &'a Paths,
    tests: Tests,
    /// Where each test stands among the results, and its failure among the failures.
    places: HashMap<String, (usize, Option<usize>)>,
    case: Option<Case>,
    open: Vec<Kind>,
    /// Bytes of text that may still be kept.
    room: usize,
}

/// A test while it is read.
#[derive(Default)]
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    /// Where it is defined, from 0.
    line: Option<u32>,
    seconds: f64,
    skipped: bool,
    problems: Vec<Problem>,
    output: String,
}

struct Problem {
    kind: Kind,
    message: String,
    text: String,
}

impl Book<'_> {
    fn begin(&mut self, kind: Kind, element: &BytesStart<'_>) -> Result<(), String> {
        match (kind, &mut self.case) {
            (Kind::Case, case) => {
                *case = Some(Case {
                    class: attribute(element, "classname")?.unwrap_or_default(),
                    name: attribute(element, "name")?.ok_or("a test has no name")?,
                    file: attribute(element, "file")?,
                    line: attribute(element, "line")?.and_then(|line| line.parse().ok()),
                    seconds: seconds(attribute(element, "time")?),
                    ..Case::default()
                });
            }
            (Kind::Failure | Kind::Error, Some(case)) => {
                let message = attribute(element, "message")?.unwrap_or_default();
                case.problems.push(Problem { kind, message, text: String::new() });
            }
            (Kind::Skipped, Some(case)) => case.skipped = true,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, kind: Kind) -> Result<(), String> {
        if kind != Kind::Case {
            return Ok(());
        }
        let Some(case) = self.case.take() else { return Ok(()) };
        if self.tests.results.len() >= MOST_TESTS {
            return Err(format!("the report has more than {MOST_TESTS} tests"));
        }
        let id = case.id(self.paths);
        let state = case.state();
        // A test that failed and then broke while it was torn down is told twice, and is one test.
        let (place, failure) = *self.places.entry(id.clone()).or_insert_with(|| {
            self.tests.results.push(TestResult { id: id.clone(), state, duration_s: 0.0 });
            (self.tests.results.len() - 1, None)
        });
        if let Some(result) = self.tests.results.get_mut(place) {
            result.duration_s += case.seconds;
            result.state = worse(result.state, state);
        }
        if !case.problems.is_empty() {
            match failure.and_then(|failure| self.tests.report.failures.get_mut(failure)) {
                Some(failure) => {
                    for problem in &case.problems {
                        failure.text = format!("{}\n\n{}", failure.text, problem.text.trim_end());
                    }
                    failure.state = worse(failure.state, state);
                }
                None => {
                    self.places.insert(id.clone(), (place, Some(self.tests.report.failures.len())));
                    self.tests.report.failures.push(case.outcome(id, state, self.paths));
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let Some(case) = &mut self.case else { return };
        let (kept, most) = match (self.open.last(), case.problems.last_mut()) {
            (Some(Kind::Failure | Kind::Error), Some(problem)) => (&mut problem.text, LONGEST_TEXT),
            (Some(Kind::Output), _) => (&mut case.output, LONGEST_OUTPUT),
            _ => return,
        };
        let added = cut(text, most.saturating_sub(kept.len()).min(self.room));
        self.room -= added.len();
        kept.push_str(added);
    }

    fn close(self) -> Tests {
        let mut tests = self.tests;
        for result in &tests.results {
            *match result.state {
                TestState::Passed | TestState::Flaky => &mut tests.report.passed,
                TestState::Failed => &mut tests.report.failed,
                TestState::Error => &mut tests.report.errors,
                TestState::Skipped => &mut tests.report.skipped,
            } += 1;
        }
        tests.report.slowest = slowest(&tests.results);
        tests
    }
}

/// Returns the slowest tests, the slowest first.
pub(in crate::gauntlet) fn slowest(results: &[TestResult]) -> Vec<TestResult> {
    let mut slow: Vec<&TestResult> = results.iter().filter(|result| result.duration_s >= SLOW).collect();
    slow.sort_by(|a, b| b.duration_s.total_cmp(&a.duration_s));
    slow.into_iter().take(SLOWEST).cloned().collect()
}

fn worse(a: TestState, b: TestState) -> TestState {
    let rank = |state| match state {
        TestState::Failed => 4,
        TestState::Error => 3,
        TestState::Flaky => 2,
        TestState::Passed => 1,
        TestState::Skipped => 0,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// Seconds as a number that a database and a sum can bear.
fn seconds(text: Option<String>) -> f64 {
    let seconds: f64 = text.and_then(|time| time.parse().ok()).unwrap_or_default();
    if seconds.is_finite() { seconds.clamp(0.0, 1e6) } else { 0.0 }
}

/// The five entities of XML, and characters by their number.
fn resolve(name: &str) -> Option<char> {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    match (name, number.and_then(char::from_u32)) {
        (_, Some(character)) => Some(character),
        ("lt", _) => Some('<'),
        ("gt", _) => Some('>'),
        ("amp", _) => Some('&'),
        ("quot", _) => Some('"'),
        ("apos", _) => Some('\''),
        _ => None,
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let attribute = element.try_get_attribute(name).map_err(|error| error.to_string())?;
    let Some(attribute) = attribute else { return Ok(None) };
    let value = attribute.unescape_value().map_err(|error| error.to_string())?;
    Ok((!value.is_empty()).then(|| cut(&value, LONGEST_NAME).to_owned()))
}

/// The beginning of a text, at most this many bytes.
fn cut(text: &str, most: usize) -> &str {
    let most = most.min(text.len());
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

impl Case {
    fn state(&self) -> TestState {
        let had = |kind: Kind| self.problems.iter().any(|problem| problem.kind == kind);
        match () {
            () if had(Kind::Failure) => TestState::Failed,
            () if had(Kind::Error) => TestState::Error,
            () if self.skipped => TestState::Skipped,
            () => TestState::Passed,
        }
    }

    fn outcome(self, id: String, state: TestState, paths: &Paths) -> TestOutcome {
        let texts: Vec<&str> = self.problems.iter().map(|problem| problem.text.trim_end()).collect();
        let place = texts.first().and_then(|text| innermost(text, paths));
        let defined = || (self.file.as_ref().map(|file| paths.in_project(file)), self.line.map(|line| line.saturating_add(1)));
        let (file, line) = match place {
            Some((file, line)) => (Some(file), Some(line)),
            None => defined(),
        };
        TestOutcome {
            id,
            state,
            file,
            line,
            message: self.problems.first().map(summary).unwrap_or_default(),
            text: texts.join("\n\n"),
            output: without_empty_end(&self.output).to_owned(),
            duration_s: self.seconds,
            new: false,
            excerpt: None,
        }
    }

    /// Makes the node id, such as `tests/test_shop.py::TestCart::test_total[2]`.
    fn id(&self, paths: &Paths) -> String {
        let file = match (&self.file, self.class.as_str()) {
            (Some(file), _) => paths.in_project(file),
            (None, "") => format!("{}.py", self.name.replace('.', "/")),
            // The family without files: classes begin with a capital letter, modules do not.
            (None, class) => {
                let modules = class.split('.').take_while(|part| !part.starts_with(char::is_uppercase));
                format!("{}.py", modules.collect::<Vec<_>>().join("/"))
            }
        };
        if self.class.is_empty() {
            // A module that could not even be read.
            return file;
        }
        let module = file.strip_suffix(".py").unwrap_or(&file).replace('/', ".");
        let classes = self.class.strip_prefix(&module).unwrap_or_default().split('.').filter(|class| !class.is_empty());
        let parts: Vec<&str> = std::iter::once(file.as_str()).chain(classes).chain([self.name.as_str()]).collect();
        parts.join("::")
    }
}

/// What was printed, without the headings of what was not: pytest writes one for each stream.
fn without_empty_end(output: &str) -> &str {
    let output = output.trim_end();
    match output.rsplit_once('\n') {
        Some((before, last)) if last.starts_with("---") && last.contains(" Captured ") => without_empty_end(before),
        _ => output,
    }
}

/// The failure in one line. What pytest says of a module that it could not read is only in the text.
fn summary(problem: &Problem) -> String {
    let first = problem.message.lines().next().unwrap_or_default().trim();
    let vague = first.is_empty() || first == "collection failure";
    match raised(&problem.text) {
        Some(raised) if vague => raised.to_owned(),
        _ if first.is_empty() => problem.text.lines().last().unwrap_or_default().to_owned(),
        _ => first.to_owned(),
    }
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
