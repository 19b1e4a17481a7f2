//! Which object of the sources is the app, and which server starts it.

use nonevent_engine::model::Framework;
use nonevent_engine::project::{Choice, Project, ProjectError};

use crate::tree::{Tree, explained, lines};

const FASTAPI: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";
const FLASK: &str = "from flask import Flask\n\napp = Flask(__name__)\n";

/// Opens a tree of one file and tells framework and command.
fn found(dependencies: &[&str], path: &str, text: &str) -> (Framework, String) {
    let project = Tree::with(dependencies).file(path, text).project();
    (project.settings.app.framework, lines(&project).join("\n"))
}

fn entries(tree: &Tree) -> Vec<String> {
    match tree.error() {
        ProjectError::TwoCandidates { candidates } => candidates.into_iter().map(|candidate| candidate.entry).collect(),
        error => panic!("{error}"),
    }
}

#[test]
fn frameworks_are_recognised_by_what_is_called() {
    let uvicorn = ["uvicorn"].as_slice();
    let gunicorn = ["gunicorn"].as_slice();
    for (dependencies, text, framework, target) in [
        (uvicorn, FASTAPI, Framework::Fastapi, "main:app"),
        (uvicorn, "import fastapi\nserver = fastapi.FastAPI()\n", Framework::Fastapi, "main:server"),
        (uvicorn, "from fastapi import FastAPI as F\nif True:\n    app: F = F()\n", Framework::Fastapi, "main:app"),
        (uvicorn, "from starlette.applications import Starlette\napp = Starlette()\n", Framework::Starlette, "main:app"),
        (uvicorn, "from litestar import Litestar\napp = Litestar([])\n", Framework::Litestar, "main:app"),
        (uvicorn, "from quart import Quart\napp = Quart(__name__)\n", Framework::Asgi, "main:app"),
        (uvicorn, "async def app(scope, receive, send):\n    pass\n", Framework::Asgi, "main:app"),
        (gunicorn, FLASK, Framework::Flask, "main:app"),
        (gunicorn, "def app(environ, start_response):\n    return []\n", Framework::Wsgi, "main:app"),
        (gunicorn, "import falcon\napp = falcon.App()\n", Framework::Wsgi, "main:app"),
        (
            uvicorn,
            "from fastapi import FastAPI\nclass Own(FastAPI):\n    pass\nclass More(Own):\n    pass\napp = More()\n",
            Framework::Fastapi,
            "main:app",
        ),
    ] {
        let (found, command) = found(dependencies, "main.py", text);
        assert_eq!(found, framework, "{text}");
        assert!(command.contains(&format!(" {target} ")), "{command}");
    }
}

#[test]
fn the_server_is_the_one_among_the_dependencies() {
    let gunicorn = "--bind 0.0.0.0:8000 --forwarded-allow-ips=* --access-logfile -";
    let own = "--workers 2 --worker-tmp-dir /dev/shm --keep-alive 75";
    for (dependencies, text, command) in [
        (
            ["uvicorn"].as_slice(),
            FASTAPI,
            "uvicorn main:app --host 0.0.0.0 --port 8000 --proxy-headers --forwarded-allow-ips=* --timeout-keep-alive 75"
                .to_owned(),
        ),
        (
            &["fastapi[standard]>=0.115"],
            FASTAPI,
            "uvicorn main:app --host 0.0.0.0 --port 8000 --proxy-headers --forwarded-allow-ips=* --timeout-keep-alive 75"
                .to_owned(),
        ),
        (
            &["gunicorn", "uvicorn-worker"],
            FASTAPI,
            format!("gunicorn main:app {gunicorn} --worker-class uvicorn_worker.UvicornWorker {own}"),
        ),
        (&["hypercorn"], FASTAPI, "hypercorn main:app --bind 0.0.0.0:8000 --access-logfile -".to_owned()),
        (&["granian"], FASTAPI, "granian --interface asgi main:app --host 0.0.0.0 --port 8000 --access-log".to_owned()),
        (&["gunicorn"], FLASK, format!("gunicorn main:app {gunicorn} {own} --threads 4")),
        (&["uvicorn", "gunicorn"], FLASK, format!("gunicorn main:app {gunicorn} {own} --threads 4")),
        (&["granian"], FLASK, "granian --interface wsgi main:app --host 0.0.0.0 --port 8000 --access-log".to_owned()),
        (&["hypercorn"], FLASK, "hypercorn wsgi:main:app --bind 0.0.0.0:8000 --access-logfile -".to_owned()),
    ] {
        assert_eq!(found(dependencies, "main.py", text).1, format!("web:8000 {command}"), "{dependencies:?}");
    }
}

