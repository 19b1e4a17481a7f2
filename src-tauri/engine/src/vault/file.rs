//! Vaults in one file that `age` encrypts, for computers without a keychain. The program `age` opens it as well.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{DecryptError, x25519};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::contents::Contents;
use super::error::VaultError;
use crate::mask::Secret;

/// Its name in the home.
pub(super) const NAME: &str = "vault.age";

/// What opens and closes it.
pub(super) enum Key {
    /// A passphrase, stretched by scrypt.
    Passphrase(Secret),
    /// A key of a file.
    Identity(Box<x25519::Identity>),
}

/// Everything in the file, by vault.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct All {
    v: u32,
    pub vaults: BTreeMap<String, Contents>,
}

impl Default for All {
    fn default() -> Self {
        Self { v: 1, vaults: BTreeMap::new() }
    }
}

impl Key {
    fn word(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "passphrase",
            Self::Identity(_) => "key file",
        }
    }

    /// Reads the key of a key file, as `age-keygen` writes it.
    pub fn of_file(file: &Path) -> Result<Self, VaultError> {
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|source| VaultError::File { file: file.to_owned(), what: "read", source })?;
        let text = Zeroizing::new(text);
        let wrong = |reason: &str| VaultError::KeyFile { file: file.to_owned(), reason: reason.to_owned() };
        refuse_readable(file)?;
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let identity = line.ok_or_else(|| wrong("is empty"))?.parse::<x25519::Identity>();
        Ok(Self::Identity(Box::new(identity.map_err(|_| wrong("holds no `AGE-SECRET-KEY-1…`"))?)))
    }

    /// Writes a new key into a file that must not be there, readable for its owner only.
    pub fn make_file(file: &Path) -> Result<(), VaultError> {
        let failed = |source: io::Error| VaultError::File { file: file.to_owned(), what: "written", source };
        let identity = x25519::Identity::generate();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut open = options.open(file).map_err(failed)?;
        let text = Zeroizing::new(format!(
            "# opens the vault of Nonevent; public key: {}\n{}\n",
            identity.to_public(),
            identity.to_string().expose_secret()
        ));
        open.write_all(text.as_bytes()).and_then(|()| open.sync_all()).map_err(failed)
    }

    fn decrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, DecryptError> {
        match self {
            Self::Passphrase(passphrase) => {
                let mut identity = age::scrypt::Identity::new(words(passphrase));
                identity.set_max_work_factor(MOST_WORK);
                age::decrypt(&identity, bytes)
            }
            Self::Identity(identity) => age::decrypt(identity.as_ref(), bytes),
        }
    }

    fn encrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, age::EncryptError> {
        match self {
            Self::Passphrase(passphrase) => {
                let mut recipient = age::scrypt::Recipient::new(words(passphrase));
                recipient.set_work_factor(WORK);
                age::encrypt(&recipient, bytes)
            }
            Self::Identity(identity) => age::encrypt(&identity.to_public(), bytes),
        }
    }
}

/// What stretching a passphrase costs: 2 to the power of it, a second or less and 256 MB. The library would measure it for a millisecond: on
/// a busy machine a file would be closed weakly, and a sound one be refused.
const WORK: u8 = 18;
/// What opening a file may cost: more is an attack on whoever opens it.
const MOST_WORK: u8 = 22;

fn words(passphrase: &Secret) -> SecretString {
    SecretString::from(passphrase.reveal().to_owned())
}

#[cfg(unix)]
fn refuse_readable(file: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).map(|metadata| metadata.permissions().mode() & 0o077).unwrap_or_default();
    if mode == 0 {
        return Ok(());
    }
    let reason = format!("can be read by others; run `chmod 600 {}`", file.display());
    Err(VaultError::KeyFile { file: file.to_owned(), reason })
}

#[cfg(not(unix))]
fn refuse_readable(_file: &Path) -> Result<(), VaultError> {
    Ok(())
}

