//! The container of a gate: read-only, within limits, with the variables that keep tools from writing where they may not.

use std::collections::BTreeMap;

use super::command::{Invocation, RUFF_REPORT, Tool};
use super::{GauntletPlan, Hall, leftovers};
use crate::docker::once::{self, Folder, Mount, OnceSpec, Root, Stdout, Tmpfs};
use crate::model::GateSettings;

/// Where tools keep what makes their next run faster; a named volume, one for each project.
const CACHE: &str = "/nonevent-cache";

/// Folders in it, one for each tool.
const CACHES: [&str; 4] = ["ruff", "mypy", "pytest", "ty"];

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
pub(super) fn specification(hall: &Hall<'_>, settings: &GateSettings, invocation: &Invocation) -> OnceSpec {
    let plan = hall.plan;
    let tool = invocation.known.map(|known| known.tool);
    let mut spec = OnceSpec::new(&settings.name, plan.image.id.as_str(), invocation.for_reading());
    spec.env = environment(hall, settings, tool);
    spec.workdir = Some(plan.image.workdir.clone());
    spec.networks = hall.services.networks(settings);
    spec.labels = labels(plan, "gate");
    spec.memory = plan.limits.memory;
    spec.pids = plan.limits.pids;
    spec.root = Root::ReadOnly;
    spec.tmpfs = vec![Tmpfs { path: "/tmp".to_owned(), bytes: plan.limits.tmp, mode: 0o1777 }];
    spec.mounts = vec![Mount::Volume { name: cache_volume(plan), path: CACHE.to_owned() }];
    spec.folders = CACHES.map(|name| Folder { mount: CACHE.to_owned(), name: name.to_owned() }).to_vec();
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
fn environment(hall: &Hall<'_>, settings: &GateSettings, tool: Option<Tool>) -> BTreeMap<String, String> {
    let cache = |tool: &str| format!("{CACHE}/{tool}");
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

/// The volume with a project's tool caches. It bears no run: it is what stays.
pub(super) fn cache_volume(plan: &GauntletPlan) -> String {
    format!("nonevent-{}-gate-cache", plan.project)
}
