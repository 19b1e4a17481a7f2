//! Describes the image that a build left on the engine.

use bollard::models::{ImageConfig, ImageInspect};
use bollard::query_parameters::TagImageOptionsBuilder;

use crate::docker::Docker;
use crate::model::{BuilderKind, Digest, ImageReport, PinnedImage, ProjectName};

type ApiError = bollard::errors::Error;

/// Tags the image and reads what it is.
pub(super) async fn describe(
    docker: &Docker,
    project: &ProjectName,
    id: &str,
    bases: &[String],
    mut warnings: Vec<String>,
) -> Result<ImageReport, ApiError> {
    let image = docker.client.inspect_image(id).await?;
    let engine_id = Digest::new(image.id.clone().unwrap_or_else(|| id.to_owned()));
    let repository = format!("nonevent/{project}");
    let reused = docker.client.inspect_image(&format!("{repository}:{}", engine_id.short())).await.is_ok();
    let tag = TagImageOptionsBuilder::default().repo(&repository).tag(engine_id.short()).build();
    docker.client.tag_image(id, Some(tag)).await?;

    let layers = layers(&image);
    let (base, base_size) = base(docker, bases, &layers).await;
    let config = image.config.unwrap_or_default();
    warnings.extend(warn(&config));
    let size = image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    Ok(ImageReport {
        digest: engine_id.clone(),
        engine_id,
        builder: BuilderKind::Dockerfile,
        base,
        size: size.saturating_sub(base_size),
        layers,
        reused,
        warnings,
        workdir: config.working_dir.filter(|folder| !folder.is_empty()).unwrap_or_else(|| "/".to_owned()),
    })
}

fn layers(image: &ImageInspect) -> Vec<Digest> {
    let layers = image.root_fs.as_ref().and_then(|root| root.layers.clone());
    layers.unwrap_or_default().into_iter().map(Digest::new).collect()
}

/// Finds the image that the last stage stands on: the one whose layers come first in the result. Returns its size as well.
async fn base(docker: &Docker, candidates: &[String], layers: &[Digest]) -> (Option<PinnedImage>, u64) {
    for candidate in candidates {
        let reference = candidate.split_once('@').map_or(candidate.as_str(), |(reference, _)| reference);
        let Ok(image) = docker.client.inspect_image(reference).await else { continue };
        if !layers.starts_with(&self::layers(&image)) {
            continue;
        }
        let size = image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        let resolved = candidate.split_once('@').map(|(_, digest)| digest.to_owned());
        let pulled =
            image.repo_digests.iter().flatten().find_map(|name| name.split_once('@')).map(|(_, digest)| digest.to_owned());
        let digest = resolved.or(pulled).or(image.id).unwrap_or_default();
        return (Some(PinnedImage { reference: short(reference), digest: Digest::new(digest) }), size);
    }
    // An image that the builder fetched for itself alone is known by its digest.
    let [candidate] = candidates else { return (None, 0) };
    let pinned = candidate
        .split_once('@')
        .map(|(reference, digest)| PinnedImage { reference: short(reference), digest: Digest::new(digest) });
    (pinned, 0)
}

/// `docker.io/library/python:3.13` is what people write as `python:3.13`.
fn short(reference: &str) -> String {
    let reference = reference.strip_prefix("docker.io/").unwrap_or(reference);
    reference.strip_prefix("library/").unwrap_or(reference).to_owned()
}

fn warn(config: &ImageConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    let user = config.user.as_deref().unwrap_or_default();
    let name = user.split_once(':').map_or(user, |(name, _)| name);
    if matches!(name, "" | "0" | "root") {
        warnings.push("the image runs as root: end its Dockerfile with `USER` and a user of its own".to_owned());
    }
    warnings.push(
        "the image's root stays writable: only images that are built without a Dockerfile run on a read-only root".to_owned(),
    );
    let no_command = |command: &Option<Vec<String>>| command.as_ref().is_none_or(Vec::is_empty);
    if no_command(&config.cmd) && no_command(&config.entrypoint) {
        warnings.push("the image has no `CMD` and no `ENTRYPOINT`: only commands of the configuration can run".to_owned());
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_warned_about_in_every_spelling() {
        for (user, root) in [("", true), ("0", true), ("root:root", true), ("0:0", true), ("app", false), ("1000:0", false)] {
            let config = ImageConfig { user: Some(user.into()), cmd: Some(vec!["serve".into()]), ..ImageConfig::default() };
            let warned = warn(&config).iter().any(|warning| warning.contains("runs as root"));
            assert_eq!(warned, root, "{user:?}");
        }
    }
}
