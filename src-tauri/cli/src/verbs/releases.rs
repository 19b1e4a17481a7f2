//! `nonevent releases`

use nonevent_engine::model::{Release, SourceState};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::{Session, View};
use crate::table::{Edge, Table};
use crate::words::{age, bytes};

/// List the project's releases, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent releases", "what can be rolled back to"),
    ("nonevent releases --json", "with the whole evidence of each"),
]))]
pub struct Args {}

/// Lists releases.
///
/// # Errors
/// When the project or its history cannot be read.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let releases = engine.releases(&folder).await?;
    session.answer("releases", json!({ "releases": releases }), |view| text(&releases, view));
    Ok(Exit::Done)
}

/// Returns the releases as a table.
pub fn text(releases: &[Release], view: View) -> String {
    if releases.is_empty() {
        return "no release yet; `nonevent ship` makes the first".into();
    }
    let mut table = Table::new(&[
        ("release", Edge::Left),
        ("age", Edge::Right),
        ("commit", Edge::Left),
        ("branch", Edge::Left),
        ("gates", Edge::Left),
        ("image", Edge::Left),
        ("size", Edge::Right),
    ]);
    for release in releases {
        table.row([
            release.id.as_str().into(),
            age(&release.created_at, view.now).into(),
            commit(&release.evidence.source).into(),
            release.evidence.source.branch.clone().unwrap_or_default().into(),
            gates(release).into(),
            release.image.short().into(),
            bytes(release.evidence.image_size).into(),
        ]);
    }
    table.render(view.paint)
}

fn commit(source: &SourceState) -> String {
    let commit = source.commit.as_deref().map(|commit| commit.get(..7).unwrap_or(commit));
    match (commit, source.dirty) {
        (Some(commit), false) => commit.to_owned(),
        (Some(commit), true) => format!("{commit} + changes"),
        (None, _) => "uncommitted".into(),
    }
}

fn gates(release: &Release) -> String {
    let gates = &release.evidence.gates;
    let passed = gates.iter().filter(|gate| matches!(gate.state.as_str(), "green" | "cached")).count();
    let mut told = vec![format!("{passed} green")];
    for state in ["red", "error", "skipped", "not set up"] {
        let count = gates.iter().filter(|gate| gate.state == state).count();
        if count > 0 {
            told.push(format!("{count} {state}"));
        }
    }
    if release.evidence.untested {
        told.push("untested".into());
    }
    told.join(", ")
}
