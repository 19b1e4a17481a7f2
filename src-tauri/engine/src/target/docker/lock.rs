//! The lock of an environment: a container that is created and never started.
//!
//! Its name is fixed, and an engine gives a name to one container only: creating it is the atomic step (409: taken). Owner and fence
//! are its labels; the heartbeat is a file put into it. Time is the engine's own, never the laptop's. A holder without a beat is
//! succeeded by renaming its container, by id: whoever renames it second renames what nobody looks at any more.
//!
//! The fence's number is the engine's time in milliseconds, above the predecessor's and above what the proxy's volume remembers. It
//! is checked in two places: here before each step, and inside the transaction on the proxy's volume, where nothing can come between.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, HostConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, EventsOptionsBuilder, RenameContainerOptionsBuilder};
use futures_util::StreamExt;
use jiff::Timestamp;

use super::DockerTarget;
use super::api::{File, is_conflict, is_missing};
use super::scope::{Role, key, label};
use crate::target::{Fence, Held, Life, LockHolder, Place, TargetError};

/// The file in the lock's container that holds the time of the last beat.
const BEAT: &str = "nonevent-beat";

/// A lock as it is found.
struct Found {
    id: String,
    holder: LockHolder,
    number: u64,
    token: String,
}

impl DockerTarget {
    pub(super) async fn take_lock(&self, place: &Place, holder: &LockHolder) -> Result<Fence, TargetError> {
        self.ensure_proxy_image().await?;
        let name = self.options.scope.lock(place);
        let mut above = 0;
        loop {
            if let Some(found) = self.found_lock(place).await? {
                let (id, held) = self.judged(found).await?;
                if held.life == Life::Living {
                    return Err(TargetError::Locked { place: place.to_string(), held: Box::new(held) });
                }
                above = above.max(held.number);
                self.take_name(&name, &id).await?;
            }
            let remembered = self.remembered_fence(place).await?;
            let now = u64::try_from(self.engine_time().await?.as_millisecond()).unwrap_or_default();
            let number = now.max(above + 1).max(remembered + 1);
            let fence = Fence { place: place.clone(), number, token: uuid::Uuid::now_v7().simple().to_string() };
            if self.create_lock(&name, &fence, holder).await? {
                self.remember_fence(&fence).await?;
                return Ok(fence);
            }
        }
    }

    pub(super) async fn beat_lock(&self, fence: &Fence) -> Result<(), TargetError> {
        let id = self.own_lock(fence).await?;
        let now = self.engine_time().await?.to_string();
        match self.api.upload(&id, "/", &[File::plain(BEAT, now.as_bytes())]).await {
            // It was deposed and removed between the two.
            Err(TargetError::Refused { .. }) => self.own_lock(fence).await.map(|_| ()),
            other => other,
        }
    }

