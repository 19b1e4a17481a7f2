//! One test's project, cache and engine, all of its own name, cleaned up when the test ends.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::models::{ContainerConfig, ContainerCreateBody, HostConfig, Mount, MountType};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CommitContainerOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptionsBuilder,
    RemoveImageOptionsBuilder, RemoveVolumeOptions, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt as _;
use nonevent_engine::docker::Docker;
use nonevent_engine::image::wheels::{LocalProject, Wheel, WheelBuild, build};
use nonevent_engine::image::{BaseImage, DevelopmentImage, ImageError, ToolVolume, resolve_base, tool_volumes};
use nonevent_engine::model::{
    AppSettings, BuildSettings, CommandLine, Digest, Framework, ImageReport, Process, ProcessKind, ProjectName,
};

pub const BASE: &str = "python:3.13-slim";

/// What one test works with.
pub struct World {
    pub docker: Docker,
    pub name: ProjectName,
    pub cache: tempfile::TempDir,
    pub settings: BuildSettings,
}

impl World {
    pub async fn new() -> Self {
        let docker = Docker::connect().await.expect("a Docker engine answers: `scripts/lab up` starts one");
        let suffix = uuid::Uuid::now_v7().simple().to_string();
        let name = ProjectName::new(format!("image-test-{}", &suffix[20..]));
        Self { docker, name, cache: tempfile::tempdir().unwrap(), settings: settings() }
    }

    pub async fn base(&self) -> BaseImage {
        resolve_base(&self.docker, BASE, None, self.cache.path()).await.unwrap()
    }

    pub async fn build(&self, project: &Path, wheels: &[Wheel]) -> Result<ImageReport, ImageError> {
        self.build_on(&self.base().await, project, wheels).await
    }

    pub async fn build_on(&self, base: &BaseImage, project: &Path, wheels: &[Wheel]) -> Result<ImageReport, ImageError> {
        self.build_project(base, &local_project(project), wheels).await
    }

    pub async fn build_project(
        &self,
        base: &BaseImage,
        project: &LocalProject,
        wheels: &[Wheel],
    ) -> Result<ImageReport, ImageError> {
        let build_all = WheelBuild {
            base,
            wheels,
            project,
            tree: None,
            companions: &[],
            settings: &self.settings,
            app: &self.app(),
            cache: self.cache.path(),
            progress: &|line| eprintln!("{line}"),
        };
        build(&self.docker, build_all).await
    }

    pub fn app(&self) -> AppSettings {
        AppSettings {
            name: self.name.clone(),
            framework: Framework::Starlette,
            python: "3.13".into(),
            processes: vec![Process {
                name: "web".into(),
                kind: ProcessKind::Web { port: 8000 },
                command: CommandLine::Exec(vec!["shop".into()]),
                stop_grace: Duration::from_secs(5),
            }],
            env: BTreeMap::new(),
            volumes: Vec::new(),
        }
    }

    /// Runs a command in an image as instances run: read-only root, a writable `/tmp`, the image's own user. Returns its output.
    pub async fn run(&self, image: &Digest, command: &[&str]) -> (i64, String) {
        self.run_with(image, None, command).await
    }

