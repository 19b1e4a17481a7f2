//! What environments share: network, volume, proxy. Made once, under the short lock; found again by name and label.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkingConfig, PortBinding, VolumeCreateRequest,
};
use bollard::query_parameters::StartContainerOptions;

use super::api::{File, FileContent, is_missing, said};
use super::lock::label_of;
use super::network::Shared;
use super::recipe::{log_limits, unless_stopped};
use super::route::generation_files;
use super::scope::{Role, label};
use super::{DockerTarget, PortChoice};
use crate::docker::pull;
use crate::target::TargetError;
use crate::target::proxy::{self, Exposure, FOLDER, PREVIEW_PORT, PUBLIC_PORT, Ports, ProxyState, SECURE_PORT};

/// The proxy as it is found.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub container: String,
    pub running: bool,
    pub ports: Ports,
}

/// Seconds that what is in flight has when the proxy's container is stopped or restarted. It listens no more from the first moment, so that
/// a single open WebSocket would otherwise keep everybody out for the ten seconds that engines give.
const STOP_SECONDS: i64 = 3;
const LOOPBACK: &str = "127.0.0.1";
const EVERYWHERE: &str = "0.0.0.0";
/// The place of the proxy's address on the shared network; the first one is the gateway's.
const PROXY_ADDRESS: u32 = 2;

impl DockerTarget {
    /// Finds the proxy.
    pub(super) async fn ground(&self) -> Result<Option<Ground>, TargetError> {
        let name = self.options.scope.proxy();
        let Some(container) = self.api.inspect(&name).await? else { return Ok(None) };
        let port = |name| label_of(&container, name).and_then(|text| text.parse().ok());
        let exposure = match label_of(&container, label::EXPOSED) {
            Some(_) => Exposure::Everybody,
            None => Exposure::Machine,
        };
        let https = port(label::HTTPS_PORT);
        let ports =
            port(label::HTTP_PORT).zip(port(label::PREVIEW_PORT)).map(|(http, preview)| Ports { http, https, preview, exposure });
        match (label_of(&container, label::SCOPE), ports) {
            (Some(scope), Some(ports)) if scope == self.options.scope.name() => Ok(Some(Ground {
                container: container.id.unwrap_or_default(),
                running: container.state.and_then(|state| state.running).unwrap_or_default(),
                ports,
            })),
            _ => Err(TargetError::Refused {
                operation: format!("use container {name} as proxy"),
                reason: "it exists and was not made by Nonevent".to_owned(),
            }),
        }
    }

    /// Finds the proxy, or makes it and what it needs, and waits until it answers.
    pub(super) async fn ensure_ground(&self) -> Result<Ground, TargetError> {
        if let Some(ground) = self.ground().await?.filter(|ground| ground.running) {
            return Ok(ground);
        }
        self.ensure_proxy_image().await?;
        let guard = self.hold_setup().await?;
        let made = self.make_ground().await;
        self.free_setup(guard).await?;
        made
    }

