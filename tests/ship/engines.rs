//! The main job on a current engine, with either of its image stores.

use crate::own_engine::OwnEngine;
use crate::world::World;

/// Ships an example on the lab's second engine, which is stopped afterwards.
fn ship_on(store: &'static str) {
    let engine = OwnEngine::current(store);
    let host = engine.up();
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
    engine.run("down");
}

#[test]
fn docker_ships_on_engine_28_with_overlay2() {
    ship_on("overlay2");
}

#[test]
fn docker_ships_on_engine_28_with_containerd_s_store() {
    ship_on("containerd");
}
