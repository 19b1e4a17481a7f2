//! Values of secrets and logins, kept by the operating system's keychain or in an encrypted file: one vault for each project.
//!
//! Owns where values rest and how they are opened. Read once per process, and again only when a vault of the home was changed. Does not
//! know what values are for, nor how they reach instances.

mod command;
mod contents;
mod error;
mod file;
mod keychain;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

pub use self::command::run as run_command;
pub use self::contents::Kept;
pub use self::error::VaultError;

use self::contents::Contents;
use self::file::{All, Key};
use self::keychain::{Items, Keychain};
use crate::mask::Secret;
use crate::model::{SecretEntry, SecretScope, VaultKey, VaultStatus};
use crate::store::Store;

/// The variable that holds the passphrase of the vault file.
pub const PASSPHRASE_VARIABLE: &str = "NONEVENT_VAULT_PASSPHRASE";
/// The variable that names the key file of the vault file.
pub const KEY_FILE_VARIABLE: &str = "NONEVENT_VAULT_KEY_FILE";

/// Time that a person has to answer the keychain's question.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where secrets are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// In the operating system's keychain.
    Keychain,
    /// In the vault file, closed with a passphrase.
    Passphrase,
    /// In the vault file, closed with the key of this file.
    KeyFile(PathBuf),
}

impl Choice {
    fn written(&self) -> String {
        match self {
            Self::Keychain => "keychain".to_owned(),
            Self::Passphrase => "passphrase".to_owned(),
            Self::KeyFile(file) => format!("key {}", file.display()),
        }
    }

    fn of_written(text: &str) -> Option<Self> {
        match text {
            "keychain" => Some(Self::Keychain),
            "passphrase" => Some(Self::Passphrase),
            other => other.strip_prefix("key ").map(|file| Self::KeyFile(PathBuf::from(file))),
        }
    }
}

/// What a passphrase is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Passphrase<'a> {
    /// To open this file.
    Open(&'a Path),
    /// To close this file from now on: it should be typed twice.
    New(&'a Path),
}

/// Somebody who can be asked for a passphrase.
pub type Asker = Arc<dyn Fn(Passphrase<'_>) -> io::Result<Secret> + Send + Sync>;

/// The vaults of a home. Cheap to clone; clones share what was read.
#[derive(Clone)]
pub struct Vaults(Arc<Inner>);

struct Inner {
    home: PathBuf,
    store: Store,
    opened: Mutex<Opened>,
}

#[derive(Default)]
struct Opened {
    asker: Option<Asker>,
    passphrase: Option<Secret>,
    revision: u64,
    read: HashMap<String, Arc<Contents>>,
}

impl fmt::Debug for Vaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vaults").field("home", &self.0.home).finish_non_exhaustive()
    }
}

impl Vaults {
    /// Makes the handle; opens nothing.
    pub fn new(home: &Path, store: &Store) -> Self {
        Self(Arc::new(Inner { home: home.to_owned(), store: store.clone(), opened: Mutex::default() }))
    }

    /// Names somebody who can be asked for a passphrase.
    pub fn ask_with(&self, asker: Asker) {
        self.0.opened().asker = Some(asker);
    }

    /// Returns the vault file, whether it is there or not.
    pub fn file(&self) -> PathBuf {
        self.0.home.join(file::NAME)
    }

    /// Returns what is kept for a place under a name; its own before that of all.
    ///
    /// # Errors
    /// When the vault does not open.
    pub async fn find(&self, vault: &str, scope: &SecretScope, name: &str) -> Result<Option<Kept>, VaultError> {
        Ok(self.contents(vault).await?.find(scope, name).map(|entry| entry.kept.clone()))
    }

    /// Keeps something under a name; returns its version.
    ///
    /// # Errors
    /// When the vault does not open or cannot be written; then it is as it was.
    pub async fn set(&self, vault: &str, scope: &SecretScope, name: &str, kept: Kept) -> Result<u32, VaultError> {
        let (scope, name) = (scope.clone(), name.to_owned());
        self.change(vault, move |contents| contents.set(&scope, &name, kept)).await
    }