#[test]
fn a_server_that_only_the_lock_names_is_taken() {
    for (file, text) in [
        ("uv.lock", "version = 1\n\n[[package]]\nname = \"uvicorn\"\nversion = \"0.34.0\"\n"),
        ("poetry.lock", "[[package]]\nname = \"uvicorn\"\nversion = \"0.34.0\"\n"),
        ("pylock.toml", "lock-version = \"1.0\"\n\n[[packages]]\nname = \"uvicorn\"\n"),
        ("requirements.txt", "fastapi==0.115.0\nuvicorn==0.34.0 \\\n    --hash=sha256:aa\n"),
    ] {
        let project = Tree::with(&["fastapi"]).file("main.py", FASTAPI).file(file, text).project();
        assert!(lines(&project)[0].starts_with("web:8000 uvicorn main:app"), "{file}");
    }
}

#[test]
fn a_direct_dependency_goes_before_one_that_only_the_lock_names() {
    let lock = "[[package]]\nname = \"uvicorn\"\n[[package]]\nname = \"granian\"\n";
    let project = Tree::with(&["fastapi", "granian"]).file("main.py", FASTAPI).file("uv.lock", lock).project();
    assert!(lines(&project)[0].starts_with("web:8000 granian"), "{:?}", lines(&project));
}

#[test]
fn what_gunicorns_own_file_says_about_workers_is_not_overruled() {
    let tree = Tree::with(&["gunicorn"]).file("main.py", FLASK).file("gunicorn.conf.py", "workers = 9\n");
    let expected = "web:8000 gunicorn main:app --bind 0.0.0.0:8000 --forwarded-allow-ips=* --access-logfile -";
    assert_eq!(lines(&tree.project()), [expected]);
}

#[test]
fn without_a_server_the_command_that_adds_one_is_named() {
    let remedy = |tree: &Tree| match tree.error() {
        ProjectError::NoServer { remedy, .. } => remedy,
        error => panic!("{error}"),
    };
    let plain = Tree::with(&["fastapi"]).file("main.py", FASTAPI);
    assert!(remedy(&plain).contains("`uvicorn`"));
    assert_eq!(remedy(&plain.file("uv.lock", "version = 1\n")), "run `uv add uvicorn`");
    let poetry = Tree::with(&["flask"]).file("main.py", FLASK).file("poetry.lock", "");
    assert_eq!(remedy(&poetry), "run `poetry add gunicorn`");
    let requirements =
        Tree::new().file("requirements.in", "flask\n").file("requirements.txt", "flask==3.1\n").file("main.py", FLASK);
    assert_eq!(remedy(&requirements), "add `gunicorn` to `requirements.in` and lock again");
}

#[test]
fn a_src_layout_has_modules_without_src() {
    let tree = Tree::with(&["uvicorn"]).file("src/shop/__init__.py", "").file("src/shop/main.py", FASTAPI);
    let project = tree.project();
    assert!(lines(&project)[0].contains(" shop.main:app "));
    assert_eq!(explained(&project, "app.framework"), "\"fastapi\" (inferred from src/shop/main.py:3 `app = FastAPI()`)");
}

#[test]
fn factories_are_called() {
    let flask = "from flask import Flask\n\ndef create_app(config=None):\n    app = Flask(__name__)\n    return app\n";
    let fastapi = "from fastapi import FastAPI\n\ndef make() -> FastAPI:\n    return FastAPI()\n";
    assert!(found(&["gunicorn"], "shop/__init__.py", flask).1.contains(" gunicorn shop:create_app() "));
    let uvicorn = found(&["uvicorn"], "shop/api.py", fastapi).1;
    assert!(uvicorn.contains(" shop.api:make ") && uvicorn.ends_with(" --factory"), "{uvicorn}");
    assert!(found(&["hypercorn"], "shop/api.py", fastapi).1.contains(" shop.api:make() "));
}

#[test]
fn a_factory_that_needs_arguments_is_no_entry() {
    let text = "from flask import Flask\n\ndef create_app(config):\n    return Flask(__name__)\n";
    let error = Tree::with(&["flask", "gunicorn"]).file("shop.py", text).error();
    assert!(matches!(&error, ProjectError::NothingToRun { reason, .. } if reason.contains("`flask` is a dependency")), "{error}");
}

#[test]
fn a_factory_that_a_module_calls_counts_once() {
    let factory = "from flask import Flask\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n";
    let tree = Tree::with(&["gunicorn"])
        .file("shop/__init__.py", factory)
        .file("wsgi.py", "from shop import create_app\n\napp = create_app()\n");
    assert!(lines(&tree.project())[0].contains(" gunicorn wsgi:app "));
    let tree = tree.file("make_celery.py", "from shop import create_app\n\nflask_app = create_app()\n");
    assert!(lines(&tree.project())[0].contains(" gunicorn wsgi:app "));
}

