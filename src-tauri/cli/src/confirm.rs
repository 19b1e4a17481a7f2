//! Questions: before something that cannot be taken back, and where more than one thing could be meant.

use std::io;

use nonevent_engine::mask::Secret;
use nonevent_engine::model::EnvironmentName;
use nonevent_engine::project::{Candidate, Choice};
use nonevent_engine::vault::Passphrase;

use crate::error::CliError;

/// Somebody who can be asked.
pub trait Ask {
    /// Puts a question and returns what was typed.
    ///
    /// # Errors
    /// `Interrupted` when the person stopped it, anything else when the terminal cannot be read.
    fn ask(&mut self, question: &str) -> io::Result<String>;

    /// Has one of several things chosen and returns its place among them.
    ///
    /// # Errors
    /// As [`Ask::ask`].
    fn choose(&mut self, question: &str, among: &[String]) -> io::Result<usize>;
}

/// The person at the terminal.
#[derive(Debug)]
pub struct Person;

impl Ask for Person {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        let answer = dialoguer::Input::<String>::new().with_prompt(question).allow_empty(true).interact();
        answer.map_err(|dialoguer::Error::IO(error)| error)
    }

    fn choose(&mut self, question: &str, among: &[String]) -> io::Result<usize> {
        let chosen = dialoguer::Select::new().with_prompt(question).items(among).default(0).interact();
        chosen.map_err(|dialoguer::Error::IO(error)| error)
    }
}

/// Has the passphrase of the vault file typed, unseen; a new one twice.
///
/// # Errors
/// `Interrupted` when the person stopped it, anything else when the terminal cannot be read.
pub fn passphrase(what: Passphrase<'_>) -> io::Result<Secret> {
    let prompt = match what {
        Passphrase::Open(file) => format!("passphrase of {}", file.display()),
        Passphrase::New(file) => format!("new passphrase of {}", file.display()),
    };
    let question = dialoguer::Password::new().with_prompt(prompt);
    let question = match what {
        Passphrase::Open(_) => question,
        Passphrase::New(_) => question.with_confirmation("once more", "the two are not the same"),
    };
    question.interact().map(Secret::new).map_err(|dialoguer::Error::IO(error)| error)
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
    let typed = asker.ask(&format!("{why}; type `{environment}` to go on")).map_err(CliError::unanswered)?;
    match typed.trim() == environment.as_str() {
        true => Ok(()),
        false => Err(CliError::NotConfirmed { typed: typed.trim().to_owned(), expected: environment.clone() }),
    }
}

/// Asks whether to do something.
///
/// # Errors
/// When nobody can be asked, when the answer is no, or when the person stopped it.
pub fn yes(asker: Option<&mut (dyn Ask + 'static)>, what: &str, consent: Consent) -> Result<(), CliError> {
    if consent == Consent::Given {
        return Ok(());
    }
    let Some(asker) = asker else { return Err(CliError::NobodyToAsk { question: format!("it must be said whether to {what}") }) };
    let typed = asker.ask(&format!("{what}? type `yes` to go on")).map_err(CliError::unanswered)?;
    match typed.trim() {
        "yes" | "y" => Ok(()),
        _ => Err(CliError::Declined),
    }
}

/// Has one of several things that could be the app chosen.
///
/// # Errors
/// When the person stopped it.
pub fn which_app(asker: &mut dyn Ask, candidates: &[Candidate]) -> Result<Choice, CliError> {
    let width = candidates.iter().map(|candidate| candidate.entry.len()).max().unwrap_or_default();
    let line = |one: &Candidate| format!("{:width$}  {}, {}", one.entry, one.framework.title(), one.at);
    let lines: Vec<String> = candidates.iter().map(line).collect();
    let chosen = asker.choose("More than one thing could be the app. Which is it?", &lines).map_err(CliError::unanswered)?;
    let entry = candidates.get(chosen).map(|candidate| candidate.entry.clone()).ok_or(CliError::Stopped)?;
    Ok(Choice { entry })
}
