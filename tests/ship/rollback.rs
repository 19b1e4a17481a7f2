//! What serves goes on serving: a release that never becomes healthy, a rollback, a kept address.

use crate::going::Going;
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
    world.run(&["rollback", "local"]).refused("`local` is an environment: `nonevent rollback -e local`");
}

#[test]
fn docker_a_rollback_asks_a_ship_that_only_bakes_to_make_way() {
    let world = World::example("flask-requirements");
    let configure = |level: &str| {
        world.write(
            "nonevent.toml",
            format!("[app]\nenv = {{ LOG_LEVEL = \"{level}\" }}\n\n[environments.local]\nbake = \"10m\"\n"),
        );
    };
    configure("INFO");
    world.run(&["ship", "-m", "the good one"]).ok();
    let good = world.status("local");
    configure("DEBUG");
    let mut baking = Going::start(&world, "home", &["ship", "--json", "-m", "the other one"]);
    baking.until(&["\"step_started\"", "\"bake\""]);
    assert_ne!(world.serving("local"), good["serving"]);

    // Another laptop cannot ask it, and is told who holds the environment.
    world.run_from("other", &["rollback", "--yes"]).refused("is held by");
    world.run(&["rollback", "--yes", "-m", "back at once"]).ok();
    let (code, said) = baking.end();
    assert_eq!(code, Some(0), "{said}");
    let after = world.status("local");
    assert_eq!(after["serving"], good["serving"]);
    assert_eq!(after["instances"][0]["id"], good["instances"][0]["id"], "it was warm, and was started anew all the same");
    assert_eq!(world.get("local", "/healthz").0, 200);

    // What is told afterwards, here and on a laptop that learns it from the target.
    let history = world.json(&["history"]);
    let told = |rollout: &serde_json::Value| {
        ["reason", "state", "message"].map(|key| rollout[key].as_str().unwrap_or_default().to_owned())
    };
    let rollouts: Vec<_> = history["rollouts"].as_array().unwrap().iter().map(told).collect();
    let expected = [
        ["rollback", "succeeded", "back at once"],
        ["ship", "succeeded", "the other one"],
        ["ship", "succeeded", "the good one"],
    ];
    assert_eq!(rollouts, expected.map(|row| row.map(str::to_owned)), "{history}");
}
