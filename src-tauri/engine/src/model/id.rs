//! Names and identities, each its own type so that one is never passed for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type))]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps text that is already known to be of this kind.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id!(
    /// A project's identity: `app.name`, a DNS label (RFC 1123) of at most 63 characters.
    ProjectName
);
text_id!(
    /// The name of an environment, such as `local` or `production`: a DNS label.
    EnvironmentName
);
text_id!(
    /// The name of a process of the app, such as `web` or `worker`.
    ProcessName
);
text_id!(
    /// The first 12 hex digits of the sha256 of a release's canonical JSON manifest.
    ReleaseId
);
text_id!(
    /// One execution of the pipeline: a UUID version 7 (RFC 9562), so that ids sort by time.
    RunId
);
text_id!(
    /// One rollout: a UUID version 7 (RFC 9562).
    RolloutId
);
text_id!(
    /// One running copy of a release, as the target names it.
    InstanceId
);
text_id!(
    /// A content digest such as `sha256:…` (OCI image specification, descriptor, digests).
    Digest
);

impl Digest {
    /// Returns the hex digits after the algorithm's name.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(_, hex)| hex)
    }

    /// Returns the first 12 hex digits, as people quote a digest.
    pub fn short(&self) -> &str {
        let hex = self.hex();
        hex.get(..12).unwrap_or(hex)
    }
}

impl RunId {
    /// Makes a new id of the present time.
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }
}

impl RolloutId {
    /// Makes a new id of the present time.
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }
}
