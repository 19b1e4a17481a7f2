//! Platforms as images name them (OCI image specification, image index, platform).

use std::fmt;

use oci_spec::image::{Arch, Os, Platform as OciPlatform};
use serde::{Deserialize, Serialize};

use crate::model::EngineInfo;

/// What an image is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// As Go names it: `amd64`, `arm64`, `arm`.
    pub architecture: String,
    /// `v7` and the like, where the architecture alone says too little.
    pub variant: Option<String>,
}

impl Platform {
    /// Returns what images must be for to run on an engine, which may name its machine as the kernel does (`x86_64`).
    pub fn of_engine(engine: &EngineInfo) -> Self {
        let mut parts = engine.platform.split('/');
        let os = parts.next().filter(|os| !os.is_empty()).unwrap_or("linux").to_owned();
        let machine = parts.next().unwrap_or_default();
        let (architecture, variant) = match machine {
            "x86_64" => ("amd64", None),
            "aarch64" => ("arm64", None),
            "armv7l" => ("arm", Some("v7")),
            "armv6l" => ("arm", Some("v6")),
            "i386" | "i686" => ("386", None),
            "ppc64el" => ("ppc64le", None),
            other => (other, None),
        };
        let variant = parts.next().or(variant).map(str::to_owned);
        Self { os, architecture: architecture.to_owned(), variant }
    }

    /// Tells whether an image for the other platform runs here. A variant that one side does not name is no obstacle.
    pub fn accepts(&self, other: &OciPlatform) -> bool {
        let variants = match (self.variant.as_deref(), other.variant().as_deref()) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        *other.os() == self.oci_os() && *other.architecture() == self.oci_architecture() && variants
    }

    /// Returns the operating system as oci-spec has it.
    pub fn oci_os(&self) -> Os {
        Os::from(self.os.as_str())
    }

    /// Returns the architecture as oci-spec has it.
    pub fn oci_architecture(&self) -> Arch {
        Arch::from(self.architecture.as_str())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}
