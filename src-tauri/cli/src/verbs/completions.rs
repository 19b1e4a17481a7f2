//! `nonevent completions`

use clap::ValueEnum;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent completions bash > ~/.local/share/bash-completion/completions/nonevent", "bash"),
    ("nonevent completions zsh > \"${fpath[1]}/_nonevent\"", "zsh"),
    ("nonevent completions fish > ~/.config/fish/completions/nonevent.fish", "fish"),
]))]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// A shell that completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash
    Bash,
    /// Zsh
    Zsh,
    /// fish
    Fish,
}

/// Prints the script.
///
/// # Errors
/// None of its own.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let script = script(args.shell);
    session.answer("completions", json!({ "script": script }), |_| script.trim_end().to_owned());
    Ok(Exit::Done)
}

fn script(shell: Shell) -> String {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut help::command(), "nonevent", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
