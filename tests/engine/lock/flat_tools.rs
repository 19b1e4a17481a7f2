//! Flat locks, `pylock.toml` and hashed requirements, as uv writes them; and the mending of each kind by uv.

use std::collections::BTreeSet;

use nonevent_engine::model::{LockKind, LockSituation};
use nonevent_engine::project::lock::{Choice, LockError, MainDependencies, Wanted, mend, missing, with_urls};

use super::world::{World, evaluated_by_uv, python, run_ok};

const MANIFEST: &str = r#"[project]
name = "flat"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["anyio>=4", "colorama; python_version < '3.13'", "docopt", "httptools"]
"#;

fn names(packages: &[nonevent_engine::project::lock::LockedPackage]) -> BTreeSet<String> {
    packages.iter().map(|package| format!("{}=={}", package.name, package.version)).collect()
}

#[test]
fn a_pylock_holds_what_uv_exported() {
    let world = World::new(&[("pyproject.toml", MANIFEST)]);
    let folder = world.root();
    run_ok(&folder, "uv", &["lock"]);
    let exported =
        run_ok(&folder, "uv", &["export", "--frozen", "--no-emit-project", "--no-hashes", "--no-header", "--no-annotate"]);
    run_ok(&folder, "uv", &["export", "--frozen", "--format", "pylock.toml", "-o", "pylock.toml"]);
    let targets = ["3.11.9", "3.13.5"].map(python);
    let before = targets.clone().map(|target| world.lock().select(&target, &Wanted::default()).unwrap());
    std::fs::remove_file(folder.join("uv.lock")).unwrap();
    let lock = world.lock();
    assert_eq!(lock.kind(), LockKind::Pylock);
    for ((target, version), before) in targets.iter().zip(["3.11.9", "3.13.5"]).zip(before) {
        let selection = lock.select(target, &Wanted::default()).unwrap();
        assert_eq!(names(&selection.packages), evaluated_by_uv(&folder, &exported, version));
        // The two locks of one resolution name the same files at the same places.
        assert_eq!(selection, before);
    }
    let report = lock.check();
    assert_eq!((report.findings, report.proven), (vec![], false));
    world.replace("pyproject.toml", "anyio>=4", "anyio<4");
    assert_eq!(lock.check().findings.len(), 1);
}

#[tokio::test]
async fn hashed_requirements_become_wheels() {
    let world = World::new(&[
        ("requirements.in", "anyio>=4\ncolorama; python_version < '3.13'\nhttptools\n"),
        ("requirements-dev.in", "-c requirements.txt\niniconfig\nidna\n"),
    ]);
    let folder = world.root();
    for name in ["requirements", "requirements-dev"] {
        let (source, lock) = (format!("{name}.in"), format!("{name}.txt"));
        run_ok(&folder, "uv", &["pip", "compile", &source, "--universal", "--generate-hashes", "-q", "-o", &lock]);
    }
    let lock = world.lock();
    assert_eq!((lock.kind(), lock.groups().unwrap()), (LockKind::Requirements, vec!["dev".to_owned()]));
    let report = lock.check();
    assert_eq!((report.findings, report.proven), (vec![], false));

    let cache = tempfile::tempdir().unwrap();
    let lines: String = world
        .read("requirements.txt")
        .lines()
        .filter_map(|line| Some(format!("{}\n", line.strip_suffix(" \\")?)))
        .filter(|line| !line.contains("--hash"))
        .collect();
    for version in ["3.11.9", "3.13.5"] {
        let target = python(version);
        let selection = lock.select(&target, &Wanted::default()).unwrap();
        assert_eq!(names(&selection.packages), evaluated_by_uv(&folder, &lines, version));
        let wheels = with_urls(selection.packages.clone(), &lock, &target, cache.path()).await.unwrap();
        for (wheel, package) in wheels.iter().zip(&selection.packages) {
            let Choice::Hashes(hashes) = &package.choice else { panic!("{package:?}") };
            assert!(hashes.contains(&wheel.sha256), "{wheel:?} is not in {hashes:?}");
        }
        let httptools = wheels.iter().find(|wheel| wheel.name == "httptools").unwrap();
        let tag = format!("-cp3{}-", target.minor());
        assert!(httptools.filename.contains(&tag) && httptools.filename.contains("manylinux"), "{}", httptools.filename);
    }
    let dev = Wanted { groups: vec!["dev".into()], project: MainDependencies::Exclude, ..Wanted::default() };
    let dev = lock.select(&python("3.13.5"), &dev).unwrap();
    let dev: Vec<&str> = dev.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(dev, ["idna", "iniconfig"]);

    // A hash that no file of the index has: the file that is there is not taken.
    let text = world.read("requirements.txt");
    let (before, after) = text.split_once("httptools==").unwrap();
    let forged = after.split("--hash=sha256:").collect::<Vec<_>>().join("--hash=sha256:00000000");
    // Each hash keeps its length: eight digits were put before it, eight go at its end.
    let forged: Vec<String> =
        forged.split("--hash=sha256:").map(|part| part.chars().take(64).chain(part.chars().skip(72)).collect()).collect();
    let version: String = after.chars().take_while(|c| *c != '\n').collect();
    let rest = forged.get(1..).unwrap().join("--hash=sha256:");
    world.write("requirements.txt", &format!("{before}httptools=={version}\n    --hash=sha256:{rest}"));
    let lock = world.lock();
    let target = python("3.13.5");
    let selection = lock.select(&target, &Wanted::default()).unwrap();
    let error = with_urls(selection.packages, &lock, &target, cache.path()).await.unwrap_err();
    assert!(matches!(&error, LockError::NoUrl { name, .. } if name == "httptools"), "{error}");
}

