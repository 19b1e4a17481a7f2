//! `nonevent notify`

use clap::Subcommand;
use nonevent_engine::model::{DeadLetter, EnvironmentName};
use nonevent_notifier::Notifier;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::paint::Tone;
use crate::session::{Session, View};
use crate::table::{Cell, Edge, Table};
use crate::words::age;
use crate::{args, help};

/// Try how people are told of incidents and rollouts, and see what could not be told
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent notify test", "show a notification, and post to every webhook of the project"),
    ("nonevent notify failed", "what no webhook took"),
]))]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell something that says nothing, everywhere
    Test {
        /// In the name of this environment
        #[arg(value_parser = args::environment, default_value = "local")]
        environment: EnvironmentName,
    },
    /// List notices that no webhook took, the newest first
    Failed,
}

/// A way by which people are told, and why it did not work, with a hint.
type Tried = (String, Option<(String, Option<String>)>);

/// Tries, or lists.
///
/// # Errors
/// When the project cannot be read.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    match args.what {
        What::Failed => {
            let letters = engine.dead_letters(&folder, 100)?;
            session.answer("notify", json!({ "failed": letters }), |view| failed(&letters, view));
            Ok(Exit::Done)
        }
        What::Test { environment } => {
            let (notice, settings, webhooks) = engine.notify_test(&folder, &environment).await?;
            let mut tried: Vec<Tried> = Vec::new();
            if settings.desktop {
                let shown = Notifier::default().show(&notice, &[], |_| {}).await;
                tried.push(("desktop".to_owned(), shown.err().map(|error| (error.to_string(), Some(error.hint())))));
            }
            for (name, taken) in webhooks {
                tried.push((format!("webhook {name}"), taken.err().map(|error| (error.to_string(), error.hint()))));
            }
            let all = tried.iter().all(|(_, error)| error.is_none());
            let ways: Vec<_> = tried
                .iter()
                .map(|(way, error)| json!({ "way": way, "ok": error.is_none(), "error": error.as_ref().map(|(error, _)| error) }))
                .collect();
            session.answer("notify", json!({ "ways": ways }), |view| ways_text(&tried, view));
            Ok(if all { Exit::Done } else { Exit::User })
        }
    }
}

fn ways_text(tried: &[Tried], view: View) -> String {
    if tried.is_empty() {
        return "nothing is told: `[notify] desktop` is false, and there is no webhook".into();
    }
    let line = |(way, error): &Tried| match error {
        None => format!("{} {way}", view.paint.tone(Tone::Good, "✓")),
        Some((error, hint)) => {
            let hint = hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            format!("{} {way}: {error}{hint}", view.paint.tone(Tone::Bad, "✗"))
        }
    };
    tried.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns notices that nobody took as a table.
pub fn failed(letters: &[DeadLetter], view: View) -> String {
    if letters.is_empty() {
        return "every webhook took what it was told".into();
    }
    let mut table = Table::new(&[("age", Edge::Right), ("webhook", Edge::Left), ("notice", Edge::Left), ("because", Edge::Left)]);
    for letter in letters {
        let because = Cell::new(Tone::Bad, letter.reason.as_str());
        table.row([
            age(&letter.at, view.now).into(),
            letter.webhook.as_str().into(),
            letter.notice.title.as_str().into(),
            because,
        ]);
    }
    table.render(view.paint)
}
