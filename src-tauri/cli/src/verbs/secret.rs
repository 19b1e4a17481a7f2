//! `nonevent secret`

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use nonevent_engine::mask::Secret;
use nonevent_engine::model::{EnvironmentName, OldValue, SecretReport, SecretScope, SecretSource};
use nonevent_engine::vault::{Choice, Kept};
use nonevent_engine::{Engine, EngineError};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::paint::Tone;
use crate::session::{Format, Session, View};
use crate::table::{Cell, Edge, Table};
use crate::words::age;
use crate::{args, help};

/// Keep secrets for environments and gates: in the keychain, or in an encrypted file
///
/// A value comes from a prompt, from standard input or from a command; never from an argument, where every process could read it. What
/// runs has a changed value from its next rollout on.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent secret set API_KEY", "ask for the value, for `local`"),
    ("nonevent secret set API_KEY -e production --command op", "what `op` prints, each time it is needed"),
    ("nonevent secret list", "names, environments, what lacks what"),
]))]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Keep a value, or a command that prints it
    Set {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        from: From,
    },
    /// Keep another value, and say which environments run with the old one
    Rotate {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        from: From,
    },
    /// List what is kept and what is needed; no values
    List,
    /// Forget a secret
    Unset {
        #[command(flatten)]
        which: Which,
    },
    /// Show a value, on a terminal only, after its name was typed
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Choose where secrets are kept, and bring over what is kept elsewhere
    Vault {
        /// Where
        #[arg(value_name = "WHERE")]
        place: Place,
        /// For a file: close it with the key in this file, which is made if it is not there, instead of a passphrase
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The secret: the variable that holds it
    name: String,
    /// The environment
    #[arg(short = 'e', long = "env", value_name = "ENVIRONMENT", default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
    /// For every environment that has none of its own, and for gates
    #[arg(long, conflicts_with_all = ["environment", "gauntlet"])]
    all_environments: bool,
    /// For gates
    #[arg(long, conflicts_with = "environment")]
    gauntlet: bool,
}

#[derive(Debug, clap::Args)]
struct From {
    /// Read the value from standard input, without its last line end; a pipe is read without being told
    #[arg(long, conflicts_with = "command")]
    stdin: bool,
    /// Keep a command that prints the value, instead of the value; it runs without a shell, in the project's folder
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
}

/// Where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// In the operating system's keychain
    Keychain,
    /// In an encrypted file in Nonevent's folder
    File,
}

impl Which {
    fn scope(&self) -> SecretScope {
        match (self.all_environments, self.gauntlet) {
            (true, _) => SecretScope::Every,
            (_, true) => SecretScope::Gauntlet,
            _ => SecretScope::Environment(self.environment.clone()),
        }
    }
}

/// Keeps, lists or forgets secrets.
///
/// # Errors
/// When the project cannot be read, the vault does not open, or nobody can be asked.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let engine = session.engine()?;
    match args.what {
        What::Set { which, from } => {
            let folder = session.folder()?;
            let version = keep(&engine, &folder, session, &which, &from).await?;
            let told = format!("{} is kept for {}", which.name, which.scope().title());
            session.answer("secret", json!({ "name": which.name, "scope": which.scope(), "version": version }), |_| told);
            if !engine.secrets(&folder).await?.needed.iter().any(|need| need.name == which.name) {
                session.remark(&format!(
                    "nothing is given it yet: the configuration must name it, as in `secrets = [\"{}\"]`",
                    which.name
                ));
            }
            Ok(Exit::Done)
        }
        What::Rotate { which, from } => {
            let folder = session.folder()?;
            let version = keep(&engine, &folder, session, &which, &from).await?;
            let old = engine.old_values(&folder, &which.scope(), &which.name).await?;
            let data = json!({ "name": which.name, "scope": which.scope(), "version": version, "old": old });
            session.answer("secret", data, |_| rotated(&which.name, &which.scope(), &old));
            Ok(Exit::Done)
        }
        What::List => {
            let report = engine.secrets(&session.folder()?).await?;
            session.answer("secret", json!({ "secrets": report }), |view| text(&report, view));
            Ok(Exit::Done)
        }
        What::Unset { which } => {
            engine.unset_secret(&session.folder()?, &which.scope(), &which.name).await?;
            let told = format!("{} is forgotten for {}; what runs keeps its value", which.name, which.scope().title());
            session.answer("secret", json!({ "name": which.name, "scope": which.scope() }), |_| told);
            Ok(Exit::Done)
        }
        What::Show { which } => show(&engine, session, &which).await,
        What::Vault { place, key_file } => {
            let choice = match (place, key_file) {
                (Place::Keychain, _) => Choice::Keychain,
                (Place::File, None) => Choice::Passphrase,
                (Place::File, Some(file)) => Choice::KeyFile(std::path::absolute(&file).unwrap_or(file)),
            };
            engine.choose_vault(choice.clone()).await?;
            let told = match &choice {
                Choice::Keychain => "secrets are kept in the keychain of this computer".to_owned(),
                Choice::Passphrase => {
                    format!("secrets are kept in {}; it opens with its passphrase only", engine.vault_file().display())
                }
                Choice::KeyFile(key) => format!(
                    "secrets are kept in {}; it opens with the key in {} only: keep a copy of both",
                    engine.vault_file().display(),
                    key.display()
                ),
            };
            session.answer("secret", json!({ "vault": told }), |_| told.clone());
            Ok(Exit::Done)
        }
    }
}

