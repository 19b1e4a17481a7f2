//! Who may act on an environment.

use std::time::Duration;

use nonevent_engine::target::{Fence, Held, Life, LockHolder, Place, TargetError};

use super::state::State;

/// A held lock.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    pub holder: LockHolder,
    pub fence: Fence,
}

impl State {
    /// Gives the lock to a holder, if nobody who lives has it.
    pub fn lock(&mut self, place: &Place, holder: &LockHolder, stale_after: Duration) -> Result<Fence, TargetError> {
        if let Some(held) = self.holder(place, stale_after).filter(|held| held.life == Life::Living) {
            return Err(TargetError::Locked { place: place.to_string(), held: Box::new(held) });
        }
        let number = self.fences.get(place).copied().unwrap_or_default() + 1;
        let fence = Fence { place: place.clone(), number, token: self.number().to_string() };
        let now = self.now.to_string();
        let holder = LockHolder { since: now.clone(), beat: now, ..holder.clone() };
        self.fences.insert(place.clone(), number);
        self.locks.insert(place.clone(), Lock { holder, fence: fence.clone() });
        Ok(fence)
    }

    /// Refuses a holder that was succeeded.
    pub fn check(&self, fence: &Fence) -> Result<(), TargetError> {
        match self.locks.get(&fence.place) {
            Some(lock) if lock.fence == *fence => Ok(()),
            held => Err(TargetError::FenceLost {
                place: fence.place.to_string(),
                by: held.map_or_else(|| "nobody".to_owned(), |lock| lock.holder.owner.clone()),
            }),
        }
    }

    /// Notes that a holder lives.
    pub fn beat(&mut self, fence: &Fence) -> Result<(), TargetError> {
        self.check(fence)?;
        let now = self.now.to_string();
        if let Some(lock) = self.locks.get_mut(&fence.place) {
            lock.holder.beat = now;
        }
        Ok(())
    }

    /// Says who holds the lock. A holder of a scripted lock never ends: it is silent when the scripted clock says so.
    pub fn holder(&self, place: &Place, stale_after: Duration) -> Option<Held> {
        let lock = self.locks.get(place)?;
        let silent = self.now.duration_since(lock.holder.beat.parse().unwrap()).unsigned_abs();
        let life = if silent >= stale_after { Life::Silent } else { Life::Living };
        Some(Held { holder: lock.holder.clone(), number: lock.fence.number, silent, life })
    }

    /// Takes the lock from the holder of that number, if he still has it.
    pub fn depose(&mut self, place: &Place, number: u64) -> bool {
        let is_his = self.locks.get(place).is_some_and(|lock| lock.fence.number == number);
        if is_his {
            self.locks.remove(place);
        }
        is_his
    }
}