#[test]
fn a_factory_that_only_a_program_calls_is_the_entry() {
    let text = "import uvicorn\nfrom fastapi import FastAPI\n\ndef create_app():\n    return FastAPI()\n\ndef main():\n    uvicorn.run(create_app())\n\nif __name__ == \"__main__\":\n    main()\n";
    assert!(found(&["uvicorn"], "main.py", text).1.contains(" main:create_app "));
}

#[test]
fn a_function_that_hands_out_the_app_is_no_second_one() {
    let text = "from fastapi import FastAPI\n\napp = FastAPI()\n\ndef get_app() -> FastAPI:\n    return app\n";
    assert!(found(&["uvicorn"], "main.py", text).1.contains(" main:app "));
}

#[test]
fn a_re_exported_app_counts_once() {
    let tree = Tree::with(&["uvicorn"])
        .file("shop/__init__.py", "from shop.main import app\n\n__all__ = [\"app\"]\n")
        .file("shop/main.py", FASTAPI)
        .file("asgi.py", "from shop import app as application\n");
    assert!(lines(&tree.project())[0].contains(" shop.main:app "));
}

#[test]
fn a_mounted_app_is_a_part_of_the_other_one() {
    let inner = "from fastapi import FastAPI\n\napi = FastAPI()\n";
    for outer in [
        "from fastapi import FastAPI\nfrom shop.api import api\n\napp = FastAPI()\napp.mount(\"/api\", api)\n",
        "from starlette.applications import Starlette\nfrom starlette.routing import Mount\nfrom shop.api import api\n\napp = Starlette(routes=[Mount(\"/api\", app=api)])\n",
        "from werkzeug.middleware.dispatcher import DispatcherMiddleware\nfrom flask import Flask\nfrom shop.api import api\n\nflask = Flask(__name__)\napp = DispatcherMiddleware(flask, {\"/api\": api})\n",
    ] {
        let tree = Tree::with(&["uvicorn", "gunicorn"])
            .file("shop/__init__.py", "")
            .file("shop/api.py", inner)
            .file("shop/main.py", outer);
        assert!(lines(&tree.project())[0].contains(" shop.main:app "), "{outer}");
    }
}

#[test]
fn middleware_around_an_app_leaves_one() {
    let text = "from fastapi import FastAPI\nfrom asgi import SomeMiddleware\n\napp = FastAPI()\napp = SomeMiddleware(app)\n";
    assert!(found(&["uvicorn"], "main.py", text).1.contains(" main:app "));
    let text = "from flask import Flask\nfrom werkzeug.middleware.proxy_fix import ProxyFix\n\napp = Flask(__name__)\napp.wsgi_app = ProxyFix(app.wsgi_app)\n";
    assert!(found(&["gunicorn"], "main.py", text).1.contains(" main:app "));
}

#[test]
fn tests_and_examples_are_no_candidates() {
    let mut tree = Tree::with(&["uvicorn"]).file("shop/__init__.py", "").file("shop/main.py", FASTAPI);
    for path in [
        "tests/app.py",
        "examples/main.py",
        "shop/tests/main.py",
        "docs/conf.py",
        "test_main.py",
        "conftest.py",
        ".hidden/main.py",
    ] {
        tree = tree.file(path, FASTAPI);
    }
    assert!(lines(&tree.project())[0].contains(" shop.main:app "));
}

#[test]
fn ignored_folders_environments_and_other_projects_are_no_candidates() {
    let tree = Tree::with(&["uvicorn"])
        .file("main.py", FASTAPI)
        .file(".gitignore", "generated/\n")
        .file("generated/main.py", FASTAPI)
        .file("python/pyvenv.cfg", "home = /usr/bin\n")
        .file("python/lib/main.py", FASTAPI)
        .file("tools/other/pyproject.toml", "")
        .file("tools/other/main.py", FASTAPI);
    assert!(lines(&tree.project())[0].contains(" main:app "));
}

#[test]
fn two_apps_are_both_listed() {
    let tree = Tree::with(&["uvicorn"]).file("main.py", FASTAPI).file("admin/main.py", FASTAPI);
    assert_eq!(entries(&tree), ["main:app", "admin.main:app"]);
    assert_eq!(Project::candidates(&tree.path()).unwrap().len(), 2);
    let two = "from fastapi import FastAPI\n\napp = FastAPI()\nadmin = FastAPI()\n";
    assert_eq!(entries(&Tree::with(&["uvicorn"]).file("main.py", two)), ["main:app", "main:admin"]);
}

