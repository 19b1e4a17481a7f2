//! `nonevent diff`

use nonevent_engine::model::{Changed, Commit, EnvironmentName, ReleaseDiff};
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::paint::{Paint, Tone};
use crate::session::{Session, View};
use crate::words::{age, bytes};
use crate::{args, help};

/// Show what differs between two releases: commits, packages, configuration, migrations, image
///
/// Without releases, what serves is compared with what served before it; with one, that one is compared with what serves.
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent diff", "what serves in `local`, compared with what served before it"),
    ("nonevent diff 3f2a", "what a rollback to that release would take back, read backwards"),
    ("nonevent diff 3f2a 77b0 --json", "two releases, as one object"),
]))]
pub struct Args {
    /// The release before, or the beginning of its id
    from: Option<String>,
    /// The release after
    to: Option<String>,
    /// The environment whose variables and secrets are compared, too
    #[arg(short = 'e', long = "env", value_name = "ENVIRONMENT", default_value = "local", value_parser = args::environment)]
    environment: EnvironmentName,
}

/// Compares.
///
/// # Errors
/// When a release is not known, or nothing serves and it is asked about.
pub async fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (engine, folder) = (session.engine()?, session.folder()?);
    let diff = engine.diff(&folder, &args.environment, args.from.as_deref(), args.to.as_deref()).await?;
    session.answer("diff", json!({ "diff": diff }), |view| text(&diff, view));
    Ok(Exit::Done)
}

/// Returns what differs, part by part; a part without a difference is left out.
pub fn text(diff: &ReleaseDiff, view: View) -> String {
    let paint = view.paint;
    let mut parts = vec![format!("{} → {}", diff.from, diff.to)];
    let mut image = Vec::new();
    let (before, after) = diff.image_size;
    if before != after {
        image.push(format!("  size    {} → {}", bytes(before), bytes(after)));
    }
    if diff.python.0 != diff.python.1 {
        image.push(format!("  python  {} → {}", diff.python.0, diff.python.1));
    }
    if diff.base.0 != diff.base.1 {
        let side = |digest: &Option<nonevent_engine::model::Digest>| {
            digest.as_ref().map_or_else(|| "none".to_owned(), |digest| digest.short().to_owned())
        };
        image.push(format!("  base    {} → {}", side(&diff.base.0), side(&diff.base.1)));
    }
    let mut commits: Vec<String> = diff.commits.added.iter().map(|commit| line(commit, "+", Tone::Good, view)).collect();
    commits.extend(diff.commits.taken_back.iter().map(|commit| line(commit, "-", Tone::Bad, view)));
    commits.extend(diff.commits.unknown.iter().map(|why| format!("  {why}")));
    section(&mut parts, "commits", commits);
    match &diff.packages {
        Some(packages) => section(&mut parts, "packages", changes(packages, paint)),
        None => section(
            &mut parts,
            "packages",
            vec!["  not recorded: one of the two was made by an earlier version of Nonevent".into()],
        ),
    }
    section(&mut parts, "configuration", changes(&diff.settings, paint));
    section(&mut parts, "secrets", diff.secrets.iter().map(|change| secret(change, paint)).collect());
    section(&mut parts, "migrations", diff.migrations.iter().map(|change| named(change, paint)).collect());
    section(&mut parts, "image", image);
    match parts.len() {
        1 => format!("{} and {} do not differ", diff.from, diff.to),
        _ => parts.join("\n\n"),
    }
}

fn section(parts: &mut Vec<String>, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        parts.push(format!("{title}\n{}", lines.join("\n")));
    }
}

fn line(commit: &Commit, mark: &str, tone: Tone, view: View) -> String {
    let short = commit.id.get(..7).unwrap_or(&commit.id);
    let (mark, who) = (view.paint.tone(tone, mark), format!("{}, {} ago", commit.author, age(&commit.at, view.now)));
    format!("  {mark} {short} {} {}", commit.subject, view.paint.tone(Tone::Faint, &format!("({who})")))
}

fn changes(all: &[Changed], paint: Paint) -> Vec<String> {
    let width = all.iter().map(|change| change.name.chars().count()).max().unwrap_or_default().min(48);
    let told = all.iter().map(|change| {
        let name = format!("{:width$}", change.name);
        match (&change.before, &change.after) {
            (None, Some(after)) => format!("  {} {name}  {after}", paint.tone(Tone::Good, "+")),
            (Some(before), None) => format!("  {} {name}  {before}", paint.tone(Tone::Bad, "-")),
            (before, after) => {
                let side = |side: &Option<String>| side.clone().unwrap_or_default();
                format!("  {} {name}  {} → {}", paint.tone(Tone::Warn, "~"), side(before), side(after))
            }
        }
    });
    told.collect()
}

fn named(change: &Changed, paint: Paint) -> String {
    match change.after {
        Some(_) => format!("  {} {}", paint.tone(Tone::Good, "+"), change.name),
        None => format!("  {} {}", paint.tone(Tone::Bad, "-"), change.name),
    }
}

fn secret(change: &Changed, paint: Paint) -> String {
    match (&change.before, &change.after) {
        (Some(_), Some(_)) => format!("  {} {}  changed", paint.tone(Tone::Warn, "~"), change.name),
        _ => named(change, paint),
    }
}
