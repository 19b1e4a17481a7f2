//! How the process ends: the codes that scripts rely on.

use std::process::ExitCode;

use nonevent_engine::Fault;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked (0).
    Done,
    /// The user's project, environment or request is at fault (1).
    User,
    /// Nonevent is at fault (2).
    Ours,
    /// A person stopped it (130).
    Interrupted,
    /// The command that `exec` ran ended with this code.
    Command(u8),
}

impl Exit {
    /// Returns the number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::User => 1,
            Self::Ours => 2,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }
}

impl From<Fault> for Exit {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::User => Self::User,
            Fault::Ours => Self::Ours,
            Fault::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
