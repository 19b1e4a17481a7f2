//! Vaults as items of the operating system's keychain: one for each.
//!
//! Windows takes 2,560 bytes an item. What is longer is compressed and parted; the parts are written before the item that names them, so
//! that whoever reads in between, or a process that dies, finds the old whole or the new one.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::VaultError;

/// The most bytes of an item, where there is such a limit.
const LIMIT: Option<usize> = if cfg!(windows) { Some(2560) } else { None };
/// Bytes of a part below the limit: it is text, and the platform may count two bytes a character.
const PART: usize = 1200;

/// Named items that hold bytes.
pub(super) trait Items {
    /// The most bytes of one.
    fn limit(&self) -> Option<usize>;
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError>;
    fn remove(&self, name: &str) -> Result<(), VaultError>;
}

/// What stands in the item of a vault whose content is parted.
#[derive(Serialize, Deserialize)]
struct Head {
    parts: usize,
    generation: String,
}

/// Reads a vault.
pub(super) fn read(items: &impl Items, vault: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(bytes) = items.get(vault)? else { return Ok(None) };
    let Some(head) = head(&bytes) else { return Ok(Some(bytes)) };
    let broken = |reason: String| VaultError::Shape { vault: vault.to_owned(), place: "keychain", reason };
    let mut packed = Zeroizing::new(Vec::new());
    for part in 0..head.parts {
        let name = part_name(vault, &head.generation, part);
        let text = items.get(&name)?.ok_or_else(|| broken(format!("its part `{name}` is gone")))?;
        packed.extend(STANDARD.decode(text.as_slice()).map_err(|error| broken(error.to_string()))?);
    }
    let mut whole = Zeroizing::new(Vec::new());
    ZlibDecoder::new(packed.as_slice()).read_to_end(&mut whole).map_err(|error| broken(error.to_string()))?;
    Ok(Some(whole))
}

/// Writes a vault.
pub(super) fn write(items: &impl Items, vault: &str, bytes: &[u8]) -> Result<(), VaultError> {
    let old = match items.limit() {
        None => return items.set(vault, bytes),
        Some(_) => items.get(vault)?.and_then(|bytes| head(&bytes)),
    };
    if items.limit().is_some_and(|limit| bytes.len() <= limit) {
        items.set(vault, bytes)?;
    } else {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
        let packed = Zeroizing::new(packed.map_err(|error| VaultError::KeychainFailed { reason: error.to_string() })?);
        let text = Zeroizing::new(STANDARD.encode(packed.as_slice()).into_bytes());
        // A part's end is never within a group of four, so that each can be read alone.
        let parts: Vec<&[u8]> = text.chunks(PART).collect();
        let head = Head { parts: parts.len(), generation: uuid::Uuid::now_v7().simple().to_string() };
        for (index, part) in parts.iter().enumerate() {
            items.set(&part_name(vault, &head.generation, index), part)?;
        }
        let head = serde_json::to_vec(&head).map_err(|error| VaultError::KeychainFailed { reason: error.to_string() })?;
        items.set(vault, &head)?;
    }
    if let Some(old) = old {
        remove_parts(items, vault, &old);
    }
    Ok(())
}

/// Removes a vault. One that is gone is no error.
pub(super) fn remove(items: &impl Items, vault: &str) -> Result<(), VaultError> {
    let head = items.get(vault)?.and_then(|bytes| head(&bytes));
    items.remove(vault)?;
    if let Some(head) = head {
        remove_parts(items, vault, &head);
    }
    Ok(())
}

fn remove_parts(items: &impl Items, vault: &str, head: &Head) {
    for part in 0..head.parts {
        // Nothing names it any more; left behind, it is only litter.
        if let Err(error) = items.remove(&part_name(vault, &head.generation, part)) {
            tracing::warn!(%error, "a part of an older vault was left in the keychain");
        }
    }
}

fn head(bytes: &[u8]) -> Option<Head> {
    serde_json::from_slice(bytes).ok()
}

fn part_name(vault: &str, generation: &str, part: usize) -> String {
    format!("{vault}#{generation}.{part}")
}

