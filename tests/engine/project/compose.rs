//! Services from compose files as people write them.

use std::time::Duration;

use nonevent_engine::model::{CommandLine, GateSettings, Ready, ServiceMoment, ServiceSettings};
use nonevent_engine::project::Project;

use crate::tree::{Tree, explained};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

/// A project with integration tests and a compose file.
fn with(compose: &str) -> Tree {
    Tree::new()
        .file(
            "pyproject.toml",
            "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n[tool.pytest.ini_options]\n",
        )
        .file("shop/__init__.py", "")
        .file("shop/main.py", APP)
        .file("tests/unit/test_a.py", "")
        .file("tests/integration/test_b.py", "")
        .file("compose.yaml", compose)
}

fn integration(project: &Project) -> &GateSettings {
    project.settings.gauntlet.gates.iter().find(|gate| gate.name == "integration").unwrap()
}

fn env(service: &ServiceSettings) -> Vec<(&str, &str)> {
    service.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn messages(project: &Project) -> Vec<&str> {
    project.warnings.iter().map(|warning| warning.message.as_str()).collect()
}

fn refused(project: &Project, service: &str) -> String {
    project.settings.services[service].container.refused.clone().unwrap_or_default()
}

fn shell(line: &str) -> Ready {
    Ready::Command(CommandLine::Shell(line.into()))
}

fn exec(words: &[&str]) -> Ready {
    Ready::Command(CommandLine::Exec(words.iter().map(|word| (*word).to_owned()).collect()))
}

/// The shape of most projects: an app that is built, a database and a cache, long syntax, anchors.
const USUAL: &str = r#"name: shop
version: "3.9"

x-environment: &environment
  DATABASE_URL: postgresql://shop:secret@db:5432/shop
  REDIS_URL: redis://cache:6379/0
  DEBUG: "1"

x-health: &health
  interval: 10s
  timeout: 5s
  retries: 30
  start_period: 20s

services:
  web:
    build:
      context: .
      dockerfile: docker/web.Dockerfile
    command: uvicorn shop.main:app --host 0.0.0.0
    environment:
      <<: *environment
      ROLE: web
    ports: ["8000:8000"]
    volumes: [".:/app"]
    depends_on:
      db: { condition: service_healthy, restart: true }
      cache: { condition: service_started }
      buckets: { condition: service_completed_successfully }

  worker:
    extends: web
    command: celery worker

  db:
    image: postgres:17
    restart: unless-stopped
    environment:
      POSTGRES_USER: shop
      POSTGRES_PASSWORD: ${DB_PASSWORD:-secret}
      POSTGRES_DB: shop
      PGDATA: /var/lib/postgresql/data/pgdata
    volumes:
      - data:/var/lib/postgresql/data
      - ./docker/init:/docker-entrypoint-initdb.d:ro
      - type: bind
        source: ./docker/postgres.conf
        target: /etc/postgresql/postgresql.conf
        read_only: true
    command: ["postgres", "-c", "config_file=/etc/postgresql/postgresql.conf"]
    healthcheck:
      <<: *health
      test: ["CMD-SHELL", "pg_isready -U $${POSTGRES_USER} -d $$POSTGRES_DB"]
    shm_size: 256mb
    networks:
      default:
        aliases: [postgres]

  cache:
    image: redis:8
    command: redis-server --save "" --appendonly no
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]

  store:
    image: minio/minio
    command: server /data --console-address ":9001"
    environment: [MINIO_ROOT_USER=minio, "MINIO_ROOT_PASSWORD=minio123"]

  buckets:
    image: minio/mc
    depends_on: [store]
    entrypoint: ["/bin/sh", "-c"]
    command:
      - mc mb local/shop

  adminer:
    image: adminer
    ports: ["8080:8080"]
    profiles: [tools]

volumes:
  data:
networks:
  default:
"#;

