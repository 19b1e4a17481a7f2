//! Bad input: each a clear error with a hint, exit code 1, nothing left over.

use crate::world::World;

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";
const MANIFEST: &str =
    "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n";

fn nothing_left(world: &World) {
    assert_eq!(world.left("container"), Vec::<String>::new());
    assert_eq!(world.left("volume"), Vec::<String>::new());
}

#[test]
fn an_empty_folder() {
    let world = World::empty();
    let refused = world.run(&["ship"]).refused("error:");
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
}

#[test]
fn no_lock() {
    let world = World::empty();
    world.write("pyproject.toml", MANIFEST).write("main.py", APP);
    let refused = world.run(&["ship"]).refused("lock");
    assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
    nothing_left(&world);
}

#[test]
fn a_stale_lock() {
    let world = World::example("fastapi-postgres");
    world.edit("pyproject.toml", "dependencies = [", "dependencies = [\n    \"orjson>=3\",");
    world.run(&["ship"]).refused("poetry.lock");
    nothing_left(&world);
}

#[test]
fn a_syntax_error_in_the_manifest() {
    let world = World::empty();
    world.write("pyproject.toml", "[project\nname = 1").write("main.py", APP);
    world.run(&["ship"]).refused("pyproject.toml");
}

#[test]
fn an_unknown_key() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[app]\nprot = 8000\n");
    let refused = world.run(&["ship"]).refused("prot");
    assert!(refused.stderr.contains("port"), "no `did you mean`: {}", refused.stderr);
}

#[test]
fn two_entry_points() {
    let world = World::empty();
    world.write("pyproject.toml", MANIFEST).write("first.py", APP).write("second.py", APP);
    let refused = world.run(&["ship"]).refused("first");
    assert!(refused.stderr.contains("second"), "{}", refused.stderr);
}

#[test]
fn both_configuration_files() {
    let world = World::example("flask-requirements");
    let manifest = std::fs::read_to_string(world.project().join("pyproject.toml")).unwrap_or_default();
    world
        .write("nonevent.toml", "[app]\nport = 8000\n")
        .write("pyproject.toml", format!("{manifest}\n[tool.nonevent.app]\nport = 8000\n"));
    world.run(&["ship"]).refused("nonevent.toml");
}

#[test]
fn a_stopped_engine() {
    let world = World::example("flask-requirements").on("unix:///nonexistent/docker.sock");
    let refused = world.run(&["ship"]).refused("/nonexistent/docker.sock");
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
}

#[test]
fn a_target_that_is_not_supported_yet() {
    let world = World::example("flask-requirements");
    world.write(
        "nonevent.toml",
        "[environments.production]\ntarget = \"ssh://deploy@shop.example.com\"\ndomain = \"shop.example.com\"\n",
    );
    world.commit("a target");
    world.run(&["ship", "production", "--yes"]).refused("ssh://deploy@shop.example.com");
}

#[test]
fn docker_an_image_that_cannot_be_pulled() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[build]\nbase = \"127.0.0.1:5000/nobody/nothing:9\"\n");
    world.run(&["ship"]).refused("127.0.0.1:5000/nobody/nothing:9");
    nothing_left(&world);
}

#[test]
fn docker_secrets_in_the_tree_stay_out_of_the_image() {
    let world = World::example("flask-requirements");
    world.write(".env", "API_KEY=made-up-secret-value-1234\n").write("deploy.pem", "made-up-private-key\n");
    let shipped = world.run(&["ship"]).ok();
    let told = format!("{}{}", shipped.stdout, shipped.stderr);
    assert!(told.contains(".env"), "the left out file is named: {told}");
    let listed = world.run(&["exec", "--", "find", "/app", "-name", ".env", "-o", "-name", "*.pem"]).ok();
    assert_eq!(listed.stdout.trim(), "");
}

#[test]
fn docker_what_has_no_place_in_an_image_is_left_out_and_named() {
    use std::os::unix::ffi::OsStrExt as _;

    let world = World::example("flask-requirements");
    for number in 0..10_001 {
        world.write(&format!("data/{number}.txt"), "");
    }
    let package = world.project().join("slugs");
    std::os::unix::fs::symlink("/etc/passwd", package.join("passwd")).unwrap();
    std::os::unix::fs::symlink("../../..", package.join("up")).unwrap();
    std::fs::write(package.join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "").unwrap();
    let told = world.run(&["ship"]).ok().stderr;
    for expected in
        ["`slugs/passwd` was left out", "`slugs/up` was left out", "its name is not UTF-8", "10001 of them in `data/`"]
    {
        assert!(told.contains(expected), "no `{expected}` in:\n{told}");
    }
    let held = world.run(&["exec", "--", "ls", "slugs"]).ok().stdout;
    assert_eq!(held.split_whitespace().collect::<Vec<_>>(), ["__init__.py", "app.py", "slug.py", "static", "templates"]);
}

#[test]
fn docker_a_dirty_tree_goes_to_local_only() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[environments.staging]\n").commit("staging");
    world.write("slugs/more.py", "\"\"\"Not committed.\"\"\"\n");
    let refused = world.run(&["ship", "staging", "--yes"]).refused("uncommitted");
    assert!(refused.stderr.contains("--dirty"), "{}", refused.stderr);
}
