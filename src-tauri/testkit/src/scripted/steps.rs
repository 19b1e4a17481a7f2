//! The trait, on the maps.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use nonevent_engine::model::{
    EngineInfo, EngineOrigin, HealthCheck, HealthProbe, Instance, InstanceId, InstanceState, LogLine, LogStream, ProbeAttempt,
    ProbeOutcome, RolloutId, ServiceStatus, StoreKind,
};
use nonevent_engine::target::proxy::{CheckKind, Member, NewSide, PlaceState, SLOTS, StateError};
use nonevent_engine::target::{
    Examination, Fence, Follow, Foundation, Held, InstanceSpec, JobEnd, JobOrder, Kept, Leave, Life, LineSink, LockHolder,
    LogQuery, Observed, OnceExit, Place, Record, Room, Session, Since, Target, TargetError, Terminal, Traffic, Waste, WasteKind,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::ScriptedTarget;
use super::app::{Script, printed};
use super::faults::{Method, Moment};
use super::state::{Lock, State};

impl ScriptedTarget {
    /// Does something at once, between the faults of its call.
    async fn act<T>(&self, method: Method, act: impl FnOnce(&mut State) -> Result<T, TargetError>) -> Result<T, TargetError> {
        let fault = self.called(method).await?;
        self.live(fault, Moment::Halfway).await;
        let result = act(&mut self.engine.state());
        self.engine.moved();
        self.answered(fault, result).await
    }

    fn side(state: &mut State, place: &Place, record: &Record, instances: &[InstanceId]) -> Result<NewSide, TargetError> {
        let mut members = Vec::new();
        for id in instances {
            let container = state.containers.get(id).filter(|container| container.place == *place);
            let container = container.ok_or_else(|| refused("stage", "an instance does not exist"))?;
            let address = container.instance.address.as_deref().and_then(|address| address.parse::<Ipv4Addr>().ok());
            members.push(Member { instance: id.clone(), listens: address.zip(container.port) });
        }
        // Named by its content, as everywhere: one that is staged is not yet that of the side that serves.
        let file = format!("{place} {record:?}");
        state.records.insert(file.clone(), record.clone());
        Ok(NewSide {
            rollout: record.rollout.clone(),
            release: record.release.id.clone(),
            record: file,
            domain: record.placement.domain.clone(),
            check: CheckKind::Http,
            path: "/".to_owned(),
            members,
        })
    }
}

fn refused(operation: &str, reason: &str) -> TargetError {
    TargetError::Refused { operation: operation.to_owned(), reason: reason.to_owned() }
}

fn moved(result: Result<(), StateError>) -> Result<(), TargetError> {
    result.map_err(|error| match error {
        StateError::TooMany { asked } => TargetError::TooManyInstances { asked, most: usize::from(SLOTS) },
        StateError::NothingStaged(rollout) => TargetError::NothingStaged { rollout: rollout.to_string() },
        StateError::NothingToShare(percent) => TargetError::NothingStaged { rollout: format!("{percent} percent") },
        StateError::Serves(_) => refused("retire", "requests reach it"),
    })
}

/// A holder of a scripted lock never ends: it is silent when the scripted clock says so.
fn judged(lock: &Lock, now: jiff::Timestamp, stale_after: Duration) -> Held {
    let silent = now.duration_since(lock.holder.beat.parse().unwrap()).unsigned_abs();
    let life = if silent >= stale_after { Life::Silent } else { Life::Living };
    Held { holder: lock.holder.clone(), number: lock.fence.number, silent, life }
}

fn here<'a>(state: &'a mut State, place: &Place) -> &'a mut PlaceState {
    state.proxy.entry(place.clone()).or_insert_with(|| PlaceState::new(place.clone()))
}

#[async_trait]
impl Target for ScriptedTarget {
    async fn info(&self) -> Result<EngineInfo, TargetError> {
        let info = EngineInfo {
            host: "scripted".to_owned(),
            origin: EngineOrigin::DefaultSocket,
            version: "0".to_owned(),
            api: "0".to_owned(),
            platform: "linux/amd64".to_owned(),
            store: StoreKind::Classic,
            mirrors: Vec::new(),
            memory: 1 << 30,
            cpus: 2,
            podman: false,
        };
        self.act(Method::Info, |_| Ok(info)).await
    }

