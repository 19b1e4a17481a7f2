//! Questions before something that cannot be taken back.

use std::io;

use nonevent_engine::model::EnvironmentName;

use crate::error::CliError;

/// Somebody who can be asked.
pub trait Ask {
    /// Puts a question and returns what was typed.
    ///
    /// # Errors
    /// `Interrupted` when the person stopped it, anything else when the terminal cannot be read.
    fn ask(&mut self, question: &str) -> io::Result<String>;
}

/// The person at the terminal.
#[derive(Debug)]
pub struct Person;

impl Ask for Person {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        let answer = dialoguer::Input::<String>::new().with_prompt(question).allow_empty(true).interact();
        answer.map_err(|dialoguer::Error::IO(error)| error)
    }
}

/// Whether a person agreed beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// `--yes` was given.
    Given,
    /// It must be asked for.
    Wanted,
}

impl Consent {
    /// Reads `--yes`.
    pub fn from_flag(yes: bool) -> Self {
        match yes {
            true => Self::Given,
            false => Self::Wanted,
        }
    }
}

/// Has the environment's name typed, after saying why.
///
/// # Errors
/// When nobody can be asked, when something else was typed, or when the person stopped it.
pub fn by_name(
    asker: Option<&mut (dyn Ask + 'static)>,
    environment: &EnvironmentName,
    why: &str,
    consent: Consent,
) -> Result<(), CliError> {
    if consent == Consent::Given {
        return Ok(());
    }
    let Some(asker) = asker else { return Err(CliError::NobodyToAsk { question: why.to_owned() }) };
    let typed = asker.ask(&format!("{why}; type `{environment}` to go on")).map_err(|error| match error.kind() {
        io::ErrorKind::Interrupted => CliError::Stopped,
        _ => CliError::Terminal(error),
    })?;
    match typed.trim() == environment.as_str() {
        true => Ok(()),
        false => Err(CliError::NotConfirmed { typed: typed.trim().to_owned(), expected: environment.clone() }),
    }
}
