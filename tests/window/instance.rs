//! One window for all starts.

use crate::desktop::Screen;
use crate::world::{PATIENCE, World};

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
