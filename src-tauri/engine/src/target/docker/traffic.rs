//! Sharing requests out, resting instances, and what the proxy's log and the engine tell about both.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::query_parameters::{LogsOptionsBuilder, StartContainerOptions, StatsOptionsBuilder};
use futures_util::StreamExt;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::DockerTarget;
use super::instance::container_name;
use super::lock::label_of;
use super::scope::{key, label};
use crate::model::{Instance, InstanceId, RolloutId};
use crate::target::proxy::{Color, FOLDER, Member, logged};
use crate::target::{Fence, Place, Room, Since, TargetError, Traffic};

impl DockerTarget {
    pub(super) async fn share_requests(&self, fence: &Fence, percent: u8) -> Result<(), TargetError> {
        self.change_place(fence, None, |place| place.give(percent)).await
    }

    pub(super) async fn rest_instances(
        &self,
        fence: &Fence,
        instances: &[InstanceId],
        limit: Duration,
    ) -> Result<u32, TargetError> {
        let mut own = Vec::new();
        for instance in instances {
            own.extend(self.own_instance(&fence.place, instance).await?.map(|container| (instance, container_name(&container))));
        }
        self.change_place(fence, None, |place| {
            place.rest(instances);
            Ok(())
        })
        .await?;
        let left = self.drain_idle(&fence.place, limit).await?;
        let stopped = join_all(own.iter().map(|(instance, name)| self.stop(instance.as_str(), name))).await;
        stopped.into_iter().collect::<Result<(), _>>()?;
        Ok(left)
    }

    pub(super) async fn wake_instance(&self, fence: &Fence, instance: &InstanceId) -> Result<Instance, TargetError> {
        let gone = || TargetError::Refused {
            operation: format!("wake instance {}", super::side::short(instance)),
            reason: "it does not exist".to_owned(),
        };
        let container = self.own_instance(&fence.place, instance).await?.ok_or_else(gone)?;
        // Starting one that runs changes nothing.
        let started = self.api.client.start_container(instance.as_str(), None::<StartContainerOptions>).await;
        started.map_err(|error| self.api.error(format!("start {}", container_name(&container)), error))?;
        let container = self.api.inspect(instance.as_str()).await?;
        container.as_ref().and_then(super::instance::instance).ok_or_else(gone)
    }

    pub(super) async fn join_instances(&self, fence: &Fence, instances: &[InstanceId]) -> Result<(), TargetError> {
        let mut members = Vec::new();
        for instance in instances {
            let Some(container) = self.own_instance(&fence.place, instance).await? else { continue };
            let address = label_of(&container, label::ADDRESS).and_then(|text| text.parse().ok());
            let port = label_of(&container, label::PORT).and_then(|text| text.parse().ok());
            members.push(Member { instance: instance.clone(), listens: address.zip(port) });
        }
        self.change_place(fence, None, |place| place.join(&members)).await
    }

    pub(super) async fn read_traffic(&self, place: &Place, since: &Since) -> Result<Traffic, TargetError> {
        let from = match since {
            Since::Ago(time) => {
                let now = self.engine_time().await?;
                now.checked_sub(*time).unwrap_or(now)
            }
            Since::After(at) => at.parse().map_err(|_| TargetError::Refused {
                operation: "read the proxy's log".to_owned(),
                reason: format!("`{at}` is no time"),
            })?,
        };
        let mut traffic = Traffic { until: from.to_string(), ..Traffic::default() };
        let Some(ground) = self.ground().await? else { return Ok(traffic) };
        let state = self.read_state(&ground).await?;
        let Some(here) = state.places.get(&key(place)) else { return Ok(traffic) };
        let backends: BTreeMap<String, RolloutId> = Color::ALL
            .into_iter()
            .filter_map(|color| Some((format!("{}.{}", key(place), color.word()), here.sides.get(&color)?.rollout.clone())))
            .collect();
        let second = i32::try_from(from.as_second()).unwrap_or_default();
        let mut lines = self.lines(&ground.container, "proxy", LogsOptionsBuilder::new().since(second));
        let mut until = from;
        while let Some(line) = lines.next().await {
            let line = line.map_err(|error| self.api.error("read the proxy's log", error))?;
            let Some(at) = line.at.as_deref().and_then(|at| at.parse::<Timestamp>().ok()).filter(|at| *at > from) else {
                continue;
            };
            until = until.max(at);
            if let Some(request) = logged(&line.text)
                && let Some(rollout) = backends.get(request.backend)
            {
                traffic.sides.entry(rollout.clone()).or_default().count(request.status, request.answered_ms);
            }
        }
        traffic.until = until.to_string();
        Ok(traffic)
    }

    pub(super) async fn look_for_room(&self, instances: &[InstanceId]) -> Result<Room, TargetError> {
        let used = join_all(instances.iter().map(|instance| async { Some((instance.clone(), self.used_by(instance).await?)) }));
        let (left, used) = tokio::join!(self.left(), used);
        let (memory_free, disk_free) = left?;
        let used: Vec<(InstanceId, (u64, u64))> = used.into_iter().flatten().collect();
        let processor = used.iter().map(|(instance, (_, time))| (instance.clone(), *time)).collect();
        let used = used.into_iter().map(|(instance, (memory, _))| (instance, memory)).collect();
        Ok(Room { memory_free, disk_free, used, processor })
    }

    /// Asks from inside the proxy's container what the engine's machine has left, wherever that is: memory, and disk for volumes.
    async fn left(&self) -> Result<(Option<u64>, Option<u64>), TargetError> {
        let Some(ground) = self.ground().await?.filter(|ground| ground.running) else { return Ok((None, None)) };
        let script = format!("printf '%s\\n' \"$(</proc/meminfo)\"; df -P -B1 {FOLDER}");
        let printed = self.api.run(&ground.container, vec!["bash".into(), "-c".into(), script], Vec::new()).await?;
        Ok(read_left(&printed.output))
    }

    /// Returns bytes of memory, and nanoseconds of processor time since the start.
    async fn used_by(&self, instance: &InstanceId) -> Option<(u64, u64)> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let mut stats = Box::pin(self.api.client.stats(instance.as_str(), Some(options)));
        let stats = stats.next().await?.ok()?;
        let processor = stats.cpu_stats.and_then(|stats| stats.cpu_usage?.total_usage).unwrap_or_default();
        let memory = stats.memory_stats?;
        let detail = memory.stats.unwrap_or_default();
        let droppable = detail.get("total_inactive_file").or_else(|| detail.get("inactive_file")).copied().unwrap_or_default();
        Some((memory.usage?.saturating_sub(droppable), processor))
    }
}

/// Reads `MemAvailable` (proc(5)) and the available bytes of `df -P -B1`.
fn read_left(text: &str) -> (Option<u64>, Option<u64>) {
    let memory = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let memory = memory.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
    let disk = text.lines().skip_while(|line| !line.starts_with("Filesystem")).nth(1);
    let disk = disk.and_then(|line| line.split_whitespace().nth(3)).and_then(|bytes| bytes.parse().ok());
    (memory.map(|kib| kib * 1024), disk)
}

#[cfg(test)]
mod tests {
    use super::read_left;

    #[test]
    fn what_a_machine_has_left_is_read() {
        let text = "MemTotal:       16336844 kB\nMemFree:  100 kB\nMemAvailable:    2048 kB\n\
            Filesystem     1-blocks        Used   Available Capacity Mounted on\n\
            /dev/vda1   100000 40000 60000  40% /var/lib/nonevent\n";
        assert_eq!(read_left(text), (Some(2048 * 1024), Some(60_000)));
        assert_eq!(read_left(""), (None, None));
    }
}
