//! Web processes, workers and programs; what the configuration says about them; Dockerfiles.

use nonevent_engine::model::{Framework, HealthProbe, Strictness};
use nonevent_engine::project::ProjectError;

use crate::tree::{Tree, explained, lines};

const FASTAPI: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";
const CELERY: &str = "from celery import Celery\n\ncelery = Celery(\"shop\")\n";

fn web_and_worker() -> Tree {
    Tree::with(&["fastapi", "uvicorn", "celery"])
        .file("shop/__init__.py", "")
        .file("shop/main.py", FASTAPI)
        .file("shop/jobs.py", CELERY)
}

#[test]
fn a_celery_app_alone_is_a_worker() {
    let project = Tree::with(&["celery"]).file("jobs.py", CELERY).project();
    assert_eq!(project.settings.app.framework, Framework::Celery);
    assert_eq!(lines(&project), ["worker celery --app jobs:celery worker --loglevel INFO"]);
    assert_eq!(project.settings.health.probe, HealthProbe::Running);
}

#[test]
fn beside_an_app_the_worker_is_named_in_a_warning() {
    let project = web_and_worker().project();
    assert_eq!(lines(&project).len(), 1);
    let [warning] = project.warnings.as_slice() else { panic!("{:?}", project.warnings) };
    assert_eq!(warning.message, "`shop.jobs:celery` (shop/jobs.py:3) is a Celery app, and nothing starts its worker");
    let expected = "under `[process.worker]`: `command = [\"celery\", \"--app\", \"shop.jobs:celery\", \"worker\", \"--loglevel\", \"INFO\"]`";
    assert!(warning.hint.as_ref().unwrap().ends_with(expected), "{warning:?}");
}

#[test]
fn a_worker_that_is_added_stands_beside_the_app() {
    for configuration in ["[process.worker]\ncommand = \"celery --app shop.jobs worker\"\n", "[process.worker]\n"] {
        let project = web_and_worker().file("nonevent.toml", configuration).project();
        let [web, worker] = lines(&project).try_into().unwrap();
        assert!(web.starts_with("web:8000 uvicorn shop.main:app "), "{web}");
        assert!(worker.contains("celery --app shop.jobs"), "{worker}");
        assert!(project.warnings.is_empty(), "{:?}", project.warnings);
        assert_eq!(project.settings.app.framework, Framework::Fastapi);
    }
}

#[test]
fn a_web_process_that_is_not_wanted_can_be_switched_off() {
    let project = web_and_worker().file("nonevent.toml", "[process]\nweb = false\n[process.worker]\n").project();
    assert_eq!(lines(&project), ["worker celery --app shop.jobs:celery worker --loglevel INFO"]);
    assert_eq!(project.settings.app.framework, Framework::Celery);
}

#[test]
fn processes_take_the_apps_port_and_grace_unless_they_have_their_own() {
    let configuration = "[app]\nport = 9000\nstop_grace = \"20s\"\n[process.api]\nport = 9001\ncommand = [\"serve\"]\n[process.worker]\nstop_grace = \"1m\"\ncommand = \"work\"\n";
    let project = web_and_worker().file("nonevent.toml", configuration).project();
    assert_eq!(lines(&project), ["api:9001 serve", "worker sh: work"]);
    let graces: Vec<_> = project.settings.app.processes.iter().map(|process| process.stop_grace.as_secs()).collect();
    assert_eq!(graces, [20, 60]);
    let project = web_and_worker().file("nonevent.toml", "[app]\nport = 9000\n[process.web]\ncommand = [\"serve\"]\n").project();
    assert_eq!(lines(&project), ["web:9000 serve"]);
}

#[test]
fn a_web_process_without_a_command_is_started_as_the_sources_say() {
    let project = web_and_worker().file("nonevent.toml", "[process.web]\nport = 9000\n[process.worker]\n").project();
    assert!(
        lines(&project)[0].starts_with("web:9000 uvicorn shop.main:app --host 0.0.0.0 --port 9000 "),
        "{:?}",
        lines(&project)
    );
}

#[test]
fn a_configured_command_tells_its_port() {
    for (configuration, expected) in [
        ("command = [\"uvicorn\", \"shop.main:app\", \"--port\", \"9000\"]", "web:9000 uvicorn shop.main:app --port 9000"),
        ("command = \"gunicorn shop.main:app -b :9000\"", "web:9000 sh: gunicorn shop.main:app -b :9000"),
        ("command = \"uvicorn shop.main:app\"\nport = 81", "web:81 sh: uvicorn shop.main:app"),
        ("command = \"python -m shop\"", "web:8000 sh: python -m shop"),
        ("command = \"celery --app shop.jobs worker\"", "worker sh: celery --app shop.jobs worker"),
        (
            "port = 9000",
            "web:9000 uvicorn shop.main:app --host 0.0.0.0 --port 9000 --proxy-headers --forwarded-allow-ips=* --timeout-keep-alive 75",
        ),
    ] {
        let project = web_and_worker().file("nonevent.toml", &format!("[app]\n{configuration}\n")).project();
        assert_eq!(lines(&project), [expected]);
    }
}

