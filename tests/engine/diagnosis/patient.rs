//! Symptoms as tests write them: what was printed, how it ended, what it listens on, what the probe saw.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use nonevent_engine::diagnosis::{LockFacts, SourceFacts, Symptoms, diagnose};
use nonevent_engine::model::{
    Diagnosis, Framework, HealthProbe, InstanceState, LogLine, LogStream, ProbeAttempt, ProbeOutcome, SourcePlace,
};
use nonevent_engine::target::{Examination, Listener, OnceExit, RootFileSystem};

/// The path that is probed.
pub const PATH: &str = "/healthz";

/// An instance that is not healthy.
#[derive(Clone)]
pub struct Patient(pub Symptoms);

/// One that ended with an exit code, and is started again and again.
pub fn ended(exit_code: i64) -> Patient {
    let examined = Examination {
        state: Some(InstanceState::Restarting { exit_code }),
        restarts: 3,
        exit: Some(OnceExit { exit_code, oom: false }),
        ..runs()
    };
    Patient(Symptoms { examined, ..symptoms(failed(&format!("it ended with exit code {exit_code}, and was restarted 3 times"))) })
}

/// One that runs, listens on these addresses, and does not answer.
pub fn silent(listens: &[&str]) -> Patient {
    let sockets = listens.iter().map(|text| text.parse::<std::net::SocketAddr>().unwrap());
    let sockets = sockets.map(|socket| Listener { address: socket.ip(), port: socket.port() }).collect();
    let examined = Examination { sockets: Some(sockets), ..runs() };
    Patient(Symptoms { examined, ..symptoms(failed("connection refused")) })
}

/// One that answers the probe so.
pub fn answers(status: u16, body: &str) -> Patient {
    let listener = Listener { address: "0.0.0.0".parse().unwrap(), port: 8000 };
    let examined = Examination { sockets: Some(vec![listener]), ..runs() };
    Patient(Symptoms { examined, ..symptoms(ProbeOutcome::Answered { saw: status.to_string(), excerpt: body.to_owned() }) })
}

impl Patient {
    /// It printed a recorded log on standard error.
    pub fn log(self, name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/engine/diagnosis/logs/{name}.txt"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.prints(&text)
    }

    /// It printed these lines on standard error.
    pub fn prints(mut self, text: &str) -> Self {
        self.0.examined.lines.extend(text.lines().map(|line| LogLine {
            source: "shop-local-web-1".to_owned(),
            stream: LogStream::Stderr,
            at: Some("2026-11-23T10:00:01Z".to_owned()),
            text: line.to_owned(),
        }));
        self
    }

    pub fn framework(mut self, framework: Framework) -> Self {
        self.0.framework = Some(framework);
        self
    }

    /// What the project's files say is known.
    pub fn source(mut self) -> Self {
        self.0.source = Some(source());
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Symptoms)) -> Self {
        change(&mut self.0);
        self
    }

    pub fn diagnose(&self) -> Diagnosis {
        diagnose(&self.0)
    }

    /// Asserts what is found first, and that what is told of it contains these texts.
    #[track_caller]
    pub fn has(&self, code: &str, says: &[&str]) -> Diagnosis {
        let diagnosis = self.diagnose();
        let first = diagnosis.first().unwrap_or_else(|| panic!("nothing was found, expected {code}: {diagnosis:#?}"));
        assert_eq!(first.cause.code(), code, "{diagnosis:#?}");
        let told = format!("{}\n{}\n{}", first.sentence, first.evidence.join("\n"), first.fix);
        for text in says {
            assert!(told.contains(text), "`{text}` is not told:\n{told}");
        }
        assert!(!first.evidence.is_empty() && !first.fix.contains('\n') && !first.sentence.ends_with('.'), "{first:#?}");
        diagnosis
    }

    /// Asserts that nothing is claimed, and that what was seen is shown.
    #[track_caller]
    pub fn is_unknown(&self, says: &str) {
        let diagnosis = self.diagnose();
        assert!(diagnosis.suspects.is_empty(), "{diagnosis:#?}");
        assert!(diagnosis.summary.starts_with("the cause is not known") && diagnosis.summary.contains(says), "{diagnosis:#?}");
        assert!(!diagnosis.evidence.is_empty());
    }
}

fn symptoms(last: ProbeOutcome) -> Symptoms {
    let attempt = ProbeAttempt {
        instance: "shop-local-web-1".to_owned(),
        probe: format!("GET {PATH} (Host: shop.localhost)"),
        at: "2026-11-23T10:00:09Z".to_owned(),
        elapsed_ms: 2,
        outcome: last,
    };
    Symptoms {
        instance: "shop-local-web-1".to_owned(),
        domain: "shop.localhost".to_owned(),
        probe: Some(HealthProbe::Http { path: PATH.to_owned() }),
        transcript: vec![attempt],
        waited: Duration::from_secs(60),
        ..Symptoms::default()
    }
}

pub fn failed(error: &str) -> ProbeOutcome {
    ProbeOutcome::Failed { error: error.to_owned() }
}

fn runs() -> Examination {
    Examination {
        state: Some(InstanceState::Running),
        started_at: Some("2026-11-23T10:00:00Z".to_owned()),
        examined_at: Some("2026-11-23T10:01:00Z".to_owned()),
        port: Some(8000),
        command: vec!["python".to_owned(), "-m".to_owned(), "shop".to_owned()],
        folder: Some("/app".to_owned()),
        user: Some("10001:10001".to_owned()),
        image_platform: Some("linux/amd64".to_owned()),
        engine_platform: Some("linux/amd64".to_owned()),
        variables: BTreeSet::from(["PORT".to_owned()]),
        root: Some(RootFileSystem::ReadOnly),
        memory: Some(512 << 20),
        ..Examination::default()
    }
}

fn source() -> SourceFacts {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    SourceFacts {
        files: names(&[
            "shop/__init__.py",
            "shop/asgi.py",
            "shop/broken.py",
            "shop/prices.py",
            "shop/settings.py",
            "shop/wsgi.py",
        ]),
        lock: Some(LockFacts { shipped: names(&["flask", "pillow"]), development: names(&["httpx", "pytest"]) }),
        allowed_hosts: Some(SourcePlace { file: "site_/settings.py".to_owned(), line: 7 }),
        settings_prefix: Some("SHOP_".to_owned()),
        ..SourceFacts::default()
    }
}
