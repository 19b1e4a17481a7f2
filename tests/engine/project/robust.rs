//! Trees that nobody would make on purpose, and texts that nobody would write.

use nonevent_engine::project::{Project, ProjectError};
use proptest::prelude::*;

use crate::tree::{Tree, lines};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

#[test]
fn a_folder_of_50000_files_is_opened() {
    let tree = Tree::with(&["uvicorn"]).file("zebra.py", APP);
    let data = tree.path().join("data");
    std::fs::create_dir(&data).unwrap();
    for number in 0..50_000 {
        std::fs::File::create(data.join(format!("{number}.txt"))).unwrap();
    }
    assert!(lines(&tree.project())[0].contains(" zebra:app "));
}

#[test]
fn of_very_many_modules_those_near_the_top_are_read() {
    let tree = Tree::with(&["uvicorn"]).file("zebra/__init__.py", "").file("zebra/main.py", APP);
    let deep = tree.path().join("generated/more");
    std::fs::create_dir_all(&deep).unwrap();
    for number in 0..3_100 {
        std::fs::write(deep.join(format!("m{number}.py")), "X = 1\n").unwrap();
    }
    let project = tree.project();
    assert!(lines(&project)[0].contains(" zebra.main:app "));
    assert!(project.warnings[0].message.contains("3102 Python modules"), "{:?}", project.warnings);
}

#[test]
fn text_that_is_not_utf_8_is_read_as_far_as_it_goes() {
    let tree = Tree::with(&["uvicorn"]).file("other.py", "");
    std::fs::write(tree.path().join("main.py"), [b"# caf\xe9 health\n".as_slice(), APP.as_bytes()].concat()).unwrap();
    assert!(lines(&tree.project())[0].contains(" main:app "));
    std::fs::write(tree.path().join("pyproject.toml"), b"[project]\nname = \"caf\xe9\"\n").unwrap();
    assert!(matches!(tree.error(), ProjectError::Unreadable { reason, .. } if reason == "it is not UTF-8 text"));
}

