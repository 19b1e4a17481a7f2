//! What can go wrong in the command line itself, beside what the engine says.

use std::io;
use std::path::PathBuf;

use nonevent_engine::model::{EnvironmentName, Problem};
use nonevent_engine::{EngineError, Fault};

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments make no sense.
    #[error("{}", .0.message)]
    Usage(Box<Problem>),
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Neither a variable nor the platform names a folder.
    #[error("no folder is known in which to keep state and caches")]
    NoHome {
        /// The variable that would name it.
        variable: &'static str,
    },
    /// The project's folder is not there.
    #[error("`{}` is no folder", folder.display())]
    NoFolder {
        /// What was given.
        folder: PathBuf,
    },
    /// A question must be answered, and nobody can.
    #[error("{question}, and nobody can be asked here")]
    NobodyToAsk {
        /// What is to be answered, as a statement.
        question: String,
    },
    /// What was typed is not what was asked for.
    #[error("`{typed}` is not `{expected}`; nothing was done")]
    NotConfirmed {
        /// What was typed.
        typed: String,
        /// What was asked for.
        expected: EnvironmentName,
    },
    /// The answer was no.
    #[error("nothing was done")]
    Declined,
    /// A lock would be taken from a process that lives, and nobody can be asked.
    #[error("{owner} still works on {environment}, and nobody can be asked here")]
    StillWorks {
        /// Who holds the lock.
        owner: String,
        /// The environment.
        environment: EnvironmentName,
    },
    /// No job was named.
    #[error("`nonevent jobs run` needs the name of a job")]
    NoJob,
    /// A job did not do its work.
    #[error("{why}")]
    JobFailed {
        /// Its name.
        job: String,
        /// How it ended.
        why: String,
    },
    /// Commands that change whom the computer trusts failed.
    #[error("not everything was changed: {}", failures.join("; "))]
    NotTrusted {
        /// Each with its command.
        failures: Vec<String>,
    },
    /// A person stopped it.
    #[error("stopped")]
    Stopped,
    /// A run ended without saying how.
    #[error("the run ended without saying how")]
    RunVanished,
    /// A question could not be put.
    #[error("the terminal cannot be read")]
    Terminal(#[source] io::Error),
    /// `exec -t` without a terminal.
    #[error("`-t` needs a terminal, and standard input or output is none")]
    NoTerminal,
    /// No setting bears this key.
    #[error("there is no setting `{key}`")]
    NoSetting {
        /// The key that was asked for.
        key: String,
        /// The nearest key that there is.
        near: Option<String>,
    },
    /// No gate of that run bears this name.
    #[error("there is no gate `{gate}` among these results")]
    NoGate {
        /// The name that was asked for.
        gate: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The window's binary is not there.
    #[error("the window, `{binary}`, is not installed")]
    NoWindow {
        /// Its name.
        binary: &'static str,
        /// The folder of this executable, where it was looked for first.
        beside: Option<PathBuf>,
    },
    /// A program could not be started.
    #[error("`{program}` cannot be started")]
    CannotStart {
        /// Its name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Output could not be written.
    #[error("the output cannot be written{}", file.as_ref().map(|f| format!(" to `{}`", f.display())).unwrap_or_default())]
    CannotWrite {
        /// The file, when it is not standard output.
        file: Option<PathBuf>,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process could not be set up.
    #[error("the process cannot be set up")]
    Setup(#[source] io::Error),
}

impl CliError {
    /// A question was put and not answered.
    pub(crate) fn unanswered(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::Interrupted => Self::Stopped,
            _ => Self::Terminal(error),
        }
    }

    /// Returns what a person can do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Usage(problem) => problem.hints.clone(),
            Self::Engine(error) => error.problem.hints.clone(),
            Self::NoHome { variable } => vec![format!("set `{variable}` to a folder of yours")],
            Self::NoFolder { .. } => vec!["give the project's folder with `-C`, or go there first".into()],
            Self::NobodyToAsk { .. } => vec!["give `--yes` if you are sure".into()],
            Self::NotConfirmed { expected, .. } => {
                vec![format!("run it again and type `{expected}`, or give `--yes` where nobody can be asked")]
            }
            Self::StillWorks { .. } => {
                vec!["wait until it is done, or stop it with `--force`: whatever it does next is refused".into()]
            }
            Self::NoJob => vec!["`nonevent jobs` lists them".into()],
            Self::JobFailed { job, .. } => vec![format!("`nonevent jobs log {job}` shows its last lines again")],
            Self::NoTerminal => vec!["leave out `-t`; `-i` alone sends standard input".into()],
            Self::NoSetting { near, .. } => near
                .iter()
                .map(|near| format!("did you mean `{near}`?"))
                .chain(["`nonevent explain` lists every setting".into()])
                .collect(),
            Self::NoGate { known, .. } => vec![format!("there are: {}", known.join(", "))],
            Self::NoWindow { .. } => {
                vec!["install it beside `nonevent` or on `PATH`; every verb works without it".into()]
            }
            Self::RunVanished => {
                vec!["run `nonevent status` to see what serves, and again with `NONEVENT_LOG=debug` to see why".into()]
            }
            Self::CannotWrite { .. } => vec!["look at the free space and the permissions there".into()],
            Self::NotTrusted { .. } => {
                vec!["what the command printed above says why; run it by hand, then run this again".into()]
            }
            Self::Declined | Self::Stopped | Self::Terminal(_) | Self::CannotStart { .. } | Self::Setup(_) => Vec::new(),
        }
    }

    /// Returns whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Engine(error) => error.fault,
            Self::Stopped => Fault::Interrupted,
            Self::RunVanished | Self::Setup(_) => Fault::Ours,
            Self::Usage(_)
            | Self::NoHome { .. }
            | Self::NoFolder { .. }
            | Self::NobodyToAsk { .. }
            | Self::NotConfirmed { .. }
            | Self::Declined
            | Self::NoJob
            | Self::JobFailed { .. }
            | Self::StillWorks { .. }
            | Self::NotTrusted { .. }
            | Self::Terminal(_)
            | Self::NoTerminal
            | Self::NoSetting { .. }
            | Self::NoGate { .. }
            | Self::NoWindow { .. }
            | Self::CannotStart { .. }
            | Self::CannotWrite { .. } => Fault::User,
        }
    }

    /// Returns the error as people and programs are told.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Usage(problem) => (**problem).clone(),
            Self::Engine(error) => (*error.problem).clone(),
            _ => Problem {
                code: "failed".into(),
                message: self.to_string(),
                causes: self.causes(),
                hints: self.hints(),
                details: Vec::new(),
                diagnosis: None,
            },
        }
    }

    fn causes(&self) -> Vec<String> {
        match self {
            Self::NoWindow { beside: Some(folder), .. } => {
                vec![format!("it is neither in `{}` nor on `PATH`", folder.display())]
            }
            _ => {
                std::iter::successors(std::error::Error::source(self), |error| error.source()).map(ToString::to_string).collect()
            }
        }
    }
}
