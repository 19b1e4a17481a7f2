//! A proxy of its own on a real engine, and rollouts that fail there.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nonevent_engine::diagnosis::Shipped;
use nonevent_engine::model::ServiceContainer;
use nonevent_engine::model::{
    CommandLine, Diagnosis, Digest, Framework, HealthProbe, Ready, ReleaseSettings, Resources, RolloutReason, RunId,
    ServiceSettings,
};
use nonevent_engine::model::{Strategy, Tolerance};
use nonevent_engine::pipeline::Context;
use nonevent_engine::request::{Bake, Consent, Preview};
use nonevent_engine::rollout::{Desired, Lease, Order, Rollout, RolloutError, Source};
use nonevent_engine::store::Store;
use nonevent_engine::target::docker::{DockerTarget, Options};
use nonevent_engine::target::{Foundation, Leave, Place, RootFileSystem, Target};
use nonevent_testkit::sample;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, PROXY};

/// Environments in which cases are rolled out one after the other.
const LANES: usize = 5;

/// Which image a case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// The apps.
    Apps,
    /// Programs for another processor.
    Foreign,
}

#[derive(Debug, Clone)]
enum Expected {
    First(&'static str, Vec<&'static str>),
    Only(&'static str),
    Named(&'static str),
    Unknown(&'static str),
}

/// One app that does not get healthy, and what is to be found out.
#[derive(Debug, Clone)]
pub struct Case {
    command: String,
    env: BTreeMap<String, String>,
    path: String,
    deadline: u64,
    memory: u64,
    image: Image,
    framework: Framework,
    settings: ReleaseSettings,
    postgres: bool,
    expected: Option<Expected>,
}

/// Makes a case of a command.
pub fn case(command: &str) -> Case {
    Case {
        command: command.to_owned(),
        env: BTreeMap::new(),
        path: "/healthz".to_owned(),
        // Enough for a start on a machine that does many things at once.
        deadline: 8,
        memory: 192,
        image: Image::Apps,
        framework: Framework::Custom,
        settings: ReleaseSettings::default(),
        postgres: false,
        expected: None,
    }
}

impl Case {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn path(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    /// Seconds that it is waited for.
    pub fn deadline(mut self, seconds: u64) -> Self {
        self.deadline = seconds;
        self
    }

    /// MiB that it may use.
    pub fn memory(mut self, megabytes: u64) -> Self {
        self.memory = megabytes;
        self
    }

    pub fn on(mut self, image: Image) -> Self {
        self.image = image;
        self
    }

    pub fn framework(mut self, framework: Framework) -> Self {
        self.framework = framework;
        self
    }

    pub fn settings(mut self, settings: ReleaseSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Keeps an empty PostgreSQL beside it.
    pub fn postgres(mut self) -> Self {
        self.postgres = true;
        self.env("DATABASE_URL", "postgresql://postgres:made-up@db:5432/postgres")
    }

    pub fn finds(mut self, code: &'static str, says: &[&'static str]) -> Self {
        self.expected = Some(Expected::First(code, says.to_vec()));
        self
    }

    pub fn finds_only(mut self, code: &'static str) -> Self {
        self.expected = Some(Expected::Only(code));
        self
    }

    pub fn names(mut self, code: &'static str) -> Self {
        self.expected = Some(Expected::Named(code));
        self
    }

    pub fn stays_unknown(mut self, says: &'static str) -> Self {
        self.expected = Some(Expected::Unknown(says));
        self
    }

    /// Says what is wrong with a diagnosis, if something is.
    fn judge(&self, diagnosis: &Diagnosis) -> Result<(), String> {
        let codes: Vec<&str> = diagnosis.suspects.iter().map(|suspect| suspect.cause.code()).collect();
        let right = match self.expected.as_ref().unwrap() {
            Expected::First(code, says) => {
                let told =
                    diagnosis.first().map(|first| format!("{}\n{}\n{}", first.sentence, first.evidence.join("\n"), first.fix));
                codes.first() == Some(code) && says.iter().all(|text| told.as_ref().is_some_and(|told| told.contains(text)))
            }
            Expected::Only(code) => codes == [*code],
            Expected::Named(code) => codes.contains(code),
            Expected::Unknown(says) => codes.is_empty() && diagnosis.summary.contains(says) && !diagnosis.evidence.is_empty(),
        };
        if right { Ok(()) } else { Err(format!("`{}` expected {:?}, found {diagnosis:#?}", self.command, self.expected)) }
    }
}

/// A proxy of its own on a real engine.
pub struct Clinic {
    lab: Lab,
    target: Arc<dyn Target>,
    apps: Digest,
    foreign: Digest,
}

impl Clinic {
    pub async fn open(name: &str) -> Self {
        let lab = Lab::open(name).await;
        let (apps, foreign) = tokio::task::spawn_blocking(|| (image("apps"), image("foreign"))).await.unwrap();
        let target = Arc::new(DockerTarget::new(&lab.docker, Options::new(lab.scope.clone(), PROXY)).unwrap());
        Self { lab, target, apps, foreign }
    }

    /// Rolls every case out, and asserts what is found out; nothing of any is left.
    pub async fn treat(&self, cases: Vec<Case>) {
        let lanes = (0..LANES.min(cases.len())).map(|lane| self.lane(lane, cases.iter().skip(lane).step_by(LANES)));
        let wrong: Vec<String> = futures_util::future::join_all(lanes).await.into_iter().flatten().collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        assert_eq!(self.lab.everything().await, [""; 0], "something is left behind");
    }

    /// Rolls cases out in one environment; returns what is wrong with what was found.
    async fn lane(&self, number: usize, cases: impl Iterator<Item = &Case>) -> Vec<String> {
        let place = sample::place(&format!("p{number}"));
        let mut wrong = Vec::new();
        for case in cases {
            let began = std::time::Instant::now();
            let diagnosis = self.ship(&place, case).await;
            println!("{:>6} ms  {}", began.elapsed().as_millis(), diagnosis.summary);
            wrong.extend(case.judge(&diagnosis).err());
        }
        let lease = Lease::acquire(Arc::clone(&self.target), &place, "ann@one", "down").await.unwrap();
        self.target.down(lease.fence(), Leave::Nothing).await.unwrap();
        lease.release().await.unwrap();
        wrong
    }

    async fn ship(&self, place: &Place, case: &Case) -> Diagnosis {
        let store = Store::in_memory().unwrap();
        let (updates, mut reader) = mpsc::channel(64);
        tokio::spawn(async move { while reader.recv().await.is_some() {} });
        let context = Context::new(
            store.clone(),
            place.project.clone(),
            RunId::generate(),
            "ann@one".into(),
            updates,
            CancellationToken::new(),
        );
        let lease = Lease::acquire(Arc::clone(&self.target), place, "ann@one", "ship").await.unwrap();
        let order = self.order(place, case);
        let mut rollout = Rollout::begin(&context, self.target.as_ref(), &lease, &order).await.unwrap().unwrap();
        let error = match rollout.move_traffic().await {
            Err(error @ (RolloutError::NeverHealthy { .. } | RolloutError::BeforeStartFailed { .. })) => error,
            other => panic!("`{}`: {other:?}", case.command),
        };
        let diagnosis = error.diagnosis().cloned().unwrap();
        let recorded = store.rollouts(&place.project, None, 1).unwrap().remove(0).diagnosis;
        assert_eq!(recorded.as_ref(), Some(&diagnosis), "it is kept with the rollout");
        let left = self.target.observe(place).await.unwrap().instances;
        assert_eq!(left, [], "an instance was left");
        lease.release().await.unwrap();
        diagnosis
    }

    fn order(&self, place: &Place, case: &Case) -> Order {
        let image = if case.image == Image::Apps { &self.apps } else { &self.foreign };
        let domain = format!("{}.localhost", place.project);
        let record = sample::record(place, &"r1".into(), "aaaa", image, &domain);
        let mut release = record.release;
        let words = shlex::split(&case.command).unwrap();
        release.app.processes[0].command = CommandLine::Exec(words);
        release.app.processes[0].stop_grace = Duration::from_secs(1);
        release.app.framework = case.framework;
        release.health.probe = HealthProbe::Http { path: case.path.clone() };
        release.health.deadline = Duration::from_secs(case.deadline);
        release.health.timeout = Duration::from_secs(2);
        release.settings = case.settings.clone();
        let mut placement = record.placement;
        placement.resources = Resources { memory: case.memory << 20, ..Resources { memory: 0, cpus: 1.0, pids: 128 } };
        let services = case.postgres.then(|| ("db".to_owned(), (postgres(), "postgres:17".to_owned())));
        placement.services = services.iter().map(|(name, _)| name.clone()).collect();
        Order {
            desired: Desired { release, placement, reason: RolloutReason::Ship },
            foundation: Foundation {
                domain: Some(domain),
                https: nonevent_engine::target::Encryption::Off,
                port: Some(sample::PORT),
                services: services.into_iter().collect(),
                volumes: Vec::new(),
            },
            env: case.env.clone(),
            secrets: BTreeMap::new(),
            root: RootFileSystem::ReadOnly,
            drain: Duration::from_secs(1),
            bake: Duration::ZERO,
            wait: Bake::Wait,
            strategy: Strategy::BlueGreen,
            pause: Duration::ZERO,
            tolerance: Tolerance::default(),
            preview: Preview::Tell,
            consent: Consent::Refuse,
            source: Some(Source { root: folder(), shipped: Shipped { python: "3.13".into(), ..Shipped::default() } }),
        }
    }
}

fn postgres() -> ServiceSettings {
    ServiceSettings {
        image: "postgres:17".to_owned(),
        command: None,
        env: BTreeMap::from([("POSTGRES_PASSWORD".to_owned(), "made-up".to_owned())]),
        ready: Ready::Port(5432),
        within: Duration::from_secs(60),
        provides: BTreeMap::new(),
        data: None,
        container: ServiceContainer::default(),
    }
}

/// The sources of the image.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/docker/diagnosis/image")
}

/// Builds a stage of the image, once for each state of its sources, whichever test comes first.
fn image(stage: &str) -> Digest {
    let mut hasher = DefaultHasher::new();
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder())
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    files.sort();
    for file in &files {
        file.strip_prefix(folder()).unwrap().hash(&mut hasher);
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    let tag = format!("nonevent-test-diagnosis-{stage}:{:016x}", hasher.finish());
    let lock = std::fs::File::create(std::env::temp_dir().join("nonevent-test-diagnosis.lock")).unwrap();
    lock.lock().unwrap();
    let id = || {
        let output = Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", &tag]).output().unwrap();
        output.status.success().then(|| Digest::from(String::from_utf8_lossy(&output.stdout).trim()))
    };
    id().unwrap_or_else(|| {
        let built = Command::new("docker")
            .args(["build", "--quiet", "--target", stage, "--tag", &tag, "."])
            .current_dir(folder())
            .env("DOCKER_BUILDKIT", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        id().unwrap_or_else(|| panic!("the image was not built: {}", String::from_utf8_lossy(&built.stderr)))
    })
}