#[test]
fn the_line_that_decides_between_two_apps_decides() {
    let tree = Tree::with(&["uvicorn"]).file("main.py", FASTAPI).file("admin.py", FASTAPI);
    let ProjectError::TwoCandidates { candidates } = tree.error() else { panic!() };
    let project = tree.file("nonevent.toml", &candidates[0].configuration).project();
    assert!(lines(&project)[0].contains(&format!(" {} ", candidates[0].entry)), "{:?}", lines(&project));
}

#[test]
fn a_person_may_choose_between_two_apps() {
    let tree = Tree::with(&["uvicorn"]).file("main.py", FASTAPI).file("admin.py", FASTAPI);
    let open = |entry: &str| Project::open_with(&tree.path(), &Choice { entry: entry.into() });
    assert!(lines(&open("admin:app").unwrap())[0].contains(" admin:app "));
    assert!(matches!(open("nothing:app"), Err(ProjectError::UnknownChoice { .. })));
}

#[test]
fn modules_that_import_each_other_by_bare_names_run_from_their_folder() {
    let tree = Tree::with(&["uvicorn"])
        .file("backend/main.py", "from fastapi import FastAPI\nfrom database import engine\n\napp = FastAPI()\n")
        .file("backend/database.py", "engine = None\n");
    let project = tree.project();
    assert!(lines(&project)[0].contains(" main:app "), "{:?}", lines(&project));
    assert_eq!(project.settings.app.env["PYTHONPATH"], "backend");
}

#[test]
fn a_folder_without_init_is_a_package_all_the_same() {
    let tree = Tree::with(&["uvicorn"])
        .file("backend/main.py", "from fastapi import FastAPI\nfrom backend.database import engine\n\napp = FastAPI()\n")
        .file("backend/database.py", "engine = None\n");
    let project = tree.project();
    assert!(lines(&project)[0].contains(" backend.main:app "));
    assert!(project.settings.app.env.is_empty());
}

#[test]
fn django_is_found_by_its_modules() {
    let wsgi = "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n";
    let asgi = "from django.core.asgi import get_asgi_application\n\napplication = get_asgi_application()\n";
    let tree = |dependencies: &[&str]| {
        Tree::with(dependencies)
            .file("manage.py", "import os\n\nif __name__ == \"__main__\":\n    pass\n")
            .file("config/__init__.py", "")
            .file("config/wsgi.py", wsgi)
            .file("config/asgi.py", asgi)
            .file("config/settings.py", "ROOT_URLCONF = \"config.urls\"\nWSGI_APPLICATION = \"config.wsgi.application\"\n")
    };
    let project = tree(&["django", "gunicorn"]).project();
    assert_eq!(project.settings.app.framework, Framework::Django);
    assert!(lines(&project)[0].starts_with("web:8000 gunicorn config.wsgi:application "));
    assert!(lines(&tree(&["django", "uvicorn"]).project())[0].starts_with("web:8000 uvicorn config.asgi:application "));
    let channels =
        tree(&["django", "gunicorn", "uvicorn"]).file("config/settings.py", "ASGI_APPLICATION = \"config.asgi.application\"\n");
    assert!(lines(&channels.project())[0].starts_with("web:8000 uvicorn config.asgi:application "));
}

#[test]
fn a_wrapped_django_application_is_found() {
    let wsgi = "from django.core.wsgi import get_wsgi_application\nfrom whitenoise import WhiteNoise\n\napplication = get_wsgi_application()\napplication = WhiteNoise(application)\n";
    let tree = Tree::with(&["django", "gunicorn"]).file("site/wsgi.py", wsgi).file("manage.py", "");
    assert!(lines(&tree.project())[0].contains(" site.wsgi:application "));
}

#[test]
fn streamlit_scripts_are_found_and_their_pages_are_not() {
    let script = "import streamlit as st\n\nst.title(\"Shop\")\n";
    let tree = Tree::with(&["streamlit"])
        .file("my-dashboard.py", script)
        .file("pages/more.py", script)
        .file("parts.py", "import streamlit as st\n\ndef draw():\n    st.write(1)\n");
    let project = tree.project();
    assert_eq!(project.settings.app.framework, Framework::Streamlit);
    let expected = "web:8000 streamlit run my-dashboard.py --server.address 0.0.0.0 --server.port 8000 --server.headless true";
    assert_eq!(lines(&project), [expected]);
    assert_eq!(
        explained(&project, "health.path"),
        "\"/_stcore/health\" (inferred from my-dashboard.py:3 `Streamlit's own route`)"
    );
}
