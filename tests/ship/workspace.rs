//! A member of a uv workspace ships with the members that it needs, which are folders and no wheels.

use std::process::Command;

use crate::world::World;

const WORKSPACE: &str = "[tool.uv.workspace]\nmembers = [\"packages/*\"]\n";

const API: &str = r#"
[project]
name = "api"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["words", "gunicorn"]

[dependency-groups]
dev = ["pytest"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.uv.sources]
words = { workspace = true }
"#;

const WORDS: &str = r#"
[project]
name = "words"
version = "0.3"
requires-python = ">=3.11"
dependencies = []

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"#;

const APP: &str = r#"from words import greeting


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [greeting().encode()]
"#;

const TEST: &str = "from words import greeting\n\n\ndef test_it_greets() -> None:\n    assert greeting()\n";

fn workspace() -> World {
    let world = World::empty().within("packages/api");
    world
        .write("pyproject.toml", WORKSPACE)
        .write("packages/api/pyproject.toml", API)
        .write("packages/api/src/api/__init__.py", "")
        .write("packages/api/src/api/main.py", APP)
        .write("packages/api/tests/test_words.py", TEST)
        .write("packages/words/pyproject.toml", WORDS)
        .write("packages/words/src/words/__init__.py", "def greeting():\n    return \"hello\"\n");
    world
}

fn lock(world: &World) {
    let output = Command::new("uv").args(["lock", "--quiet"]).current_dir(world.project()).output();
    let output = output.expect("`uv` is needed; `scripts/bootstrap run` installs it");
    assert!(output.status.success(), "uv lock: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn docker_a_member_ships_with_the_members_that_it_needs() {
    let world = workspace();
    lock(&world);
    world.run(&["ship"]).ok();
    assert_eq!(world.get("local", "/").1, "hello");
    world.edit("packages/words/src/words/__init__.py", "hello", "good morning");
    world.run(&["ship"]).ok();
    assert_eq!(world.get("local", "/").1, "good morning", "a change of another member is a change of the app");
}

#[test]
fn docker_a_member_that_must_be_compiled_is_refused() {
    let world = workspace();
    world.edit("packages/words/pyproject.toml", "requires = [\"hatchling\"]", "requires = [\"maturin\"]");
    world.edit("packages/words/pyproject.toml", "hatchling.build", "maturin");
    lock(&world);
    let refused = world.run(&["ship"]).refused("maturin");
    assert!(refused.stderr.contains("Dockerfile"), "{}", refused.stderr);
}
