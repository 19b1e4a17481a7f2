//! What is measured is kept once, whatever happens to whoever keeps it; and people are told also while nothing can be kept.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::health::{Health, docker, frail, instances, make, measured};
use crate::notify::Desktop;
use crate::watching::Watch;
use crate::world::{World, eventually};

const LIMIT: Duration = Duration::from_secs(90);
const LIVES: u64 = 12;

const CONFIGURATION: &str = r#"
[health]
path = "/healthz"
watch_interval = "200ms"
timeout = "5s"
fall = "2 of 3"

[logs]
new_exceptions = false
"#;

/// The timelines are whole, and every roll-up holds each sample once.
fn check(home: &Path) {
    for file in ["health.db", "state.db"] {
        let connection = Connection::open(home.join(file)).unwrap();
        let whole: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok", "{file}");
    }
    let connection = Connection::open(home.join("health.db")).unwrap();
    let wrong: Vec<(i64, i64, i64, i64)> = connection
        .prepare(
            "SELECT rollups.series, rollups.at, rollups.count + rollups.unseen, count(raw.at) FROM rollups
             LEFT JOIN raw ON raw.series = rollups.series AND raw.at >= rollups.at AND raw.at < rollups.at + rollups.step
             GROUP BY rollups.step, rollups.series, rollups.at HAVING rollups.count + rollups.unseen != count(raw.at)",
        )
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(wrong.is_empty(), "roll-ups that do not hold their samples once: {wrong:?}");
}

#[test]
fn docker_a_watcher_that_is_killed_again_and_again_keeps_each_measurement_once() {
    let world = frail(&format!("{CONFIGURATION}\n[notify]\ndesktop = false\n"));
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    Watch::start(&world).healthy("app");
    make(Health::Ill, &ids);
    let mut ids_of_incidents = Vec::new();
    for life in 0..LIVES {
        let before = measured(&world, "app").0;
        let mut watch = Watch::start(&world);
        if life == 0 {
            ids_of_incidents.push(watch.until("incident_changed", |_| true)["id"].clone());
        }
        // At another moment each time.
        eventually("more measurements", LIMIT, || (measured(&world, "app").0 > before + life % 4).then_some(()));
        watch.child.kill().unwrap();
        watch.child.wait().unwrap();
        check(&world.home());
        let after = measured(&world, "app").0;
        assert!(after > before, "what was kept is gone");
    }
    make(Health::Well, &ids);
    let mut watch = Watch::start(&world);
    let over = watch.until("incident_changed", |told| told["closed_at"].is_string());
    assert_eq!(ids_of_incidents, [over["id"].clone()]);
    let report = world.json(&["health", "--since", "1h"])["health"].clone();
    assert_eq!(report["incidents"].as_array().unwrap().len(), 1, "{report}");
}

/// A small disk of its own, as large as a few files.
struct Disk {
    folder: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Disk {
    fn mounted(folder: PathBuf) -> Self {
        let disk = Self { folder, file: tempfile::NamedTempFile::new().unwrap() };
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
            assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        disk.file.as_file().set_len(64_000_000).unwrap();
        let file = disk.file.path().to_str().unwrap();
        run("mkfs.ext4", &["-q", "-m", "0", file]);
        std::fs::create_dir_all(&disk.folder).unwrap();
        run("mount", &["-o", "loop", file, disk.folder.to_str().unwrap()]);
        disk
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Fills it to the last block, again where a little was freed meanwhile.
    fn fill(&self) {
        let filler = self.filler();
        // It fails when the disk is full, and that is what is wanted.
        let _ = Command::new("sh").args(["-c", "cat /dev/zero >>\"$0\""]).arg(filler).output().unwrap();
    }

    fn clear(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

fn say(id: &str, text: &str) {
    docker(&["exec", id, "sh", "-c", &format!("echo {text} >/proc/1/fd/1")]);
}

fn found(world: &World, text: &str) -> usize {
    let ended = world.run(&["logs", "--search", text, "--json"]).ok();
    ended.stdout.lines().filter(|line| serde_json::from_str::<Value>(line).unwrap()["type"] == "record").count()
}

#[test]
fn docker_a_full_disk_keeps_nobody_from_being_told_and_what_comes_after_is_kept() {
    let desktop = Desktop::start();
    let world = frail(CONFIGURATION);
    let disk = Disk::mounted(world.home());
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let mut watch = Watch::of(desktop.with(world.command(&["watch", "--json"])));
    watch.healthy("app");
    say(&ids[0], "before-it-was-full");
    eventually("that logs are kept", LIMIT, || (found(&world, "before-it-was-full") == 1).then_some(()));

    disk.fill();
    let trouble = eventually("that it says so", LIMIT, || {
        disk.fill();
        watch.heard("watch_trouble").into_iter().find(|told| told.to_string().contains("what is measured is not kept"))
    });
    assert!(trouble["message"].as_str().unwrap().contains("full") && trouble.to_string().contains("free some"), "{trouble}");
    say(&ids[0], "while-it-was-full");
    make(Health::Ill, &ids);
    let told = |end: &'static str| desktop.shown().into_iter().filter(|notice| notice.title.ends_with(end)).count();
    eventually("a notification", LIMIT, || (told("is down") == 1).then_some(()));
    make(Health::Well, &ids);
    eventually("that its end is told", LIMIT, || (told("is healthy again") == 1).then_some(()));
    let troubles = watch.heard("watch_trouble");
    let said = troubles.iter().filter(|told| told.to_string().contains("what is measured is not kept")).count();
    assert_eq!(said, 1, "it is said again and again: {troubles:?}");
    assert_eq!(told("is down"), 1, "{:?}", desktop.shown());

    disk.clear();
    eventually("that it goes on", LIMIT, || {
        watch.heard("watch_trouble_over").iter().any(|told| told.to_string().contains("is not kept")).then_some(())
    });
    let before = measured(&world, "app").0;
    eventually("more measurements", LIMIT, || (measured(&world, "app").0 > before + 5).then_some(()));
    let report = world.json(&["health", "--since", "1h"])["health"].clone();
    let incidents = report["incidents"].as_array().unwrap();
    assert!(incidents.len() == 1 && incidents[0]["closed_at"].is_string(), "the incident was forgotten: {incidents:?}");
    assert!(report["gaps"].to_string().contains("could not be kept"), "{report}");
    eventually("that logs are caught up with", LIMIT, || (found(&world, "while-it-was-full") == 1).then_some(()));
    assert_eq!(found(&world, "before-it-was-full"), 1);
    check(&world.home());
}
