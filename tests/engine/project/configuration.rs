//! Every key of the configuration, and the defaults where there is none.

use std::time::Duration;

use nonevent_engine::model::{
    CommandLine, EnvironmentName, EnvironmentSettings, HealthProbe, Https, ProcessName, Ready, SecretDelivery, Strictness,
    VolumeMount,
};
use nonevent_engine::project::Project;

use crate::tree::{Tree, explained};

const APP: &str = "from fastapi import FastAPI\n\napp = FastAPI()\n";

fn tree() -> Tree {
    let manifest = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"fastapi\", \"uvicorn\"]\n[project.optional-dependencies]\npostgres = [\"psycopg\"]\n[dependency-groups]\nextra = [\"rich\"]\n";
    Tree::new().file("pyproject.toml", manifest).file("main.py", APP)
}

fn configured(text: &str) -> Project {
    tree().file("nonevent.toml", text).project()
}

fn environment<'a>(project: &'a Project, name: &str) -> &'a EnvironmentSettings {
    &project.settings.environments[&EnvironmentName::from(name)]
}

#[test]
fn without_a_configuration_there_is_one_local_environment() {
    let project = tree().project();
    assert_eq!(project.configuration, None);
    let names: Vec<_> = project.settings.environments.keys().map(EnvironmentName::as_str).collect();
    assert_eq!(names, ["local"]);
    let local = environment(&project, "local");
    assert_eq!((local.target.as_str(), local.domain.as_str(), local.replicas), ("docker", "shop.localhost", 1));
    assert_eq!((local.bake, local.drain), (Duration::ZERO, Duration::from_secs(10)));
    assert_eq!(local.resources.memory, 512 << 20);
    let health = &project.settings.health;
    let seconds = [health.interval, health.timeout, health.deadline].map(|length| length.as_secs());
    assert_eq!((seconds, health.successes), ([1, 5, 60], 2));
    assert_eq!(project.settings.release.keep.releases, 5);
    assert_eq!(project.settings.lock.unhashed, Strictness::Refuse);
    assert_eq!(project.settings.app.processes[0].stop_grace, Duration::from_secs(10));
}

#[test]
fn other_environments_have_domains_of_their_own_and_bake() {
    let project = configured(
        "[environments.staging]\n[environments.production]\ntarget = \"ssh://deploy@shop.example.com\"\ndomain = \"shop.example.com\"\n",
    );
    let staging = environment(&project, "staging");
    assert_eq!((staging.domain.as_str(), staging.bake.as_secs()), ("staging.shop.localhost", 30));
    let production = environment(&project, "production");
    assert_eq!((production.target.as_str(), production.domain.as_str()), ("ssh://deploy@shop.example.com", "shop.example.com"));
}

#[test]
fn environments_come_in_the_order_in_which_a_release_goes_through_them() {
    let project = configured(
        "[environments.beta]\nafter = \"staging\"\n[environments.demo]\n[environments.production]\nafter = \"beta\"\n[environments.staging]\n",
    );
    let names: Vec<_> = project.settings.in_order().into_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["local", "demo", "staging", "beta", "production"]);
}

#[test]
fn the_manifest_may_hold_the_configuration() {
    let text = "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"uvicorn\"]\n\n[tool.nonevent.app]\nport = 9000\n";
    let project = Tree::new().file("pyproject.toml", text).file("main.py", APP).project();
    assert_eq!(project.configuration.as_deref(), Some("pyproject.toml".as_ref()));
    assert_eq!(explained(&project, "app.port"), "9000 (pyproject.toml:7)");
}

#[test]
fn the_app_is_configured() {
    let text = "[app]\nname = \"store\"\ncommand = \"serve --all\"\nport = 9000\nenv = { LOG = \"1\" }\nvolumes = { media = \"/app/media\" }\nstop_grace = \"1m30s\"\n";
    let app = configured(text).settings.app;
    assert_eq!((app.name.as_str(), app.env["LOG"].as_str()), ("store", "1"));
    assert_eq!(app.processes[0].command, CommandLine::Shell("serve --all".into()));
    assert_eq!(app.processes[0].stop_grace, Duration::from_secs(90));
    let volume = |name: &str, path: &str| VolumeMount { name: name.into(), path: path.into(), exclusive: false };
    assert_eq!(app.volumes, [volume("media", "/app/media")]);
    let app = configured("[app]\nvolumes = [\"/app/media\", \"files:/var/lib/files\"]\n").settings.app;
    assert_eq!(app.volumes, [volume("media", "/app/media"), volume("files", "/var/lib/files")]);
}

