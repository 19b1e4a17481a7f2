//! What comes out of instances: lines that were printed, and commands that go on in one.

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{Place, Target, TargetError};
use crate::model::{Instance, InstanceId, LogLine, LogStream};

/// Where a target's lines of output go; a reader that is too slow loses lines, never facts.
pub type LineSink = mpsc::Sender<LogLine>;

/// Which lines of output to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only this instance; all of the environment otherwise.
    pub instance: Option<InstanceId>,
    /// The last lines of each instance only.
    pub tail: Option<u32>,
    /// Whether to go on reading what is printed from now on, instances that start later included.
    pub follow: Follow,
}

/// Whether reading goes on after what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Follow {
    /// It ends.
    #[default]
    Stop,
    /// It goes on until the reader goes.
    Follow,
}

/// Whether `exec` attaches a terminal and standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Only output is read.
    None,
    /// Standard input is sent too.
    Input,
    /// A terminal of this many columns and rows.
    Attached {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
}

/// A command that goes on in an instance.
#[derive(Debug)]
pub struct Session {
    /// What it prints: raw bytes, standard error marked. A terminal knows only standard output.
    pub output: mpsc::Receiver<(LogStream, Vec<u8>)>,
    /// What it reads; drop it to close its input.
    pub input: Option<mpsc::Sender<Vec<u8>>>,
    /// New columns and rows of its terminal.
    pub resize: Option<mpsc::Sender<(u16, u16)>>,
    /// Its exit code.
    pub exit: oneshot::Receiver<Result<i64, TargetError>>,
}

/// Reads the last lines of an instance that has stopped, before it is removed. It is removed all the same when that goes wrong, which is told.
#[async_trait]
pub trait Keeper: Send + Sync + std::fmt::Debug {
    /// Reads on in both streams to their ends.
    ///
    /// # Errors
    /// In words, when not all of it is kept.
    async fn keep(&self, target: &dyn Target, place: &Place, instance: &Instance) -> Result<(), String>;
}
