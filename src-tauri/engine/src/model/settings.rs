//! What a project is, after its configuration was read and the rest inferred: the effective settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Digest, EnvironmentName, NotifyLevel, NotifySettings, ProbeSettings, ProcessName, ProjectName, Strategy, Strictness,
    Tolerance,
};

/// Every effective value of a project, with nothing left to infer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProjectSettings {
    /// The app.
    pub app: AppSettings,
    /// How its image is built.
    pub build: BuildSettings,
    /// How strict the lock is taken.
    pub lock: LockSettings,
    /// The gates.
    pub gauntlet: GauntletSettings,
    /// The services that gates and environments may ask for.
    pub services: BTreeMap<String, ServiceSettings>,
    /// What healthy means.
    pub health: HealthCheck,
    /// What a release does before its first instance starts.
    pub release: ReleaseSettings,
    /// When people are told, and how.
    #[serde(default)]
    pub notify: NotifySettings,
    /// Where releases run. `local` is always there.
    pub environments: BTreeMap<EnvironmentName, EnvironmentSettings>,
}

/// The app itself: the same in every environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AppSettings {
    /// The project's identity.
    pub name: ProjectName,
    /// The framework that was recognised.
    pub framework: Framework,
    /// `MAJOR.MINOR` of the Python that the image runs.
    pub python: String,
    /// The processes of the app; one of them at most receives requests.
    pub processes: Vec<Process>,
    /// Variables for every instance, below the environment's own.
    pub env: BTreeMap<String, String>,
    /// Named volumes, kept across releases.
    pub volumes: Vec<VolumeMount>,
}

/// A framework that decides how an app is started and probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Framework {
    /// FastAPI (ASGI).
    Fastapi,
    /// Starlette (ASGI).
    Starlette,
    /// Litestar (ASGI).
    Litestar,
    /// Flask (WSGI).
    Flask,
    /// Django (WSGI or ASGI).
    Django,
    /// Any ASGI callable.
    Asgi,
    /// Any WSGI callable.
    Wsgi,
    /// Streamlit.
    Streamlit,
    /// A Celery worker without a web process.
    Celery,
    /// A plain process that receives no requests.
    Worker,
    /// A command that the configuration gave, of no framework known here.
    Custom,
}

impl Framework {
    /// Returns the name that people know it by.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fastapi => "FastAPI",
            Self::Starlette => "Starlette",
            Self::Litestar => "Litestar",
            Self::Flask => "Flask",
            Self::Django => "Django",
            Self::Asgi => "ASGI app",
            Self::Wsgi => "WSGI app",
            Self::Streamlit => "Streamlit",
            Self::Celery => "Celery",
            Self::Worker => "worker",
            Self::Custom => "app",
        }
    }
}

/// One kind of instance of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Process {
    /// `web` for the one that receives requests, unless named otherwise.
    pub name: ProcessName,
    /// Whether requests reach it.
    pub kind: ProcessKind,
    /// What the container runs; an empty list leaves the image its own command.
    pub command: CommandLine,
    /// Time between SIGTERM and SIGKILL.
    pub stop_grace: Duration,
}

/// Whether requests reach a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ProcessKind {
    /// Listens on `port` inside its container.
    Web {
        /// The TCP port inside the container; `PORT` tells the process.
        port: u16,
    },
    /// Receives no requests.
    Worker,
}

/// A command as a list of arguments; a single string of the configuration runs in `/bin/sh -c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(untagged)]
pub enum CommandLine {
    /// Executed as it is.
    Exec(Vec<String>),
    /// Interpreted by `/bin/sh`.
    Shell(String),
}

impl CommandLine {
    /// Returns the argument vector that a container runs.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Exec(arguments) => arguments.clone(),
            Self::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
        }
    }

    /// Returns the command as a person would type it.
    pub fn display(&self) -> String {
        match self {
            Self::Exec(arguments) => arguments.join(" "),
            Self::Shell(line) => line.clone(),
        }
    }
}

/// A named volume of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct VolumeMount {
    /// The volume's name inside the environment.
    pub name: String,
    /// Where instances see it.
    pub path: String,
    /// Whether only one instance may have it at a time.
    #[serde(default, skip_serializing_if = "is_shared")]
    pub exclusive: bool,
}

