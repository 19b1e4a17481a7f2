//! The gauntlet's stage: which gates need to run at all, what they run in, and what is recorded of those that were green.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::images::{Images, Tooling};
use super::placement::{keyed_hash, secret_values};
use super::{Context, workers};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::gauntlet::inputs::{Plugins, is_repeatable, reads};
use crate::gauntlet::{self, AfterRed, GateFact, GateImage, GateLimits, GauntletPlan, Necessity};
use crate::image::DevelopmentImage;
use crate::mask::{Mask, SHORTEST, Secret};
use crate::model::{
    Digest, GateImageEvidence, GateReport, GateSettings, GateState, GauntletSettings, ImageReport, ServiceSettings, TestResult,
};
use crate::request::Gates;
use crate::store::{GateKey, Proof};

/// Grows when the same inputs may lead to another answer because Nonevent does something else with them.
const SHAPE: u32 = 1;

/// How the gates ended, and what each ran in.
pub struct Gauntlet {
    /// Every gate, in order.
    pub reports: Vec<GateReport>,
    /// The images that they ran in, by gate.
    pub images: BTreeMap<String, GateImageEvidence>,
    /// Whether every gate that is set up was taken from the record.
    pub recorded: bool,
}

/// Takes the gates from the record that were green with the same inputs, and runs the others.
///
/// # Errors
/// When a secret has no value, the image cannot be made, the plan contradicts itself, or somebody cancels. A red gate is a report.
pub async fn run(
    context: &Context,
    images: &Images<'_>,
    image: &ImageReport,
    tooling: &Tooling,
    gates: Gates,
    after_red: AfterRed,
) -> Result<Gauntlet, EngineError> {
    let settings = &images.project.settings;
    let secrets = secrets(context, &settings.gauntlet).await?;
    let context = &context.masking(Mask::new(secrets.values()));
    let inputs = Inputs { context, images, tooling, secrets: &secrets };
    let wanted: Vec<&GateSettings> = settings.gauntlet.gates.iter().filter(|gate| gate.run.is_some()).collect();
    let known = match gates {
        Gates::Changed => inputs.known(&wanted)?,
        Gates::All => BTreeMap::new(),
    };
    let mut of_gate: BTreeMap<String, GateImageEvidence> =
        known.iter().map(|(gate, (_, image))| (gate.clone(), image.clone())).collect();
    let known: BTreeMap<String, GateReport> = known.into_iter().map(|(gate, (report, _))| (gate, report)).collect();
    if !wanted.is_empty() && known.len() == wanted.len() {
        let reports = recorded(context, &settings.gauntlet, &known).await?;
        return Ok(Gauntlet { reports, images: of_gate, recorded: true });
    }
    let guard = gauntlet::RunGuard::new(images.docker, context.run());
    let development = images.development(image, tooling).await?;
    for warning in &development.warnings {
        context.emit(EventBody::WarningRaised { message: warning.clone(), hint: None }).await?;
    }
    let evidence = evidence(image, &development)?;
    let services = gauntlet::wanted_services(&settings.gauntlet.gates, &settings.services);
    let services = images.pinned_services(services).await?;
    let mut limits = GateLimits::for_engine(images.docker, settings.gauntlet.budget);
    let caches = context.store().gate_cache(context.project())?;
    limits.cache =
        caches.is_none_or(|caches| caches.is_due()).then_some(settings.gauntlet.budget.cache.unwrap_or(gauntlet::cache::BUDGET));
    let cores = settings.gauntlet.budget.cores.unwrap_or(images.docker.info.cpus);
    let plan = GauntletPlan {
        run: context.run().clone(),
        project: context.project().clone(),
        image: GateImage {
            id: development.engine_id.clone(),
            python: development.python.clone(),
            workdir: development.workdir.clone(),
            tools: development.tools.clone(),
        },
        // How a suite is divided changes nothing of what it finds.
        gates: workers::decide(context, cores, tooling, &settings.gauntlet.gates).await?,
        required: settings.gauntlet.required.iter().cloned().collect(),
        services,
        env: settings.app.env.clone(),
        tools: tooling.versions.clone(),
        secrets: secrets.clone(),
        known,
        after_red,
        limits,
    };
    let reports = run_gates(context, images.docker, &plan).await?;
    guard.disarm();
    for report in reports.iter().filter(|report| !matches!(report.state, GateState::NotSetUp | GateState::Skipped { .. })) {
        of_gate.entry(report.gate.clone()).or_insert_with(|| evidence.clone());
    }
    // Images of services are pinned by now, also those that were not before.
    for gate in wanted.into_iter().filter(|gate| is_repeatable(gate)) {
        let green = reports.iter().find(|report| report.gate == gate.name && report.state == GateState::Green);
        if let (Some(report), Some(key)) = (green, inputs.key(gate)?) {
            context.store().record_proof(&key, context.project(), &Proof { report: report.clone(), image: evidence.clone() })?;
        }
    }
    Ok(Gauntlet { reports, images: of_gate, recorded: false })
}