#[test]
fn the_usual_compose_file_is_understood() {
    let tree = with(USUAL)
        .file("docker/init/01-schema.sql", "CREATE TABLE a();\n")
        .file("docker/init/02/more.sh", "#!/bin/sh\n")
        .file("docker/postgres.conf", "fsync = off\n");
    let project = tree.project();
    assert_eq!(messages(&project), Vec::<&str>::new());
    let services = &project.settings.services;
    let names: Vec<&String> = services.keys().collect();
    assert_eq!(names, ["adminer", "buckets", "cache", "db", "store"]);

    let db = &services["db"];
    let expected = [
        ("PGDATA", "/var/lib/postgresql/data/pgdata"),
        ("POSTGRES_DB", "shop"),
        ("POSTGRES_PASSWORD", "secret"),
        ("POSTGRES_USER", "shop"),
    ];
    assert_eq!((db.image.as_str(), env(db)), ("postgres:17", expected.to_vec()));
    assert_eq!(db.ready, shell("pg_isready -U ${POSTGRES_USER} -d $POSTGRES_DB"));
    assert_eq!(db.container.port, Some(5432), "its socket answers before it listens");
    assert_eq!(db.within, Duration::from_secs(20 + 30 * 15));
    assert_eq!(
        (db.container.shared_memory, db.container.aliases.as_slice()),
        (Some(256 << 20), ["postgres".to_owned()].as_slice())
    );
    let files: Vec<(String, &str)> =
        db.container.files.iter().map(|file| (file.source.display().to_string(), file.target.as_str())).collect();
    let expected = [
        ("docker/init/01-schema.sql".to_owned(), "/docker-entrypoint-initdb.d/01-schema.sql"),
        ("docker/init/02/more.sh".to_owned(), "/docker-entrypoint-initdb.d/02/more.sh"),
        ("docker/postgres.conf".to_owned(), "/etc/postgresql/postgresql.conf"),
    ];
    assert_eq!(files, expected);

    let cache = &services["cache"];
    let words = ["redis-server", "--save", "", "--appendonly", "no"].map(str::to_owned).to_vec();
    assert_eq!((&cache.command, &cache.ready), (&Some(CommandLine::Exec(words)), &exec(&["redis-cli", "ping"])));
    assert_eq!(cache.within, ServiceSettings::WITHIN);

    let buckets = &services["buckets"];
    assert_eq!(buckets.ready, Ready::Completed, "the app waits for its end");
    assert_eq!(buckets.container.after["store"], ServiceMoment::Started);
    assert_eq!(buckets.container.entrypoint, Some(vec!["/bin/sh".into(), "-c".into()]));
    assert_eq!(env(&services["store"]), [("MINIO_ROOT_PASSWORD", "minio123"), ("MINIO_ROOT_USER", "minio")]);

    let gate = integration(&project);
    assert_eq!(gate.services, ["db", "cache", "store", "buckets"], "what the app depends on, and what that depends on");
    assert_eq!(gate.env["DATABASE_URL"], "postgresql://shop:secret@db:5432/shop");
    assert_eq!((gate.env["DEBUG"].as_str(), gate.env["ROLE"].as_str()), ("1", "web"));
    assert_eq!(
        explained(&project, "gauntlet.compose"),
        "\"compose.yaml\" (inferred from there is a `compose.yaml`; `web` (compose.yaml:16) and `worker` (compose.yaml:31) are taken to be the app itself)"
    );
    assert_eq!(explained(&project, "services.db.env.POSTGRES_PASSWORD"), "\"${DB_PASSWORD:-secret}\" (compose.yaml:40)");
    assert_eq!(explained(&project, "gauntlet.integration.env.REDIS_URL"), "\"redis://cache:6379/0\" (compose.yaml:6)");
}

