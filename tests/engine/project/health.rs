//! Which route answers whether an app is well.

use nonevent_engine::model::HealthProbe;

use crate::tree::{Tree, explained, health_path};

fn path(dependencies: &[&str], files: &[(&str, &str)]) -> Option<String> {
    let tree = files.iter().fold(Tree::with(dependencies), |tree, (path, text)| tree.file(path, text));
    health_path(&tree.project()).map(str::to_owned)
}

fn fastapi(rest: &str) -> Option<String> {
    path(&["uvicorn"], &[("main.py", &format!("from fastapi import APIRouter, FastAPI\n\napp = FastAPI()\n{rest}"))])
}

#[test]
fn a_route_on_the_app_is_taken_with_its_line() {
    let text = "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/healthz\")\ndef healthz():\n    return {}\n";
    let project = Tree::with(&["uvicorn"]).file("main.py", text).project();
    assert_eq!(explained(&project, "health.path"), "\"/healthz\" (inferred from main.py:6 `@app.get(\"/healthz\")`)");
}

#[test]
fn without_such_a_route_the_port_is_probed() {
    let project = Tree::with(&["uvicorn"]).file("main.py", "from fastapi import FastAPI\n\napp = FastAPI()\n").project();
    assert_eq!(project.settings.health.probe, HealthProbe::Tcp);
    assert_eq!(explained(&project, "health.tcp"), "true (inferred from no route such as `/healthz` was found)");
}

#[test]
fn routes_that_do_not_answer_get_do_not_count() {
    assert_eq!(fastapi("@app.post(\"/health\")\ndef health(): ...\n"), None);
    assert_eq!(fastapi("@app.api_route(\"/health\", methods=[\"POST\"])\ndef health(): ...\n"), None);
    assert_eq!(fastapi("@app.get(\"/health/{name}\")\ndef health(name): ...\n"), None);
    assert_eq!(fastapi("@app.get(\"/healthy-food\")\ndef food(): ...\n"), None);
    assert_eq!(fastapi("@cache.get(\"/health\")\ndef health(): ...\n"), None);
    assert_eq!(fastapi("@app.api_route(\"/health\", methods=[\"GET\"])\ndef health(): ...\n").as_deref(), Some("/health"));
    assert_eq!(fastapi("app.add_api_route(\"/ping\", ping)\n").as_deref(), Some("/ping"));
}

#[test]
fn the_best_of_several_is_taken() {
    let text = "@app.get(\"/ping\")\ndef a(): ...\n@app.get(\"/livez\")\ndef b(): ...\n@app.get(\"/readyz\")\ndef c(): ...\n";
    assert_eq!(fastapi(text).as_deref(), Some("/readyz"));
}

#[test]
fn a_router_counts_with_its_whole_prefix() {
    let router = "from fastapi import APIRouter\n\nrouter = APIRouter(prefix=\"/internal\")\n\n@router.get(\"/health\")\ndef health(): ...\n";
    let main = |include: &str| format!("from fastapi import FastAPI\nfrom shop import probes\n\napp = FastAPI()\n{include}\n");
    let found = |include: &str| {
        path(&["uvicorn"], &[("shop/__init__.py", ""), ("shop/probes.py", router), ("shop/main.py", &main(include))])
    };
    assert_eq!(found("app.include_router(probes.router)").as_deref(), Some("/internal/health"));
    assert_eq!(found("app.include_router(probes.router, prefix=\"/api\")").as_deref(), Some("/api/internal/health"));
    assert_eq!(
        found("app.include_router(probes.router, prefix=settings.prefix)"),
        None,
        "a prefix that is computed is not known"
    );
    assert_eq!(found("other.include_router(1)"), None, "a router that is not mounted answers nothing");
}

#[test]
fn a_router_may_be_the_route() {
    let text = "router = APIRouter(prefix=\"/health\")\n@router.get(\"\")\ndef health(): ...\napp.include_router(router)\n";
    assert_eq!(fastapi(text).as_deref(), Some("/health"));
}

#[test]
fn a_router_in_a_router_is_not_guessed() {
    let text = "inner = APIRouter()\nouter = APIRouter(prefix=\"/x\")\n@inner.get(\"/health\")\ndef health(): ...\nouter.include_router(inner)\napp.include_router(outer)\n";
    assert_eq!(fastapi(text), None);
}

