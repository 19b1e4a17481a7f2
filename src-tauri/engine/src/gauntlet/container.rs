//! The container of a gate: read-only, within limits, with the variables that keep tools from writing where they may not.

use std::collections::BTreeMap;

use super::command::{RUFF_REPORT, Tool};
use super::{GauntletPlan, Hall, cache, leftovers};
use crate::docker::once::{self, Folder, Mount, OnceSpec, Root, Stdout, Tmpfs};
use crate::model::GateSettings;

/// Whether what makes a tool's next run faster is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caching {
    /// In the gate's own folder of the project's volume.
    Kept,
    /// Somebody else uses that folder just now.
    Not,
}

/// The file in which pytest leaves its results, whoever calls it.
const JUNIT: &str = "junit.xml";

/// The file in which coverage leaves what it measured.
pub(super) const COVERAGE: &str = ".coverage";

/// Bytes of standard output that a tool's findings may have.
pub(super) const LARGEST_OUTPUT: usize = 32 * 1024 * 1024;

/// Places of the collected files.
pub(super) const JUNIT_FILE: usize = 0;
pub(super) const RUFF_FILE: usize = 1;
pub(super) const COVERAGE_FILE: usize = 2;

/// Says what a gate's container is made of.
pub(super) fn specification(
    hall: &Hall<'_>,
    settings: &GateSettings,
    argv: Vec<String>,
    tool: Option<Tool>,
    caching: Caching,
) -> OnceSpec {
    let plan = hall.plan;
    let mut spec = plan.image.once(&settings.name, argv);
    spec.env = environment(hall, settings, tool, caching);
    spec.mask = hall.mask.clone();
    spec.workdir = Some(plan.image.workdir.clone());
    spec.networks = hall.services.networks(settings);
    spec.labels = labels(plan, "gate");
    spec.memory = plan.limits.budget.gate_memory;
    spec.pids = plan.limits.pids;
    spec.root = Root::ReadOnly;
    spec.tmpfs = vec![Tmpfs { path: "/tmp".to_owned(), bytes: plan.limits.tmp, mode: 0o1777 }];
    if caching == Caching::Kept {
        // The engine gives a name to one container only: it has the folder for itself.
        spec.name = Some(cache::holder(&plan.project, &settings.name));
        spec.mounts.push(Mount::Volume { name: cache::volume(&plan.project), path: cache::PATH.to_owned() });
        spec.folders = vec![Folder { mount: cache::PATH.to_owned(), name: settings.name.clone() }];
    }
    spec.timeout = settings.timeout;
    spec.output_limit = plan.limits.output;
    spec.stdout = match tool {
        Some(Tool::RuffFormat | Tool::Mypy | Tool::Pyright | Tool::Ty) => Stdout::Keep(LARGEST_OUTPUT),
        Some(Tool::RuffCheck | Tool::Pytest) | None => Stdout::Lines,
    };
    spec.collect = vec![once::out(JUNIT), once::out(RUFF_REPORT), once::out(COVERAGE)];
    if settings.docker {
        spec.mounts.push(Mount::Host { source: hall.engine_socket(), path: ENGINE_SOCKET.to_owned() });
        spec.groups = hall.engine_group().into_iter().collect();
        spec.env.insert("DOCKER_HOST".to_owned(), format!("unix://{ENGINE_SOCKET}"));
        // What it gives this label to is removed for it.
        spec.env.insert("NONEVENT_RUN_LABEL".to_owned(), format!("{}={}", leftovers::RUN_LABEL, plan.run));
    }
    spec
}

/// Where the engine's socket is, for a gate that asks for it.
const ENGINE_SOCKET: &str = "/var/run/docker.sock";

impl Hall<'_> {
    /// Returns the path of the socket on the engine's own machine, which for Docker Desktop is not this one.
    fn engine_socket(&self) -> String {
        let ours = self.docker.dialer.socket().filter(|path| !path.to_string_lossy().contains("/.docker/"));
        ours.map_or_else(|| ENGINE_SOCKET.to_owned(), |path| path.to_string_lossy().into_owned())
    }

    /// Returns the group that may use the socket: the image's user may be anybody.
    #[cfg(unix)]
    fn engine_group(&self) -> Option<String> {
        use std::os::unix::fs::MetadataExt as _;
        let socket = std::fs::metadata(self.engine_socket()).ok()?;
        Some(socket.gid().to_string())
    }

    /// Where engines run in a machine of their own, the socket belongs to root's group there.
    #[cfg(not(unix))]
    fn engine_group(&self) -> Option<String> {
        Some("0".to_owned())
    }
}

/// Variables of a gate: ours below the project's, below the services', below the gate's own.
fn environment(hall: &Hall<'_>, settings: &GateSettings, tool: Option<Tool>, caching: Caching) -> BTreeMap<String, String> {
    let cache = |tool: &str| match caching {
        Caching::Kept => format!("{}/{}/{tool}", cache::PATH, settings.name),
        Caching::Not => format!("/tmp/.cache/nonevent/{tool}"),
    };
    let ours = [
        ("HOME", "/tmp".to_owned()),
        ("XDG_CACHE_HOME", "/tmp/.cache".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("COLUMNS", "120".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("RUFF_CACHE_DIR", cache("ruff")),
        ("MYPY_CACHE_DIR", cache("mypy")),
        ("COVERAGE_FILE", once::out(COVERAGE).to_string_lossy().into_owned()),
        ("HYPOTHESIS_STORAGE_DIRECTORY", "/tmp/.hypothesis".to_owned()),
        ("NONEVENT_GATE", settings.name.clone()),
    ];
    let mut env: BTreeMap<String, String> = ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    env.extend(hall.plan.env.clone());
    let services = settings.services.iter().filter_map(|name| hall.plan.services.get(name));
    env.extend(services.flat_map(|service| service.provides.clone()));
    env.extend(settings.env.clone());
    let secrets =
        settings.secrets.iter().filter_map(|name| Some((name.clone(), hall.plan.secrets.get(name)?.reveal().to_owned())));
    env.extend(secrets);
    // Every pytest hears this, also one that a script or a Makefile calls.
    let junit = once::out(JUNIT);
    // Gates that run at the same time must not forget each other's failed tests: each has a folder of its own.
    let pytest = format!(
        "-o cache_dir={}/{} -o junit_family=xunit1 -o junit_logging=all -o junit_log_passing_tests=false --junitxml={}",
        cache("pytest"),
        settings.name,
        junit.display()
    );
    let options = env.entry("PYTEST_ADDOPTS".to_owned()).or_default();
    *options = format!("{options} {pytest}").trim_start().to_owned();
    if tool == Some(Tool::RuffFormat) {
        // An option of that name exists only in newer versions; the variable is ignored by older ones.
        env.insert("RUFF_OUTPUT_FORMAT".to_owned(), "json".to_owned());
    }
    env
}

/// Labels of a container of this run.
pub(super) fn labels(plan: &GauntletPlan, role: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("dev.nonevent.project".to_owned(), plan.project.to_string()),
        ("dev.nonevent.role".to_owned(), role.to_owned()),
        (leftovers::RUN_LABEL.to_owned(), plan.run.to_string()),
    ])
}
