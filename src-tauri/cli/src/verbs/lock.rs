//! `nonevent lock`

use nonevent_engine::model::LockReport;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::Session;
use crate::words::counted;

/// Mend the lock: dependencies by the project's own tool, images in `nonevent.lock`
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent lock", "after a dependency was added"),
    ("nonevent lock -C shop", "for the project in the folder `shop`"),
]))]
pub struct Args {}

/// Mends the lock.
///
/// # Errors
/// When the project's tool fails, or an image cannot be resolved.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let (report, changes) = session.engine()?.lock(&session.folder()?).await?;
    session.answer("lock", json!({ "lock": report, "changes": changes }), |_| text(&report, &changes));
    Ok(Exit::Done)
}

/// Returns what changed and what the lock is now.
pub fn text(report: &LockReport, changes: &[String]) -> String {
    let mut lines = changes.to_vec();
    if lines.is_empty() {
        lines.push("nothing to mend".into());
    }
    let packages = usize::try_from(report.packages).unwrap_or(usize::MAX);
    lines.push(format!("{} pins {}", report.file.display(), counted(packages, "package")));
    for finding in &report.findings {
        lines.push(format!("! {}", finding.message));
        lines.push(format!("  hint: {}", finding.hint));
    }
    lines.join("\n")
}
