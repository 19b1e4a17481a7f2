//! Inspect, lock, build, gauntlet: from a source tree to a release that was proven.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::images::{Images, Tooling};
use super::stage::{interruptible, stage};
use super::{Context, release, workers};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::gauntlet::{self, GateFact, GateImage, GateLimits, GauntletPlan};
use crate::model::{
    BuilderKind, Digest, Evidence, GateEvidence, GateReport, GateState, ImageReport, LockReport, LockSituation, Release, Stage,
    StageState, Strictness, TestResult,
};
use crate::project::Project;
use crate::project::lock::{self, LockFile};
use crate::request::{Allow, Gates};
use crate::store::GateKey;

/// The version of the evidence's shape.
const EVIDENCE_SHAPE: u32 = 1;

/// What the stages before a rollout found and made.
pub struct Proven {
    /// The release; an earlier one when it runs exactly alike.
    pub release: Release,
    /// Every gate.
    pub reports: Vec<GateReport>,
}

/// What a person allowed.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// A project without tests may go on.
    pub untested: Allow,
    /// Which gates run.
    pub gates: Gates,
}

/// Proves a project: inspects it, checks its lock, builds its image, runs its gates, makes the release.
///
/// # Errors
/// When anything of it is not as it should be; nothing was moved then.
pub async fn prove(
    context: &Context,
    docker: &Docker,
    cache: &Path,
    project: &Project,
    allowed: Allowed,
) -> Result<Proven, EngineError> {
    let source = interruptible(context, Stage::Inspect, inspect(context, project)).await?;
    let (lock, report) = interruptible(context, Stage::Lock, check_lock(context, project)).await?;
    let images = Images { context, docker, cache, project, lock: lock.as_ref() };
    let (image, tooling) = interruptible(context, Stage::Build, build(context, &images)).await?;
    let reports = stage(context, Stage::Gauntlet, gauntlet(context, &images, &image, tooling, allowed)).await?;
    let evidence = evidence(project, source, report.as_ref(), &image, &reports);
    let release = release(context, project, &image, evidence).await?;
    Ok(Proven { release, reports })
}

async fn inspect(context: &Context, project: &Project) -> Result<(crate::model::SourceState, StageState, String), EngineError> {
    for warning in &project.warnings {
        context.emit(EventBody::WarningRaised { message: warning.message.clone(), hint: warning.hint.clone() }).await?;
    }
    let app = &project.settings.app;
    let processes: Vec<&str> = app.processes.iter().map(|process| process.name.as_str()).collect();
    let summary = format!("{} on Python {}, {}", app.framework.title(), app.python, processes.join(" and "));
    Ok((project.source_state(), StageState::Done, summary))
}

async fn check_lock(
    context: &Context,
    project: &Project,
) -> Result<((Option<LockFile>, Option<LockReport>), StageState, String), EngineError> {
    let strictness = project.settings.lock.unhashed;
    let Some(lock) = lock::find(&project.root)? else {
        let finding = lock::missing(&project.root);
        if strictness == Strictness::Warn && project.settings.build.dockerfile.is_some() {
            context.emit(EventBody::WarningRaised { message: finding.message.clone(), hint: Some(finding.hint) }).await?;
            return Ok(((None, None), StageState::Skipped { reason: "there is no lock".into() }, finding.message));
        }
        return Err(EngineError::user("lock_missing", finding.message).with_hint(finding.hint));
    };
    for note in lock.notes() {
        context.emit(EventBody::WarningRaised { message: note.clone(), hint: None }).await?;
    }
    let report = lock.check();
    for doubt in lock.doubts() {
        context.progress(Stage::Lock, doubt);
    }
    context.emit(EventBody::LockChecked(report.clone())).await?;
    let (tolerated, refused): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|finding| is_tolerated(finding.situation, strictness));
    if let Some(first) = refused.first() {
        let mut hints: Vec<String> = Vec::new();
        for finding in &refused {
            if !hints.contains(&finding.hint) {
                hints.push(finding.hint.clone());
            }
        }
        let more = refused.iter().skip(1).map(|finding| finding.message.clone());
        return Err(EngineError::user("lock_refused", first.message.clone()).with_hints(hints).with_details(more));
    }
    for finding in tolerated {
        context.emit(EventBody::WarningRaised { message: finding.message.clone(), hint: Some(finding.hint.clone()) }).await?;
    }
    let proven = if report.proven { "fresh" } else { "nothing speaks against it" };
    let summary = format!("{}: {} packages, {proven}", report.file.display(), report.packages);
    Ok(((Some(lock), Some(report)), StageState::Done, summary))
}

