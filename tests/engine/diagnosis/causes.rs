//! Each cause, from what real apps print.

use nonevent_engine::model::{
    Absence, Cause, Certainty, DatabaseTrouble, Denial, Framework, InstanceState, MigrationTool, Moment, SourcePlace,
    VariableReader,
};
use nonevent_engine::target::OnceExit;

use crate::patient::{answers, ended, failed, silent};

#[test]
fn another_port() {
    let found = silent(&["0.0.0.0:5000"]).has("wrong_port", &["port 5000", "port 8000", "`PORT`", "connection refused"]);
    assert_eq!(found.suspects[0].cause, Cause::WrongPort { expected: 8000, listening: vec![5000] });
    assert_eq!(found.suspects[0].certainty, Certainty::Certain);
    silent(&["127.0.0.1:5000"]).has("wrong_port", &["of its container only"]);
    silent(&["[::]:5000"]).has("wrong_port", &["[::]:5000"]);
}

#[test]
fn loopback_only() {
    let found = silent(&["127.0.0.1:8000"]).has("bound_to_loopback", &["127.0.0.1", "0.0.0.0:8000"]);
    assert_eq!(found.suspects[0].cause, Cause::BoundToLoopback { address: "127.0.0.1".into(), port: 8000 });
    silent(&["[::1]:8000", "0.0.0.0:9100"]).has("bound_to_loopback", &["::1"]);
}

#[test]
fn an_address_that_is_taken() {
    let found = ended(1).log("address_in_use").has("address_in_use", &["Address already in use"]);
    assert_eq!(found.suspects[0].cause, Cause::AddressInUse { port: None });
    let found = ended(3).log("uvicorn_in_use").has("address_in_use", &["port 8000"]);
    assert_eq!(
        (found.suspects[0].cause.clone(), found.suspects[0].certainty),
        (Cause::AddressInUse { port: Some(8000) }, Certainty::Certain)
    );
    ended(1).log("gunicorn_in_use").has("address_in_use", &["port 8000", "Connection in use"]);
}

#[test]
fn a_traceback_names_the_projects_line() {
    for patient in [ended(1).log("traceback"), ended(1).log("traceback").source()] {
        let found =
            patient.has("uncaught_exception", &["a ValueError ended its start at shop/prices.py:5", "mend shop/prices.py:5"]);
        let Cause::UncaughtException { exception, message, file, line, during } = &found.suspects[0].cause else { panic!() };
        assert_eq!(
            (exception.as_str(), file.as_deref(), *line, *during),
            ("ValueError", Some("shop/prices.py"), Some(5), Moment::Start)
        );
        assert_eq!(message, "could not convert string to float: '12,50'");
    }
    ended(3).log("uvicorn_lifespan").source().has("uncaught_exception", &["shop/asgi.py:22", "the price list is empty"]);
    // Its parent ends without an error.
    ended(0).log("uvicorn_workers").source().has("uncaught_exception", &["shop/asgi.py:22"]);
}

#[test]
fn a_syntax_error_has_a_line_too() {
    let text = "Traceback (most recent call last):\n  File \"<frozen runpy>\", line 198, in _run_module_as_main\n  File \"/app/shop/wsgi.py\", line 4\n    def app(:\n            ^\nSyntaxError: invalid syntax";
    ended(1).prints(text).has("uncaught_exception", &["shop/wsgi.py:4", "SyntaxError"]);
}

#[test]
fn a_traceback_inside_a_structured_line() {
    let text = r#"{"event": "stopped", "level": "error", "exception": "Traceback (most recent call last):\n  File \"/app/shop/prices.py\", line 5, in load\n    return float(text)\nValueError: could not convert"}"#;
    let found = ended(1).prints(text).has("uncaught_exception", &["shop/prices.py:5"]);
    assert_eq!(found.suspects[0].certainty, Certainty::Likely, "whoever logs it has caught it");
}

#[test]
fn variables_of_os_environ() {
    let found = ended(1)
        .log("environ_key")
        .source()
        .has("missing_variable", &["`SHOP_TOKEN` is not set", "shop/broken.py:15", "not among its variables"]);
    let place = Some(SourcePlace { file: "shop/broken.py".into(), line: 15 });
    let cause = Cause::MissingVariable { names: vec!["SHOP_TOKEN".into()], reader: VariableReader::Environ, place };
    assert_eq!((&found.suspects[0].cause, found.suspects[0].certainty), (&cause, Certainty::Certain));
    // It is set after all: something else is wrong with it.
    let found = ended(1).log("environ_key").with(|it| it.examined.variables.extend(["SHOP_TOKEN".to_owned()])).diagnose();
    assert_eq!(found.suspects[0].certainty, Certainty::Possible);
}

