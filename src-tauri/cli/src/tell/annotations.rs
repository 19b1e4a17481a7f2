//! Workflow commands of GitHub Actions: what gates found, beside the code in the pull request.
//!
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>

use std::path::Path;

use nonevent_engine::model::{Finding, GateReport, GateState, Level, TestOutcome};

/// Annotations of one level that a step may have; what comes after is dropped there without a word.
const MOST: usize = 10;

/// Where a workflow's commands are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Leads from the repository's root to the project; empty or ends in `/`.
    pub prefix: String,
}

impl Workflow {
    /// Tells whether this process runs in a workflow, and where the project lies in its repository.
    pub fn find(folder: &Path, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<Self> {
        (variable("GITHUB_ACTIONS")? == "true").then(|| Self { prefix: prefix(folder, variable("GITHUB_WORKSPACE")) })
    }

    /// Returns a command for each of the first findings and failures, gates in turn, so that none is crowded out.
    pub fn annotations(&self, gates: &[GateReport]) -> Vec<String> {
        let of_gate = |gate: &GateReport| -> Vec<(Level, String)> {
            if gate.state.passes() {
                return Vec::new();
            }
            let failures = gate.tests.iter().flat_map(|tests| &tests.failures).map(|test| (Level::Error, self.test(gate, test)));
            let findings = gate.findings.iter().map(|finding| (finding.level, self.finding(gate, finding)));
            let error = match &gate.state {
                GateState::Error { reason } => Some((Level::Error, command("error", &[("title", &gate.gate)], reason))),
                GateState::Red if gate.findings.is_empty() && gate.tests.is_none() => {
                    let text = format!("`{}` is red", gate.command);
                    Some((Level::Error, command("error", &[("title", &gate.gate)], &text)))
                }
                _ => None,
            };
            error.into_iter().chain(failures).chain(findings).collect()
        };
        let of_gates: Vec<Vec<(Level, String)>> = gates.iter().map(of_gate).collect();
        let longest = of_gates.iter().map(Vec::len).max().unwrap_or_default();
        let in_turn = (0..longest).flat_map(|turn| of_gates.iter().filter_map(move |gate| gate.get(turn)));
        let (mut errors, mut warnings) = (0, 0);
        let kept = in_turn.filter(|(level, _)| {
            let count = match level {
                Level::Error => &mut errors,
                Level::Warning => &mut warnings,
            };
            *count += 1;
            *count <= MOST
        });
        kept.map(|(_, text)| text.clone()).collect()
    }

    fn finding(&self, gate: &GateReport, finding: &Finding) -> String {
        let kind = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let title = match &finding.rule {
            Some(rule) => format!("{}: {rule}", gate.gate),
            None => gate.gate.clone(),
        };
        let file = self.file(&finding.file);
        let (line, column) = (number(finding.line), number(finding.line.and(finding.column)));
        command(kind, &[("file", &file), ("line", &line), ("col", &column), ("title", &title)], &finding.message)
    }

    fn test(&self, gate: &GateReport, test: &TestOutcome) -> String {
        let file = test.file.as_ref().map(|file| self.file(file)).unwrap_or_default();
        let title = format!("{}: {}", gate.gate, test.id);
        command("error", &[("file", &file), ("line", &number(test.line)), ("title", &title)], &test.message)
    }

    fn file(&self, file: &str) -> String {
        match file.starts_with('/') {
            true => file.to_owned(),
            false => format!("{}{file}", self.prefix),
        }
    }
}

/// The way from the workspace, the repository's root, to a project in it.
pub fn prefix(folder: &Path, workspace: Option<std::ffi::OsString>) -> String {
    let inside = || {
        let root = Path::new(&workspace?).canonicalize().ok()?;
        let inside = folder.strip_prefix(root).ok()?.to_string_lossy().into_owned();
        (!inside.is_empty()).then(|| format!("{inside}/"))
    };
    inside().unwrap_or_default()
}

fn number(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn command(kind: &str, properties: &[(&str, &str)], message: &str) -> String {
    let told = properties.iter().filter(|(_, value)| !value.is_empty());
    let told: Vec<String> = told.map(|(name, value)| format!("{name}={}", property(value))).collect();
    let gap = if told.is_empty() { "" } else { " " };
    format!("::{kind}{gap}{}::{}", told.join(","), data(message))
}

/// Escapes what would end a command or begin another.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
