//! What serves goes on serving: a release that never becomes healthy, a rollback, a kept address.

use crate::world::World;

#[test]
fn docker_a_release_that_never_becomes_healthy_leaves_the_old_one_serving() {
    let world = World::example("flask-requirements");
    world.run(&["ship"]).ok();
    let good = world.serving("local");
    let source = std::fs::read_to_string(world.project().join("slugs/app.py")).unwrap();
    world.write(
        "slugs/app.py",
        source.replace("def healthz() -> ", "def healthz_() -> ").replace("\"/healthz\"", "\"/elsewhere\""),
    );
    world.write("nonevent.toml", "[health]\npath = \"/healthz\"\ndeadline = \"3s\"\n\n[gauntlet]\nunit = false\n");
    let failed = world.run(&["ship", "--allow-untested"]).refused("never became healthy");
    assert!(failed.stderr.contains("404"), "the transcript says what the probe saw:\n{}", failed.stderr);
    assert_eq!(world.serving("local"), good);
    assert_eq!(world.get("local", "/healthz").0, 200);
    let instances = world.status("local")["instances"].as_array().unwrap().len();
    assert_eq!(instances, 1, "the new instance was left behind");
}

#[test]
fn docker_a_red_gate_stops_the_ship() {
    let world = World::example("flask-requirements");
    world.write("tests/test_sums.py", "def test_sums() -> None:\n    assert 1 + 1 == 3\n");
    let failed = world.run(&["ship"]).refused("the gauntlet did not pass");
    let told = format!("{}{}", failed.stdout, failed.stderr);
    assert!(told.contains("tests/test_sums.py") && told.contains("== 3"), "{told}");
    assert_eq!(world.status("local")["serving"], serde_json::Value::Null, "a red change was shipped");
}

#[test]
fn docker_restart_replaces_every_instance_and_keeps_the_release() {
    let world = World::example("flask-requirements");
    world.run(&["ship"]).ok();
    let before = world.status("local");
    world.run(&["restart"]).ok();
    let after = world.status("local");
    assert_eq!(before["serving"], after["serving"]);
    assert_ne!(before["instances"][0]["id"], after["instances"][0]["id"]);
    let answered = world.run(&["exec", "--", "python", "-c", "print(6 * 7)"]).ok();
    assert_eq!(answered.stdout.trim(), "42");
    let logs = world.run(&["logs", "-n", "50"]).ok();
    assert!(logs.stdout.contains("gunicorn"), "{}", logs.stdout);
}
