//! Why a project cannot be read, and what to do about it.

use std::path::{Path, PathBuf};

use super::place::slashed;
use super::{At, Candidate};
use crate::model::Problem;

/// Why a project cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// Nothing in the folder, or above it, makes it a Python project.
    #[error(
        "`{}` is no Python project: there is no `pyproject.toml`, no `requirements.txt` and no `nonevent.toml`",
        slashed(folder)
    )]
    NotAProject {
        /// The folder that was asked for.
        folder: PathBuf,
        /// Folders in it that are projects.
        below: Vec<String>,
    },
    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {reason}", slashed(path))]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A TOML file is not TOML.
    #[error("`{}` is not valid TOML: line {line}, column {column}: {message}", slashed(file))]
    Syntax {
        /// The file, relative to the project.
        file: PathBuf,
        /// From 1.
        line: u32,
        /// In characters, from 1.
        column: u32,
        /// What the parser says.
        message: String,
        /// The line and a caret under the column.
        excerpt: String,
    },
    /// A YAML file is not YAML, or holds more than it may.
    #[error("cannot read `{}`: line {}, column {column}: {message}", slashed(&at.file), at.line)]
    Yaml {
        /// Where.
        at: At,
        /// In characters, from 1.
        column: u32,
        /// What the parser says.
        message: String,
    },
    /// Two places configure the project.
    #[error("both `{}` and `[tool.nonevent]` ({second}) configure the project", slashed(first))]
    BothConfigurations {
        /// `nonevent.toml`.
        first: PathBuf,
        /// Where `[tool.nonevent]` stands.
        second: At,
    },
    /// A key of the configuration means nothing.
    #[error("unknown key `{key}` ({at})")]
    UnknownKey {
        /// Where it stands.
        at: At,
        /// The dotted key.
        key: String,
        /// The dotted key that may have been meant.
        suggestion: Option<String>,
        /// The keys that may stand there, or why this one may not.
        note: String,
    },
    /// A value has the wrong type.
    #[error("`{key}` is {found}, not {expected} ({at})")]
    WrongType {
        /// Where it stands.
        at: At,
        /// The dotted key.
        key: String,
        /// What it must be, with its article.
        expected: String,
        /// What it is, with its article.
        found: &'static str,
        /// A line that would be right.
        example: String,
    },
    /// A value has the right type and makes no sense.
    #[error("`{key}` cannot be {value}: {reason} ({at})")]
    BadValue {
        /// Where it stands.
        at: At,
        /// The dotted key.
        key: String,
        /// The value as TOML.
        value: Box<str>,
        /// Why it makes no sense.
        reason: String,
        /// What would.
        hint: String,
    },
    /// A key that must be there is not.
    #[error("`{key}` is missing ({at})")]
    MissingKey {
        /// Where its table stands.
        at: At,
        /// The dotted key.
        key: String,
        /// A line that would be right.
        example: String,
    },
    /// Two values contradict each other.
    #[error("{message} ({at})")]
    Contradiction {
        /// Where the second one stands.
        at: At,
        /// What contradicts what.
        message: String,
        /// How to resolve it.
        hint: String,
    },
    /// A name is used that nothing defines.
    #[error("`{key}` names the {kind} `{name}`, which does not exist ({at})")]
    UnknownName {
        /// Where it stands.
        at: At,
        /// The dotted key.
        key: String,
        /// `service`, `environment`, `gate`, `extra`, `group`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Environments or gates wait for each other.
    #[error("{} wait for each other: {} ({at})", what, path.join(" → "))]
    Cycle {
        /// Where the first one stands.
        at: At,
        /// `environments` or `gates`.
        what: &'static str,
        /// The names, the first one again at the end.
        path: Vec<String>,
    },
    /// A requirement is none.
    #[error("`{requirement}` is no requirement ({at}): {reason}")]
    BadRequirement {
        /// Where it stands.
        at: At,
        /// The text.
        requirement: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More than one thing could be the app.
    #[error("{} things could be the app: {}", candidates.len(), list(candidates))]
    TwoCandidates {
        /// All of them.
        candidates: Vec<Candidate>,
    },
    /// A person chose an entry that does not exist.
    #[error("nothing here is called `{entry}`")]
    UnknownChoice {
        /// What was chosen.
        entry: String,
        /// What there is.
        candidates: Vec<Candidate>,
    },
    /// Nothing could be the app.
    #[error("found nothing to run in `{}`: {reason}", slashed(folder))]
    NothingToRun {
        /// The project.
        folder: PathBuf,
        /// What was looked for.
        reason: String,
        /// The members of the uv workspace whose root this is.
        members: Vec<String>,
    },
    /// The app needs a server, and no known one is among the dependencies.
    #[error("`{entry}` ({at}) needs {interface} server, and none is among the dependencies")]
    NoServer {
        /// The app.
        entry: String,
        /// Where it stands.
        at: At,
        /// `an ASGI` or `a WSGI`.
        interface: &'static str,
        /// The command or change that adds one.
        remedy: String,
    },
    /// Nothing gives the project a usable name.
    #[error("the project has no name that can be part of a host name")]
    NoName {
        /// What was tried.
        tried: String,
    },
    /// No Python is both known and allowed.
    #[error("no Python version satisfies `requires-python = \"{requires}\"` ({at})")]
    NoPython {
        /// The specifiers.
        requires: String,
        /// Where they stand.
        at: At,
    },
    /// `nonevent init` was asked for where `pyproject.toml` holds the configuration.
    #[error("the project is configured in `[tool.nonevent]` ({at})")]
    ConfiguredInManifest {
        /// Where the table stands.
        at: At,
    },
}

fn list(candidates: &[Candidate]) -> String {
    let names: Vec<_> = candidates.iter().map(|candidate| format!("`{}` ({})", candidate.entry, candidate.at)).collect();
    names.join(", ")
}

fn backticked(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl ProjectError {
    /// Returns what to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAProject { below, .. } if !below.is_empty() => format!("go to one of the projects in it: {}", backticked(below)),
            Self::NotAProject { .. } => "go to a project's folder, or begin one here with `uv init`".into(),
            Self::Unreadable { .. } => return None,
            Self::Syntax { file, line, .. } => format!("mend line {line} of `{}`", slashed(file)),
            Self::Yaml { at, .. } => format!("mend line {} of `{}`", at.line, slashed(&at.file)),
            Self::BothConfigurations { first, second } => {
                format!("keep one: move the keys of `[tool.nonevent]` ({second}) to `{}`, or the other way round", slashed(first))
            }
            Self::UnknownKey { suggestion: Some(suggestion), .. } => format!("did you mean `{suggestion}`?"),
            Self::UnknownKey { note, .. } => note.clone(),
            Self::WrongType { example, .. } | Self::MissingKey { example, .. } => format!("write `{example}`"),
            Self::BadValue { hint, .. } | Self::Contradiction { hint, .. } => hint.clone(),
            Self::UnknownName { kind, known, .. } if known.is_empty() => format!("the project defines no {kind}"),
            Self::UnknownName { name, known, .. } => match super::names::closest(name, known.iter().map(String::as_str)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are {}", backticked(known)),
            },
            Self::Cycle { .. } => "let one of them wait for nothing".into(),
            Self::BadRequirement { .. } => "write it as `name>=1.2` (PEP 508)".into(),
            Self::TwoCandidates { .. } => "write the lines of one of them into `nonevent.toml`".into(),
            Self::UnknownChoice { candidates, .. } => format!("there are {}", list(candidates)),
            Self::NothingToRun { members, .. } if !members.is_empty() => {
                format!("this is the root of a uv workspace; go to one of its members: {}", backticked(members))
            }
            Self::NothingToRun { .. } => {
                "say what to run in `nonevent.toml`, under `[app]`: `command = [\"python\", \"-m\", \"shop\"]`, and `port = 8000` if it receives requests"
                    .into()
            }
            Self::NoServer { remedy, .. } => remedy.clone(),
            Self::NoName { tried } => {
                format!("{tried}; give it one of small letters, digits and hyphens in `nonevent.toml`, under `[app]`: `name = \"shop\"`")
            }
            Self::NoPython { .. } => "widen it, or name an image in `nonevent.toml`, under `[build]`: `base = \"python:3.13-slim\"`".into(),
            Self::ConfiguredInManifest { .. } => "add keys there; `nonevent explain` prints every value".into(),
        })
    }

    /// Returns longer evidence: the line with the mistake, or every candidate with the line that would choose it.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Syntax { excerpt, .. } => excerpt.lines().map(str::to_owned).collect(),
            Self::TwoCandidates { candidates } => candidates
                .iter()
                .flat_map(|candidate| {
                    let lines = candidate.configuration.lines().map(|line| format!("    {line}"));
                    std::iter::once(format!("{}: {}", candidate.at, candidate.source)).chain(lines).collect::<Vec<_>>()
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the error in the shape in which programs and people are told.
    pub fn problem(&self) -> Problem {
        Problem {
            code: if matches!(self, Self::TwoCandidates { .. }) { "two_candidates" } else { "failed" }.into(),
            message: self.to_string(),
            causes: Vec::new(),
            hints: self.hint().into_iter().collect(),
            details: self.details(),
            diagnosis: None,
        }
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }
}

/// Something about a project that a person should know and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// What is the case.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Warning {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}
