//! Inspect, lock, build, gauntlet: from a source tree to a release that was proven.

use std::path::Path;

use super::gates::{self, Gauntlet};
use super::images::{Images, Tooling};
use super::stage::{interruptible, stage};
use super::{Context, release};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::event::EventBody;
use crate::gauntlet::{self, AfterRed};
use crate::model::{
    BuilderKind, Evidence, GateEvidence, GateImageEvidence, GateReport, GateState, ImageReport, LockReport, LockSituation,
    Migrations, Release, Stage, StageState, Strictness,
};
use crate::project::Project;
use crate::project::lock::{self, LockFile};
use crate::request::{Allow, Gates};

/// The version of the evidence's shape.
const EVIDENCE_SHAPE: u32 = 3;

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
    /// What becomes of the others when one is red.
    pub after_red: AfterRed,
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
    let gauntlet = stage(context, Stage::Gauntlet, gauntlet(context, &images, &image, &tooling, allowed)).await?;
    let migrations = migrations(project, &tooling).await;
    let packages = tooling.packages.clone();
    let evidence = Evidence { packages, migrations, ..evidence(project, source, report.as_ref(), &image, &gauntlet) };
    let release = release(context, project, &image, evidence).await?;
    Ok(Proven { release, reports: gauntlet.reports })
}

/// Reads the migrations in the tree that was built.
async fn migrations(project: &Project, tooling: &Tooling) -> Vec<Migrations> {
    let root = project.root.clone();
    let files: Vec<String> = tooling.sources.release.files.iter().map(|file| file.path.clone()).collect();
    let read = move || crate::project::migrations(&root, files.iter().map(String::as_str));
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
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
    tooling: &Tooling,
    allowed: Allowed,
) -> Result<(Gauntlet, StageState, String), EngineError> {
    let gauntlet = gates::run(context, images, image, tooling, allowed.gates, allowed.after_red).await?;
    context.store().forget_old_results(context.project())?;
    judge(context, images.project, &gauntlet.reports, allowed.untested).await?;
    let state = if gauntlet.recorded { StageState::Unchanged } else { StageState::Done };
    let summary = summary(&gauntlet.reports);
    Ok((gauntlet, state, summary))
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

fn summary(reports: &[GateReport]) -> String {
    let set_up = reports.iter().filter(|report| report.state != GateState::NotSetUp).count();
    let tests: u32 = reports.iter().filter_map(|report| report.tests.as_ref()).map(|tests| tests.passed).sum();
    let cached = match reports.iter().filter(|report| matches!(report.state, GateState::Cached { .. })).count() {
        0 => String::new(),
        count if count == set_up => ", green before with the same inputs".to_owned(),
        count => format!(", {count} of them green before with the same inputs"),
    };
    format!("{set_up} gates, {tests} tests passed{cached}")
}

fn evidence(
    project: &Project,
    source: crate::model::SourceState,
    lock: Option<&LockReport>,
    image: &ImageReport,
    gauntlet: &Gauntlet,
) -> Evidence {
    let reports = gauntlet.reports.as_slice();
    let mut gate_images: Vec<GateImageEvidence> = gauntlet.images.values().cloned().collect();
    gate_images.sort_by(|one, other| one.image.as_str().cmp(other.image.as_str()));
    gate_images.dedup();
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
                image: gauntlet.images.get(&report.gate).map(|image| image.image.clone()),
            })
            .collect(),
        gate_images,
        untested: !is_tested(reports),
        packages: Vec::new(),
        migrations: Vec::new(),
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
