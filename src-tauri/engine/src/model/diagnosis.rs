//! Why an instance is not healthy, as far as the evidence tells.

use serde::{Deserialize, Serialize};

/// What is known about why an instance is not healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Diagnosis {
    /// The instance's name.
    pub instance: String,
    /// The cause in one sentence, or that it is not known.
    pub summary: String,
    /// What may be the cause, the most certain first; empty when the cause is not known.
    pub suspects: Vec<Suspect>,
    /// What was seen, when the cause is not known.
    pub evidence: Vec<String>,
}

impl Diagnosis {
    /// Returns what most certainly is the cause.
    pub fn first(&self) -> Option<&Suspect> {
        self.suspects.first()
    }
}

/// One possible cause, with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Suspect {
    /// The cause.
    #[serde(flatten)]
    pub cause: Cause,
    /// How certain it is.
    pub certainty: Certainty,
    /// The cause in one sentence, without a full stop.
    pub sentence: String,
    /// The lines that speak for it.
    pub evidence: Vec<String>,
    /// What mends it, in one line.
    pub fix: String,
}

/// How certain a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The evidence leaves nothing else.
    Certain,
    /// The evidence fits it better than anything else.
    Likely,
    /// Something speaks for it.
    Possible,
}

/// A cause that has a name. `docs/diagnosis.md` has a section for each, by its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum Cause {
    /// It listens, on another port than the one that requests go to.
    WrongPort {
        /// The port that requests go to.
        expected: u16,
        /// The ports that it listens on.
        listening: Vec<u16>,
    },
    /// It listens on the right port, for callers inside its own container only.
    BoundToLoopback {
        /// The address it listens on.
        address: String,
        /// The port.
        port: u16,
    },
    /// Something in the container listens on the port already.
    AddressInUse {
        /// The port, when it was named.
        port: Option<u16>,
    },
    /// It has not finished its start.
    SlowStart {
        /// Seconds since it started.
        seconds: u32,
    },
    /// The kernel ended it, or a process of it, for want of memory.
    OutOfMemory {
        /// Its limit in bytes, when known.
        limit: Option<u64>,
    },
    /// Its program is for another processor.
    WrongArchitecture {
        /// The platform of the image, such as `linux/arm64`, when known.
        image: Option<String>,
        /// The platform of the engine.
        engine: Option<String>,
    },
    /// Its command does not exist in the image, or is no program.
    CommandNotFound {
        /// The command, or the file that was to be run.
        command: String,
    },
    /// Its command ended by itself and without an error.
    EndedByItself,
    /// An exception that nothing caught.
    UncaughtException {
        /// Its type, such as `ValueError`.
        exception: String,
        /// Its message.
        message: String,
        /// The project's file, or that of a package, when a frame names one.
        file: Option<String>,
        /// The line in it.
        line: Option<u32>,
        /// When it was raised.
        during: Moment,
    },
    /// Variables that the app needs and does not have.
    MissingVariable {
        /// Their names, or those of the settings' fields.
        names: Vec<String>,
        /// Who looked for them.
        reader: VariableReader,
        /// Where in the project.
        place: Option<SourcePlace>,
    },
    /// A module that cannot be imported.
    MissingModule {
        /// Its name as it is imported.
        module: String,
        /// Why it is missing.
        absence: Absence,
        /// Where in the project.
        place: Option<SourcePlace>,
    },
    /// A name that a module does not have.
    MissingName {
        /// The name.
        name: String,
        /// The module.
        module: String,
        /// Where in the project.
        place: Option<SourcePlace>,
    },
    /// A shared library of the system that the image does not have.
    MissingLibrary {
        /// Its file name, such as `libpq.so.5`.
        library: String,
        /// Debian's package of it, when known.
        package: Option<String>,
    },
    /// Something that it may not read or write.
    PermissionDenied {
        /// The file or folder, when it was named.
        path: Option<String>,
        /// Who it runs as, when known.
        user: Option<String>,
        /// Why it may not.
        reason: Denial,
    },
    /// A database or queue that it cannot use.
    DatabaseUnreachable {
        /// Where it was looked for, such as `127.0.0.1:5432`, when it was named.
        address: Option<String>,
        /// What went wrong.
        trouble: DatabaseTrouble,
    },
    /// A database whose tables are not those that the app expects.
    NotMigrated {
        /// The table that is missing, when it was named.
        table: Option<String>,
        /// The tool that makes it.
        tool: MigrationTool,
    },
    /// The app refuses the host name that probes, and people, use.
    DisallowedHost {
        /// The host name.
        host: String,
    },
    /// The app has no such path.
    HealthPathMissing {
        /// The path.
        path: String,
    },
    /// The app answers the probe with a redirect.
    HealthRedirects {
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// Where it leads, when known.
        to: Option<String>,
    },
    /// The app answers probes only to who is logged in.
    HealthUnauthorized {
        /// The path.
        path: String,
        /// The status.
        status: u16,
    },
    /// gunicorn ends workers that are silent for too long.
    WorkerTimeout {
        /// When it does.
        during: Moment,
    },
    /// Django's list of static files does not hold one that a page needs.
    MissingStaticFiles {
        /// The file.
        file: String,
    },
}

