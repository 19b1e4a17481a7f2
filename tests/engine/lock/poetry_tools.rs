//! Our reading of `poetry.lock` held against several Poetrys: what they would install, and whether they find it up to date.

use std::collections::BTreeSet;
use std::process::Output;

use nonevent_engine::model::LockSituation;
use nonevent_engine::project::lock::{Choice, LockError, MainDependencies, NoWheel, Wanted, mend, with_urls};

use super::uv_tools::from_the_index;
use super::world::{World, evaluated_by_uv, python, run, run_ok};

/// Hashes without dependency groups.
const OLDER: &str = "poetry==2.2.1";
/// Hashes with them.
const NEWER: &str = "poetry==2.4.3";

fn modern() -> World {
    let (index, _) = from_the_index("idna==3.10");
    let manifest = format!(
        r#"[project]
name = "modern"
version = "0.1.0"
requires-python = ">=3.11,<4"
dependencies = ["anyio>=4", "colorama; sys_platform == 'win32'", "idna (>=3.4) ; python_version >= '3.9'", "httptools"]

[project.optional-dependencies]
speed = ["docopt", "h11; python_version < '3.13'"]

[dependency-groups]
dev = ["iniconfig", {{ include-group = "lint" }}]
lint = ["pathspec>=0.12"]

[tool.poetry]
package-mode = false
[tool.poetry.group.docs.dependencies]
click = "^8"
[tool.poetry.group.opt]
optional = true
[tool.poetry.group.opt.dependencies]
packaging = "*"
local = {{ path = "local", develop = true }}
[[tool.poetry.source]]
name = "here"
url = "{index}"
priority = "primary"
"#
    );
    let local = "[project]\nname = \"local\"\nversion = \"1\"\n[build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n";
    World::new(&[("pyproject.toml", &manifest), ("local/pyproject.toml", local), ("local/local.py", "")])
}

fn legacy() -> World {
    let (index, _) = from_the_index("idna==3.10");
    let manifest = format!(
        r#"[tool.poetry]
name = "legacy"
version = "0.1.0"
description = "naïve"
authors = []
package-mode = false
[tool.poetry.dependencies]
python = "^3.11"
idna = {{ version = "^3.4", python = "<3.13" }}
h11 = {{ version = "*", optional = true }}
[tool.poetry.extras]
fast = ["h11"]
[tool.poetry.group.dev.dependencies]
iniconfig = "*"
[[tool.poetry.source]]
name = "here"
url = "{index}"
"#
    );
    World::new(&[("pyproject.toml", &manifest)])
}

fn poetry(world: &World, version: &str, words: &[&str]) -> Output {
    let start = ["tool", "run", "--quiet", "--with", "poetry-plugin-export", "--from", version, "poetry", "--no-interaction"];
    let words: Vec<&str> = start.iter().chain(words).copied().collect();
    run(&world.root(), "uv", &words)
}

