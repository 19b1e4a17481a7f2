//! Finds out which versions of the gates' tools the image holds, while the gates run.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{OnceCell, mpsc};

use super::Hall;
use super::command::{Invocation, Tool};
use super::container;
use crate::docker::once::{self, Stdout};

/// Asks the interpreter for the versions of distributions; those that are not there are left out.
const PROGRAM: &str = "import sys\n\
from importlib.metadata import version\n\
for name in sys.argv[1:]:\n\
\x20   try: print(name, version(name))\n\
\x20   except Exception: pass\n";

/// Versions by distribution.
#[derive(Debug, Default)]
pub(super) struct Versions(OnceCell<BTreeMap<String, String>>);

impl Versions {
    /// Asks once, whoever asks first; what cannot be found out stays unknown.
    pub(super) async fn find(&self, hall: &Hall<'_>) {
        self.0.get_or_init(|| ask(hall)).await;
    }

    /// Returns a tool with its version, such as `ruff 0.14.5`.
    pub(super) async fn of(&self, hall: &Hall<'_>, tool: Tool) -> Option<String> {
        let package = tool.package();
        let version = match hall.plan.tools.get(package) {
            Some(locked) => locked,
            None => self.0.get_or_init(|| ask(hall)).await.get(package)?,
        };
        Some(format!("{package} {version}"))
    }
}

async fn ask(hall: &Hall<'_>) -> BTreeMap<String, String> {
    let gates = hall.plan.gates.iter().filter(|gate| !hall.plan.known.contains_key(&gate.name));
    let commands = gates.filter_map(|gate| gate.run.as_ref());
    let tools = commands.filter_map(|command| Invocation::new(command).known);
    let mut packages: Vec<String> = tools.map(|known| known.tool.package().to_owned()).collect();
    packages.sort();
    packages.dedup();
    // What the lock pins need not be asked for.
    packages.retain(|package| !hall.plan.tools.contains_key(package));
    if packages.is_empty() {
        return BTreeMap::new();
    }
    let mut argv = vec![hall.plan.image.python.clone(), "-c".to_owned(), PROGRAM.to_owned()];
    argv.extend(packages);
    let mut spec = hall.plan.image.once("versions", argv);
    spec.labels = container::labels(hall.plan, "gate");
    spec.stdout = Stdout::Keep(64 * 1024);
    spec.timeout = Duration::from_mins(1);
    let (unread, _) = mpsc::channel(1);
    match once::run(hall.docker, &spec, &unread, &hall.stop).await {
        Ok(end) => {
            let text = String::from_utf8_lossy(&end.stdout).into_owned();
            let pairs = text.lines().filter_map(|line| line.split_once(' '));
            pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
        }
        Err(error) => {
            tracing::debug!(error = %error, "the versions of the gates' tools are unknown");
            BTreeMap::new()
        }
    }
}