#[test]
fn the_build_is_configured() {
    let text = "[build]\nbase = \"python:3.12-slim\"\ninclude = [\".env.example\"]\nexclude = [\"*.psd\"]\nca_bundle = \"/etc/ca.pem\"\nextras = [\"Postgres\"]\ngroups = [\"extra\"]\n";
    let build = configured(text).settings.build;
    assert_eq!(
        (build.base.as_str(), build.include, build.exclude),
        ("python:3.12-slim", vec![".env.example".into()], vec!["*.psd".into()])
    );
    assert_eq!((build.extras, build.groups), (vec!["postgres".into()], vec!["extra".into()]));
    assert_eq!(build.ca_bundle.as_deref(), Some("/etc/ca.pem".as_ref()));
    let text = "[build]\ndockerfile = \"docker/Web\"\nstage = \"final\"\nargs = { A = \"1\" }\nsecrets = { token = \"env:TOKEN\", key = \"key.txt\" }\n";
    let build = tree()
        .file("docker/Web", "FROM python:3.13 AS final\nCMD [\"x\"]\n")
        .file("nonevent.toml", text)
        .project()
        .settings
        .build;
    assert_eq!(
        (build.stage.as_deref(), build.args["A"].as_str(), build.secrets["token"].as_str()),
        (Some("final"), "1", "env:TOKEN")
    );
}

#[test]
fn services_are_configured_and_known_images_complete_them() {
    let text = "[services.db]\nimage = \"postgres:17\"\nenv = { POSTGRES_PASSWORD = \"made-up\" }\nprovides = { DATABASE_URL = \"postgresql://db\" }\n[services.own]\nimage = \"example.com/own@sha256:aa\"\ncommand = [\"serve\"]\nready = { log = \"ready\" }\ndata = \"/data\"\n[services.other]\nimage = \"other\"\nready = { command = \"true\" }\n[services.plain]\nimage = \"plain\"\n";
    let services = configured(text).settings.services;
    assert_eq!((&services["db"].ready, services["db"].data.as_deref()), (&Ready::Port(5432), Some("/var/lib/postgresql/data")));
    assert_eq!((&services["own"].ready, services["own"].data.as_deref()), (&Ready::Log("ready".into()), Some("/data")));
    assert_eq!(services["other"].ready, Ready::Command(CommandLine::Shell("true".into())));
    assert_eq!((&services["plain"].ready, services["plain"].data.as_deref()), (&Ready::Running, None));
}

#[test]
fn health_and_release_are_configured() {
    let text = "[health]\npath = \"/up?full=1\"\ninterval = \"500ms\"\ntimeout = \"2s\"\nsuccesses = 3\ndeadline = \"2m\"\n[release]\nbefore_start = [\"migrate\"]\nkeep = 0\n";
    let settings = configured(text).settings;
    assert_eq!(settings.health.probe, HealthProbe::Http { path: "/up?full=1".into() });
    assert_eq!((settings.health.interval, settings.health.successes), (Duration::from_millis(500), 3));
    assert_eq!(
        (settings.release.before_start, settings.release.keep.releases),
        (Some(CommandLine::Exec(vec!["migrate".into()])), 0)
    );
    assert_eq!(configured("[health]\ntcp = true\n").settings.health.probe, HealthProbe::Tcp);
    let command = HealthProbe::Command(CommandLine::Shell("check".into()));
    assert_eq!(configured("[health]\ncommand = \"check\"\n").settings.health.probe, command);
}

#[test]
fn environments_are_configured() {
    let text = "[services.db]\nimage = \"postgres:17\"\n[process.worker]\ncommand = \"work\"\nreplicas = 2\n[environments.staging]\n[environments.production]\ndomain = \"shop.example.com\"\nreplicas = 3\nprocess.worker.replicas = 4\nenv = { LOG = \"1\" }\nsecrets = [\"DATABASE_URL\"]\nsecret_delivery = \"file\"\nservices = [\"db\"]\nafter = \"staging\"\nprotected = true\nmemory = \"1GiB\"\ncpus = 0.5\npids = 100\nbake = \"5m\"\ndrain = \"20s\"\n";
    let project = configured(text);
    let production = environment(&project, "production");
    let worker = ProcessName::from("worker");
    assert_eq!((production.replicas, production.processes[&worker].replicas), (3, Some(4)));
    assert_eq!(environment(&project, "staging").processes[&worker].replicas, Some(2));
    assert_eq!(
        (production.secrets.as_slice(), production.secret_delivery),
        (["DATABASE_URL".to_owned()].as_slice(), SecretDelivery::File)
    );
    assert_eq!((production.after.as_ref().map(EnvironmentName::as_str), production.protected), (Some("staging"), true));
    assert_eq!((production.resources.memory, production.resources.cpus, production.resources.pids), (1 << 30, 0.5, 100));
    assert_eq!((production.bake.as_secs(), production.drain.as_secs()), (300, 20));
    assert_eq!((production.services.as_slice(), production.env["LOG"].as_str()), (["db".to_owned()].as_slice(), "1"));
}

