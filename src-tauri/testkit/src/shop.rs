//! One small project, `shop`, whole: for tests that care about one field of the model.

use std::collections::BTreeMap;
use std::time::Duration;

use nonevent_engine::model::{
    AppSettings, BuilderKind, CommandLine, Digest, EnvironmentName, Evidence, Framework, HealthCheck, HealthProbe, Https,
    Instance, InstanceId, InstanceState, Placement, Process, ProcessKind, ProcessName, ProjectName, Release, ReleaseId,
    ReleaseSettings, Resources, RolloutId, SecretDelivery, SourceState, Strictness,
};
use nonevent_engine::target::Place;

/// The environment `local` of the project `shop`.
pub fn place() -> Place {
    Place { project: ProjectName::new("shop"), environment: EnvironmentName::new("local") }
}

/// A release of `shop` with one web process; `id` tells releases apart.
pub fn release(id: &str) -> Release {
    Release {
        id: ReleaseId::new(id),
        project: ProjectName::new("shop"),
        image: Digest::new(format!("sha256:{id:0>64}")),
        engine_id: Digest::new(format!("sha256:{id:0>64}")),
        app: AppSettings {
            name: ProjectName::new("shop"),
            framework: Framework::Fastapi,
            python: "3.13".into(),
            processes: vec![process("web", ProcessKind::Web { port: 8000 })],
            env: BTreeMap::new(),
            volumes: Vec::new(),
        },
        health: HealthCheck {
            probe: HealthProbe::Http { path: "/healthz".into() },
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            successes: 2,
            deadline: Duration::from_secs(30),
        },
        settings: ReleaseSettings::default(),
        evidence: Evidence {
            format: 1,
            source: SourceState::default(),
            lock_kind: None,
            lock_digest: None,
            lock_strictness: Strictness::Refuse,
            lock_warnings: Vec::new(),
            builder: BuilderKind::Wheels,
            base: None,
            image_size: 0,
            gates: Vec::new(),
            gate_images: Vec::new(),
            untested: false,
            packages: Vec::new(),
            migrations: Vec::new(),
        },
        created_at: "2026-01-01T00:00:00.000Z".into(),
    }
}

/// A release of `shop` with a web process and a worker.
pub fn release_with_worker(id: &str) -> Release {
    let mut release = release(id);
    release.app.processes.push(process("worker", ProcessKind::Worker));
    release
}

/// A process that runs `serve`.
pub fn process(name: &str, kind: ProcessKind) -> Process {
    Process {
        name: ProcessName::new(name),
        kind,
        command: CommandLine::Exec(vec!["serve".into()]),
        stop_grace: Duration::from_secs(1),
    }
}

/// A placement of `shop` in `local` with this many web instances.
pub fn placement(web: u16) -> Placement {
    Placement {
        environment: EnvironmentName::new("local"),
        domain: "shop.localhost".into(),
        https: Https::Off,
        replicas: BTreeMap::from([(ProcessName::new("web"), web)]),
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        secret_delivery: SecretDelivery::Env,
        services: Vec::new(),
        resources: Resources::default(),
    }
}

/// A running instance of a process.
pub fn instance(id: &str, process: &str, release: &Release, rollout: &RolloutId) -> Instance {
    Instance {
        id: InstanceId::new(id),
        name: format!("shop-local-{process}-{id}"),
        process: ProcessName::new(process),
        release: release.id.clone(),
        rollout: rollout.clone(),
        address: None,
        state: InstanceState::Running,
        restarts: 0,
        started_at: Some("2026-01-01T00:00:00.000Z".into()),
        serving: false,
    }
}
