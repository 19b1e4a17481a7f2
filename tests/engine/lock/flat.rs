//! `pylock.toml` and `poetry.lock`: groups, markers and sources that no tool here writes.

use std::collections::BTreeSet;

use nonevent_engine::project::lock::{Choice, LockError, MainDependencies, Selection, Wanted};

use super::world::{World, python};
use super::{found, sha};

fn names(selection: &Selection) -> BTreeSet<&str> {
    selection.packages.iter().map(|package| package.name.as_str()).collect()
}

fn wheel(name: &str, marker: &str) -> String {
    let hash = sha(1);
    let marker = if marker.is_empty() { String::new() } else { format!("marker = \"{marker}\"\n") };
    format!(
        "[[packages]]\nname = \"{name}\"\nversion = \"1\"\n{marker}wheels = [{{ url = \"https://files.example/{name}-1-py3-none-any.whl\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
    )
}

fn pylock(packages: &str) -> World {
    let head = "lock-version = \"1.0\"\nrequires-python = \">=3.11\"\nextras = [\"web\"]\ndependency-groups = [\"dev\", \"app\"]\ndefault-groups = [\"app\"]\ncreated-by = \"hand\"\n";
    World::new(&[("pylock.toml", &format!("{head}{packages}"))])
}

#[test]
fn groups_and_extras_of_a_pylock_are_markers() {
    let packages = [
        wheel("always", ""),
        wheel("windows", "sys_platform == 'win32'"),
        wheel("app", "'app' in dependency_groups"),
        wheel("web", "'web' in extras and sys_platform == 'linux'"),
        wheel("dev", "'Dev' in dependency_groups or 'web' in extras"),
        wheel("not-dev", "'dev' not in dependency_groups"),
    ];
    let lock = pylock(&packages.concat()).lock();
    let select = |extras: &[&str], groups: &[&str], project| {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        lock.select(&python("3.13.5"), &Wanted { extras: texts(extras), groups: texts(groups), project })
    };
    use MainDependencies::{Exclude, Include};
    let check = |extras: &[&str], groups: &[&str], project, expected: &[&str]| {
        assert_eq!(names(&select(extras, groups, project).unwrap()), expected.iter().copied().collect());
    };
    check(&[], &[], Include, &["always", "app", "not-dev"]);
    check(&["web"], &[], Include, &["always", "app", "web", "dev", "not-dev"]);
    check(&[], &["dev"], Include, &["always", "app", "dev"]);
    check(&[], &["dev"], Exclude, &["dev"]);
    assert_eq!((lock.extras(), lock.groups().unwrap()), (vec!["web".into()], vec!["dev".into(), "app".into()]));
    assert_eq!(lock.default_groups().unwrap(), ["dev"]);
    let error = select(&[], &["docs"], Include).unwrap_err();
    assert_eq!(
        (error.to_string(), error.hints()),
        ("pylock.toml has no dependency group `docs`".into(), vec!["known: dev, app".into()])
    );
}

#[test]
fn a_pylock_names_folders_archives_and_repositories() {
    let hash = sha(7);
    let world = pylock(&format!(
        "[[packages]]\nname = \"self\"\ndirectory = {{ path = \".\", editable = true }}\n\
         [[packages]]\nname = \"lib\"\ndirectory = {{ path = \"../lib\" }}\n\
         [[packages]]\nname = \"archived\"\nversion = \"1\"\narchive = {{ path = \"archived-1.tar.gz\", hashes = {{ sha256 = \"{hash}\" }} }}\n"
    ));
    let selection = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap();
    let local: Vec<_> = selection.local.iter().map(|local| (local.name.as_str(), local.path.clone())).collect();
    assert_eq!(local, [("lib", world.root().parent().unwrap().join("lib"))]);
    let Choice::Sdist { file, .. } = &selection.packages[0].choice else { panic!("{selection:?}") };
    assert_eq!((file.url.as_ref().unwrap().scheme(), file.sha256.as_str()), ("file", hash.as_str()));

    let world =
        pylock("[[packages]]\nname = \"x\"\nvcs = { type = \"git\", url = \"https://git.example/x\", commit-id = \"0\" }\n");
    let error = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap_err();
    assert_eq!(error, LockError::Git { name: "x".into(), url: "https://git.example/x".into() });
    let world = pylock(
        "[[packages]]\nname = \"x\"\nversion = \"1\"\nwheels = [{ url = \"https://files.example/x-1-py3-none-any.whl\", hashes = { md5 = \"00\" } }]\n",
    );
    assert_eq!(
        found(&world.lock()),
        ["Unhashed: pylock.toml pins x 1 without a sha256 / take it from an index that publishes hashes, and lock again"]
    );
    let twice = wheel("x", "") + &wheel("x", "").replace("version = \"1\"", "version = \"2\"");
    let error = pylock(&twice).lock().select(&python("3.13.5"), &Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), "x is locked twice for this Python: 1 and 2");
}

#[test]
fn sources_of_a_poetry_lock() {
    let package = |name: &str, file: &str, source: &str| {
        let files =
            if file.is_empty() { "[]".to_owned() } else { format!("[{{file = \"{file}\", hash = \"sha256:{}\"}}]", sha(3)) };
        format!("[[package]]\nname = \"{name}\"\nversion = \"1\"\ngroups = [\"main\"]\nfiles = {files}\n{source}\n")
    };
    let source = |kind: &str, url: &str| format!("[package.source]\ntype = \"{kind}\"\nurl = \"{url}\"\n");
    let metadata = "[metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.11\"\ncontent-hash = \"x\"\n";
    let plain = package("plain", "plain-1-py3-none-any.whl", "");
    let packages = [
        plain.clone(),
        package("Mirrored", "mirrored-1-py3-none-any.whl", &source("legacy", "https://mirror.example/simple")),
        package("direct", "direct-1-py3-none-any.whl", &source("url", "https://files.example/direct-1-py3-none-any.whl")),
        package("vendored", "vendored-1-py3-none-any.whl", &source("file", "vend/vendored-1-py3-none-any.whl")),
        package("lib", "", &source("directory", "../lib")),
    ];
    let manifest = "[tool.poetry]\nname = \"app\"\n";
    let world = World::new(&[("pyproject.toml", manifest), ("poetry.lock", &(packages.concat() + metadata))]);
    let selection = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap();
    assert_eq!(selection.local[0].path, world.root().parent().unwrap().join("lib"));
    let places: Vec<(&str, Option<&str>, Option<&str>)> = selection
        .packages
        .iter()
        .map(|package| {
            let Choice::Wheel(file) = &package.choice else { panic!("{package:?}") };
            (package.name.as_str(), package.index.as_ref().map(url::Url::as_str), file.url.as_ref().map(url::Url::scheme))
        })
        .collect();
    assert_eq!(
        places,
        [
            ("direct", None, Some("https")),
            ("mirrored", Some("https://mirror.example/simple"), None),
            ("plain", None, None),
            ("vendored", None, Some("file")),
        ]
    );
    let git = package("x", "", &source("git", "https://git.example/x"));
    world.write("poetry.lock", &(plain + &git + metadata));
    let error = world.lock().select(&python("3.13.5"), &Wanted::default()).unwrap_err();
    assert_eq!(error, LockError::Git { name: "x".into(), url: "https://git.example/x".into() });
}
