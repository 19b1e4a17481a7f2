//! What can go wrong with a vault, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::store::StoreError;

/// Why a vault could not be read or written. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// This machine has no keychain that answers.
    #[error("no keychain of this computer answers: {reason}")]
    KeychainAbsent {
        /// What the system said.
        reason: String,
    },
    /// It is there, and locked, or a person said no.
    #[error("the keychain is locked, or opening it was denied: {reason}")]
    KeychainLocked {
        /// What the keychain said.
        reason: String,
    },
    /// It failed in another way.
    #[error("the keychain failed: {reason}")]
    KeychainFailed {
        /// What it said.
        reason: String,
    },
    /// Nobody answered its question.
    #[error("the keychain did not answer within {seconds} s")]
    NoAnswer {
        /// Seconds.
        seconds: u64,
    },
    /// The vault file needs its passphrase.
    #[error("the vault file `{}` needs its passphrase", file.display())]
    PassphraseWanted {
        /// The file.
        file: PathBuf,
    },
    /// The passphrase, or the key, is not the one it was closed with.
    #[error("the vault file `{}` does not open with this {key}", file.display())]
    WrongKey {
        /// The file.
        file: PathBuf,
        /// `passphrase` or `key file`.
        key: &'static str,
    },
    /// The file is no vault.
    #[error("the vault file `{}` is damaged: {reason}", file.display())]
    FileBroken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file that a vault is known to be in is gone.
    #[error("the vault file `{}` is gone", file.display())]
    FileGone {
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be {what}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// `read` or `written`.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The key file holds no key.
    #[error("the key file `{}` {reason}", file.display())]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What was read is not what was written.
    #[error("what the {place} keeps of `{vault}` cannot be understood: {reason}")]
    Shape {
        /// Which vault.
        vault: String,
        /// `keychain` or `vault file`.
        place: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A command gave no value.
    #[error("the command of the secret {name}, `{program}`, gave no value: {reason}")]
    Command {
        /// The secret.
        name: String,
        /// The program, without its arguments.
        program: String,
        /// Why.
        reason: String,
    },
    /// A passphrase was to be read, and could not be.
    #[error("the passphrase cannot be read")]
    Unasked(#[source] io::Error),
    /// The home's memory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VaultError {
    /// Returns what a person can do about it.
    pub fn hints(&self) -> Vec<String> {
        let ci = || "or give each value as a variable of this process, such as `NONEVENT_SECRET_NAME`".to_owned();
        match self {
            Self::KeychainAbsent { .. } => {
                vec!["where there is none, keep secrets in an encrypted file: `nonevent secret vault file`".to_owned(), ci()]
            }
            Self::KeychainLocked { .. } => {
                vec!["unlock the keychain and run this again; nothing was changed".to_owned(), ci()]
            }
            Self::NoAnswer { .. } => {
                let hint = "unlock the keychain and run this again; what it still asks is done once it is answered";
                vec![hint.to_owned(), ci()]
            }
            Self::KeychainFailed { .. } => vec!["see that the keychain runs, and run this again; nothing was changed".to_owned()],
            Self::PassphraseWanted { .. } => {
                vec!["set `NONEVENT_VAULT_PASSPHRASE`, or run this on a terminal, where it is asked for".to_owned()]
            }
            Self::WrongKey { key: "passphrase", .. } => {
                vec!["type it again, or look at `NONEVENT_VAULT_PASSPHRASE`; nothing was changed".to_owned()]
            }
            Self::WrongKey { .. } => vec!["look at `NONEVENT_VAULT_KEY_FILE`; nothing was changed".to_owned()],
            Self::FileBroken { file, .. } => vec![format!(
                "nothing was changed: bring `{}` back from a backup, or move it away and set the secrets anew",
                file.display()
            )],
            Self::FileGone { file } => {
                vec![format!("bring `{}` back from a backup, or begin anew with `nonevent secret vault file`", file.display())]
            }
            Self::KeyFile { .. } => {
                vec!["a key file is made by `nonevent secret vault file --key-file FILE`, or by `age-keygen`".to_owned()]
            }
            Self::Shape { .. } => vec!["a newer version of Nonevent may have written it; nothing was changed".to_owned()],
            Self::Command { program, .. } => {
                vec![format!("run `{program}` by hand: it must print the value alone, and end with 0")]
            }
            Self::Store(error) => error.hint().into_iter().collect(),
            Self::File { .. } | Self::Unasked(_) => Vec::new(),
        }
    }

    /// Returns the word by which programs know it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeychainAbsent { .. } => "keychain_absent",
            Self::KeychainLocked { .. } | Self::NoAnswer { .. } => "keychain_locked",
            Self::PassphraseWanted { .. } | Self::WrongKey { .. } => "vault_closed",
            Self::FileBroken { .. } | Self::Shape { .. } => "vault_broken",
            Self::Command { .. } => "secret_command",
            _ => "vault",
        }
    }
}
