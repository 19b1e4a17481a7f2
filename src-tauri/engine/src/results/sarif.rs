//! SARIF 2.1.0 (OASIS): a run for each gate, a result for each finding and each failing test.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{NO_GATE, OURS, reason};
use crate::model::{Excerpt, Finding, GateReport, GateState, Level, RunResults, RunState, TestOutcome};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a segment of a URI may hold as it is (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The root that places are relative to, as services that show SARIF beside code understand it.
const ROOT: &str = "%SRCROOT%";

/// The rule of a test that does not pass.
const TEST: &str = "test-failure";

/// Returns the log; `prefix` leads from the repository's root to the project, and is empty or ends in `/`.
pub(crate) fn sarif(results: &RunResults, prefix: &str) -> String {
    let runs: Vec<Value> = results.gates.iter().map(|gate| run(gate, prefix, results.run.id.as_str())).collect();
    let failed = json!({
        "tool": { "driver": { "name": OURS } },
        "invocations": [{
            "executionSuccessful": false,
            "toolExecutionNotifications": [{ "level": "error", "message": { "text": NO_GATE } }],
        }],
        "results": [],
    });
    let runs = match runs.is_empty() && results.run.state == RunState::Failed {
        true => vec![failed],
        false => runs,
    };
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs });
    // A value always has a JSON form.
    serde_json::to_string_pretty(&log).unwrap_or_default()
}

fn run(gate: &GateReport, prefix: &str, id: &str) -> Value {
    let mut rules = Rules::default();
    let mut found: Vec<Value> = gate.findings.iter().map(|finding| of_finding(gate, finding, prefix, &mut rules)).collect();
    let failures = gate.tests.iter().flat_map(|tests| &tests.failures);
    found.extend(failures.map(|failure| of_test(gate, failure, prefix, &mut rules)));
    let (name, version) = match gate.tool.as_deref().and_then(|tool| tool.rsplit_once(' ')) {
        Some((name, version)) => (name, Some(version)),
        None => (gate.tool.as_deref().unwrap_or(&gate.gate), None),
    };
    let driver = with(json!({ "name": name, "rules": rules.told }), "version", version.map(Value::from));
    let told: Vec<Value> = reason(&gate.state)
        .map(|reason| json!({ "level": level_of(&gate.state), "message": { "text": reason } }))
        .into_iter()
        .collect();
    json!({
        "tool": { "driver": driver },
        // Two gates of one tool are two analyses.
        "automationDetails": { "id": format!("{OURS}/{}/{id}", gate.gate) },
        "invocations": [{
            "commandLine": gate.command,
            "executionSuccessful": !matches!(gate.state, GateState::Error { .. }),
            "toolExecutionNotifications": told,
        }],
        "originalUriBaseIds": { ROOT: { "description": { "text": "the root of the repository" } } },
        "columnKind": "unicodeCodePoints",
        "results": found,
    })
}

fn level_of(state: &GateState) -> &'static str {
    match state {
        GateState::Error { .. } => "error",
        _ => "note",
    }
}

/// The rules of a run, each once.
#[derive(Default)]
struct Rules {
    told: Vec<Value>,
    ids: Vec<String>,
}

impl Rules {
    fn index(&mut self, id: &str, url: Option<&str>) -> usize {
        if let Some(known) = self.ids.iter().position(|known| known == id) {
            return known;
        }
        self.told.push(with(json!({ "id": id }), "helpUri", url.map(Value::from)));
        self.ids.push(id.to_owned());
        self.ids.len() - 1
    }
}

fn of_finding(gate: &GateReport, finding: &Finding, prefix: &str, rules: &mut Rules) -> Value {
    let id = finding.rule.as_deref().unwrap_or(&gate.gate);
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let place =
        Place { file: Some(&finding.file), line: finding.line, column: finding.column, excerpt: finding.excerpt.as_ref() };
    result(gate, (id, rules.index(id, finding.url.as_deref())), level, &finding.message, finding.new, &place.told(prefix))
}

fn of_test(gate: &GateReport, failure: &TestOutcome, prefix: &str, rules: &mut Rules) -> Value {
    let place = Place { file: failure.file.as_ref(), line: failure.line, column: None, excerpt: failure.excerpt.as_ref() };
    let text = format!("{}: {}", failure.id, failure.message);
    result(gate, (TEST, rules.index(TEST, None)), "error", &text, failure.new, &place.told(prefix))
}

fn result(gate: &GateReport, (rule, index): (&str, usize), level: &str, text: &str, new: bool, places: &[Value]) -> Value {
    let text = if text.is_empty() { rule } else { text };
    let result = json!({
        "ruleId": rule,
        "ruleIndex": index,
        "level": level,
        "message": { "text": text },
        "locations": places,
    });
    let state = if new { "new" } else { "unchanged" };
    with(result, "baselineState", gate.compared.is_some().then(|| state.into()))
}

/// An object with one more field, where that has a value.
fn with(mut object: Value, field: &str, value: Option<Value>) -> Value {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(field.to_owned(), value);
    }
    object
}

struct Place<'a> {
    file: Option<&'a String>,
    line: Option<u32>,
    column: Option<u32>,
    excerpt: Option<&'a Excerpt>,
}

impl Place<'_> {
    fn told(&self, prefix: &str) -> Vec<Value> {
        let Some(file) = self.file.filter(|file| !file.is_empty()) else { return Vec::new() };
        let artifact = match file.starts_with('/') {
            true => json!({ "uri": format!("file://{}", utf8_percent_encode(file, SEGMENT)) }),
            false => json!({ "uri": utf8_percent_encode(&format!("{prefix}{file}"), SEGMENT).to_string(), "uriBaseId": ROOT }),
        };
        // Lines and columns are counted from 1 there, and a file as a whole has none.
        let region = self.line.filter(|line| *line > 0).map(|line| {
            let column = self.column.filter(|column| *column > 0);
            let code = self.excerpt.and_then(|excerpt| excerpt.lines.get(line.checked_sub(excerpt.first)? as usize));
            let region = with(json!({ "startLine": line }), "startColumn", column.map(Value::from));
            with(region, "snippet", code.map(|code| json!({ "text": code })))
        });
        let physical = with(json!({ "artifactLocation": artifact }), "region", region);
        vec![json!({ "physicalLocation": physical })]
    }
}
