//! Every cause, from a real container that a real rollout waited for.
//!
//! One image holds all the apps; a case is a command, variables and a path. Each has an environment of its own behind one proxy, and
//! goes the whole way: prepared, started, probed, examined, taken away again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, dead_code)]

#[path = "target/app.rs"]
mod app;
#[path = "diagnosis/clinic.rs"]
mod clinic;
#[path = "target/lab.rs"]
mod lab;

use clinic::{Case, Clinic, Image, case};
use nonevent_engine::model::{CommandLine, Framework, ReleaseSettings};

const GUNICORN: &str = "gunicorn --bind 0.0.0.0:8000 --no-control-socket";
const UVICORN: &str = "uvicorn --host 0.0.0.0 --port 8000";

fn broken(what: &'static str) -> Case {
    case(&format!("python -m shop.broken {what}"))
}

fn site(path: &'static str) -> Case {
    case(&format!("{GUNICORN} site_.wsgi")).path(path).framework(Framework::Django)
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_where_it_listens() {
    Clinic::open("ports")
        .await
        .treat(vec![
            case("python -m shop.serve 0.0.0.0 5000 200")
                .finds("wrong_port", &["port 5000", "port 8000", "it listens on 0.0.0.0:5000"]),
            case("python -m shop.serve 127.0.0.1 8000 200").finds("bound_to_loopback", &["it listens on 127.0.0.1:8000"]),
            broken("address").finds("address_in_use", &["Address already in use"]),
            case(&format!("sh -c 'python -m shop.serve 127.0.0.1 8000 200 & sleep 1; exec {UVICORN} shop.asgi:app'"))
                .finds("address_in_use", &["port 8000"]),
            case(&format!("sh -c 'python -m shop.serve 127.0.0.1 8000 200 & sleep 1; exec {GUNICORN} shop.wsgi:app'"))
                .deadline(5)
                .names("address_in_use"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_how_it_ends() {
    Clinic::open("ends")
        .await
        .treat(vec![
            broken("traceback").finds(
                "uncaught_exception",
                &["a ValueError ended its start at shop/prices.py:5", "could not convert string to float"],
            ),
            case(&format!("{UVICORN} shop.asgi:app"))
                .env("SHOP_FAIL", "1")
                .finds("uncaught_exception", &["RuntimeError", "shop/asgi.py:22"]),
            case(&format!("{UVICORN} --workers 2 shop.asgi:app"))
                .env("SHOP_FAIL", "1")
                .finds("uncaught_exception", &["shop/asgi.py:22"]),
            broken("memory").memory(48).finds("out_of_memory", &["48 MiB", "out-of-memory kill"]),
            case(&format!("{GUNICORN} shop.broken:memory()")).memory(64).deadline(6).finds("out_of_memory", &["64 MiB"]),
            case("python -m shop.serve").on(Image::Foreign).finds("wrong_architecture", &["another processor", "linux/"]),
            case("gunicron shop.wsgi:app").finds("command_not_found", &["`gunicron`", "exit code 127"]),
            case("python manage.py runserver").finds("command_not_found", &["`/app/manage.py`"]),
            broken("finish").finds("ended_by_itself", &["in the foreground"]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_variables_that_are_missing() {
    Clinic::open("variables")
        .await
        .treat(vec![
            broken("variable")
                .finds("missing_variable", &["`SHOP_TOKEN` is not set", "shop/broken.py:", "not among its variables"]),
            broken("pydantic")
                .finds("missing_variable", &["`database_url` and `api_key`", "`SHOP_DATABASE_URL` and `SHOP_API_KEY`"]),
            broken("environ").finds("missing_variable", &["`SHOP_TOKEN`"]),
            broken("decouple").finds("missing_variable", &["`SHOP_TOKEN`"]),
            case("sh -c 'exec python -m shop.serve 0.0.0.0 ${SHOP_PORT:?} 200'").finds("missing_variable", &["`SHOP_PORT`"]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_imports_that_fail() {
    Clinic::open("imports")
        .await
        .treat(vec![
            broken("package").finds("missing_module", &["`httpx`", "shop/broken.py:"]),
            broken("typo").finds("missing_module", &["`shop.pricse`", "write `shop.prices`"]),
            broken("name").finds("missing_name", &["`shop.prices` has no `laod`"]),
            broken("library").finds("missing_library", &["`libmagic.so.1`", "`libmagic1`"]),
            broken("wrapper").finds("missing_library", &["`libpq.so.5`"]),
            case(&format!("{GUNICORN} shop.wsgi:app"))
                .env("SHOP_IMPORT", "httpx")
                .finds("missing_module", &["`httpx`", "shop/wsgi.py:9"]),
            case(&format!("{GUNICORN} shop.wsgi:application")).finds("missing_name", &["`shop.wsgi` has no `application`"]),
            case(&format!("{UVICORN} shop.agsi:app")).finds("missing_module", &["write `shop.asgi`"]),
            case("python -m shopp").finds("missing_module", &["`shopp`"]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_files_and_databases() {
    let clinic = Clinic::open("data").await;
    clinic
        .treat(vec![
            broken("write").finds("permission_denied", &["`/app/uploads.txt`", "read-only", "volumes"]),
            broken("read").finds("permission_denied", &["`/etc/shadow`", "as user 10001:10001"]),
            broken("postgres").finds("database_unreachable", &["127.0.0.1:5432", "the container itself"]),
            broken("unknown_host").finds("database_unreachable", &["db.invalid", "not known"]),
            broken("asynchronous").finds("database_unreachable", &["127.0.0.1:5432"]),
            broken("redis").finds("database_unreachable", &["127.0.0.1:6379"]),
            case(&format!("{UVICORN} shop.asgi:app"))
                .env("DATABASE_URL", "postgresql://shop@127.0.0.1:5432/shop")
                .finds("database_unreachable", &["127.0.0.1:5432"]),
            broken("alembic").finds("not_migrated", &["alembic upgrade head"]),
            broken("table").finds("not_migrated", &["`orders`", "alembic upgrade head"]),
            site("/users")
                .env("SITE_HOSTS", "*")
                .env("SITE_LOG", "1")
                .finds("not_migrated", &["`auth_user`", "manage.py migrate"]),
            case(&format!("{UVICORN} shop.asgi:app")).postgres().finds("not_migrated", &["`orders`"]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_answers_that_are_no_success() {
    Clinic::open("answers")
        .await
        .treat(vec![
            case("python -m shop.serve 0.0.0.0 8000 404").finds("health_path_missing", &["`/healthz`"]),
            case("python -m shop.serve 0.0.0.0 8000 302 /login").finds("health_redirects", &["`/login`", "without a login"]),
            site("/healthz").env("SITE_HOSTS", "*").finds("health_redirects", &["set `[health] path = \"/healthz/\"`"]),
            site("/healthz/")
                .env("SITE_HOSTS", "*")
                .env("SITE_HTTPS", "1")
                .finds("health_redirects", &["SECURE_REDIRECT_EXEMPT"]),
            case("python -m shop.serve 0.0.0.0 8000 401").finds("health_unauthorized", &["(401)"]),
            site("/healthz/")
                .env("SITE_LOG", "1")
                .finds("disallowed_host", &["ALLOWED_HOSTS in site_/settings.py:7", "Invalid HTTP_HOST header"]),
            site("/healthz/").finds("disallowed_host", &["ALLOWED_HOSTS in site_/settings.py:7"]),
            case(&format!("{UVICORN} shop.asgi:app"))
                .env("SHOP_HOSTS", "shop.example")
                .finds("disallowed_host", &["TrustedHostMiddleware"]),
            site("/page")
                .env("SITE_HOSTS", "*")
                .env("SITE_LOG", "1")
                .finds("missing_static_files", &["`site.css`", "collectstatic"]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_what_takes_its_time() {
    let slow = case(&format!("{GUNICORN} --timeout 2 --graceful-timeout 1 shop.wsgi:app --config python:shop.gunicorn_conf"));
    Clinic::open("time")
        .await
        .treat(vec![
            broken("slow").deadline(7).finds("slow_start", &["still starting", "loading part", "deadline"]),
            slow.env("SHOP_SLEEP", "600").deadline(9).finds("worker_timeout", &["before the app is loaded", "--timeout"]),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_what_is_not_known_is_not_claimed() {
    Clinic::open("unknown")
        .await
        .treat(vec![
            broken("hang").deadline(8).stays_unknown("listens on no port"),
            // It caught a missing variable and a missing module, and printed every word that causes are known by.
            broken("handled").finds_only("health_path_missing"),
            case("python -m shop.serve 0.0.0.0 8000 503").stays_unknown("answers 503"),
            site("/users").env("SITE_HOSTS", "*").stays_unknown("LOGGING"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_command_before_the_start_is_diagnosed_too() {
    let settings = |what: &str| ReleaseSettings {
        before_start: Some(CommandLine::Exec(format!("python -m shop.broken {what}").split(' ').map(str::to_owned).collect())),
        ..ReleaseSettings::default()
    };
    Clinic::open("before")
        .await
        .treat(vec![
            case("python -m shop.serve 0.0.0.0 8000 200")
                .settings(settings("postgres"))
                .finds("database_unreachable", &["127.0.0.1:5432"]),
            case("python -m shop.serve 0.0.0.0 8000 200")
                .settings(settings("traceback"))
                .finds("uncaught_exception", &["shop/prices.py:5"]),
        ])
        .await;
}
