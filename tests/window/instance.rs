//! One window for all starts of a home.

use crate::desktop::Screen;
use crate::world::{PATIENCE, World, eventually};

#[tokio::test]
async fn a_second_start_ends_and_brings_the_first_window_to_the_front() {
    let world = World::new().await;
    let screen = Screen::here();
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    let _other = screen.cover();
    screen.is_in_front(false).await;
    let status = tokio::time::timeout(PATIENCE, world.second_start().status()).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
    screen.is_in_front(true).await;
    page.find("//h1[.='Projects']").await;
    page.close().await;
}

#[tokio::test]
async fn a_start_on_another_home_does_not_end_in_the_first_ones_window() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    let other = tempfile::tempdir().unwrap();
    let _hidden = world.second_start().arg("--hidden").env("NONEVENT_HOME", other.path()).spawn().unwrap();
    let watch = other.path().join("watch.lock");
    eventually("it watches its own home", || {
        std::fs::read_to_string(&watch).is_ok_and(|who| who.contains("process")).then_some(())
    })
    .await;
    page.close().await;
}