    /// Forgets a name; tells whether it was there.
    ///
    /// # Errors
    /// When the vault does not open or cannot be written; then it is as it was.
    pub async fn unset(&self, vault: &str, scope: &SecretScope, name: &str) -> Result<bool, VaultError> {
        let (scope, name) = (scope.clone(), name.to_owned());
        self.change(vault, move |contents| contents.unset(&scope, &name)).await
    }

    /// Returns what may be told of a vault's content, from memory: nothing is opened. None when it was never looked into.
    ///
    /// # Errors
    /// When the home's memory cannot be read.
    pub fn outline(&self, vault: &str) -> Result<Option<Vec<SecretEntry>>, VaultError> {
        let text = self.0.store.vault_outline(vault)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Opens a vault and tells where it is, and why it does not open, when it does not.
    ///
    /// # Errors
    /// When the home's memory cannot be read.
    pub async fn status(&self, vault: &str) -> Result<VaultStatus, VaultError> {
        let (choice, chosen) = self.0.choice()?;
        let error = self.contents(vault).await.err();
        let code = error.as_ref().map(|error| error.code().to_owned());
        let hints = error.as_ref().map(VaultError::hints).unwrap_or_default();
        let closed = error.map(|error| error.to_string());
        let file = self.file();
        let (opens_with, place) = match choice {
            Choice::Keychain => (VaultKey::Keychain, "the keychain of this computer".to_owned()),
            Choice::Passphrase => (VaultKey::Passphrase, format!("{}, closed with a passphrase", file.display())),
            Choice::KeyFile(key) => (VaultKey::KeyFile, format!("{}, closed with the key in {}", file.display(), key.display())),
        };
        Ok(VaultStatus { opens_with, place, chosen, closed, code, hints })
    }

    /// Keeps secrets there from now on, and brings over what was kept elsewhere.
    ///
    /// # Errors
    /// When one of the two does not open or cannot be written; then everything is where it was.
    pub async fn choose(&self, choice: Choice) -> Result<(), VaultError> {
        self.blocking(move |inner| inner.choose(&choice)).await
    }

    async fn contents(&self, vault: &str) -> Result<Arc<Contents>, VaultError> {
        let revision = self.0.store.vault_revision()?;
        {
            let mut opened = self.0.opened();
            if opened.revision != revision {
                opened.read.clear();
                opened.revision = revision;
            }
            if let Some(read) = opened.read.get(vault) {
                return Ok(Arc::clone(read));
            }
        }
        let vault = vault.to_owned();
        self.blocking(move |inner| {
            let read = Arc::new(inner.read(&vault)?);
            inner.keep(&vault, &read)?;
            Ok(read)
        })
        .await
    }

    async fn change<T: Send + 'static>(
        &self,
        vault: &str,
        change: impl FnOnce(&mut Contents) -> T + Send + 'static,
    ) -> Result<T, VaultError> {
        let vault = vault.to_owned();
        self.blocking(move |inner| {
            let _one_at_a_time = inner.lock()?;
            let mut contents = inner.read(&vault)?;
            let changed = change(&mut contents);
            inner.write(&vault, &contents)?;
            let revision = inner.store.count_vault_change()?;
            {
                let mut opened = inner.opened();
                opened.read.clear();
                opened.revision = revision;
            }
            inner.keep(&vault, &Arc::new(contents))?;
            Ok(changed)
        })
        .await
    }

    /// A keychain may ask a person, and a passphrase takes a second: neither may hold up the rest.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let inner = Arc::clone(&self.0);
        let working = tokio::task::spawn_blocking(move || work(&inner));
        match tokio::time::timeout(PATIENCE, working).await {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => Err(VaultError::KeychainFailed { reason: error.to_string() }),
            Err(_) => Err(VaultError::NoAnswer { seconds: PATIENCE.as_secs() }),
        }
    }
}

