//! Where this home keeps secrets, and logins of registries.

use std::sync::Arc;

use nonevent_engine::docker::Login;
use nonevent_engine::mask::Secret;
use nonevent_engine::model::{SecretEntry, VaultStatus};
use nonevent_engine::vault::Choice;
use serde::Deserialize;
use specta::Type;
use tauri::State;

use crate::desk::{Answer, Desk};

/// Where secrets are to be kept.
#[derive(Clone, Deserialize, Type)]
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
    desk.ask(|engine| async move {
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
    })
    .await
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
    desk.ask(|engine| async move { engine.keep_login(&registry, &login).await }).await
}

/// Forgets the login of a registry.
#[tauri::command]
#[specta::specta]
pub async fn forget_login(desk: State<'_, Desk>, registry: String) -> Answer<()> {
    desk.ask(|engine| async move { engine.forget_login(&registry).await }).await
}
