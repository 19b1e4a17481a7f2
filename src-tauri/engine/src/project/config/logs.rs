//! `[logs]`: how much of what instances print is kept, and when people are told of it.

use std::time::Duration;

use crate::model::ErrorPace;
use crate::project::section::{Section, quoted};
use crate::project::units;
use crate::project::{Located, ProjectError};

/// `[logs]`.
#[derive(Debug, Default)]
pub(in crate::project) struct LogsSection {
    pub keep_bytes: Option<Located<u64>>,
    pub new_exceptions: Option<Located<bool>>,
    pub errors: Option<Located<ErrorPace>>,
}

/// Failures are counted by the minute.
const SHORTEST: Duration = Duration::from_secs(60);
/// The pace is kept for a week.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl LogsSection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("logs")? else { return Ok(Self::default()) };
        let found = Self {
            keep_bytes: section.bytes("keep_bytes")?,
            new_exceptions: section.flag("new_exceptions")?,
            errors: read_pace(&section)?,
        };
        section.finish()?;
        Ok(found)
    }
}

/// Reads `errors = "20 in 5m"`.
fn read_pace(section: &Section<'_>) -> Result<Option<Located<ErrorPace>>, ProjectError> {
    let Some(found) = section.string("errors")? else { return Ok(None) };
    let parts = found.value.split_once(" in ");
    let pace = parts.and_then(|(count, within)| Some((count.trim().parse::<u32>().ok()?, units::duration(within).ok()?)));
    match pace.filter(|(count, within)| *count > 0 && (SHORTEST..=LONGEST).contains(within)) {
        Some((count, within)) => Ok(Some(Located::new(ErrorPace { count, within }, found.at))),
        None => {
            let reason = "it is so many in so much time, from a minute to a day".into();
            Err(section.bad("errors", &found.at, &quoted(&found.value), reason, "write `errors = \"20 in 5m\"`".into()))
        }
    }
}
