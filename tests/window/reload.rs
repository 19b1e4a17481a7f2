//! A page that is reloaded finds again what goes on in the window's process; and what becomes of that when the process is to end.

use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nonevent_engine::model::{ProjectName, RunState};
use serde_json::{Value, json};

use crate::desktop::Screen;
use crate::page::Page;
use crate::world::{ENTER, PATIENCE, World, eventually};

/// A gate that goes on long enough for a reload in the middle, after everything else that prints.
const TALK: &str = r#"
[gauntlet]
lint = false
format = false
types = false

[gauntlet.talk]
run = ["sh", "-c", "echo said before; sleep 20; echo said after"]
needs = ["unit"]
"#;

/// A job that goes on until it is stopped, and needs a moment then.
const LONG: &str = r#"
[app]
stop_grace = "10s"

[gauntlet]
lint = false
format = false
types = false

[job.long]
schedule = "0 0 1 1 *"
run = ["sh", "-c", "trap 'echo ending; sleep 2; exit 0' TERM; echo begun; while :; do sleep 1; done"]
"#;

#[tokio::test]
async fn a_reloaded_page_shows_the_run_that_goes_on_with_its_output_to_its_end() {
    let world = World::new().await;
    let (_, page) = talking(&world, TALK).await;
    page.reload().await;
    page.find("//*[@role='status' and normalize-space(.)='Running']").await;
    page.press("Output").await;
    page.find(&said("before")).await;
    page.find_late(&said("after")).await;
    page.find_late("//*[@role='status' and normalize-space(.)='Succeeded']").await;
    page.close().await;
}

#[tokio::test]
async fn a_page_whose_process_dies_is_loaded_anew() {
    let world = World::new().await;
    let screen = Screen::here();
    let page = world.window().await;
    page.find("//a[normalize-space(.)='Settings']").await.click().await.unwrap();
    page.find("//p[contains(normalize-space(.), 'window’s process watches')]").await;
    let window = world.process().await;
    let first = web_processes(window);
    assert!(!first.is_empty());
    for process in &first {
        kill(*process, Signal::SIGKILL).unwrap();
    }
    eventually("the page is loaded anew", || web_processes(window).iter().find(|one| !first.contains(one)).copied()).await;
    // The driver need not outlive the page's process.
    screen.close_window().await;
    screen.close_if_there();
    screen.has_window(false).await;
}

/// The processes that a window's process draws its pages in.
fn web_processes(window: Pid) -> Vec<Pid> {
    let ids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let drawing = |id: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // A name of at most 15 letters, the state, the parent (proc(5)).
        let Some((name, rest)) = stat.rsplit_once(')') else { return false };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        name.ends_with("(WebKitWebProces") && fields[0] != "Z" && fields[1] == window.to_string()
    };
    ids.filter(drawing).map(Pid::from_raw).collect()
}

#[tokio::test]
async fn a_job_that_was_begun_by_hand_is_found_again_and_stopped_by_a_reloaded_page() {
    let world = World::new().await;
    let (place, page) = running(&world).await;
    page.reload().await;
    page.find("//h2[.='local']").await;
    page.find_late("//button[normalize-space(.)='Stop']").await;
    page.press("Log of long").await;
    page.find_late("//pre[contains(., 'begun')]").await;
    page.press("Stop").await;
    ended(&world, &place.1).await;
    page.close().await;
}

