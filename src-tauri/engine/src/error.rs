//! Errors of the engine's use cases, and whose fault they are.

use crate::docker::ConnectError;
use crate::gauntlet::GauntletError;
use crate::image::ImageError;
use crate::image::dockerfile::DockerfileError;
use crate::model::{EnvironmentName, Problem};
use crate::project::ProjectError;
use crate::project::lock::LockError;
use crate::project::pins::PinsError;
use crate::rollout::RolloutError;
use crate::store::StoreError;
use crate::target::TargetError;

/// Whose fault an error is; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The user's project, environment or request (exit code 1).
    User,
    /// Nonevent's own (exit code 2).
    Ours,
    /// A person stopped it (exit code 130).
    Interrupted,
}

/// Why a use case of the engine failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", problem.message)]
pub struct EngineError {
    /// What people and programs are told.
    pub problem: Box<Problem>,
    /// Whose fault it is.
    pub fault: Fault,
}

impl EngineError {
    /// Makes an error of the user's project, environment or request.
    pub fn user(code: &str, message: impl Into<String>) -> Self {
        let problem = Problem {
            code: code.to_owned(),
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            details: Vec::new(),
            diagnosis: None,
        };
        Self { problem: Box::new(problem), fault: Fault::User }
    }

    /// Makes an error of Nonevent itself.
    pub fn ours(message: impl Into<String>) -> Self {
        Self { fault: Fault::Ours, ..Self::user("internal", message) }.with_hint("this is a fault of Nonevent: please report it")
    }

    /// Makes the error of a run that a person stopped.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self { fault: Fault::Interrupted, ..Self::user("cancelled", message) }
    }

    /// A job is not begun while a run of it goes on.
    pub fn job_runs(job: &str, environment: &EnvironmentName) -> Self {
        Self::user("job_runs", format!("another run of `{job}` goes on in {environment}"))
            .with_hint("wait for its end; `nonevent jobs` shows it")
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hints.push(hint.into());
        self
    }

    /// Adds why.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.problem.causes.push(cause.into());
        self
    }

    /// Adds what to do, when there is something.
    #[must_use]
    pub fn with_hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.problem.hints.extend(hints);
        self
    }

    /// Adds longer evidence.
    #[must_use]
    pub fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.problem.details.extend(details);
        self
    }

    /// Adds why, from an error's sources, outermost first.
    #[must_use]
    pub fn with_sources(mut self, error: &dyn std::error::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // A transparent wrapper says the same twice.
            if !self.problem.message.contains(&text) {
                self.problem.causes.push(text);
            }
            source = cause.source();
        }
        self
    }
}

impl From<crate::vault::VaultError> for EngineError {
    fn from(error: crate::vault::VaultError) -> Self {
        Self::user(error.code(), error.to_string()).with_sources(&error).with_hints(error.hints())
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::user("store", error.to_string()).with_hints(error.hint())
    }
}

impl From<ConnectError> for EngineError {
    fn from(error: ConnectError) -> Self {
        Self::user("engine_unreachable", error.to_string()).with_hints(error.hint())
    }
}

impl From<TargetError> for EngineError {
    fn from(error: TargetError) -> Self {
        RolloutError::from(error).into()
    }
}

impl From<RolloutError> for EngineError {
    fn from(error: RolloutError) -> Self {
        let fault = if matches!(error, RolloutError::Cancelled { .. }) { Fault::Interrupted } else { Fault::User };
        Self { problem: Box::new(error.problem()), fault }
    }
}

impl From<ProjectError> for EngineError {
    fn from(error: ProjectError) -> Self {
        Self { problem: Box::new(error.problem()), fault: Fault::User }
    }
}

impl From<LockError> for EngineError {
    fn from(error: LockError) -> Self {
        Self::user("lock_refused", error.to_string()).with_hints(error.hints())
    }
}

impl From<PinsError> for EngineError {
    fn from(error: PinsError) -> Self {
        Self::user("failed", error.to_string()).with_hints(error.hint())
    }
}

impl From<ImageError> for EngineError {
    fn from(error: ImageError) -> Self {
        Self::user("build_failed", error.to_string()).with_sources(&error).with_hints(error.hint())
    }
}

impl From<DockerfileError> for EngineError {
    fn from(error: DockerfileError) -> Self {
        if matches!(error, DockerfileError::Cancelled) {
            return Self::interrupted("stopped at build: what serves was not touched");
        }
        Self::user("build_failed", error.to_string()).with_hints(error.hint()).with_details(error.details().iter().cloned())
    }
}

impl From<GauntletError> for EngineError {
    fn from(error: GauntletError) -> Self {
        match error {
            GauntletError::Cancelled => Self::interrupted("stopped at gauntlet: what serves was not touched"),
            error => Self::user("failed", error.to_string()).with_hints(error.hint()),
        }
    }
}