#[test]
fn fields_of_pydantic() {
    let found = ended(1).log("pydantic_settings").source().has(
        "missing_variable",
        &[
            "`database_url` and `api_key` have no value",
            "`SHOP_DATABASE_URL` and `SHOP_API_KEY`",
            "database_url: field required",
            "shop/broken.py:21",
        ],
    );
    let Cause::MissingVariable { names, reader, .. } = &found.suspects[0].cause else { panic!() };
    assert_eq!((names.join(" ").as_str(), *reader), ("database_url api_key", VariableReader::Pydantic));
    assert!(!format!("{found:?}").contains("input_value"), "values do not belong here");
    let first = "Traceback (most recent call last):\n  File \"/app/shop/settings.py\", line 9, in <module>\n    Settings()\n  File \"/usr/lib/python3/site-packages/pydantic/env_settings.py\", line 39, in __init__\npydantic.error_wrappers.ValidationError: 1 validation error for Settings\ndatabase_url\n  field required (type=value_error.missing)";
    ended(1).prints(first).has("missing_variable", &["`DATABASE_URL`"]);
}

#[test]
fn variables_of_django_environ_decouple_and_shells() {
    let found = ended(1).log("django_environ").has("missing_variable", &["`SHOP_TOKEN`", "shop/broken.py:27"]);
    let Cause::MissingVariable { reader, .. } = &found.suspects[0].cause else { panic!() };
    assert_eq!(*reader, VariableReader::DjangoEnviron);
    let found = ended(1).log("decouple").has("missing_variable", &["`SHOP_TOKEN`", "shop/broken.py:33"]);
    let Cause::MissingVariable { reader, .. } = &found.suspects[0].cause else { panic!() };
    assert_eq!(*reader, VariableReader::Decouple);
    ended(2).prints("sh: 1: SHOP_TOKEN: parameter not set").has("missing_variable", &["`SHOP_TOKEN`"]);
    ended(2).prints("sh: 1: SHOP_TOKEN: parameter not set or null").has("missing_variable", &["`SHOP_TOKEN`"]);
    ended(1).prints("/start.sh: line 3: SHOP_TOKEN: unbound variable").has("missing_variable", &["`SHOP_TOKEN`"]);
}

