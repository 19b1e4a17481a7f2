//! Reads JUnit XML as pytest writes it, in its families `xunit1` and `xunit2`.

use std::sync::LazyLock;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use regex::Regex;

use super::{Nonsense, Paths};
use crate::model::{TestOutcome, TestReport};

/// Bytes of one failure's text that are kept.
const LONGEST_TEXT: usize = 64 * 1024;

/// Reads a report.
///
/// # Errors
/// When it is not XML, or ends too early.
pub(in crate::gauntlet) fn read(xml: &[u8], paths: &Paths) -> Result<TestReport, Nonsense> {
    let nonsense = |reason: String| Nonsense { tool: "pytest", reason };
    let mut reader = Reader::from_reader(xml);
    let mut report = TestReport::default();
    let mut case: Option<Case> = None;
    let mut open = Vec::new();
    let mut seen = false;
    loop {
        match reader.read_event().map_err(|error| nonsense(error.to_string()))? {
            Event::Start(element) => {
                let kind = Kind::of(&element);
                seen |= kind == Kind::Suite;
                begin(kind, &element, &mut case);
                open.push(kind);
            }
            Event::Empty(element) => {
                let kind = Kind::of(&element);
                seen |= kind == Kind::Suite;
                begin(kind, &element, &mut case);
                end(kind, &mut case, &mut report, paths);
            }
            Event::End(_) => end(open.pop().unwrap_or(Kind::Other), &mut case, &mut report, paths),
            Event::Text(text) => {
                let text = text.decode().map_err(|error| nonsense(error.to_string()))?;
                add_text(&open, &mut case, &text);
            }
            Event::CData(text) => add_text(&open, &mut case, &String::from_utf8_lossy(&text)),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| nonsense(error.to_string()))?;
                add_text(&open, &mut case, &resolve(&name));
            }
            Event::Eof if seen && open.is_empty() => return Ok(report),
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
            _ => Self::Other,
        }
    }
}

/// A test while it is read.
#[derive(Default)]
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    seconds: f64,
    skipped: bool,
    problems: Vec<Problem>,
}

struct Problem {
    kind: Kind,
    message: String,
    text: String,
}

fn begin(kind: Kind, element: &BytesStart<'_>, case: &mut Option<Case>) {
    match (kind, case) {
        (Kind::Case, case) => {
            *case = Some(Case {
                class: attribute(element, "classname").unwrap_or_default(),
                name: attribute(element, "name").unwrap_or_default(),
                file: attribute(element, "file"),
                seconds: attribute(element, "time").and_then(|time| time.parse().ok()).unwrap_or_default(),
                ..Case::default()
            });
        }
        (Kind::Failure | Kind::Error, Some(case)) => {
            let message = attribute(element, "message").unwrap_or_default();
            case.problems.push(Problem { kind, message, text: String::new() });
        }
        (Kind::Skipped, Some(case)) => case.skipped = true,
        _ => {}
    }
}

fn end(kind: Kind, case: &mut Option<Case>, report: &mut TestReport, paths: &Paths) {
    if kind != Kind::Case {
        return;
    }
    let Some(case) = case.take() else { return };
    let had = |kind: Kind| case.problems.iter().any(|problem| problem.kind == kind);
    let counter = match () {
        () if had(Kind::Failure) => &mut report.failed,
        () if had(Kind::Error) => &mut report.errors,
        () if case.skipped => &mut report.skipped,
        () => &mut report.passed,
    };
    *counter += 1;
    report.failures.extend(case.problems.iter().map(|problem| case.outcome(problem, paths)));
}

fn add_text(open: &[Kind], case: &mut Option<Case>, text: &str) {
    if !matches!(open.last(), Some(Kind::Failure | Kind::Error)) {
        return;
    }
    if let Some(problem) = case.as_mut().and_then(|case| case.problems.last_mut()) {
        let room = LONGEST_TEXT.saturating_sub(problem.text.len()).min(text.len());
        let cut = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        problem.text.push_str(text.get(..cut).unwrap_or_default());
    }
}

