//! One process at a time, across processes and laptops: real processes, two home folders, one engine.

use crate::going::Going;
use crate::world::World;

/// A project whose ships hold the lock for a while, each another release.
fn slow_to_ship() -> World {
    let world = World::example("flask-requirements");
    world.run(&["ship"]).ok();
    world.write("nonevent.toml", "[release]\nbefore_start = \"sleep 20\"\n");
    world
}

/// A ship that has come to the long step in which it holds the lock.
fn holder(world: &World) -> Going {
    let mut going = Going::start(world, "home", &["ship", "--json"]);
    going.until(&["\"step_started\"", "\"before_start\""]);
    going
}

#[test]
fn docker_whoever_comes_second_is_refused_waits_or_succeeds_the_dead() {
    let world = slow_to_ship();
    let old = world.serving("local");
    let first = holder(&world);

    // Another process of the same home, and another laptop.
    for home in ["home", "other"] {
        let refused = world.run_from(home, &["restart"]).refused("is held by");
        for word in ["ship ", "since ", "process ", "heartbeat ", "fence ", "--wait", "nonevent unlock"] {
            assert!(refused.stderr.contains(word), "`{word}` is not in:\n{}", refused.stderr);
        }
        // Nobody stops a living process by the way.
        world.run_from(home, &["unlock", "--yes"]).refused("still works on local");
    }

    let mut waiting = Going::start(&world, "other", &["restart", "--wait", "--json", "-m", "after the first"]);
    waiting.until(&["warning_raised", "waiting for"]);
    let (code, said) = first.end();
    assert_eq!(code, Some(0), "{said}");
    let shipped = world.serving("local");
    assert_ne!(shipped, old);
    let (code, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.serving("local"), shipped);

    // Whoever waits can be stopped, and touches nothing.
    world.write("nonevent.toml", "[release]\nbefore_start = \"sleep 21\"\n");
    let killed = holder(&world);
    let mut stopped = Going::start(&world, "other", &["restart", "--wait", "--json"]);
    stopped.until(&["waiting for"]);
    stopped.signal("-INT");
    let (code, said) = stopped.end();
    assert_eq!(code, Some(130), "{said}");

    // A process of this machine that is gone is succeeded at once.
    killed.kill();
    world.run_from("other", &["restart"]).ok();
    assert_eq!(world.serving("local"), shipped);
    let free = world.run(&["unlock"]).ok();
    assert!(free.stdout.contains("nobody holds local"), "{}", free.stdout);
}

#[test]
fn docker_a_process_that_slept_does_not_go_on() {
    let world = slow_to_ship();
    let old = world.serving("local");
    let sleeper = holder(&world);
    sleeper.signal("-STOP");

    // It is silent after 30 s, and is succeeded then.
    let mut waiting = Going::start(&world, "other", &["restart", "--wait", "--json"]);
    waiting.until(&["waiting for"]);
    let (code, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.serving("local"), old);

    sleeper.signal("-CONT");
    let (code, said) = sleeper.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was taken over by"), "{said}");
    assert_eq!(world.serving("local"), old, "it went on");
    world.run_from("other", &["recover"]).ok();
    assert_eq!(world.status("local")["instances"].as_array().unwrap().len(), 1, "it left something behind");
    assert_eq!(world.get("local", "/healthz").0, 200);
}

#[test]
fn docker_a_lock_is_taken_from_a_living_process_by_force_only() {
    let world = slow_to_ship();
    let old = world.serving("local");
    let first = holder(&world);
    let forced = world.run_from("other", &["unlock", "--force"]).ok();
    assert!(forced.stderr.contains("it lives"), "it was silent about a living process:\n{}", forced.stderr);
    let (code, said) = first.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was taken over by"), "{said}");
    assert_eq!(world.serving("local"), old);
    world.run(&["recover"]).ok();
    world.run(&["restart"]).ok();
}
