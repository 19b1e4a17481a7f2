//! What can be typed: global options and verbs. Each verb's own arguments stand in its file.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser};
use nonevent_engine::model::EnvironmentName;
use nonevent_engine::request::{Asked, WhenHeld};
use nonevent_notifier::{Address, BadAddress};

use crate::verbs::Verb;

/// Ships a Python application: proves it, builds it, rolls it out, rolls it back
#[derive(Debug, Parser)]
#[command(
    name = "nonevent",
    version,
    max_term_width = 100,
    args_override_self = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs"
)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// What is to be done.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The project's folder, instead of the current one
    #[arg(short = 'C', long = "project", value_name = "FOLDER", global = true)]
    pub project: Option<PathBuf>,
    /// Print one JSON object a line; the last one is the result
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only the result and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more: what gates and builds print; twice, what Nonevent itself logs
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colour; `NO_COLOR` is respected
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_default_value = true)]
    pub color: clap::ColorChoice,
}

/// What a person may say beside what a rollout is to do.
#[derive(Debug, Clone, Args)]
pub struct Said {
    /// Why; the history keeps it
    #[arg(short, long, value_name = "WHY")]
    pub message: Option<String>,
    /// What happens when somebody else is at work.
    #[command(flatten)]
    pub turn: Turn,
}

/// What happens when another process holds the environment.
#[derive(Debug, Clone, Args)]
pub struct Turn {
    /// Wait while another process works on the environment, instead of being refused
    #[arg(long)]
    pub wait: bool,
}

impl Said {
    /// Returns how the engine is asked.
    pub fn asked(&self) -> Asked {
        Asked { message: self.message.clone(), ..self.turn.asked() }
    }
}

impl Turn {
    /// Returns how the engine is asked.
    pub fn asked(&self) -> Asked {
        let held = match self.wait {
            true => WhenHeld::Wait,
            false => WhenHeld::Refuse,
        };
        Asked { held, ..Asked::default() }
    }
}

/// Reads the address of a screen.
///
/// # Errors
/// When it is none, with the reason in words.
pub fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error: BadAddress| error.reason.to_owned())
}

/// Reads the name of an environment, a DNS label (RFC 1123).
///
/// # Errors
/// When it is none, with the rule in words.
pub fn environment(text: &str) -> Result<EnvironmentName, String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let sound = (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-');
    match sound {
        true => Ok(EnvironmentName::new(text)),
        false => Err("an environment's name is made of a-z, 0-9 and inner hyphens, 63 characters at most".into()),
    }
}
