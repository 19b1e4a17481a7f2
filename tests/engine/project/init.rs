//! `nonevent init`.

use nonevent_engine::project::{Choice, ProjectError, init, init_with};

use crate::tree::{Tree, explained, lines};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/healthz\")\ndef healthz(): ...\n";

fn app() -> Tree {
    Tree::with(&["fastapi", "uvicorn"]).file("main.py", APP)
}

fn written(tree: &Tree) -> String {
    std::fs::read_to_string(tree.path().join("nonevent.toml")).unwrap()
}

#[test]
fn what_was_inferred_is_written_with_its_reason() {
    let tree = app();
    let before = tree.project();
    let report = init(&tree.path()).unwrap();
    assert_eq!(report.path, tree.path().join("nonevent.toml"));
    assert_eq!(report.added, ["app.name", "app.command", "app.port", "build.base", "health.path"]);
    insta::assert_snapshot!(written(&tree));
    let after = tree.project();
    assert_eq!(after.settings, before.settings);
    assert_eq!(explained(&after, "app.port"), "8000 (nonevent.toml:10)");
}

#[test]
fn the_examples_that_are_written_as_comments_are_valid() {
    let tree = app();
    init(&tree.path()).unwrap();
    let text = written(&tree);
    let examples = text.split("\n# [gauntlet]").nth(1).unwrap();
    let live: String = examples.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    let project = app().file("nonevent.toml", &format!("[gauntlet]{live}")).project();
    assert_eq!(project.settings.environments.len(), 2);
}

#[test]
fn what_is_there_is_kept() {
    let tree = app().file("nonevent.toml", "# ours\n[app]   # the app\nport = 9000\n\n[environments.local]\nreplicas = 2\n");
    let report = init(&tree.path()).unwrap();
    assert_eq!(report.added, ["app.name", "app.command", "build.base", "health.path"]);
    insta::assert_snapshot!(written(&tree));
    assert!(lines(&tree.project())[0].contains("--port 9000"));
    let text = written(&tree);
    assert_eq!(init(&tree.path()).unwrap().added, Vec::<String>::new());
    assert_eq!(written(&tree), text, "a second time changes nothing");
}

#[test]
fn a_configuration_in_the_manifest_is_left_alone() {
    let tree = app().file(
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"uvicorn\"]\n\n[tool.nonevent.app]\nport = 1\n",
    );
    let error = init(&tree.path()).unwrap_err();
    assert_eq!(error.to_string(), "the project is configured in `[tool.nonevent]` (pyproject.toml:6)");
    assert!(!tree.path().join("nonevent.toml").exists());
}

#[test]
fn where_nothing_to_run_is_found_the_place_to_say_it_is_written() {
    let tree = Tree::with(&[]).file("shop/__init__.py", "");
    assert_eq!(init(&tree.path()).unwrap().added, Vec::<String>::new());
    let text = written(&tree);
    assert!(text.contains("[app]\n# found nothing to run in ") && text.contains("# command = "), "{text}");
}

#[test]
fn with_two_candidates_a_choice_is_needed() {
    let tree = app().file("admin.py", APP);
    assert!(matches!(init(&tree.path()), Err(ProjectError::TwoCandidates { .. })));
    assert!(!tree.path().join("nonevent.toml").exists());
    init_with(&tree.path(), &Choice { entry: "admin:app".into() }).unwrap();
    assert!(lines(&tree.project())[0].contains(" admin:app "));
}

#[test]
fn nothing_is_written_over_a_broken_file() {
    let tree = app().file("nonevent.toml", "[app\n");
    assert!(matches!(init(&tree.path()), Err(ProjectError::Syntax { .. })));
    assert_eq!(written(&tree), "[app\n");
}
