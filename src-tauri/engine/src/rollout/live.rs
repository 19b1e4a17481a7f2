//! Finding out why an instance of what serves is not healthy: the rollout's own examination, without a rollout.

use super::scene::Scene;
use super::watch::{Watched, check_of, evidence};
use crate::mask::Mask;
use crate::model::{Diagnosis, Instance};
use crate::target::{Place, Record, Target, TargetError};

/// Probes the instances of what serves once, and examines the first that is not healthy; none when all are.
///
/// # Errors
/// When the target does not answer.
pub async fn diagnose_serving(
    target: &dyn Target,
    place: &Place,
    record: &Record,
    instances: &[Instance],
) -> Result<Option<Diagnosis>, TargetError> {
    let mask = Mask::new(&target.secrets_of(place).await?);
    let scene = Scene { domain: &record.placement.domain, framework: record.release.app.framework, source: None, mask: &mask };
    for instance in instances.iter().filter(|instance| instance.rollout == record.rollout) {
        let watched = Watched { instance: instance.clone(), check: check_of(&record.release, instance) };
        let attempt = target.probe(place, instance, &watched.check, scene.domain).await?;
        if !attempt.outcome.passed() {
            let transcript = [attempt].into();
            let failing =
                evidence(target, place, &watched, Some(instance.clone()), transcript, &scene, watched.check.timeout).await;
            return Ok(Some(failing.diagnosis));
        }
    }
    Ok(None)
}
