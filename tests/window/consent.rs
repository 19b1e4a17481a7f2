//! A ship that cannot promise that no request is lost: the window asks, and the same run goes on with the answer.

use crate::page::Page;
use crate::world::{ENTER, World};

async fn shipped(page: &Page) {
    page.press("Ship to local").await;
    page.find("//*[@role='status' and normalize-space(.)='Running']").await;
}

#[tokio::test]
async fn a_ship_that_may_lose_requests_waits_for_a_person() {
    let world = World::new().await;
    let (name, folder) = world.project();
    // One instance at a time: the old one stops before the new one starts.
    let volume = "[app]\nvolumes = { media = { path = \"/app/media\", shared = false } }\n";
    std::fs::write(folder.join("nonevent.toml"), volume).unwrap();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    shipped(&page).await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;

    let file = folder.join("slugs/slug.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace("What a slug is:", "What a slug is, in short:")).unwrap();
    shipped(&page).await;
    let asks = "//section[@role='alert'][.//h2[.='Requests may be lost']]";
    page.find_late(asks).await;
    page.find(&format!("{asks}//dd[starts-with(normalize-space(.), 'no, because')]")).await;
    page.picture("consent").await;
    page.press("Stop the run").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Cancelled']").await;

    shipped(&page).await;
    page.find_late(asks).await;
    page.press("Go on").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    page.close().await;
}
