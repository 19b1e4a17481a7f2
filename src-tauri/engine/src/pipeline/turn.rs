//! Takes an environment's lock for a run: at once or not at all, or in turn.

use std::sync::Arc;

use super::Context;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::request::WhenHeld;
use crate::rollout::{HEARTBEAT, Lease};
use crate::target::{Place, Target, TargetError};

/// Takes the lock; where the run waits for its turn, tells for whom, and stops waiting when a person stops the run.
///
/// # Errors
/// When a living holder has it and the run does not wait, when it is stopped, or when the target does not answer.
pub async fn take_turn(context: &Context, target: &Arc<dyn Target>, place: &Place, purpose: &str) -> Result<Lease, EngineError> {
    if context.asked().held == WhenHeld::Refuse {
        return Ok(Lease::acquire(Arc::clone(target), place, context.by(), purpose).await?);
    }
    tokio::select! {
        biased;
        () = context.cancel().cancelled() => {
            Err(EngineError::interrupted(format!("stopped while waiting for the lock of {place}: nothing was touched")))
        }
        lease = in_turn(context, target, place, purpose) => lease,
    }
}

async fn in_turn(context: &Context, target: &Arc<dyn Target>, place: &Place, purpose: &str) -> Result<Lease, EngineError> {
    let mut told = None;
    loop {
        let held = match Lease::acquire(Arc::clone(target), place, context.by(), purpose).await {
            Err(TargetError::Locked { held, .. }) => held,
            other => return Ok(other?),
        };
        if told != Some(held.number) {
            let message = format!("waiting for {held}");
            let hint = Some("Ctrl-C ends the waiting; nothing was touched".to_owned());
            context.emit(EventBody::WarningRaised { message, hint }).await?;
            told = Some(held.number);
        }
        // A holder that dies says nothing: it is looked at again at the pace of its heart.
        target.until_freed(place, held.number, HEARTBEAT).await?;
    }
}
