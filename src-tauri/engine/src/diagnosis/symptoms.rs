//! What was seen of an instance that is not healthy.

use std::time::Duration;

use super::SourceFacts;
use crate::model::{Framework, HealthProbe, ProbeAttempt};
use crate::target::Examination;

/// What was seen of an instance, or of a one-off container, that is not as it should be.
#[derive(Debug, Clone, Default)]
pub struct Symptoms {
    /// The instance's name.
    pub instance: String,
    /// The public host name.
    pub domain: String,
    /// How its health is measured; none for a one-off container.
    pub probe: Option<HealthProbe>,
    /// Its last probes, the oldest first.
    pub transcript: Vec<ProbeAttempt>,
    /// How long it was waited for.
    pub waited: Duration,
    /// What its target found.
    pub examined: Examination,
    /// The framework that was recognised.
    pub framework: Option<Framework>,
    /// What the project's files say, where they are those of the release.
    pub source: Option<SourceFacts>,
}
