//! Releases, records and instances as tests need them: small, complete, made up.

use std::collections::BTreeMap;
use std::time::Duration;

use nonevent_engine::model::{
    AppSettings, BuilderKind, CommandLine, Digest, Evidence, Framework, HealthCheck, HealthProbe, Https, Placement, Process,
    ProcessKind, Release, ReleaseSettings, Resources, RolloutId, SecretDelivery, SourceState, Strictness,
};
use nonevent_engine::target::{InstanceSpec, LockHolder, Place, Record, RootFileSystem};

/// The port that sample apps listen on.
pub const PORT: u16 = 8000;

/// Makes a place of a project's `local` environment.
pub fn place(project: &str) -> Place {
    Place { project: project.into(), environment: "local".into() }
}

/// Makes a holder of a lock: this process, in a test.
pub fn holder(owner: &str) -> LockHolder {
    LockHolder {
        owner: owner.to_owned(),
        pid: std::process::id(),
        purpose: "ship for a test".to_owned(),
        since: String::new(),
        beat: String::new(),
        machine: nonevent_engine::process::machine(),
        started: 0,
    }
}

/// Makes a health check over HTTP that is quick.
pub fn health(path: &str) -> HealthCheck {
    HealthCheck {
        probe: HealthProbe::Http { path: path.to_owned() },
        interval: Duration::from_millis(100),
        timeout: Duration::from_secs(5),
        successes: 1,
        deadline: Duration::from_secs(30),
    }
}

/// Makes a release of a project's app with one web process.
pub fn release(place: &Place, id: &str, image: &Digest) -> Release {
    Release {
        id: id.into(),
        project: place.project.clone(),
        image: image.clone(),
        engine_id: image.clone(),
        app: AppSettings {
            name: place.project.clone(),
            framework: Framework::Custom,
            python: "3.13".to_owned(),
            processes: vec![Process {
                name: "web".into(),
                kind: ProcessKind::Web { port: PORT },
                command: CommandLine::Exec(vec!["python".to_owned()]),
                stop_grace: Duration::from_secs(10),
            }],
            env: BTreeMap::new(),
            volumes: Vec::new(),
        },
        health: health("/healthz"),
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
            untested: true,
            packages: Vec::new(),
            migrations: Vec::new(),
        },
        created_at: "2026-11-23T10:00:00Z".to_owned(),
    }
}

/// Makes a record of a rollout that serves a release under a host name.
pub fn record(place: &Place, rollout: &RolloutId, release: &str, image: &Digest, domain: &str) -> Record {
    Record {
        format: 1,
        rollout: rollout.clone(),
        release: self::release(place, release, image),
        placement: Placement {
            environment: place.environment.clone(),
            domain: domain.to_owned(),
            https: Https::Off,
            replicas: BTreeMap::from([("web".into(), 1)]),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secret_delivery: SecretDelivery::Env,
            services: Vec::new(),
            resources: Resources::default(),
        },
        staged_at: "2026-11-23T10:00:00Z".to_owned(),
        by: None,
        reason: None,
        message: None,
        anyway: None,
    }
}

/// Makes an instance of the web process of a release.
pub fn web(rollout: &RolloutId, release: &str, image: &Digest, command: CommandLine) -> InstanceSpec {
    InstanceSpec {
        process: "web".into(),
        release: release.into(),
        rollout: rollout.clone(),
        image: image.clone(),
        command,
        env: BTreeMap::from([("PORT".to_owned(), PORT.to_string()), ("RELEASE".to_owned(), release.to_owned())]),
        secrets: BTreeMap::new(),
        secret_delivery: SecretDelivery::Env,
        port: Some(PORT),
        resources: Resources { memory: 128 << 20, cpus: 1.0, pids: 128 },
        volumes: Vec::new(),
        stop_grace: Duration::from_secs(3),
        root: RootFileSystem::ReadOnly,
    }
}

/// Makes an instance of a process that receives no requests.
pub fn worker(rollout: &RolloutId, release: &str, image: &Digest, command: CommandLine) -> InstanceSpec {
    InstanceSpec { process: "worker".into(), port: None, ..web(rollout, release, image, command) }
}
