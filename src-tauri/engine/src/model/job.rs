//! Jobs: commands of a release that run at times, and what became of their runs.

use serde::{Deserialize, Serialize};

use super::{EnvironmentName, LogLine, ProjectName, ReleaseId};

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobRun {
    /// Its id.
    pub id: String,
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The job.
    pub job: String,
    /// The release that it ran in.
    pub release: Option<ReleaseId>,
    /// When it was due, RFC 3339; none when a person started it.
    pub due_at: Option<String>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339; none while it goes on.
    pub finished_at: Option<String>,
    /// Its exit code, when it came to one.
    pub exit_code: Option<i64>,
    /// Whether the kernel ended it for want of memory.
    pub oom: bool,
    /// Why it has no exit code, or why that is not its own.
    pub failure: Option<String>,
    /// Its last lines.
    pub lines: Vec<LogLine>,
    /// Who ran it: `user@host`.
    pub by: String,
}

impl JobRun {
    /// Tells whether it did its work.
    pub fn succeeded(&self) -> bool {
        self.exit_code == Some(0) && self.failure.is_none()
    }
}

/// A job of what serves, with when it runs and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobStatus {
    /// Its name.
    pub name: String,
    /// When it runs, as crontab(5) writes it.
    pub schedule: String,
    /// The time zone of the schedule.
    pub timezone: String,
    /// What it runs, as a person would type it.
    pub command: String,
    /// When it runs next, RFC 3339.
    pub next: Option<String>,
    /// Its last run.
    pub last: Option<JobRun>,
}
