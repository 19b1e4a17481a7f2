//! Cleaning keeps what a rollback needs and what is data, and takes the rest.

use crate::world::World;

#[test]
fn docker_cleaning_keeps_the_way_back_and_data_within_its_bytes() {
    let world = World::example("flask-requirements");
    // Images bear the project's name alone: a name of its own keeps those of other worlds out of this.
    let name = format!("cleaning-{}", std::process::id());
    let volumes = "volumes = { media = \"/app/media\" }";
    world
        .write("nonevent.toml", format!("[app]\nname = \"{name}\"\n{volumes}\n\n[release]\nkeep = 5\nkeep_bytes = \"6500kB\"\n"));
    let app = std::fs::read_to_string(world.project().join("slugs/app.py")).unwrap();
    let mut releases = Vec::new();
    for version in 1..=3 {
        world.write("slugs/app.py", format!("{app}\n\nVERSION = {version}\n"));
        world.run(&["ship"]).ok();
        releases.push(world.serving("local"));
    }
    let volumes = world.left("volume");
    assert!(!volumes.is_empty());

    let told = world.json(&["gc", "--dry-run"]);
    let images = |answer: &serde_json::Value| {
        let items = answer["items"].as_array().unwrap().clone();
        items.into_iter().filter(|item| item["what"].as_str().unwrap().starts_with("image ")).count()
    };
    assert!(images(&told) >= 1 && told["bytes"].as_u64().unwrap() > 0, "{told}");
    // Whoever only looked removed nothing.
    assert_eq!(world.json(&["gc", "--dry-run"]), told);
    // A laptop that never shipped this takes no more than the first one would.
    let other: serde_json::Value = {
        world.run_from("other", &["recover"]).ok();
        let ended = world.run_from("other", &["gc", "--dry-run", "--json"]).ok();
        serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
    };
    assert!(images(&other["data"]) <= images(&told), "{other}");

    world.run(&["gc"]).ok();
    assert_eq!(images(&world.json(&["gc", "--dry-run"])), 0);
    assert_eq!(world.left("volume"), volumes, "a volume was taken");
    assert_eq!(world.get("local", "/healthz").0, 200);
    world.run(&["rollback", &releases[0]]).refused("is no longer on the engine");
    world.run(&["rollback"]).ok();
    assert_eq!(world.serving("local"), releases[1], "the release before stays, whatever its bytes");
}