    async fn observe(&self, place: &Place) -> Result<Observed, TargetError> {
        self.act(Method::Observe, |state| {
            let route = state.proxy.get(place);
            let domain = route.and_then(|route| {
                let serving = route.serving_side().map(|side| &side.domain).filter(|domain| !domain.is_empty());
                serving.or(route.domains.first())
            });
            Ok(Observed {
                serving: state.side(route.and_then(PlaceState::serving_side)),
                idle: state.side(route.and_then(PlaceState::idle_side)),
                instances: state.instances(place),
                services: state.services.get(place).map(|services| services.values().cloned().collect()).unwrap_or_default(),
                share: route.map_or(0, |route| route.share),
                url: domain.map(|domain| format!("http://{domain}")),
                preview: route
                    .and_then(PlaceState::idle_side)
                    .filter(|side| !side.domain.is_empty() && !side.slots.is_empty())
                    .map(|side| format!("http://{}:8081", side.domain)),
                https_url: None,
                lock: state.locks.get(place).map(|lock| lock.holder.clone()),
            })
        })
        .await
    }

    async fn lock(&self, place: &Place, holder: &LockHolder) -> Result<Fence, TargetError> {
        let stale_after = self.stale_after;
        self.act(Method::Lock, |state| {
            if let Some(lock) = state.locks.get(place) {
                let held = judged(lock, state.now, stale_after);
                if held.life == Life::Living {
                    return Err(TargetError::Locked { place: place.to_string(), held: Box::new(held) });
                }
            }
            let number = state.fences.get(place).copied().unwrap_or_default() + 1;
            let fence = Fence { place: place.clone(), number, token: state.number().to_string() };
            let now = state.now.to_string();
            let holder = LockHolder { since: now.clone(), beat: now, ..holder.clone() };
            state.fences.insert(place.clone(), number);
            state.locks.insert(place.clone(), Lock { holder, fence: fence.clone() });
            Ok(fence)
        })
        .await
    }

    async fn beat(&self, fence: &Fence) -> Result<(), TargetError> {
        self.act(Method::Beat, |state| {
            state.check(fence)?;
            let now = state.now.to_string();
            if let Some(lock) = state.locks.get_mut(&fence.place) {
                lock.holder.beat = now;
            }
            Ok(())
        })
        .await
    }

    async fn unlock(&self, fence: &Fence) -> Result<(), TargetError> {
        self.act(Method::Unlock, |state| {
            if state.check(fence).is_ok() {
                state.locks.remove(&fence.place);
            }
            Ok(())
        })
        .await
    }

    async fn held(&self, place: &Place) -> Result<Option<Held>, TargetError> {
        let stale_after = self.stale_after;
        self.act(Method::Held, |state| Ok(state.locks.get(place).map(|lock| judged(lock, state.now, stale_after)))).await
    }

    async fn depose(&self, place: &Place, number: u64) -> Result<bool, TargetError> {
        self.act(Method::Depose, |state| {
            let is_his = state.locks.get(place).is_some_and(|lock| lock.fence.number == number);
            if is_his {
                state.locks.remove(place);
            }
            Ok(is_his)
        })
        .await
    }