#[test]
fn a_secret_may_come_from_a_command() {
    let text = "[environments.local.secrets]\nAPI_KEY = { command = \"op read 'op://a b/c'\" }\nOTHER = {}\n[gauntlet.unit]\nrun = \"pytest\"\nsecrets.TOKEN = { command = \"pass show token\" }\n";
    let project = configured(text);
    let local = environment(&project, "local");
    assert_eq!(local.secrets, ["API_KEY", "OTHER"]);
    let commands: Vec<_> = local.secret_commands.iter().map(|(name, command)| (name.as_str(), command.as_str())).collect();
    assert_eq!(commands, [("API_KEY", "op read 'op://a b/c'")]);
    let unit = project.settings.gauntlet.gates.iter().find(|gate| gate.name == "unit").unwrap();
    assert_eq!((unit.secrets[0].as_str(), unit.secret_commands["TOKEN"].as_str()), ("TOKEN", "pass show token"));
    for wrong in
        ["A = { command = \"\" }", "A = { command = \"op 'read\" }", "A = \"made-up\"", "A = { comand = \"x\" }", "a-b = {}"]
    {
        let error = tree().file("nonevent.toml", &format!("[environments.local.secrets]\n{wrong}\n")).error().to_string();
        assert!(!error.contains("made-up"), "a value that stands there is not shown: {error}");
    }
}

#[test]
fn https_is_there_for_local_names_and_asked_for_elsewhere() {
    let text = "[environments.local]\n[environments.staging]\ndomain = \"staging.example.com\"\n[environments.plain]\nhttps = \"off\"\n[environments.production]\ndomain = \"shop.example.com\"\nhttps = \"acme\"\nacme = { email = \"ops@example.com\", ca_bundle = \"ca.pem\" }\n";
    let project = configured(text);
    assert_eq!(environment(&project, "local").https, Https::Local);
    assert_eq!(environment(&project, "staging").https, Https::Off);
    assert_eq!(environment(&project, "plain").https, Https::Off);
    let Https::Acme(acme) = &environment(&project, "production").https else { panic!("{project:?}") };
    assert!(acme.directory.starts_with("https://acme-v02."), "{}", acme.directory);
    assert_eq!(
        (acme.email.as_deref(), acme.ca_bundle.as_deref()),
        (Some("ops@example.com"), Some(std::path::Path::new("ca.pem")))
    );
    assert_eq!(explained(&project, "environments.local.https"), "\"local\" (default)");
    assert_eq!(explained(&project, "environments.production.https"), "\"acme\" (nonevent.toml:8)");
}

#[test]
fn replicas_mean_the_only_process_where_there_is_one() {
    let text = "[app]\ncommand = \"celery --app jobs worker\"\n[environments.local]\nreplicas = 3\n";
    let project = configured(text);
    assert_eq!(environment(&project, "local").processes[&ProcessName::from("worker")].replicas, Some(3));
}

#[test]
fn every_value_is_explained_in_the_order_of_the_configuration() {
    let text = "[services.db]\nimage = \"postgres:17\"\n[environments.production]\n[environments.local]\nservices = [\"db\"]\n[app]\nenv = { \"A\" = \"x\\\"y\" }\n";
    let project = configured(text);
    let mut tables: Vec<_> = project.explained.iter().filter_map(|setting| setting.key.split('.').next()).collect();
    tables.dedup();
    assert_eq!(tables, ["app", "build", "lock", "gauntlet", "services", "health", "release", "notify", "logs", "environments"]);
    let environments: Vec<_> = project.explained.iter().filter_map(|setting| setting.key.strip_suffix(".target")).collect();
    assert_eq!(environments, ["environments.local", "environments.production"]);
    for setting in &project.explained {
        let text = format!("{} = {}", setting.key, setting.value);
        assert!(text.parse::<toml_edit::DocumentMut>().is_ok(), "{text}");
    }
    assert_eq!(explained(&project, "environments.local.services"), "[\"db\"] (nonevent.toml:5)");
}

#[test]
fn what_is_explained_is_a_configuration_with_the_same_meaning() {
    let text = "[services.db]\nimage = \"postgres:17\"\nready = { log = \"ready\" }\n[process.worker]\ncommand = \"work\"\n[environments.production]\nreplicas = 2\nmemory = \"1GB\"\nafter = \"local\"\nsecrets = [\"A\"]\n[environments.production.probes.web]\npath = \"/x\"\nstatus = [\"200-204\", 301]\njson = \"$.a\"\nequals = \"b\"\nlatency = \"1s\"\nredirects = 2\nfall = \"2 of 3\"\n[environments.production.probes.db]\ntcp = \"db.example.com:5432\"\n[environments.production.probes.queue]\ncommand = \"check\"\nprocess = \"worker\"\n[environments.production.probes.own]\ncontainer = true\nrestarts = 2\n[health]\nneighbours = [\"192.0.2.1:443\"]\n[notify]\nquiet = \"22:00-07:00\"\n[app]\nvolumes = [\"/app/media\"]\n[gauntlet]\nunit = { run = \"pytest\", needs = [] }\n";
    let project = configured(text);
    let inferred = ["app.framework", "app.python"];
    let written: Vec<_> = project.explained.iter().filter(|setting| !inferred.contains(&setting.key.as_str())).collect();
    let text: String = written.iter().map(|setting| format!("{} = {}\n", setting.key, setting.value)).collect();
    let again = configured(&text);
    let mut settings = again.settings.clone();
    // The command that was inferred is now given, and gates that are not set up are now switched off.
    settings.gauntlet = project.settings.gauntlet.clone();
    assert_eq!(settings, project.settings);
}
