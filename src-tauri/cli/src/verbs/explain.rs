//! `nonevent explain`

use nonevent_engine::model::Setting;
use serde_json::json;

use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;
use crate::{help, page};

/// Print every effective setting and where it came from
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("nonevent explain", "everything"),
    ("nonevent explain health", "all that begins with `health`"),
    ("nonevent explain app.name", "one setting"),
]))]
pub struct Args {
    /// Only this setting, or those below it
    key: Option<String>,
}

/// Explains.
///
/// # Errors
/// When the project cannot be read, or there is no such setting.
pub fn run(args: Args, session: &mut Session) -> Result<Exit, CliError> {
    let settings = chosen(session.engine()?.explain(&session.folder()?)?, args.key.as_deref())?;
    session.answer("explain", json!({ "settings": settings }), |view| page::text(&settings, view));
    Ok(Exit::Done)
}

/// Returns the settings of this key and below it.
///
/// # Errors
/// When there is none.
pub fn chosen(settings: Vec<Setting>, key: Option<&str>) -> Result<Vec<Setting>, CliError> {
    let Some(key) = key else { return Ok(settings) };
    let below = |setting: &&Setting| setting.key.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let found: Vec<Setting> = settings.iter().filter(below).cloned().collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(CliError::NoSetting { key: key.to_owned(), near: near(&settings, key) }),
    }
}

/// The nearest key, or section of keys, if any is near.
fn near(settings: &[Setting], key: &str) -> Option<String> {
    let sections = settings.iter().flat_map(|setting| {
        let ends = setting.key.match_indices('.').map(|(end, _)| end).chain([setting.key.len()]);
        ends.filter_map(|end| setting.key.get(..end))
    });
    let scored = sections.map(|candidate| (strsim::jaro_winkler(candidate, key), candidate)).filter(|(score, _)| *score > 0.8);
    scored.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, candidate)| candidate.to_owned())
}
