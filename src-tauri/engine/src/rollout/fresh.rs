//! Starts new instances and waits until they are healthy.

use futures_util::future::try_join_all;

use super::RolloutError;
use super::plan::{Change, ids};
use super::run::{ONCE_LINES, Rollout};
use super::watch::{AwaitError, Watched, check_of, until_healthy};
use crate::event::EventBody;
use crate::model::{Instance, InstanceId, ProcessKind, ProcessName, RolloutReason};
use crate::target::InstanceSpec;

impl Rollout<'_> {
    fn spec(&self, process: &crate::model::Process) -> InstanceSpec {
        let port = match process.kind {
            ProcessKind::Web { port } => Some(port),
            ProcessKind::Worker => None,
        };
        let mut env = self.order.env.clone();
        if let Some(port) = port {
            env.insert("PORT".into(), port.to_string());
        }
        InstanceSpec {
            process: process.name.clone(),
            release: self.release().id.clone(),
            rollout: self.side.clone(),
            image: self.release().engine_id.clone(),
            command: process.command.clone(),
            env,
            secrets: self.order.secrets.clone(),
            secret_delivery: self.order.desired.placement.secret_delivery,
            port,
            resources: self.order.desired.placement.resources,
            volumes: self.release().app.volumes.clone(),
            stop_grace: process.stop_grace,
            root: self.order.root,
        }
    }

    pub(super) async fn before_start(&self) -> Result<(), RolloutError> {
        let release = self.release();
        let (Some(command), Some(process)) = (&release.settings.before_start, release.app.processes.first()) else {
            return Ok(());
        };
        let spec = InstanceSpec { command: command.clone(), port: None, ..self.spec(process) };
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1024);
        let once = async {
            let exit = self.target.run_once(self.fence(), &spec, &sender).await;
            drop(sender);
            exit
        };
        let read = async {
            let mut tail = std::collections::VecDeque::new();
            while let Some(line) = receiver.recv().await {
                if tail.len() == ONCE_LINES {
                    tail.pop_front();
                }
                tail.push_back(line.clone());
                self.context.line(line);
            }
            Vec::from(tail)
        };
        let (exit, mut lines) = tokio::join!(once, read);
        self.scene().hide_secrets(&mut lines, &mut []);
        self.context.store().keep_lines(&self.record.id, &lines)?;
        let exit = exit?;
        if exit.exit_code == 0 {
            return Ok(());
        }
        let (diagnosis, tail) = self.scene().diagnose_once(process.name.as_str(), exit, lines).await;
        self.record_diagnosis(&diagnosis).await?;
        Err(RolloutError::BeforeStartFailed {
            environment: self.record.environment.clone(),
            command: command.display(),
            exit_code: exit.exit_code,
            tail,
            diagnosis: Box::new(diagnosis),
        })
    }

    pub(super) async fn start(&mut self, name: &ProcessName, count: u16) -> Result<(), RolloutError> {
        let Some(process) = self.release().app.processes.iter().find(|process| process.name == *name) else { return Ok(()) };
        let spec = self.spec(process);
        let started = try_join_all((0..count).map(|_| self.target.start(self.fence(), &spec))).await?;
        self.started.extend(started);
        Ok(())
    }

    pub(super) fn watched(&self) -> Vec<Watched> {
        let release = self.release();
        let watched = |instance: &Instance| Watched { instance: instance.clone(), check: check_of(release, instance) };
        self.started.iter().map(watched).collect()
    }

    /// Stages what was started and waits until all of it is healthy. What was healthy before is not asked again.
    pub(super) async fn await_healthy(&mut self) -> Result<(), RolloutError> {
        let web: Vec<InstanceId> = ids(self.started.iter().filter(|instance| self.is_web(instance)));
        // A side that gets requests already is given nobody who cannot answer them yet.
        let (stages, at_once) = (!matches!(self.change, Change::Return { .. }), self.shared == 0);
        if stages && at_once {
            self.target.stage(self.fence(), &self.staged_record(), &web).await?;
        }
        let place = &self.fence().place;
        let watched = self.watched().split_off(self.healthy);
        match until_healthy(self.context, self.target, place, &self.scene(), &watched).await {
            Ok(()) => {}
            Err(AwaitError::Rollout(error)) => return Err(error),
            Err(AwaitError::Failing(failing)) => {
                self.record_diagnosis(&failing.diagnosis).await?;
                return Err(RolloutError::NeverHealthy {
                    environment: self.record.environment.clone(),
                    instance: failing.instance,
                    state: failing.state,
                    transcript: failing.transcript,
                    tail: failing.tail,
                    diagnosis: Box::new(failing.diagnosis),
                });
            }
        }
        if stages && !at_once {
            self.target.stage(self.fence(), &self.staged_record(), &web).await?;
        }
        let first = self.healthy == 0;
        self.healthy = self.started.len();
        let shows = matches!(self.record.reason, RolloutReason::Ship | RolloutReason::Promote) && !web.is_empty();
        if first && shows { self.tell_preview().await } else { Ok(()) }
    }

    /// Tells where only the new instances answer.
    async fn tell_preview(&mut self) -> Result<(), RolloutError> {
        self.preview = self.target.observe(&self.fence().place).await?.preview;
        let told = EventBody::PreviewReady { rollout: self.record.id.clone(), url: self.preview.clone() };
        Ok(self.context.emit(told).await?)
    }
}
