//! The interpreter that packages are chosen for: its version, its machine, its C library, and its markers (PEP 508).
//!
//! Knows nothing of images: whoever looked into the base hands the facts in.

use std::fmt;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

use super::LockError;

/// The Python that the app will run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonTarget {
    implementation: Implementation,
    version: Version,
    machine: Machine,
    libc: Libc,
    markers: MarkerEnvironment,
}

/// Which build of the interpreter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    /// CPython as everybody knows it.
    CPython,
    /// CPython without the global lock (PEP 703); it takes other wheels.
    FreeThreaded,
}

/// The processor, as Python's `platform.machine()` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// 64-bit Intel and AMD; Docker's `amd64`.
    X86_64,
    /// 64-bit ARM; Docker's `arm64`.
    Aarch64,
}

/// The C library of the base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// glibc: Debian, Ubuntu, Red Hat (PEP 600).
    Glibc {
        /// 2 for every glibc there is.
        major: u16,
        /// Such as 41 in Debian 13.
        minor: u16,
    },
    /// musl: Alpine (PEP 656).
    Musl {
        /// 1 for every musl there is.
        major: u16,
        /// Such as 2.
        minor: u16,
    },
}

impl PythonTarget {
    /// Describes CPython on Linux.
    ///
    /// # Errors
    /// `LockError::PythonVersion` when `version` is no full version such as `3.13.5`.
    pub fn cpython(version: &str, machine: Machine, libc: Libc) -> Result<Self, LockError> {
        Self::new(Implementation::CPython, version, machine, libc)
    }

    /// Describes a build of CPython on Linux.
    ///
    /// # Errors
    /// `LockError::PythonVersion` when `version` is no full version such as `3.13.5`.
    pub fn new(implementation: Implementation, version: &str, machine: Machine, libc: Libc) -> Result<Self, LockError> {
        let unreadable = || LockError::PythonVersion { version: version.to_owned() };
        let version = Version::from_str(version).map_err(|_| unreadable())?;
        let [3, minor, _] = *version.release() else { return Err(unreadable()) };
        let (full, short) = (version.to_string(), format!("3.{minor}"));
        let builder = MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name: "posix",
            platform_machine: machine.as_str(),
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: "Linux",
            platform_version: "",
            python_full_version: &full,
            python_version: &short,
            sys_platform: "linux",
        };
        let markers = MarkerEnvironment::try_from(builder).map_err(|_| unreadable())?;
        Ok(Self { implementation, version, machine, libc, markers })
    }

    /// Returns the full version, such as `3.13.5`.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the minor version: 13 of 3.13.5.
    pub fn minor(&self) -> u64 {
        self.version.release().get(1).copied().unwrap_or_default()
    }

    /// Returns which build it is.
    pub fn implementation(&self) -> Implementation {
        self.implementation
    }

    /// Returns the processor.
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// Returns the C library.
    pub fn libc(&self) -> Libc {
        self.libc
    }

    /// Returns what markers see (PEP 508); release and version of the kernel are empty, since an image may run on any.
    pub fn markers(&self) -> &MarkerEnvironment {
        &self.markers
    }
}

impl Machine {
    /// Returns Python's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}

impl FromStr for Machine {
    type Err = LockError;

    /// Reads Python's name or Docker's.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "x86_64" | "amd64" => Ok(Self::X86_64),
            "aarch64" | "arm64" => Ok(Self::Aarch64),
            _ => Err(LockError::Machine { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Glibc { major, minor } => write!(f, "glibc {major}.{minor}"),
            Self::Musl { major, minor } => write!(f, "musl {major}.{minor}"),
        }
    }
}