fn absence(patient: &crate::patient::Patient) -> Absence {
    match patient.has("missing_module", &[]).suspects[0].cause.clone() {
        Cause::MissingModule { absence, .. } => absence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn modules_that_are_not_there() {
    let httpx = ended(1).log("missing_package");
    assert_eq!(absence(&httpx), Absence::Unknown);
    assert_eq!(absence(&httpx.clone().source()), Absence::DevelopmentOnly { package: "httpx".into() });
    httpx.source().has("missing_module", &["shop/broken.py:37", "for development only", "move `httpx`"]);
    let named = |module: &str| {
        let text = format!(
            "Traceback (most recent call last):\n  File \"/app/shop/wsgi.py\", line 1, in <module>\n    import x\nModuleNotFoundError: No module named '{module}'"
        );
        ended(1).prints(&text).source()
    };
    assert_eq!(absence(&named("yaml")), Absence::NotLocked { package: "pyyaml".into() });
    named("yaml").has("missing_module", &["add `pyyaml` to the project's dependencies"]);
    assert_eq!(absence(&named("PIL")), Absence::NotInImage { package: "pillow".into() });
    assert_eq!(absence(&named("shpo")), Absence::NoSuchModule { near: Some("shop".into()) });
    let typo = ended(1).log("missing_module").source();
    assert_eq!(absence(&typo), Absence::NoSuchModule { near: Some("shop.prices".into()) });
    typo.has("missing_module", &["write `shop.prices`"]);
    ended(3).log("gunicorn_import").source().has("missing_module", &["`httpx`", "shop/wsgi.py:9"]);
    ended(3).log("uvicorn_no_module").source().has("missing_module", &["`shop.agsi`", "`shop.asgi`"]);
    ended(1).log("python_m").source().has("missing_module", &["`shopp`"]);
}

#[test]
fn names_that_are_not_there() {
    ended(1).log("missing_name").source().has("missing_name", &["`shop.prices` has no `laod`", "shop/broken.py:45"]);
    ended(4).log("gunicorn_no_attribute").has("missing_name", &["`shop.wsgi` has no `application`"]);
    ended(3).log("uvicorn_no_attribute").has("missing_name", &["`shop.asgi` has no `application`"]);
    let text = "Traceback (most recent call last):\n  File \"/app/shop/a.py\", line 1, in <module>\nImportError: cannot import name 'a' from partially initialized module 'shop.b' (most likely due to a circular import) (/app/shop/b.py)";
    ended(1).prints(text).has("missing_name", &["import each other"]);
}

#[test]
fn libraries_that_are_not_there() {
    let found = ended(1).log("missing_library").has("missing_library", &["`libmagic.so.1`", "`libmagic1`"]);
    let cause = Cause::MissingLibrary { library: "libmagic.so.1".into(), package: Some("libmagic1".into()) };
    assert_eq!(found.suspects[0].cause, cause);
    ended(1).log("psycopg_without_libpq").has("missing_library", &["`libpq.so.5`", "`psycopg[binary]`"]);
    let text = "Traceback (most recent call last):\n  File \"/app/shop/wsgi.py\", line 1, in <module>\n    import cv2\nImportError: libGL.so.1: cannot open shared object file: No such file or directory";
    ended(1).prints(text).has("missing_library", &["`libGL.so.1`", "opencv-python-headless"]);
}

#[test]
fn memory() {
    let oom =
        |patient: crate::patient::Patient| patient.with(|it| it.examined.exit = Some(OnceExit { exit_code: 137, oom: true }));
    let found = oom(ended(137)).has("out_of_memory", &["512 MiB", "exit code 137", "`memory`"]);
    assert_eq!(
        (found.suspects[0].cause.clone(), found.suspects[0].certainty),
        (Cause::OutOfMemory { limit: Some(512 << 20) }, Certainty::Certain)
    );
    assert_eq!(ended(137).has("out_of_memory", &[]).suspects[0].certainty, Certainty::Likely);
    // The kernel took a worker; its parent goes on and starts another one.
    let workers = silent(&["0.0.0.0:8000"]).log("gunicorn_out_of_memory");
    assert_eq!(workers.has("out_of_memory", &["Perhaps out of memory?"]).suspects[0].certainty, Certainty::Likely);
    assert_eq!(oom(workers).has("out_of_memory", &[]).suspects[0].certainty, Certainty::Certain);
}

#[test]
fn another_processor() {
    let arm = |it: &mut nonevent_engine::diagnosis::Symptoms| it.examined.image_platform = Some("linux/arm64".into());
    let said = "[FATAL tini (7)] exec python failed: Exec format error";
    ended(126).prints(said).has("wrong_architecture", &["for another processor", "linux/amd64"]);
    ended(1).prints("exec /usr/local/bin/python: exec format error").has("wrong_architecture", &[]);
    let found = ended(126).prints(said).with(arm).has("wrong_architecture", &["its image is for linux/arm64"]);
    let cause = Cause::WrongArchitecture { image: Some("linux/arm64".into()), engine: Some("linux/amd64".into()) };
    assert_eq!(found.suspects[0].cause, cause);
    // Where the image has no shell, the engine's init says that there is no such file.
    let bare = ended(127).prints("[FATAL tini (7)] exec /python failed: No such file or directory");
    bare.clone().with(arm).has("wrong_architecture", &["linux/arm64"]);
    bare.has("command_not_found", &["`/python`"]);
}

#[test]
fn commands_that_are_not_there() {
    ended(127)
        .prints("[FATAL tini (7)] exec gunicron failed: No such file or directory")
        .has("command_not_found", &["`gunicron`", "exit code 127"]);
    // Between two lives, on an engine that has forgotten how the last one ended.
    let forgotten =
        ended(127).prints("[FATAL tini (7)] exec gunicron failed: No such file or directory").with(|it| it.examined.exit = None);
    assert_eq!(forgotten.has("command_not_found", &["`gunicron`"]).suspects[0].certainty, Certainty::Likely);
    ended(126)
        .prints("[FATAL tini (7)] exec /app/start.sh failed: Permission denied")
        .has("command_not_found", &["is no program"]);
    ended(2).log("no_file").has("command_not_found", &["`/app/manage.py`"]);
    ended(127).prints("/bin/sh: 1: gunicron: not found").has("command_not_found", &["`gunicron`"]);
}

#[test]
fn a_command_that_ends_by_itself() {
    ended(0).prints("done").has("ended_by_itself", &["`python -m shop`", "in the foreground"]);
}

#[test]
fn files_that_it_may_not_touch() {
    let found =
        ended(1).log("read_only").source().has("permission_denied", &["`/app/uploads.txt`", "read-only", "shop/broken.py:66"]);
    let Cause::PermissionDenied { path, reason, .. } = &found.suspects[0].cause else { panic!() };
    assert_eq!((path.as_deref(), *reason), (Some("/app/uploads.txt"), Denial::ReadOnly));
    let found = ended(1).log("permission").has("permission_denied", &["`/etc/shadow`", "as user 10001:10001"]);
    let Cause::PermissionDenied { reason, .. } = &found.suspects[0].cause else { panic!() };
    assert_eq!(*reason, Denial::User);
    let text = "Traceback (most recent call last):\n  File \"/app/shop/wsgi.py\", line 1, in <module>\nsqlite3.OperationalError: unable to open database file";
    assert_eq!(ended(1).prints(text).has("permission_denied", &[]).suspects[0].certainty, Certainty::Likely);
}

#[test]
fn databases_that_do_not_answer() {
    let of = |name: &str| match ended(1).log(name).has("database_unreachable", &[]).suspects[0].cause.clone() {
        Cause::DatabaseUnreachable { address, trouble } => (address.unwrap_or_default(), trouble),
        other => panic!("{other:?}"),
    };
    assert_eq!(of("postgres_refused"), ("127.0.0.1:5432".into(), DatabaseTrouble::Refused));
    assert_eq!(of("postgres_unknown_host"), ("db.invalid".into(), DatabaseTrouble::UnknownHost));
    assert_eq!(of("asyncpg_refused"), ("127.0.0.1:5432".into(), DatabaseTrouble::Refused));
    assert_eq!(of("redis_refused"), ("127.0.0.1:6379".into(), DatabaseTrouble::Refused));
    ended(1).log("postgres_refused").source().has("database_unreachable", &["the container itself", "shop/broken.py, line 83"]);
    let raised = |message: &str| {
        ended(1)
            .prints(&format!("Traceback (most recent call last):\n  File \"/app/shop/wsgi.py\", line 1, in <module>\n{message}"))
    };
    let login = raised(
        "psycopg.OperationalError: connection failed: connection to server at \"10.0.0.5\", port 5432 failed: FATAL:  password authentication failed for user \"shop\"",
    );
    login.has("database_unreachable", &["10.0.0.5:5432", "does not accept the login"]);
    raised("psycopg.OperationalError: connection to server at \"db\" (172.18.0.3), port 5432 failed: FATAL:  database \"shop\" does not exist").has("database_unreachable", &["db:5432", "no such database"]);
    raised("pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)\")")
        .has("database_unreachable", &["at db"]);
    // It waits for it, and says so.
    silent(&[])
        .prints("waiting: connection to server at \"db\", port 5432 failed: Connection refused")
        .has("database_unreachable", &["db:5432"]);
    // It answers, and its probe needs it.
    answers(500, "Internal Server Error").log("starlette_database").has("database_unreachable", &["127.0.0.1:5432"]);
    answers(503, "Error 111 connecting to cache:6379. Connection refused.").has("database_unreachable", &["cache:6379"]);
}

#[test]
fn tables_that_are_not_there() {
    let of = |patient: crate::patient::Patient| match patient.has("not_migrated", &["before_start"]).suspects[0].cause.clone() {
        Cause::NotMigrated { table, tool } => (table.unwrap_or_default(), tool),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(ended(1).log("sqlalchemy_no_table")), ("orders".into(), MigrationTool::Unknown));
    assert_eq!(
        of(ended(1).log("sqlalchemy_no_table").source().with(|it| it.source.as_mut().unwrap().alembic = true)),
        ("orders".into(), MigrationTool::Alembic)
    );
    assert_eq!(of(ended(1).log("alembic_behind")), (String::new(), MigrationTool::Alembic));
    let users = answers(500, "<h1>Server Error (500)</h1>").log("django_no_table").with(|it| {
        it.probe = Some(nonevent_engine::model::HealthProbe::Http { path: "/users".into() });
    });
    assert_eq!(of(users), ("auth_user".into(), MigrationTool::Django));
    let raw = "ERROR:    Exception in ASGI application\nTraceback (most recent call last):\n  File \"/app/shop/asgi.py\", line 15, in healthz\npsycopg.errors.UndefinedTable: relation \"orders\" does not exist\nLINE 1: SELECT count(*) FROM orders\n                             ^";
    assert_eq!(of(answers(500, "Internal Server Error").prints(raw)), ("orders".into(), MigrationTool::Unknown));
    assert_eq!(of(answers(503, "relation \"orders\" does not exist")), ("orders".into(), MigrationTool::Unknown));
}

#[test]
fn answers_that_are_no_success() {
    answers(404, "Not Found").has("health_path_missing", &["`/healthz`", "→ 404 Not Found"]);
    let slash = answers(301, "to /healthz/").has("health_redirects", &["set `[health] path = \"/healthz/\"`"]);
    assert_eq!(
        slash.suspects[0].cause,
        Cause::HealthRedirects { path: "/healthz".into(), status: 301, to: Some("/healthz/".into()) }
    );
    answers(301, "to https://shop.localhost/healthz")
        .framework(Framework::Django)
        .has("health_redirects", &["SECURE_REDIRECT_EXEMPT"]);
    answers(302, "to /login?next=/healthz").has("health_redirects", &["/login?next=/healthz", "without a login"]);
    answers(401, "").has("health_unauthorized", &["(401)"]);
    answers(403, "Forbidden").has("health_unauthorized", &["(403)"]);
}

#[test]
fn host_names_that_are_refused() {
    let page = "<!doctype html>\n<html lang=\"en\">\n<body>\n  <h1>Bad Request (400)</h1><p></p>\n</body>\n</html>";
    let found = answers(400, page)
        .log("django_host")
        .source()
        .has("disallowed_host", &["`shop.localhost`", "ALLOWED_HOSTS in site_/settings.py:7"]);
    assert_eq!(found.suspects[0].certainty, Certainty::Certain);
    let quiet = answers(400, page).log("django_silent").framework(Framework::Django).has("disallowed_host", &[]);
    assert_eq!(quiet.suspects[0].certainty, Certainty::Likely);
    answers(400, "Invalid host header").log("starlette_host").has("disallowed_host", &["TrustedHostMiddleware"]);
}

#[test]
fn a_start_that_takes_its_time() {
    let busy = silent(&[]).with(|it| it.examined.busy = Some(970));
    busy.has("slow_start", &["still starting after 60 s", "97 % of a processor core", "deadline = \"180s\""]);
    let prints = silent(&[])
        .prints("loading part 1\nloading part 2")
        .with(|it| it.examined.lines[1].at = Some("2026-11-23T10:00:59Z".into()));
    prints.has("slow_start", &["loading part 2"]);
}

#[test]
fn workers_that_take_too_long() {
    let mut patient = silent(&["0.0.0.0:8000"]).log("gunicorn_timeout");
    patient.0.transcript[0].outcome = failed("no answer within 5 s");
    let found = patient.has("worker_timeout", &["before the app is loaded", "WORKER TIMEOUT (pid:11)", "--timeout"]);
    assert_eq!(
        (found.suspects[0].cause.clone(), found.suspects[0].certainty),
        (Cause::WorkerTimeout { during: Moment::Start }, Certainty::Certain)
    );
}

#[test]
fn static_files_that_django_does_not_know() {
    let page = answers(500, "").log("django_static").with(|it| {
        it.probe = Some(nonevent_engine::model::HealthProbe::Http { path: "/page".into() });
    });
    page.has("missing_static_files", &["`site.css`", "collectstatic"]);
}

#[test]
fn the_last_whole_life_of_what_keeps_ending_counts() {
    let again = ended(1).log("traceback").prints("starting").with(|it| {
        it.examined.state = Some(InstanceState::Running);
        it.examined.started_at = Some("2026-11-23T10:00:30Z".into());
        it.examined.lines.last_mut().unwrap().at = Some("2026-11-23T10:00:31Z".into());
    });
    again.has("uncaught_exception", &["shop/prices.py:5"]);
}
