//! The window comes back as it was left: its screen, its size. And a project of another laptop is known with what was done from there.

use serde_json::json;

use crate::desktop::Screen;
use crate::world::{PATIENCE, World};

#[tokio::test]
async fn the_last_screen_is_there_at_the_next_start() {
    let world = World::new().await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    world.write("window.json", &json!({ "theme": "dark", "place": format!("/projects/{name}/settings") }).to_string());
    let page = world.window().await;
    page.find("//html[@data-theme='dark']").await;
    page.find(&format!("//h1[.='{name}']")).await;
    page.find("//a[@aria-current='page' and normalize-space(.)='Settings']").await;
    page.close().await;
}

#[tokio::test]
async fn the_size_is_kept_when_the_window_is_closed() {
    let world = World::new().await;
    let screen = Screen::here();
    world.write("window.json", &json!({ "closing": "quit" }).to_string());
    let size = (1010, 640);

    let mut window = world.start(&[]);
    screen.has_window(true).await;
    screen.resize(size);
    screen.has_size(size).await;
    screen.close_window().await;
    let status = tokio::time::timeout(PATIENCE, window.wait()).await.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
    world.kept("window-bounds.json", "\"width\": 1010").await;

    let _again = world.start(&[]);
    screen.has_window(true).await;
    screen.has_size(size).await;
}

#[tokio::test]
async fn what_was_released_from_another_laptop_is_learned() {
    let world = World::new().await;
    let (name, folder) = world.project();
    let quick = "[gauntlet]\nlint = false\nformat = false\ntypes = false\n";
    std::fs::write(folder.join("nonevent.toml"), quick).unwrap();
    let other = tempfile::tempdir().unwrap();
    let shipped = world.nonevent(&folder, &["ship", "local"]).env("NONEVENT_HOME", other.path()).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));

    world.remember(&name, &folder);
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    let of = || json!({ "project": name });
    assert_eq!(page.ask("project_releases", of()).await, json!([]));
    assert_eq!(page.ask("learn_history", of()).await, json!(true));
    assert_eq!(page.ask("project_releases", of()).await.as_array().map(Vec::len), Some(1));
    assert_eq!(page.ask("project_rollouts", of()).await.as_array().map(Vec::len), Some(1));
    assert_eq!(page.ask("learn_history", of()).await, json!(false), "it is known now");
    page.close().await;
}

#[tokio::test]
async fn without_an_engine_nothing_is_learned_and_nothing_fails() {
    let world = World::with(&[("DOCKER_HOST", "unix:///nonexistent/docker.sock")]).await;
    let (name, folder) = world.project();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    assert_eq!(page.ask("learn_history", json!({ "project": name })).await, json!(false));
    page.close().await;
}
