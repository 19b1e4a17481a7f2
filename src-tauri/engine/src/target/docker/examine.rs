//! Finding out why an instance is not healthy: its state and its ends, its last lines, what it listens on, what it was made of.
//!
//! The sockets are read from beside it: a container of the proxy's image joins its network namespace and prints `/proc/net/tcp` and
//! `tcp6`. So nothing is needed inside (an image may have no shell, no `cat`), nothing of ours counts against its limits, and it
//! works over any connection to the engine. Docker's own resolver listens in that namespace, too, and is left out.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, HostConfig, ImageInspect};
use bollard::query_parameters::{
    CreateContainerOptions, EventsOptionsBuilder, LogsOptionsBuilder, StartContainerOptions, StatsOptionsBuilder,
    WaitContainerOptions,
};
use futures_util::StreamExt;
use jiff::Timestamp;

use super::DockerTarget;
use super::instance::{container_name, instance};
use super::lock::label_of;
use super::scope::{Role, label};
use crate::model::{InstanceId, LogLine};
use crate::target::{Examination, Listener, OnceExit, Place, RootFileSystem, TargetError};

/// Lines that are read.
const LINES: u32 = 400;
/// Looks for the next end of a container that is between two lives, and the time between two of them.
const LOOKS: u32 = 15;
const LOOK: Duration = Duration::from_millis(100);
/// Docker's resolver in every container of a network that a person made.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
/// The state `TCP_LISTEN` of the kernel, as `/proc/net/tcp` writes it.
const LISTENING: &str = "0A";

impl DockerTarget {
    pub(super) async fn examine_instance(&self, place: &Place, id: &InstanceId) -> Result<Examination, TargetError> {
        let Some(container) = self.own_instance(place, id).await? else { return Ok(Examination::default()) };
        let seen = instance(&container);
        let image = container.image.as_deref().unwrap_or_default();
        let (image, sockets, lines, now) = tokio::join!(
            self.api.client.inspect_image(image),
            self.sockets(place, &container),
            self.lines_of(&container),
            self.engine_time(),
        );
        let now = now.ok();
        let exit = self.last_exit(&container, now).await;
        let (sockets, busy) = sockets.unwrap_or_default();
        let mut examination = Examination {
            state: seen.as_ref().map(|seen| seen.state.clone()),
            restarts: seen.as_ref().map_or(0, |seen| seen.restarts),
            exit,
            started_at: seen.and_then(|seen| seen.started_at),
            examined_at: now.map(|now| now.to_string()),
            lines,
            sockets,
            busy,
            port: label_of(&container, label::PORT).and_then(|port| port.parse().ok()),
            engine_platform: Some(self.info.platform.clone()),
            ..Examination::default()
        };
        add_making(&mut examination, &container);
        if let Ok(image) = image {
            add_image(&mut examination, &image);
        }
        Ok(examination)
    }

    /// Returns how a container ended the last time: by what it shows while it does not run, else by what the engine remembers.
    async fn last_exit(&self, container: &ContainerInspectResponse, now: Option<Timestamp>) -> Option<OnceExit> {
        let state = container.state.clone().unwrap_or_default();
        let runs = state.status == Some(ContainerStateStatusEnum::RUNNING);
        let (told, oom) = self.told_exit(container, now?).await;
        let oom = oom || state.oom_killed.unwrap_or_default();
        match (runs, told) {
            (false, _) if state.status != Some(ContainerStateStatusEnum::CREATED) => {
                Some(OnceExit { exit_code: state.exit_code.unwrap_or_default(), oom })
            }
            (_, Some(exit_code)) => Some(OnceExit { exit_code, oom }),
            // It goes on, and the kernel ended a process of it.
            _ if oom => Some(OnceExit { exit_code: 137, oom }),
            _ if container.restart_count.is_some_and(|restarts| restarts > 0) => self.next_exit(container).await,
            _ => None,
        }
    }