    async fn until_freed(&self, place: &Place, number: u64, limit: Duration) -> Result<(), TargetError> {
        let fault = self.called(Method::UntilFreed).await?;
        let freed = async {
            loop {
                let changed = self.engine.changed.notified();
                if self.engine.state().locks.get(place).is_none_or(|lock| lock.fence.number != number) {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(limit, freed).await;
        self.answered(fault, Ok(())).await
    }

    async fn prepare(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError> {
        self.act(Method::Prepare, |state| {
            state.check(fence)?;
            let place = &fence.place;
            if let Some(domain) = &foundation.domain {
                let owner = state.proxy.values().find(|other| other.domains.contains(domain) && other.place != *place);
                if let Some(owner) = owner {
                    return Err(refused(&format!("route {domain}"), &format!("it belongs to {}", owner.place)));
                }
            }
            here(state, place).domains.extend(foundation.domain.clone());
            state.prepared.insert(place.clone());
            state.volumes.extend(foundation.volumes.iter().map(|volume| (place.clone(), volume.name.clone())));
            for (name, (_, image)) in &foundation.services {
                state.volumes.insert((place.clone(), name.clone()));
                let volume = Some(format!("{place} {name}"));
                let status = ServiceStatus { name: name.clone(), image: image.clone(), running: true, volume };
                state.services.entry(place.clone()).or_default().entry(name.clone()).or_insert(status).running = true;
            }
            Ok(())
        })
        .await
    }

    async fn run_once(&self, fence: &Fence, spec: &InstanceSpec, lines: &LineSink) -> Result<OnceExit, TargetError> {
        let (exit_code, texts) = self
            .act(Method::RunOnce, |state| {
                state.check(fence)?;
                Ok(state.once.get(&spec.release).cloned().unwrap_or_else(|| {
                    let (texts, exit_code) = printed(&spec.command.argv());
                    (exit_code, texts)
                }))
            })
            .await?;
        for text in texts {
            let source = format!("{}-{}-once", fence.place.project, fence.place.environment);
            let _ = lines.try_send(LogLine { source, stream: LogStream::Stdout, at: None, text });
        }
        Ok(OnceExit { exit_code, oom: false })
    }

    async fn run_job(
        &self,
        _place: &Place,
        order: JobOrder<'_>,
        lines: &LineSink,
        _stop: &CancellationToken,
    ) -> Result<JobEnd, TargetError> {
        self.act(Method::RunJob, |state| {
            let Some(spec) = order.spec else { return Ok(JobEnd::Gone) };
            let (texts, exit_code) = printed(&spec.command.argv());
            let at = Some(state.now.to_string());
            for text in texts {
                let line = LogLine { source: order.job.to_owned(), stream: LogStream::Stdout, at: at.clone(), text };
                let _ = lines.try_send(line);
            }
            Ok(JobEnd::Ended(OnceExit { exit_code, oom: false }))
        })
        .await
    }

    async fn start(&self, fence: &Fence, spec: &InstanceSpec) -> Result<Instance, TargetError> {
        let fault = self.called(Method::Start).await?;
        let created = {
            let mut state = self.engine.state();
            state.check(fence).and_then(|()| match state.prepared.contains(&fence.place) {
                true => Ok(state.create(&fence.place, spec)),
                false => Err(refused("start", "the environment is not prepared")),
            })
        };
        self.live(fault, Moment::Halfway).await;
        let started = created.map(|id| self.engine.state().start(&id));
        self.engine.moved();
        self.answered(fault, started).await
    }

    async fn stage(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError> {
        self.act(Method::Stage, |state| {
            state.check(fence)?;
            let side = Self::side(state, &fence.place, record, instances)?;
            moved(here(state, &fence.place).stage(side))
        })
        .await
    }

    async fn probe(
        &self,
        _place: &Place,
        instance: &Instance,
        check: &HealthCheck,
        domain: &str,
    ) -> Result<ProbeAttempt, TargetError> {
        self.act(Method::Probe, |state| {
            let probe = match &check.probe {
                HealthProbe::Http { path } => format!("GET {path} (Host: {domain})"),
                HealthProbe::Tcp => "connect".to_owned(),
                HealthProbe::Command(command) => format!("run `{}`", command.argv().join(" ")),
                HealthProbe::Running => "is the container running".to_owned(),
            };
            let failed = |error: &str| ProbeOutcome::Failed { error: error.to_owned() };
            let at = state.now.to_string();
            let outcome = match state.containers.get_mut(&instance.id) {
                None => failed("the container is gone"),
                Some(container) => match (&container.instance.state, container.script) {
                    (InstanceState::Created, _) => failed("the container was not started"),
                    (InstanceState::Exited { exit_code, .. }, _) => failed(&format!("it ended with exit code {exit_code}")),
                    (_, Script::Crash) => failed("it ended with exit code 3, and was restarted once"),
                    (_, Script::Sick) => {
                        ProbeOutcome::Answered { saw: "503".to_owned(), excerpt: "database is locked".to_owned() }
                    }
                    (_, Script::Slow(times)) if times > 0 => {
                        container.script = Script::Slow(times - 1);
                        failed("connection refused")
                    }
                    (_, Script::Idle) if check.probe != HealthProbe::Running => failed("connection refused"),
                    _ => ProbeOutcome::Passed { saw: "200".to_owned() },
                },
            };
            Ok(ProbeAttempt { instance: instance.name.clone(), probe, at, elapsed_ms: 1, outcome })
        })
        .await
    }

    async fn switch(&self, fence: &Fence, rollout: &RolloutId) -> Result<(), TargetError> {
        self.act(Method::Switch, |state| {
            state.check(fence)?;
            moved(here(state, &fence.place).switch(rollout))
        })
        .await
    }

    async fn share(&self, fence: &Fence, percent: u8) -> Result<(), TargetError> {
        self.act(Method::Share, |state| {
            state.check(fence)?;
            moved(here(state, &fence.place).give(percent))
        })
        .await
    }

    async fn rest(&self, fence: &Fence, instances: &[InstanceId], limit: Duration) -> Result<u32, TargetError> {
        let fault = self.called(Method::Rest).await?;
        let rested = {
            let mut state = self.engine.state();
            state.check(fence).map(|()| here(&mut state, &fence.place).rest(instances))
        };
        self.live(fault, Moment::Halfway).await;
        let left = || {
            let state = self.engine.state();
            u32::try_from(state.held.values().filter(|held| instances.contains(held)).count()).unwrap()
        };
        let _ = tokio::time::timeout(limit, async {
            loop {
                let changed = self.engine.changed.notified();
                if left() == 0 {
                    return;
                }
                changed.await;
            }
        })
        .await;
        let result = rested.map(|()| {
            let left = left();
            let mut state = self.engine.state();
            for instance in instances {
                if let Some(container) = state.containers.get_mut(instance) {
                    container.instance.state = InstanceState::Exited { exit_code: 0, oom: false };
                }
            }
            left
        });
        self.engine.moved();
        self.answered(fault, result).await
    }

    async fn wake(&self, fence: &Fence, instance: &InstanceId) -> Result<Instance, TargetError> {
        self.act(Method::Wake, |state| {
            state.check(fence)?;
            match state.containers.get(instance).map(|container| container.instance.state.clone()) {
                None => Err(refused("wake", "it does not exist")),
                Some(InstanceState::Exited { .. } | InstanceState::Created) => Ok(state.start(instance)),
                Some(_) => Ok(state.containers[instance].instance.clone()),
            }
        })
        .await
    }

    async fn join(&self, fence: &Fence, instances: &[InstanceId]) -> Result<(), TargetError> {
        self.act(Method::Join, |state| {
            state.check(fence)?;
            let members: Vec<Member> = instances
                .iter()
                .filter_map(|id| {
                    let container = state.containers.get(id)?;
                    let address = container.instance.address.as_deref().and_then(|address| address.parse::<Ipv4Addr>().ok());
                    Some(Member { instance: id.clone(), listens: address.zip(container.port) })
                })
                .collect();
            moved(here(state, &fence.place).join(&members))
        })
        .await
    }

    async fn traffic(&self, place: &Place, since: &Since) -> Result<Traffic, TargetError> {
        self.act(Method::Traffic, |state| {
            state.come_in();
            // Its clock stands still: a place in the log is a number, and what happened at all happened not long ago.
            let from = match since {
                Since::Ago(time) if time.is_zero() => state.log.len(),
                Since::Ago(_) => 0,
                Since::After(number) => number.parse().map_err(|_| refused("traffic", "it is no place in the log"))?,
            };
            let mut traffic = Traffic { until: state.log.len().to_string(), ..Traffic::default() };
            let sides = state.proxy.get(place).into_iter().flat_map(|here| here.sides.values());
            let known: Vec<&RolloutId> = sides.map(|side| &side.rollout).collect();
            for (rollout, status, milliseconds) in state.log.iter().skip(from).filter(|(rollout, ..)| known.contains(&rollout)) {
                traffic.sides.entry(rollout.clone()).or_default().count(*status, Some(*milliseconds));
            }
            Ok(traffic)
        })
        .await
    }

    async fn room(&self, instances: &[InstanceId]) -> Result<Room, TargetError> {
        self.act(Method::Room, |state| {
            let used = instances.iter().filter(|id| state.containers.contains_key(id)).map(|id| (id.clone(), 50_000_000));
            Ok(Room { used: used.collect(), ..state.room.clone() })
        })
        .await
    }

    async fn rescale(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError> {
        self.act(Method::Rescale, |state| {
            state.check(fence)?;
            let side = Self::side(state, &fence.place, record, instances)?;
            moved(here(state, &fence.place).rescale(side))
        })
        .await
    }

    async fn drain(&self, fence: &Fence, limit: Duration) -> Result<u32, TargetError> {
        let engine = self.engine.clone();
        let place = fence.place.clone();
        let fault = self.called(Method::Drain).await?;
        let left = || {
            let state = engine.state();
            let route = state.proxy.get(&place);
            let shares = route.filter(|route| route.share > 0).and_then(PlaceState::idle_side);
            let reached = [route.and_then(PlaceState::serving_side), shares];
            let busy = state.held.values().filter(|instance| {
                let here = state.containers.get(*instance).is_some_and(|container| container.place == place);
                let reached = reached.iter().flatten().any(|side| side.slots.values().any(|slot| slot.instance == **instance));
                here && !reached
            });
            u32::try_from(busy.count()).unwrap()
        };
        let waited = tokio::time::timeout(limit, async {
            loop {
                let changed = engine.changed.notified();
                if left() == 0 {
                    return;
                }
                changed.await;
            }
        });
        let _ = waited.await;
        self.answered(fault, Ok(left())).await
    }

    async fn retire(&self, fence: &Fence, instance: &InstanceId, lines: &LineSink) -> Result<(), TargetError> {
        let fault = self.called(Method::Retire).await?;
        let stopped = {
            let mut state = self.engine.state();
            state.check(fence).and_then(|()| moved(here(&mut state, &fence.place).forget(instance))).map(|()| {
                if let Some(container) = state.containers.get_mut(instance) {
                    container.instance.state = InstanceState::Exited { exit_code: 0, oom: false };
                }
            })
        };
        self.live(fault, Moment::Halfway).await;
        if stopped.is_ok() {
            let removed = self.engine.state().containers.remove(instance);
            for line in removed.into_iter().flat_map(|container| container.lines) {
                let _ = lines.try_send(line);
            }
        }
        self.engine.moved();
        self.answered(fault, stopped).await
    }

    async fn logs(&self, place: &Place, query: &LogQuery, lines: &LineSink) -> Result<(), TargetError> {
        let fault = self.called(Method::Logs).await?;
        let mut read = std::collections::BTreeMap::new();
        loop {
            let changed = self.engine.changed.notified();
            let mut new = Vec::new();
            for (id, container) in &self.engine.state().containers {
                let asked = container.place == *place && query.instance.as_ref().is_none_or(|instance| instance == id);
                let known = read.entry(id.clone()).or_insert_with(|| {
                    let tail = query.tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(usize::MAX);
                    container.lines.len().saturating_sub(tail)
                });
                if asked {
                    new.extend(container.lines.iter().skip(*known).cloned());
                    *known = container.lines.len();
                }
            }
            for line in new {
                if lines.send(line).await.is_err() {
                    return Ok(());
                }
            }
            if query.follow == Follow::Stop {
                return self.answered(fault, Ok(())).await;
            }
            tokio::select! {
                () = changed => {}
                () = lines.closed() => return Ok(()),
            }
        }
    }

    async fn examine(&self, place: &Place, instance: &InstanceId) -> Result<Examination, TargetError> {
        self.act(Method::Examine, |state| {
            let now = state.now.to_string();
            let Some(container) = state.containers.get(instance) else { return Ok(Examination::default()) };
            if container.place != *place {
                return Err(refused("examine", "it is of another environment"));
            }
            Ok(Examination { examined_at: Some(now), ..container.examined() })
        })
        .await
    }

    async fn exec(&self, instance: &InstanceId, command: &[String], terminal: Terminal) -> Result<Session, TargetError> {
        let reads = terminal != Terminal::None;
        self.act(Method::Exec, |state| {
            let running =
                state.containers.get(instance).is_some_and(|container| container.instance.state == InstanceState::Running);
            if !running {
                return Err(refused("exec", "it does not exist"));
            }
            let (texts, exit_code) = printed(command);
            let (output, session_output) = mpsc::channel(texts.len() + 1);
            for text in texts {
                let _ = output.try_send((LogStream::Stdout, format!("{text}\n").into_bytes()));
            }
            let (exit, session_exit) = oneshot::channel();
            let _ = exit.send(Ok(exit_code));
            Ok(Session {
                output: session_output,
                input: reads.then(|| mpsc::channel(1).0),
                resize: matches!(terminal, Terminal::Attached { .. }).then(|| mpsc::channel(1).0),
                exit: session_exit,
            })
        })
        .await
    }

    async fn down(&self, fence: &Fence, leave: Leave) -> Result<(), TargetError> {
        self.act(Method::Down, |state| {
            state.check(fence)?;
            let place = &fence.place;
            state.proxy.remove(place);
            state.containers.retain(|_, container| container.place != *place);
            state.services.remove(place);
            state.prepared.remove(place);
            if leave == Leave::Nothing {
                state.volumes.retain(|(owner, _)| owner != place);
            }
            Ok(())
        })
        .await
    }

    async fn earlier(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        self.act(Method::Earlier, |state| {
            let earlier = state.proxy.get(place).map(|here| here.earlier.as_slice()).unwrap_or_default();
            Ok(earlier.iter().filter_map(|one| state.records.get(&one.record).cloned()).collect())
        })
        .await
    }

    async fn places(&self) -> Result<Vec<Place>, TargetError> {
        self.act(Method::Places, |state| {
            let all: std::collections::BTreeSet<Place> = state
                .proxy
                .keys()
                .chain(state.services.keys())
                .chain(state.containers.values().map(|container| &container.place))
                .cloned()
                .collect();
            Ok(all.into_iter().collect())
        })
        .await
    }

    async fn garbage(&self, kept: &Kept) -> Result<Vec<Waste>, TargetError> {
        self.act(Method::Garbage, |state| {
            let waste = state.containers.values().filter(|container| {
                let sides = state.proxy.get(&container.place).into_iter().flat_map(|here| here.sides.values());
                let needed = sides.into_iter().any(|side| {
                    let release = state.records.get(&side.record).map(|record| &record.release.id);
                    let is_worker = container.port.is_none() && release == Some(&container.instance.release);
                    side.instances.contains(&container.instance.id) || is_worker
                });
                kept.projects.contains(&container.place.project) && !needed && !state.locks.contains_key(&container.place)
            });
            Ok(waste
                .map(|container| Waste {
                    kind: WasteKind::Container,
                    id: container.instance.id.to_string(),
                    name: container.instance.name.clone(),
                    bytes: 0,
                })
                .collect())
        })
        .await
    }

    async fn sweep(&self, waste: &[Waste]) -> Result<u64, TargetError> {
        self.act(Method::Sweep, |state| {
            for item in waste {
                state.containers.remove(&InstanceId::from(item.id.as_str()));
            }
            Ok(0)
        })
        .await
    }
}
