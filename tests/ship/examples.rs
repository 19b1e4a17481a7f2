//! The four examples: each ships, answers with its services, scales by one line, promotes, rolls back, goes down, and leaves only its
//! data.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;

use crate::world::{World, client, eventually};

#[test]
fn docker_shop_ships_scales_promotes_and_goes_down() {
    let world = World::example("fastapi-postgres");
    let shipped = world.run(&["ship"]).ok();
    assert!(shipped.stderr.contains("integration") || shipped.stdout.contains("integration"), "{shipped:?}");
    assert_eq!(world.get("local", "/healthz").0, 200);
    let again = world.run(&["ship"]).ok();
    assert!(format!("{}{}", again.stdout, again.stderr).contains("nothing to do"), "{again:?}");

    world.edit("nonevent.toml", "[environments.local]", "[environments.local]\nreplicas = 3");
    live_on(&world, ("src/shop/main.py", "welcome to the shop", "welcome back to the shop"), &["staging", "production"]);
    assert!(!world.left("volume").is_empty(), "down removed the data of the database");
    world.run(&["down", "local", "--data", "--yes"]).ok();
}

/// What finds no browser ends with 3 (xdg-open(1)).
fn is_opened_where_a_browser_takes_it(world: &World) {
    let programs = tempfile::tempdir().unwrap();
    let opener = programs.path().join("xdg-open");
    for (code, opened) in [(3, false), (0, true)] {
        std::fs::write(&opener, format!("#!/bin/sh\nexit {code}\n")).unwrap();
        std::fs::set_permissions(&opener, Permissions::from_mode(0o755)).unwrap();
        let mut open = world.command(&["open", "--json"]);
        let told = open.env("PATH", programs.path()).env("DISPLAY", ":0").output().unwrap().stdout;
        let told: Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(told["data"]["opened"], opened, "{told}");
    }
}

/// Goes on from a shipped example with three replicas written down: scales, promotes, ships a change, rolls back, goes down.
fn live_on(world: &World, (file, from, to): (&str, &str, &str), others: &[&str]) {
    let (first, before) = (world.serving("local"), web_instances(world));
    assert_eq!(before.len(), 1);
    world.run(&["ship"]).ok();
    let after = web_instances(world);
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|id| after.contains(id)), "scaling replaced an instance: {before:?} {after:?}");
    assert_eq!(world.serving("local"), first, "scaling made a new release");

    world.commit("scaled");
    for environment in others {
        world.run(&["ship", environment, "--yes"]).ok();
        assert_eq!(world.get(environment, "/healthz").0, 200);
        assert_eq!(world.serving(environment), first, "another release than the one that was proven");
    }

    world.edit(file, from, to);
    world.run(&["ship"]).ok();
    assert_ne!(world.serving("local"), first);
    world.run(&["rollback", "--yes"]).ok();
    assert_eq!(world.serving("local"), first);
    assert_eq!(world.get("local", "/healthz").0, 200);

    for environment in others.iter().rev().chain(&["local"]) {
        world.run(&["down", environment, "--yes"]).ok();
    }
    assert_eq!(world.left("container"), Vec::<String>::new(), "down left containers behind");
    assert_eq!(world.left("network"), Vec::<String>::new(), "down left networks behind");
}

#[test]
fn docker_notes_migrates_and_serves_its_static_files() {
    let world = World::example("django-static");
    world.run(&["ship"]).ok();
    is_opened_where_a_browser_takes_it(&world);
    assert_eq!(world.get("local", "/healthz").0, 200);
    let (status, page) = world.get("local", "/");
    assert_eq!(status, 200, "{page}");
    let stylesheet = page.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|link| link.ends_with(".css"));
    let stylesheet = stylesheet.unwrap_or_else(|| panic!("the page names no stylesheet:\n{page}"));
    assert_eq!(world.get("local", stylesheet).0, 200, "{stylesheet}");
    world.edit("nonevent.toml", "[environments.local]", "[environments.local]\nreplicas = 3");
    live_on(&world, ("notes/views.py", "the database does not answer: %s", "no answer from the database: %s"), &["production"]);
}

#[test]
fn docker_slugs_ships_without_any_configuration() {
    let world = World::example("flask-requirements");
    assert!(!world.project().join("nonevent.toml").exists());
    world.run(&["ship"]).ok();
    assert_eq!(world.get("local", "/healthz").0, 200);
    let explained = world.run(&["explain"]).ok();
    assert!(explained.stdout.contains("gunicorn"), "{}", explained.stdout);
    world.write("nonevent.toml", "[environments.local]\nreplicas = 3\n\n[environments.production]\nafter = \"local\"\n");
    live_on(&world, ("slugs/app.py", "LONGEST_TITLE = 500", "LONGEST_TITLE = 400"), &["production"]);
}

#[test]
fn docker_primes_computes_in_its_worker() {
    let world = World::example("worker-redis");
    world.run(&["ship"]).ok();
    let (address, host) = world.address("local");
    let job: Value = client()
        .post(format!("http://{address}/jobs"))
        .header("Host", &host)
        .json(&serde_json::json!({ "below": 100 }))
        .send()
        .unwrap()
        .json()
        .unwrap();
    let id = job["id"].as_str().unwrap_or_else(|| panic!("{job}")).to_owned();
    let done = eventually("the job's end", Duration::from_secs(30), || {
        let (_, body) = world.get("local", &format!("/jobs/{id}"));
        let job: Value = serde_json::from_str(&body).ok()?;
        (job["state"] == "done").then_some(job)
    });
    assert_eq!(done["primes"], 25, "there are 25 primes below 100: {done}");
    world.edit("nonevent.toml", "[environments.local]", "[environments.local]\nreplicas = 3");
    live_on(&world, ("src/primes/web.py", "le=20_000_000", "le=10_000_000"), &["production"]);
}

fn web_instances(world: &World) -> Vec<String> {
    let status = world.status("local");
    let instances = status["instances"].as_array().unwrap().iter().filter(|instance| instance["process"] == "web");
    instances.map(|instance| instance["id"].as_str().unwrap().to_owned()).collect()
}