async fn keep(engine: &Engine, folder: &Path, session: &Session, which: &Which, from: &From) -> Result<u32, CliError> {
    let kept = match &from.command {
        Some(command) => Kept::Command(command.clone()),
        None => Kept::Value(value(session, &format!("value of {}", which.name), from.stdin)?),
    };
    Ok(engine.set_secret(folder, &which.scope(), &which.name, kept).await?)
}

/// Reads a value without showing it: from standard input where it is a pipe or was asked for, else from the terminal.
pub(super) fn value(session: &Session, prompt: &str, piped: bool) -> Result<Secret, CliError> {
    if piped || !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(CliError::Terminal)?;
        let end = text.trim_end_matches(['\r', '\n']).len();
        // A key of several lines keeps its line end.
        let several = text.get(..end).is_some_and(|text| text.contains('\n'));
        let secret = Secret::new(if several { text.as_str() } else { text.get(..end).unwrap_or_default() });
        drop(Secret::new(text));
        return Ok(secret);
    }
    if session.asker.is_none() {
        return Err(CliError::Engine(
            EngineError::user("nobody_to_ask", format!("the {prompt} must be typed, and nobody can be asked here"))
                .with_hint("pipe it in, or leave out `--json`"),
        ));
    }
    let typed = dialoguer::Password::new().with_prompt(prompt).allow_empty_password(true).interact();
    Ok(Secret::new(typed.map_err(|dialoguer::Error::IO(error)| CliError::unanswered(error))?))
}

async fn show(engine: &Engine, session: &mut Session, which: &Which) -> Result<Exit, CliError> {
    let folder = session.folder()?;
    let terminal = std::io::stdout().is_terminal() && session.format == Format::Human;
    let Some(asker) = session.asker.as_deref_mut().filter(|_| terminal) else {
        return Err(CliError::Engine(
            EngineError::user("secret_hidden", "a value is shown on a terminal only")
                .with_hint("`nonevent secret list` shows what is kept"),
        ));
    };
    let typed = asker.ask(&format!("the value of {0} will be on the screen; type `{0}` to go on", which.name));
    if typed.map_err(CliError::unanswered)?.trim() != which.name {
        return Err(CliError::Declined);
    }
    let value = engine.reveal_secret(&folder, &which.scope(), &which.name).await?;
    session.out.line(value.reveal());
    Ok(Exit::Done)
}

/// Says which environments run with the old value, and what replaces it.
pub fn rotated(name: &str, scope: &SecretScope, old: &[OldValue]) -> String {
    let mut lines = vec![format!("{name} is kept anew for {}", scope.title())];
    for one in old {
        lines.push(match &one.unknown {
            None => format!("{0} runs with the old value until `nonevent restart {0}`, or its next ship", one.environment),
            Some(why) => format!("whether {} runs with the old value is not known: {why}", one.environment),
        });
    }
    if old.is_empty() {
        lines.push("nothing runs with the old value".to_owned());
    }
    lines.join("\n")
}

/// Returns what is kept and needed, as people read it.
pub fn text(report: &SecretReport, view: View) -> String {
    let mut blocks = Vec::new();
    let vault = &report.vault;
    let mut place = format!("kept in {}", vault.place);
    if !vault.chosen {
        place.push_str(" (unless `nonevent secret vault file` says otherwise)");
    }
    if let Some(closed) = &vault.closed {
        place.push_str(&format!("\n{}", view.paint.tone(Tone::Bad, &format!("✗ {closed}; below is what is remembered of it"))));
    }
    blocks.push(place);
    if !report.kept.is_empty() {
        let mut table = Table::new(&[
            ("secret", Edge::Left),
            ("for", Edge::Left),
            ("is", Edge::Left),
            ("version", Edge::Right),
            ("changed", Edge::Right),
            ("by", Edge::Left),
        ]);
        for entry in &report.kept {
            table.row([
                entry.name.as_str().into(),
                entry.scope.title().into(),
                if entry.source == SecretSource::Command { "a command" } else { "a value" }.into(),
                entry.version.to_string().into(),
                age(&entry.changed_at, view.now).into(),
                entry.by.as_str().into(),
            ]);
        }
        blocks.push(table.render(view.paint));
    }
    if !report.needed.is_empty() {
        let mut table = Table::new(&[("needed by", Edge::Left), ("secret", Edge::Left), ("comes from", Edge::Left)]);
        for need in &report.needed {
            table.row([
                need.scope.title().into(),
                need.name.as_str().into(),
                match need.source {
                    SecretSource::Variable => Cell::new(Tone::Good, format!("✓ NONEVENT_SECRET_{}", need.name)),
                    SecretSource::Value => Cell::new(Tone::Good, "✓ the vault"),
                    SecretSource::Command => Cell::new(Tone::Good, "✓ a command that the vault keeps"),
                    SecretSource::Configuration => Cell::new(Tone::Good, "✓ a command of the configuration"),
                    SecretSource::Missing => {
                        Cell::new(Tone::Bad, format!("✗ nowhere: `nonevent secret set {} {}`", need.name, need.scope.option()))
                    }
                },
            ]);
        }
        blocks.push(table.render(view.paint));
    }
    if report.kept.is_empty() && report.needed.is_empty() {
        blocks.push("nothing is kept, and the configuration names no secrets".to_owned());
    }
    blocks.join("\n\n")
}
