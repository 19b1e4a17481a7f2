//! Why an instance is not healthy: a pure function over what was seen.
//!
//! [`diagnose`] knows no Docker, no clock and no file: a target's `examine` and the probes bring the [`Symptoms`], [`SourceFacts`]
//! what the project's own files say. Words in a log prove nothing by themselves: each cause first asks whether the instance is in a
//! situation that the cause explains (it ended, it does not answer, it answers wrongly), then whether the words stand where they
//! must: in the exception that ended it, in the answer to the probe, in the last thing that was printed.

mod answers;
mod case;
mod crash;
mod database;
mod exits;
mod files;
mod imports;
mod log;
mod ports;
mod servers;
mod source;
mod symptoms;
pub(crate) mod traceback;
mod unknown;
mod variables;
mod words;

pub use source::{LockFacts, Shipped, SourceFacts};
pub use symptoms::Symptoms;

use case::Case;

use crate::model::{Certainty, Diagnosis, Suspect};

/// Most causes that are named.
const NAMED: usize = 4;

/// Finds what may be the cause of what was seen; ranked by certainty.
pub fn diagnose(symptoms: &Symptoms) -> Diagnosis {
    let case = Case::of(symptoms);
    // In the order in which equally certain ones are named: what explains the others comes first.
    let mut suspects: Vec<Suspect> = [exits::suspects, crash::suspects, servers::suspects, ports::suspects, answers::suspects]
        .iter()
        .flat_map(|look| look(&case))
        .collect();
    suspects.sort_by_key(|suspect| suspect.certainty);
    if suspects.first().is_some_and(|first| first.certainty == Certainty::Certain) {
        suspects.retain(|suspect| suspect.certainty != Certainty::Possible);
    }
    let mut seen = Vec::new();
    suspects.retain(|suspect| {
        let new = !seen.contains(&suspect.cause);
        seen.push(suspect.cause.clone());
        new
    });
    suspects.truncate(NAMED);
    let instance = symptoms.instance.clone();
    match suspects.first() {
        Some(first) => Diagnosis { instance, summary: first.sentence.clone(), suspects, evidence: Vec::new() },
        None => Diagnosis { instance, summary: unknown::summary(&case), suspects, evidence: unknown::evidence(&case) },
    }
}
