//! One window for all starts.

use tokio::process::Command;

use crate::world::{PATIENCE, WINDOW, World};

#[tokio::test]
async fn a_second_start_ends_and_leaves_the_first_window() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    let second = Command::new(WINDOW).envs(world.variables()).kill_on_drop(true).status();
    let status = tokio::time::timeout(PATIENCE, second).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
    page.find("//h1[.='Projects']").await;
    page.close().await;
}