#[tokio::test]
async fn a_hashed_requirement_without_a_wheel_is_named() {
    // The version is written in another way than the index writes it, and nothing is built to find that out.
    let world = World::new(&[("requirements.in", "docopt==0.6.2.0\nidna==3.10\n")]);
    run_ok(&world.root(), "uv", &["pip", "compile", "requirements.in", "--generate-hashes", "-q", "-o", "requirements.txt"]);
    world.replace("requirements.txt", "docopt==0.6.2 ", "docopt==0.6.2.0 ");
    let (lock, target) = (world.lock(), python("3.13.5"));
    let selection = lock.select(&target, &Wanted::default()).unwrap();
    let error = with_urls(selection.packages, &lock, &target, &world.root().join("cache")).await.unwrap_err();
    assert_eq!(error.to_string(), "docopt 0.6.2.0 has only a source distribution");
}

#[tokio::test]
async fn a_missing_and_a_stale_uv_lock_are_mended() {
    let world = World::new(&[("pyproject.toml", MANIFEST)]);
    assert_eq!(missing(&world.root()).hint, "run `uv lock`");
    assert_eq!(mend(&world.root(), None).await.unwrap(), [format!("ran `uv lock` in {}", world.root().display())]);
    let report = world.lock().check();
    assert!(report.proven, "{report:?}");
    world.replace("pyproject.toml", "\"docopt\"", "\"docopt>=0.6\", \"idna\"");
    let lock = world.lock();
    let report = lock.check();
    let said: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "uv.lock is stale: pyproject.toml requires \"docopt>=0.6\", the lock was made for \"docopt\"",
            "uv.lock is stale: pyproject.toml requires \"idna\", the lock was made without it",
        ]
    );
    mend(&world.root(), Some(&lock)).await.unwrap();
    assert!(world.lock().check().proven);
    // A tool's own words reach the person.
    world.replace("pyproject.toml", "\"idna\"", "\"idna>=999\"");
    let error = mend(&world.root(), Some(&world.lock())).await.unwrap_err();
    assert!(
        matches!(&error, LockError::ToolFailed { command, reason } if command == "uv lock" && reason.contains("idna")),
        "{error}"
    );
}

#[tokio::test]
async fn loose_requirements_are_mended() {
    let world = World::new(&[("requirements.txt", "# what we need\nanyio>=4\nidna==3.10\n")]);
    let lock = world.lock();
    let situations: Vec<LockSituation> = lock.check().findings.iter().map(|finding| finding.situation).collect();
    assert_eq!(situations, [LockSituation::Unpinned, LockSituation::Unhashed]);
    let words = mend(&world.root(), Some(&lock)).await.unwrap();
    assert_eq!(words[0], "copied requirements.txt to requirements.in, which is the list to edit from now on");
    assert_eq!(world.read("requirements.in"), "# what we need\nanyio>=4\nidna==3.10\n");
    let lock = world.lock();
    assert_eq!(lock.check().findings, []);
    let chosen = lock.select(&python("3.13.5"), &Wanted::default()).unwrap();
    assert!(names(&chosen.packages).contains("idna==3.10"), "{chosen:?}");
    // The second time, the command that the file begins with is used.
    world.write("requirements.in", "anyio>=4\nidna==3.9\n");
    assert_eq!(world.lock().check().findings.len(), 1);
    let words = mend(&world.root(), Some(&world.lock())).await.unwrap();
    assert!(words[0].starts_with("ran `uv pip compile requirements.in --generate-hashes -o requirements.txt` in "), "{words:?}");
    assert_eq!(world.lock().check().findings, []);
}
