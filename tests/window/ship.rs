//! What the window shows of a ship.

use crate::world::World;

#[tokio::test]
async fn a_ship_from_the_command_line_is_seen_without_being_asked_for() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find_in(name.as_str(), "Nothing released yet").await;

    let shipped = world.nonevent(&folder, &["ship", "local"]).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    page.find_in(name.as_str(), "Healthy").await;
    page.find(&format!("//button[starts-with(@aria-label, 'Open http://{name}.localhost')]")).await;
    page.find("//button[starts-with(@aria-label, 'Copy release ')]").await;
    page.picture("healthy").await;

    let removed = world.nonevent(&folder, &["down", "local", "--data", "--yes"]).output().await.unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    page.find_in(name.as_str(), "Nothing released yet").await;
    page.close().await;
}
