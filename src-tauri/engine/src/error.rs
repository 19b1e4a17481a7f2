//! Errors of the engine's use cases, and whose fault they are.

use crate::model::Problem;

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
