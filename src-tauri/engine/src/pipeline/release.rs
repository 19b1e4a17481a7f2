//! Makes a release of what was built and proven.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::model::{
    AppSettings, Digest, Evidence, HealthCheck, ImageReport, ProjectName, ProjectSettings, Release, ReleaseId, ReleaseSettings,
};
use crate::store::now;

/// What a release's id is taken of: everything but the id itself, the time, and what one engine calls the image.
#[derive(Serialize)]
struct Manifest<'a> {
    project: &'a ProjectName,
    image: &'a Digest,
    app: &'a AppSettings,
    health: &'a HealthCheck,
    settings: &'a ReleaseSettings,
    evidence: &'a Evidence,
}

/// Makes a release. The id is of the manifest's canonical JSON (RFC 8785).
pub fn make(settings: &ProjectSettings, image: &ImageReport, evidence: Evidence) -> Result<Release, serde_json::Error> {
    let manifest = Manifest {
        project: &settings.app.name,
        image: &image.digest,
        app: &settings.app,
        health: &settings.health,
        settings: &settings.release,
        evidence: &evidence,
    };
    let canonical = serde_json_canonicalizer::to_vec(&manifest)?;
    let digest = hex::encode(Sha256::digest(canonical));
    Ok(Release {
        id: ReleaseId::new(digest.get(..12).unwrap_or(&digest)),
        project: settings.app.name.clone(),
        image: image.digest.clone(),
        engine_id: image.engine_id.clone(),
        app: settings.app.clone(),
        health: settings.health.clone(),
        settings: settings.release.clone(),
        evidence,
        created_at: now(),
    })
}

/// Tells whether a release would run exactly as these settings and this image do, whatever its evidence says.
pub fn runs_alike(release: &Release, settings: &ProjectSettings, image: &ImageReport) -> bool {
    release.image == image.digest
        && release.app == settings.app
        && release.health == settings.health
        && release.settings == settings.release
}

/// Why a prefix names no single release.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// No release begins with it.
    #[error("no release of this project begins with `{prefix}`")]
    Unknown {
        /// The prefix.
        prefix: String,
    },
    /// Several do.
    #[error("`{prefix}` could be {}", candidates.join(", "))]
    Ambiguous {
        /// The prefix.
        prefix: String,
        /// The releases.
        candidates: Vec<String>,
    },
}

/// Finds the release that a prefix names.
pub fn by_prefix<'a>(releases: &'a [Release], prefix: &str) -> Result<&'a Release, PrefixError> {
    let found: Vec<&Release> = releases.iter().filter(|release| release.id.as_str().starts_with(prefix)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(PrefixError::Unknown { prefix: prefix.to_owned() }),
        several => Err(PrefixError::Ambiguous {
            prefix: prefix.to_owned(),
            candidates: several.iter().map(|release| release.id.to_string()).collect(),
        }),
    }
}