fn is_tolerated(situation: LockSituation, strictness: Strictness) -> bool {
    matches!(situation, LockSituation::Unhashed | LockSituation::Unpinned) && strictness == Strictness::Warn
}

async fn build(context: &Context, images: &Images<'_>) -> Result<((ImageReport, Tooling), StageState, String), EngineError> {
    let (image, tooling) = images.build().await?;
    for warning in &image.warnings {
        context.emit(EventBody::WarningRaised { message: warning.clone(), hint: None }).await?;
    }
    context.emit(EventBody::ImageBuilt(image.clone())).await?;
    let state = if image.reused { StageState::Unchanged } else { StageState::Done };
    let how = match image.builder {
        BuilderKind::Wheels => "from the lock",
        BuilderKind::Dockerfile => "from the Dockerfile",
    };
    let summary = format!("{} {how}, {:.1} MB", image.digest.short(), megabytes(image.size));
    Ok(((image, tooling), state, summary))
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

async fn gauntlet(
    context: &Context,
    images: &Images<'_>,
    image: &ImageReport,
    tooling: Tooling,
    allowed: Allowed,
) -> Result<(Vec<GateReport>, StageState, String), EngineError> {
    let project = images.project;
    let development = images.development(image, &tooling).await?;
    for warning in &development.warnings {
        context.emit(EventBody::WarningRaised { message: warning.clone(), hint: None }).await?;
    }
    let settings = &project.settings.gauntlet;
    let mut plan = GauntletPlan {
        run: context.run().clone(),
        project: context.project().clone(),
        image: GateImage {
            id: development.engine_id.clone(),
            python: development.python.clone(),
            workdir: development.workdir.clone(),
        },
        gates: settings.gates.clone(),
        required: settings.required.iter().cloned().collect(),
        services: images.pinned_services(gauntlet::wanted_services(&settings.gates, &project.settings.services)).await?,
        env: project.settings.app.env.clone(),
        limits: GateLimits::for_engine(images.docker),
    };
    let key = proof_key(&development.engine_id, &plan)?;
    let known = match allowed.gates {
        Gates::Changed => context.store().proof(&key)?,
        Gates::All => None,
    };
    // How a suite is divided changes nothing of what it finds.
    plan.gates = workers::decide(context, images.docker.info.cpus, &tooling, &settings.gates).await?;
    let (reports, state) = match known {
        Some((at, reports)) => (cached(context, reports, &at).await?, StageState::Unchanged),
        None => (run_gates(context, images.docker, &plan).await?, StageState::Done),
    };
    context.store().forget_old_results(context.project())?;
    judge(context, project, &reports, allowed.untested).await?;
    if state == StageState::Done {
        context.store().record_proof(&key, context.project(), &reports)?;
    }
    let summary = summary(&reports, &state);
    Ok((reports, state, summary))
}

/// Everything that the gates' answers depend on: the image that they run in, with its tools and tests, what runs, and beside what.
fn proof_key(image: &Digest, plan: &GauntletPlan) -> Result<String, EngineError> {
    let inputs = serde_json_canonicalizer::to_vec(&(image, &plan.gates, &plan.services, &plan.env))
        .map_err(|error| EngineError::ours(error.to_string()))?;
    Ok(hex::encode(Sha256::digest(inputs)))
}

async fn cached(context: &Context, reports: Vec<GateReport>, at: &str) -> Result<Vec<GateReport>, EngineError> {
    let mut cached = Vec::with_capacity(reports.len());
    for (position, mut report) in reports.into_iter().enumerate() {
        if report.state == GateState::Green {
            report.state = GateState::Cached { at: at.to_owned() };
        }
        cached.push(record_gate(context, position, report, &[]).await?);
    }
    Ok(cached)
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

/// Decides whether the gates let a release be made.
async fn judge(context: &Context, project: &Project, reports: &[GateReport], untested: Allow) -> Result<(), EngineError> {
    let gate_settings = |report: &GateReport| project.settings.gauntlet.gates.iter().find(|gate| gate.name == report.gate);
    let mut failed = Vec::new();
    for report in reports.iter().filter(|report| !report.state.passes() && !gauntlet::no_tests(report)) {
        if gate_settings(report).is_some_and(|gate| gate.allow_failure) {
            let message = format!("gate `{}` is {}, which the configuration allows", report.gate, report.state.word());
            context.emit(EventBody::WarningRaised { message, hint: None }).await?;
        } else {
            failed.push(report);
        }
    }
    if !failed.is_empty() {
        let named: Vec<String> = failed.iter().map(|report| format!("`{}` is {}", report.gate, report.state.word())).collect();
        return Err(EngineError::user("gate_red", format!("the gauntlet did not pass: {}", named.join(", ")))
            .with_hint("mend what the gates found and run it again; nothing was released"));
    }
    if is_tested(reports) {
        return Ok(());
    }
    match untested {
        Allow::Yes => {
            let message = "no test was run: the release is recorded as untested".to_owned();
            context.emit(EventBody::WarningRaised { message, hint: Some("add a test; `pytest` finds `tests/test_*.py`".into()) }).await?;
            Ok(())
        }
        Allow::No => Err(EngineError::user("untested", "the project has no test that could prove it")
            .with_hint("add one (`pytest` finds `tests/test_*.py`, with pytest among the development dependencies), or go on with `--allow-untested`")),
    }
}

/// Tells whether any test passed, or a custom gate that could hold tests did.
fn is_tested(reports: &[GateReport]) -> bool {
    reports.iter().any(|report| match &report.tests {
        Some(tests) => tests.passed > 0,
        None => {
            !matches!(report.gate.as_str(), "lint" | "format" | "types")
                && matches!(report.state, GateState::Green | GateState::Cached { .. })
        }
    })
}

fn summary(reports: &[GateReport], state: &StageState) -> String {
    let set_up = reports.iter().filter(|report| report.state != GateState::NotSetUp).count();
    let tests: u32 = reports.iter().filter_map(|report| report.tests.as_ref()).map(|tests| tests.passed).sum();
    let cached = if *state == StageState::Unchanged { ", green before with the same inputs" } else { "" };
    format!("{set_up} gates, {tests} tests passed{cached}")
}

fn evidence(
    project: &Project,
    source: crate::model::SourceState,
    lock: Option<&LockReport>,
    image: &ImageReport,
    reports: &[GateReport],
) -> Evidence {
    Evidence {
        format: EVIDENCE_SHAPE,
        source,
        lock_kind: lock.map(|report| report.kind),
        lock_digest: lock.map(|report| report.digest.clone()),
        lock_strictness: project.settings.lock.unhashed,
        lock_warnings: lock
            .map(|report| report.findings.iter().map(|finding| finding.message.clone()).collect())
            .unwrap_or_default(),
        builder: image.builder,
        base: image.base.clone(),
        image_size: image.size,
        gates: reports
            .iter()
            .map(|report| GateEvidence {
                gate: report.gate.clone(),
                // What was green before with the same inputs is as good as green now.
                state: if report.state.passes() && matches!(report.state, GateState::Cached { .. }) {
                    "green"
                } else {
                    report.state.word()
                }
                .to_owned(),
                tool: report.tool.clone(),
                tests_passed: report.tests.as_ref().map(|tests| tests.passed),
            })
            .collect(),
        untested: !is_tested(reports),
    }
}

/// Finds an earlier release that runs exactly alike, or makes a new one.
async fn release(context: &Context, project: &Project, image: &ImageReport, evidence: Evidence) -> Result<Release, EngineError> {
    let known = context.store().releases(context.project())?;
    let alike = known.into_iter().find(|known| release::runs_alike(known, &project.settings, image));
    let existed = alike.is_some();
    let release = match alike {
        Some(release) => release,
        None => release::make(&project.settings, image, evidence).map_err(|error| EngineError::ours(error.to_string()))?,
    };
    context.store().remember_release(&release)?;
    context.emit(EventBody::ReleaseMade { release: release.id.clone(), existed }).await?;
    Ok(release)
}
