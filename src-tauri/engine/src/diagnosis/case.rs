//! The symptoms, read once: in which situation the instance is, which exception counts, which of its lines are the project's.

use super::log::Log;
use super::symptoms::Symptoms;
use super::traceback::{Link, Traceback};
use crate::model::{Cause, Certainty, InstanceState, Moment, ProbeOutcome, SourcePlace, Suspect};

/// In which situation an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Situation {
    /// It ended, once or again and again.
    Ended,
    /// It runs, and answers nothing.
    Silent,
    /// It answers this status.
    Answers(u16),
    /// It runs, and more cannot be said.
    Runs,
}

/// An exception that explains what was seen.
#[derive(Debug, Clone)]
pub(super) struct Crash<'a> {
    pub traceback: &'a Traceback,
    pub certainty: Certainty,
    pub during: Moment,
}

/// The symptoms, read once.
pub(super) struct Case<'a> {
    pub symptoms: &'a Symptoms,
    pub situation: Situation,
    pub log: Log,
    /// The body, or what else came with it, of the last answer.
    pub answer: &'a str,
}

impl<'a> Case<'a> {
    pub fn of(symptoms: &'a Symptoms) -> Self {
        let answer = symptoms.transcript.iter().rev().find_map(|attempt| match &attempt.outcome {
            ProbeOutcome::Answered { excerpt, .. } => Some(excerpt.as_str()),
            _ => None,
        });
        Self { situation: situation(symptoms), log: Log::of(&symptoms.examined), answer: answer.unwrap_or_default(), symptoms }
    }

    /// Returns the exception that explains what was seen.
    pub fn crash(&self) -> Option<Crash<'_>> {
        match self.situation {
            Situation::Ended => {
                let last = self.log.tracebacks.iter().rfind(|traceback| traceback.is_final())?;
                let certainty = if last.is_logged() { Certainty::Likely } else { Certainty::Certain };
                Some(Crash { traceback: last, certainty, during: Moment::Start })
            }
            Situation::Silent => {
                let last = self.log.tracebacks.last().filter(|traceback| traceback.is_final())?;
                let certainty = if last.is_logged() { Certainty::Possible } else { Certainty::Likely };
                Some(Crash { traceback: last, certainty, during: Moment::Start })
            }
            Situation::Answers(500..) => {
                let asked =
                    |traceback: &&Traceback| traceback.heading.as_deref().is_some_and(|heading| self.is_of_a_request(heading));
                let found = self.log.tracebacks.iter().rfind(asked)?;
                Some(Crash { traceback: found, certainty: Certainty::Certain, during: Moment::Request })
            }
            Situation::Answers(_) | Situation::Runs => None,
        }
    }

    /// Tells whether frameworks write this above the exception of the very request that the probe makes.
    fn is_of_a_request(&self, heading: &str) -> bool {
        let path = match &self.symptoms.probe {
            Some(crate::model::HealthProbe::Http { path }) => path.as_str(),
            _ => "/",
        };
        // Django and Flask name the path, ASGI servers do not.
        let named = ["Internal Server Error: ", "Exception on ", "Error handling request "];
        named.iter().any(|words| heading.split_once(words).is_some_and(|(_, rest)| rest.split([' ', '?']).next() == Some(path)))
            || heading.contains("Exception in ASGI application")
    }

    /// Makes a suspect.
    pub fn suspect(&self, cause: Cause, certainty: Certainty, sentence: String, evidence: Vec<String>, fix: String) -> Suspect {
        Suspect { cause, certainty, sentence, evidence, fix }
    }

    /// Returns the innermost frame of an exception that is the project's.
    pub fn own_place(&self, link: &Link) -> Option<SourcePlace> {
        link.frames.iter().rev().find_map(|frame| Some(SourcePlace { file: self.own_file(&frame.file)?, line: frame.line }))
    }

    /// Maps a file of the container to the project's.
    pub fn own_file(&self, file: &str) -> Option<String> {
        if file.starts_with('<') {
            return None;
        }
        let folder = self.symptoms.examined.folder.as_deref().unwrap_or("/app").trim_end_matches('/');
        let packages = file.split_once("/site-packages/").or_else(|| file.split_once("/dist-packages/")).map(|(_, rest)| rest);
        let inside = file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        match (&self.symptoms.source, packages, inside) {
            // A project that is a package is installed like any other.
            (Some(source), Some(rest), _) => source.file(rest),
            (Some(source), None, Some(rest)) => source.file(rest).or_else(|| Some(rest.to_owned())),
            (None, None, Some(rest)) => Some(rest.to_owned()),
            (Some(source), None, None) => source.file(file.trim_start_matches('/')),
            (None, Some(_), _) | (None, None, None) => None,
        }
    }

    /// Tells whether the probe cannot be answered because nothing takes it.
    pub fn last_error(&self) -> Option<&str> {
        self.symptoms.transcript.last().and_then(|attempt| match &attempt.outcome {
            ProbeOutcome::Failed { error } => Some(error.as_str()),
            _ => None,
        })
    }

    /// Returns the last probe, as evidence.
    pub fn probe_line(&self) -> Option<String> {
        let last = self.symptoms.transcript.last()?;
        let said = match &last.outcome {
            ProbeOutcome::Passed { saw } => saw.clone(),
            ProbeOutcome::Answered { saw, excerpt } => match excerpt.lines().find(|line| !line.trim().is_empty()) {
                Some(line) if !line.trim_start().starts_with('<') => format!("{saw} {}", line.trim()),
                _ => saw.clone(),
            },
            ProbeOutcome::Failed { error } => error.clone(),
        };
        Some(format!("{} → {said}", last.probe))
    }
}

fn situation(symptoms: &Symptoms) -> Situation {
    let examined = &symptoms.examined;
    let ended = match &examined.state {
        Some(InstanceState::Exited { .. } | InstanceState::Restarting { .. }) => true,
        Some(InstanceState::Running | InstanceState::Created) => examined.restarts > 0,
        None => examined.exit.is_some(),
    };
    if ended {
        return Situation::Ended;
    }
    match symptoms.transcript.last().map(|attempt| &attempt.outcome) {
        Some(ProbeOutcome::Answered { saw, .. }) => saw.parse().map_or(Situation::Runs, Situation::Answers),
        Some(ProbeOutcome::Failed { .. }) => Situation::Silent,
        Some(ProbeOutcome::Passed { .. }) | None => Situation::Runs,
    }
}