#[test]
fn names_on_which_the_parser_of_requirements_panics_are_refused() {
    for requirement in ["A-\u{e}", "a- >=1", "a[b-]"] {
        let tree =
            Tree::new().file("requirements.txt", &format!("{requirement}\n")).file("nonevent.toml", "[app]\ncommand = \"x\"\n");
        assert!(tree.project().manifest.dependencies.is_empty());
        let lock = nonevent_engine::project::lock::find(&tree.path()).unwrap().unwrap();
        assert!(!lock.check().findings.is_empty(), "{requirement}");
        let text =
            format!("[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"{}\"]\n", requirement.replace('\u{e}', ""));
        let tree = tree.file("pyproject.toml", &text);
        assert!(matches!(tree.error(), ProjectError::BadRequirement { .. }), "{requirement}");
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_that_are_not_utf_8_are_passed_over() {
        let tree = Tree::with(&["uvicorn"]).file("main.py", APP);
        for name in [b"caf\xe9.py".as_slice(), b"requirements-\xff.txt", b"\xff"] {
            std::fs::write(tree.path().join(OsStr::from_bytes(name)), APP).unwrap();
        }
        let folder = tree.path().join(OsStr::from_bytes(b"dir\xe9"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("main.py"), APP).unwrap();
        assert!(lines(&tree.project())[0].contains(" main:app "));
    }

    #[test]
    fn a_project_in_a_folder_whose_name_is_not_utf_8_is_opened() {
        let tree = Tree::new();
        let folder = tree.path().join(OsStr::from_bytes(b"caf\xe9"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("requirements.txt"), "uvicorn==0.34\n").unwrap();
        std::fs::write(folder.join("main.py"), APP).unwrap();
        assert_eq!(Project::open(&folder).unwrap().settings.app.name.as_str(), "caf");
    }

    #[test]
    fn links_in_circles_and_out_of_the_tree_are_not_followed() {
        let elsewhere = Tree::new().file("main.py", APP).file("pkg/__init__.py", APP);
        let tree = Tree::with(&["uvicorn"]).file("shop/__init__.py", "").file("shop/main.py", APP);
        symlink(tree.path(), tree.path().join("shop/again")).unwrap();
        symlink(tree.path().join("loop"), tree.path().join("loop")).unwrap();
        symlink(elsewhere.path(), tree.path().join("outside")).unwrap();
        symlink(elsewhere.path().join("main.py"), tree.path().join("linked.py")).unwrap();
        symlink(tree.path().join("missing"), tree.path().join("requirements.txt")).unwrap();
        let project = tree.project();
        assert!(lines(&project)[0].contains(" shop.main:app "));
        assert_eq!(project.manifest.layout.packages, [std::path::PathBuf::from("shop")]);
    }

    #[test]
    fn a_start_that_is_a_circle_of_links_is_an_error() {
        let tree = Tree::new();
        symlink(tree.path().join("loop"), tree.path().join("loop")).unwrap();
        assert!(matches!(Project::open(&tree.path().join("loop")), Err(ProjectError::Unreadable { .. })));
    }

    #[test]
    fn special_files_are_not_read() {
        let tree = Tree::with(&["uvicorn"]).file("main.py", APP);
        for name in ["pipe.py", "requirements.txt", "nonevent.toml", "Dockerfile"] {
            nix_mkfifo(&tree.path().join(name));
        }
        assert!(lines(&tree.project())[0].contains(" main:app "));
    }

    fn nix_mkfifo(path: &std::path::Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }
}

#[test]
fn the_project_is_the_nearest_one_above() {
    let tree = Tree::with(&["uvicorn"]).file("shop/main.py", APP).file("shop/deep/er/x.py", "");
    assert_eq!(Project::open(&tree.path().join("shop/deep/er")).unwrap().root, tree.path());
    assert_eq!(Project::open(&tree.path().join("shop/main.py")).unwrap().root, tree.path());
}

#[test]
fn a_repository_is_never_left() {
    let tree = Tree::with(&["uvicorn"]).file("main.py", APP).file("inner/.git/HEAD", "").file("inner/x.txt", "");
    assert!(matches!(Project::open(&tree.path().join("inner")), Err(ProjectError::NotAProject { .. })));
}

/// Keys and values as they stand in configurations and manifests, so that arbitrary texts get past the first line.
fn toml_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("app"),
        Just("name"),
        Just("command"),
        Just("port"),
        Just("env"),
        Just("volumes"),
        Just("process"),
        Just("web"),
        Just("worker"),
        Just("build"),
        Just("dockerfile"),
        Just("secrets"),
        Just("gauntlet"),
        Just("unit"),
        Just("run"),
        Just("needs"),
        Just("services"),
        Just("db"),
        Just("image"),
        Just("ready"),
        Just("health"),
        Just("path"),
        Just("interval"),
        Just("environments"),
        Just("local"),
        Just("after"),
        Just("memory"),
        Just("cpus"),
        Just("project"),
        Just("dependencies"),
        Just("dynamic"),
        Just("tool"),
        Just("poetry"),
        Just("uv"),
        Just("workspace"),
        Just("members"),
        Just("dependency-groups"),
        Just("include-group"),
        Just("group"),
        Just("nonevent"),
        Just("scripts"),
        Just("requires-python"),
        Just("optional-dependencies"),
        Just("build-system"),
        Just("python"),
        Just("setuptools"),
        Just("hatch"),
        Just("mypy"),
        Just("files"),
    ];
    let value = prop_oneof![
        Just("1".to_owned()),
        Just("-1".to_owned()),
        Just("0.5".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("9223372036854775807".to_owned()),
        Just("nan".to_owned()),
        "\"[a-z0-9.^~*>=<|/:@ -]{0,12}\"",
        "\\[\"[a-z>=0-9]{0,8}\"\\]",
        "\\{ [a-z]{1,6} = \"[a-z0-9]{0,6}\" \\}",
    ];
    let key = prop::collection::vec(word, 1..4).prop_map(|words| words.join("."));
    let line = prop_oneof![
        3 => (key.clone(), value).prop_map(|(key, value)| format!("{key} = {value}")),
        2 => key.clone().prop_map(|key| format!("[{key}]")),
        1 => key.prop_map(|key| format!("[[{key}]]")),
        1 => "[^\r]{0,20}",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_opening_a_project_panic(manifest in toml_text(), configuration in toml_text(), requirements in ".{0,40}", code in ".{0,60}") {
        let tree = Tree::new().file("pyproject.toml", &manifest).file("requirements.txt", &requirements).file("main.py", &code);
        for tree in [&tree] {
            if let Err(error) = tree.open() {
                prop_assert!(!error.problem().message.is_empty());
            }
        }
        let tree = tree.file("nonevent.toml", &configuration).file("Dockerfile", &code);
        if let Err(error) = tree.open() {
            prop_assert!(!error.problem().message.is_empty());
        }
    }
}
