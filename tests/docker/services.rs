//! Services of a compose file on a real engine: what they are made of, in which order they come, and what those say that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use nonevent_engine::gauntlet::wanted_services;
use nonevent_engine::model::{CommandLine, GateReport, GateSettings, GateState, LogLine, Ready, ServiceSettings};
use nonevent_engine::project::Project;
use support::PYTHON;
use support::gates::{Bench, texts, write};

/// A gate that runs a Python program.
fn gate(name: &str, program: &str, services: &[&str]) -> GateSettings {
    let command = CommandLine::Exec(["python", "-c", program].map(str::to_owned).to_vec());
    GateSettings {
        services: services.iter().map(|service| (*service).to_owned()).collect(),
        timeout: Duration::from_mins(2),
        ..GateSettings::new(name, Some(command))
    }
}

/// Runs gates beside services in the plain Python image.
async fn run(
    gates: Vec<GateSettings>,
    services: &BTreeMap<String, ServiceSettings>,
) -> (BTreeMap<String, GateReport>, Vec<LogLine>) {
    let mut bench = Bench::plain().await;
    bench.plan.services = wanted_services(&gates, services);
    bench.plan.gates = gates;
    let ran = bench.run().await;
    bench.remove().await;
    ran
}

const COMPOSE: &str = r#"
x-address: &address
  DATABASE_URL: postgresql://shop:secret@db:5432/shop
services:
  web:
    build: .
    environment: { <<: *address, GREETING: "costs $$5" }
    depends_on:
      counted: { condition: service_completed_successfully }
      cache: { condition: service_healthy }
  db:
    image: postgres:17
    environment:
      POSTGRES_USER: shop
      POSTGRES_PASSWORD: ${DB_PASSWORD:-secret}
    volumes:
      - rows:/var/lib/postgresql/data
      - ./init:/docker-entrypoint-initdb.d:ro
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U $${POSTGRES_USER}"]
      interval: 1s
    shm_size: 128m
    networks: { default: { aliases: [postgres] } }
  counted:
    image: postgres:17
    depends_on: { db: { condition: service_healthy } }
    environment: [PGPASSWORD=secret]
    entrypoint: sh -c
    command: ["test $$(psql -h postgres -U shop -tAc 'SELECT sum(price) FROM items') = 42"]
  cache:
    image: redis:8
    command: redis-server /etc/redis.conf
    volumes: ["./redis.conf:/etc/redis.conf"]
    user: "999"
    tmpfs: /scratch
    healthcheck: { test: [CMD, redis-cli, -p, "7000", ping] }
  unused:
    image: nonevent/no-such-image:1
volumes: { rows: {} }
"#;