    /// Waits a moment for the next end of a container that ends again and again: an engine remembers its last 256 events only, of all
    /// containers together.
    async fn next_exit(&self, container: &ContainerInspectResponse) -> Option<OnceExit> {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK).await;
            let state = self.api.inspect(container.id.as_deref()?).await.ok()??.state?;
            if state.status != Some(ContainerStateStatusEnum::RUNNING) {
                return Some(OnceExit {
                    exit_code: state.exit_code.unwrap_or_default(),
                    oom: state.oom_killed.unwrap_or_default(),
                });
            }
        }
        None
    }

    /// Asks the engine for the ends of a container that it remembers: the last exit code, and whether memory was wanting.
    async fn told_exit(&self, container: &ContainerInspectResponse, now: Timestamp) -> (Option<i64>, bool) {
        let created = container.created.map_or(0, |time| time.unix_timestamp());
        let mut filters = std::collections::HashMap::from([("type".to_owned(), vec!["container".to_owned()])]);
        filters.insert("container".to_owned(), vec![container.id.clone().unwrap_or_default()]);
        filters.insert("event".to_owned(), vec!["die".to_owned(), "oom".to_owned()]);
        let until = now.as_second() + 1;
        let options = EventsOptionsBuilder::new().since(&created.to_string()).until(&until.to_string()).filters(&filters).build();
        let mut events = Box::pin(self.api.client.events(Some(options)));
        let (mut exit_code, mut oom) = (None, false);
        while let Some(Ok(event)) = events.next().await {
            match event.action.as_deref() {
                Some("oom") => oom = true,
                _ => {
                    let attributes = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
                    exit_code = attributes.get("exitCode").and_then(|code| code.parse().ok()).or(exit_code);
                }
            }
        }
        (exit_code, oom)
    }

    async fn lines_of(&self, container: &ContainerInspectResponse) -> Vec<LogLine> {
        let (id, name) = (container.id.as_deref().unwrap_or_default(), container_name(container));
        let lines = self.lines(id, &name, LogsOptionsBuilder::new().tail(&LINES.to_string()));
        lines.filter_map(|line| std::future::ready(line.ok())).collect().await
    }

    /// Reads what a running container listens on, and how busy it is meanwhile.
    async fn sockets(&self, place: &Place, container: &ContainerInspectResponse) -> Option<(Option<Vec<Listener>>, Option<u32>)> {
        let state = container.state.as_ref()?;
        let id = container.id.as_deref()?;
        if state.status != Some(ContainerStateStatusEnum::RUNNING) {
            return None;
        }
        let before = self.processor_time(id).await;
        let printed = self.print_sockets(place, id).await;
        let after = self.processor_time(id).await;
        let sockets = match printed {
            Ok(table) => Some(listeners(&table)),
            // It ended in the meantime, or the engine has no room.
            Err(error) => {
                tracing::debug!(%error, "the sockets of an instance could not be read");
                None
            }
        };
        Some((sockets, share(before, after)))
    }

    /// Prints the tables of sockets of a container's network namespace.
    async fn print_sockets(&self, place: &Place, id: &str) -> Result<String, TargetError> {
        let command = ["cat", "/proc/net/tcp", "/proc/net/tcp6"];
        let body = ContainerCreateBody {
            image: Some(self.options.proxy_image.clone()),
            entrypoint: Some(command.map(str::to_owned).to_vec()),
            // What an image says of the proxy itself must not be added to it.
            cmd: Some(Vec::new()),
            labels: Some(self.api.labels(Role::Hand, Some(place))),
            host_config: Some(HostConfig { network_mode: Some(format!("container:{id}")), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let created = self.api.client.create_container(None::<CreateContainerOptions>, body).await;
        let hand = created.map_err(|error| self.creation_error("a container that reads sockets", error))?.id;
        let printed = self.printed_by(&hand).await;
        self.api.remove(&hand).await?;
        printed
    }

    async fn printed_by(&self, hand: &str) -> Result<String, TargetError> {
        let error = |error| self.api.error("read the sockets of an instance", error);
        self.api.client.start_container(hand, None::<StartContainerOptions>).await.map_err(error)?;
        let mut waiting = Box::pin(self.api.client.wait_container(hand, None::<WaitContainerOptions>));
        while waiting.next().await.is_some() {}
        Ok(self.last_lines(hand, LINES).await?.join("\n"))
    }

    /// Returns the processor time that a container took so far, in nanoseconds.
    async fn processor_time(&self, id: &str) -> Option<(u64, Instant)> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let stats = Box::pin(self.api.client.stats(id, Some(options))).next().await?.ok()?;
        Some((stats.cpu_stats?.cpu_usage?.total_usage?, Instant::now()))
    }
}

/// Returns processor time by time, in thousandths of a core.
fn share(before: Option<(u64, Instant)>, after: Option<(u64, Instant)>) -> Option<u32> {
    let ((before, began), (after, ended)) = before.zip(after)?;
    let elapsed = u64::try_from(ended.checked_duration_since(began)?.as_nanos()).ok().filter(|elapsed| *elapsed > 0)?;
    u32::try_from(after.checked_sub(before)?.saturating_mul(1000) / elapsed).ok()
}

/// Adds what a container was made of.
fn add_making(examination: &mut Examination, container: &ContainerInspectResponse) {
    let host = container.host_config.clone().unwrap_or_default();
    let read_only = host.readonly_rootfs.unwrap_or_default();
    examination.root = Some(if read_only { RootFileSystem::ReadOnly } else { RootFileSystem::Writable });
    examination.memory = host.memory.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0);
    let Some(config) = &container.config else { return };
    let entry = config.entrypoint.iter().flatten().chain(config.cmd.iter().flatten());
    examination.command = entry.cloned().collect();
    examination.folder = config.working_dir.clone().filter(|folder| !folder.is_empty());
    examination.user.clone_from(&config.user);
    let name = |variable: &String| variable.split('=').next().unwrap_or_default().to_owned();
    examination.variables = config.env.iter().flatten().map(name).collect::<BTreeSet<_>>();
}