    async fn run_with(&self, image: &Digest, tools: Option<&ToolVolume>, command: &[&str]) -> (i64, String) {
        let mounts = tools.map(|tools| Mount {
            source: Some(tools.name.clone()),
            target: Some(tools.path.clone()),
            typ: Some(MountType::VOLUME),
            read_only: Some(true),
            ..Mount::default()
        });
        let body = ContainerCreateBody {
            image: Some(image.as_str().to_owned()),
            cmd: Some(command.iter().map(|part| (*part).to_owned()).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            labels: Some([("dev.nonevent.project".to_owned(), self.name.as_str().to_owned())].into()),
            host_config: Some(HostConfig {
                readonly_rootfs: Some(true),
                tmpfs: Some([("/tmp".to_owned(), "size=16m".to_owned())].into()),
                network_mode: Some("none".to_owned()),
                mounts: Some(mounts.into_iter().collect()),
                auto_remove: Some(true),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let id = self.docker.client.create_container(None, body).await.unwrap().id;
        let attach = AttachContainerOptionsBuilder::new().stream(true).stdout(true).stderr(true).build();
        let mut output = self.docker.client.attach_container(&id, Some(attach)).await.unwrap().output;
        let options = bollard::query_parameters::WaitContainerOptionsBuilder::new().condition("removed").build();
        let mut wait = self.docker.client.wait_container(&id, Some(options));
        let start = async {
            self.docker.client.start_container(&id, None).await.unwrap();
            let mut text = String::new();
            while let Some(Ok(chunk)) = output.next().await {
                match chunk {
                    LogOutput::StdOut { message } | LogOutput::StdErr { message } => text += &String::from_utf8_lossy(&message),
                    _ => {}
                }
            }
            text
        };
        let (code, text) = tokio::join!(wait.next(), start);
        let code = match code {
            Some(Ok(exit)) => exit.status_code,
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
            other => panic!("{other:?}"),
        };
        (code, text)
    }

    /// Removes every container of this test.
    pub async fn remove_containers(&self) {
        remove_containers(&self.docker, &self.name).await;
    }

    /// Makes an image as a Dockerfile would: a container of the base, with files and settings, committed.
    pub async fn commit(&self, files: &[(&str, &str)], config: ContainerConfig) -> Digest {
        let base = self.base().await;
        let image = Some(format!("python@{}", base.pinned.digest));
        let body = ContainerCreateBody { image, ..ContainerCreateBody::default() };
        let container = self.docker.client.create_container(None, body).await.unwrap().id;
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let archive = bollard::body_full(tar.into_inner().unwrap().into());
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        self.docker.client.upload_to_container(&container, Some(options), archive).await.unwrap();
        let mut config = config;
        config.labels = Some([("dev.nonevent.project".to_owned(), self.name.as_str().to_owned())].into());
        let options = CommitContainerOptionsBuilder::new().container(&container).build();
        let made = self.docker.client.commit_container(options, config).await.unwrap();
        self.docker.client.remove_container(&container, None).await.unwrap();
        Digest::new(made.id)
    }

    /// Runs a command that must end well.
    pub async fn output(&self, image: &Digest, command: &[&str]) -> String {
        Self::ended_well(command, self.run(image, command).await)
    }

    /// Runs a command where gates run.
    pub async fn run_beside_tools(&self, image: &DevelopmentImage, command: &[&str]) -> (i64, String) {
        self.run_with(&image.engine_id, image.tools.as_ref(), command).await
    }

    /// Runs a command that must end well where gates run.
    pub async fn output_beside_tools(&self, image: &DevelopmentImage, command: &[&str]) -> String {
        Self::ended_well(command, self.run_beside_tools(image, command).await)
    }

    fn ended_well(command: &[&str], (code, text): (i64, String)) -> String {
        assert_eq!(code, 0, "{command:?} ended with {code}:\n{text}");
        text
    }
}

impl Drop for World {
    /// Removes every image of this test, however it ended.
    fn drop(&mut self) {
        let name = self.name.clone();
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(clean(&name));
        });
        let _ = cleaning.join();
    }
}

fn labelled(name: &ProjectName) -> HashMap<String, Vec<String>> {
    [("label".to_owned(), vec![format!("dev.nonevent.project={name}")])].into()
}

async fn remove_containers(docker: &Docker, name: &ProjectName) {
    let options = ListContainersOptionsBuilder::new().all(true).filters(&labelled(name)).build();
    for container in docker.client.list_containers(Some(options)).await.unwrap() {
        docker.client.remove_container(&container.id.unwrap(), None).await.unwrap();
    }
}

async fn clean(name: &ProjectName) {
    let docker = Docker::connect().await.unwrap();
    remove_containers(&docker, name).await;
    let filters = labelled(name);
    let options = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
    for image in docker.client.list_images(Some(options)).await.unwrap() {
        let force = RemoveImageOptionsBuilder::new().force(true).build();
        // A layer below another image goes with it.
        let _ = docker.client.remove_image(&image.id, Some(force), None).await;
    }
    for volume in tool_volumes(&docker, name).await.unwrap() {
        docker.client.remove_volume(&volume, None::<RemoveVolumeOptions>).await.unwrap();
    }
}

pub fn settings() -> BuildSettings {
    BuildSettings {
        dockerfile: None,
        stage: None,
        args: BTreeMap::new(),
        secrets: BTreeMap::new(),
        base: BASE.into(),
        include: Vec::new(),
        exclude: Vec::new(),
        ca_bundle: None,
        extras: Vec::new(),
        groups: Vec::new(),
    }
}

pub fn local_project(root: &Path) -> LocalProject {
    LocalProject {
        name: "shop".into(),
        version: Some("1.2.3".into()),
        scripts: BTreeMap::from([("shop".to_owned(), "shop.cli:main".to_owned())]),
        entry_points: BTreeMap::new(),
        import_roots: vec!["src".into()],
        root: root.to_owned(),
    }
}

/// Requirements of the project below.
pub const REQUIREMENTS: [&str; 3] = ["starlette", "uvicorn", "markupsafe"];

/// A small web application that serves one request to itself and tells how it runs.
pub fn shop() -> tempfile::TempDir {
    project(&[
        ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1.2.3\"\n\n[tool.ruff]\nline-length = 100\n"),
        ("src/shop/__init__.py", ""),
        ("src/shop/cli.py", CLI),
        ("src/shop/greeting.txt", "hello"),
        (
            "tests/test_shop.py",
            "import shop.cli\n\n\ndef test_greeting() -> None:\n    assert shop.cli.greeting() == \"hello\"\n",
        ),
        (".env", "TOKEN=made-up"),
        ("server.pem", "made up"),
        ("README.md", "# Shop\n"),
    ])
}

pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

const CLI: &str = r#"import importlib.metadata
import json
import os
import pathlib
import sys
import threading
import urllib.request

import markupsafe
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def greeting() -> str:
    return pathlib.Path(__file__).with_name("greeting.txt").read_text()


app = Starlette(routes=[Route("/", lambda request: PlainTextResponse(str(markupsafe.escape(greeting()))))])


def main() -> None:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=8000, log_level="error"))
    ready = threading.Event()
    startup = server.startup

    async def started(sockets=None):
        await startup(sockets)
        ready.set()

    server.startup = started
    threading.Thread(target=server.run, daemon=True).start()
    ready.wait(20)
    answer = urllib.request.urlopen("http://127.0.0.1:8000/").read().decode()
    try:
        pathlib.Path("/app/written").write_text("")
        root = "writable"
    except OSError:
        root = "read-only"
    pathlib.Path("/tmp/written").write_text("")
    print(json.dumps({
        "answer": answer,
        "uid": os.getuid(),
        "cwd": os.getcwd(),
        "root": root,
        "prefix": sys.prefix,
        "executable": sys.executable,
        "version": importlib.metadata.version("shop"),
        "speedups": "_speedups" in sys.modules or "markupsafe._speedups" in sys.modules,
        "files": sorted(str(path) for path in pathlib.Path("/app").rglob("*") if path.is_file()),
    }))
"#;