// Releases were made before a volume could be exclusive: their ids stay as they are.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_shared(exclusive: &bool) -> bool {
    !*exclusive
}

/// How the image is built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuildSettings {
    /// The Dockerfile, relative to the project; without one the wheel builder works.
    pub dockerfile: Option<PathBuf>,
    /// The Dockerfile's stage to build.
    pub stage: Option<String>,
    /// Build arguments of the Dockerfile.
    pub args: BTreeMap<String, String>,
    /// Build secrets: id → file, or environment variable as `env:NAME`.
    pub secrets: BTreeMap<String, String>,
    /// The base image of the wheel builder, such as `python:3.13-slim`.
    pub base: String,
    /// Globs that are kept although a rule would leave them out.
    pub include: Vec<String>,
    /// Globs that are left out of the image.
    pub exclude: Vec<String>,
    /// A bundle of certificate authorities for the build only.
    pub ca_bundle: Option<PathBuf>,
    /// Dependency extras that the image holds.
    pub extras: Vec<String>,
    /// Dependency groups that the image holds.
    pub groups: Vec<String>,
}

/// How strict the lock is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LockSettings {
    /// What happens to a dependency without a hash.
    pub unhashed: Strictness,
}

/// The gates of a project, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GauntletSettings {
    /// Every gate, the project's own included.
    pub gates: Vec<GateSettings>,
    /// Gates that must be set up.
    pub required: Vec<String>,
    /// The dependency groups that the development layer holds.
    pub groups: Vec<String>,
    /// The extras that the development layer holds.
    pub extras: Vec<String>,
    /// What gates that run side by side may use together.
    #[serde(default)]
    pub budget: GateBudget,
}

/// What gates that run side by side may use together; without a number, what suits the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateBudget {
    /// Cores.
    pub cores: Option<u32>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of the tools' caches that are kept between runs.
    pub cache: Option<u64>,
}

/// One gate of the gauntlet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateSettings {
    /// `lint`, `format`, `types`, `unit`, `integration`, or a name of the project's.
    pub name: String,
    /// What it runs; none when the project configures no such tool.
    pub run: Option<CommandLine>,
    /// Gates that must be green before.
    pub needs: Vec<String>,
    /// Services that run beside it.
    pub services: Vec<String>,
    /// The time after which it is an error.
    pub timeout: Duration,
    /// Variables for this gate only.
    pub env: BTreeMap<String, String>,
    /// Secrets that it is given as variables, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Commands that print values of secrets that are kept nowhere, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_commands: BTreeMap<String, String>,
    /// Among how many processes its tests are divided; what suits it, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// A red gate of this kind does not stop a ship.
    pub allow_failure: bool,
    /// Whether it may reach a network beyond its services.
    pub network: bool,
    /// Whether it is given the engine's socket.
    pub docker: bool,
    /// How often failed tests run again; those that pass then are flaky.
    #[serde(default)]
    pub retries: u32,
}

impl GateSettings {
    /// The time after which a gate is an error, unless it says otherwise.
    pub const TIMEOUT: Duration = Duration::from_mins(10);

    /// A gate that asks for nothing beyond the image.
    pub fn new(name: impl Into<String>, run: Option<CommandLine>) -> Self {
        Self {
            name: name.into(),
            run,
            needs: Vec::new(),
            services: Vec::new(),
            timeout: Self::TIMEOUT,
            env: BTreeMap::new(),
            secrets: Vec::new(),
            secret_commands: BTreeMap::new(),
            workers: None,
            allow_failure: false,
            network: false,
            docker: false,
            retries: 0,
        }
    }
}

/// A real dependency that runs beside the app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceSettings {
    /// Its image.
    pub image: String,
    /// What its container runs, if not the image's own.
    pub command: Option<CommandLine>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// When it is ready.
    pub ready: Ready,
    /// The time in which it must get ready.
    pub within: Duration,
    /// Variables that it gives to whoever asks for it.
    pub provides: BTreeMap<String, String>,
    /// The folder inside the container whose content an environment keeps.
    pub data: Option<String>,
    /// What else its container is made of.
    pub container: ServiceContainer,
}

