//! Networks: one shared by all instances and the proxy, one per environment. See the module's head for why.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptions, ListNetworksOptionsBuilder};

use super::DockerTarget;
use super::api::{is_missing, said};
use super::scope::{Role, label};
use super::subnet::Subnet;
use crate::target::{Place, TargetError};

/// The network of all instances and the proxy.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub name: String,
    pub subnet: Subnet,
    pool: Subnet,
}

/// The size of the shared network: 1022 addresses.
const SHARED_PREFIX: u8 = 22;
/// The size of an environment's network: 126 addresses, enough for both sides, workers and services.
const PLACE_PREFIX: u8 = 25;
/// Pools smaller than this are not shared out: all of it is the shared network, and environments get pools of the engine's choice.
const WHOLE_PREFIX: u8 = 20;
/// The first place of an address that instances get.
const FIRST_INSTANCE: u32 = 16;

impl DockerTarget {
    /// Finds the shared network.
    pub(super) async fn shared_network(&self) -> Result<Option<Shared>, TargetError> {
        let name = self.options.scope.name().to_owned();
        let Some(network) = self.network_named(&name, Role::Proxy).await? else { return Ok(None) };
        let subnet = subnets(&network).into_iter().next();
        let pool = network.labels.as_ref().and_then(|labels| labels.get(label::POOL)).and_then(|text| text.parse().ok());
        match subnet {
            Some(subnet) => Ok(Some(Shared { name, subnet, pool: pool.unwrap_or(subnet) })),
            None => {
                Err(TargetError::Refused { operation: format!("use network {name}"), reason: "it has no IPv4 subnet".to_owned() })
            }
        }
    }

    /// Finds the shared network or makes it. The short lock must be held.
    pub(super) async fn ensure_shared_network(&self) -> Result<Shared, TargetError> {
        const TRIES: u32 = 5;
        let mut last = None;
        for _ in 0..TRIES {
            if let Some(shared) = self.shared_network().await? {
                return Ok(shared);
            }
            let pool = self.free_pool().await?;
            let subnet = if pool.prefix() <= WHOLE_PREFIX { pool.head(SHARED_PREFIX) } else { pool };
            let mut labels = self.api.labels(Role::Proxy, None);
            labels.insert(label::POOL.to_owned(), pool.to_string());
            // An error here most often is that another network took the pool in the meantime.
            last = self.create_network(self.options.scope.name(), Some(subnet), labels).await.err();
        }
        match (self.shared_network().await?, last) {
            (Some(shared), _) => Ok(shared),
            (None, Some(error)) => Err(error),
            (None, None) => Err(TargetError::Refused {
                operation: format!("create network {}", self.options.scope.name()),
                reason: "it is gone again".to_owned(),
            }),
        }
    }

    /// Finds an environment's network or makes it. The environment's lock must be held.
    pub(super) async fn ensure_place_network(&self, place: &Place, shared: &Shared) -> Result<String, TargetError> {
        let name = self.options.scope.network(place);
        if self.network_named(&name, Role::Network).await?.is_some() {
            return Ok(name);
        }
        let labels = self.api.labels(Role::Network, Some(place));
        if shared.pool.prefix() <= WHOLE_PREFIX {
            let taken = self.taken_subnets().await?;
            let free = |slice: &Subnet| !taken.iter().any(|other| other.overlaps(*slice));
            // Another environment may take the same slice at the same moment: the engine refuses one of the two.
            for slice in shared.pool.slices(PLACE_PREFIX, shared.subnet).filter(free).take(16) {
                match self.create_network(&name, Some(slice), labels.clone()).await {
                    Ok(()) => return Ok(name),
                    Err(error @ TargetError::Unreachable { .. }) => return Err(error),
                    Err(error) => tracing::debug!(%error, %slice, "a slice is taken"),
                }
            }
        }
        self.create_network(&name, None, labels).await?;
        Ok(name)
    }

