//! `uv.lock`: what is refused, and what is neither a package nor a wheel.

use nonevent_engine::project::lock::{Choice, LockError, MainDependencies, Wanted};

use super::world::{World, python};
use super::{found, sha};

/// A project whose lock holds one package more, which it depends on.
fn with(package: &str, manifest: &str) -> World {
    let lock = format!(
        r#"version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "1"
source = {{ editable = "." }}
dependencies = [{{ name = "x" }}]

[package.metadata]
requires-dist = [{{ name = "x" }}]

{package}"#
    );
    let app = "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"x\"]\n[build-system]\nrequires = []\n";
    World::new(&[("pyproject.toml", &format!("{app}{manifest}")), ("uv.lock", &lock)])
}

#[test]
fn a_repository_is_refused() {
    let package = "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { git = \"https://git.example/x?tag=v1#0123456789\" }\n";
    let world = with(package, "[tool.uv.sources]\nx = { git = \"https://git.example/x\", tag = \"v1\" }\n");
    world.replace(
        "uv.lock",
        "requires-dist = [{ name = \"x\" }]",
        "requires-dist = [{ name = \"x\", git = \"https://git.example/x?tag=v1\" }]",
    );
    let url = "https://git.example/x?tag=v1#0123456789";
    assert_eq!(
        found(&world.lock()),
        [format!(
            "Unsafe: uv.lock takes x from a git repository ({url}), whose files have no sha256 / \
             depend on a release of x, or on the URL of a wheel of it, and lock again"
        )]
    );
    let error = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap_err();
    assert_eq!(error, LockError::Git { name: "x".into(), url: url.into() });
}

#[test]
fn a_file_without_a_hash_is_refused() {
    let package = "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { registry = \"wheels\" }\nwheels = [{ path = \"x-1-py3-none-any.whl\" }]\n";
    let world = with(package, "");
    assert_eq!(
        found(&world.lock()),
        ["Unhashed: uv.lock pins x 1 without a sha256 / take it from an index that publishes hashes, and lock again"]
    );
    let error = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), "x 1 is locked without a sha256");
}

#[test]
fn files_of_this_machine_have_a_place_too() {
    let hash = sha(1);
    let registry = format!(
        "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = {{ registry = \"wheels\" }}\nwheels = [{{ path = \"x-1-py3-none-any.whl\", hash = \"sha256:{hash}\" }}]\n"
    );
    let path = format!(
        "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = {{ path = \"../x-1-py3-none-any.whl\" }}\nwheels = [{{ filename = \"x-1-py3-none-any.whl\", hash = \"sha256:{hash}\" }}]\n"
    );
    let url = format!(
        "[[package]]\nname = \"x\"\nversion = \"1+local\"\nsource = {{ url = \"https://files.example/x-1%2Blocal-py3-none-any.whl\" }}\nwheels = [{{ url = \"https://files.example/x-1%2Blocal-py3-none-any.whl\", hash = \"sha256:{hash}\" }}]\n"
    );
    for (package, filename, end) in [
        (registry, "x-1-py3-none-any.whl", "/wheels/x-1-py3-none-any.whl"),
        (path, "x-1-py3-none-any.whl", "/x-1-py3-none-any.whl"),
        (url, "x-1+local-py3-none-any.whl", "https://files.example/x-1%2Blocal-py3-none-any.whl"),
    ] {
        let selection = with(&package, "").lock().select(&python("3.13.5"), &Wanted::default()).unwrap();
        let Choice::Wheel(file) = &selection.packages[0].choice else { panic!("{selection:?}") };
        assert_eq!((file.filename.as_str(), file.sha256.as_str()), (filename, hash.as_str()));
        assert!(file.url.as_ref().unwrap().as_str().ends_with(end), "{file:?}");
    }
}

#[test]
fn what_is_asked_for_must_be_there() {
    let hash = sha(1);
    let package = format!(
        "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = {{ registry = \"https://index.example/\" }}\nwheels = [{{ url = \"https://files.example/x-1-py3-none-any.whl\", hash = \"sha256:{hash}\" }}]\n"
    );
    let world = with(&package, "");
    let target = python("3.13.5");
    let select = |wanted: &Wanted| world.lock().select(&target, wanted).unwrap_err();
    let error = select(&Wanted { extras: vec!["Fast".into()], ..Wanted::default() });
    assert_eq!(
        (error.to_string(), error.hints()),
        ("the project has no extra `fast`".into(), vec!["the project has none".into()])
    );
    let error = select(&Wanted { groups: vec!["dev".into()], ..Wanted::default() });
    assert_eq!(error.to_string(), "uv.lock has no dependency group `dev`");
    let error = world.lock().select(&python("3.10.14"), &Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), "the lock says Python >=3.11, the base runs 3.10.14");
    let none = Wanted { project: MainDependencies::Exclude, ..Wanted::default() };
    assert_eq!(world.lock().select(&target, &none).unwrap().packages, []);

    world.replace(
        "uv.lock",
        "requires-python = \">=3.11\"",
        "requires-python = \">=3.11\"\nsupported-markers = [\"sys_platform == 'win32'\"]",
    );
    let error = select(&Wanted::default());
    assert_eq!(error.to_string(), "the lock is only for sys_platform == 'win32', which the base is not");
    let world = with("", "");
    let error = world.lock().select(&target, &Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), "uv.lock names `x`, but does not hold it");
    world.replace("uv.lock", "editable = \".\"", "editable = \"elsewhere\"");
    let error = world.lock().select(&target, &Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("uv.lock does not hold the project in {}", world.root().display()));
}

#[test]
fn a_marker_that_cannot_be_read_loses_no_package() {
    let world = with("[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { registry = \"https://index.example/\" }\n", "");
    world.replace(
        "uv.lock",
        "dependencies = [{ name = \"x\" }]",
        "dependencies = [{ name = \"x\", marker = \"moon == 'full'\" }]",
    );
    let error = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap_err();
    assert!(error.to_string().starts_with("uv.lock cannot be used: `moon == 'full'` is no marker"), "{error}");
}

#[test]
fn a_lock_that_recorded_nothing_is_only_looked_through() {
    let hash = sha(1);
    let package = format!(
        "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = {{ registry = \"https://index.example/\" }}\nwheels = [{{ url = \"https://files.example/x-1-py3-none-any.whl\", hash = \"sha256:{hash}\" }}]\n"
    );
    let world = with(&package, "");
    assert!(world.lock().check().proven, "{:?}", world.lock().check());
    world.replace("uv.lock", "[package.metadata]\nrequires-dist = [{ name = \"x\" }]\n", "");
    world.replace("uv.lock", "revision = 3", "revision = 4");
    let report = world.lock().check();
    assert_eq!((report.findings.len(), report.proven), (0, false));
    assert_eq!(world.lock().doubts(), ["uv.lock does not record what it was made for"]);
    world.replace("pyproject.toml", "[\"x\"]", "[\"x\", \"y\"]");
    assert_eq!(
        found(&world.lock()),
        ["Stale: uv.lock is stale: pyproject.toml requires \"y\", the lock was made without it / run `uv lock`"]
    );
}
