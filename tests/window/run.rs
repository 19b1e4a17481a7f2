//! What a person does from the window: ships, sees a gate fail, mends it, ships again, rolls back; and stops what another process runs.

use std::path::Path;

use crate::page::Page;
use crate::world::{ENTER, World};

/// A source file of the example.
const SOURCE: &str = "slugs/slug.py";

async fn opened(world: &World, name: &str) -> Page {
    let page = world.window().await;
    // By the keyboard: the table may still move while its first states arrive.
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    page.find(&format!("//h1[.='{name}']")).await;
    page
}

/// Waits for the end of the run that is shown, and returns the release that it tells of.
async fn ended(page: &Page, state: &str) {
    page.find_late(&format!("//*[@role='status' and normalize-space(.)='{state}']")).await;
}

async fn release(page: &Page) -> String {
    page.find("//main//p//a[contains(@href, '/releases/')]").await.text().await.unwrap()
}

fn change(folder: &Path, change: impl FnOnce(String) -> String) {
    let file = folder.join(SOURCE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, change(text)).unwrap();
}

#[tokio::test]
async fn a_red_gate_is_mended_shipped_and_rolled_back() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = opened(&world, name.as_str()).await;
    page.picture("overview-empty").await;

    page.press("Ship to local").await;
    page.find("//*[@role='status' and normalize-space(.)='Running']").await;
    page.picture("run-going").await;
    ended(&page, "Succeeded").await;
    let first = release(&page).await;
    page.find(&format!("//h3[.='Release {first} serves in local']")).await;
    page.picture("run-succeeded").await;

    change(&folder, |text| format!("{text}\nimport json\n"));
    page.press("Ship to local").await;
    ended(&page, "Failed").await;
    page.find(&format!("//code[starts-with(normalize-space(.), '{SOURCE}:')]")).await;
    page.find("//*[@role='option'][contains(normalize-space(.), 'imported but unused')]").await.click().await.unwrap();
    page.find("//p[contains(normalize-space(.), 'F401')]").await;
    page.find("//*[contains(@class, 'here')]//code[normalize-space(.)='import json']").await;
    page.picture("run-red").await;

    change(&folder, |text| text.replace("\nimport json\n", "").replace("What a slug is:", "What a slug is, in short:"));
    page.press("Run again").await;
    ended(&page, "Succeeded").await;
    let second = release(&page).await;
    assert_ne!(first, second);

    page.press("Roll back").await;
    page.find("//dialog//h2[.='Roll local back?']").await;
    page.find("//dialog//button[normalize-space(.)='Roll back']").await.click().await.unwrap();
    page.find("//h2[.='Roll back local']").await;
    ended(&page, "Succeeded").await;
    page.find(&format!("//h3[.='Release {first} serves in local']")).await;

    page.find("//nav//a[normalize-space(.)='Overview']").await.click().await.unwrap();
    page.find(&format!("//article[.//h2[.='local']]//a[normalize-space(.)='{first}']")).await;
    page.picture("overview").await;
    page.find("//article//h2//a[.='local']").await.click().await.unwrap();
    page.find(&format!("//button[@aria-label='Roll back to {second}']")).await;
    page.picture("environment").await;
    page.close().await;
}

#[tokio::test]
async fn a_run_of_the_command_line_appears_and_is_stopped_from_the_window() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = opened(&world, name.as_str()).await;
    page.find("//nav//a[normalize-space(.)='Runs']").await.click().await.unwrap();
    page.find("//h3[.='Nothing has run yet']").await;

    let ship = world.nonevent(&folder, &["ship", "local"]).output();
    let ship = tokio::spawn(ship);
    page.find("//a[.//*[.='Ship to local'] and .//*[normalize-space(.)='Running']]").await.click().await.unwrap();
    page.press("Cancel").await;
    ended(&page, "Cancelled").await;
    assert_eq!(ship.await.unwrap().unwrap().status.code(), Some(130));
    page.close().await;
}

#[tokio::test]
async fn a_chosen_theme_is_there_at_the_next_start() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//nav//a[normalize-space(.)='Settings']").await.click().await.unwrap();
    page.find("//label[normalize-space(.)='Dark']").await.click().await.unwrap();
    page.find("//html[@data-theme='dark']").await;
    world.kept("window.json", "\"dark\"").await;
    page.picture("settings-dark").await;
    page.close().await;
    let page = world.window().await;
    page.find("//html[@data-theme='dark']").await;
    page.close().await;
}