fn poetry_ok(world: &World, version: &str, words: &[&str]) -> String {
    let output = poetry(world, version, words);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{version} {words:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn agrees(world: &World, version: &str, extras: &[&str], groups: &[&str], project: MainDependencies) {
    let mut words = vec!["export", "--without-hashes"];
    extras.iter().for_each(|extra| words.extend(["--extras", extra]));
    let main = if project == MainDependencies::Include { "main" } else { "" };
    let only: Vec<&str> = [main].into_iter().filter(|main| !main.is_empty()).chain(groups.iter().copied()).collect();
    let only = only.join(",");
    words.extend(["--only", &only]);
    let exported = poetry_ok(world, version, &words);
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let wanted = Wanted { extras: texts(extras), groups: texts(groups), project };
    for version in ["3.11.9", "3.13.5"] {
        let lines: String = exported.lines().filter(|line| !line.contains("/local ")).map(|line| format!("{line}\n")).collect();
        let selection = world.lock().select(&python(version), &wanted).unwrap();
        let chosen: BTreeSet<String> =
            selection.packages.iter().map(|package| format!("{}=={}", package.name, package.version)).collect();
        assert_eq!(chosen, evaluated_by_uv(&world.root(), &lines, version), "{wanted:?} on {version}:\n{exported}");
        assert_eq!(!selection.local.is_empty(), exported.contains("/local "), "{exported}");
    }
}

#[test]
fn groups_extras_and_markers_are_chosen_as_poetry_chooses_them() {
    use MainDependencies::{Exclude, Include};
    let world = modern();
    poetry_ok(&world, NEWER, &["lock"]);
    agrees(&world, NEWER, &[], &[], Include);
    agrees(&world, NEWER, &["speed"], &["dev"], Include);
    agrees(&world, NEWER, &[], &["dev", "docs"], Exclude);
    agrees(&world, NEWER, &[], &["opt"], Include);
    let lock = world.lock();
    assert_eq!(lock.extras(), ["speed"]);
    assert_eq!(lock.groups().unwrap(), ["dev", "docs", "lint", "opt"]);
    assert_eq!(lock.default_groups().unwrap(), ["dev", "docs", "lint"]);
    assert!(lock.check().proven, "{:?}", lock.check());

    let world = legacy();
    poetry_ok(&world, OLDER, &["lock"]);
    agrees(&world, OLDER, &["fast"], &["dev"], Include);
    let old = nonevent_engine::project::lock::PythonTarget::cpython(
        "3.10.14",
        nonevent_engine::project::lock::Machine::X86_64,
        nonevent_engine::project::lock::Libc::Glibc { major: 2, minor: 36 },
    );
    let error = world.lock().select(&old.unwrap(), &Wanted::default()).unwrap_err();
    assert_eq!(error, LockError::Python { wants: "^3.11".into(), has: "3.10.14".into() });
}

/// Makes each change in a folder of its own and compares our verdicts with Poetry's, asked once for all.
fn judges_as_poetry(world: &World, version: &str, changes: &[(&str, &str)]) {
    poetry_ok(world, version, &["lock"]);
    let (manifest, lock) = (world.read("pyproject.toml"), world.read("poetry.lock"));
    let same = ("", "# a comment\n\n");
    let changes: Vec<(&str, &str)> = [same].into_iter().chain(changes.iter().copied()).collect();
    let folders: Vec<String> = (0..changes.len()).map(|at| format!("changed-{at}")).collect();
    for (folder, (from, to)) in folders.iter().zip(&changes) {
        assert!(manifest.contains(from), "no {from:?} in:\n{manifest}");
        world.write(&format!("{folder}/pyproject.toml"), &manifest.replacen(from, to, 1));
        world.write(&format!("{folder}/poetry.lock"), &lock);
    }
    let script = "import sys\nfrom pathlib import Path\nfrom poetry.factory import Factory\nfor folder in sys.argv[1:]:\n    \
                  print(Factory().create_poetry(Path(folder)).locker.is_fresh())\n";
    let mut words = vec!["tool", "run", "--quiet", "--with", "poetry-plugin-export", "--from", version, "python", "-c", script];
    words.extend(folders.iter().map(String::as_str));
    let printed = run_ok(&world.root(), "uv", &words);
    let verdicts: Vec<bool> = printed.lines().map(|line| line == "True").collect();
    assert_eq!(verdicts.len(), changes.len(), "{printed}");
    assert!(verdicts[0] && verdicts.contains(&false), "{printed}");
    for ((folder, fresh), change) in folders.iter().zip(verdicts).zip(changes) {
        let report = world.lock_of(folder).check();
        assert_eq!(report.findings.is_empty(), fresh, "{version}, {change:?}: Poetry says fresh: {fresh}, we {report:#?}");
    }
}

#[test]
fn a_modern_project_is_judged_as_poetry_judges_it() {
    let world = modern();
    judges_as_poetry(
        &world,
        NEWER,
        &[
            ("\"anyio>=4\", ", ""),
            ("anyio>=4", "anyio>=4.0"),
            ("version = \"0.1.0\"", "version = \"0.2.0\""),
            (">=3.11,<4", ">=3.12,<4"),
            ("\"pathspec>=0.12\"", "\"pathspec>=0.12\", \"attrs\""),
            ("click = \"^8\"", "click = \">=8\""),
            ("optional = true", "optional = false"),
            ("priority = \"primary\"", "priority = \"supplemental\""),
            ("speed = [", "\"sp\\u00e9ed\" = ["),
        ],
    );
    judges_as_poetry(&world, OLDER, &[("\"anyio>=4\", ", ""), ("click = \"^8\"", "click = \">=8\"")]);
    // That Poetry does not hash dependency groups, so it cannot see this; we look.
    world.replace("pyproject.toml", "\"iniconfig\", ", "\"iniconfig\", \"attrs\", ");
    let report = world.lock().check();
    let messages: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        ["poetry.lock is stale: pyproject.toml requires \"attrs\" in group `dev`, the lock was made without it"]
    );
}

#[test]
fn a_legacy_project_is_judged_as_poetry_judges_it() {
    let changes =
        [("idna = { version = \"^3.4\"", "idna = { version = \"^3.5\""), ("naïve", "simple"), ("iniconfig = \"*\"\n", "")];
    let world = legacy();
    judges_as_poetry(&world, OLDER, &changes);
    judges_as_poetry(&world, NEWER, &changes);
}

#[tokio::test]
async fn urls_come_from_the_index_and_are_remembered() {
    let world = modern();
    poetry_ok(&world, NEWER, &["lock"]);
    let lock = world.lock();
    let cache = tempfile::tempdir().unwrap();
    let target = python("3.13.5");
    let selection = lock.select(&target, &Wanted::default()).unwrap();
    let wheels = with_urls(selection.packages.clone(), &lock, &target, cache.path()).await.unwrap();
    assert_eq!(wheels.len(), selection.packages.len());
    for (wheel, package) in wheels.iter().zip(&selection.packages) {
        let Choice::Wheel(file) = &package.choice else { panic!("{package:?}") };
        assert_eq!((&wheel.filename, &wheel.sha256, &wheel.name), (&file.filename, &file.sha256, &package.name));
        assert!(wheel.url.path().ends_with(".whl") && wheel.size.is_some(), "{wheel:?}");
    }

    // What is remembered is used: a second question is not asked.
    let remembered = std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&remembered).unwrap();
    std::fs::write(&remembered, text.replace(wheels[0].url.as_str(), "https://elsewhere.example/x.whl")).unwrap();
    let again = with_urls(selection.packages.clone(), &lock, &target, cache.path()).await.unwrap();
    assert_eq!(again[0].url.as_str(), "https://elsewhere.example/x.whl");

    // What must be built first is refused before anybody is asked.
    let wanted = Wanted { extras: vec!["speed".into()], ..Wanted::default() };
    let selection = lock.select(&target, &wanted).unwrap();
    let error = with_urls(selection.packages, &lock, &target, cache.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "docopt 0.6.2 has only a source distribution");
    assert!(matches!(&error, LockError::NoWheel { packages } if packages[0].reason == NoWheel::OnlySource));
    assert_eq!(error.hints(), ["choose a version with a wheel, or build the image by a Dockerfile (`build.dockerfile`)"]);
}

#[tokio::test]
async fn a_stale_lock_is_mended_by_poetry() {
    let world = legacy();
    let words = mend(&world.root(), None).await.unwrap();
    assert!(words[0].contains("poetry lock`"), "{words:?}");
    assert_eq!(world.lock().check().findings, []);
    world.replace("pyproject.toml", "iniconfig = \"*\"\n", "iniconfig = \"*\"\npathspec = \"*\"\n");
    let lock = world.lock();
    let report = lock.check();
    assert_eq!(report.findings[0].situation, LockSituation::Stale);
    assert_eq!(
        report.findings[0].message,
        "poetry.lock is stale: pyproject.toml requires \"pathspec\" in group `dev`, the lock was made without it"
    );
    mend(&world.root(), Some(&lock)).await.unwrap();
    assert_eq!(world.lock().check().findings, []);
}
