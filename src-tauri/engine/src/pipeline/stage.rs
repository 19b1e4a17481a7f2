//! Tells a stage's begin and end, and how long it took.

use std::future::Future;
use std::time::Instant;

use super::Context;
use crate::error::EngineError;
use crate::event::{EventBody, StageFinished};
use crate::model::{Stage, StageState};

/// What a stage's work ends with: its value, how it ended, and what it found or did in one line.
pub type Worked<T> = Result<(T, StageState, String), EngineError>;

/// Does one stage, which stops by itself when a person asks for it.
///
/// # Errors
/// When the stage fails; that is told before.
pub async fn stage<T>(context: &Context, stage: Stage, work: impl Future<Output = Worked<T>>) -> Result<T, EngineError> {
    context.emit(EventBody::StageStarted { stage }).await?;
    let began = Instant::now();
    let result = work.await;
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (state, summary) = match &result {
        Ok((_, state, summary)) => (state.clone(), summary.clone()),
        Err(error) => (StageState::Failed, error.problem.message.clone()),
    };
    context.emit(EventBody::StageFinished(StageFinished { stage, state, summary, duration_ms })).await?;
    result.map(|(value, _, _)| value)
}

/// Does one stage that may be dropped at any moment when a person stops the run.
///
/// # Errors
/// When the stage fails or is stopped; that is told before.
pub async fn interruptible<T>(context: &Context, which: Stage, work: impl Future<Output = Worked<T>>) -> Result<T, EngineError> {
    let stopped = format!("stopped at {}: what serves was not touched", which.word());
    let work = async {
        tokio::select! {
            biased;
            () = context.cancel().cancelled() => Err(EngineError::interrupted(stopped)),
            result = work => result,
        }
    };
    stage(context, which, work).await
}
