//! A project that is checked on save.

use std::time::Duration;

use crate::world::{World, eventually};

/// Long enough for a check that must not come.
const NOTHING: Duration = Duration::from_secs(4);

#[tokio::test]
async fn each_save_is_checked_until_somebody_stops_it() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let store = world.store();
    let checks = || store.runs(&name, 20).unwrap().into_iter().filter(|run| run.verb == "check").collect::<Vec<_>>();
    let ended = |count: usize| {
        let runs = checks();
        (runs.len() == count && runs.iter().all(|run| run.finished_at.is_some())).then_some(())
    };
    let app = folder.join("slugs/app.py");
    let save = |comment: &str| {
        let text = std::fs::read_to_string(&app).unwrap();
        std::fs::write(&app, format!("{text}\n# {comment}\n")).unwrap();
    };

    let page = world.window().await;
    page.show(&format!("#/projects/{name}/runs")).await;
    page.press("Ship elsewhere or check").await;
    page.find("//*[@role='menuitem'][contains(., 'Check on save')]").await.click().await.unwrap();
    page.find("//span[contains(normalize-space(.), 'Checked on save')]").await;
    eventually("it is checked at once", || ended(1)).await;
    save("one");
    eventually("a save is checked", || ended(2)).await;
    page.reload().await;
    page.find("//span[contains(normalize-space(.), 'Checked on save')]").await;
    save("two");
    eventually("a save after a reload is checked", || ended(3)).await;

    page.press("Stop").await;
    page.find("//main[not(contains(., 'Checked on save'))]").await;
    save("three");
    tokio::time::sleep(NOTHING).await;
    assert_eq!(checks().len(), 3, "it is checked although somebody stopped it");
    page.close().await;
}