impl ServiceSettings {
    /// Time in which a service gets ready, unless something else is said.
    pub const WITHIN: Duration = Duration::from_secs(120);

    /// Starts from an image that is ready as soon as it runs.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            command: None,
            env: BTreeMap::new(),
            ready: Ready::Running,
            within: Self::WITHIN,
            provides: BTreeMap::new(),
            data: None,
            container: ServiceContainer::default(),
        }
    }

    /// Returns the services of these names, and those that they wait for.
    pub fn with_needed<'a>(
        names: impl IntoIterator<Item = &'a String>,
        services: &'a BTreeMap<String, Self>,
    ) -> BTreeMap<String, Self> {
        let mut names: Vec<&String> = names.into_iter().collect();
        let mut wanted = BTreeMap::new();
        while let Some(name) = names.pop() {
            let Some(service) = services.get(name) else { continue };
            if wanted.insert(name.clone(), service.clone()).is_none() {
                names.extend(service.container.after.keys());
            }
        }
        wanted
    }
}

/// What the container of a service is made of beyond its image, command and variables; only a compose file says it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceContainer {
    /// The program in front of its command, if not the image's own; an empty list takes the image's away.
    pub entrypoint: Option<Vec<String>>,
    /// The user that it runs as, if not the image's.
    pub user: Option<String>,
    /// The folder that it runs in, if not the image's.
    pub workdir: Option<String>,
    /// Folders in memory.
    pub tmpfs: Vec<String>,
    /// Bytes of shared memory, if not the engine's usual.
    pub shared_memory: Option<u64>,
    /// Names by which it is known besides its own.
    pub aliases: Vec<String>,
    /// Files that are put into it.
    pub files: Vec<ServiceFile>,
    /// Folders that are volumes: empty for gates, kept by an environment.
    pub volumes: Vec<String>,
    /// A port that it must accept connections on besides.
    pub port: Option<u16>,
    /// Services that must have come so far before it starts.
    pub after: BTreeMap<String, ServiceMoment>,
    /// Why it cannot be had, when it cannot.
    pub refused: Option<String>,
}

/// A file that is put into a service's container, for reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceFile {
    /// Where it is, relative to the project.
    pub source: PathBuf,
    /// The project's folder on this machine.
    #[serde(skip)]
    pub root: PathBuf,
    /// Where it is put.
    pub target: String,
    /// Whether it is a program.
    pub executable: bool,
    /// The sha256 of its content.
    pub digest: Digest,
}

/// How far a service must have come before one that needs it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ServiceMoment {
    /// Its container was started.
    Started,
    /// It is ready.
    Ready,
}

/// When a service is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// It accepts connections on this port.
    Port(u16),
    /// It answers a request with 2xx.
    Http {
        /// The port that it listens on.
        port: u16,
        /// The path that is asked for, with its leading slash.
        path: String,
    },
    /// This command inside it ends with 0.
    Command(CommandLine),
    /// Its output holds this text.
    Log(String),
    /// Its container runs; where its image has a health check, that passes.
    Running,
    /// It has done its work and ended with 0.
    Completed,
}

/// What healthy means, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HealthCheck {
    /// How it is measured.
    pub probe: HealthProbe,
    /// Time between two probes.
    pub interval: Duration,
    /// Time after which one probe has failed.
    pub timeout: Duration,
    /// Successes in a row that make an instance healthy.
    pub successes: u32,
    /// Time after which an instance that is not healthy has failed.
    pub deadline: Duration,
}

/// How health is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum HealthProbe {
    /// `GET path` answers 2xx.
    Http {
        /// The path, with its leading slash.
        path: String,
    },
    /// The port accepts a connection.
    Tcp,
    /// The command inside the instance ends with 0.
    Command(CommandLine),
    /// The container runs and does not restart.
    Running,
}

/// What a release does before its first instance starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReleaseSettings {
    /// One command in a one-off container of the new release.
    pub before_start: Option<CommandLine>,
    /// How many releases stay ready for a rollback.
    pub keep: KeepSettings,
    /// Commands that run at times, in the release that serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobSettings>,
}

