//! A project whose services stand in its compose file, whose formatter is not locked, and whose tests are divided.

use std::process::Command;

use serde_json::Value;

use crate::world::World;

const PROJECT: &str = r#"
[project]
name = "board"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["gunicorn"]

[dependency-groups]
dev = ["pytest", "pytest-xdist"]

[tool.ruff]
line-length = 100

[tool.pytest.ini_options]
markers = ["integration: needs the services of compose.yaml"]
"#;

const APP: &str = r#"def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"#;

const TESTS: &str = r#"import os
import socket
from urllib.parse import urlsplit

import pytest


@pytest.mark.parametrize("number", range(4))
def test_in_a_worker(number: int) -> None:
    assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "2"


@pytest.mark.integration
def test_the_cache_answers() -> None:
    url = urlsplit(os.environ["REDIS_URL"])
    with socket.create_connection((url.hostname, url.port), 5) as connection:
        connection.sendall(b"CONFIG GET maxmemory\r\n")
        answer = connection.recv(100)
    assert b"1048576" in answer
"#;

const COMPOSE: &str = r#"x-redis: &redis
  REDIS_URL: redis://${CACHE_HOST:-cache}:6379/0
services:
  web:
    build: .
    environment: *redis
    ports: ["8000:8000"]
    depends_on:
      cache: { condition: service_healthy }
  cache:
    image: redis:8
    command: ["redis-server", "/etc/redis.conf"]
    volumes: ["./redis.conf:/etc/redis.conf:ro"]
    healthcheck:
      test: redis-cli ping | grep -q PONG
      interval: 5s
"#;

#[test]
fn docker_services_of_a_compose_file_and_tools_that_nobody_locks_are_there() {
    let world = World::empty();
    world
        .write("pyproject.toml", PROJECT)
        .write("board/__init__.py", APP)
        .write("tests/test_board.py", TESTS)
        .write("compose.yaml", COMPOSE)
        .write("redis.conf", "maxmemory 1mb\n")
        .write("nonevent.toml", "[gauntlet]\nunit = { workers = 2 }\n");
    let output = Command::new("uv").args(["lock", "--quiet"]).current_dir(world.project()).output();
    let output = output.expect("`uv` is needed; `scripts/bootstrap run` installs it");
    assert!(output.status.success(), "uv lock: {}", String::from_utf8_lossy(&output.stderr));
    let checked = world.run(&["check", "--json"]).ok();
    let events: Vec<Value> = checked.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let gates: Vec<&Value> = events.iter().filter(|event| event["type"] == "gate_finished").map(|event| &event["data"]).collect();
    let gate = |name: &str| *gates.iter().find(|gate| gate["gate"] == name).unwrap_or_else(|| panic!("{name}: {gates:#?}"));
    for (name, passed) in [("unit", 4), ("integration", 1)] {
        assert_eq!((&gate(name)["state"]["state"], &gate(name)["tests"]["passed"]), (&"green".into(), &passed.into()));
    }
    let tool = gate("unit")["tool"].as_str().unwrap();
    assert!(tool.starts_with("pytest ") && tool.ends_with(", among 2 workers"), "{tool}");
    assert_eq!(gate("lint")["state"]["state"], "green");
    let told = events.iter().filter(|event| event["type"] == "warning_raised").map(|event| event["data"]["message"].to_string());
    let told: Vec<String> = told.collect();
    assert!(told.iter().any(|message| message.contains("the project does not lock ruff: ruff ")), "{told:?}");
    let pins = std::fs::read_to_string(world.project().join("nonevent.lock")).unwrap();
    assert!(pins.contains("[tools]\nruff = \""), "{pins}");
    assert!(pins.contains("\"redis:8\" = \"sha256:"), "{pins}");
}