    async fn make_ground(&self) -> Result<Ground, TargetError> {
        let shared = self.ensure_shared_network().await?;
        let name = self.options.scope.proxy();
        let volume = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(self.api.labels(Role::Proxy, None)),
            ..VolumeCreateRequest::default()
        };
        self.api.client.create_volume(volume).await.map_err(|error| self.api.error(format!("create volume {name}"), error))?;
        let mut taken = Vec::new();
        if let Some(ground) = self.ground().await? {
            if ground.running {
                return Ok(ground);
            }
            match self.start_proxy(&ground).await {
                Ok(Started::Answers) => return Ok(ground),
                // Its port went to somebody else while it was stopped: it moves.
                Ok(Started::PortTaken(port)) => taken.push(port),
                Err(error @ TargetError::Unreachable { .. }) => return Err(error),
                // Its network was pruned, or its image is gone: what matters is on the volume.
                Err(error) => tracing::warn!(%error, "the stopped proxy is made anew"),
            }
            self.api.remove(&ground.container).await?;
        }
        let mut kept = None;
        loop {
            let ports = match kept.filter(|ports: &Ports| !numbers(*ports).any(|port| taken.contains(&port))) {
                Some(ports) => ports,
                None => self.choose_ports(&taken, kept.map(|ports| ports.exposure).unwrap_or_default())?,
            };
            let ground = self.create_proxy(&shared, ports).await?;
            let generation = self.read_generation(&ground).await?;
            match generation.as_ref().and_then(|generation| generation.state.ports).filter(|ports| *ports != ground.ports) {
                Some(before) if kept.is_none() && !matches!(self.options.port, PortChoice::Fixed(_)) => {
                    // The volume outlived the container: its ports are tried first.
                    kept = Some(Ports { https: before.https.or(ports.https), ..before });
                    self.api.remove(&ground.container).await?;
                    continue;
                }
                _ => {}
            }
            if generation.is_none() {
                self.write_first_generation(&ground, &shared).await?;
            }
            match self.start_proxy(&ground).await? {
                Started::Answers => {
                    self.settle(&ground, &shared).await?;
                    return Ok(ground);
                }
                Started::PortTaken(port) => taken.push(port),
            }
            self.api.remove(&ground.container).await?;
        }
    }

    fn choose_ports(&self, taken: &[u16], exposure: Exposure) -> Result<Ports, TargetError> {
        let free = |port: &u16| !taken.contains(port);
        let usual = self.options.port == PortChoice::Usual;
        if let Some(port) =
            taken.iter().copied().find(|port| usual && exposure == Exposure::Everybody && [80, 443].contains(port))
        {
            // The world asks at these ports and at no others.
            return Err(TargetError::PortTaken { port, holder: None });
        }
        let http = match self.options.port {
            PortChoice::Fixed(port) if taken.contains(&port) => return Err(TargetError::PortTaken { port, holder: None }),
            PortChoice::Fixed(port) => Some(port),
            PortChoice::Usual => [80].into_iter().chain(8080..8180).find(free),
            PortChoice::Ephemeral => ephemeral().find(free),
        };
        let https = match self.options.port {
            PortChoice::Usual => [443].into_iter().chain(8443..8543).find(free),
            PortChoice::Fixed(_) | PortChoice::Ephemeral => ephemeral().find(|port| free(port) && Some(*port) != http),
        };
        let preview = ephemeral().find(|port| free(port) && ![http, https].contains(&Some(*port)));
        match http.zip(preview) {
            Some((http, preview)) => Ok(Ports { http, https, preview, exposure }),
            None => Err(TargetError::PortTaken { port: 8080, holder: None }),
        }
    }

    async fn create_proxy(&self, shared: &Shared, ports: Ports) -> Result<Ground, TargetError> {
        let name = self.options.scope.proxy();
        let mut labels = self.api.labels(Role::Proxy, None);
        labels.insert(label::HTTP_PORT.to_owned(), ports.http.to_string());
        labels.insert(label::PREVIEW_PORT.to_owned(), ports.preview.to_string());
        labels.extend(ports.https.map(|port| (label::HTTPS_PORT.to_owned(), port.to_string())));
        let requests_from = match ports.exposure {
            Exposure::Machine => LOOPBACK,
            Exposure::Everybody => {
                labels.insert(label::EXPOSED.to_owned(), "yes".to_owned());
                EVERYWHERE
            }
        };
        let publish = |inside: u16, outside: u16, from: &str| {
            let binding = PortBinding { host_ip: Some(from.to_owned()), host_port: Some(outside.to_string()) };
            (format!("{inside}/tcp"), Some(vec![binding]))
        };
        let mut published =
            HashMap::from([publish(PUBLIC_PORT, ports.http, requests_from), publish(PREVIEW_PORT, ports.preview, LOOPBACK)]);
        published.extend(ports.https.map(|port| publish(SECURE_PORT, port, requests_from)));
        let address = shared.subnet.at(PROXY_ADDRESS).map(|address| address.to_string());
        let endpoint = EndpointSettings {
            ipam_config: Some(EndpointIpamConfig { ipv4_address: address, ..EndpointIpamConfig::default() }),
            ..EndpointSettings::default()
        };
        let mut command = proxy::command().into_iter();
        let body = ContainerCreateBody {
            image: Some(self.options.proxy_image.clone()),
            entrypoint: Some(command.by_ref().take(1).collect()),
            cmd: Some(command.collect()),
            env: Some(proxy::variables()),
            labels: Some(labels),
            stop_signal: Some("SIGUSR1".to_owned()),
            stop_timeout: Some(STOP_SECONDS),
            exposed_ports: Some(published.keys().cloned().collect()),
            host_config: Some(HostConfig {
                binds: Some(vec![format!("{name}:{FOLDER}")]),
                network_mode: Some(shared.name.clone()),
                port_bindings: Some(published),
                restart_policy: Some(unless_stopped()),
                log_config: Some(log_limits()),
                readonly_rootfs: Some(true),
                cap_drop: Some(vec!["ALL".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                ..HostConfig::default()
            }),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(shared.name.clone(), endpoint)])),
            }),
            ..ContainerCreateBody::default()
        };
        self.create_named(&name, body).await?;
        self.ground()
            .await?
            .ok_or_else(|| TargetError::Refused { operation: format!("create {name}"), reason: "it is gone again".to_owned() })
    }

    async fn write_first_generation(&self, ground: &Ground, shared: &Shared) -> Result<(), TargetError> {
        let mut state = ProxyState::empty(shared.subnet.to_string());
        state.ports = Some(ground.ports);
        let named = generation_files("first", &state)?;
        let folder = |path| File { path, content: FileContent::Folder, mode: 0o755, owner: (0, 0) };
        let mut files = vec![folder("generations"), folder("generations/first"), folder("records"), folder("fences")];
        files.extend(named.iter().map(|(path, text)| File::plain(path, text.as_bytes())));
        files.push(File { path: "current", content: FileContent::Link("generations/first"), mode: 0o777, owner: (0, 0) });
        self.api.upload(&ground.container, FOLDER, &files).await
    }

    /// Takes away a proxy that serves nothing, leaving a state from which the next one is made.
    pub(super) async fn replace_empty_proxy(&self, ground: &Ground, state: ProxyState) -> Result<(), TargetError> {
        let name = uuid::Uuid::now_v7().simple().to_string();
        self.upload_generation(ground, &name, &state, None).await?;
        let link = format!("generations/{name}");
        let current = File { path: "current", content: FileContent::Link(&link), mode: 0o777, owner: (0, 0) };
        self.api.upload(&ground.container, FOLDER, &[current]).await?;
        self.api.remove(&ground.container).await
    }

    async fn start_proxy(&self, ground: &Ground) -> Result<Started, TargetError> {
        if let Err(error) = self.api.client.start_container(&ground.container, None::<StartContainerOptions>).await {
            return match taken_port(said(&error), ground.ports) {
                Some(port) => Ok(Started::PortTaken(port)),
                None => Err(self.api.error("start the proxy", error)),
            };
        }
        self.await_proxy(ground).await?;
        Ok(Started::Answers)
    }

    /// Makes sure that the proxy's image is there: it also carries locks and files.
    pub(super) async fn ensure_proxy_image(&self) -> Result<(), TargetError> {
        self.ensure_image(&self.options.proxy_image).await
    }

    /// Pulls an image that is not there.
    pub(super) async fn ensure_image(&self, image: &str) -> Result<(), TargetError> {
        match self.api.client.inspect_image(image).await {
            Ok(_) => return Ok(()),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(self.api.error(format!("inspect image {image}"), error)),
        }
        let missing = |reason: String| TargetError::ImageMissing { image: image.to_owned(), reason };
        if image.starts_with("sha256:") {
            return Err(missing("the engine does not have it".to_owned()));
        }
        pull(&self.api.client, image).await.map_err(|error| missing(error.why()))
    }
}