/// Adds what its image says.
fn add_image(examination: &mut Examination, image: &ImageInspect) {
    let variant = image.variant.as_deref().filter(|variant| !variant.is_empty()).map(|variant| format!("/{variant}"));
    examination.image_platform = image.os.as_ref().zip(image.architecture.as_ref()).map(|(os, architecture)| {
        // Every 64-bit ARM is `v8`; engines do not say so of themselves.
        let variant = variant.filter(|_| architecture != "arm64").unwrap_or_default();
        format!("{os}/{architecture}{variant}")
    });
    let exposed = image.config.as_ref().and_then(|config| config.exposed_ports.clone()).unwrap_or_default();
    examination.exposed = exposed.iter().filter_map(|port| port.split('/').next()?.parse().ok()).collect();
}

/// Reads the sockets that accept connections from tables as the kernel prints them (proc_pid_net(5)).
fn listeners(table: &str) -> Vec<Listener> {
    let mut listeners: Vec<Listener> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, state) = (fields.next()?, fields.nth(1)?);
            if state != LISTENING {
                return None;
            }
            let (address, port) = local.split_once(':')?;
            Some(Listener { address: address_of(address)?, port: u16::from_str_radix(port, 16).ok()? })
        })
        .filter(|listener| listener.address != IpAddr::V4(RESOLVER))
        .collect();
    listeners.sort_unstable();
    listeners.dedup();
    listeners
}

/// Reads an address: words of four bytes, each in the order of the machine, which is little-endian wherever Docker runs.
fn address_of(hex: &str) -> Option<IpAddr> {
    let bytes = hex::decode(hex).ok()?;
    let ordered: Vec<u8> = bytes.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
    if let Ok(four) = <[u8; 4]>::try_from(ordered.as_slice()) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    let sixteen = <[u8; 16]>::try_from(ordered.as_slice()).ok()?;
    Some(Ipv6Addr::from(sixteen).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read_as_the_kernel_prints_them() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0B00007F:8A17 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5863902 1 00000000ac4816ce 100 0 0 10 0
   1: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 5864549 1 00000000d61204cb 100 0 0 10 0
   2: 0100007F:1F40 0100007F:9C44 01 00000000:00000000 00:00000000 00000000 10001        0 5864550 1 00000000d61204cc 20 4 0 10 -1
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0
   1: 00000000000000000000000001000000:1389 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0
   2: 0000000000000000FFFF00000100007F:138A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0";
        let found: Vec<String> = listeners(table).iter().map(|one| format!("{} {}", one.address, one.port)).collect();
        assert_eq!(found, ["127.0.0.1 5002", "127.0.0.1 8000", ":: 5000", "::1 5001"]);
        assert_eq!(listeners(""), []);
    }

    #[test]
    fn how_busy_a_container_is() {
        let now = Instant::now();
        let later = now + Duration::from_secs(2);
        assert_eq!(share(Some((5_000_000_000, now)), Some((6_000_000_000, later))), Some(500));
        assert_eq!(share(Some((5, now)), Some((6, now))), None);
        assert_eq!(share(None, Some((6, now))), None);
    }
}
