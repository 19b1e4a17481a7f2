//! Building Dockerfiles by real engines, every one that is under test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use nonevent_engine::docker::Docker;
use nonevent_engine::docker::once::{self, OnceSpec};
use nonevent_engine::image::dockerfile::{self, DockerfileError};
use nonevent_engine::model::{AppSettings, BuildSettings, BuilderKind, Framework, ImageReport, LogLine, ProjectName};
use support::{PYTHON, dockers, gather, unique};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A project's folder and settings on one engine; what it built is removed at its end.
struct Bench {
    docker: Docker,
    folder: tempfile::TempDir,
    app: AppSettings,
    settings: BuildSettings,
    doing: Mutex<Vec<String>>,
    cancel: CancellationToken,
}

impl Bench {
    fn new(docker: &Docker) -> Self {
        let app = AppSettings {
            name: ProjectName::new(unique("nonevent-test-build")),
            framework: Framework::Custom,
            python: "3.13".into(),
            processes: Vec::new(),
            env: BTreeMap::new(),
            volumes: Vec::new(),
        };
        let settings = BuildSettings {
            dockerfile: None,
            stage: None,
            args: BTreeMap::new(),
            secrets: BTreeMap::new(),
            base: PYTHON.into(),
            include: Vec::new(),
            exclude: Vec::new(),
            ca_bundle: None,
            extras: Vec::new(),
            groups: Vec::new(),
        };
        let folder = tempfile::tempdir().expect("temporary folder");
        let cancel = CancellationToken::new();
        Self { docker: docker.clone(), folder, app, settings, doing: Mutex::default(), cancel }
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(&path, text).expect("file");
        path
    }

    async fn build(&self) -> (Result<ImageReport, DockerfileError>, Vec<LogLine>) {
        let (sender, receiver) = mpsc::channel(1000);
        let lines = gather(receiver);
        let doing = |text: String| self.doing.lock().expect("lock").push(text);
        let root = self.folder.path();
        let built = dockerfile::build(&self.docker, root, &self.settings, &self.app, &sender, &doing, &self.cancel).await;
        drop(sender);
        (built, lines.await.expect("lines"))
    }

    async fn built(&self) -> (ImageReport, Vec<LogLine>) {
        let (built, lines) = self.build().await;
        match built {
            Ok(report) => (report, lines),
            Err(error) => panic!("{}: {error:?}\n{lines:#?}", self.docker.info.version),
        }
    }

    /// Runs a shell line in the image that was built.
    async fn shell(&self, report: &ImageReport, line: &str) -> Vec<String> {
        let argv = ["sh", "-c", line].map(str::to_owned).to_vec();
        let spec = OnceSpec::new("shell", report.engine_id.as_str(), argv);
        let (sender, receiver) = mpsc::channel(1000);
        let lines = gather(receiver);
        once::run(&self.docker, &spec, &sender, &self.cancel).await.expect("shell");
        drop(sender);
        lines.await.expect("lines").into_iter().map(|line| line.text).collect()
    }

    async fn remove(self, reports: &[&ImageReport]) {
        for report in reports {
            let tag = format!("nonevent/{}:{}", self.app.name, report.engine_id.short());
            let _ = self.docker.client.remove_image(&tag, None::<bollard::query_parameters::RemoveImageOptions>, None).await;
        }
    }
}

fn say(docker: &Docker, what: &str, began: Instant) {
    println!("{} ({:?}): {what} in {:?}", docker.info.version, docker.info.store, began.elapsed());
}

