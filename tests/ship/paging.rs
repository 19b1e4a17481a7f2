//! An app that falls ill is told of once, and once when it is well again, by a real notification daemon.

use std::time::{Duration, Instant};

use serde_json::Value;

use std::net::TcpListener;

use crate::health::{Health, frail, instances, make, measured};
use crate::logs::Hook;
use crate::notify::Desktop;
use crate::watching::Watch;
use crate::world::{World, eventually};

const INTERVAL: Duration = Duration::from_millis(500);
const FALL: u32 = 2;
const LIMIT: Duration = Duration::from_secs(90);

const CONFIGURATION: &str = r#"
[app]
volumes = { data = { path = "/app/data", shared = false } }

[health]
path = "/healthz"
watch_interval = "500ms"
timeout = "5s"
fall = "2 of 3"

[logs]
new_exceptions = false

[environments.local]
bake = "1s"
"#;

/// Waits until so many more measurements are kept, and returns how many of them failed.
fn more(world: &World, count: u64) -> u64 {
    let (before, failed) = measured(world, "app");
    eventually("more measurements", LIMIT, || {
        let (now, failed_now) = measured(world, "app");
        (now >= before + count).then_some(failed_now - failed)
    })
}

fn reported(world: &World) -> Value {
    world.json(&["health", "--since", "1h"])["health"].clone()
}

#[test]
fn docker_an_app_that_falls_ill_is_told_of_once_and_once_when_it_is_well() {
    let desktop = Desktop::start();
    let world = frail(CONFIGURATION);
    world.run(&["ship"]).ok();
    let (release, ids) = (world.serving("local"), instances(&world));
    let mut watch = Watch::of(desktop.with(world.command(&["watch", "--json"])));
    watch.healthy("app");
    assert_eq!(desktop.count(), 0, "{:?}", desktop.shown());

    let began = Instant::now();
    make(Health::Ill, &ids);
    eventually("a notification", LIMIT, || (desktop.count() > 0).then_some(()));
    let (took, promised) = (began.elapsed(), INTERVAL * FALL + Duration::from_secs(2));
    println!(
        "told {:.2} s after the check began to fail; interval × {FALL} + 2 s is {:.2} s",
        took.as_secs_f64(),
        promised.as_secs_f64()
    );
    let incident = watch.until("incident_changed", |told| told["closed_at"].is_null());
    assert_eq!((&incident["release"], &incident["probe"]), (&release.as_str().into(), &"app".into()), "{incident}");
    assert!(incident["diagnosis"].to_string().contains("the well ran dry"), "{incident}");
    assert_eq!(more(&world, 10), 10, "it is not ill");
    let shown = desktop.shown();
    assert_eq!(shown.len(), 1, "one incident is told once: {shown:?}");
    assert!(shown[0].title.ends_with("(local) is down"), "{shown:?}");
    for word in ["the well ran dry", "probe app", release.as_str()] {
        assert!(shown[0].text.contains(word), "`{word}` is not in {shown:?}");
    }

    let began = Instant::now();
    make(Health::Well, &ids);
    eventually("that its end is told", LIMIT, || (desktop.count() > 1).then_some(()));
    println!("its end told after {:.2} s", began.elapsed().as_secs_f64());
    let over = watch.until("incident_changed", |told| told["closed_at"].is_string());
    assert_eq!(over["id"], incident["id"]);
    assert_eq!(more(&world, 10), 0, "it is not well");
    let shown = desktop.shown();
    assert!(shown.len() == 2 && shown[1].title.ends_with("(local) is healthy again"), "{shown:?}");

    // It falls again and again: people are told of the first falls, then that it goes on, and of the end once.
    const FALLS: usize = 8;
    for _ in 0..FALLS {
        make(Health::Ill, &ids);
        more(&world, 4);
        make(Health::Well, &ids);
        more(&world, 4);
    }
    eventually("that it is calm", Duration::from_secs(180), || (reported(&world)["state"] == "healthy").then_some(()));
    let shown = desktop.shown();
    println!(
        "{} notifications of {} falls: {:?}",
        shown.len(),
        FALLS + 1,
        shown.iter().map(|one| &one.title).collect::<Vec<_>>()
    );
    assert!(shown.len() < 2 * FALLS, "flapping is not damped: {shown:?}");
    assert!(shown.last().is_some_and(|last| last.title.ends_with("is healthy again")), "{shown:?}");
    let ends = shown.iter().filter(|one| one.title.ends_with("is healthy again")).count();
    assert_eq!(ends, reported(&world)["incidents"].as_array().unwrap().len(), "each incident ends once: {shown:?}");
}

