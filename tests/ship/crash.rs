//! A process that is killed in the middle of a rollout, and an engine that is restarted with no process of ours.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::going::Going;
use crate::own_engine::OwnEngine;
use crate::watching::Watch;
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

/// A command that would go on for long.
const MIGRATES: &str = "[release]\nbefore_start = \"sleep 600\"\n";

/// Names of the containers that run the command before the start.
fn migrations(world: &World) -> Vec<String> {
    world.containers().into_iter().filter(|name| name.contains("-once-")).collect()
}

#[test]
fn docker_the_command_before_the_start_ends_with_whoever_asked_for_it() {
    let world = World::example("flask-requirements");
    world.run(&["ship"]).ok();
    let old = world.serving("local");
    world.write("nonevent.toml", MIGRATES);

    let mut stopped = Going::start(&world, "home", &["ship", "--json"]);
    stopped.until(&["\"step_started\"", "\"before_start\""]);
    eventually("the command", Duration::from_secs(60), || (migrations(&world).len() == 1).then_some(()));
    stopped.signal("-INT");
    let (code, said) = stopped.end();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(migrations(&world), Vec::<String>::new(), "it goes on, and nobody knows of it");

    let mut killed = Going::start(&world, "home", &["ship", "--json"]);
    killed.until(&["\"step_started\"", "\"before_start\""]);
    eventually("the command", Duration::from_secs(60), || (migrations(&world).len() == 1).then_some(()));
    killed.kill();
    assert_eq!(world.serving("local"), old);
    world.run(&["recover"]).ok();
    assert_eq!(migrations(&world), Vec::<String>::new(), "it goes on beside the next one");
    world.write("nonevent.toml", "");
    world.run(&["ship"]).ok();
    assert_eq!(world.status("local")["instances"].as_array().unwrap().len(), 1);
}

#[test]
fn docker_watch_ends_what_others_left() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[environments.local]\nbake = \"2s\"\n");
    world.run(&["ship"]).ok();
    let app = std::fs::read_to_string(world.project().join("slugs/app.py")).unwrap();
    world.write("slugs/app.py", format!("{app}\n\nVERSION = 2\n"));
    world.run(&["ship", "--detach"]).ok();
    let release = world.serving("local");
    assert_eq!(world.status("local")["instances"].as_array().unwrap().len(), 2, "the old one is warm");

    let mut watch = Watch::start(&world);
    let ended = watch.until("rollout_recovered", |_| true);
    assert!(ended["done"].to_string().contains("its bake had been left"), "{ended}");
    let status = world.status("local");
    assert_eq!((status["instances"].as_array().unwrap().len(), world.serving("local")), (1, release));
    let last = world.json(&["history"])["rollouts"][0].clone();
    assert_eq!(last["state"], "succeeded", "{last}");
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
