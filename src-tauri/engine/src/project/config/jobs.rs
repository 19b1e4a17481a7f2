//! `[job.NAME]`: commands that run at times.

use std::time::Duration;

use super::checks::check_label;
use crate::model::CommandLine;
use crate::project::section::{Section, quoted};
use crate::project::{Located, ProjectError};
use crate::schedule::{Schedule, ScheduleError};

/// One job as it was written.
#[derive(Debug)]
pub(in crate::project) struct JobSection {
    pub schedule: Located<String>,
    pub timezone: Option<Located<String>>,
    pub run: Located<CommandLine>,
    pub timeout: Option<Located<Duration>>,
}

/// The time zone of a schedule that names none.
pub(in crate::project) const ZONE: &str = "UTC";

impl JobSection {
    /// Reads every job.
    pub fn read_all(top: &Section<'_>) -> Result<Vec<(String, Self)>, ProjectError> {
        let Some(all) = top.section("job")? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in all.entries() {
            check_label(&all, &entry)?;
            let section = all.named(&entry)?;
            let schedule = section.string("schedule")?;
            let timezone = section.string("timezone")?;
            let run = section.command("run")?;
            let timeout = section.duration("timeout")?;
            section.finish()?;
            let job = Self {
                schedule: schedule.ok_or_else(|| section.missing("schedule", "schedule = \"*/5 * * * *\""))?,
                timezone,
                run: run.ok_or_else(|| section.missing("run", "run = \"python -m shop.cleanup\""))?,
                timeout,
            };
            job.check(&section)?;
            found.push((entry.name, job));
        }
        Ok(found)
    }

    fn check(&self, section: &Section<'_>) -> Result<(), ProjectError> {
        let zone = self.timezone.as_ref().map_or(ZONE, |zone| zone.value.as_str());
        let Err(error) = Schedule::read(&self.schedule.value, zone) else { return Ok(()) };
        let hint = error.hint().unwrap_or_default();
        Err(match (&error, &self.timezone) {
            (ScheduleError::Zone { .. }, Some(zone)) => {
                section.bad("timezone", &zone.at, &quoted(&zone.value), "no such time zone is known here".into(), hint)
            }
            (ScheduleError::Times { reason, .. }, _) => {
                section.bad("schedule", &self.schedule.at, &quoted(&self.schedule.value), reason.clone(), hint)
            }
            (ScheduleError::Zone { .. }, None) => {
                section.bad("schedule", &self.schedule.at, &quoted(&self.schedule.value), error.to_string(), hint)
            }
        })
    }
}
