//! Turns what coverage measured in a gate into numbers, by asking coverage itself: only it knows what could have run.

use super::Hall;
use super::container::{COVERAGE, labels};
use super::readers::{Paths, coverage as reader};
use crate::docker::once;
use crate::model::{Coverage, GateSettings};

const REPORT: &str = "coverage.json";

/// Returns what was covered; none when that cannot be told, which makes no gate red.
pub(super) async fn coverage(hall: &Hall<'_>, settings: &GateSettings, data: &[u8], paths: &Paths) -> Option<Coverage> {
    let plan = hall.plan;
    let (from, to) = (once::out(COVERAGE), once::out(REPORT));
    let argv = [plan.image.python.as_str(), "-m", "coverage", "json", "-q", "-o", &to.to_string_lossy()];
    let mut spec = plan.image.once(&settings.name, argv.map(str::to_owned).to_vec());
    spec.env.insert("COVERAGE_FILE".to_owned(), from.to_string_lossy().into_owned());
    spec.env.insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
    spec.workdir = Some(plan.image.workdir.clone());
    spec.labels = labels(plan, "gate");
    spec.memory = plan.limits.budget.gate_memory;
    spec.files = vec![(COVERAGE.to_owned(), data.to_vec())];
    spec.collect = vec![to];
    let (lines, mut ignored) = tokio::sync::mpsc::channel(16);
    let drain = async { while ignored.recv().await.is_some() {} };
    let run = async move { once::run(hall.docker, &spec, &lines, &hall.stop).await };
    let (end, ()) = tokio::join!(run, drain);
    let end = end.map_err(|error| tracing::warn!(%error, gate = settings.name, "coverage could not be read")).ok()?;
    match end.collected.first().and_then(Option::as_ref).map(|json| reader::read(json, paths)) {
        Some(Ok(coverage)) => Some(coverage),
        Some(Err(error)) => {
            tracing::warn!(%error, gate = settings.name, "coverage could not be read");
            None
        }
        None => {
            tracing::warn!(said = ?end.tail, gate = settings.name, "coverage left no report");
            None
        }
    }
}
