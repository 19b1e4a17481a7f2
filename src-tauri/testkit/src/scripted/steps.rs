//! The trait, on the maps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use nonevent_engine::model::{
    EngineInfo, EngineOrigin, HealthCheck, Instance, InstanceId, InstanceState, LogLine, LogStream, ProbeAttempt, RolloutId,
    ServiceStatus, StoreKind,
};
use nonevent_engine::target::proxy::Member;
use nonevent_engine::target::{
    Examination, Fence, Follow, Foundation, Held, InstanceSpec, JobEnd, JobOrder, Kept, Leave, LineSink, LockHolder, LogQuery,
    Observed, OnceExit, Place, Record, Room, Session, Since, Target, TargetError, Terminal, Traffic, Waste,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::ScriptedTarget;
use super::app::{Script, printed};
use super::containers::Container;
use super::faults::{Method, Moment};
use super::sides::{moved, refused};
use super::state::State;

impl ScriptedTarget {
    /// Does something at once, between the faults of its call.
    async fn act<T>(&self, method: Method, act: impl FnOnce(&mut State) -> Result<T, TargetError>) -> Result<T, TargetError> {
        let fault = self.called(method).await?;
        self.live(fault, Moment::Halfway).await;
        let result = act(&mut self.engine.state());
        self.engine.moved();
        self.answered(fault, result).await
    }

    /// Waits until something is so, but not longer than a while.
    async fn until(&self, limit: Duration, is_so: impl Fn(&State) -> bool) {
        let waited = async {
            loop {
                let changed = self.engine.changed.notified();
                if is_so(&self.engine.state()) {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(limit, waited).await;
    }
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
        self.act(Method::Observe, |state| Ok(state.observed(place))).await
    }

    async fn lock(&self, place: &Place, holder: &LockHolder) -> Result<Fence, TargetError> {
        self.act(Method::Lock, |state| state.lock(place, holder, self.stale_after)).await
    }

    async fn beat(&self, fence: &Fence) -> Result<(), TargetError> {
        self.act(Method::Beat, |state| state.beat(fence)).await
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
        self.act(Method::Held, |state| Ok(state.holder(place, self.stale_after))).await
    }

    async fn depose(&self, place: &Place, number: u64) -> Result<bool, TargetError> {
        self.act(Method::Depose, |state| Ok(state.depose(place, number))).await
    }

    async fn until_freed(&self, place: &Place, number: u64, limit: Duration) -> Result<(), TargetError> {
        let fault = self.called(Method::UntilFreed).await?;
        self.until(limit, |state| state.locks.get(place).is_none_or(|lock| lock.fence.number != number)).await;
        self.answered(fault, Ok(())).await
    }

    async fn prepare(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError> {
        self.act(Method::Prepare, |state| {
            state.check(fence)?;
            let place = &fence.place;
            state.going_once.retain(|_, other| other != place);
            if let Some(domain) = &foundation.domain {
                let owner = state.proxy.values().find(|other| other.domains.contains(domain) && other.place != *place);
                if let Some(owner) = owner {
                    return Err(refused(&format!("route {domain}"), &format!("it belongs to {}", owner.place)));
                }
            }
            state.here(place).domains.extend(foundation.domain.clone());
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
        let goes_on = Script::of(&spec.command) == Script::Idle;
        let (number, exit_code, texts) = self
            .act(Method::RunOnce, |state| {
                state.check(fence)?;
                let number = state.number();
                if goes_on {
                    state.going_once.insert(number, fence.place.clone());
                }
                let (exit_code, texts) = state.once.get(&spec.release).cloned().unwrap_or_else(|| {
                    let (texts, exit_code) = printed(&spec.command.argv());
                    (exit_code, texts)
                });
                Ok((number, exit_code, texts))
            })
            .await?;
        for text in texts {
            let source = format!("{}-{}-once", fence.place.project, fence.place.environment);
            let _ = lines.try_send(LogLine { source, stream: LogStream::Stdout, at: None, text });
        }
        if goes_on {
            self.until(Duration::MAX, |state| !state.going_once.contains_key(&number)).await;
            return Ok(OnceExit { exit_code: 137, oom: false });
        }
        Ok(OnceExit { exit_code, oom: false })
    }

    async fn end_once(&self, fence: &Fence) -> Result<(), TargetError> {
        self.act(Method::EndOnce, |state| {
            state.check(fence)?;
            state.going_once.retain(|_, place| *place != fence.place);
            Ok(())
        })
        .await
    }

    async fn run_job(
        &self,
        place: &Place,
        order: JobOrder<'_>,
        lines: &LineSink,
        _stop: &CancellationToken,
    ) -> Result<JobEnd, TargetError> {
        self.act(Method::RunJob, |state| {
            let Some(spec) = order.spec else { return Ok(JobEnd::Gone) };
            if let Some(due) = order.due {
                let job = (place.clone(), order.job.to_owned());
                let ahead = state.now + Duration::from_hours(1);
                if state.answered.get(&job).is_some_and(|answered| *answered >= due && *answered <= ahead) {
                    return Ok(JobEnd::Answered);
                }
                state.answered.insert(job, due);
            }
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
            let side = state.new_side(&fence.place, record, instances)?;
            moved(state.here(&fence.place).stage(side))
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
        self.act(Method::Probe, |state| Ok(state.probe(instance, check, domain))).await
    }

    async fn switch(&self, fence: &Fence, rollout: &RolloutId) -> Result<(), TargetError> {
        self.act(Method::Switch, |state| {
            state.check(fence)?;
            moved(state.here(&fence.place).switch(rollout))
        })
        .await
    }

    async fn share(&self, fence: &Fence, percent: u8) -> Result<(), TargetError> {
        self.act(Method::Share, |state| {
            state.check(fence)?;
            moved(state.here(&fence.place).give(percent))
        })
        .await
    }

    async fn rest(&self, fence: &Fence, instances: &[InstanceId], limit: Duration) -> Result<u32, TargetError> {
        let fault = self.called(Method::Rest).await?;
        let rested = {
            let mut state = self.engine.state();
            state.check(fence).map(|()| state.here(&fence.place).rest(instances))
        };
        self.live(fault, Moment::Halfway).await;
        self.until(limit, |state| state.answering(instances) == 0).await;
        let result = rested.map(|()| {
            let mut state = self.engine.state();
            let left = state.answering(instances);
            for instance in instances {
                if let Some(container) = state.containers.get_mut(instance) {
                    container.stop();
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
            let members: Vec<Member> =
                instances.iter().filter_map(|id| state.containers.get(id)).map(Container::member).collect();
            moved(state.here(&fence.place).join(&members))
        })
        .await
    }

    async fn traffic(&self, place: &Place, since: &Since) -> Result<Traffic, TargetError> {
        self.act(Method::Traffic, |state| state.traffic(place, since)).await
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
            let side = state.new_side(&fence.place, record, instances)?;
            moved(state.here(&fence.place).rescale(side))
        })
        .await
    }

    async fn drain(&self, fence: &Fence, limit: Duration) -> Result<u32, TargetError> {
        let fault = self.called(Method::Drain).await?;
        self.until(limit, |state| state.draining(&fence.place) == 0).await;
        let left = self.engine.state().draining(&fence.place);
        self.answered(fault, Ok(left)).await
    }

    async fn retire(&self, fence: &Fence, instance: &InstanceId, lines: &LineSink) -> Result<(), TargetError> {
        let fault = self.called(Method::Retire).await?;
        let stopped = {
            let mut state = self.engine.state();
            state.check(fence).and_then(|()| moved(state.here(&fence.place).forget(instance))).map(|()| {
                if let Some(container) = state.containers.get_mut(instance) {
                    container.stop();
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
        let mut read = BTreeMap::new();
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
            state.going_once.retain(|_, other| other != place);
            state.answered.retain(|(other, _), _| other != place);
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
            let all: BTreeSet<Place> = state
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
        self.act(Method::Garbage, |state| Ok(state.garbage(kept))).await
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
