//! Images that gates run in, plans of a gauntlet, and what one leaves.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions,
};
use nonevent_engine::docker::Docker;
use nonevent_engine::gauntlet::{self, Budget, GateFact, GateImage, GateLimits, GauntletError, GauntletPlan, cache};
use nonevent_engine::image::{dockerfile, inspect};
use nonevent_engine::model::{
    AppSettings, BuildSettings, CommandLine, Digest, Framework, GateReport, GateSettings, ImageReport, LogLine, ProjectName,
    RunId, TestResult,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{PYTHON, docker, gather, pull, unique};

/// The plan of gates in an image, and what was told of them.
pub struct Bench {
    pub docker: Docker,
    pub plan: GauntletPlan,
    pub facts: Mutex<Vec<GateFact>>,
    pub cancel: CancellationToken,
    /// The image, when it was built for this test.
    built: Option<ImageReport>,
}

impl Bench {
    /// Builds the image from a Dockerfile, which stands in for a release's with a development layer.
    pub async fn built(dockerfile: &str, files: &[(&str, &str)]) -> Self {
        let docker = docker().await;
        pull(&docker, PYTHON).await;
        let project = ProjectName::new(unique("nonevent-test-gates"));
        let folder = tempfile::tempdir().expect("temporary folder");
        write(folder.path(), files);
        write(folder.path(), &[("Dockerfile", dockerfile), (".dockerignore", "Dockerfile\n.dockerignore\n")]);
        let image = build(&docker, folder.path(), &project).await;
        Self { built: Some(image.clone()), ..Self::of(docker, project, image.engine_id, image.workdir) }
    }

    /// Takes the plain Python image: what the gates run in matters to none of the tests.
    pub async fn plain() -> Self {
        let docker = docker().await;
        pull(&docker, PYTHON).await;
        let image = inspect(&docker, PYTHON).await.expect("engine").expect("image");
        Self::of(docker, ProjectName::new(unique("nonevent-test-gates")), image.id, "/".into())
    }

    fn of(docker: Docker, project: ProjectName, id: Digest, workdir: String) -> Self {
        let budget = Budget { cores: docker.info.cpus.max(4), memory: 8 << 30, gate_memory: 512 << 20 };
        let limits = GateLimits { budget, pids: 200, tmp: 64 << 20, output: 1 << 20, cache: None };
        let plan = GauntletPlan::new(project, GateImage { id, python: "python".into(), workdir, tools: None }, limits);
        Self { docker, plan, facts: Mutex::default(), cancel: CancellationToken::new(), built: None }
    }

    /// Adds a gate that runs a line in a shell.
    pub fn gate(&mut self, name: &str, command: &str) -> &mut GateSettings {
        self.add(name, CommandLine::Shell(command.into()))
    }

    /// Adds a gate that runs a Python program, which tells at once what it prints.
    pub fn python(&mut self, name: &str, program: &str) -> &mut GateSettings {
        self.add(name, CommandLine::Exec(["python", "-u", "-c", program].map(str::to_owned).to_vec()))
    }

    fn add(&mut self, name: &str, command: CommandLine) -> &mut GateSettings {
        self.plan.gates.push(GateSettings { timeout: Duration::from_mins(2), ..GateSettings::new(name, Some(command)) });
        self.plan.gates.last_mut().expect("gate")
    }

    /// Runs the gates, and looks that nothing of the run is left.
    pub async fn try_run(&self) -> (Result<Vec<GateReport>, GauntletError>, Vec<LogLine>) {
        let (sender, receiver) = mpsc::channel(1000);
        let lines = gather(receiver);
        let facts = |fact| self.facts.lock().expect("lock").push(fact);
        let reports = gauntlet::run(&self.docker, &self.plan, &sender, &facts, &self.cancel).await;
        drop(sender);
        let lines = lines.await.expect("lines");
        assert_eq!(left_over(&self.docker, &self.plan.run).await, Vec::<String>::new());
        (reports, lines)
    }

    /// Runs the gates, and returns their reports by name, and their lines.
    pub async fn run(&self) -> (BTreeMap<String, GateReport>, Vec<LogLine>) {
        let (reports, lines) = self.try_run().await;
        let reports = reports.expect("reports");
        let names: Vec<&String> = self.plan.gates.iter().map(|gate| &gate.name).collect();
        assert_eq!(reports.iter().map(|report| &report.gate).collect::<Vec<_>>(), names, "the plan's order");
        (reports.into_iter().map(|report| (report.gate.clone(), report)).collect(), lines)
    }

    /// Returns each test of each gate that was told, and forgets all facts.
    pub fn tested(&self) -> BTreeMap<String, Vec<TestResult>> {
        let facts = std::mem::take(&mut *self.facts.lock().expect("lock"));
        let tested = facts.into_iter().filter_map(|fact| match fact {
            GateFact::Tested { gate, results } => Some((gate, results)),
            _ => None,
        });
        tested.collect()
    }

    /// Removes the image and the caches.
    pub async fn remove(self) {
        let client = &self.docker.client;
        if let Some(image) = &self.built {
            let tag = format!("nonevent/{}:{}", self.plan.project, image.engine_id.short());
            let _ = client.remove_image(&tag, None::<RemoveImageOptions>, None).await;
        }
        let _ = client.remove_volume(&cache::volume(&self.plan.project), None::<RemoveVolumeOptions>).await;
    }
}

async fn build(docker: &Docker, root: &Path, project: &ProjectName) -> ImageReport {
    let bundle = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from).filter(|path| path.is_file());
    let settings = BuildSettings {
        dockerfile: None,
        stage: None,
        args: BTreeMap::new(),
        secrets: BTreeMap::new(),
        base: PYTHON.into(),
        include: Vec::new(),
        exclude: Vec::new(),
        ca_bundle: bundle,
        extras: Vec::new(),
        groups: Vec::new(),
    };
    let app = AppSettings {
        name: project.clone(),
        framework: Framework::Custom,
        python: "3.13".into(),
        processes: Vec::new(),
        env: BTreeMap::new(),
        volumes: Vec::new(),
    };
    let (sender, receiver) = mpsc::channel(1000);
    let lines = gather(receiver);
    let built = dockerfile::build(docker, root, &settings, &app, &sender, &|_| {}, &CancellationToken::new()).await;
    drop(sender);
    match built {
        Ok(report) => report,
        Err(error) => panic!("{error}\n{:#?}", lines.await),
    }
}

/// Lists what still bears a run's label.
pub async fn left_over(docker: &Docker, run: &RunId) -> Vec<String> {
    let label = format!("dev.nonevent.run={run}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let containers = docker.client.list_containers(Some(options)).await.expect("containers");
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let networks = docker.client.list_networks(Some(options)).await.expect("networks");
    let names = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
    names.chain(networks.into_iter().filter_map(|network| network.name)).collect()
}

/// Writes files below a folder.
pub fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    }
}

/// Returns the lines of one source.
pub fn texts<'a>(lines: &'a [LogLine], source: &str) -> Vec<&'a str> {
    lines.iter().filter(|line| line.source == source).map(|line| line.text.as_str()).collect()
}
