//! The main job on a current engine, with either of its image stores.

use std::process::Command;

use crate::world::World;

/// Ships an example on the lab's second engine, which is stopped afterwards.
fn ship_on(store: &str) {
    let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lab");
    let engine = |verb: &str| {
        let output = Command::new(lab).args(["engine28", verb, store]).output().unwrap();
        assert!(output.status.success(), "lab engine28 {verb} {store}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let started = engine("up");
    let host = started.split("DOCKER_HOST=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let host = host.trim_matches(['\'', '"', ';']).to_owned();
    {
        let world = World::example("flask-requirements").on(&host);
        world.run(&["ship"]).ok();
        assert_eq!(world.get("local", "/healthz").0, 200);
        let again = world.run(&["ship"]).ok();
        assert!(format!("{}{}", again.stdout, again.stderr).contains("nothing to do"), "{again:?}");
        let first = world.serving("local");
        world.edit("slugs/app.py", "LONGEST_TITLE = 500", "LONGEST_TITLE = 400");
        world.run(&["ship"]).ok();
        assert_ne!(world.serving("local"), first);
        world.run(&["rollback", "--yes"]).ok();
        assert_eq!(world.serving("local"), first);
        let told = world.run(&["engine"]).ok().stdout;
        assert!(told.contains("28.") && told.contains(&host), "{told}");
        world.run(&["down", "--yes"]).ok();
        assert_eq!(world.left("container"), Vec::<String>::new());
    }
    engine("down");
}

#[test]
fn docker_ships_on_engine_28_with_overlay2() {
    ship_on("overlay2");
}

#[test]
fn docker_ships_on_engine_28_with_containerd_s_store() {
    ship_on("containerd");
}
