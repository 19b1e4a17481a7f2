//! What the gates of earlier runs found, from memory: nothing runs.

use std::collections::BTreeMap;
use std::path::Path;

use super::Engine;
use crate::error::EngineError;
use crate::model::{GateName, ProjectName, RunId, RunRecord, RunResults, TestPast, TestResult};
use crate::pages::{GateHeader, GatePast, SlowTest};
use crate::results;
use crate::store::Wanted;

/// Runs of a test that are told.
const PAST: u32 = 50;

/// Candidates that an ambiguous name is answered with.
const CANDIDATES: u32 = 10;

impl Engine {
    /// Returns what the gates of a run found: of the newest that has results, or of the one that a unique prefix names.
    ///
    /// # Errors
    /// When there is no such run, or the project or the database cannot be read.
    pub fn results(&self, folder: &Path, run: Option<&str>) -> Result<RunResults, EngineError> {
        let project = self.open_project(folder)?.settings.app.name;
        let found = self.store.runs_with_results(&project, run.unwrap_or_default(), CANDIDATES)?;
        let id = match (found.as_slice(), run) {
            ([newest, ..], None) => newest,
            ([one], Some(_)) => one,
            ([], None) => {
                return Err(
                    EngineError::user("no_results", "no gate of this project has run here yet").with_hint("run `nonevent check`")
                );
            }
            ([], Some(prefix)) => {
                return Err(EngineError::user("run_unknown", format!("no run `{prefix}` with results is known here"))
                    .with_hint("`nonevent results` shows the newest"));
            }
            (several, Some(prefix)) => {
                let told = several.iter().map(|run| run.as_str()).collect::<Vec<_>>().join(", ");
                return Err(EngineError::user("run_unknown", format!("several runs begin with `{prefix}`"))
                    .with_hint(format!("there are: {told}")));
            }
        };
        self.results_of(id)
    }

    /// Returns what the gates of a run of this home found; none of them when it did not get so far.
    ///
    /// # Errors
    /// When there is no such run, or the database cannot be read.
    pub fn results_of(&self, run: &RunId) -> Result<RunResults, EngineError> {
        Ok(RunResults { run: self.run_of(run)?, gates: self.store.gate_reports(run)? })
    }

    fn run_of(&self, run: &RunId) -> Result<RunRecord, EngineError> {
        let unknown = || EngineError::user("run_unknown", format!("no run `{run}` is known here"));
        self.store.run(run)?.ok_or_else(unknown)
    }

    /// Returns how the gates of the last runs ended, the newest run first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gate_history(&self, project: &ProjectName, limit: u32) -> Result<Vec<GatePast>, EngineError> {
        let past = |run: RunId| -> Result<Option<GatePast>, EngineError> {
            let Some(record) = self.store.run(&run)? else { return Ok(None) };
            let gates = self.store.gate_reports(&run)?.into_iter().map(GateHeader::from).collect();
            Ok(Some(GatePast { run, started_at: record.started_at, gates }))
        };
        let runs = self.store.runs_with_results(project, "", limit)?;
        runs.into_iter().filter_map(|run| past(run).transpose()).collect()
    }

    /// Returns every test of every gate of a run.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tests_of(&self, results: &RunResults) -> Result<BTreeMap<GateName, Vec<TestResult>>, EngineError> {
        let tests = |gate: &GateName| Ok((gate.clone(), self.store.tests(&results.run.id, gate, Wanted::All)?));
        results.gates.iter().filter(|gate| gate.tests.is_some()).map(|gate| tests(&gate.gate)).collect()
    }

    /// Returns every test of one gate of a run, those that passed as well.
    ///
    /// # Errors
    /// When there is no such run, or the database cannot be read.
    pub fn gate_tests(&self, run: &RunId, gate: &GateName) -> Result<Vec<TestResult>, EngineError> {
        self.run_of(run)?;
        Ok(self.store.tests(run, gate, Wanted::All)?)
    }

    /// Returns the slowest tests of the gates of a run, at most so many, the slowest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn slowest_tests(&self, results: &RunResults, most: usize) -> Result<Vec<SlowTest>, EngineError> {
        let all = self.tests_of(results)?.into_iter();
        let mut slow: Vec<SlowTest> =
            all.flat_map(|(gate, tests)| tests.into_iter().map(move |test| SlowTest { gate: gate.clone(), test })).collect();
        slow.sort_by(|one, other| other.test.duration_s.total_cmp(&one.test.duration_s));
        slow.truncate(most);
        Ok(slow)
    }

    /// Returns what gates found as SARIF 2.1.0; `prefix` leads from the repository's root to the project, and is empty or ends in `/`.
    pub fn sarif(&self, results: &RunResults, prefix: &str) -> String {
        results::sarif(results, prefix)
    }

    /// Returns what gates found, and every test, as JUnit XML.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn junit(&self, results: &RunResults) -> Result<String, EngineError> {
        let tests = self.tests_of(results)?;
        results::junit(results, &tests).map_err(|error| EngineError::ours(error.to_string()))
    }

    /// Returns what became of a test in each run, the newest first. Any part of its id will do that no other test has.
    ///
    /// # Errors
    /// When there is no such test, or several, or the project or the database cannot be read.
    pub fn test_history(&self, folder: &Path, test: &str) -> Result<Vec<TestPast>, EngineError> {
        let project = self.open_project(folder)?.settings.app.name;
        let found = self.store.find_tests(&project, test, CANDIDATES)?;
        match found.as_slice() {
            [one] => Ok(self.store.test_history(&project, one, PAST)?),
            [] => Err(EngineError::user("test_unknown", format!("no test with `{test}` in its id has run here"))
                .with_hint("`nonevent results` shows what ran")),
            several => Err(EngineError::user("test_unknown", format!("several tests have `{test}` in their ids"))
                .with_hint(format!("there are: {}", several.join(", ")))),
        }
    }
}