/// Opens the file; none when it is not there.
pub(super) fn read(file: &Path, key: &Key) -> Result<Option<All>, VaultError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(VaultError::File { file: file.to_owned(), what: "read", source }),
    };
    let broken = |reason: String| VaultError::FileBroken { file: file.to_owned(), reason };
    let plain = key.decrypt(&bytes).map_err(|error| match error {
        // A header that is whole, and a key that is another one.
        DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed => {
            VaultError::WrongKey { file: file.to_owned(), key: key.word() }
        }
        DecryptError::DecryptionFailed if matches!(key, Key::Passphrase(_)) => {
            VaultError::WrongKey { file: file.to_owned(), key: key.word() }
        }
        DecryptError::ExcessiveWork { .. } => broken("opening it would take far too long".to_owned()),
        DecryptError::InvalidHeader | DecryptError::InvalidMac | DecryptError::UnknownFormat => {
            broken("it does not begin as a vault does".to_owned())
        }
        _ => broken("its end is missing, or its content was changed".to_owned()),
    })?;
    let plain = Zeroizing::new(plain);
    // What the parser says could quote a value.
    serde_json::from_slice(&plain).map(Some).map_err(|error| broken(format!("line {}, column {}", error.line(), error.column())))
}

/// Writes the file anew, in place of the old one once it is whole.
pub(super) fn write(file: &Path, key: &Key, all: &All) -> Result<(), VaultError> {
    let failed = |source: io::Error| VaultError::File { file: file.to_owned(), what: "written", source };
    let plain = Zeroizing::new(serde_json::to_vec(all).map_err(|error| failed(error.into()))?);
    let closed = key.encrypt(&plain).map_err(|error| failed(io::Error::other(error.to_string())))?;
    let folder = file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut fresh = tempfile::Builder::new().prefix(".vault-").tempfile_in(&folder).map_err(failed)?;
    fresh.write_all(&closed).and_then(|()| fresh.as_file().sync_all()).map_err(failed)?;
    fresh.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_passphrase_is_stretched_as_much_on_a_busy_machine_as_on_a_calm_one() {
        let key = Key::Passphrase(Secret::new("made-up passphrase"));
        let closed = key.encrypt(b"content").unwrap();
        let header = String::from_utf8_lossy(&closed).lines().find(|line| line.starts_with("-> scrypt ")).map(str::to_owned);
        assert!(header.as_ref().is_some_and(|header| header.ends_with(&format!(" {WORK}"))), "{header:?}");
        assert_eq!(key.decrypt(&closed).unwrap(), b"content");
    }

    fn key(folder: &Path) -> (PathBuf, Key) {
        let file = folder.join("key");
        Key::make_file(&file).unwrap();
        let key = Key::of_file(&file).unwrap();
        (file, key)
    }

    #[test]
    fn a_file_opens_with_its_key_only_and_holds_nothing_in_the_open() {
        let folder = tempfile::tempdir().unwrap();
        let (_, own) = key(folder.path());
        let file = folder.path().join(NAME);
        assert!(read(&file, &own).unwrap().is_none());
        let mut all = All::default();
        all.vaults.insert("made-up-name".into(), Contents::default());
        write(&file, &own, &all).unwrap();
        assert!(read(&file, &own).unwrap().unwrap().vaults.contains_key("made-up-name"));
        assert!(!String::from_utf8_lossy(&std::fs::read(&file).unwrap()).contains("made-up-name"));
        let other = Key::Identity(Box::new(x25519::Identity::generate()));
        assert!(matches!(read(&file, &other), Err(VaultError::WrongKey { .. })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (_, own) = key(folder.path());
        let file = folder.path().join(NAME);
        write(&file, &own, &All::default()).unwrap();
        let whole = std::fs::read(&file).unwrap();
        let mut changed = whole.clone();
        *changed.last_mut().unwrap() ^= 1;
        for bytes in [&b""[..], b"not a vault", &whole[..whole.len() - 3], &whole[..40], &changed] {
            std::fs::write(&file, bytes).unwrap();
            assert!(matches!(read(&file, &own), Err(VaultError::FileBroken { .. })), "{} bytes", bytes.len());
            assert_eq!(std::fs::read(&file).unwrap(), bytes);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = key(folder.path());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Key::of_file(&file).err().unwrap();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert!(Key::make_file(&file).is_err(), "a key that is there is not overwritten");
    }
}
