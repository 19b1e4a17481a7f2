//! What goes on in an environment: lines of output, commands in it, its address.

use std::path::Path;

use tokio::sync::mpsc;

use super::{Engine, environment, nothing_serves, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, LogLine};
use crate::request::ExecRequest;
use crate::target::{LogQuery, Place, Session, Target};

impl Engine {
    /// Reads instances' output until it ends or the receiver is dropped; first what the command before the start of what serves printed.
    ///
    /// # Errors
    /// When the project cannot be read or no engine answers.
    pub async fn logs(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<LogLine>, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let place = place(&project, name);
        let before = match query.instance {
            Some(_) => Vec::new(),
            None => self.lines_before(target.as_ref(), &place, query.tail).await?,
        };
        let (sender, receiver) = mpsc::channel(1024);
        tokio::spawn(async move {
            for line in before {
                if sender.send(line).await.is_err() {
                    return;
                }
            }
            if let Err(error) = target.logs(&place, &query, &sender).await {
                tracing::warn!(%error, "reading logs ended");
            }
        });
        Ok(receiver)
    }

    /// What the command before the start of what serves printed, as far as this home remembers it.
    async fn lines_before(&self, target: &dyn Target, place: &Place, tail: Option<u32>) -> Result<Vec<LogLine>, EngineError> {
        let Some(serving) = target.observe(place).await?.serving else { return Ok(Vec::new()) };
        let lines = self.store.kept_lines(&serving.record.rollout)?;
        let tail = tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(usize::MAX);
        let kept = lines.iter().skip(lines.len().saturating_sub(tail));
        Ok(kept.map(|line| LogLine { source: "before_start".to_owned(), ..line.clone() }).collect())
    }

    /// Runs a command in the serving release.
    ///
    /// # Errors
    /// When nothing serves or the engine refuses.
    pub async fn exec(&self, folder: &Path, request: ExecRequest) -> Result<Session, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, &request.environment)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let observed = target.observe(&place(&project, name)).await?;
        let serving = observed.serving.ok_or_else(|| nothing_serves(name))?;
        let instance = observed
            .instances
            .iter()
            .filter(|instance| instance.rollout == serving.record.rollout)
            .max_by_key(|instance| instance.serving)
            .ok_or_else(|| nothing_serves(name))?;
        Ok(target.exec(&instance.id, &request.command, request.terminal).await?)
    }

    /// Returns where the app answers.
    ///
    /// # Errors
    /// When nothing serves, or the app receives no requests.
    pub async fn url(&self, folder: &Path, name: &EnvironmentName) -> Result<String, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let status = self.observe_one(&Docker::connect().await?, &project, name, environment).await?;
        status.url.ok_or_else(|| nothing_serves(name))
    }
}