#[test]
fn a_command_of_no_known_kind_is_a_worker_unless_it_has_a_port() {
    let tree = Tree::new().file("requirements.txt", "requests==2.32\n").file("nonevent.toml", "[app]\ncommand = [\"./bot\"]\n");
    let project = tree.project();
    assert_eq!((lines(&project), project.settings.app.framework), (vec!["worker ./bot".into()], Framework::Custom));
    let project = tree.file("nonevent.toml", "[app]\ncommand = [\"./bot\"]\nport = 80\n").project();
    assert_eq!(lines(&project), ["web:80 ./bot"]);
    assert_eq!(project.settings.health.probe, HealthProbe::Tcp);
}

#[test]
fn programs_are_started_by_script_or_by_module() {
    let script = "[project]\nname = \"bot\"\nversion = \"1\"\n[project.scripts]\nbot = \"bot.cli:main\"\n";
    let package = format!("{script}[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n");
    let tree = |manifest: &str| {
        Tree::new().file("pyproject.toml", manifest).file("bot/__init__.py", "").file("bot/cli.py", "def main(): ...\n")
    };
    assert_eq!(lines(&tree(&package).project()), ["worker bot"]);
    assert_eq!(lines(&tree(&package).file("bot/__main__.py", "").project()), ["worker python -m bot"]);
    assert!(matches!(tree(script).error(), ProjectError::NothingToRun { .. }), "a script that is not installed does not exist");
    let guarded = tree(script).file("run.py", "if __name__ == \"__main__\":\n    print(1)\n").project();
    assert_eq!(lines(&guarded), ["worker python run.py"]);
    assert_eq!(
        explained(&guarded, "app.command"),
        "[\"python\", \"run.py\"] (inferred from run.py:1 `if __name__ == \"__main__\":`)"
    );
}

#[test]
fn two_programs_are_both_listed() {
    let tree = Tree::with(&[]).file("one/__main__.py", "").file("two/__main__.py", "");
    let ProjectError::TwoCandidates { candidates } = tree.error() else { panic!() };
    let entries: Vec<_> = candidates.iter().map(|candidate| candidate.entry.as_str()).collect();
    assert_eq!(entries, ["python -m one", "python -m two"]);
}

#[test]
fn a_web_framework_without_an_app_is_no_program() {
    let text = "from fastapi import FastAPI\n\ndef main():\n    app = FastAPI()\n\nif __name__ == \"__main__\":\n    main()\n";
    let error = Tree::with(&["fastapi", "uvicorn"]).file("main.py", text).error();
    assert!(
        matches!(&error, ProjectError::NothingToRun { reason, .. } if reason.contains("`fastapi` is a dependency")),
        "{error}"
    );
}

#[test]
fn a_dockerfile_decides_what_runs() {
    let dockerfile = "FROM python:3.12-slim\nEXPOSE 9000\nCMD [\"uvicorn\", \"shop.main:app\"]\n";
    let tree = Tree::with(&["fastapi"]).file("shop/main.py", FASTAPI).file("other.py", FASTAPI).file("Dockerfile", dockerfile);
    let project = tree.project();
    assert_eq!(lines(&project), ["web:9000 "]);
    assert_eq!(project.settings.app.python, "3.12");
    assert_eq!(project.settings.app.framework, Framework::Fastapi);
    assert_eq!(project.settings.lock.unhashed, Strictness::Warn);
    assert_eq!(explained(&project, "app.port"), "9000 (inferred from Dockerfile:2 `EXPOSE`)");
    assert_eq!(explained(&project, "build.dockerfile"), "\"Dockerfile\" (inferred from there is a `Dockerfile`)");
    let configured = tree.file("nonevent.toml", "[app]\nport = 81\n[lock]\nunhashed = \"refuse\"\n").project();
    assert_eq!((lines(&configured), configured.settings.lock.unhashed), (vec!["web:81 ".into()], Strictness::Refuse));
}

#[test]
fn a_dockerfile_can_be_passed_over() {
    let tree = Tree::with(&["uvicorn"]).file("main.py", FASTAPI).file("Dockerfile", "FROM scratch\n");
    let project = tree.file("nonevent.toml", "[build]\ndockerfile = false\n").project();
    assert_eq!((project.settings.build.dockerfile, project.settings.build.base.as_str()), (None, "python:3.13-slim"));
}

#[test]
fn keys_of_the_other_builder_are_warned_of() {
    let tree = Tree::with(&["uvicorn"]).file("main.py", FASTAPI).file("docker/web", "FROM python:3.13-slim\nCMD [\"x\"]\n");
    let tree = tree.file("nonevent.toml", "[build]\ndockerfile = \"./docker/web\"\nbase = \"python:3.13\"\n");
    let project = tree.project();
    assert_eq!(project.settings.build.dockerfile.as_deref(), Some("docker/web".as_ref()));
    assert_eq!(project.warnings[0].message, "`build.base` (nonevent.toml:3) has no effect");
    let project = tree.file("nonevent.toml", "[build]\nargs = { A = \"1\" }\n").project();
    assert_eq!(project.warnings[0].message, "`build.args` (nonevent.toml:2) has no effect");
}
