//! What is done to an environment from its menu, one after the other on one app: restart, scale, recover, take down; and what is told of
//! space and of notices.

use serde_json::{Value, json};

use crate::desktop::Dunst;
use crate::page::Page;
use crate::world::World;

const QUICK: &str = "[gauntlet]\nlint = false\nformat = false\ntypes = false\n\n[notify]\ndesktop = true\n";

#[tokio::test]
async fn an_environment_is_restarted_scaled_recovered_and_taken_down() {
    let world = World::new().await;
    let dunst = Dunst::start(&world).await;
    let (name, folder) = world.project();
    std::fs::write(folder.join("nonevent.toml"), QUICK).unwrap();
    world.remember(&name, &folder);
    let shipped = world.nonevent(&folder, &["ship", "local"]).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    let instances = || world.containers("web", name.as_str());
    let before = instances();
    assert_eq!(before.len(), 1);
    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await;
    let environment = format!("#/projects/{name}/environments/local");

    page.show(&environment).await;
    choose(&page, "Restart", "Restart local?").await;
    answer(&page, "Restart").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    let restarted = instances();
    assert!(!restarted.is_empty() && restarted.iter().all(|one| !before.contains(one)), "{before:?}, {restarted:?}");

    page.show(&environment).await;
    choose(&page, "Scale", "Scale local").await;
    page.find("//dialog//label[starts-with(normalize-space(.), 'Instances of web')]/input").await;
    page.picture("scale").await;
    // The window says which line it is; a person writes it.
    std::fs::write(folder.join("nonevent.toml"), format!("{QUICK}\n[environments.local]\nreplicas = 2\n")).unwrap();
    answer(&page, "Ship").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    let scaled = instances();
    assert!(scaled.len() == 2 && scaled.iter().any(|one| restarted.contains(one)), "{restarted:?}, {scaled:?}");

    page.show(&environment).await;
    choose(&page, "Recover", "Recover local?").await;
    answer(&page, "Recover").await;
    page.find("//dialog//*[@role='status']//p[.='Nothing was left in the middle.']").await;
    answer(&page, "Close").await;

    page.find("//button[starts-with(@aria-label, 'Engine: ')]").await.click().await.unwrap();
    page.press("Free space").await;
    page.find("//dialog//h2[.='Free space']").await;
    // Only told: the engine is shared with other tests.
    page.find_late("//dialog//*[@role='region' and @aria-label='What']|//dialog//*[@role='status'][normalize-space(.)='There is nothing to remove.']").await;
    page.find("//dialog//button[normalize-space(.)='Leave it' or normalize-space(.)='Close']").await.click().await.unwrap();

    page.show(&format!("#/projects/{name}/settings")).await;
    page.press("Send a test").await;
    page.find("//li[contains(normalize-space(.), 'desktop') and contains(normalize-space(.), 'took it')]").await;
    dunst.shows().await;

    page.show(&environment).await;
    choose(&page, "Take down", "Take local down?").await;
    answer(&page, "Take down").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    assert_eq!(instances(), Vec::<String>::new());
    page.close().await;
}

/// Takes a line of the environment's menu, once it may be taken, and waits for its question.
async fn choose(page: &Page, line: &str, question: &str) {
    page.find("//h2[.='local']").await;
    page.press("More").await;
    let line = format!("//*[@role='menuitem' and not(@disabled) and normalize-space(.)='{line}']");
    page.find(&line).await.click().await.unwrap();
    page.find(&format!("//dialog//h2[.='{question}']")).await;
}

async fn answer(page: &Page, button: &str) {
    page.find(&format!("//dialog//button[normalize-space(.)='{button}' and not(@disabled)]")).await.click().await.unwrap();
}

#[tokio::test]
async fn tests_that_passed_are_told_with_their_times_and_their_past() {
    let world = World::new().await;
    let (name, folder) = world.project();
    std::fs::write(folder.join("nonevent.toml"), QUICK).unwrap();
    world.remember(&name, &folder);
    let checked = world.nonevent(&folder, &["check"]).output().await.unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;

    let slowest = page.ask("slowest_tests", json!({ "project": name, "run": null, "limit": 2 })).await;
    let slowest = slowest.as_array().unwrap();
    let took = |one: &Value| one["test"]["duration_s"].as_f64().unwrap();
    assert!(slowest.len() == 2 && took(&slowest[0]) >= took(&slowest[1]), "{slowest:?}");
    let past = page.ask("test_history", json!({ "project": name, "test": slowest[0]["test"]["id"] })).await;
    assert_eq!((past[0]["gate"].as_str(), &past[0]["test"]), (Some("unit"), &slowest[0]["test"]), "{past}");
    let tests = page.ask("gate_tests", json!({ "run": past[0]["run"], "gate": "unit" })).await;
    assert!(tests.as_array().unwrap().iter().any(|test| *test == slowest[1]["test"] && test["state"] == "passed"), "{tests}");
    page.close().await;
}
