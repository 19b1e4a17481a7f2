//! What a verb works with: where it prints, how, for which project, and whom it may ask.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use console::Term;
use jiff::Timestamp;
use nonevent_engine::model::EnvironmentName;
use nonevent_engine::{Engine, EngineError, project, request};
use serde_json::Value;

use crate::args::Global;
use crate::confirm::{self, Ask, Consent, Person};
use crate::error::CliError;
use crate::out::Out;
use crate::paint::Paint;
use crate::tell::{HumanTeller, JsonTeller, Lines, Paper, Teller};
use crate::{home, json};

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A person.
    Human,
    /// A program: one JSON object a line.
    Json,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The result and errors.
    Quiet,
    /// Stages, gates and steps.
    Normal,
    /// What gates and builds print, too.
    Lines,
    /// What Nonevent itself logs, too.
    Log,
}

/// What an answer needs to know about who reads it.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Whether there is colour.
    pub paint: Paint,
    /// How much is told.
    pub detail: Detail,
    /// The columns of the terminal, when it is one.
    pub width: Option<usize>,
    /// The present, for ages.
    pub now: Timestamp,
}

/// What a verb works with.
pub struct Session {
    /// Where data goes.
    pub out: Out,
    /// Where everything else goes.
    pub err: Out,
    /// Who reads.
    pub format: Format,
    /// How much is told.
    pub detail: Detail,
    /// Somebody who can be asked, when there is anybody.
    pub asker: Option<Box<dyn Ask>>,
    paints: (Paint, Paint),
    folder: PathBuf,
}

impl Session {
    /// Sets a session up for this process.
    pub fn new(global: &Global) -> Self {
        let format = match global.json {
            true => Format::Json,
            false => Format::Human,
        };
        let detail = match (global.quiet, global.verbose) {
            (true, _) => Detail::Quiet,
            (false, 0) => Detail::Normal,
            (false, 1) => Detail::Lines,
            (false, _) => Detail::Log,
        };
        let interactive = format == Format::Human && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            out: Out::stdout(),
            err: Out::stderr(),
            format,
            detail,
            asker: interactive.then(|| Box::new(Person) as Box<dyn Ask>),
            paints: (paint_of(&io::stdout()), paint_of(&io::stderr())),
            folder: global.project.clone().unwrap_or_else(|| PathBuf::from(".")),
        }
    }

    /// Opens the engine on this laptop's home.
    ///
    /// # Errors
    /// When there is no place for it, or it cannot be opened.
    pub fn engine(&self) -> Result<Engine, CliError> {
        let engine = Engine::open(home::resolve(|name| std::env::var_os(name))?)?;
        if self.asker.is_some() {
            engine.ask_passphrase_with(std::sync::Arc::new(confirm::passphrase));
        }
        Ok(engine)
    }

    /// Returns the project's folder, absolute. Where more than one thing in it could be the app, a person who can be asked chooses,
    /// and `nonevent.toml` says so from then on.
    ///
    /// # Errors
    /// When there is no such folder, or the person stopped it.
    pub fn folder(&mut self) -> Result<PathBuf, CliError> {
        let folder = match self.folder.canonicalize() {
            Ok(folder) if folder.is_dir() => folder,
            _ => return Err(CliError::NoFolder { folder: self.folder.clone() }),
        };
        if let Some(asker) = self.asker.as_deref_mut() {
            // A project that cannot be read has no candidates here: the verb itself says what is wrong.
            let candidates = project::Project::candidates(&folder).unwrap_or_default();
            if !candidates.is_empty() {
                let choice = confirm::which_app(asker, &candidates)?;
                let file = project::init_with(&folder, &choice).map_err(EngineError::from)?.path;
                self.remark(&format!("wrote {}", file.display()));
            }
        }
        Ok(folder)
    }

    /// Has the name of a protected environment typed.
    ///
    /// # Errors
    /// When it is not confirmed, or the project cannot be read.
    pub fn confirm_protected(
        &mut self,
        engine: &Engine,
        folder: &Path,
        environment: &EnvironmentName,
        consent: Consent,
    ) -> Result<(), CliError> {
        if consent == Consent::Wanted && engine.is_protected(folder, environment)? {
            let why = format!("{environment} is protected");
            confirm::by_name(self.asker.as_deref_mut(), environment, &why, consent)?;
        }
        Ok(())
    }

    /// Returns what a run does when it cannot promise that no request is lost.
    pub fn consent(&self, consent: Consent) -> request::Consent {
        match (consent, &self.asker) {
            (Consent::Given, _) => request::Consent::Given,
            (Consent::Wanted, Some(_)) => request::Consent::Ask,
            (Consent::Wanted, None) => request::Consent::Refuse,
        }
    }

    /// Returns what an answer on standard output needs to know.
    pub fn view(&self) -> View {
        let width = Term::stdout().size_checked().map(|(_, columns)| columns.into());
        View { paint: self.paints.0, detail: self.detail, width, now: Timestamp::now() }
    }

    /// Prints a verb's answer: a text for people, or one object for programs.
    pub fn answer(&mut self, verb: &str, value: Value, human: impl FnOnce(View) -> String) {
        match self.format {
            Format::Json => self.out.line(&json::success(Timestamp::now(), verb, value)),
            Format::Human => {
                let text = human(self.view());
                self.out.line(&text)
            }
        };
    }

    /// Says something beside the answer, to people only.
    pub fn remark(&mut self, text: &str) {
        if self.format == Format::Human && self.detail > Detail::Quiet {
            self.err.line(text);
        }
    }

    /// Tells whether this process is a step of a workflow that reads commands in its output.
    pub fn in_workflow(&self) -> bool {
        std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
    }

    /// Returns whoever tells about a run.
    pub fn teller(&self, verb: &'static str) -> Box<dyn Teller> {
        let lines = match self.detail {
            Detail::Quiet | Detail::Normal => Lines::Kept,
            Detail::Lines | Detail::Log => Lines::Shown,
        };
        match self.format {
            Format::Json => Box::new(JsonTeller::new(Out::stdout(), verb, lines)),
            Format::Human => {
                let width = Term::stderr().size_checked().map(|(_, columns)| columns.into());
                Box::new(HumanTeller::new(self.paper(), Out::stdout(), self.paints, lines).within(width))
            }
        }
    }

    /// The log and a moving picture would write over each other, so that the former excludes the latter.
    fn paper(&self) -> Paper {
        match self.detail {
            Detail::Quiet => Paper::silent(),
            Detail::Normal | Detail::Lines if io::stderr().is_terminal() => Paper::terminal(),
            Detail::Normal | Detail::Lines | Detail::Log => Paper::plain(Out::stderr()),
        }
    }
}

fn paint_of(stream: &impl anstream::stream::RawStream) -> Paint {
    anstream::AutoStream::choice(stream).into()
}
