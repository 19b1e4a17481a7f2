//! Help that teaches: verbs in groups, examples, a first step.

use clap::builder::{StyledStr, Styles};
use clap::{Command, CommandFactory};

use crate::args::Cli;

/// The groups in which the verbs are listed. Every verb is in exactly one.
pub const GROUPS: [(&str, &[&str]); 4] = [
    ("Prove and ship", &["ship", "check", "plan", "lock"]),
    ("See", &["status", "results", "logs", "health", "open", "releases", "history", "diff", "explain"]),
    ("Act on what runs", &["rollback", "restart", "exec", "jobs", "watch", "down", "cancel", "recover", "unlock"]),
    ("Set up", &["init", "secret", "credential", "engine", "trust", "notify", "projects", "gc", "desktop", "completions", "man"]),
];

const FIRST_STEPS: [(&str, &str); 3] = [
    ("nonevent explain", "what was found out about the project in this folder"),
    ("nonevent check", "prove it: lock, image, gates; nothing is started"),
    ("nonevent ship", "bring it up on this laptop"),
];

/// The variables that are read, each with what it does.
pub const VARIABLES: [(&str, &str); 7] = [
    ("NONEVENT_HOME", "the folder of state and history, instead of the platform's"),
    ("NONEVENT_CACHE", "the folder of what can be made again, instead of the platform's"),
    ("NONEVENT_SECRET_NAME", "the value of the secret `NAME`, before any vault, as in CI"),
    ("NONEVENT_VAULT_PASSPHRASE", "the passphrase of the vault file"),
    ("NONEVENT_VAULT_KEY_FILE", "the key file of the vault file"),
    ("NONEVENT_LOG", "what Nonevent logs about itself, such as `debug`"),
    ("NO_COLOR", "no colour, unless `--color always` asks for it"),
];

/// The exit codes, each with what it says.
pub const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "it did what was asked"),
    ("1", "the project, the environment or the arguments are at fault"),
    ("2", "Nonevent is at fault"),
    ("130", "it was interrupted"),
];

/// Returns the whole command line as clap knows it.
pub fn command() -> Command {
    let command = Cli::command().styles(styles());
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}\n{options}\n{{options}}{{after-help}}",
        groups = groups(&command),
        options = heading("Options"),
    );
    command.help_template(template).after_help(first_steps()).after_long_help(long())
}

/// Returns the examples of a verb, each a command and what it is for.
pub fn examples(examples: &[(&str, &str)]) -> StyledStr {
    format!("{}\n{}", heading("Examples"), columns(examples)).into()
}

fn first_steps() -> StyledStr {
    format!(
        "{}\n{}\n\n`nonevent help VERB` tells more about each, with examples.",
        heading("First time here? In the project's folder"),
        columns(&FIRST_STEPS)
    )
    .into()
}

fn long() -> StyledStr {
    format!(
        "{}\n\n{}\n{}\n\n{}\n{}",
        first_steps().ansi(),
        heading("Variables"),
        columns(&VARIABLES),
        heading("Exit codes"),
        columns(&EXIT_CODES)
    )
    .into()
}

fn groups(command: &Command) -> String {
    let about = |verb: &&str| {
        let about = command.find_subcommand(verb).and_then(Command::get_about).map(ToString::to_string);
        (verb.to_string(), about.unwrap_or_default())
    };
    let mut text = String::new();
    for (title, verbs) in GROUPS {
        let rows: Vec<(String, String)> = verbs.iter().map(about).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(verb, about)| (verb.as_str(), about.as_str())).collect();
        text.push_str(&format!("{}\n{}\n\n", heading(title), columns_of(&rows, 11)));
    }
    text.trim_end().to_owned() + "\n"
}

fn columns(rows: &[(&str, &str)]) -> String {
    columns_of(rows, rows.iter().map(|(left, _)| left.len()).max().unwrap_or_default())
}

fn columns_of(rows: &[(&str, &str)], width: usize) -> String {
    let literal = *styles().get_literal();
    let line = |(left, right): &(&str, &str)| {
        format!("  {literal}{left}{literal:#}{}  {right}", " ".repeat(width.saturating_sub(left.len())))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn heading(text: &str) -> String {
    let header = *styles().get_header();
    format!("{header}{text}:{header:#}")
}

/// Weight instead of hue: colour is for state.
fn styles() -> Styles {
    let bold = anstyle::Style::new().bold();
    Styles::plain().header(bold).usage(bold).literal(bold)
}
