//! The projects, as the window lists them.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn an_empty_home_teaches_the_first_step() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h2[.='Ship your first project']").await;
    page.find("//button[@aria-label='Copy command nonevent ship']").await;
    page.picture("empty").await;
    page.close().await;
}

#[tokio::test]
async fn a_project_is_listed_with_the_state_of_its_environment() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find_in(name.as_str(), "local").await;
    page.find_in(name.as_str(), "Nothing released yet").await;
    page.find("//button[starts-with(@aria-label, 'Engine: ')]").await;
    page.picture("listed").await;
    page.close().await;
}

#[tokio::test]
async fn a_project_that_another_process_adds_appears_by_itself() {
    let world = World::new().await;
    let page = world.window().await;
    page.find("//h2[.='Ship your first project']").await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    page.find(&format!("//th[.//*[@title='{name}']]")).await;
    page.close().await;
}

#[tokio::test]
async fn a_forgotten_project_leaves_the_list_and_the_home() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.press(&format!("Forget {name}")).await;
    page.press("Forget it").await;
    page.find("//h2[.='Ship your first project']").await;
    page.close().await;
    assert!(folder.join("requirements.txt").exists(), "its folder stays");
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_told_and_projects_are_listed_nevertheless() {
    let world = World::with(&[("DOCKER_HOST", "unix:///nonexistent/docker.sock")]).await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find("//*[@role='alert']//*[contains(., 'unix:///nonexistent/docker.sock')]").await;
    page.find_in(name.as_str(), "Unknown").await;
    page.picture("unreachable").await;
    page.close().await;
}

#[tokio::test]
async fn a_text_is_copied() {
    let world = World::new().await;
    let page = world.window().await;
    page.press("Copy command nonevent ship").await;
    page.find("//*[@role='status' and normalize-space(.)='Copied']").await;
    page.close().await;
}

#[tokio::test]
async fn a_folder_that_is_added_is_listed_and_one_that_is_no_project_is_refused() {
    let world = World::new().await;
    let (name, folder) = world.project();
    let page = world.window().await;
    page.find("//h2[.='Ship your first project']").await;
    // The folder picker belongs to the operating system; the question that follows it is ours.
    let add = "const tell = arguments[1];
        window.__TAURI_INTERNALS__.invoke('add_project', { folder: arguments[0] }).then(tell, (problem) => tell(problem))";
    assert_eq!(page.run(add, vec![json!(folder)]).await, json!(name));
    page.find(&format!("//th[.//*[@title='{name}']]")).await;

    let empty = tempfile::tempdir().unwrap();
    let problem = page.run(add, vec![json!(empty.path())]).await;
    assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
    assert!(problem["hints"].as_array().is_some_and(|hints| !hints.is_empty()), "{problem}");
    page.close().await;
}

#[tokio::test]
async fn the_engine_that_is_used_is_told_with_its_reason() {
    let world = World::new().await;
    let page = world.window().await;
    let badge = page.find("//button[starts-with(@aria-label, 'Engine: ')]").await;
    let address = page.find("//dt[.='Address']/following-sibling::dd[1]").await;
    assert!(!address.is_displayed().await.unwrap());
    badge.click().await.unwrap();
    assert!(address.is_displayed().await.unwrap());
    // WebKit tells no text of what cannot be selected.
    let told = address.prop("textContent").await.unwrap().unwrap_or_default();
    let named = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    assert!(std::env::var_os("DOCKER_CONTEXT").is_some() || told.trim() == named, "{told}");
    page.picture("engine").await;
    page.close().await;
}