#[tokio::test]
async fn a_job_that_was_begun_by_hand_is_ended_with_its_grace_time_when_the_window_quits() {
    let world = World::new().await;
    let screen = Screen::here();
    let (place, _page) = running(&world).await;
    // The first press asks; who presses again wants it gone.
    screen.close_window().await;
    screen.close_if_there();
    screen.has_window(false).await;
    let run = ended(&world, &place.1).await;
    let lines = run["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["text"] == "ending"), "it was told: {run}");
}

#[tokio::test]
async fn a_run_is_not_cut_off_by_who_quits_comes_back_and_quits_again() {
    let world = World::new().await;
    let screen = Screen::here();
    let (name, _page) = talking(&world, &TALK.replace("sleep 20", "sleep 12")).await;
    screen.close_window().await;
    screen.close_if_there();
    screen.has_window(false).await;
    let status = tokio::time::timeout(PATIENCE, world.second_start().status()).await.expect("the second start ends").unwrap();
    assert!(status.success(), "{status}");
    screen.close_window().await;
    screen.close_if_there();
    screen.has_window(false).await;
    assert_eq!(world.run_ended(&name).await, RunState::Succeeded);
}

#[tokio::test]
async fn a_run_is_cancelled_when_the_system_ends_the_process() {
    let world = World::new().await;
    let screen = Screen::here();
    let (name, _page) = talking(&world, TALK).await;
    kill(world.process().await, Signal::SIGTERM).unwrap();
    screen.has_window(false).await;
    assert_eq!(world.run_ended(&name).await, RunState::Cancelled);
}

#[tokio::test]
async fn what_is_asked_for_again_while_it_begins_is_begun_once() {
    let world = World::new().await;
    let (name, _, page) = serving(&world).await;
    // The bridge does so for a page that is loaded anew.
    let twice = "const [asked, tell] = arguments;
        const ask = () => window.__TAURI_INTERNALS__.invoke('begin_run', asked);
        Promise.all([ask(), ask()]).then(tell, tell)";
    let said = json!({ "typed": null, "held": "refuse", "anyway": "no", "message": null });
    let restart = json!({ "verb": "restart", "environment": "local" });
    let begun = page.run(twice, vec![json!({ "project": name, "request": restart, "said": said })]).await;
    assert!(begun[0].is_string() && begun[0] == begun[1], "{begun}");
    assert_eq!(world.run_ended(&name).await, RunState::Succeeded);
    page.close().await;
}

/// A line that the gate prints.
fn said(what: &str) -> String {
    format!("//*[@role='log']//code[.='said {what}']")
}

/// Ships a project from the window and waits until its gate has spoken; returns its name beside the page.
async fn talking(world: &World, configuration: &str) -> (ProjectName, Page) {
    let (name, folder) = world.project();
    std::fs::write(folder.join("nonevent.toml"), configuration).unwrap();
    world.remember(&name, &folder);
    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    page.press("Ship to local").await;
    page.find("//*[@role='status' and normalize-space(.)='Running']").await;
    page.press("Output").await;
    page.find_late(&said("before")).await;
    (name, page)
}

/// Ships a project with a job and opens the window on it; returns its name and folder beside the page.
async fn serving(world: &World) -> (ProjectName, PathBuf, Page) {
    let (name, folder) = world.project();
    std::fs::write(folder.join("nonevent.toml"), LONG).unwrap();
    world.remember(&name, &folder);
    let shipped = world.nonevent(&folder, &["ship", "local"]).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await;
    (name, folder, page)
}

/// Ships a project with a job, opens its environment and begins the job by a press; returns its name and folder beside the page.
async fn running(world: &World) -> ((String, PathBuf), Page) {
    let (name, folder, page) = serving(world).await;
    page.show(&format!("#/projects/{name}/environments/local")).await;
    page.press("Run now: long").await;
    page.find_late("//pre[contains(., 'begun')]").await;
    ((name.to_string(), folder), page)
}

/// Waits until the last run of the job has its end, and returns it.
async fn ended(world: &World, folder: &Path) -> Value {
    let ended = eventually("the job ends", || {
        let output = world.nonevent(folder, &["jobs", "log", "long", "--json"]).into_std().output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let last: Value = serde_json::from_str(told.lines().last()?).ok()?;
        let run = last["data"]["runs"][0].clone();
        run["finished_at"].is_string().then_some(run)
    })
    .await;
    assert_eq!(ended["failure"], "stopped by a person", "{ended}");
    ended
}