/// The five entities of XML, and characters by their number.
fn resolve(name: &str) -> String {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    match (name, number.and_then(char::from_u32)) {
        (_, Some(character)) => character.to_string(),
        ("lt", _) => "<".to_owned(),
        ("gt", _) => ">".to_owned(),
        ("amp", _) => "&".to_owned(),
        ("quot", _) => "\"".to_owned(),
        ("apos", _) => "'".to_owned(),
        _ => String::new(),
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok().flatten()?;
    let value = attribute.unescape_value().ok()?;
    (!value.is_empty()).then(|| value.into_owned())
}

impl Case {
    fn outcome(&self, problem: &Problem, paths: &Paths) -> TestOutcome {
        let place = place(&problem.text, paths);
        TestOutcome {
            id: self.id(paths),
            file: place.as_ref().map(|(file, _)| file.clone()).or_else(|| self.file.as_ref().map(|file| paths.in_project(file))),
            line: place.map(|(_, line)| line),
            message: summary(problem),
            text: problem.text.trim_end().to_owned(),
            duration_s: self.seconds,
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

/// A place as pytest writes it, and as Python's own tracebacks do.
static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?m)^(\S[^:\n]*\.py):(\d+):(?: |$)").ok());
static NATIVE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(?m)^\s*File "([^"]+)", line (\d+)"#).ok());

/// Finds the innermost place that lies in the project.
fn place(text: &str, paths: &Paths) -> Option<(String, u32)> {
    let found = SHORT.iter().chain(NATIVE.iter()).flat_map(|pattern| pattern.captures_iter(text));
    let places = found.filter_map(|parts| {
        let start = parts.get(0)?.start();
        let file = paths.in_project(parts.get(1)?.as_str());
        let own = !file.starts_with(['/', '<']) && !file.starts_with("..") && !file.contains("site-packages");
        own.then_some((start, file, parts.get(2)?.as_str().parse().ok()?))
    });
    places.max_by_key(|(start, ..)| *start).map(|(_, file, line)| (file, line))
}

/// The failure in one line. What pytest says of a module that it could not read is only in the text.
fn summary(problem: &Problem) -> String {
    let first = problem.message.lines().next().unwrap_or_default().trim();
    let vague = first.is_empty() || first == "collection failure";
    let raised = problem.text.lines().rev().find_map(|line| line.strip_prefix("E   ")).map(str::trim);
    match raised {
        Some(raised) if vague => raised.to_owned(),
        _ if first.is_empty() => problem.text.lines().last().unwrap_or_default().to_owned(),
        _ => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XUNIT1: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="2" tests="6">
<testcase classname="tests.test_shop" name="test_ok" file="tests/test_shop.py" line="6" time="0.001" />
<testcase classname="tests.test_shop.TestCart" name="test_deep[a/b::c]" file="tests/test_shop.py" line="13" time="0.250"><failure message="AssertionError: not two&#10;assert 'a' == 2">    def test_deep(self, n):
&gt;       helper(n)

tests/test_shop.py:16:
x = 'a'
&gt;       assert x == 2 &amp;&amp; "quoted"
E       AssertionError: not two

tests/helpers.py:5: AssertionError</failure></testcase>
<testcase classname="tests.test_shop" name="test_lib" file="tests/test_shop.py" line="20" time="0"><failure message="ValueError: x">tests/test_shop.py:21:
/usr/lib/python3.13/json/decoder.py:355: ValueError</failure></testcase>
<testcase classname="tests.test_shop" name="test_skip" file="tests/test_shop.py" line="17" time="0.000"><skipped type="pytest.skip" message="later">/app/tests/test_shop.py:18: later</skipped></testcase>
<testcase classname="tests.test_shop" name="test_xfail" file="tests/test_shop.py" line="20" time="0.000"><skipped type="pytest.xfail" message="" /></testcase>
<testcase classname="" name="tests.test_import" file="tests/test_import.py" time="0.000"><error message="collection failure">ImportError while importing test module '/app/tests/test_import.py'.
tests/test_import.py:1: in &lt;module&gt;
    import nope
E   ModuleNotFoundError: No module named 'nope'</error></testcase>
</testsuite></testsuites>"#;

    #[test]
    fn tests_are_counted_and_failures_placed() {
        let report = read(XUNIT1.as_bytes(), &Paths::new("/app")).expect("report");
        assert_eq!((report.passed, report.failed, report.errors, report.skipped), (1, 2, 1, 2));
        let deep = &report.failures[0];
        assert_eq!(deep.id, "tests/test_shop.py::TestCart::test_deep[a/b::c]");
        assert_eq!((deep.file.as_deref(), deep.line), (Some("tests/helpers.py"), Some(5)));
        assert_eq!(deep.message, "AssertionError: not two");
        assert!(deep.text.contains("> ") && deep.text.contains(r#"x == 2 && "quoted""#), "{}", deep.text);
        assert!((deep.duration_s - 0.25).abs() < 1e-9);
        let library = &report.failures[1];
        assert_eq!((library.file.as_deref(), library.line), (Some("tests/test_shop.py"), Some(21)));
        let import = &report.failures[2];
        assert_eq!((import.id.as_str(), import.line), ("tests/test_import.py", Some(1)));
        assert_eq!(import.message, "ModuleNotFoundError: No module named 'nope'");
    }

    #[test]
    fn the_family_without_files_is_understood() {
        let xml = r#"<testsuites><testsuite><testcase classname="tests.unit.test_shop.TestCart" name="test_x" time="1"><failure message="">boom
File "/app/tests/unit/test_shop.py", line 12, in test_x
ValueError: boom</failure></testcase></testsuite></testsuites>"#;
        let report = read(xml.as_bytes(), &Paths::new("/app")).expect("report");
        let outcome = &report.failures[0];
        assert_eq!(outcome.id, "tests/unit/test_shop.py::TestCart::test_x");
        assert_eq!((outcome.file.as_deref(), outcome.line), (Some("tests/unit/test_shop.py"), Some(12)));
        assert_eq!(outcome.message, "ValueError: boom");
    }

    #[test]
    fn no_tests_are_no_tests() {
        let xml = r#"<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" tests="0" /></testsuites>"#;
        assert_eq!(read(xml.as_bytes(), &Paths::new("/app")).expect("report"), TestReport::default());
    }

    #[test]
    fn what_is_torn_or_no_report_is_nonsense() {
        let torn = XUNIT1.get(..XUNIT1.len() / 2).expect("half");
        for text in [torn, "", "not xml", "<html></html>", "<testsuites><testsuite>"] {
            assert!(read(text.as_bytes(), &Paths::new("/app")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_without_end_is_cut() {
        let long = "é".repeat(LONGEST_TEXT);
        let xml = format!(
            "<testsuite><testcase name=\"t\" classname=\"a\"><failure message=\"m\">{long}</failure></testcase></testsuite>"
        );
        let report = read(xml.as_bytes(), &Paths::new("/app")).expect("report");
        assert!(report.failures[0].text.len() <= LONGEST_TEXT);
    }
}
