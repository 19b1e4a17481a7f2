//! Dividing a slow suite among workers with pytest-xdist. Pure.

use std::time::Duration;

use super::command::{Invocation, Tool};
use crate::model::GateSettings;

/// Work of a suite from which on workers are worth their start.
const SLOW: Duration = Duration::from_secs(10);

/// Whether pytest-xdist is among what gates are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Xdist {
    /// The project locks it.
    Locked,
    /// It does not.
    Absent,
}

/// Decides among how many workers a gate's tests are divided: 1 leaves them in one process.
///
/// What the project says has the last word: `workers` of the gate, or an option of its own command. Without a word, a suite whose
/// tests took long the last time is divided; one beside services is not, because its tests may share what is in them.
pub fn workers(settings: &GateSettings, xdist: Xdist, cores: u32, work: Option<Duration>) -> u32 {
    let Some(invocation) = settings.run.as_ref().map(Invocation::new) else { return 1 };
    let is_pytest = invocation.known.is_some_and(|known| known.tool == Tool::Pytest);
    let decides = |word: &String| {
        word == "-n"
            || word.starts_with("-n") && !word.starts_with("--")
            || word.starts_with("--numprocesses")
            || word.contains("no:xdist")
            || word == "--pdb"
    };
    if !is_pytest || xdist == Xdist::Absent || invocation.argv.iter().any(decides) {
        return 1;
    }
    match settings.workers {
        Some(workers) => workers,
        None if settings.services.is_empty() && work.is_some_and(|work| work >= SLOW) => cores.max(1),
        None => 1,
    }
}

/// Tells pytest to divide its tests.
pub(super) fn divided(invocation: Invocation, workers: u32) -> Invocation {
    if workers > 1 { invocation.with_first(&["-n", &workers.to_string()]) } else { invocation }
}

/// Says of a tool that its work was divided.
pub(super) fn described(tool: String, workers: u32) -> String {
    if workers > 1 { format!("{tool}, among {workers} workers") } else { tool }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CommandLine;

    fn gate(line: &str) -> GateSettings {
        GateSettings::new("unit", Some(CommandLine::Shell(line.into())))
    }

    #[test]
    fn slow_suites_are_divided() {
        let among = |line: &str, seconds| workers(&gate(line), Xdist::Locked, 4, Some(Duration::from_secs(seconds)));
        assert_eq!(among("pytest", 9), 1);
        assert_eq!(among("pytest", 10), 4);
        assert_eq!(among("python -m pytest tests", 60), 4);
        for own in ["pytest -n 2", "pytest -n2", "pytest --numprocesses=auto", "pytest -p no:xdist", "ruff check", "make test"] {
            assert_eq!(among(own, 60), 1, "{own}");
        }
        assert_eq!(workers(&gate("pytest"), Xdist::Locked, 4, None), 1, "nobody knows yet whether it is slow");
    }

    #[test]
    fn pytest_is_told_where_it_looks_for_it() {
        let words = |line: &str, workers| divided(Invocation::new(&CommandLine::Shell(line.into())), workers).argv.join(" ");
        assert_eq!(words("pytest tests -q", 4), "pytest -n 4 tests -q");
        assert_eq!(words("python -m pytest", 2), "python -m pytest -n 2");
        assert_eq!(words("pytest", 1), "pytest");
    }

    #[test]
    fn what_the_project_says_has_the_last_word() {
        let slow = Some(Duration::from_secs(60));
        let of = |settings: &GateSettings, xdist| workers(settings, xdist, 4, slow);
        assert_eq!(of(&GateSettings { workers: Some(1), ..gate("pytest") }, Xdist::Locked), 1);
        assert_eq!(of(&GateSettings { workers: Some(8), ..gate("pytest") }, Xdist::Locked), 8);
        assert_eq!(of(&GateSettings { workers: Some(8), ..gate("pytest") }, Xdist::Absent), 1);
        assert_eq!(of(&GateSettings { services: vec!["db".into()], ..gate("pytest") }, Xdist::Locked), 1);
        let beside = GateSettings { services: vec!["db".into()], workers: Some(2), ..gate("pytest") };
        assert_eq!(of(&beside, Xdist::Locked), 2);
    }
}
