//! What may be told of secrets: names and times, never a value.

use serde::{Deserialize, Serialize};

use super::EnvironmentName;

/// Whom a secret is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "of", content = "name", rename_all = "snake_case")]
pub enum SecretScope {
    /// One environment.
    Environment(EnvironmentName),
    /// Every environment, and the gauntlet, that has none of its own of that name.
    Every,
    /// The gates.
    Gauntlet,
}

impl SecretScope {
    /// Returns the key under which a vault keeps it; no environment is called like the others.
    pub fn key(&self) -> String {
        match self {
            Self::Environment(name) => name.to_string(),
            Self::Every => "*".to_owned(),
            Self::Gauntlet => "[gauntlet]".to_owned(),
        }
    }

    /// Reads a key.
    pub fn of_key(key: &str) -> Self {
        match key {
            "*" => Self::Every,
            "[gauntlet]" => Self::Gauntlet,
            name => Self::Environment(EnvironmentName::new(name)),
        }
    }

    /// Returns what people read.
    pub fn title(&self) -> String {
        match self {
            Self::Environment(name) => name.to_string(),
            Self::Every => "all environments".to_owned(),
            Self::Gauntlet => "the gauntlet".to_owned(),
        }
    }

    /// Returns the option of `nonevent secret set` that means it.
    pub fn option(&self) -> String {
        match self {
            Self::Environment(name) => format!("-e {name}"),
            Self::Every => "--all-environments".to_owned(),
            Self::Gauntlet => "--gauntlet".to_owned(),
        }
    }
}

/// Where a secret's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// A variable of the process, as in CI.
    Variable,
    /// The vault keeps it.
    Value,
    /// The vault keeps a command that prints it.
    Command,
    /// A command of the configuration prints it.
    Configuration,
    /// It has none.
    Missing,
}

/// One secret that a vault keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SecretEntry {
    /// Its name.
    pub name: String,
    /// Whom it is for.
    pub scope: SecretScope,
    /// A value, or a command.
    pub source: SecretSource,
    /// Grows with each change.
    pub version: u32,
    /// When it was changed last (RFC 3339).
    pub changed_at: String,
    /// Who changed it.
    pub by: String,
}

/// A secret that the configuration names, and where its value would come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SecretNeed {
    /// Its name.
    pub name: String,
    /// Who needs it.
    pub scope: SecretScope,
    /// Where its value would come from.
    pub source: SecretSource,
}

/// What opens a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum VaultKey {
    /// The operating system's keychain, which holds it.
    Keychain,
    /// The passphrase of the file.
    Passphrase,
    /// The file of a key.
    KeyFile,
}

/// Where secrets are kept, and whether that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct VaultStatus {
    /// What opens it.
    pub opens_with: VaultKey,
    /// The keychain, or the file, in words.
    pub place: String,
    /// Whether a person chose it, or it is what is used unless one does.
    pub chosen: bool,
    /// Why it does not open, when it does not.
    pub closed: Option<String>,
    /// The same as the word by which programs know it, such as `vault_closed` where a passphrase is wanted.
    #[serde(default)]
    pub code: Option<String>,
    /// What to do about it.
    #[serde(default)]
    pub hints: Vec<String>,
}

/// Everything that may be told of a project's secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SecretReport {
    /// Where they are kept.
    pub vault: VaultStatus,
    /// Those that are kept.
    pub kept: Vec<SecretEntry>,
    /// Those that are needed.
    pub needed: Vec<SecretNeed>,
}

/// An environment that runs with another value than the one that is kept now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OldValue {
    /// The environment.
    pub environment: EnvironmentName,
    /// Why that is not known, when it is not.
    pub unknown: Option<String>,
}
