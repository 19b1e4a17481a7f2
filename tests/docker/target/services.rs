//! Services that an environment keeps.

use std::collections::BTreeMap;

use nonevent_engine::model::{CommandLine, EnvironmentName, Ready, ServiceSettings};
use nonevent_engine::project::Project;
use nonevent_engine::target::{Foundation, InstanceSpec, Leave, Target, TargetError};
use nonevent_testkit::contract::{Behaviour, Scene, World, nowhere, rollout};

use crate::app;
use crate::lab::Lab;

const REDIS: &str = "redis:8";
const PYTHON: &str = "python:3.13-slim";

fn service(image: &str, ready: Ready) -> (ServiceSettings, String) {
    let settings = ServiceSettings { ready, ..ServiceSettings::new(image) };
    (settings, image.to_owned())
}

fn with(scene: &Scene<'_>, name: &str, service: (ServiceSettings, String)) -> Foundation {
    Foundation { services: BTreeMap::from([(name.to_owned(), service)]), ..scene.foundation() }
}

/// Sends lines to a service from a one-off container, and returns how that ended.
async fn say(lab: &Lab, scene: &Scene<'_>, host: &str, words: &str, expected: &str) -> i64 {
    let code = r"
import socket, sys
peer = socket.create_connection((sys.argv[1], 6379), 5)
peer.sendall(sys.argv[2].encode().decode('unicode_escape').encode())
answer = b''
while sys.argv[3].encode() not in answer:
    part = peer.recv(4096)
    if not part:
        sys.exit(2)
    answer += part
";
    let spec = InstanceSpec {
        command: app::python(code, &[host, words, expected]),
        ..scene.web(&rollout("r1"), "aaaa", Behaviour::Healthy)
    };
    lab.target.run_once(&scene.fence, &spec, &nowhere()).await.unwrap().exit_code
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_service_keeps_its_data_and_is_known_to_its_environment_only() {
    let lab = Lab::open("redis").await;
    let scene = Scene::set(&lab, "shop").await;
    let foundation = with(&scene, "cache", service(REDIS, Ready::Port(6379)));
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    let observed = lab.target.observe(&scene.place).await.unwrap();
    assert_eq!(observed.instances, []);
    assert_eq!(observed.services.len(), 1);
    let kept = &observed.services[0];
    let volume = format!("{}_shop_local_cache", lab.scope.name());
    assert_eq!((kept.name.as_str(), kept.image.as_str(), kept.running), ("cache", REDIS, true));
    assert_eq!(kept.volume.as_deref(), Some(volume.as_str()));
    assert_eq!(say(&lab, &scene, "cache", r"SET k kept-value\r\nSAVE\r\n", "+OK\r\n+OK").await, 0);

    let id = async || lab.docker.client.inspect_container(&volume, None).await.unwrap().id;
    let before = id().await;
    let newer = service(PYTHON, Ready::Port(6379));
    lab.target.prepare(&scene.fence, &with(&scene, "cache", newer)).await.unwrap();
    assert_eq!(id().await, before, "a ship never replaces a service");

    let other = Scene::set(&lab, "other").await;
    other.prepare().await;
    assert_eq!(say(&lab, &other, "cache", "PING\\r\\n", "PONG").await, 1, "another environment does not know the name");
    other.strike().await;

    lab.target.down(&scene.fence, Leave::Data).await.unwrap();
    assert_eq!(lab.everything().await.iter().filter(|name| !name.contains("-lock-")).collect::<Vec<_>>(), [&volume]);
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    assert_eq!(say(&lab, &scene, "cache", r"GET k\r\n", "kept-value").await, 0, "its data outlived `down`");
    scene.strike().await;
    assert_eq!(lab.everything().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_readiness_is_seen_by_port_command_and_line() {
    let lab = Lab::open("ready").await;
    let scene = Scene::set(&lab, "shop").await;
    let listen = "import socket, time; s = socket.socket(); time.sleep(0.3); s.bind(('', 7000)); s.listen(); print('open now', flush=True); time.sleep(1e6)";
    let python = |ready| {
        let (mut settings, image) = service(PYTHON, ready);
        settings.command = Some(CommandLine::Exec(vec!["/usr/local/bin/python3".into(), "-c".into(), listen.into()]));
        (settings, image)
    };
    let connect = "import socket; socket.create_connection(('127.0.0.1', 7000))";
    let mut blind = python(Ready::Port(7000));
    // Nothing is found on this path: as in an image without a shell.
    blind.0.env.insert("PATH".to_owned(), "/nonexistent".to_owned());
    let services = BTreeMap::from([
        ("port".to_owned(), python(Ready::Port(7000))),
        ("blind".to_owned(), blind),
        ("line".to_owned(), python(Ready::Log("open now".to_owned()))),
        ("command".to_owned(), python(Ready::Command(app::python(connect, &[])))),
        ("running".to_owned(), python(Ready::Running)),
    ]);
    lab.target.prepare(&scene.fence, &Foundation { services, ..scene.foundation() }).await.unwrap();
    let observed = lab.target.observe(&scene.place).await.unwrap();
    assert_eq!(observed.services.iter().filter(|service| service.running).count(), 5);
}

const COMPOSE: &str = r#"
services:
  web: { build: ., environment: { CACHE: "cache:7000", GREETING: hello }, depends_on: [cache] }
  pages:
    image: python:3.13-slim
    command: python -m http.server 8000 --directory /srv
    volumes: ["./pages:/srv", "kept:/data"]
    healthcheck: { test: "python -c 'import urllib.request as u; u.urlopen(\"http://localhost:8000/index.html\")'" }
  seeded:
    image: python:3.13-slim
    depends_on: { pages: { condition: service_healthy } }
    command:
      - python
      - -c
      - "import urllib.request; assert urllib.request.urlopen('http://files:8000/index.html').read() == b'good day'"
  cache:
    image: redis:8
    command: redis-server --port 7000
    depends_on: { seeded: { condition: service_completed_successfully } }
volumes:
  kept:
"#;

#[tokio::test(flavor = "multi_thread")]
async fn docker_the_services_of_a_compose_file_are_kept_in_their_order() {
    let lab = Lab::open("compose").await;
    let scene = Scene::set(&lab, "shop").await;
    let folder = tempfile::tempdir().unwrap();
    let compose = COMPOSE.replace("volumes: [\"./pages", "networks: { default: { aliases: [files] } }\n    volumes: [\"./pages");
    for (path, text) in [
        ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n"),
        ("shop.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ("nonevent.toml", "[environments.local]\nservices = [\"cache\"]\nenv = { GREETING = \"good day\" }\n"),
        ("pages/index.html", "good day"),
        ("compose.yaml", &compose),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let project = Project::open(folder.path()).unwrap();
    let local = &project.settings.environments[&EnvironmentName::new("local")];
    let env: Vec<(&str, &str)> = local.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(env, [("CACHE", "cache:7000"), ("GREETING", "good day")]);
    let wanted = ServiceSettings::with_needed(&local.services, &project.settings.services);
    let services = wanted.into_iter().map(|(name, settings)| (name, (settings.clone(), settings.image))).collect();
    let foundation = Foundation { services, ..scene.foundation() };
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    let kept = lab.target.observe(&scene.place).await.unwrap().services;
    let running: Vec<(&str, bool)> = kept.iter().map(|service| (service.name.as_str(), service.running)).collect();
    assert_eq!(running, [("cache", true), ("pages", true), ("seeded", false)], "what has done its work is not started again");
    let volume = format!("{}_shop_local_pages", lab.scope.name());
    assert!(lab.everything().await.contains(&volume), "the volume that the compose file names is kept");
    lab.target.prepare(&scene.fence, &foundation).await.unwrap();
    scene.strike().await;
    assert_eq!(lab.everything().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_service_that_ends_is_told_with_its_last_lines() {
    let lab = Lab::open("dying").await;
    let scene = Scene::set(&lab, "shop").await;
    let (mut settings, image) = service(PYTHON, Ready::Port(7000));
    settings.command = Some(app::command(Behaviour::Crash));
    match lab.target.prepare(&scene.fence, &with(&scene, "db", (settings, image))).await {
        Err(TargetError::ServiceNotReady { service, reason, tail }) => {
            assert_eq!((service.as_str(), reason.as_str()), ("db", "it ended with exit code 3"));
            assert!(tail.contains(&"boom".to_owned()), "{tail:?}");
        }
        other => panic!("{other:?}"),
    }
    let missing = with(&scene, "mq", service("nonevent.invalid/no/such:image", Ready::Running));
    assert!(matches!(lab.target.prepare(&scene.fence, &missing).await, Err(TargetError::ImageMissing { .. })));
    let _ = lab.image();
}