#[test]
fn short_forms_and_files_of_variables_are_read() {
    let compose = "services:\n  db:\n    image: mysql:${MYSQL_VERSION}\n    env_file: .env.db\n    environment:\n      - MYSQL_DATABASE=shop\n      - MYSQL_USER\n      - NOBODY_SETS_THIS\n    healthcheck:\n      test: mysqladmin ping\n  cache:\n    image: redis\n    env_file:\n      - path: ./absent.env\n        required: false\n      - cache.env\n    depends_on: [db]\n    healthcheck:\n      disable: true\n  search:\n    image: elastic/search:9\n    healthcheck: { test: [NONE] }\n    tmpfs: /scratch:size=64m\n    user: 1000:1000\n    working_dir: /srv\n    hostname: elastic\n";
    let tree = with(compose)
        .file(".env", "MYSQL_VERSION=9.1\nMYSQL_USER=shop\n")
        .file(
            ".env.db",
            "# for the database\nMYSQL_DATABASE=other\nMYSQL_PASSWORD='p$$ss'\nMYSQL_ROOT_PASSWORD=\"${MYSQL_USER}-root\"\n",
        )
        .file("cache.env", "A=1\n");
    let project = tree.project();
    assert_eq!(messages(&project), Vec::<&str>::new());
    let services = &project.settings.services;
    let expected =
        [("MYSQL_DATABASE", "shop"), ("MYSQL_PASSWORD", "p$$ss"), ("MYSQL_ROOT_PASSWORD", "shop-root"), ("MYSQL_USER", "shop")];
    assert_eq!((services["db"].image.as_str(), env(&services["db"])), ("mysql:9.1", expected.to_vec()));
    assert_eq!(services["db"].ready, shell("mysqladmin ping"));
    // Without an app that says how, a service is found by the variable of most programs.
    assert_eq!(services["db"].provides["DATABASE_URL"], "mysql://shop:p%24%24ss@db:3306/shop");
    assert_eq!(services["cache"].provides["REDIS_URL"], "redis://cache:6379/0");
    assert_eq!((&services["cache"].ready, env(&services["cache"])), (&Ready::Port(6379), vec![("A", "1")]));
    assert_eq!(services["cache"].container.after["db"], ServiceMoment::Started);
    let search = &services["search"];
    assert_eq!((&search.ready, search.container.port), (&Ready::Running, None));
    assert_eq!(search.container.tmpfs, ["/scratch"]);
    assert_eq!((search.container.user.as_deref(), search.container.workdir.as_deref()), (Some("1000:1000"), Some("/srv")));
    assert_eq!(search.container.aliases, ["elastic"]);
    assert_eq!(integration(&project).services, ["db", "cache", "search"]);
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let compose = "include: [other.yaml]\nservices:\n  db:\n    image: postgres:17\n    cap_add: [SYS_NICE]\n    privileged: true\n    ports: [\"5432:5432\"]\n    x-own: 1\n    healthcheck:\n      test: [\"CMD\", \"true\"]\n      interval: soon\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock\n      - ./missing.sql:/docker-entrypoint-initdb.d/a.sql\n      - ~/backup:/backup\n    networks:\n      default:\n        ipv4_address: 10.0.0.2\n    environment:\n      TAG: ${NOBODY_SETS_THIS}\n";
    let project = with(compose).project();
    let expected = [
        "compose.yaml:1: `include` is not understood",
        "compose.yaml:20: service `db`: the variable `NOBODY_SETS_THIS` is not set and taken as empty",
        "compose.yaml:11: service `db`: the time `soon` of `healthcheck.interval` is not understood and left out",
        "compose.yaml:13: service `db`: `/var/run/docker.sock` lies outside the project and is left out",
        "compose.yaml:14: service `db`: `./missing.sql` does not exist and is left out",
        "compose.yaml:15: service `db`: `~/backup` lies outside the project and is left out",
        "compose.yaml:18: service `db`: the address in the network `default` is not understood and left out",
        "compose.yaml:5: service `db`: `cap_add` is not understood and left out",
        "compose.yaml:6: service `db`: `privileged` is not understood and left out",
    ];
    assert_eq!(messages(&project), expected);
    assert!(project.warnings[0].hint.as_ref().unwrap().contains("[services]"));
}

#[test]
fn services_that_cannot_be_had_say_why() {
    let compose = "services:\n  smtp:\n    build: ./smtp\n  proxy:\n    image: nginx\n    depends_on: [web]\n  web:\n    build: .\n  lost:\n    image: redis\n    depends_on:\n      nobody: { condition: service_started }\n  maybe:\n    image: redis\n    depends_on:\n      nobody: { condition: service_started, required: false }\n  needy:\n    image: redis:${TAG:?set it in .env}\n  bare: {}\n  own:\n    extends: { file: base.yaml, service: own }\n  files:\n    image: redis\n    env_file: absent.env\n  a:\n    image: redis\n    depends_on: [b]\n  b:\n    image: redis\n    depends_on: [a]\n  odd:\n    image: $1\n";
    let project = with(compose).project();
    let table = [
        ("smtp", "its image is built from `smtp` (compose.yaml:3), which is not done for gates"),
        ("proxy", "it needs `web`, which is the app itself (compose.yaml:4)"),
        ("lost", "it needs `nobody`, which does not exist (compose.yaml:9)"),
        ("maybe", ""),
        ("needy", "the variable `TAG` must be set: set it in .env (compose.yaml:18)"),
        ("bare", "it has no image (compose.yaml:19)"),
        ("own", "it extends another service (compose.yaml:21), which is not understood"),
        ("files", "its `env_file` absent.env cannot be used: there is no such file (compose.yaml:24)"),
        ("a", "it waits for itself through `depends_on` (compose.yaml:25)"),
        ("b", "it waits for itself through `depends_on` (compose.yaml:28)"),
        ("odd", "`$1` is no variable: write a dollar as `$$` (compose.yaml:32)"),
    ];
    for (service, reason) in table {
        assert_eq!(refused(&project, service), reason, "{service}");
    }
}

