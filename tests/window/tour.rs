//! The pictures of README and docs, taken of the real window on a real engine: `scripts/screenshots`.
//!
//! Three examples are shipped, the shop's database goes away for a moment, and each screen is shown in both themes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nonevent_engine::model::ProjectName;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::world::World;

/// Soon enough for a tour; often enough for a curve.
const WATCHED: &str = "\nwatch_interval = \"1s\"\nfall = \"2 of 3\"\n";
/// Its environments want a key each.
const SECRETS: &str = "\n[environments.local]\nsecrets = [\"PAYMENT_KEY\", \"SESSION_KEY\"]\n";
/// What opens the vault file; no keychain is on the bus of a tour.
const PASSPHRASE: (&str, &str) = ("NONEVENT_VAULT_PASSPHRASE", "made-up-passphrase");

/// The screens, each with the file name of its picture, in the order in which a release is looked at.
const SCREENS: [(&str, &str, &str); 11] = [
    ("projects", "#/projects", "//th//a[@title='shop']"),
    ("overview", "#/projects/shop/overview", "//article//h2//a[.='production']"),
    ("runs", "#/projects/shop/runs", "//main//h1"),
    ("run", "#/projects/shop/runs/RUN", "//main//*[@role='status']"),
    ("release", "#/projects/shop/releases/RELEASE", "//main//h2"),
    ("environment", "#/projects/shop/environments/local", "//main//h2"),
    ("health", "#/projects/shop/health/local", "//*[contains(@class, 'u-wrap')]/canvas"),
    ("logs", "#/projects/shop/logs/local", "//main//h1"),
    ("secrets", "#/projects/shop/secrets", "//main//h1"),
    ("credentials", "#/credentials", "//main//h1"),
    ("settings", "#/settings", "//label[normalize-space(.)='Dark']"),
];

#[tokio::test]
#[ignore = "takes minutes, and shows what other tests prove: `scripts/screenshots` runs it"]
async fn tour() {
    let world = World::with(&[PASSPHRASE]).await;
    let [shop, slugs, notes] = [("fastapi-postgres", "shop"), ("flask-requirements", "slugs"), ("django-static", "notes")]
        .map(|(example, name)| (ProjectName::new(name), world.example(example, name)))
        .map(|(name, folder)| {
            world.remember(&name, &folder);
            folder
        });
    let settings = std::fs::read_to_string(shop.join("nonevent.toml")).unwrap();
    std::fs::write(
        shop.join("nonevent.toml"),
        settings.replace("\ninterval = \"10s\"\n", WATCHED).replace("\n[environments.local]\n", SECRETS),
    )
    .unwrap();
    shipped(&world, &shop, &["secret", "vault", "file"]).await;
    for (name, value) in [("PAYMENT_KEY", "made-up-key-of-payments"), ("SESSION_KEY", "made-up-key-of-sessions")] {
        let mut typed = nonevent(&world, &shop, &["secret", "set", name, "-e", "local"]).stdin(Stdio::piped()).spawn().unwrap();
        typed.stdin.take().unwrap().write_all(value.as_bytes()).await.unwrap();
        assert!(typed.wait().await.unwrap().success());
    }
    for folder in [&shop, &slugs, &notes] {
        commit(folder, "as it was");
        shipped(&world, folder, &["ship", "local"]).await;
    }
    change(&shop, "welcome to the shop", "welcome to our shop");
    commit(&shop, "shop: say whose it is");
    shipped(&world, &shop, &["ship", "local", "-m", "say whose it is"]).await;
    shipped(&world, &shop, &["ship", "staging"]).await;
    shipped(&world, &shop, &["ship", "production"]).await;

    let page = world.window().await;
    page.find("//th//a[@title='shop']").await;
    let status = answer(&world, &shop, &["status", "--json"]).await;
    let local = status["environments"].as_array().unwrap().iter().find(|one| one["environment"] == "local").unwrap().clone();
    let url = local["url"].as_str().unwrap().to_owned();
    page.show("#/projects/shop/health/local").await;
    page.find_late("//*[@role='status' and normalize-space(.)='Healthy']").await;
    for _ in 0..40 {
        ask(&url, "/items");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let database = world.containers("service", "shop");
    docker("stop", &database);
    page.find_late("//*[@role='status' and normalize-space(.)='Down']").await;
    ask(&url, "/items");
    docker("start", &database);
    page.find_late("//*[@role='status' and normalize-space(.)='Healthy']").await;
    for _ in 0..40 {
        ask(&url, "/");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let runs = answer(&world, &shop, &["history", "local", "--json"]).await;
    let run = runs["rollouts"][0]["run"].as_str().unwrap().to_owned();
    let release = local["serving"].as_str().unwrap();
    for theme in ["light", "dark"] {
        page.show("#/settings").await;
        let label = if theme == "light" { "Light" } else { "Dark" };
        page.find(&format!("//label[normalize-space(.)='{label}']")).await.click().await.unwrap();
        page.find(&format!("//html[@data-theme='{theme}']")).await;
        for (name, address, there) in SCREENS {
            page.show(&address.replace("RUN", &run).replace("RELEASE", release)).await;
            page.find(there).await;
            if name == "health" {
                page.find("//label[@title='the last hour']").await.click().await.unwrap();
            }
            // What is drawn by and by: curves, states that are observed.
            tokio::time::sleep(Duration::from_secs(2)).await;
            page.picture(&format!("tour-{name}-{theme}")).await;
        }
    }
    page.close().await;
}

fn nonevent(world: &World, folder: &Path, arguments: &[&str]) -> tokio::process::Command {
    let mut command = world.nonevent(folder, arguments);
    command.env(PASSPHRASE.0, PASSPHRASE.1);
    command
}

async fn shipped(world: &World, folder: &Path, arguments: &[&str]) {
    let ended = nonevent(world, folder, arguments).output().await.unwrap();
    assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// What a command answers as data.
async fn answer(world: &World, folder: &Path, arguments: &[&str]) -> Value {
    let ended = nonevent(world, folder, arguments).output().await.unwrap();
    let told = String::from_utf8(ended.stdout).unwrap();
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    last["data"].clone()
}

fn commit(folder: &Path, message: &str) {
    for arguments in [["init", "--quiet"].as_slice(), &["add", "--all"], &["commit", "--quiet", "--message", message]] {
        let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost"];
        let done = Command::new("git").current_dir(folder).args(identity).args(arguments).status().unwrap();
        assert!(done.success(), "git {arguments:?}");
    }
}

fn change(folder: &Path, old: &str, new: &str) {
    let file = folder.join("src/shop/main.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace(old, new)).unwrap();
}

fn docker(verb: &str, containers: &[String]) {
    assert!(!containers.is_empty(), "nothing to {verb}");
    let done = Command::new("docker").arg(verb).args(containers).stdout(Stdio::null()).status().unwrap();
    assert!(done.success(), "docker {verb}");
}

/// Asks for a path as a visitor does; what is answered does not matter.
fn ask(url: &str, path: &str) {
    let url = url::Url::parse(url).unwrap();
    let (host, port) = (url.host_str().unwrap(), url.port_or_known_default().unwrap());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
}