#[tokio::test]
async fn an_image_is_built_described_and_found_again() {
    for docker in dockers().await {
        let mut bench = Bench::new(&docker);
        // A word of its own, so that no earlier run's cache answers.
        let word = unique("rosebud");
        bench.write(
            "Dockerfile",
            "ARG BASE=none\nFROM python:3.13-slim AS other\nRUN exit 7\n\nFROM ${BASE} AS release\nARG WORD\nWORKDIR /srv\n\
             COPY . .\nRUN echo \"the word is $WORD\" && echo $WORD > word\nUSER 1000\nCMD [\"python\", \"main.py\"]\n",
        );
        bench.write("main.py", "print('hello')");
        bench.write("pkg/module.py", "");
        bench.write("pkg/module.pyc", "");
        bench.write("node_modules/left/out.js", "");
        bench.write("docs/a.md", "");
        bench.write("docs/keep.md", "");
        bench.write(".dockerignore", "# comment\n**/*.pyc\nnode_modules\ndocs\n!docs/keep.md\nDockerfile\n.dockerignore\n");
        bench.settings.stage = Some("release".into());
        bench.settings.args = BTreeMap::from([("BASE".into(), PYTHON.into()), ("WORD".into(), word.clone())]);
        let began = Instant::now();
        let (first, lines) = bench.built().await;
        say(&docker, "cold", began);
        assert!(lines.iter().any(|line| line.text == format!("the word is {word}") && line.source == "build"), "{lines:#?}");
        assert!(lines.iter().any(|line| line.text.contains("RUN echo")), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.text.contains("exit 7")), "the other stage is not built");
        assert!(bench.doing.lock().expect("lock").iter().any(|text| text.contains("COPY . .")));
        assert_eq!((first.builder, first.workdir.as_str(), first.reused), (BuilderKind::Dockerfile, "/srv", false));
        assert_eq!(first.base.as_ref().map(|base| base.reference.as_str()), Some(PYTHON));
        assert!(first.size < 10_000_000, "the base's bytes are not the image's own: {}", first.size);
        assert!(!first.warnings.iter().any(|warning| warning.contains("root:")), "{:?}", first.warnings);
        let found = bench.shell(&first, "find /srv -type f | sort; cat /srv/word").await;
        assert_eq!(found, ["/srv/docs/keep.md", "/srv/main.py", "/srv/pkg/module.py", "/srv/word", &word]);

        let image = docker.client.inspect_image(&format!("nonevent/{}:{}", bench.app.name, first.engine_id.short())).await;
        let image = image.expect("tag");
        let labels = image.config.as_ref().and_then(|config| config.labels.clone()).unwrap_or_default();
        assert_eq!(labels.get("dev.nonevent.role").map(String::as_str), Some("release"));
        assert_eq!(labels.get("dev.nonevent.project").map(String::as_str), Some(bench.app.name.as_str()));
        assert_eq!(
            image.root_fs.expect("rootfs").layers.expect("layers"),
            first.layers.iter().map(|d| d.as_str()).collect::<Vec<_>>()
        );

        let began = Instant::now();
        let (again, _) = bench.built().await;
        say(&docker, "nothing changed", began);
        assert_eq!((again.engine_id.clone(), again.reused), (first.engine_id.clone(), true));

        bench.write("main.py", "print('other')");
        let began = Instant::now();
        let (changed, lines) = bench.built().await;
        say(&docker, "one line changed", began);
        assert_ne!(changed.engine_id, first.engine_id);
        assert!(lines.iter().any(|line| line.text.ends_with("WORKDIR /srv (cached)")), "{lines:#?}");
        assert_eq!(bench.shell(&changed, "cat main.py").await, ["print('other')"]);
        bench.remove(&[&first, &changed]).await;
    }
}

/// A step that sees two secrets, leaves their digest and prints one.
const SECRET_STEPS: &str = "RUN --mount=type=secret,id=token --mount=type=secret,id=from_env \
             cat /run/secrets/token /run/secrets/from_env > /tmp/seen && sha256sum < /tmp/seen > /sum && rm /tmp/seen \
             && echo leaking $(cat /run/secrets/token)\nRUN ls /run/secrets 2>/dev/null | wc -l > /left\nCOPY . /app\n";

#[tokio::test]
async fn secrets_reach_only_the_step_that_asks() {
    for docker in dockers().await {
        let mut bench = Bench::new(&docker);
        bench.write("deploy/app.Dockerfile", &format!("FROM python:3.13-slim\nENV STAMP={}\n{SECRET_STEPS}", unique("stamp")));
        let token = unique("made-up-token");
        bench.write("secret.txt", &format!("{token}\n"));
        bench.write("deploy/app.Dockerfile.dockerignore", "*\n!code.py\n");
        bench.write("code.py", "");
        bench.settings.dockerfile = Some("deploy/app.Dockerfile".into());
        bench.settings.secrets =
            BTreeMap::from([("token".into(), "secret.txt".into()), ("from_env".into(), "env:CARGO_PKG_NAME".into())]);
        let (report, lines) = bench.built().await;
        let sum = bench.shell(&report, "cat /sum /left; find /app -type f").await;
        let expected = {
            use sha2::Digest as _;
            hex::encode(sha2::Sha256::digest(format!("{token}\n{}", env!("CARGO_PKG_NAME"))))
        };
        assert_eq!(sum, [format!("{expected}  -"), "0".into(), "/app/code.py".into()]);
        assert!(lines.iter().any(|line| line.text == "leaking ****"), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.text.contains("made-up-token")), "{lines:#?}");
        let history = docker.client.image_history(report.engine_id.as_str()).await;
        assert!(!format!("{:?}", history.expect("history")).contains("made-up-token"));

        bench.settings.secrets.insert("gone".into(), "env:NONEVENT_TEST_NOT_SET".into());
        let error = bench.build().await.0.expect_err("no value");
        assert_eq!(error.to_string(), "build secret `gone` has no value: the variable `NONEVENT_TEST_NOT_SET` is not set");
        bench.remove(&[&report]).await;
    }
}

