//! What queries show to people.

use nonevent_cli::error::CliError;
use nonevent_cli::page;
use nonevent_cli::paint::Paint;
use nonevent_cli::session::{Detail, View};
use nonevent_cli::tell::plan_lines;
use nonevent_cli::verbs::{diff, engine, exec, explain, gc, history, lock, logs, open, projects, releases, status};
use nonevent_engine::model::{
    AppSettings, BuilderKind, Changed, Commit, Commits, Digest, EngineInfo, EngineOrigin, EnvironmentStatus, Evidence,
    ExceptionGroup, Framework, GateEvidence, HealthCheck, HealthProbe, HealthState, Https, Instance, InstanceState, LockFinding,
    LockKind, LockReport, LockSituation, LogField, LogFrame, LogLevel, LogLine, LogRecord, LogStream, Origin, Placement, Release,
    ReleaseDiff, ReleaseSettings, Resources, RolloutReason, RolloutRecord, RolloutState, SecretDelivery, ServiceStatus, Setting,
    SourceState, StoreKind, Strictness,
};
use nonevent_engine::request::{Garbage, ProjectSummary, Sweep};

use crate::scenarios::{NEW, OLD, plan, steps};

fn view(detail: Detail) -> View {
    View { paint: Paint::Plain, detail, width: None, now: "2026-11-23T10:00:00Z".parse().unwrap() }
}

fn instance(process: &str, number: u8, state: InstanceState) -> Instance {
    Instance {
        id: format!("c{number}").as_str().into(),
        name: format!("shop-local-{process}-{number}"),
        process: process.into(),
        release: NEW.into(),
        rollout: "r1".into(),
        address: Some(format!("10.88.0.{number}")),
        serving: process == "web" && state == InstanceState::Running,
        restarts: u32::from(state != InstanceState::Running) * 3,
        state,
        started_at: Some("2026-11-23T08:00:00Z".into()),
    }
}

fn environment(name: &str, health: HealthState) -> EnvironmentStatus {
    EnvironmentStatus {
        project: "shop".into(),
        environment: name.into(),
        health,
        serving: None,
        since: None,
        url: None,
        https_url: None,
        instances: Vec::new(),
        services: Vec::new(),
        rollout: None,
        held_by: None,
        unreachable: None,
        lacks: Vec::new(),
    }
}

fn serving() -> EnvironmentStatus {
    let service = |name: &str, running| ServiceStatus {
        name: name.into(),
        image: "postgres:17".into(),
        running,
        volume: Some(format!("shop-local-{name}")),
    };
    EnvironmentStatus {
        serving: Some(NEW.into()),
        since: Some("2026-11-23T08:00:00Z".into()),
        url: Some("http://shop.localhost".into()),
        instances: vec![
            instance("web", 1, InstanceState::Running),
            instance("web", 2, InstanceState::Exited { exit_code: 137, oom: true }),
            instance("worker", 3, InstanceState::Running),
        ],
        services: vec![service("cache", false), service("db", true)],
        ..environment("local", HealthState::Degraded)
    }
}

fn environments() -> Vec<EnvironmentStatus> {
    vec![
        serving(),
        EnvironmentStatus {
            serving: Some(OLD.into()),
            since: Some("2026-11-20T10:00:00Z".into()),
            url: Some("https://shop.example.com".into()),
            rollout: Some("r2".into()),
            ..environment("production", HealthState::Healthy)
        },
        EnvironmentStatus {
            unreachable: Some("ssh://deploy@shop.example.com does not answer".into()),
            lacks: Vec::new(),
            ..environment("staging", HealthState::Unknown)
        },
        environment("review", HealthState::Empty),
    ]
}

#[test]
fn status_shows_a_word_with_every_light() {
    insta::assert_snapshot!(status::text(&environments(), view(Detail::Normal)));
}

#[test]
fn verbose_status_lists_instances() {
    insta::assert_snapshot!(status::text(&environments(), view(Detail::Lines)));
}

