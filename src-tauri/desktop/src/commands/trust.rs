//! Whether this computer trusts the HTTPS of local apps.

use std::path::PathBuf;

use nonevent_engine::certificates::trust::{Laptop, Trusting, carry_out};
use nonevent_engine::{Engine, EngineError};
use serde::Serialize;
use specta::Type;
use tauri::State;

use crate::desk::{Answer, Desk};
use crate::home;
use crate::work::Call;

/// What makes this computer trust local apps, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct TrustPlan {
    /// Whether the system trusts them already; browsers may keep lists of their own.
    pub trusted: bool,
    /// The commands that will be run.
    pub steps: Vec<TrustStep>,
    /// What cannot be done here, and how it could.
    pub notes: Vec<String>,
    /// The authority's certificate.
    pub certificate: PathBuf,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct TrustStep {
    /// Whose trust it changes.
    pub whose: String,
    /// The command, as a person would type it.
    pub line: String,
}

/// Tells what would make this computer trust the HTTPS of local apps. Changes nothing.
#[tauri::command]
#[specta::specta]
pub async fn trust_plan(desk: State<'_, Desk>) -> Answer<TrustPlan> {
    desk.read(|engine| planned(&engine, Trusting::Begin)).await
}

/// Makes this computer trust the HTTPS of local apps: runs what `trust_plan` told.
#[tauri::command]
#[specta::specta]
pub async fn trust(desk: State<'_, Desk>) -> Answer<TrustPlan> {
    desk.once(Call::new("trust", ()), desk.read(|engine| changed(&engine, Trusting::Begin))).await
}

/// Tells what would take the trust in the HTTPS of local apps back. Changes nothing.
#[tauri::command]
#[specta::specta]
pub async fn untrust_plan(desk: State<'_, Desk>) -> Answer<TrustPlan> {
    desk.read(|engine| planned(&engine, Trusting::End)).await
}

/// Takes the trust back: runs what `untrust_plan` told.
#[tauri::command]
#[specta::specta]
pub async fn untrust(desk: State<'_, Desk>) -> Answer<TrustPlan> {
    desk.once(Call::new("untrust", ()), desk.read(|engine| changed(&engine, Trusting::End))).await
}

fn changed(engine: &Engine, trusting: Trusting) -> Result<TrustPlan, EngineError> {
    let plan = engine.plan_trust(&Laptop::here(home::of_person()), trusting)?;
    let failures: Vec<String> =
        plan.steps.iter().filter_map(|step| carry_out(step).err().map(|said| format!("{}: {said}", step.whose))).collect();
    if failures.is_empty() {
        return planned(engine, trusting);
    }
    let (code, what, how) = match trusting {
        Trusting::Begin => ("not_trusted", "this computer does not trust the HTTPS of local apps yet", "nonevent trust"),
        Trusting::End => ("still_trusted", "this computer still trusts the HTTPS of local apps", "nonevent trust --remove"),
    };
    Err(EngineError::user(code, what)
        .with_cause(failures.join("; "))
        .with_hint(format!("run `{how}` on a terminal, where a password can be typed")))
}

fn planned(engine: &Engine, trusting: Trusting) -> Result<TrustPlan, EngineError> {
    let plan = engine.plan_trust(&Laptop::here(home::of_person()), trusting)?;
    Ok(TrustPlan {
        trusted: engine.is_trusted()?,
        steps: plan.steps.iter().map(|step| TrustStep { whose: step.whose.clone(), line: step.line() }).collect(),
        notes: plan.notes,
        certificate: engine.authority()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use nonevent_engine::Home;

    use super::*;

    #[test]
    fn taking_trust_back_is_another_plan_for_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::open(Home { data: folder.path().join("home"), cache: folder.path().join("cache") }).unwrap();
        let [begin, end] = [Trusting::Begin, Trusting::End].map(|trusting| planned(&engine, trusting).unwrap());
        assert!(!begin.trusted && !end.trusted, "a fresh authority");
        assert_eq!(begin.certificate, end.certificate);
        assert!(begin.steps != end.steps || (begin.steps.is_empty() && end.steps.is_empty()), "{begin:?}");
    }
}
