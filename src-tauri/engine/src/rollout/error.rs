//! Why a rollout did not move its environment.

use crate::model::{Diagnosis, EnvironmentName, InstanceState, LogLine, ProbeAttempt, ProbeOutcome, Problem, ReleaseId};
use crate::store::StoreError;
use crate::target::TargetError;

/// Why a rollout did not move its environment.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// A new instance did not get healthy before the deadline.
    #[error("{environment} was not switched: {instance} never became healthy")]
    NeverHealthy {
        /// The environment.
        environment: EnvironmentName,
        /// The instance's name.
        instance: String,
        /// What it did at the end.
        state: Option<InstanceState>,
        /// Its last probes.
        transcript: Vec<ProbeAttempt>,
        /// Its last lines.
        tail: Vec<LogLine>,
        /// Why, as far as that can be told.
        diagnosis: Box<Diagnosis>,
    },
    /// The command before the first instance failed.
    #[error("{environment} was not switched: `{command}` ended with {exit_code}")]
    BeforeStartFailed {
        /// The environment.
        environment: EnvironmentName,
        /// The command.
        command: String,
        /// Its exit code.
        exit_code: i64,
        /// Its last lines.
        tail: Vec<LogLine>,
        /// Why, as far as that can be told.
        diagnosis: Box<Diagnosis>,
    },
    /// The new release was worse than the old one, and traffic went back.
    #[error("{environment} went back from {from} to {to}: {reason}")]
    WentBack {
        /// The environment.
        environment: EnvironmentName,
        /// The release that was worse.
        from: ReleaseId,
        /// The release that serves again.
        to: ReleaseId,
        /// What was worse.
        reason: String,
        /// The last probes of an instance that failed them.
        transcript: Vec<ProbeAttempt>,
        /// The last lines of an instance.
        tail: Vec<LogLine>,
        /// Why an instance failed its probes, as far as that can be told.
        diagnosis: Option<Box<Diagnosis>>,
    },
    /// Requests may be lost, and nobody agreed to that.
    #[error("{environment} was not touched: zero downtime cannot be promised, because {because}")]
    NotAgreed {
        /// The environment.
        environment: EnvironmentName,
        /// Why they may be lost.
        because: String,
    },
    /// After everything was done something else serves.
    #[error("{environment} should serve {expected}, but {} serves there", found.as_ref().map_or("nothing", ReleaseId::as_str))]
    NotObserved {
        /// The environment.
        environment: EnvironmentName,
        /// What should serve.
        expected: ReleaseId,
        /// What serves.
        found: Option<ReleaseId>,
    },
    /// A person stopped it.
    #[error("stopped before the switch: {} was not touched", serving.as_ref().map_or_else(|| "the environment".to_owned(), |id| format!("release {id}")))]
    Cancelled {
        /// What goes on serving.
        serving: Option<ReleaseId>,
    },
    /// The target could not do its part.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The journal could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RolloutError {
    /// Returns why an instance was not healthy, where that is what happened.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            Self::NeverHealthy { diagnosis, .. } | Self::BeforeStartFailed { diagnosis, .. } => Some(diagnosis),
            Self::WentBack { diagnosis, .. } => diagnosis.as_deref(),
            Self::NotAgreed { .. } | Self::NotObserved { .. } | Self::Cancelled { .. } | Self::Target(_) | Self::Store(_) => None,
        }
    }

    /// Returns the error as people and programs are told.
    pub fn problem(&self) -> Problem {
        let (code, causes, hints, details) = match self {
            Self::NeverHealthy { state, transcript, tail, diagnosis, .. } => (
                "never_healthy",
                causes(diagnosis, causes_seen(state.as_ref(), transcript)),
                vec![hint(diagnosis, state.as_ref(), transcript)],
                evidence(Some(diagnosis), transcript, tail),
            ),
            Self::BeforeStartFailed { tail, diagnosis, .. } => (
                "before_start_failed",
                causes(diagnosis, Vec::new()),
                match diagnosis.first() {
                    Some(first) => vec![first.fix.clone()],
                    None => vec!["what served goes on serving; mend the command and ship again".into()],
                },
                evidence(Some(diagnosis), &[], tail),
            ),
            Self::WentBack { transcript, tail, diagnosis: Some(diagnosis), .. } => (
                "went_back",
                causes(diagnosis, causes_seen(None, transcript)),
                diagnosis.first().map(|first| first.fix.clone()).into_iter().collect(),
                evidence(Some(diagnosis), transcript, tail),
            ),
            Self::WentBack { transcript, tail, diagnosis: None, .. } => (
                "went_back",
                Vec::new(),
                vec!["how much worse is too much says `tolerance` in the environment's configuration".into()],
                evidence(None, transcript, tail),
            ),
            Self::NotAgreed { .. } => {
                let hint = "`--yes` goes on all the same; `nonevent plan` shows what would be done";
                ("downtime", Vec::new(), vec![hint.into()], Vec::new())
            }
            Self::NotObserved { .. } => {
                ("not_observed", Vec::new(), vec!["run `nonevent status` to see what runs".into()], Vec::new())
            }
            Self::Cancelled { .. } => ("cancelled", Vec::new(), Vec::new(), Vec::new()),
            Self::Target(error) => {
                let tail = match error {
                    TargetError::ServiceNotReady { tail, .. } => tail.clone(),
                    _ => Vec::new(),
                };
                (error.code(), Vec::new(), error.hint().into_iter().collect(), tail)
            }
            Self::Store(error) => ("failed", Vec::new(), error.hint().into_iter().collect(), Vec::new()),
        };
        Problem { code: code.into(), message: self.to_string(), causes, hints, details, diagnosis: self.diagnosis().cloned() }
    }
}

