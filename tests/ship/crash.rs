//! A process that is killed in the middle of a rollout, and an engine that is restarted with no process of ours.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::own_engine::OwnEngine;
use crate::world::{World, eventually};

#[test]
fn docker_kill_9_in_the_middle_of_a_rollout_is_recovered() {
    let world = World::example("flask-requirements");
    world.run(&["ship"]).ok();
    let old = world.serving("local");
    let app = std::fs::read_to_string(world.project().join("slugs/app.py")).unwrap();
    world.write("slugs/app.py", format!("{app}\n\nVERSION = 2\n"));

    let mut child = world.command(&["ship", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let awaiting = lines.map_while(Result::ok).find(|line| line.contains("\"step_started\"") && line.contains("\"await\""));
    assert!(awaiting.is_some(), "the rollout never came to waiting");
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(world.serving("local"), old, "killed before the switch, the old release serves");
    assert_eq!(world.get("local", "/healthz").0, 200);
    // The lock of the killed process counts as left behind once its heartbeat is old.
    eventually("a recovery", Duration::from_secs(60), || (world.run(&["ship"]).code == Some(0)).then_some(()));
    assert_ne!(world.serving("local"), old);
    assert_eq!(world.status("local")["instances"].as_array().unwrap().len(), 1, "the killed rollout left an instance behind");
}

#[test]
fn docker_what_serves_survives_a_restart_of_the_engine() {
    let engine = OwnEngine::named("shiptest");
    let host = engine.up();
    {
        let examples = ["fastapi-postgres", "django-static", "flask-requirements", "worker-redis"];
        let worlds = examples.map(|example| World::example(example).on(&host));
        for world in &worlds {
            world.run(&["ship"]).ok();
        }
        let serving = worlds.each_ref().map(|world| world.serving("local"));
        engine.run("down");
        let stopped = worlds[0].run(&["status"]);
        assert!(!stopped.stderr.contains("panicked"), "{}", stopped.stderr);
        engine.run("up");
        for (world, release) in worlds.iter().zip(serving) {
            let answer = eventually("an answer after the restart", Duration::from_secs(60), || {
                let status = world.run(&["status", "--json"]);
                (status.code == Some(0) && world.status("local")["url"].is_string())
                    .then(|| world.get("local", "/healthz").0)
                    .filter(|code| *code == 200)
            });
            assert_eq!(answer, 200);
            assert_eq!(world.serving("local"), release);
        }
    }
    engine.run("purge");
}