fn numbers(ports: Ports) -> impl Iterator<Item = u16> {
    [Some(ports.http), ports.https, Some(ports.preview)].into_iter().flatten()
}

/// How starting the proxy ended.
enum Started {
    Answers,
    PortTaken(u16),
}

/// Ports that engines do not give to outgoing connections, beginning at a random one.
fn ephemeral() -> impl Iterator<Item = u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let offset = u16::try_from(uuid::Uuid::now_v7().as_u128() % u128::from(COUNT)).unwrap_or_default();
    (0..COUNT).map(move |index| FIRST + (offset + index) % COUNT)
}

/// Returns the port of ours that an engine's complaint is about. Its words differ from version to version; the port is in all.
fn taken_port(message: &str, ports: Ports) -> Option<u16> {
    let complaint =
        ["port is already allocated", "address already in use", "permission denied", "failed to bind", "cannot expose"];
    if !complaint.iter().any(|words| message.to_lowercase().contains(words)) {
        return None;
    }
    let mentions = |port: u16| {
        let digits = port.to_string();
        message.split(|character: char| !character.is_ascii_digit()).any(|word| word == digits)
    };
    numbers(ports).find(|port| mentions(*port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { http: 80, https: Some(443), preview: 21_000, exposure: Exposure::Machine };

    #[test]
    fn a_taken_port_is_read_from_what_engines_say() {
        let said = [
            (
                "driver failed programming external connectivity on endpoint nonevent-proxy (ab80): Error starting userland proxy: \
                 listen tcp4 127.0.0.1:80: bind: address already in use",
                Some(80),
            ),
            ("Bind for 127.0.0.1:21000 failed: port is already allocated", Some(21_000)),
            ("failed to bind host port for 127.0.0.1:80:172.18.0.2:8080/tcp: address already in use", Some(80)),
            ("Address already in use", None),
            ("no such image: haproxy:80", None),
        ];
        for (message, port) in said {
            assert_eq!(taken_port(message, PORTS), port, "{message}");
        }
    }

    #[test]
    fn ephemeral_ports_are_many_and_in_range() {
        let all: std::collections::BTreeSet<u16> = ephemeral().collect();
        assert_eq!(all.len(), 12_000);
        assert!(all.iter().all(|port| (20_000..32_000).contains(port)));
    }
}
