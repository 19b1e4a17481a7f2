//! Addresses lead to screens and to nothing else.

use crate::world::{PATIENCE, World};

#[tokio::test]
async fn an_address_opens_its_screen_and_a_bad_one_is_told() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;

    follow(&world, &format!("nonevent://project/{name}/run/0190c8a2-7b1e-7000-8000-000000000001")).await;
    page.find(&format!("//h1[.='{name}']")).await;
    page.find("//*[contains(normalize-space(.), 'no such run is known here')]").await;

    follow(&world, &format!("nonevent://project/{name}/health/local/7")).await;
    page.find("//a[@aria-current='page' and normalize-space(.)='Health']").await;

    follow(&world, "nonevent://project/nowhere").await;
    page.find("//*[contains(normalize-space(.), 'No project nowhere is known here')]").await;

    for address in ["nonevent://project/shop/ship/local", "nonevent:", "nonevent://project/..%2f..%2fetc"] {
        follow(&world, address).await;
        page.find(&format!("//*[@role='alert' and contains(normalize-space(.), '{address}')]")).await;
        page.press("Dismiss").await;
    }
    page.close().await;
}

/// As a browser or a chat does: it starts the program that the system knows for such addresses.
async fn follow(world: &World, address: &str) {
    let status = tokio::time::timeout(PATIENCE, world.second_start().arg(address).status()).await;
    let status = status.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
}