#[test]
fn an_empty_status_teaches_the_next_step() {
    let empty = [environment("local", HealthState::Empty)];
    insta::assert_snapshot!(status::text(&empty, view(Detail::Normal)), @r"
    environment  state
    local        ○ empty

    `nonevent ship` brings the project up on this laptop
    ");
}

fn release(id: &str, source: SourceState, states: &[&str]) -> Release {
    let gate =
        |state: &&str| GateEvidence { gate: "lint".into(), state: (*state).into(), tool: None, tests_passed: None, image: None };
    Release {
        id: id.into(),
        project: "shop".into(),
        image: Digest::new("sha256:5b1fe0a27c441111"),
        engine_id: Digest::new("sha256:77"),
        app: AppSettings {
            name: "shop".into(),
            framework: Framework::Fastapi,
            python: "3.13".into(),
            processes: Vec::new(),
            env: Default::default(),
            volumes: Vec::new(),
        },
        health: HealthCheck {
            probe: HealthProbe::Tcp,
            interval: Default::default(),
            timeout: Default::default(),
            successes: 1,
            deadline: Default::default(),
        },
        settings: ReleaseSettings::default(),
        evidence: Evidence {
            format: 1,
            source,
            lock_kind: Some(LockKind::Uv),
            lock_digest: None,
            lock_strictness: Strictness::Refuse,
            lock_warnings: Vec::new(),
            builder: BuilderKind::Wheels,
            base: None,
            image_size: 18_400_000,
            gates: states.iter().map(gate).collect(),
            gate_images: Vec::new(),
            untested: states.len() < 2,
            packages: Vec::new(),
            migrations: Vec::new(),
        },
        created_at: "2026-11-23T08:00:00Z".into(),
    }
}

#[test]
fn releases_as_a_table() {
    let commit = |dirty| SourceState { commit: Some("d1f0c7be0a".into()), branch: Some("main".into()), dirty };
    let every = [
        release(NEW, commit(true), &["green", "cached", "not set up", "green"]),
        release(OLD, commit(false), &["green", "red", "skipped"]),
        release("000000000000", SourceState { dirty: true, ..SourceState::default() }, &["green"]),
    ];
    insta::assert_snapshot!(releases::text(&every, view(Detail::Normal)));
    assert_eq!(releases::text(&[], view(Detail::Normal)), "no release yet; `nonevent ship` makes the first");
}

fn rollout(reason: RolloutReason, state: RolloutState, failure: Option<&str>) -> RolloutRecord {
    RolloutRecord {
        id: "r1".into(),
        run: "1".into(),
        project: "shop".into(),
        environment: "local".into(),
        reason,
        from: Some(OLD.into()),
        to: NEW.into(),
        placement: Placement {
            environment: "local".into(),
            domain: "shop.localhost".into(),
            https: Https::Off,
            replicas: Default::default(),
            env: Default::default(),
            secrets: Default::default(),
            secret_delivery: SecretDelivery::Env,
            services: Vec::new(),
            resources: Resources::default(),
        },
        state,
        diagnosis: None,
        failure: failure.map(Into::into),
        started_at: "2026-11-23T09:55:00Z".into(),
        finished_at: (state != RolloutState::Running).then(|| "2026-11-23T09:55:12.300Z".into()),
        by: "ada@laptop".into(),
        message: None,
        anyway: None,
        steps: Vec::new(),
    }
}

#[test]
fn history_as_a_table() {
    let every = [
        rollout(RolloutReason::Scale, RolloutState::Running, None),
        rollout(RolloutReason::Ship, RolloutState::Failed, Some("the new release never became healthy")),
        rollout(RolloutReason::Ship, RolloutState::Cancelled, Some("stopped before the switch; 9c01d2e4f5a6 serves")),
        rollout(RolloutReason::Rollback, RolloutState::Succeeded, None),
        rollout(RolloutReason::Restart, RolloutState::Recovered, None),
    ];
    insta::assert_snapshot!(history::text(&every, view(Detail::Normal)));
}

#[test]
fn plans_state_their_guarantee_before_their_steps() {
    let first = plan(RolloutReason::Ship, None, &steps());
    insta::assert_snapshot!(plan_lines(&first, Paint::Plain).join("\n"));
    let none = plan(RolloutReason::Ship, Some(NEW), &[]);
    assert_eq!(plan_lines(&none, Paint::Plain), ["ship of local: 3f2a91c04d5e again", "nothing to do"]);
}

fn settings() -> Vec<Setting> {
    let setting = |key: &str, value: &str, origin| Setting { key: key.into(), value: value.into(), origin };
    let inferred = |because: &str| Origin::Inferred { because: because.into() };
    vec![
        setting("app.name", "\"shop\"", Origin::File { file: "nonevent.toml".into(), line: 2 }),
        setting("app.port", "8000", inferred("uvicorn, which is locked")),
        setting("app.env.\"A.B\"", "\"1\"", Origin::File { file: "nonevent.toml".into(), line: 4 }),
        setting("gauntlet.required", "[]", Origin::Default),
        setting("gauntlet.unit.run", "\"pytest tests/unit\"", Origin::File { file: "nonevent.toml".into(), line: 7 }),
        setting("health.interval", "\"1s\"", Origin::Default),
        setting("health.path", "\"/healthz\"", inferred("shop/main.py:7 `@app.get(\"/healthz\")`")),
    ]
}

#[test]
fn explain_says_where_each_value_came_from() {
    insta::assert_snapshot!(page::text(&settings(), view(Detail::Normal)));
}

#[test]
fn explain_stays_within_the_terminal() {
    let settings = [
        wide("app.command", r#"["uvicorn", "shop.main:app, or so", "--host", "0.0.0.0", "--port", "8000", "--proxy-headers"]"#),
        wide(
            "app.env.GREETING",
            r#""a long text stays on its line, also where an array would be broken, so that it can be copied""#,
        ),
        wide("environments.local.replicas", "1"),
    ];
    let narrow = View { width: Some(60), ..view(Detail::Normal) };
    insta::assert_snapshot!(page::text(&settings, narrow));
}

fn wide(key: &str, value: &str) -> Setting {
    let because = "src/shop/main.py:33 `app = FastAPI(title=\"shop\", lifespan=lifespan)`".into();
    Setting { key: key.into(), value: value.into(), origin: Origin::Inferred { because } }
}

#[test]
fn explain_takes_a_key_or_a_section_and_knows_what_was_meant() {
    let keys = |key: &str| {
        let chosen = explain::chosen(settings(), Some(key))?;
        Ok::<_, CliError>(chosen.into_iter().map(|setting| setting.key).collect::<Vec<_>>())
    };
    assert_eq!(keys("health").unwrap(), ["health.interval", "health.path"]);
    assert_eq!(keys("app.port").unwrap(), ["app.port"]);
    assert_eq!(explain::chosen(settings(), None).unwrap().len(), 7);
    let hints = |key: &str| keys(key).unwrap_err().hints().remove(0);
    assert_eq!(hints("app.prot"), "did you mean `app.port`?");
    assert_eq!(hints("helth"), "did you mean `health`?");
    assert_eq!(hints("xyz"), "`nonevent explain` lists every setting");
    assert!(keys("app.por").is_err(), "a part of a word is no section");
}

#[test]
fn the_engine_in_words() {
    let info = EngineInfo {
        host: "unix:///var/run/docker.sock".into(),
        origin: EngineOrigin::CurrentContext { name: "colima".into() },
        version: "28.5.2".into(),
        api: "1.51".into(),
        platform: "linux/amd64".into(),
        store: StoreKind::Containerd,
        mirrors: vec!["http://127.0.0.1:5000".into()],
        memory: 8_000_000_000,
        cpus: 1,
        podman: false,
    };
    insta::assert_snapshot!(engine::text(&info), @r"
    engine       Docker 28.5.2, API 1.51
    address      unix:///var/run/docker.sock
    chosen by    the docker command's current context, `colima`
    platform     linux/amd64
    has          1 core, 8.0 GB of memory
    image store  containerd
    mirrors      http://127.0.0.1:5000
    ");
}

#[test]
fn projects_as_a_table() {
    let every = [
        ProjectSummary { name: "blog".into(), folder: "/home/ada/blog".into(), environments: Vec::new() },
        ProjectSummary { name: "shop".into(), folder: "/home/ada/shop".into(), environments: environments() },
    ];
    insta::assert_snapshot!(projects::text(&every, view(Detail::Normal)));
}

#[test]
fn garbage_with_its_bytes() {
    let garbage =
        Garbage { items: vec![("image 5b1fe0a27c44 of shop".into(), 18_400_000), ("12 wheels".into(), 900)], bytes: 18_400_900 };
    insta::assert_snapshot!(gc::text(&garbage, Sweep::Tell, view(Detail::Normal)), @r"
       size  what
    18.4 MB  image 5b1fe0a27c44 of shop
      900 B  12 wheels
    18.4 MB can be removed by `nonevent gc`
    ");
    assert!(gc::text(&garbage, Sweep::Remove, view(Detail::Normal)).ends_with("\n18.4 MB removed"));
    assert_eq!(gc::text(&Garbage::default(), Sweep::Remove, view(Detail::Normal)), "nothing to remove");
}

#[test]
fn a_lock_in_words() {
    let finding = LockFinding {
        situation: LockSituation::Unhashed,
        message: "`flask` has no hash".into(),
        hint: "run `pip-compile --generate-hashes`".into(),
    };
    let report = LockReport {
        file: "requirements.txt".into(),
        kind: LockKind::Requirements,
        digest: Digest::new("sha256:aa"),
        packages: 1,
        proven: false,
        findings: vec![finding],
    };
    insta::assert_snapshot!(lock::text(&report, &["postgres:17 is pinned".to_owned()]), @r"
    postgres:17 is pinned
    requirements.txt pins 1 package
    ! `flask` has no hash
      hint: run `pip-compile --generate-hashes`
    ");
}

#[test]
fn log_lines_bear_their_instance_in_a_column_that_grows() {
    let line = |source: &str| LogLine { source: source.into(), stream: LogStream::Stderr, at: None, text: "hello".into() };
    let mut names = logs::Names::Shown { width: 0 };
    let told: Vec<String> = ["web-1", "worker-2", "web-1"].iter().map(|name| names.text(&line(name), Paint::Plain)).collect();
    assert_eq!(told, ["web-1 | hello", "worker-2 | hello", "web-1    | hello"]);
    assert_eq!(logs::Names::Left.text(&line("web-1"), Paint::Plain), "hello");
}

fn record() -> LogRecord {
    LogRecord {
        place: None,
        at: "2026-11-23T10:00:00.123456789Z".into(),
        level: Some(LogLevel::Error),
        message: "refused".into(),
        logger: Some("shop.pay".into()),
        fields: vec![LogField { name: "who".into(), value: "a b".into() }, LogField { name: "ts".into(), value: "x".into() }],
        instance: "shop-local-web-1".into(),
        process: "web".into(),
        release: "3f2a91c04d5e".into(),
        stream: LogStream::Stderr,
        exception: None,
        text: "ERROR:shop.pay:refused\nmore".into(),
    }
}

#[test]
fn a_record_is_shown_with_its_fields_and_further_lines() {
    assert_eq!(
        logs::records::record_text(&record(), Paint::Plain),
        "2026-11-23 10:00:00.123 error    shop-local-web-1 shop.pay: refused  who=\"a b\"\n    more"
    );
    let silent = LogRecord { level: None, logger: None, fields: Vec::new(), text: "refused".into(), ..record() };
    assert_eq!(logs::records::record_text(&silent, Paint::Plain), "2026-11-23 10:00:00.123 -        shop-local-web-1 refused");
}

#[test]
fn exceptions_are_shown_with_where_and_how_often() {
    let frame = |file: &str, line, own| LogFrame { file: file.into(), line, function: Some("pay".into()), own };
    let group = ExceptionGroup {
        fingerprint: "00".into(),
        kind: "shop.Refused".into(),
        message: "no card".into(),
        count: 3,
        first_at: "2026-11-23T09:00:00Z".into(),
        last_at: "2026-11-23T09:58:00Z".into(),
        releases: vec!["3f2a91c04d5e".into()],
        is_new: true,
        frames: vec![frame("/app/shop.py", 7, true), frame("/usr/lib/python3/json.py", 9, false)],
        example: "Traceback (most recent call last):\nshop.Refused: no card".into(),
    };
    insta::assert_snapshot!(logs::records::exceptions_text(&[group], view(Detail::Normal)), @r"
    ✗ shop.Refused: no card  new in this release
        3 times, last 2 min ago, first 1 h ago; 3f2a91c04d5e
        /app/shop.py:7 in pay

    the last one:
        Traceback (most recent call last):
        shop.Refused: no card
    ");
    assert_eq!(logs::records::exceptions_text(&[], view(Detail::Normal)), "no exception is kept");
}

#[test]
fn a_browser_is_opened_only_where_there_is_a_display() {
    let with = |name: &'static str| move |asked: &str| (asked == name).then(|| ":0".into());
    assert!(open::has_display("linux", with("DISPLAY")) && open::has_display("linux", with("WAYLAND_DISPLAY")));
    assert!(!open::has_display("linux", with("HOME")) && !open::has_display("linux", |_| Some("".into())));
    assert!(open::has_display("macos", with("HOME")) && open::has_display("windows", with("HOME")));
}

#[test]
fn a_command_s_exit_code_reaches_the_shell() {
    assert_eq!([0, 1, 255, 256, -1].map(exec::shell_code), [0, 1, 255, 255, 255]);
}

#[test]
fn a_diff_leaves_out_what_does_not_differ() {
    let changed = |name: &str, before: Option<&str>, after: Option<&str>| Changed {
        name: name.into(),
        before: before.map(Into::into),
        after: after.map(Into::into),
    };
    let same = ReleaseDiff {
        from: OLD.into(),
        to: NEW.into(),
        commits: Commits::default(),
        packages: Some(Vec::new()),
        settings: Vec::new(),
        secrets: Vec::new(),
        migrations: Vec::new(),
        image_size: (18_400_000, 18_400_000),
        base: (None, None),
        python: ("3.13".into(), "3.13".into()),
    };
    assert_eq!(diff::text(&same, view(Detail::Normal)), format!("{OLD} and {NEW} do not differ"));
    let commit = Commit {
        id: "d1f0c7be0a".into(),
        subject: "slugs have a length".into(),
        author: "Ada".into(),
        at: "2026-11-23T08:00:00Z".into(),
    };
    let other = ReleaseDiff {
        commits: Commits {
            added: vec![commit],
            taken_back: Vec::new(),
            unknown: Some("uncommitted changes were built as well".into()),
        },
        packages: Some(vec![changed("flask", Some("3.1.1"), Some("3.1.2")), changed("rich", None, Some("14.0.0"))]),
        settings: vec![changed("app.env.LOG_LEVEL", Some("INFO"), Some("DEBUG")), changed("health.tcp", Some("true"), None)],
        secrets: vec![changed("API_KEY", Some("****"), Some("****"))],
        migrations: vec![changed("shop.0007_customer", None, Some("shop.0007_customer"))],
        image_size: (18_400_000, 19_100_000),
        python: ("3.12".into(), "3.13".into()),
        ..same
    };
    insta::assert_snapshot!(diff::text(&other, view(Detail::Normal)));
}
