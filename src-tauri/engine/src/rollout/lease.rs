//! An environment's lock, held: shows that its holder lives, and notices when somebody took it over.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::store::now;
use crate::target::{Fence, LockHolder, Place, Target, TargetError};

/// Time between two heartbeats; a lock without one for 30 s counts as left behind.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// An environment's lock, held until it is given back.
pub struct Lease {
    target: Arc<dyn Target>,
    fence: Fence,
    lost: CancellationToken,
    _heart: AbortOnDropHandle<()>,
}

impl Lease {
    /// Takes the lock.
    ///
    /// # Errors
    /// When a living holder has it, or the target does not answer.
    pub async fn acquire(target: Arc<dyn Target>, place: &Place, by: &str, purpose: &str) -> Result<Self, TargetError> {
        let fence = target.lock(place, &LockHolder::this_process(by, purpose, &now())).await?;
        let lost = CancellationToken::new();
        let heart = tokio::spawn(beat(Arc::clone(&target), fence.clone(), lost.clone()));
        Ok(Self { target, fence, lost, _heart: AbortOnDropHandle::new(heart) })
    }

    /// Returns what proves that the lock is held.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Returns the token that is cancelled when somebody took the lock over.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Says that the lock was lost, and to whom.
    pub async fn lost_to(&self) -> TargetError {
        let place = &self.fence.place;
        let by = match self.target.held(place).await {
            Ok(Some(held)) => held.holder.owner,
            Ok(None) => "somebody who gave it back since".to_owned(),
            Err(_) => "another process".to_owned(),
        };
        TargetError::FenceLost { place: place.to_string(), by }
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// When the target does not answer; the lock is then left behind and found as such.
    pub async fn release(self) -> Result<(), TargetError> {
        self.target.unlock(&self.fence).await
    }
}

async fn beat(target: Arc<dyn Target>, fence: Fence, lost: CancellationToken) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match target.beat(&fence).await {
            Ok(()) => {}
            Err(TargetError::FenceLost { .. }) => {
                lost.cancel();
                return;
            }
            // The target may be back at the next beat; every irreversible step checks the fence anyway.
            Err(error) => tracing::warn!(%error, "a heartbeat was not written"),
        }
    }
}
