//! Where this home keeps secrets, and logins of registries.

use std::path::PathBuf;
use std::sync::Arc;

use nonevent_engine::EngineError;
use nonevent_engine::docker::Login;
use nonevent_engine::mask::Secret;
use nonevent_engine::model::{SecretEntry, VaultStatus};
use nonevent_engine::vault::Choice;
use serde::Deserialize;
use specta::Type;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use crate::desk::{Answer, Desk};
use crate::work::Call;

/// What a new key file is called unless a person says otherwise.
const KEY: &str = "nonevent.key";

/// Where secrets are to be kept.
#[derive(Clone, Hash, Deserialize, Type)]
#[serde(rename_all = "snake_case", tag = "place")]
pub enum VaultChoice {
    /// In the keychain of this computer.
    Keychain,
    /// In an encrypted file of the home.
    File {
        /// What closes it.
        passphrase: String,
    },
}

/// Which file closes the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum KeyFile {
    /// One that is made, with a key that nobody else has.
    New,
    /// One that is there.
    Kept,
}

/// Tells where secrets and logins are kept, and why that does not open when it does not.
#[tauri::command]
#[specta::specta]
pub async fn vault(desk: State<'_, Desk>) -> Answer<VaultStatus> {
    desk.ask(|engine| async move { engine.vault().await }).await
}

/// Opens the vault file with its passphrase, which this process keeps until it ends.
#[tauri::command]
#[specta::specta]
pub async fn open_vault(desk: State<'_, Desk>, passphrase: String) -> Answer<VaultStatus> {
    let passphrase = Secret::new(passphrase);
    desk.ask(|engine| async move {
        engine.ask_passphrase_with(Arc::new(move |_| Ok(passphrase.clone())));
        engine.vault().await
    })
    .await
}

/// Keeps secrets in another place from now on, and brings over what is kept.
#[tauri::command]
#[specta::specta]
pub async fn choose_vault(desk: State<'_, Desk>, choice: VaultChoice) -> Answer<VaultStatus> {
    let call = Call::new("choose_vault", &choice);
    let chosen = desk.ask(|engine| async move {
        let choice = match choice {
            VaultChoice::Keychain => Choice::Keychain,
            VaultChoice::File { passphrase } => {
                let passphrase = Secret::new(passphrase);
                engine.ask_passphrase_with(Arc::new(move |_| Ok(passphrase.clone())));
                Choice::Passphrase
            }
        };
        engine.choose_vault(choice).await?;
        engine.vault().await
    });
    desk.once(call, chosen).await
}

/// Lets a person choose a file, and keeps secrets in the vault file from now on, closed with the key in it; brings over what is kept. None
/// when they think better of it. The page names no file: what is read and written is what a person pointed at.
#[tauri::command]
#[specta::specta]
pub async fn choose_key_file(app: AppHandle, desk: State<'_, Desk>, key: KeyFile) -> Answer<Option<VaultStatus>> {
    let chosen = async {
        let Some(file) = pointed_at(&app, key).await else { return Ok(None) };
        let _goes_on = desk.work().begin();
        desk.ask(move |engine| async move {
            engine.choose_vault(chosen_key(key, file)?).await?;
            Ok(Some(engine.vault().await?))
        })
        .await
    };
    desk.work().shared(Call::new("choose_key_file", key), chosen).await
}

/// Lists the registries whose login is kept; no password.
#[tauri::command]
#[specta::specta]
pub async fn kept_logins(desk: State<'_, Desk>) -> Answer<Vec<SecretEntry>> {
    desk.read(|engine| engine.kept_logins()).await
}

/// Keeps the login of a registry.
#[tauri::command]
#[specta::specta]
pub async fn keep_login(desk: State<'_, Desk>, registry: String, username: String, password: String) -> Answer<()> {
    let login = Login { username, password };
    let call = Call::new("keep_login", (&registry, &login.username, &login.password));
    desk.once(call, desk.ask(|engine| async move { engine.keep_login(&registry, &login).await })).await
}

/// Forgets the login of a registry.
#[tauri::command]
#[specta::specta]
pub async fn forget_login(desk: State<'_, Desk>, registry: String) -> Answer<()> {
    let call = Call::new("forget_login", &registry);
    desk.once(call, desk.ask(|engine| async move { engine.forget_login(&registry).await })).await
}

/// Waits for a person at the system's dialog.
async fn pointed_at(app: &AppHandle, key: KeyFile) -> Option<PathBuf> {
    let (tell, told) = oneshot::channel();
    let dialog = app.dialog().file();
    let chosen = move |file| drop(tell.send(file));
    match key {
        KeyFile::New => dialog.set_title("Make a key file").set_file_name(KEY).save_file(chosen),
        KeyFile::Kept => dialog.set_title("Choose the key file").pick_file(chosen),
    }
    told.await.ok()??.into_path().ok()
}

/// A dialog that asks whether a file may be replaced must not be believed: what it held may open something else.
fn chosen_key(key: KeyFile, file: PathBuf) -> Result<Choice, EngineError> {
    match (key, file.exists()) {
        (KeyFile::New, true) => {
            Err(EngineError::user("key_file_taken", format!("{} is there already; nothing was changed", file.display()))
                .with_hint("choose another name, or use the key that is in it"))
        }
        (KeyFile::Kept, false) => {
            Err(EngineError::user("key_file_missing", format!("{} is not there; nothing was changed", file.display()))
                .with_hint("choose the file that holds the key, or make a new one"))
        }
        _ => Ok(Choice::KeyFile(file)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_key_replaces_no_file_and_a_kept_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (taken, free) = (folder.path().join("taken"), folder.path().join("free"));
        std::fs::write(&taken, "").unwrap();
        assert_eq!(chosen_key(KeyFile::New, free.clone()).unwrap(), Choice::KeyFile(free.clone()));
        assert_eq!(chosen_key(KeyFile::Kept, taken.clone()).unwrap(), Choice::KeyFile(taken.clone()));
        assert_eq!(chosen_key(KeyFile::New, taken).unwrap_err().problem.code, "key_file_taken");
        assert_eq!(chosen_key(KeyFile::Kept, free).unwrap_err().problem.code, "key_file_missing");
    }
}
