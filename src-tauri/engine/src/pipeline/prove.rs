//! Inspect, lock, build, gauntlet: from a source tree to a release that was proven.

use std::future::Future;
use std::path::Path;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use super::images::{Images, Tooling};
use super::{Context, release};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::gauntlet::{self, GauntletPlan};
use crate::model::{
    BuilderKind, Digest, Evidence, GateEvidence, GateReport, GateState, ImageReport, LockReport, LockSituation, Release, Stage, StageState,
    Strictness,
};
use crate::project::Project;
use crate::project::lock::{self, LockFile};
use crate::request::{Allow, Gates};

/// The version of the evidence's shape.
const EVIDENCE_SHAPE: u32 = 1;

/// What the stages before a rollout found and made.
pub struct Proven {
    /// The release; an earlier one when it runs exactly alike.
    pub release: Release,
    /// Every gate.
    pub reports: Vec<GateReport>,
}

/// What a person allowed.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// A project without tests may go on.
    pub untested: Allow,
    /// Which gates run.
    pub gates: Gates,
}

/// Does one stage: tells its begin and end, and how long it took. A person may stop it at any moment.
pub async fn stage<T>(
    context: &Context,
    stage: Stage,
    work: impl Future<Output = Result<(T, StageState, String), EngineError>>,
) -> Result<T, EngineError> {
    context.emit(EventBody::StageStarted { stage }).await?;
    let began = Instant::now();
    let result = tokio::select! {
        biased;
        () = context.cancel().cancelled() => Err(EngineError::interrupted(format!("stopped at {}: what serves was not touched", stage.word()))),
        result = work => result,
    };
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok((value, state, summary)) => {
            context.emit(EventBody::StageFinished { stage, state, summary, duration_ms }).await?;
            Ok(value)
        }
        Err(error) => {
            let summary = error.problem.message.clone();
            context.emit(EventBody::StageFinished { stage, state: StageState::Failed, summary, duration_ms }).await?;
            Err(error)
        }
    }
}