#[tokio::test]
async fn failures_name_the_line_and_the_last_words() {
    for docker in dockers().await {
        let bench = Bench::new(&docker);
        let version = docker.info.version.clone();
        bench.write(
            "Dockerfile",
            "FROM python:3.13-slim\n# a comment\nRUN echo fine\n\nRUN for i in 1 2 3; do echo \"word $i\"; done && \\\n    exit 3\n",
        );
        let error = bench.build().await.0.expect_err("exit 3");
        println!("{version}: {error:?}");
        match &error {
            DockerfileError::Instruction { line, instruction, reason, output, .. } => {
                assert_eq!((*line, reason.as_str()), (Some(5), "exit code: 3"), "{version}");
                assert!(instruction.starts_with("RUN for i in 1 2 3"), "{version}: {instruction}");
                assert_eq!(output, &["word 1", "word 2", "word 3"], "{version}");
            }
            other => panic!("{version}: {other:?}"),
        }

        bench.write("Dockerfile", "FROM python:3.13-slim\nCOPY not-there.txt /\n");
        let error = bench.build().await.0.expect_err("no such file");
        println!("{version}: {error:?}");
        assert!(
            matches!(&error, DockerfileError::Instruction { line: Some(2), instruction, .. } if instruction.starts_with("COPY")),
            "{version}: {error:?}"
        );
        assert!(error.to_string().contains("not-there.txt"), "{error}");

        bench.write("Dockerfile", "FROM python:3.13-slim\n\nFORM x\n");
        let error = bench.build().await.0.expect_err("unknown instruction");
        println!("{version}: {error:?}");
        assert!(matches!(&error, DockerfileError::Syntax { line: Some(3), .. }), "{version}: {error:?}");

        bench.write("Dockerfile", "FROM nonevent/no-such-image:9.9\n");
        let error = bench.build().await.0.expect_err("no such image");
        println!("{version}: {error:?}");
        assert!(
            matches!(&error, DockerfileError::BaseMissing { line: Some(1), image, .. } if image == "nonevent/no-such-image:9.9"),
            "{version}: {error:?}"
        );

        std::fs::remove_file(bench.folder.path().join("Dockerfile")).expect("remove");
        let error = bench.build().await.0.expect_err("no file");
        assert!(matches!(&error, DockerfileError::Missing { dockerfile } if dockerfile == Path::new("Dockerfile")), "{error:?}");

        bench.write("Dockerfile", "FROM python:3.13-slim AS one\n");
        let mut bench = bench;
        bench.settings.stage = Some("two".into());
        let error = bench.build().await.0.expect_err("no stage");
        println!("{version}: {error:?}");
        assert!(matches!(&error, DockerfileError::StageUnknown { stage, .. } if stage == "two"), "{version}: {error:?}");
    }
}

#[tokio::test]
async fn a_build_can_be_cancelled() {
    for docker in dockers().await {
        let bench = Bench::new(&docker);
        let stamp = unique("stamp");
        bench.write("Dockerfile", &format!("FROM python:3.13-slim\nRUN echo {stamp}; sleep 600\n"));
        let (sender, mut receiver) = mpsc::channel::<LogLine>(1000);
        let doing = |_| {};
        let cancelling = async {
            while let Some(line) = receiver.recv().await {
                if line.text == stamp {
                    let asked = Instant::now();
                    bench.cancel.cancel();
                    return asked;
                }
            }
            panic!("the step was never reached")
        };
        let root = bench.folder.path();
        let building = dockerfile::build(&docker, root, &bench.settings, &bench.app, &sender, &doing, &bench.cancel);
        let (built, asked) = tokio::join!(building, cancelling);
        say(&docker, "cancelled", asked);
        assert!(matches!(built, Err(DockerfileError::Cancelled)), "{built:?}");
    }
}

#[tokio::test]
async fn a_large_context_travels_once() {
    for docker in dockers().await {
        let bench = Bench::new(&docker);
        bench.write("Dockerfile", "FROM python:3.13-slim\nCOPY . /app\nRUN find /app -type f | wc -l > /count; stat -c %a /app/run.sh >> /count; readlink /app/link >> /count\n");
        for folder in 0..50 {
            for file in 0..100 {
                bench.write(&format!("data/{folder}/{file}.txt"), &format!("{folder} {file}"));
            }
        }
        bench.write("big.bin", &"x".repeat(30_000_000));
        let script = bench.write("run.sh", "#!/bin/sh\n");
        std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o750)).expect("mode");
        std::os::unix::fs::symlink("/outside/of/the/tree", bench.folder.path().join("link")).expect("link");
        let began = Instant::now();
        let (first, _) = bench.built().await;
        say(&docker, "5,000 files and 30 MB", began);
        assert_eq!(bench.shell(&first, "cat /count").await, ["5003", "750", "/outside/of/the/tree"]);
        bench.write("data/7/7.txt", "changed");
        let began = Instant::now();
        let (second, _) = bench.built().await;
        say(&docker, "one of them changed", began);
        assert_eq!(bench.shell(&second, "cat /app/data/7/7.txt").await, ["changed"]);
        bench.remove(&[&first, &second]).await;
    }
}