#[tokio::test]
async fn docker_the_services_of_a_compose_file_come_in_order_with_their_files() {
    let folder = tempfile::tempdir().expect("folder");
    let files = [
        (
            "pyproject.toml",
            "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n[tool.pytest]\n",
        ),
        ("shop/__init__.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        ("tests/integration/test_shop.py", ""),
        ("init/1-schema.sql", "CREATE TABLE items (price int);\n"),
        // Slow enough that a check which is content with the socket would be too early.
        ("init/2-rows.sql", "INSERT INTO items VALUES (40);\nSELECT pg_sleep(2);\nINSERT INTO items VALUES (2);\n"),
        ("redis.conf", "port 7000\nsave \"\"\ndir /scratch\n"),
        ("compose.yaml", COMPOSE),
    ];
    write(folder.path(), &files);
    std::fs::create_dir(folder.path().join(".git")).expect("repository");
    let project = Project::open(folder.path()).expect("project");
    assert_eq!(project.warnings, []);
    let integration = project.settings.gauntlet.gates.iter().find(|gate| gate.name == "integration").expect("gate");
    assert_eq!(integration.services, ["db", "counted", "cache"]);
    let program = "import os, socket\n\
        print(os.environ['DATABASE_URL'], os.environ['GREETING'])\n\
        for place in [('db', 5432), ('postgres', 5432), ('cache', 7000)]:\n\
        \x20   socket.create_connection(place, 5).close()\n\
        \x20   print(*place)\n";
    let services = ["db", "counted", "cache"];
    let own = GateSettings { env: integration.env.clone(), ..gate("integration", program, &services) };
    let (reports, lines) = run(vec![own], &project.settings.services).await;
    assert_eq!(reports["integration"].state, GateState::Green, "{:#?}\n{lines:#?}", reports["integration"]);
    let expected = ["postgresql://shop:secret@db:5432/shop costs $5", "db 5432", "postgres 5432", "cache 7000"];
    assert_eq!(texts(&lines, "integration"), expected);
}

/// A web server of Python's own, on port 8000.
fn server(ready: Ready) -> ServiceSettings {
    let command = ["python", "-m", "http.server", "8000", "--directory", "/srv"].map(str::to_owned).to_vec();
    ServiceSettings {
        command: Some(CommandLine::Exec(command)),
        ready,
        within: Duration::from_secs(4),
        ..ServiceSettings::new(PYTHON)
    }
}

#[tokio::test]
async fn docker_services_that_do_not_get_ready_say_what_their_probes_said() {
    let http = |path: &str| Ready::Http { port: 8000, path: path.into() };
    let shell = |line: &str| Ready::Command(CommandLine::Shell(line.into()));
    let exits = |code: u8| ServiceSettings {
        command: Some(CommandLine::Shell(format!("exit {code}"))),
        ready: Ready::Completed,
        ..ServiceSettings::new(PYTHON)
    };
    let mut refused = server(Ready::Running);
    refused.container.refused = Some("its image is built from `smtp` (compose.yaml:3), which is not done for gates".into());
    let mut after_broken = server(http("/"));
    after_broken.container.after.insert("fails".into(), nonevent_engine::model::ServiceMoment::Ready);
    let table: [(&str, ServiceSettings, Option<&str>); 9] = [
        ("answers", ServiceSettings { within: ServiceSettings::WITHIN, ..server(http("/")) }, None),
        ("done", exits(0), None),
        ("fails", exits(3), Some("service `fails` did not get ready: it was to do its work, and ended with exit code 3")),
        ("after", after_broken, Some("service `fails` did not get ready: it was to do its work, and ended with exit code 3")),
        (
            "absent",
            // Long enough for it to open its port, also on an engine with much to do.
            ServiceSettings { within: Duration::from_secs(25), ..server(http("/absent")) },
            Some(
                "service `absent` did not get ready: it was not ready within 25 seconds; its `GET /absent` on port 8000 said: it answered 404 File not found",
            ),
        ),
        (
            "closed",
            server(Ready::Port(9000)),
            Some(
                "service `closed` did not get ready: it was not ready within 4 seconds; its port 9000 said: [Errno 111] Connection refused",
            ),
        ),
        (
            "unhappy",
            server(shell("echo not yet >&2; exit 2")),
            Some(
                "service `unhappy` did not get ready: it was not ready within 4 seconds; `echo not yet >&2; exit 2` ended with exit code 2: not yet",
            ),
        ),
        (
            "silent",
            server(Ready::Log("open for business".into())),
            Some(
                "service `silent` did not get ready: it was not ready within 4 seconds; no line of its output holds `open for business`",
            ),
        ),
        (
            "refused",
            refused,
            Some(
                "service `refused` did not get ready: its image is built from `smtp` (compose.yaml:3), which is not done for gates",
            ),
        ),
    ];
    let gates = table.iter().map(|(name, _, _)| gate(&format!("beside-{name}"), "pass", &[name])).collect();
    let services = table.iter().map(|(name, service, _)| ((*name).to_owned(), service.clone())).collect();
    let (reports, _) = run(gates, &services).await;
    for (name, _, expected) in &table {
        let report = &reports[&format!("beside-{name}")];
        match (&report.state, expected) {
            (GateState::Green, None) => {}
            (GateState::Error { reason }, Some(expected)) => assert_eq!(reason, expected),
            other => panic!("{name}: {other:?}"),
        }
    }
    let served = &reports["beside-absent"].tail;
    assert!(served.iter().any(|line| line.contains("GET /absent")), "the service's last lines: {served:?}");
}
