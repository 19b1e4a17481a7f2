//! `nonevent gc`

use nonevent_engine::request::{Garbage, Sweep};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::{Session, View};
use crate::table::{Edge, Table};
use crate::words::bytes;

/// Remove what Nonevent made and no longer needs; data is never touched
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent gc --dry-run", "what would go, with its bytes"),
    ("nonevent gc", "remove it"),
]))]
pub struct Args {
    /// Tell what would be removed, remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Collects garbage.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let sweep = match args.dry_run {
        true => Sweep::Tell,
        false => Sweep::Remove,
    };
    let garbage = session.engine()?.gc(sweep).await?;
    let items: Vec<_> = garbage.items.iter().map(|(what, bytes)| json!({ "what": what, "bytes": bytes })).collect();
    let answer = json!({ "removed": sweep == Sweep::Remove, "bytes": garbage.bytes, "items": items });
    session.answer("gc", answer, |view| text(&garbage, sweep, view));
    Ok(Exit::Done)
}

/// Returns what was found or removed.
pub fn text(garbage: &Garbage, sweep: Sweep, view: View) -> String {
    if garbage.items.is_empty() {
        return "nothing to remove".into();
    }
    let mut table = Table::new(&[("size", Edge::Right), ("what", Edge::Left)]);
    for (what, size) in &garbage.items {
        table.row([bytes(*size).into(), what.as_str().into()]);
    }
    let total = match sweep {
        Sweep::Tell => format!("{} can be removed by `nonevent gc`", bytes(garbage.bytes)),
        Sweep::Remove => format!("{} removed", bytes(garbage.bytes)),
    };
    format!("{}\n{total}", table.render(view.paint))
}
