//! Looking at an environment: what serves, what runs, who holds the lock.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::DockerTarget;
use super::ground::Ground;
use super::instance::instance;
use super::lock::label_of;
use super::scope::{Role, key, label};
use crate::model::{Instance, ServiceStatus};
use crate::target::proxy::{AcmeHost, FOLDER, HostHttps, Issue, PREVIEW_SUFFIX, ProxyState, SideState};
use crate::target::{Observed, Place, Record, Side, TargetError};

/// What the proxy's volume says of an environment.
#[derive(Default)]
struct Route {
    serving: Option<Side>,
    idle: Option<Side>,
    share: u8,
    url: Option<String>,
    preview: Option<String>,
    https_url: Option<String>,
}

impl DockerTarget {
    pub(super) async fn observe_place(&self, place: &Place) -> Result<Observed, TargetError> {
        let route = self.observe_route(place).await?;
        let listed = self.place_containers(place).await?;
        let inspected =
            try_join_all(listed.iter().filter_map(|container| container.id.as_deref()).map(|id| self.api.inspect(id)));
        let containers: Vec<_> = inspected.await?.into_iter().flatten().collect();
        let mut instances: Vec<Instance> = containers.iter().filter_map(instance).collect();
        for instance in &mut instances {
            instance.serving = route.serving.as_ref().is_some_and(|side| side.instances.contains(&instance.id));
        }
        instances.sort_by(|one, other| (&one.process, &one.name).cmp(&(&other.process, &other.name)));
        let mut services: Vec<ServiceStatus> = containers
            .iter()
            .filter(|container| label_of(container, label::ROLE).as_deref() == Some(Role::Service.word()))
            .map(|container| {
                let config = container.config.clone().unwrap_or_default();
                let name = label_of(container, label::SERVICE).unwrap_or_default();
                let volume = self.options.scope.service(place, &name);
                let mounted = container.mounts.iter().flatten().any(|mount| mount.name.as_deref() == Some(volume.as_str()));
                ServiceStatus {
                    image: config.image.unwrap_or_default(),
                    running: container.state.as_ref().and_then(|state| state.running).unwrap_or_default(),
                    volume: mounted.then_some(volume),
                    name,
                }
            })
            .collect();
        services.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Observed {
            serving: route.serving,
            idle: route.idle,
            instances,
            services,
            share: route.share,
            url: route.url,
            preview: route.preview,
            https_url: route.https_url,
            lock: self.lock_holder(place).await?,
        })
    }

    /// Reads the records of what served before; one that cannot be read is left out.
    pub(super) async fn earlier_records(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        let Some(ground) = self.ground().await? else { return Ok(Vec::new()) };
        let state = self.read_state(&ground).await?;
        let Some(here) = state.places.get(&key(place)) else { return Ok(Vec::new()) };
        if here.earlier.is_empty() {
            return Ok(Vec::new());
        }
        let records = self.api.download_all(&ground.container, &format!("{FOLDER}/records")).await?;
        let read = |file: &String| serde_json::from_slice(records.get(file)?).ok();
        Ok(here.earlier.iter().filter_map(|one| read(&one.record)).collect())
    }

    pub(super) async fn list_places(&self) -> Result<Vec<Place>, TargetError> {
        let containers = self.api.containers(vec![label::ENVIRONMENT.to_owned()]).await?;
        let mut places: BTreeSet<Place> = containers
            .iter()
            .filter_map(|container| {
                let labels = container.labels.as_ref()?;
                // A lock alone is no environment: it may be that of a first ship that has made nothing yet.
                (labels.get(label::ROLE).map(String::as_str) != Some(Role::Lock.word())).then_some(())?;
                Some(Place {
                    project: labels.get(label::PROJECT)?.as_str().into(),
                    environment: labels.get(label::ENVIRONMENT)?.as_str().into(),
                })
            })
            .collect();
        if let Some(ground) = self.ground().await? {
            places.extend(self.read_state(&ground).await?.places.into_values().map(|here| here.place));
        }
        Ok(places.into_iter().collect())
    }

    /// Reads what the volume says. A proxy that runs but does otherwise is mended on the way.
    async fn observe_route(&self, place: &Place) -> Result<Route, TargetError> {
        let Some(ground) = self.ground().await? else { return Ok(Route::default()) };
        if ground.running {
            let snapshot = self.snapshot(&ground, place).await?;
            self.repair(&ground, place, &snapshot).await?;
            let record = |side: &SideState| snapshot.records.get(&side.record).cloned();
            return Ok(route(&snapshot.generation.state, place, &ground, record));
        }
        let state = self.read_state(&ground).await?;
        let mut records = std::collections::BTreeMap::new();
        for side in state.places.get(&key(place)).into_iter().flat_map(|here| here.sides.values()) {
            if let Some(record) = self.read_record(&ground, &side.record).await? {
                records.insert(side.record.clone(), record);
            }
        }
        let mut route = route(&state, place, &ground, |side| records.get(&side.record).cloned());
        (route.url, route.https_url, route.preview) = (None, None, None);
        Ok(route)
    }
}

fn route(state: &ProxyState, place: &Place, ground: &Ground, record: impl Fn(&SideState) -> Option<Record>) -> Route {
    let Some(here) = state.places.get(&key(place)) else { return Route::default() };
    let side = |side: Option<&SideState>| {
        let side = side?;
        Some(Side { record: record(side)?, instances: side.instances.clone(), resting: side.resting.clone() })
    };
    let domain = here.serving_side().map(|side| &side.domain).filter(|domain| !domain.is_empty()).or(here.domains.first());
    let https = domain.and_then(|domain| Some((domain, here.https.get(domain)?, ground.ports.https?)));
    let https_url = https.map(|(domain, _, port)| address("https", 443, domain, port));
    let is_only = https.is_some_and(|(_, https, _)| matches!(https, HostHttps::Acme(AcmeHost { issue: Issue::Done, .. })));
    let https_only = https_url.clone().filter(|_| is_only);
    Route {
        serving: side(here.serving_side()),
        idle: side(here.idle_side()),
        share: here.share,
        preview: here
            .idle_side()
            .filter(|side| !side.domain.is_empty() && !side.slots.is_empty())
            .map(|side| preview(&side.domain, ground.ports.preview)),
        url: https_only.or_else(|| domain.map(|domain| address("http", 80, domain, ground.ports.http))),
        https_url,
    }
}

/// Browsers find names below `localhost` at the loopback, where the preview is; another name gets there under one of these.
fn preview(domain: &str, port: u16) -> String {
    match domain.ends_with(".localhost") {
        true => format!("http://{domain}:{port}"),
        false => format!("http://{domain}{PREVIEW_SUFFIX}:{port}"),
    }
}

fn address(scheme: &str, usual: u16, domain: &str, port: u16) -> String {
    if port == usual { format!("{scheme}://{domain}") } else { format!("{scheme}://{domain}:{port}") }
}
