//! Closing the window: asked once, watching goes on, and it comes back where it was.

use nix::sys::signal::{Signal, kill};

use crate::desktop::Screen;
use crate::world::{PATIENCE, World, eventually};

#[tokio::test]
async fn closing_is_asked_once_and_watching_goes_on() {
    let world = World::new().await;
    let screen = Screen::here();
    let page = world.window().await;
    page.find("//h1[.='Projects']").await;
    page.find("//a[normalize-space(.)='Settings']").await.click().await.unwrap();
    page.find("//p[contains(normalize-space(.), 'window’s process watches')]").await;
    world.kept("watch.lock", "process").await;
    let watcher = world.read("watch.lock");
    page.picture("settings-watching").await;

    screen.close_window().await;
    page.find("//h2[.='Keep watching in the background?']").await;
    page.picture("closing").await;
    page.press("Keep watching").await;
    screen.has_window(false).await;
    world.kept("window.json", "\"closing\": \"keep\"").await;
    world.kept("window.json", "\"place\": \"/settings\"").await;

    // The same process watches, and a second start finds it.
    let status = tokio::time::timeout(PATIENCE, world.second_start().status()).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
    screen.has_window(true).await;
    assert_eq!(world.read("watch.lock"), watcher);
    page.next_window().await;
    page.find("//h1[.='Settings']").await;

    screen.close_window().await;
    screen.has_window(false).await;
    assert_eq!(world.read("watch.lock"), watcher, "it was not asked again");
}

#[tokio::test]
async fn a_window_that_is_to_quit_ends_its_process() {
    let world = World::new().await;
    let screen = Screen::here();
    let mut window = world.start(&[]);
    screen.has_window(true).await;
    world.kept("watch.lock", "process").await;
    // The first press asks; who presses again wants it gone, whatever the page does.
    screen.close_window().await;
    screen.close_if_there();
    let status = tokio::time::timeout(PATIENCE, window.wait()).await.expect("it ends").unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_process_that_the_system_ends_goes_in_order() {
    let world = World::new().await;
    let screen = Screen::here();
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut window = world.start(&[]);
        screen.has_window(true).await;
        world.kept("watch.lock", &format!("(process {})", window.id().unwrap())).await;
        kill(world.process().await, signal).unwrap();
        let status = tokio::time::timeout(PATIENCE, window.wait()).await.expect("it ends").unwrap();
        assert!(status.success(), "{signal}: {status}");
    }
}

#[tokio::test]
async fn a_hidden_start_watches_without_a_window() {
    let world = World::new().await;
    let screen = Screen::here();
    let _hidden = world.start(&["--hidden"]);
    world.kept("watch.lock", "process").await;
    screen.has_window(false).await;
    let status = tokio::time::timeout(PATIENCE, world.second_start().status()).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
    screen.has_window(true).await;
}

#[tokio::test]
async fn the_start_at_login_is_hidden_and_can_be_taken_back() {
    let person = tempfile::tempdir().unwrap();
    let folder = person.path().join(".config/autostart");
    let config = person.path().join(".config");
    let (person, config) = (person.path().to_str().unwrap(), config.to_str().unwrap());
    let world = World::with(&[("HOME", person), ("XDG_CONFIG_HOME", config)]).await;
    let page = world.window().await;
    page.find("//a[normalize-space(.)='Settings']").await.click().await.unwrap();
    let entries = || {
        let files = std::fs::read_dir(&folder).into_iter().flatten();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect::<Vec<_>>()
    };
    let switch = "//input[@role='switch' and not(@disabled)]";
    page.find(switch).await.click().await.unwrap();
    let entry = eventually("it starts at login", || entries().pop()).await;
    assert!(entry.contains("nonevent-desktop --hidden"), "{entry}");
    page.find(switch).await.click().await.unwrap();
    eventually("it no longer does", || entries().is_empty().then_some(())).await;
    page.close().await;
}