    pub(super) async fn release_lock(&self, fence: &Fence) -> Result<(), TargetError> {
        match self.own_lock(fence).await {
            Ok(id) => self.api.remove(&id).await,
            Err(TargetError::FenceLost { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Refuses to go on for a holder that was succeeded.
    pub(super) async fn check_fence(&self, fence: &Fence) -> Result<(), TargetError> {
        self.own_lock(fence).await.map(|_| ())
    }

    /// Returns who holds an environment's lock, as the engine's clock judges it.
    pub(super) async fn holder_judged(&self, place: &Place) -> Result<Option<Held>, TargetError> {
        match self.found_lock(place).await? {
            Some(found) => Ok(Some(self.judged(found).await?.1)),
            None => Ok(None),
        }
    }

    /// Takes the lock from the holder of a number.
    pub(super) async fn depose_holder(&self, place: &Place, number: u64) -> Result<bool, TargetError> {
        let Some(found) = self.found_lock(place).await?.filter(|found| found.number == number) else { return Ok(false) };
        self.take_name(&self.options.scope.lock(place), &found.id).await?;
        Ok(true)
    }

    /// Waits for the engine to say that the lock's container is gone, or has lost its name.
    pub(super) async fn until_lock_freed(&self, place: &Place, number: u64, limit: Duration) -> Result<(), TargetError> {
        let Some(found) = self.found_lock(place).await?.filter(|found| found.number == number) else { return Ok(()) };
        let filters = HashMap::from([
            ("type".to_owned(), vec!["container".to_owned()]),
            ("container".to_owned(), vec![found.id.clone()]),
            ("event".to_owned(), vec!["destroy".to_owned(), "rename".to_owned()]),
        ]);
        // From when it was seen to be held, so that what happens before the engine listens to us is told as well.
        let since = self.engine_time().await?.as_second().to_string();
        let options = EventsOptionsBuilder::new().filters(&filters).since(&since).build();
        let mut events = self.api.client.events(Some(options));
        if self.found_lock(place).await?.is_none_or(|now| now.id != found.id) {
            return Ok(());
        }
        match tokio::time::timeout(limit, events.next()).await {
            Ok(Some(Err(error))) => Err(self.api.error("wait for the lock", error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Returns who holds an environment's lock, dead or alive.
    pub(super) async fn lock_holder(&self, place: &Place) -> Result<Option<LockHolder>, TargetError> {
        Ok(self.found_lock(place).await?.map(|held| held.holder))
    }

    /// Says that a fence is lost, and to whom.
    pub(super) async fn fence_lost(&self, fence: &Fence) -> TargetError {
        let by = match self.lock_holder(&fence.place).await {
            Ok(Some(holder)) => holder.owner,
            Ok(None) => "nobody".to_owned(),
            Err(error) => return error,
        };
        TargetError::FenceLost { place: fence.place.to_string(), by }
    }

    /// Returns the id of the lock's container if it is this fence's.
    async fn own_lock(&self, fence: &Fence) -> Result<String, TargetError> {
        let container = self.api.inspect(&self.options.scope.lock(&fence.place)).await?;
        match container.as_ref().and_then(|container| Some((container.id.clone()?, label_of(container, label::TOKEN)?))) {
            Some((id, token)) if token == fence.token => Ok(id),
            _ => Err(self.fence_lost(fence).await),
        }
    }

    async fn found_lock(&self, place: &Place) -> Result<Option<Found>, TargetError> {
        let Some(container) = self.api.inspect(&self.options.scope.lock(place)).await? else { return Ok(None) };
        let Some(id) = container.id.clone() else { return Ok(None) };
        let since = container
            .created
            .and_then(|time| Timestamp::from_nanosecond(time.unix_timestamp_nanos()).ok())
            .unwrap_or_default()
            .to_string();
        let beat = self.api.download(&id, &format!("/{BEAT}")).await?;
        let beat = beat.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| text.parse::<Timestamp>().is_ok());
        let text = |name| label_of(&container, name).unwrap_or_default();
        Ok(Some(Found {
            id,
            holder: LockHolder {
                owner: text(label::OWNER),
                pid: text(label::PID).parse().unwrap_or_default(),
                purpose: text(label::PURPOSE),
                beat: beat.unwrap_or_else(|| since.clone()),
                since,
                machine: text(label::MACHINE),
                started: text(label::STARTED).parse().unwrap_or_default(),
            },
            number: text(label::NUMBER).parse().unwrap_or_default(),
            token: text(label::TOKEN),
        }))
    }

    /// Judges a holder: it is dead when it was a process of this very machine that is gone, and silent when it has not beaten for too
    /// long. Comes with the id of its container.
    async fn judged(&self, found: Found) -> Result<(String, Held), TargetError> {
        tracing::debug!(token = found.token, owner = found.holder.owner, "an environment's lock is taken");
        // A clock that was set back makes a beat of the future; a large leap counts as silence too, or the lock would last for hours.
        let age = self.engine_time().await?.duration_since(found.holder.beat.parse().unwrap_or_default());
        let silent = age.unsigned_abs();
        let life = match () {
            () if found.holder.has_ended() => Life::Ended,
            () if silent >= self.options.stale_after => Life::Silent,
            () => Life::Living,
        };
        Ok((found.id, Held { holder: found.holder, number: found.number, silent, life }))
    }

    /// Takes the name from a dead holder's container, then removes it.
    async fn take_name(&self, name: &str, id: &str) -> Result<(), TargetError> {
        let options = RenameContainerOptionsBuilder::new().name(&format!("{name}.{}", id.get(..12).unwrap_or(id))).build();
        match self.api.client.rename_container(id, options).await {
            Ok(()) => {}
            Err(error) if is_missing(&error) || is_conflict(&error) => {}
            Err(error) => return Err(self.api.error(format!("rename {name}"), error)),
        }
        self.api.remove(id).await
    }

    async fn create_lock(&self, name: &str, fence: &Fence, holder: &LockHolder) -> Result<bool, TargetError> {
        let mut labels = self.api.labels(Role::Lock, Some(&fence.place));
        for (name, value) in [
            (label::OWNER, holder.owner.clone()),
            (label::PID, holder.pid.to_string()),
            (label::PURPOSE, holder.purpose.clone()),
            (label::MACHINE, holder.machine.clone()),
            (label::STARTED, holder.started.to_string()),
            (label::NUMBER, fence.number.to_string()),
            (label::TOKEN, fence.token.clone()),
        ] {
            labels.insert(name.to_owned(), value);
        }
        self.create_named(name, self.inert(labels)).await
    }

    /// A container that is never started: its name and labels are all that there is of it.
    pub(super) fn inert(&self, labels: HashMap<String, String>) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(self.options.proxy_image.clone()),
            entrypoint: Some(vec!["false".to_owned()]),
            labels: Some(labels),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        }
    }

    /// Creates a container under a fixed name; false when the name is taken.
    pub(super) async fn create_named(&self, name: &str, body: ContainerCreateBody) -> Result<bool, TargetError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        match self.api.client.create_container(Some(options), body).await {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(self.creation_error(name, error)),
        }
    }

    /// Says why a container could not be made; a missing image is a situation of its own.
    pub(super) fn creation_error(&self, name: &str, error: Error) -> TargetError {
        match error {
            Error::DockerResponseServerError { status_code: 404, message }
                if message.to_lowercase().contains("no such image") =>
            {
                let image = message.rsplit_once(": ").map_or(message.as_str(), |(_, image)| image).trim().to_owned();
                TargetError::ImageMissing { image, reason: "the engine does not have it".to_owned() }
            }
            other => self.api.error(format!("create {name}"), other),
        }
    }

    /// Returns the engine's time.
    pub(super) async fn engine_time(&self) -> Result<Timestamp, TargetError> {
        let info = self.api.client.info().await.map_err(|error| self.api.error("ask the engine for its time", error))?;
        let text = info.system_time.unwrap_or_default();
        text.parse().map_err(|_| TargetError::Refused {
            operation: "ask the engine for its time".to_owned(),
            reason: format!("it answered `{text}`"),
        })
    }

    /// Returns the fence's number that the proxy's volume remembers, or 0.
    async fn remembered_fence(&self, place: &Place) -> Result<u64, TargetError> {
        let Some(ground) = self.ground().await? else { return Ok(0) };
        let path = format!("{}/fences/{}", crate::target::proxy::FOLDER, key(place));
        let text = self.api.download(&ground.container, &path).await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default())
    }
}

/// Returns a label of a container.
pub(super) fn label_of(container: &ContainerInspectResponse, name: &str) -> Option<String> {
    container.config.as_ref()?.labels.as_ref()?.get(name).cloned()
}
