//! Whether this computer trusts the HTTPS of local apps.

use std::path::PathBuf;

use nonevent_engine::certificates::trust::{Laptop, Trusting, carry_out};
use nonevent_engine::{Engine, EngineError};
use serde::Serialize;
use specta::Type;
use tauri::State;

use crate::desk::{Answer, Desk};
use crate::home;

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
    desk.read(|engine| planned(&engine)).await
}

/// Makes this computer trust the HTTPS of local apps: runs what `trust_plan` told.
#[tauri::command]
#[specta::specta]
pub async fn trust(desk: State<'_, Desk>) -> Answer<TrustPlan> {
    desk.read(|engine| {
        let plan = engine.plan_trust(&Laptop::here(home::of_person()), Trusting::Begin)?;
        let failures: Vec<String> =
            plan.steps.iter().filter_map(|step| carry_out(step).err().map(|said| format!("{}: {said}", step.whose))).collect();
        if failures.is_empty() {
            return planned(&engine);
        }
        Err(EngineError::user("not_trusted", "this computer does not trust the HTTPS of local apps yet")
            .with_cause(failures.join("; "))
            .with_hint("run `nonevent trust` on a terminal, where a password can be typed"))
    })
    .await
}

fn planned(engine: &Engine) -> Result<TrustPlan, EngineError> {
    let plan = engine.plan_trust(&Laptop::here(home::of_person()), Trusting::Begin)?;
    Ok(TrustPlan {
        trusted: engine.is_trusted()?,
        steps: plan.steps.iter().map(|step| TrustStep { whose: step.whose.clone(), line: step.line() }).collect(),
        notes: plan.notes,
        certificate: engine.authority()?,
    })
}