#[test]
fn folders_with_data_of_the_developer_are_not_copied() {
    let compose = "services:\n  db:\n    image: postgres:17\n    volumes:\n      - ./database:/var/lib/postgresql/data\n      - ./ignored:/seed\n      - ./later:/later\n      - ./seed:/more\nsecrets:\n  password: { file: ./password.txt }\n";
    let with_secret = compose.replace("      - ./seed:/more\n", "      - ./seed:/more\n    secrets: [password, absent]\n");
    let tree = with(&with_secret)
        .file(".gitignore", "ignored/\n*.log\n")
        .file("database/base/1", "rows of mine")
        .file("ignored/rows.sql", "")
        .file("seed/rows.sql", "")
        .file("seed/noise.log", "")
        .file("password.txt", "made-up");
    let project = tree.project();
    let files = project.settings.services["db"].container.files.clone();
    let targets: Vec<&str> = files.iter().map(|file| file.target.as_str()).collect();
    assert_eq!(targets, ["/more/rows.sql", "/run/secrets/password"]);
    assert_eq!(messages(&project), ["compose.yaml:9: service `db`: `secrets.absent` is no file of the project and is left out"]);
}

#[test]
fn the_configuration_has_the_last_word() {
    let compose = "services:\n  db:\n    image: postgres:17\n  cache:\n    image: redis\n";
    let project = with(compose).file("nonevent.toml", "[services.own]\nimage = \"redis:8\"\n").project();
    assert_eq!(project.settings.services.keys().collect::<Vec<_>>(), ["own"]);
    let project = with(compose).file("nonevent.toml", "[gauntlet]\ncompose = false\n").project();
    assert!(project.settings.services.is_empty());
    let project = with(compose)
        .file("nonevent.toml", "[gauntlet]\nintegration = { services = [\"cache\"], timeout = \"20m\" }\n")
        .project();
    assert_eq!(integration(&project).services, ["cache"]);
    let elsewhere =
        with("not: read\n").file("deploy/test.yml", "services:\n  mq:\n    image: rabbitmq:4\n    env_file: mq.env\n");
    let elsewhere = elsewhere.file("deploy/mq.env", "A=1\n").file("nonevent.toml", "[gauntlet]\ncompose = \"deploy/test.yml\"\n");
    let project = elsewhere.project();
    assert_eq!(
        (integration(&project).services.clone(), env(&project.settings.services["mq"])),
        (vec!["mq".to_owned()], vec![("A", "1")])
    );
    let error = with(compose).file("nonevent.toml", "[gauntlet]\ncompose = \"absent.yaml\"\n").error();
    assert_eq!(error.to_string(), "cannot read `absent.yaml`: there is no such file");
    let error = with(compose).file("nonevent.toml", "[gauntlet]\nintegration = { services = [\"cach\"] }\n").error();
    assert_eq!(error.hint().as_deref(), Some("did you mean `cache`?"));
    let both = "[gauntlet]\ncompose = \"compose.yaml\"\n[services.own]\nimage = \"redis:8\"\n";
    assert!(
        with(compose).file("nonevent.toml", both).error().to_string().starts_with("both `gauntlet.compose` and `[services]`")
    );
}

#[test]
fn a_broken_file_is_an_error_with_its_line() {
    let error = with("services:\n  db:\n    image: [postgres\n").error();
    assert!(error.to_string().starts_with("cannot read `compose.yaml`: line "), "{error}");
    assert!(with("services: [db]\n").project().settings.services.is_empty());
    assert!(with("\n").project().settings.services.is_empty());
}

#[test]
fn profiles_keep_services_back_until_they_are_asked_for() {
    let compose = "services:\n  db:\n    image: postgres:17\n  mail:\n    image: axllent/mailpit\n    profiles: [mail, all]\n";
    assert_eq!(integration(&with(compose).project()).services, ["db"]);
    let project = with(compose).file(".env", "COMPOSE_PROFILES=x, mail\n").project();
    assert_eq!(integration(&project).services, ["db", "mail"]);
    let named = with(compose).file("nonevent.toml", "[gauntlet]\nintegration = { services = [\"mail\"] }\n");
    assert_eq!(integration(&named.project()).services, ["mail"]);
}
