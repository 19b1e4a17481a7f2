//! One window for all starts.

use crate::world::{PATIENCE, World};

#[tokio::test]
async fn a_second_start_ends_and_leaves_the_first_window() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    let status = tokio::time::timeout(PATIENCE, world.second_start().status()).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
    page.find("//h1[.='Projects']").await;
    page.close().await;
}