#[test]
fn docker_a_rollout_that_takes_the_app_away_is_told_of_and_is_no_incident() {
    let desktop = Desktop::start();
    let world = frail(CONFIGURATION);
    world.run(&["ship"]).ok();
    let mut watch = Watch::of(desktop.with(world.command(&["watch", "--json"])));
    watch.healthy("app");

    // Its volume is for one at a time: the old one stops first, and nothing answers for longer than it takes to fall.
    let before = instances(&world);
    world.edit("slugs/app.py", "app = Flask(__name__)", "import time\n\ntime.sleep(6)\napp = Flask(__name__)");
    let (_, failed) = measured(&world, "app");
    world.run(&["ship", "--allow-untested", "--yes"]).ok();
    assert_ne!(instances(&world), before);
    assert!(measured(&world, "app").1 >= failed + u64::from(FALL), "nothing was down meanwhile, and nothing is shown by this");
    eventually("that the rollout is told of", LIMIT, || (desktop.count() > 0).then_some(()));
    assert_eq!(more(&world, 10), 0);
    let shown = desktop.shown();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].title.contains("ship finished"), "{shown:?}");
    assert_eq!(reported(&world)["incidents"].as_array().unwrap().len(), 0, "{}", reported(&world));
}

#[test]
fn docker_how_a_rollout_ends_is_told_once_whether_somebody_watches_or_not() {
    let desktop = Desktop::start();
    // Nobody listens there at first.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let second = "[environments.second]\nenv = { DRY = \"yes\" }";
    let configuration = CONFIGURATION.replace("[health]", "[health]\ndeadline = \"10s\"");
    let world = frail(&format!("{configuration}\n{second}\n\n[notify.webhook.team]\nurl = \"http://{address}/\"\n"));
    let dry = "import os\n\nif os.environ.get(\"DRY\"):\n    raise SystemExit(\"the well ran dry\")\napp = Flask(__name__)";
    world.edit("slugs/app.py", "app = Flask(__name__)", dry);
    let ship = |message: &str| {
        world.edit("slugs/app.py", "app = Flask(__name__)", &format!("# {message}\napp = Flask(__name__)"));
        world.run(&["ship", "--allow-untested", "--yes"])
    };

    let unheard = ship("nobody hears of this at once").ok();
    assert!(unheard.stderr.contains("a webhook did not take within 10 s"), "{}", unheard.stderr);
    let hook = Hook::at(&address);
    ship("the webhook hears of this").ok();
    assert_eq!(hook.count("ship finished"), 1, "{}", hook.posted());

    // Whoever watches next tells what is still owed, and nothing that was told.
    let mut watch = Watch::of(desktop.with(world.command(&["watch", "--json"])));
    watch.healthy("app");
    eventually("that the first one is told as well", LIMIT, || (hook.count("ship finished") == 2).then_some(()));
    assert_eq!(desktop.count(), 0, "{:?}", desktop.shown());

    ship("who watches hears of this").ok();
    eventually("that the desktop tells it", LIMIT, || (desktop.count() == 1).then_some(()));
    eventually("that the webhook hears of it", LIMIT, || (hook.count("ship finished") == 3).then_some(()));

    // Where nothing serves nothing is watched, and its first failure is told all the same.
    world.run(&["ship", "second", "--dirty", "--allow-untested", "--yes"]).refused("the well ran dry");
    eventually("that the desktop tells it", LIMIT, || (desktop.count() == 2).then_some(()));
    let shown = desktop.shown();
    assert!(shown[1].title.contains("(second): ship failed") && shown[1].text.starts_with("release "), "{shown:?}");
    eventually("that the webhook hears of it", LIMIT, || (hook.count("(second): ship failed") == 1).then_some(()));
}
