//! What a diagnosis needs to know of a rollout beside what its target finds.

use std::path::PathBuf;

use crate::diagnosis::{Shipped, SourceFacts, Symptoms, diagnose};
use crate::mask::Mask;
use crate::model::{Diagnosis, Framework, InstanceState, LogLine, ProbeAttempt, ProbeOutcome};
use crate::target::{Examination, OnceExit};

/// The project's folder, where it is the source of the release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The folder.
    pub root: PathBuf,
    /// Which part of the lock the image holds.
    pub shipped: Shipped,
}

/// What a diagnosis needs to know of a rollout beside what its target finds.
pub(super) struct Scene<'a> {
    pub domain: &'a str,
    pub framework: Framework,
    pub source: Option<&'a Source>,
    /// Takes the values of secrets out.
    pub mask: &'a Mask,
}

/// Last lines of a one-off command that are shown.
const TAIL: usize = 20;

impl Scene<'_> {
    /// Reads what the project's files say.
    pub async fn facts(&self) -> Option<SourceFacts> {
        let source = self.source?.clone();
        tokio::task::spawn_blocking(move || SourceFacts::read(&source.root, &source.shipped)).await.ok()
    }

    /// Finds out why a one-off command failed; returns the last of its lines as well.
    pub async fn diagnose_once(&self, name: &str, exit: OnceExit, mut lines: Vec<LogLine>) -> (Diagnosis, Vec<LogLine>) {
        self.hide_secrets(&mut lines, &mut []);
        let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().to_vec();
        let state = Some(InstanceState::Exited { exit_code: exit.exit_code, oom: exit.oom });
        let diagnosis = diagnose(&Symptoms {
            instance: format!("{name}, before its start"),
            domain: self.domain.to_owned(),
            examined: Examination { state, exit: Some(exit), lines, ..Examination::default() },
            framework: Some(self.framework),
            source: self.facts().await,
            ..Symptoms::default()
        });
        (diagnosis, tail)
    }

    /// Takes the values of secrets out of what an app printed and answered: a diagnosis is stored.
    pub fn hide_secrets(&self, lines: &mut [LogLine], transcript: &mut [ProbeAttempt]) {
        for line in lines {
            line.text = self.mask.text(&line.text).into_owned();
        }
        for attempt in transcript {
            if let ProbeOutcome::Answered { excerpt, .. } = &mut attempt.outcome {
                *excerpt = self.mask.text(excerpt).into_owned();
            }
        }
    }
}
