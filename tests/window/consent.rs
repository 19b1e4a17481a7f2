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

#[tokio::test]
async fn a_ship_with_a_look_shows_the_new_instances_and_moves_traffic_when_told() {
    let world = World::new().await;
    let (name, folder) = world.project();
    std::fs::write(folder.join("nonevent.toml"), "[gauntlet]\nlint = false\nformat = false\ntypes = false\nunit = false\n")
        .unwrap();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    page.press("Ship elsewhere or check").await;
    page.find("//*[@role='menuitem'][starts-with(normalize-space(.), 'Ship to local with choices')]")
        .await
        .click()
        .await
        .unwrap();
    page.find("//dialog//label[starts-with(normalize-space(.), 'Wait for a look')]").await.click().await.unwrap();
    page.find("//dialog//label[starts-with(normalize-space(.), 'Go on although the project has no tests')]")
        .await
        .click()
        .await
        .unwrap();
    page.find("//dialog//label[starts-with(normalize-space(.), 'Why')]/input").await.send_keys("the sale begins").await.unwrap();
    page.find("//dialog//button[normalize-space(.)='Ship']").await.click().await.unwrap();

    page.find_late("//section[@role='alert'][.//h2[.='Look at the new instances']]//button[normalize-space(.)='Open them']")
        .await;
    page.picture("preview").await;
    page.press("Move traffic").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    let history = world.nonevent(&folder, &["history"]).output().await.unwrap();
    let told = String::from_utf8_lossy(&history.stdout).into_owned();
    assert!(told.contains("the sale begins"), "{told}");
    page.close().await;
}
