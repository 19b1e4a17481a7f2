//! The four examples: each ships, answers with its services, scales by one line, promotes, rolls back, goes down, and leaves only its data.

use std::time::Duration;

use crate::world::{World, client, eventually};

#[test]
fn docker_shop_ships_scales_promotes_and_goes_down() {
    let world = World::example("fastapi-postgres");
    let shipped = world.run(&["ship"]).ok();
    assert!(shipped.stderr.contains("integration") || shipped.stdout.contains("integration"), "{shipped:?}");
    assert_eq!(world.get("local", "/healthz").0, 200);
    let first = world.serving("local");

    let again = world.run(&["ship"]).ok();
    assert!(format!("{}{}", again.stdout, again.stderr).contains("nothing to do"), "{again:?}");

    let before = instances(&world, "local");
    world.edit("nonevent.toml", "[environments.local]", "[environments.local]\nreplicas = 3");
    world.run(&["ship"]).ok();
    let after = instances(&world, "local");
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|id| after.contains(id)), "scaling replaced an instance: {before:?} {after:?}");
    assert_eq!(world.serving("local"), first, "scaling made a new release");

    world.commit("scaled");
    world.run(&["ship", "staging", "--yes"]).ok();
    world.run(&["ship", "production", "--yes"]).ok();
    assert_eq!(world.serving("production"), world.serving("staging"), "promotion moves the same release");
    assert_eq!(world.get("production", "/healthz").0, 200);

    world.edit("src/shop/main.py", "welcome to the shop", "welcome back to the shop");
    world.run(&["ship"]).ok();
    assert_ne!(world.serving("local"), first);
    world.run(&["rollback", "--yes"]).ok();
    assert_eq!(world.serving("local"), first);

    for environment in ["production", "staging", "local"] {
        world.run(&["down", environment, "--yes"]).ok();
    }
    assert_eq!(world.left("container"), Vec::<String>::new(), "down left containers behind");
    assert!(!world.left("volume").is_empty(), "down removed the data of the database");
    world.run(&["down", "local", "--data", "--yes"]).ok();
}

#[test]
fn docker_notes_migrates_and_serves_its_static_files() {
    let world = World::example("django-static");
    world.run(&["ship"]).ok();
    assert_eq!(world.get("local", "/healthz").0, 200);
    let (status, page) = world.get("local", "/");
    assert_eq!(status, 200, "{page}");
    let stylesheet = page.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|link| link.ends_with(".css"));
    let stylesheet = stylesheet.unwrap_or_else(|| panic!("the page names no stylesheet:\n{page}"));
    assert_eq!(world.get("local", stylesheet).0, 200, "{stylesheet}");
}

#[test]
fn docker_slugs_ships_without_any_configuration() {
    let world = World::example("flask-requirements");
    assert!(!world.project().join("nonevent.toml").exists());
    world.run(&["ship"]).ok();
    assert_eq!(world.get("local", "/healthz").0, 200);
    let explained = world.run(&["explain"]).ok();
    assert!(explained.stdout.contains("gunicorn"), "{}", explained.stdout);
}

#[test]
fn docker_primes_computes_in_its_worker() {
    let world = World::example("worker-redis");
    world.run(&["ship"]).ok();
    let (address, host) = world.address("local");
    let job: serde_json::Value = client()
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
        let job: serde_json::Value = serde_json::from_str(&body).ok()?;
        (job["state"] == "done").then_some(job)
    });
    assert_eq!(done["primes"], 25, "there are 25 primes below 100: {done}");
}

fn instances(world: &World, environment: &str) -> Vec<String> {
    let status = world.status(environment);
    let instances = status["instances"].as_array().unwrap();
    instances.iter().map(|instance| instance["id"].as_str().unwrap().to_owned()).collect()
}
