//! History that answers, on the laptop that shipped and on another one that knows nothing yet.

use serde_json::Value;

use crate::world::World;

const FIRST: &str = "class Migration:\n    dependencies: tuple[tuple[str, str], ...] = ()\n";
const SECOND: &str = "class Migration:\n    dependencies = ((\"slugs\", \"0001_initial\"),)\n";

/// A project that was shipped twice: the second release brought a migration and a variable.
fn shipped_twice() -> (World, String, String) {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", "[app]\nenv = { LOG_LEVEL = \"INFO\" }\n");
    world.write("slugs/migrations/__init__.py", "").write("slugs/migrations/0001_initial.py", FIRST).commit("the first schema");
    world.run(&["ship", "-m", "the first of all"]).ok();
    let first = world.serving("local");
    world.write("nonevent.toml", "[app]\nenv = { LOG_LEVEL = \"DEBUG\" }\n");
    world.write("slugs/migrations/0002_length.py", SECOND).commit("slugs have a length");
    world.run(&["ship", "--message", "longer slugs"]).ok();
    let second = world.serving("local");
    assert_ne!(first, second);
    (world, first, second)
}

fn rollouts(world: &World, home: &str) -> Vec<Value> {
    let ended = world.run_from(home, &["history", "--json"]).ok();
    let object: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    object["data"]["rollouts"].as_array().unwrap().clone()
}

#[test]
fn docker_another_laptop_knows_what_served_and_goes_back() {
    let (world, first, second) = shipped_twice();
    let told = world.run(&["history", "-v"]).ok().stdout;
    for word in ["longer slugs", "the first of all", &first, &second, "succeeded", "switch", "start 1 × web"] {
        assert!(told.contains(word), "`{word}` is not in:\n{told}");
    }

    // The laptop is lost; another one has the project and the engine.
    std::fs::remove_dir_all(world.home()).unwrap();
    let learned = world.run_from("other", &["recover"]).ok().stdout;
    assert!(learned.contains(&first) && learned.contains(&second), "{learned}");
    let seen = rollouts(&world, "other");
    let row = |rollout: &Value| (rollout["to"].as_str().unwrap().to_owned(), rollout["message"].as_str().unwrap().to_owned());
    let rows: Vec<_> = seen.iter().map(row).collect();
    assert_eq!(rows, [(second.clone(), "longer slugs".to_owned()), (first.clone(), "the first of all".to_owned())]);
    assert!(seen[0]["by"].as_str().unwrap().contains('@'), "{}", seen[0]);

    let diff = world.run_from("other", &["diff"]).ok().stdout;
    for word in ["slugs have a length", "LOG_LEVEL", "INFO → DEBUG", "+ slugs.0002_length", &format!("{first} → {second}")] {
        assert!(diff.contains(word), "`{word}` is not in:\n{diff}");
    }

    // The database is ahead of the first release.
    let refused = world.run_from("other", &["rollback"]).refused("slugs.0002_length");
    assert!(refused.stderr.contains("--anyway"), "{}", refused.stderr);
    assert_eq!(world.serving("local"), second);
    world.run_from("other", &["rollback", "--anyway", "-m", "slugs break the page"]).ok();
    assert_eq!(world.serving("local"), first);
    assert_eq!(world.get("local", "/healthz").0, 200);
    let last = &rollouts(&world, "other")[0];
    assert_eq!((last["reason"].as_str(), last["message"].as_str()), (Some("rollback"), Some("slugs break the page")));
    assert!(last["anyway"].as_str().unwrap().contains("slugs.0002_length"), "{last}");

    // Forward is no way back: the newer release knows the schema. The third laptop sees that somebody went back anyway.
    world.run_from("third", &["rollback", &second]).ok();
    assert_eq!(world.serving("local"), second);
    let told = world.run_from("third", &["history"]).ok().stdout;
    assert!(told.contains("went back anyway") && told.contains("slugs break the page"), "{told}");
}