/// Values of the secrets that gates ask for.
async fn secrets(context: &Context, gauntlet: &GauntletSettings) -> Result<BTreeMap<String, Secret>, EngineError> {
    let gates = gauntlet.gates.iter().filter(|gate| gate.run.is_some());
    let names: std::collections::BTreeSet<&String> = gates.flat_map(|gate| &gate.secrets).collect();
    let secrets = secret_values("the gauntlet", names)?;
    for (name, _) in secrets.iter().filter(|(_, value)| value.reveal().trim().len() < SHORTEST) {
        let message = format!("the secret {name} is shorter than {SHORTEST} bytes: it cannot be taken out of what gates print");
        context.emit(EventBody::WarningRaised { message, hint: Some("give it a longer value".into()) }).await?;
    }
    Ok(secrets)
}

/// What the gates of a run depend on.
struct Inputs<'a> {
    context: &'a Context,
    images: &'a Images<'a>,
    tooling: &'a Tooling,
    secrets: &'a BTreeMap<String, Secret>,
}

/// Everything that a gate's answer depends on.
#[derive(Serialize)]
struct Everything<'a> {
    shape: u32,
    version: &'a str,
    ground: &'a [String],
    files: Digest,
    gate: &'a GateSettings,
    services: BTreeMap<&'a String, (&'a ServiceSettings, &'a Digest)>,
    env: &'a BTreeMap<String, String>,
    secrets: BTreeMap<&'a String, String>,
}

impl Inputs<'_> {
    /// Finds the gates that were green with the same inputs, with what they said and what they ran in.
    fn known(&self, gates: &[&GateSettings]) -> Result<BTreeMap<String, (GateReport, GateImageEvidence)>, EngineError> {
        let mut known = BTreeMap::new();
        for gate in gates.iter().filter(|gate| is_repeatable(gate)) {
            let Some(key) = self.key(gate)? else { continue };
            if let Some((at, Proof { report, image })) = self.context.store().proof(&key)? {
                let report = GateReport { state: GateState::Cached { at }, ..report };
                known.insert(gate.name.clone(), (report, image));
            }
        }
        Ok(known)
    }

    /// Returns the name of everything that a gate's answer depends on; none where a service is not pinned.
    fn key(&self, gate: &GateSettings) -> Result<Option<String>, EngineError> {
        let settings = &self.images.project.settings;
        let services = gauntlet::wanted_services(std::slice::from_ref(gate), &settings.services);
        let Some(pins) = self.images.pins_of(&services)? else { return Ok(None) };
        let read = reads(gate, self.plugins());
        let hash_key = self.context.store().hash_key()?;
        let secrets = gate.secrets.iter().filter_map(|name| Some((name, keyed_hash(&hash_key, self.secrets.get(name)?))));
        // Whom it waits for, how long, and what a failure of it means, change nothing of its answer.
        let bare = GateSettings {
            needs: Vec::new(),
            workers: None,
            timeout: std::time::Duration::ZERO,
            allow_failure: false,
            ..gate.clone()
        };
        let everything = Everything {
            shape: SHAPE,
            version: env!("CARGO_PKG_VERSION"),
            ground: &self.tooling.ground,
            files: self.tooling.sources.fingerprint(|path| read.include(path)),
            gate: &bare,
            services: services.iter().filter_map(|(name, service)| Some((name, (service, pins.get(name)?)))).collect(),
            env: &settings.app.env,
            secrets: secrets.collect(),
        };
        let canonical = serde_json_canonicalizer::to_vec(&everything).map_err(|error| EngineError::ours(error.to_string()))?;
        Ok(Some(hex::encode(Sha256::digest(canonical))))
    }

    /// Tells whether a type checker's configuration names plugins that may read anything.
    fn plugins(&self) -> Plugins {
        let files = ["pyproject.toml", "mypy.ini", ".mypy.ini", "setup.cfg"];
        let read = |file: &&str| std::fs::read_to_string(self.images.project.root.join(file)).unwrap_or_default();
        if files.iter().map(read).any(|text| text.lines().any(names_plugins)) { Plugins::Some } else { Plugins::None }
    }
}

/// Tells whether a line names plugins other than those that read what the type checker reads.
fn names_plugins(line: &str) -> bool {
    const HARMLESS: [&str; 4] = ["pydantic.mypy", "pydantic.v1.mypy", "sqlalchemy.ext.mypy.plugin", "numpy.typing.mypy_plugin"];
    let Some((_, value)) = line.split_once('=').filter(|(key, _)| key.trim() == "plugins") else { return false };
    let names = value.split(|character: char| !character.is_alphanumeric() && !"._".contains(character));
    let mut named = names.filter(|name| !name.is_empty()).peekable();
    // A list that goes on below may name anything.
    named.peek().is_none() || named.any(|name| !HARMLESS.contains(&name))
}

