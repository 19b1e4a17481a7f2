//! One process of a home watches; another takes over when that one ends, however it does.

use std::process::Stdio;

use crate::world::World;

#[tokio::test]
async fn the_window_and_the_command_line_take_over_from_each_other() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let watch = || {
        let mut watch = world.nonevent(&folder, &["watch"]);
        watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let holder = |id: Option<u32>| format!("(process {})", id.expect("it runs"));

    let mut first = watch();
    world.kept("watch.lock", &holder(first.id())).await;
    let page = world.window().await;
    page.find("//a[normalize-space(.)='Settings']").await.click().await.unwrap();
    page.find("//p[contains(normalize-space(.), 'Another process watches')]").await;
    page.find(&format!("//*[contains(normalize-space(.), '{}')]", holder(first.id()))).await;
    page.picture("settings-elsewhere").await;

    first.kill().await.unwrap();
    page.find("//p[contains(normalize-space(.), 'window’s process watches')]").await;

    let mut second = watch();
    let text = world.read("watch.lock");
    assert!(!text.contains(&holder(second.id())), "{text}");
    page.close().await;
    world.kept("watch.lock", &holder(second.id())).await;
    second.kill().await.unwrap();
}
