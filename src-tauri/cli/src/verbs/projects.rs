//! `nonevent projects`

use nonevent_engine::request::ProjectSummary;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::help;
use crate::session::{Session, View};
use crate::table::{Edge, Table};
use crate::words::age;

use super::status::light;

/// List the projects of this laptop, with the state of each environment
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent projects", "every project that was shipped from here"),
    ("nonevent projects --json", "as one object"),
]))]
pub struct Args {}

/// Lists projects.
///
/// # Errors
/// When the history cannot be read.
pub async fn run(_args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let projects = session.engine()?.projects().await?;
    session.answer("projects", json!({ "projects": projects }), |view| text(&projects, view));
    Ok(Exit::Done)
}

/// Returns the projects as a table, a line for each environment.
pub fn text(projects: &[ProjectSummary], view: View) -> String {
    if projects.is_empty() {
        return "no project yet; `nonevent ship` in a project's folder adds it".into();
    }
    let mut table = Table::new(&[
        ("project", Edge::Left),
        ("environment", Edge::Left),
        ("state", Edge::Left),
        ("release", Edge::Left),
        ("age", Edge::Right),
        ("folder", Edge::Left),
    ]);
    for project in projects {
        let (name, folder) = (project.name.to_string(), project.folder.display().to_string());
        if project.environments.is_empty() {
            table.row([name.as_str().into(), "".into(), "".into(), "".into(), "".into(), folder.as_str().into()]);
        }
        for (index, status) in project.environments.iter().enumerate() {
            let first = |text: &str| if index == 0 { text.to_owned() } else { String::new() };
            table.row([
                first(&name).into(),
                status.environment.as_str().into(),
                light(status.health),
                status.serving.as_ref().map(|release| release.as_str()).unwrap_or_default().into(),
                status.since.as_ref().map(|since| age(since, view.now)).unwrap_or_default().into(),
                first(&folder).into(),
            ]);
        }
    }
    table.render(view.paint)
}