impl Inner {
    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> PathBuf {
        self.home.join(file::NAME)
    }

    fn keychain(&self) -> Keychain {
        Keychain::of_home(&self.home)
    }

    /// Where secrets are kept, and whether somebody said so. A vault file that lies there says so itself.
    fn choice(&self) -> Result<(Choice, bool), VaultError> {
        let chosen = self.store.vault_choice()?.and_then(|text| Choice::of_written(&text));
        let key_file = std::env::var_os(KEY_FILE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        Ok(match (chosen, key_file) {
            (Some(Choice::Keychain), _) => (Choice::Keychain, true),
            (Some(_), Some(key)) => (Choice::KeyFile(key), true),
            (Some(choice), None) => (choice, true),
            (None, key) if self.file().exists() => (key.map_or(Choice::Passphrase, Choice::KeyFile), true),
            (None, _) => (Choice::Keychain, false),
        })
    }

    fn read(&self, vault: &str) -> Result<Contents, VaultError> {
        match self.choice()?.0 {
            Choice::Keychain => self.read_item(vault),
            choice => Ok(self.open(&self.key(&choice)?)?.vaults.remove(vault).unwrap_or_default()),
        }
    }

    fn read_item(&self, vault: &str) -> Result<Contents, VaultError> {
        let Some(bytes) = keychain::read(&self.keychain(), vault)? else { return Ok(Contents::default()) };
        serde_json::from_slice(&bytes).map_err(|error| VaultError::Shape {
            vault: vault.to_owned(),
            place: "keychain",
            // What the parser says could quote a value.
            reason: format!("line {}, column {}", error.line(), error.column()),
        })
    }

    fn write(&self, vault: &str, contents: &Contents) -> Result<(), VaultError> {
        match self.choice()?.0 {
            Choice::Keychain => write_item(&self.keychain(), vault, contents),
            choice => {
                let key = self.key(&choice)?;
                let mut all = self.open(&key)?;
                all.vaults.insert(vault.to_owned(), contents.clone());
                file::write(&self.file(), &key, &all)
            }
        }
    }

    /// Opens the vault file. That it is gone is an error: to write it anew would lose what a backup still has.
    fn open(&self, key: &Key) -> Result<All, VaultError> {
        let all = file::read(&self.file(), key)?.ok_or_else(|| VaultError::FileGone { file: self.file() })?;
        if let Key::Passphrase(passphrase) = key {
            self.opened().passphrase = Some(passphrase.clone());
        }
        Ok(all)
    }

    fn key(&self, choice: &Choice) -> Result<Key, VaultError> {
        if let Choice::KeyFile(file) = choice {
            return Key::of_file(file);
        }
        if let Some(known) = passphrase_of_process().or_else(|| self.opened().passphrase.clone()) {
            return Ok(Key::Passphrase(known));
        }
        let file = self.file();
        if !file.exists() {
            return Err(VaultError::FileGone { file });
        }
        self.asked(Passphrase::Open(&file)).map(Key::Passphrase)
    }

    fn asked(&self, what: Passphrase<'_>) -> Result<Secret, VaultError> {
        let asker = self.opened().asker.clone();
        let asker = asker.ok_or_else(|| VaultError::PassphraseWanted { file: self.file() })?;
        asker(what).map_err(VaultError::Unasked)
    }

    fn choose(&self, choice: &Choice) -> Result<(), VaultError> {
        let _one_at_a_time = self.lock()?;
        let (before, _) = self.choice()?;
        let names = self.store.outlined_vaults()?;
        let mut vaults = match &before {
            Choice::Keychain => {
                let read = names.iter().map(|name| Ok((name.clone(), self.read_item(name)?)));
                read.collect::<Result<BTreeMap<_, _>, VaultError>>()?
            }
            file => self.open_or_nothing(file)?,
        };
        match choice {
            Choice::Keychain => {
                // A keychain that cannot be written shows it here, before anything is chosen.
                let keychain = self.keychain();
                vaults.iter().try_for_each(|(name, contents)| write_item(&keychain, name, contents))?;
                keychain.get("shown to be there")?;
            }
            file => {
                let key = self.new_key(file)?;
                if before == Choice::Keychain
                    && let Some(there) = file::read(&self.file(), &key)?
                {
                    let mut all = there.vaults;
                    all.extend(vaults);
                    vaults = all;
                }
                let mut all = All::default();
                all.vaults = vaults.clone();
                file::write(&self.file(), &key, &all)?;
                self.opened().passphrase = match key {
                    Key::Passphrase(passphrase) => Some(passphrase),
                    Key::Identity(_) => None,
                };
            }
        }
        self.store.choose_vault(&choice.written())?;
        self.store.count_vault_change()?;
        match (&before, choice) {
            (Choice::Keychain, Choice::Keychain) => {}
            (Choice::Keychain, _) => {
                for name in &names {
                    keychain::remove(&self.keychain(), name)?;
                }
            }
            (_, Choice::Keychain) => match std::fs::remove_file(self.file()) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(VaultError::File { file: self.file(), what: "removed", source });
                }
                _ => {}
            },
            _ => {}
        }
        for (name, contents) in vaults {
            self.remember(&name, &contents)?;
        }
        Ok(())
    }

    fn open_or_nothing(&self, choice: &Choice) -> Result<BTreeMap<String, Contents>, VaultError> {
        match self.file().exists() {
            true => Ok(self.open(&self.key(choice)?)?.vaults),
            // Whoever chooses again where the file is gone begins anew, and says so by it.
            false => Ok(BTreeMap::new()),
        }
    }

    /// The key that a file is closed with from now on; a key file that is not there is made.
    fn new_key(&self, choice: &Choice) -> Result<Key, VaultError> {
        match choice {
            Choice::KeyFile(file) => {
                if !file.exists() {
                    Key::make_file(file)?;
                }
                Key::of_file(file)
            }
            _ => match passphrase_of_process() {
                Some(passphrase) => Ok(Key::Passphrase(passphrase)),
                None => self.asked(Passphrase::New(&self.file())).map(Key::Passphrase),
            },
        }
    }

    /// Keeps what was read for this process, and remembers what may be told of it.
    fn keep(&self, vault: &str, contents: &Arc<Contents>) -> Result<(), VaultError> {
        self.remember(vault, contents)?;
        self.opened().read.insert(vault.to_owned(), Arc::clone(contents));
        Ok(())
    }

    fn remember(&self, vault: &str, contents: &Contents) -> Result<(), VaultError> {
        let outline = serde_json::to_string(&contents.outline()).unwrap_or_else(|_| "[]".to_owned());
        if self.store.vault_outline(vault)?.as_deref() != Some(&outline) {
            self.store.outline_vault(vault, &outline)?;
        }
        Ok(())
    }

    /// Two processes that change a vault at once would lose what one of them wrote.
    fn lock(&self) -> Result<std::fs::File, VaultError> {
        let file = self.home.join("vault.lock");
        let failed = |source: io::Error| VaultError::File { file: file.clone(), what: "locked", source };
        let open = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&file).map_err(failed)?;
        open.lock().map_err(failed)?;
        Ok(open)
    }
}

fn write_item(keychain: &impl Items, vault: &str, contents: &Contents) -> Result<(), VaultError> {
    let bytes = serde_json::to_vec(contents).map_err(|error| VaultError::KeychainFailed { reason: error.to_string() })?;
    keychain::write(keychain, vault, &Zeroizing::new(bytes))
}

fn passphrase_of_process() -> Option<Secret> {
    std::env::var(PASSPHRASE_VARIABLE).ok().filter(|value| !value.is_empty()).map(Secret::new)
}