    /// Removes a network of ours; one that is gone is no error.
    pub(super) async fn remove_network(&self, name: &str) -> Result<(), TargetError> {
        match self.api.client.remove_network(name).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(self.api.error(format!("remove network {name}"), error)),
        }
    }

    /// Returns an address of the shared network that no container of ours bears. Hold `addresses` until yours does.
    pub(super) async fn free_address(&self, shared: &Shared, refused: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, TargetError> {
        let borne: BTreeSet<Ipv4Addr> = self
            .api
            .containers(vec![label::ADDRESS.to_owned()])
            .await?
            .iter()
            .filter_map(|container| container.labels.as_ref()?.get(label::ADDRESS)?.parse().ok())
            .collect();
        let free: Vec<Ipv4Addr> = shared
            .subnet
            .addresses(FIRST_INSTANCE)
            .filter(|address| !borne.contains(address) && !refused.contains(address))
            .collect();
        // A random one: two processes that look at the same time seldom choose the same, and an address rests after its instance.
        let index = usize::try_from(uuid::Uuid::now_v7().as_u128() & 0xffff_ffff).unwrap_or_default() % free.len().max(1);
        free.get(index).copied().ok_or_else(|| TargetError::Refused {
            operation: format!("find an address in {}", shared.subnet),
            reason: "every one is taken".to_owned(),
        })
    }

    /// Asks the engine for a pool that neither its own networks nor its host's routes use: it makes a network, and we look at it.
    async fn free_pool(&self) -> Result<Subnet, TargetError> {
        let name = format!("{}-pool-{}", self.options.scope.name(), &uuid::Uuid::now_v7().simple().to_string()[20..]);
        self.create_network(&name, None, self.api.labels(Role::Proxy, None)).await?;
        let found = self.api.client.inspect_network(&name, None::<InspectNetworkOptions>).await;
        self.remove_network(&name).await?;
        let network = found.map_err(|error| self.api.error(format!("inspect network {name}"), error))?;
        let subnets: Vec<Subnet> = ipam_subnets(network.ipam.as_ref());
        subnets.into_iter().next().ok_or_else(|| TargetError::Refused {
            operation: format!("create network {name}"),
            reason: "the engine gave it no IPv4 subnet".to_owned(),
        })
    }

    async fn create_network(
        &self,
        name: &str,
        subnet: Option<Subnet>,
        labels: HashMap<String, String>,
    ) -> Result<(), TargetError> {
        let config = |subnet: Subnet| IpamConfig { subnet: Some(subnet.to_string()), ..IpamConfig::default() };
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            ipam: subnet.map(|subnet| Ipam { config: Some(vec![config(subnet)]), ..Ipam::default() }),
            labels: Some(labels),
            ..NetworkCreateRequest::default()
        };
        match self.api.client.create_network(request).await {
            Ok(_) => Ok(()),
            Err(error) if said(&error).contains("non-overlapping") => Err(TargetError::Refused {
                operation: format!("create network {name}"),
                reason: "the engine has no free subnet left; `docker network prune` removes networks that nothing uses"
                    .to_owned(),
            }),
            Err(error) => Err(self.api.error(format!("create network {name}"), error)),
        }
    }

    /// Finds a network by its name; one that is not ours is refused.
    async fn network_named(&self, name: &str, role: Role) -> Result<Option<Network>, TargetError> {
        let filters = HashMap::from([("name".to_owned(), vec![name.to_owned()])]);
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks = self.networks(Some(options)).await?;
        let Some(network) = networks.into_iter().find(|network| network.name.as_deref() == Some(name)) else { return Ok(None) };
        let labels = network.labels.as_ref();
        let bears = |name: &str, value: &str| labels.and_then(|labels| labels.get(name)).is_some_and(|found| found == value);
        if bears(label::SCOPE, self.options.scope.name()) && bears(label::ROLE, role.word()) {
            return Ok(Some(network));
        }
        Err(TargetError::Refused {
            operation: format!("use network {name}"),
            reason: "it exists and was not made by Nonevent".to_owned(),
        })
    }

    async fn taken_subnets(&self) -> Result<Vec<Subnet>, TargetError> {
        Ok(self.networks(None).await?.iter().flat_map(subnets).collect())
    }

    async fn networks(&self, options: Option<ListNetworksOptions>) -> Result<Vec<Network>, TargetError> {
        self.api.client.list_networks(options).await.map_err(|error| self.api.error("list networks", error))
    }
}

fn subnets(network: &Network) -> Vec<Subnet> {
    ipam_subnets(network.ipam.as_ref())
}

fn ipam_subnets(ipam: Option<&Ipam>) -> Vec<Subnet> {
    let configs = ipam.and_then(|ipam| ipam.config.as_ref()).into_iter().flatten();
    configs.filter_map(|config| config.subnet.as_deref()?.parse().ok()).collect()
}
