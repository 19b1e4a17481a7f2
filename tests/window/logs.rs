//! Finding again what an app printed, and its exceptions; seeing what comes.

use std::path::Path;

use crate::page::Page;
use crate::world::{ENTER, World, in_instances};

const QUICK: &str = "[gauntlet]\nlint = false\nformat = false\ntypes = false\nunit = false\n";

/// What the app is asked for, from inside its instance.
const ASK: &str = "import os, sys, urllib.error, urllib.request
try:
    urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}{sys.argv[1]}')
except urllib.error.HTTPError:
    pass";

/// An app that says what it makes, and fails on one of its pages.
fn make_talkative(folder: &Path) {
    std::fs::write(folder.join("nonevent.toml"), QUICK).unwrap();
    let file = folder.join("slugs/app.py");
    let text = std::fs::read_to_string(&file).unwrap();
    let told = "    print('{\"event\": \"slug made\", \"level\": \"warning\", \"slug\": \"%s\"}' % result, flush=True)\n    return jsonify(title=title, slug=result)";
    let text = text.replace("    return jsonify(title=title, slug=result)", told);
    let boom = "@app.get(\"/boom\")\ndef boom() -> str:\n    raise ValueError(\"the well ran dry\")\n\n\n@app.get(\"/healthz\")";
    std::fs::write(file, text.replace("@app.get(\"/healthz\")", boom)).unwrap();
}

fn ask(project: &str, path: &str) {
    in_instances(project, &["python", "-c", ASK, path]);
}

async fn filter(page: &Page, query: &str) {
    let field = page.find("//label[span='Filter']//input").await;
    field.clear().await.unwrap();
    field.send_keys(query).await.unwrap();
}

#[tokio::test]
async fn what_an_app_printed_is_found_and_its_exception_leads_to_the_line() {
    let world = World::new().await;
    let (name, folder) = world.project();
    make_talkative(&folder);
    world.remember(&name, &folder);
    let shipped = world.nonevent(&folder, &["ship", "local", "--allow-untested"]).output().await.unwrap();
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    ask(name.as_str(), "/boom");
    ask(name.as_str(), "/slugs?title=First");

    let page = world.window().await;
    page.find(&format!("//th//a[@title='{name}']")).await.send_keys(ENTER).await.unwrap();
    page.find("//nav//a[normalize-space(.)='Logs']").await.click().await.unwrap();
    page.find("//*[@role='option'][.//code[.='slug made']]").await;

    // What is printed while one looks comes by itself.
    page.find("//button[normalize-space(.)='Live' and @aria-pressed='true']").await;
    ask(name.as_str(), "/slugs?title=Second");
    page.find("//*[@role='option'][.//code[contains(., 'slug=second')]]").await;

    filter(&page, "level>=loud").await;
    page.find("//*[@role='alert' and contains(., 'is no level')]").await;
    filter(&page, "slug=first").await;
    page.find("//p[normalize-space(.)='1 record' or contains(., '1 record')]").await;
    filter(&page, "level>=error").await;
    page.find("//*[@role='option'][.//code[.='Exception on /boom [GET]']]").await.click().await.unwrap();
    page.find("//article[@aria-label='Record']//button[contains(., 'slugs/app.py') and contains(., 'in boom')]").await;
    page.picture("logs").await;

    page.find("//label[normalize-space(.)='Exceptions']").await.click().await.unwrap();
    let group = page.find("//*[@role='option'][contains(., 'ValueError') and contains(., 'the well ran dry')]").await;
    let told = group.text().await.unwrap();
    assert!(told.contains("1 time") && told.contains("new in this release"), "{told}");
    page.picture("logs-exceptions").await;
    page.press("Show its records").await;
    page.find("//*[@role='option'][.//code[.='Exception on /boom [GET]']]").await;
    page.close().await;
}