/// Splits the layers that gates see where the release's end: above are those of the development wheels, and the image's own.
///
/// # Errors
/// When they do not begin with the release's: then the gates would not test what ships.
fn evidence(release: &ImageReport, development: &DevelopmentImage) -> Result<GateImageEvidence, EngineError> {
    let tools = development.tools.iter().flat_map(|tools| &tools.layers);
    match development.layers.strip_prefix(release.layers.as_slice()) {
        Some(above) => Ok(GateImageEvidence {
            image: development.engine_id.clone(),
            release_image: release.digest.clone(),
            release_layers: release.layers.clone(),
            development_layers: tools.chain(above).cloned().collect(),
        }),
        None => Err(EngineError::ours("the image for gates does not stand on the layers of the release's image")),
    }
}

async fn recorded(
    context: &Context,
    gauntlet: &GauntletSettings,
    known: &BTreeMap<String, GateReport>,
) -> Result<Vec<GateReport>, EngineError> {
    let mut reports = Vec::with_capacity(gauntlet.gates.len());
    for (position, gate) in gauntlet.gates.iter().enumerate() {
        let report = match known.get(&gate.name) {
            Some(report) => report.clone(),
            None => gauntlet::not_set_up(&gate.name, Necessity::of(&gate.name, &gauntlet.required)),
        };
        reports.push(record_gate(context, position, report, &[]).await?);
    }
    Ok(reports)
}

async fn run_gates(context: &Context, docker: &Docker, plan: &GauntletPlan) -> Result<Vec<GateReport>, EngineError> {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let run = async move {
        let told = |fact| drop(sender.send(fact));
        gauntlet::run(docker, plan, context.lines(), &told, context.cancel()).await
    };
    let tell = async {
        let mut tests = BTreeMap::new();
        while let Some(fact) = receiver.recv().await {
            match fact {
                GateFact::Started { gate, command } => context.emit(EventBody::GateStarted { gate, command }).await?,
                GateFact::Tested { gate, results } => drop(tests.insert(gate, results)),
                GateFact::Finished(report) => {
                    let position = plan.gates.iter().position(|gate| gate.name == report.gate).unwrap_or(usize::MAX);
                    let tests = tests.remove(&report.gate).unwrap_or_default();
                    record_gate(context, position, report, &tests).await?;
                }
                GateFact::Noted { message, hint } => context.emit(EventBody::WarningRaised { message, hint }).await?,
                GateFact::CachesMeasured { bytes } => context.store().remember_gate_cache(context.project(), bytes)?,
            }
        }
        Ok::<(), EngineError>(())
    };
    let (reports, told) = tokio::join!(run, tell);
    told?;
    Ok(reports?)
}

/// Remembers what a gate found, marks what is new, and tells it.
async fn record_gate(
    context: &Context,
    position: usize,
    report: GateReport,
    tests: &[TestResult],
) -> Result<GateReport, EngineError> {
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    let key = GateKey { project: context.project(), run: context.run(), position };
    let (report, event) = context.store().record_gate(&key, report, tests)?;
    context.send(event).await;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ToolVolume;
    use crate::model::BuilderKind;

    #[test]
    fn plugins_are_found_unless_they_read_code_alone() {
        for line in ["plugins = [", "plugins = ['mypy_django_plugin.main']", "plugins=own.plugin, pydantic.mypy"] {
            assert!(names_plugins(line), "{line}");
        }
        for line in ["plugins = [\"pydantic.mypy\"]", "# plugins", "strict = true", "plugins_of = 1"] {
            assert!(!names_plugins(line), "{line}");
        }
    }

    #[test]
    fn an_image_that_does_not_stand_on_the_release_s_is_refused() {
        let digests = |names: &[&str]| names.iter().map(|name| Digest::new(format!("sha256:{name}"))).collect::<Vec<_>>();
        let release = ImageReport {
            digest: Digest::new("sha256:release"),
            engine_id: Digest::new("sha256:release"),
            builder: BuilderKind::Wheels,
            base: None,
            size: 0,
            layers: digests(&["base", "venv", "app"]),
            reused: false,
            warnings: Vec::new(),
            workdir: "/app".into(),
        };
        let development = |layers: &[&str]| DevelopmentImage {
            engine_id: Digest::new("sha256:dev"),
            layers: digests(layers),
            tools: Some(ToolVolume { name: "tools".into(), path: "/tools".into(), layers: digests(&["tools"]) }),
            python: "python".into(),
            workdir: "/app".into(),
            added_files: Vec::new(),
            warnings: Vec::new(),
        };
        let made = evidence(&release, &development(&["base", "venv", "app", "tests"])).expect("evidence");
        assert_eq!(made.development_layers, digests(&["tools", "tests"]));
        assert!(evidence(&release, &development(&["base", "venv", "other", "tests"])).is_err());
        assert!(evidence(&release, &development(&["base"])).is_err());
    }
}