/// Names the cause first, then what was seen, then what else it may be.
fn causes(diagnosis: &Diagnosis, seen: Vec<String>) -> Vec<String> {
    let others = diagnosis.suspects.iter().skip(1).map(|other| format!("it may also be that {}", other.sentence));
    std::iter::once(diagnosis.summary.clone()).chain(seen).chain(others).collect()
}

fn causes_seen(state: Option<&InstanceState>, transcript: &[ProbeAttempt]) -> Vec<String> {
    let mut causes = Vec::new();
    if let Some(last) = transcript.last() {
        let same = transcript.iter().rev().take_while(|attempt| attempt.outcome == last.outcome).count();
        let said = match &last.outcome {
            ProbeOutcome::Passed { saw } => format!("passed ({saw}), but not often enough in a row"),
            ProbeOutcome::Answered { saw, .. } => format!("answered {saw}"),
            ProbeOutcome::Failed { error } => format!("failed: {error}"),
        };
        causes.push(format!(
            "{} {said}{}",
            last.probe,
            if same > 1 { format!(", the last {same} times") } else { String::new() }
        ));
    }
    match state {
        Some(InstanceState::Exited { oom: true, .. }) => causes.push("the kernel ended it for want of memory".into()),
        Some(InstanceState::Exited { exit_code, .. }) => causes.push(format!("it ended with exit code {exit_code}")),
        Some(InstanceState::Restarting { exit_code }) => {
            causes.push(format!("it ended with exit code {exit_code}, again and again"))
        }
        Some(InstanceState::Created | InstanceState::Running) | None => {}
    }
    causes
}

fn hint(diagnosis: &Diagnosis, state: Option<&InstanceState>, transcript: &[ProbeAttempt]) -> String {
    if let Some(first) = diagnosis.first() {
        return first.fix.clone();
    }
    match (state, transcript.last().map(|attempt| &attempt.outcome)) {
        (Some(InstanceState::Exited { oom: true, .. }), _) => {
            "give it more with `memory` in the environment's configuration".into()
        }
        (Some(InstanceState::Exited { .. } | InstanceState::Restarting { .. }), _) => "its last lines tell why it ended".into(),
        (_, Some(ProbeOutcome::Answered { saw, .. })) if saw.starts_with("404") => {
            "set `[health] path` to a path that the app answers with 2xx".into()
        }
        (_, Some(ProbeOutcome::Failed { .. })) => "check that the app listens on 0.0.0.0 and on the port in `PORT`".into(),
        _ => "what served goes on serving; mend the app and ship again".into(),
    }
}

/// Writes what speaks for the cause, then probes and lines, the way they are shown below an error.
fn evidence(diagnosis: Option<&Diagnosis>, transcript: &[ProbeAttempt], tail: &[LogLine]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if let Some(first) = diagnosis.and_then(Diagnosis::first) {
        lines.push(format!("what speaks for it ({}):", first.cause.code()));
        lines.extend(first.evidence.iter().map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    let probes = transcript.iter().map(|attempt| {
        let clock = attempt.at.get(11..19).unwrap_or(&attempt.at);
        let said = match &attempt.outcome {
            ProbeOutcome::Passed { saw } => saw.clone(),
            ProbeOutcome::Answered { saw, excerpt } if excerpt.is_empty() => saw.clone(),
            ProbeOutcome::Answered { saw, excerpt } => format!("{saw} {excerpt}"),
            ProbeOutcome::Failed { error } => error.clone(),
        };
        format!("{clock} {} → {said} ({} ms)", attempt.probe, attempt.elapsed_ms)
    });
    lines.extend(probes);
    if !tail.is_empty() {
        lines.push("its last lines:".into());
        lines.extend(tail.iter().map(|line| format!("  {}", line.text)));
    }
    lines
}