impl Cause {
    /// Returns its stable code: the word that JSON bears as `code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongPort { .. } => "wrong_port",
            Self::BoundToLoopback { .. } => "bound_to_loopback",
            Self::AddressInUse { .. } => "address_in_use",
            Self::SlowStart { .. } => "slow_start",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::WrongArchitecture { .. } => "wrong_architecture",
            Self::CommandNotFound { .. } => "command_not_found",
            Self::EndedByItself => "ended_by_itself",
            Self::UncaughtException { .. } => "uncaught_exception",
            Self::MissingVariable { .. } => "missing_variable",
            Self::MissingModule { .. } => "missing_module",
            Self::MissingName { .. } => "missing_name",
            Self::MissingLibrary { .. } => "missing_library",
            Self::PermissionDenied { .. } => "permission_denied",
            Self::DatabaseUnreachable { .. } => "database_unreachable",
            Self::NotMigrated { .. } => "not_migrated",
            Self::DisallowedHost { .. } => "disallowed_host",
            Self::HealthPathMissing { .. } => "health_path_missing",
            Self::HealthRedirects { .. } => "health_redirects",
            Self::HealthUnauthorized { .. } => "health_unauthorized",
            Self::WorkerTimeout { .. } => "worker_timeout",
            Self::MissingStaticFiles { .. } => "missing_static_files",
        }
    }
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// While it started.
    Start,
    /// While it answered a request.
    Request,
}

/// A line of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SourcePlace {
    /// The file, relative to the project's folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl std::fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Who looked for a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum VariableReader {
    /// `os.environ`.
    Environ,
    /// pydantic-settings: what is named are fields.
    Pydantic,
    /// django-environ.
    DjangoEnviron,
    /// python-decouple.
    Decouple,
    /// A shell, by `${NAME:?}` or `set -u`.
    Shell,
    /// Something else that said so.
    Other,
}

/// Why a module is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Absence {
    /// No package of the lock brings it.
    NotLocked {
        /// The package that most likely brings it.
        package: String,
    },
    /// Its package is locked for development, or in an extra or group that images do not hold.
    DevelopmentOnly {
        /// The package.
        package: String,
    },
    /// Its package is locked, and is not in the image.
    NotInImage {
        /// The package.
        package: String,
    },
    /// The project has no such module.
    NoSuchModule {
        /// A module of the project with nearly this name.
        near: Option<String>,
    },
    /// The lock is not known here.
    Unknown,
}

/// Why something may not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// It belongs to another user.
    User,
    /// Its file system is read-only.
    ReadOnly,
}

/// What is wrong with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum DatabaseTrouble {
    /// Nothing listens there.
    Refused,
    /// Its host name is not known.
    UnknownHost,
    /// It does not accept the login.
    Login,
    /// It has no such database.
    NoSuchDatabase,
}

/// What makes an app's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum MigrationTool {
    /// Django's `migrate`.
    Django,
    /// Alembic.
    Alembic,
    /// Something else.
    Unknown,
}
