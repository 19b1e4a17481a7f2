//! Publish, provision, rollout, bake: from a release to what serves.

use std::collections::BTreeMap;
use std::path::Path;

use super::Context;
use super::placement::{Composed, compose};
use super::secrets::{Needs, values};
use super::stage::stage;
use crate::diagnosis::Shipped;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::mask::{Mask, SHORTEST, Secret};
use crate::model::{
    BuilderKind, EnvironmentName, EnvironmentSettings, Https, ProcessKind, ProjectSettings, Release, RolloutReason,
    ServiceSettings, Stage, StageState,
};
use crate::request::{Bake, Consent, Done, Outcome, Preview};
use crate::rollout::{self, Desired, Finished, Lease, Order, Rollout, Source};
use crate::target::{Encryption, Foundation, Place, RootFileSystem, Target};

/// Which release goes where, and why.
pub struct Delivery<'a> {
    /// The project.
    pub settings: &'a ProjectSettings,
    /// The environment's name.
    pub name: &'a EnvironmentName,
    /// The environment.
    pub environment: &'a EnvironmentSettings,
    /// The release.
    pub release: &'a Release,
    /// Why.
    pub reason: RolloutReason,
    /// Whether to wait for the bake.
    pub wait: Bake,
    /// Whether to wait for a look at the new instances.
    pub preview: Preview,
    /// What happens when requests may be lost.
    pub consent: Consent,
    /// The project's folder.
    pub root: &'a Path,
    /// Services kept in the environment, each with the image to run, pinned by digest.
    pub services: BTreeMap<String, (ServiceSettings, String)>,
}

/// Ends what an earlier process left in the middle, and moves the environment whose lock is held.
///
/// # Errors
/// When it does not get there.
pub async fn deliver(
    context: &Context,
    target: &dyn Target,
    lease: &Lease,
    delivery: Delivery<'_>,
) -> Result<Outcome, EngineError> {
    for (skipped, reason) in [
        (Stage::Publish, "the image is in the engine that runs it"),
        (Stage::Provision, "the environment has no infrastructure of its own"),
    ] {
        stage(context, skipped, async { Ok(((), StageState::Skipped { reason: reason.into() }, reason.into())) }).await?;
    }
    let needs = Needs::of_environment(context.project(), delivery.root, delivery.name, delivery.environment);
    let secrets = values(context.vaults()?, &needs).await?;
    // Instances that are to go print their last lines, with the values that they were given.
    let placed = target.secrets_of(&lease.fence().place).await?;
    let context = &context.masking(Mask::new(secrets.values().chain(&placed)));
    // Boxed, as below: futures within futures would not fit a thread's stack when nothing is optimised.
    Box::pin(move_to(context, target, lease, delivery, secrets)).await.map_err(|error| masked(context.mask(), error))
}

/// Moves the environment to the release; whatever is told knows what to leave out.
async fn move_to(
    context: &Context,
    target: &dyn Target,
    lease: &Lease,
    delivery: Delivery<'_>,
    secrets: BTreeMap<String, Secret>,
) -> Result<Outcome, EngineError> {
    warn_of_short(context, &secrets).await?;
    let hash_key = context.store().hash_key()?;
    let composed = compose(delivery.settings, delivery.name, delivery.environment, delivery.release, &hash_key, secrets);
    if delivery.reason == RolloutReason::Rollback {
        tell_whose_values(context, &delivery, &composed).await?;
    }
    let order = order(&delivery, composed)?;
    let place = Place { project: context.project().clone(), environment: delivery.name.clone() };
    let done = Box::pin(roll_out(context, target, lease, &order)).await?;
    let observed = target.observe(&place).await?;
    Ok(Outcome { environment: Some(place.environment), release: Some(delivery.release.id.clone()), url: observed.url, done })
}

async fn warn_of_short(context: &Context, secrets: &BTreeMap<String, Secret>) -> Result<(), EngineError> {
    for (name, _) in secrets.iter().filter(|(_, value)| value.reveal().trim().len() < SHORTEST) {
        let message = format!("the secret {name} is shorter than {SHORTEST} bytes: it cannot be taken out of what is printed");
        context.emit(EventBody::WarningRaised { message, hint: Some("give it a longer value".into()) }).await?;
    }
    Ok(())
}

/// A release of earlier meets the values of today: whoever goes back because a value was changed must know.
async fn tell_whose_values(context: &Context, delivery: &Delivery<'_>, composed: &Composed) -> Result<(), EngineError> {
    let rollouts = context.store().rollouts(context.project(), Some(delivery.name), u32::MAX)?;
    let earlier = rollouts.into_iter().find(|rollout| rollout.to == delivery.release.id);
    let Some(before) = earlier.map(|rollout| rollout.placement.secrets) else { return Ok(()) };
    let now = &composed.placement.secrets;
    let other = now.iter().filter(|(name, hash)| before.get(*name).is_some_and(|before| before != *hash));
    let names: Vec<&str> = other.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message =
        format!("the rollback uses today's values of secrets: {} changed since the release was placed here", names.join(", "));
    let commands = names.iter().map(|name| format!("`nonevent secret set {name} -e {}`", delivery.name)).collect::<Vec<_>>();
    let hint = format!("to go back to an earlier value as well, set it: {}", commands.join(", "));
    context.emit(EventBody::WarningRaised { message, hint: Some(hint) }).await?;
    Ok(())
}

