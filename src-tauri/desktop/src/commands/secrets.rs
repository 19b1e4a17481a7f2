//! Secrets of a project. A value goes from the page to the engine; back only where a person pressed to see it.

use nonevent_engine::EngineError;
use nonevent_engine::mask::Secret;
use nonevent_engine::model::{OldValue, ProjectName, SecretReport, SecretScope};
use nonevent_engine::vault::Kept;
use tauri::State;

use crate::desk::{Answer, Desk, told};
use crate::work::Call;

/// Tells where secrets are kept, which, and which are needed; no value.
#[tauri::command]
#[specta::specta]
pub async fn secrets(desk: State<'_, Desk>, project: ProjectName) -> Answer<SecretReport> {
    desk.ask(|engine| async move { engine.secrets(&engine.folder_of(&project)?).await }).await
}

/// Keeps a secret; returns its version. What runs keeps its value until its next rollout.
#[tauri::command]
#[specta::specta]
pub async fn set_secret(
    desk: State<'_, Desk>,
    project: ProjectName,
    scope: SecretScope,
    name: String,
    value: String,
) -> Answer<u32> {
    let value = Secret::new(value);
    if let Some(refusal) = refused(&value) {
        return Err(told(refusal));
    }
    let call = Call::new("set_secret", (&project, &scope, &name, value.reveal()));
    let kept = desk
        .ask(|engine| async move { engine.set_secret(&engine.folder_of(&project)?, &scope, &name, Kept::Value(value)).await });
    desk.once(call, kept).await
}

/// Forgets a secret. `typed` is its name: the value cannot be brought back.
#[tauri::command]
#[specta::specta]
pub async fn unset_secret(
    desk: State<'_, Desk>,
    project: ProjectName,
    scope: SecretScope,
    name: String,
    typed: String,
) -> Answer<()> {
    let call = Call::new("unset_secret", (&project, &scope, &name, &typed));
    desk.once(call, desk.ask(|engine| async move { engine.forget_secret(&project, &scope, &name, &typed).await })).await
}

/// Returns a value for a person who asked to see it. Nothing keeps it; the page shows it for a short time.
#[tauri::command]
#[specta::specta]
pub async fn reveal_secret(desk: State<'_, Desk>, project: ProjectName, scope: SecretScope, name: String) -> Answer<String> {
    desk.ask(|engine| async move {
        let value = engine.reveal_secret(&engine.folder_of(&project)?, &scope, &name).await?;
        Ok(value.reveal().to_owned())
    })
    .await
}

/// Finds the environments that run with another value than the one that is kept now.
#[tauri::command]
#[specta::specta]
pub async fn old_values(desk: State<'_, Desk>, project: ProjectName, scope: SecretScope, name: String) -> Answer<Vec<OldValue>> {
    desk.ask(|engine| async move { engine.old_values(&engine.folder_of(&project)?, &scope, &name).await }).await
}

fn refused(value: &Secret) -> Option<EngineError> {
    match value.reveal() {
        "" => Some(EngineError::user("secret_empty", "the value is empty; nothing was kept")),
        text if text.contains('\0') => {
            Some(EngineError::user("secret_value", "no variable can hold a NUL character; nothing was kept"))
        }
        _ => None,
    }
}
