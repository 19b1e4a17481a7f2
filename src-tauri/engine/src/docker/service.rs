//! The container of a service, wherever it runs: what its settings say of it, and the files of the project that it gets.

use std::collections::{BTreeSet, HashMap};

use bollard::models::{ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, NetworkingConfig};
use bollard::query_parameters::UploadToContainerOptionsBuilder;

use super::said;
use crate::model::{CommandLine, ServiceFile, ServiceSettings};

/// Says what a service's container is made of on a network, by its settings alone.
pub(crate) fn body(name: &str, settings: &ServiceSettings, image: &str, network: &str) -> ContainerCreateBody {
    let container = &settings.container;
    let aliases = std::iter::once(name.to_owned()).chain(container.aliases.iter().cloned()).collect();
    let endpoint = EndpointSettings { aliases: Some(aliases), ..EndpointSettings::default() };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: settings.command.as_ref().map(CommandLine::argv),
        env: Some(settings.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        hostname: Some(name.to_owned()),
        entrypoint: container.entrypoint.clone(),
        user: container.user.clone(),
        working_dir: container.workdir.clone(),
        // Whether it is ready is asked more often than the engine would.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            tmpfs: Some(container.tmpfs.iter().map(|folder| (folder.clone(), String::new())).collect()),
            shm_size: container.shared_memory.and_then(|bytes| i64::try_from(bytes).ok()),
            ..HostConfig::default()
        }),
        networking_config: Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network.to_owned(), endpoint)])) }),
        ..ContainerCreateBody::default()
    }
}

/// Puts a service's files into its container, before it starts: copied, so that nothing a service does reaches the project.
///
/// # Errors
/// Which file cannot be read, or what the engine says.
pub(crate) async fn put_files(client: &bollard::Docker, container: &str, settings: &ServiceSettings) -> Result<(), String> {
    if settings.container.files.is_empty() {
        return Ok(());
    }
    let files = settings.container.files.clone();
    let packed = tokio::task::spawn_blocking(move || archive(&files)).await;
    let body = bollard::body_full(packed.map_err(|error| error.to_string())??.into());
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    client.upload_to_container(container, Some(options), body).await.map_err(|error| said(&error))
}

/// Packs files for the root of a container; nobody may write to them.
fn archive(files: &[ServiceFile]) -> Result<Vec<u8>, String> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut seen = BTreeSet::new();
    for file in files {
        let path = file.target.trim_start_matches('/');
        if !seen.insert(path) {
            continue;
        }
        let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", file.source.display());
        let content = std::fs::read(file.root.join(&file.source)).map_err(unreadable)?;
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(if file.executable { 0o555 } else { 0o444 });
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content.as_slice()).map_err(unreadable)?;
    }
    archive.into_inner().map_err(|error| error.to_string())
}