#[test]
fn routes_inside_the_apps_factory_count() {
    let text = "from flask import Flask\n\ndef create_app():\n    app = Flask(__name__)\n\n    @app.route(\"/health\")\n    def health():\n        return \"\"\n\n    return app\n";
    assert_eq!(path(&["gunicorn"], &[("shop/__init__.py", text)]).as_deref(), Some("/health"));
    let wsgi = "from shop import create_app\n\napp = create_app()\n";
    assert_eq!(path(&["gunicorn"], &[("shop/__init__.py", text), ("wsgi.py", wsgi)]).as_deref(), Some("/health"));
}

#[test]
fn a_blueprint_counts_with_its_whole_prefix() {
    let blueprint = "from flask import Blueprint\n\nprobes = Blueprint(\"probes\", __name__, url_prefix=\"/x\")\n\n@probes.get(\"/health\")\ndef health(): ...\n";
    let main = |register: &str| {
        format!(
            "from flask import Flask\nfrom shop.probes import probes\n\napp = Flask(__name__)\napp.register_blueprint(probes{register})\n"
        )
    };
    let found = |register: &str| {
        path(&["gunicorn"], &[("shop/__init__.py", ""), ("shop/probes.py", blueprint), ("shop/main.py", &main(register))])
    };
    assert_eq!(found("").as_deref(), Some("/x/health"));
    assert_eq!(found(", url_prefix=\"/y\"").as_deref(), Some("/y/health"));
}

#[test]
fn routes_of_a_mounted_app_do_not_count() {
    let text = "api = FastAPI()\n@api.get(\"/health\")\ndef health(): ...\napp.mount(\"/api\", api)\n";
    assert_eq!(fastapi(text), None);
}

#[test]
fn routes_of_starlette_and_litestar_count() {
    let starlette = "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\n\nroutes = [\n    Mount(\"/x\", routes=[Route(\"/health\", a)]),\n    Route(\"/up\", b),\n]\napp = Starlette(routes=routes)\n";
    assert_eq!(path(&["uvicorn"], &[("main.py", starlette)]).as_deref(), Some("/up"));
    let litestar = "from litestar import Litestar, get\n\n@get(\"/health\")\nasync def health() -> None: ...\n\n@get(\"/ping\")\nasync def ping() -> None: ...\n\napp = Litestar(route_handlers=[ping])\n";
    assert_eq!(path(&["uvicorn"], &[("main.py", litestar)]).as_deref(), Some("/ping"), "only what the app lists");
}

#[test]
fn urls_of_django_count_with_their_prefix() {
    let wsgi = "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n";
    let found = |urls: &str| {
        let files = [
            ("config/wsgi.py", wsgi),
            ("config/settings.py", "ROOT_URLCONF = \"config.urls\"\n"),
            ("config/urls.py", urls),
            ("core/urls.py", "from django.urls import path\n\nurlpatterns = [path(\"health/\", views.health)]\n"),
        ];
        path(&["django", "gunicorn"], &files)
    };
    assert_eq!(found("from django.urls import path\n\nurlpatterns = [path(\"healthz\", health)]\n").as_deref(), Some("/healthz"));
    assert_eq!(
        found("from django.urls import re_path\n\nurlpatterns = [re_path(r\"^ping$\", ping)]\n").as_deref(),
        Some("/ping")
    );
    let included = "from django.urls import include, path\n\nurlpatterns = [path(\"api/\", include(\"core.urls\"))]\n";
    assert_eq!(found(included).as_deref(), Some("/api/health/"));
    assert_eq!(found("urlpatterns = []\n"), None);
}

#[test]
fn the_route_belongs_to_the_app_that_the_command_starts() {
    let app = |path: &str| format!("from fastapi import FastAPI\n\napp = FastAPI()\n\n@app.get(\"{path}\")\ndef health(): ...\n");
    let tree = Tree::with(&["uvicorn"]).file("one.py", &app("/healthz")).file("two.py", &app("/ping"));
    let project = tree.file("nonevent.toml", "[app]\ncommand = [\"uvicorn\", \"two:app\"]\n").project();
    assert_eq!(health_path(&project), Some("/ping"));
}
