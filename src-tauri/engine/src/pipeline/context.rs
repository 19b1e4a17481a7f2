//! What every stage of a run is given: where it writes facts, where its output goes, and the token that stops it.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::event::{Event, EventBody, Update};
use crate::mask::Mask;
use crate::model::{LogLine, ProjectName, RunId, Stage};
use crate::request::{Approval, Asked};
use crate::store::{Store, StoreError};
use crate::vault::Vaults;

/// What every stage of a run is given. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    store: Store,
    vaults: Option<Vaults>,
    project: ProjectName,
    run: RunId,
    by: String,
    updates: mpsc::Sender<Update>,
    lines: mpsc::Sender<LogLine>,
    cancel: CancellationToken,
    mask: Mask,
    approval: Approval,
    asked: Asked,
    /// What was passed over because a person said so, in words.
    anyway: Option<String>,
}

impl Context {
    /// Makes the context of a run.
    pub fn new(
        store: Store,
        project: ProjectName,
        run: RunId,
        by: String,
        updates: mpsc::Sender<Update>,
        cancel: CancellationToken,
    ) -> Self {
        let lines = forward(updates.clone(), Mask::default());
        let (mask, approval, asked, anyway) = (Mask::default(), Approval::default(), Asked::default(), None);
        let vaults = None;
        Self { store, vaults, project, run, by, updates, lines, cancel, mask, approval, asked, anyway }
    }

    /// Returns the same context for work that has secrets: whatever it tells is told without them.
    #[must_use]
    pub fn masking(&self, mask: Mask) -> Self {
        let lines = forward(self.updates.clone(), mask.clone());
        Self { mask, lines, ..self.clone() }
    }

    /// Returns the same context for work that may need secrets.
    #[must_use]
    pub fn opening(self, vaults: &Vaults) -> Self {
        Self { vaults: Some(vaults.clone()), ..self }
    }

    /// Returns the same context for work that was asked for in this way.
    #[must_use]
    pub fn asked_for(&self, asked: &Asked) -> Self {
        Self { asked: asked.clone(), ..self.clone() }
    }

    /// Returns the same context for work that passes over something because a person said so.
    #[must_use]
    pub fn passing_over(&self, what: Option<String>) -> Self {
        Self { anyway: what, ..self.clone() }
    }

    /// Returns what the person said beside what is to be done.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Returns what was passed over because a person said so, in words.
    pub fn anyway(&self) -> Option<&str> {
        self.anyway.as_deref()
    }

    /// Returns the memory of the home.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns where secrets are kept.
    ///
    /// # Errors
    /// When the work was given none.
    pub fn vaults(&self) -> Result<&Vaults, EngineError> {
        self.vaults.as_ref().ok_or_else(|| EngineError::ours("secrets were asked for where there is no vault"))
    }

    /// Returns what is taken out of whatever is told.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Returns the project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// Returns the run's id.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns who asked: `user@host`.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Returns the token that stops the run.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Returns what somebody agrees with to what this run asks for.
    pub fn approval(&self) -> &Approval {
        &self.approval
    }

    /// Returns where lines of output go.
    pub fn lines(&self) -> &mpsc::Sender<LogLine> {
        &self.lines
    }

    /// Appends a fact and tells it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn emit(&self, body: EventBody) -> Result<(), StoreError> {
        let Some(body) = self.mask.of(body) else {
            tracing::error!("an event was not told: it cannot be without a secret in it");
            return Ok(());
        };
        let event = self.store.append(&self.project, &self.run, body)?;
        self.send(event).await;
        Ok(())
    }

    /// Tells a fact that was appended already.
    pub async fn send(&self, event: Event) {
        // Nobody may be listening any more; the fact is in the store.
        let _ = self.updates.send(Update::Event(Box::new(event))).await;
    }

    /// Tells a line of output.
    pub fn line(&self, line: LogLine) {
        let line = LogLine { text: self.mask.text(&line.text).into_owned(), ..line };
        let _ = self.updates.try_send(Update::Line(line));
    }

    /// Tells what is being done right now.
    pub fn progress(&self, stage: Stage, text: impl Into<String>) {
        let text = self.mask.text(&text.into()).into_owned();
        let _ = self.updates.try_send(Update::Progress { stage, text });
    }
}

/// Passes lines on to whoever reads updates, without the values of secrets.
fn forward(updates: mpsc::Sender<Update>, mask: Mask) -> mpsc::Sender<LogLine> {
    let (lines, mut receiver) = mpsc::channel::<LogLine>(1024);
    tokio::spawn(async move {
        while let Some(line) = receiver.recv().await {
            let line = LogLine { text: mask.text(&line.text).into_owned(), ..line };
            // A reader that is too slow loses lines, never facts.
            let _ = updates.try_send(Update::Line(line));
        }
    });
    lines
}