/// A command that runs at times, in a one-off container of the release that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobSettings {
    /// Its name.
    pub name: String,
    /// When it runs, as crontab(5) writes it.
    pub schedule: String,
    /// The time zone of the schedule, by its name in the IANA database.
    pub timezone: String,
    /// What it runs.
    pub run: CommandLine,
    /// Time after which it is stopped.
    pub timeout: Duration,
}

/// How many retired releases stay ready for a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct KeepSettings {
    /// Releases, the serving one not counted.
    pub releases: u32,
    /// Bytes of their images' own layers together; the last one that served stays in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Default for KeepSettings {
    fn default() -> Self {
        Self { releases: 5, bytes: None }
    }
}

/// A named place where releases run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EnvironmentSettings {
    /// The engine behind it: `docker` for the local one, or a URL.
    pub target: String,
    /// The public host name; `<app>.localhost` for `local`, `<environment>.<app>.localhost` for other local ones.
    pub domain: String,
    /// How requests reach it by HTTPS.
    pub https: Https,
    /// Instances of the web process.
    pub replicas: u16,
    /// What it changes for single processes.
    pub processes: BTreeMap<ProcessName, ProcessPlacement>,
    /// Variables, above the app's own.
    pub env: BTreeMap<String, String>,
    /// Names of the secrets that instances need.
    pub secrets: Vec<String>,
    /// Commands that print values of secrets that are kept nowhere, by name.
    #[serde(default)]
    pub secret_commands: BTreeMap<String, String>,
    /// How secrets reach instances.
    pub secret_delivery: SecretDelivery,
    /// Services that are kept here, on volumes.
    pub services: Vec<String>,
    /// The environment in which a release must have baked before.
    pub after: Option<EnvironmentName>,
    /// Its name must be typed before a rollout.
    pub protected: bool,
    /// Limits of each instance.
    pub resources: Resources,
    /// Time that old instances stay warm after the switch.
    pub bake: Duration,
    /// Time that requests in flight have to end.
    pub drain: Duration,
    /// How it moves from one release to another.
    pub strategy: Strategy,
    /// Time that each step of a canary, or each batch, is watched.
    pub pause: Duration,
    /// How much worse a new release may be.
    pub tolerance: Tolerance,
    /// How what serves is watched.
    #[serde(default)]
    pub probes: Vec<ProbeSettings>,
    /// Addresses, `host:port`, of which one answers whenever this machine has a network.
    #[serde(default)]
    pub neighbours: Vec<String>,
    /// What people are told of it.
    #[serde(default)]
    pub notify: NotifyLevel,
}

/// How requests reach an environment by HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Https {
    /// Not at all.
    #[default]
    Off,
    /// Beside HTTP, with a certificate of this laptop's own authority.
    Local,
    /// In place of HTTP, with a certificate that the proxy gets from a public authority.
    Acme(AcmeSettings),
}

/// The authority that an environment's certificate comes from, by ACME (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AcmeSettings {
    /// The URL of its directory.
    pub directory: String,
    /// Whom it may write to.
    pub email: Option<String>,
    /// A file with the authorities that vouch for the directory itself, below the project's root; those of the system always do.
    pub ca_bundle: Option<PathBuf>,
}

/// What an environment changes for one process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProcessPlacement {
    /// Its instances.
    pub replicas: Option<u16>,
}

/// How a secret's value reaches an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SecretDelivery {
    /// As an environment variable.
    #[default]
    Env,
    /// As a file of mode 0400.
    File,
}

/// Limits of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Resources {
    /// Bytes of memory.
    pub memory: u64,
    /// Cores.
    pub cpus: f64,
    /// Processes and threads.
    pub pids: i64,
}

impl Default for Resources {
    fn default() -> Self {
        Self { memory: 512 * 1024 * 1024, cpus: 1.0, pids: 512 }
    }
}

/// One effective value and where it came from, as `nonevent explain` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Setting {
    /// The dotted key, such as `app.port`.
    pub key: String,
    /// The value as TOML would write it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where an effective value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// A line of the configuration.
    File {
        /// The file, relative to the project.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// Read from the project's sources.
    Inferred {
        /// What was read, such as ``shop/main.py:7 `app = FastAPI()` ``.
        because: String,
    },
    /// Nonevent's own choice.
    Default,
}