/// The keychain of this computer.
pub(super) struct Keychain {
    service: String,
}

impl Keychain {
    /// Items of one home: another home on this computer has others.
    pub fn of_home(home: &std::path::Path) -> Self {
        Self { service: format!("nonevent {}", home.display()) }
    }

    fn entry(&self, name: &str) -> Result<keyring::Entry, VaultError> {
        keyring::Entry::new(&self.service, name).map_err(problem)
    }
}

impl Items for Keychain {
    fn limit(&self) -> Option<usize> {
        LIMIT
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match self.entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(problem(error)),
        }
    }

    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.entry(name)?.set_secret(bytes).map_err(problem)
    }

    fn remove(&self, name: &str) -> Result<(), VaultError> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }
}

/// Some of the library's errors hold what was read: only those that cannot are told in its words.
fn problem(error: keyring::Error) -> VaultError {
    match error {
        keyring::Error::NoDefaultStore => {
            let reason = match keyring::Entry::store_status() {
                Ok(()) => "it could not be opened".to_owned(),
                Err(error) => said(error),
            };
            VaultError::KeychainAbsent { reason }
        }
        keyring::Error::NoStorageAccess(error) => VaultError::KeychainLocked { reason: error.to_string() },
        error => VaultError::KeychainFailed { reason: said(&error) },
    }
}

fn said(error: &keyring::Error) -> String {
    match error {
        keyring::Error::PlatformFailure(error) | keyring::Error::NoStorageAccess(error) => error.to_string(),
        keyring::Error::TooLong(what, limit) => format!("{what} may be {limit} characters at most"),
        keyring::Error::NotSupportedByStore(what) => what.clone(),
        keyring::Error::Ambiguous(_) => "it has more than one item of this name".to_owned(),
        _ => "it gave an answer that cannot be used".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Default)]
    struct Small {
        items: RefCell<BTreeMap<String, Vec<u8>>>,
        writes_left: RefCell<Option<usize>>,
    }

    impl Items for Small {
        fn limit(&self) -> Option<usize> {
            Some(2560)
        }

        fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            Ok(self.items.borrow().get(name).cloned().map(Zeroizing::new))
        }

        fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
            if let Some(left) = self.writes_left.borrow_mut().as_mut() {
                *left = left.checked_sub(1).ok_or(VaultError::KeychainFailed { reason: "revoked".into() })?;
            }
            assert!(bytes.len() <= 2560, "{} bytes for `{name}`", bytes.len());
            self.items.borrow_mut().insert(name.to_owned(), bytes.to_vec());
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<(), VaultError> {
            self.items.borrow_mut().remove(name);
            Ok(())
        }
    }

    /// Bytes that nothing compresses.
    fn noise(length: usize) -> Vec<u8> {
        let mut state: u32 = 7;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(next).collect()
    }

    #[test]
    fn what_is_too_long_for_one_item_is_parted_and_leaves_no_litter() {
        let items = Small::default();
        for length in [0, 1, 2560, 2561, 9_000, 50_000, 3_000, 10] {
            let bytes = noise(length);
            write(&items, "shop", &bytes).unwrap();
            assert_eq!(read(&items, "shop").unwrap().unwrap().as_slice(), bytes);
            let names = items.items.borrow().len();
            assert_eq!(length > 2560, names > 1, "{length} bytes are in {names} items");
        }
        assert_eq!(items.items.borrow().len(), 1);
        write(&items, "shop", &noise(9_000)).unwrap();
        remove(&items, "shop").unwrap();
        assert!(items.items.borrow().is_empty());
    }

    #[test]
    fn a_keychain_that_fails_in_the_middle_keeps_the_old_whole() {
        let items = Small::default();
        let old = noise(9_000);
        write(&items, "shop", &old).unwrap();
        for writes in 0..5 {
            items.writes_left.replace(Some(writes));
            write(&items, "shop", &noise(20_000)).unwrap_err();
            items.writes_left.replace(None);
            assert_eq!(read(&items, "shop").unwrap().unwrap().as_slice(), old);
        }
    }
}