fn masked(mask: &Mask, error: EngineError) -> EngineError {
    let code = error.problem.code.clone();
    let problem = mask
        .of(*error.problem)
        .unwrap_or_else(|| *EngineError::user(&code, "it failed, and why cannot be told without a secret in it").problem);
    EngineError { problem: Box::new(problem), fault: error.fault }
}

async fn roll_out(context: &Context, target: &dyn Target, lease: &Lease, order: &Order) -> Result<Done, EngineError> {
    let environment = &order.desired.placement.environment;
    let unfinished = context.store().unfinished_rollouts(context.project(), environment)?;
    // A rollback finds what it wants still warm, if the rollout away from it has not ended its bake.
    let mut observed = target.observe(&lease.fence().place).await?;
    let warm = rollout::warm(&order.desired, &observed);
    let recovered = rollout::recover_beside(context, target, lease.fence(), &unfinished, &observed, warm.as_ref()).await?;
    if !recovered.is_empty() {
        observed = target.observe(&lease.fence().place).await?;
    }
    for done in recovered {
        context.emit(EventBody::WarningRaised { message: format!("recovered: {done}"), hint: None }).await?;
    }
    let release = &order.desired.release.id;
    let begun = Box::pin(stage(context, Stage::Rollout, async {
        let Some(mut rollout) = Rollout::begin_from(context, target, lease, order, observed).await? else {
            return Ok((None, StageState::Unchanged, format!("{release} serves already")));
        };
        rollout.move_traffic().await?;
        Ok((Some(rollout), StageState::Done, format!("{release} serves")))
    }));
    let Some(mut rollout) = begun.await? else { return Ok(Done::Nothing) };
    stage(context, Stage::Bake, async {
        let (done, summary) = match rollout.settle().await? {
            Finished::Scaled => (Done::Scaled, format!("{release} has its instances")),
            Finished::Switched => (Done::Switched, format!("{environment} is {release}")),
            Finished::Baking => (Done::Switched, "the old instances stay warm; the next start ends the bake".to_owned()),
        };
        Ok((done, StageState::Done, summary))
    })
    .await
}

fn order(delivery: &Delivery<'_>, composed: Composed) -> Result<Order, EngineError> {
    let release = delivery.release;
    let port = release.app.processes.iter().find_map(|process| match process.kind {
        ProcessKind::Web { port } => Some(port),
        ProcessKind::Worker => None,
    });
    Ok(Order {
        desired: Desired { release: release.clone(), placement: composed.placement, reason: delivery.reason },
        foundation: Foundation {
            domain: port.map(|_| delivery.environment.domain.clone()),
            https: encryption(delivery)?,
            port,
            services: delivery.services.clone(),
            volumes: release.app.volumes.clone(),
        },
        env: composed.env,
        secrets: composed.secrets,
        root: match release.evidence.builder {
            BuilderKind::Wheels => RootFileSystem::ReadOnly,
            BuilderKind::Dockerfile => RootFileSystem::Writable,
        },
        drain: delivery.environment.drain,
        bake: delivery.environment.bake,
        wait: delivery.wait,
        strategy: delivery.environment.strategy.clone(),
        pause: delivery.environment.pause,
        tolerance: delivery.environment.tolerance,
        preview: delivery.preview,
        consent: delivery.consent,
        source: source(delivery),
    })
}

/// Reads what the target needs for HTTPS and does not find in the settings themselves.
fn encryption(delivery: &Delivery<'_>) -> Result<Encryption, EngineError> {
    let acme = match &delivery.environment.https {
        Https::Off => return Ok(Encryption::Off),
        Https::Local => return Ok(Encryption::Local),
        Https::Acme(acme) => acme,
    };
    let read = |path: &std::path::PathBuf| {
        let path = delivery.root.join(path);
        std::fs::read_to_string(&path).map_err(|error| {
            let message = format!("{}, the `acme.ca_bundle` of {}, cannot be read: {error}", path.display(), delivery.name);
            EngineError::user("ca_bundle_unreadable", message)
        })
    };
    let roots = acme.ca_bundle.as_ref().map(read).transpose()?;
    Ok(Encryption::Acme { directory: acme.directory.clone(), email: acme.email.clone(), roots })
}

/// An earlier release has other sources than those that lie there now.
fn source(delivery: &Delivery<'_>) -> Option<Source> {
    let build = &delivery.settings.build;
    let shipped =
        Shipped { python: delivery.settings.app.python.clone(), extras: build.extras.clone(), groups: build.groups.clone() };
    (delivery.reason == RolloutReason::Ship).then(|| Source { root: delivery.root.to_owned(), shipped })
}
