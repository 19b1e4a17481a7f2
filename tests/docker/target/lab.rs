//! A scope of its own on a real engine, and the way in from outside.

use std::collections::HashMap;

use async_trait::async_trait;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptionsBuilder,
};
use nonevent_engine::certificates::Authority;
use nonevent_engine::docker::Docker;
use nonevent_engine::model::{CommandLine, Digest};
use nonevent_engine::target::Target;
use nonevent_engine::target::docker::{DockerTarget, Options, Scope};
use nonevent_testkit::contract::{Behaviour, Held, Reply, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app;

/// The proxy's image.
pub const PROXY: &str = "haproxy:3.2";
/// The image of apps.
const PYTHON: &str = "python:3.13-slim";

/// One test's part of an engine; everything in it is removed when it goes.
pub struct Lab {
    pub docker: Docker,
    pub scope: Scope,
    pub target: DockerTarget,
    pub impatient: DockerTarget,
    pub authority: Authority,
    /// Holds the authority's key.
    _home: tempfile::TempDir,
    image: Digest,
}

impl Lab {
    /// Opens a scope that nobody else has.
    pub async fn open(name: &str) -> Self {
        let docker = Docker::connect().await.expect("these tests need a Docker engine: `scripts/lab` starts one");
        let random = uuid::Uuid::now_v7().simple().to_string();
        let scope = Scope::new(&format!("nt-{name}-{}", &random[24..]));
        let image = docker.client.inspect_image(PYTHON).await.unwrap_or_else(|error| {
            panic!("these tests need the image {PYTHON}, `docker pull {PYTHON}`: {error}");
        });
        let home = tempfile::tempdir().unwrap();
        let authority = Authority::of(home.path());
        let options = Options { authority: Some(authority.clone()), ..Options::new(scope.clone(), PROXY) };
        let target = DockerTarget::new(&docker, options.clone()).unwrap();
        let options = Options { stale_after: std::time::Duration::ZERO, ..options };
        let impatient = DockerTarget::new(&docker, options).unwrap();
        Self { image: image.id.unwrap().as_str().into(), docker, scope, target, impatient, authority, _home: home }
    }

    /// Another process's view of it.
    pub fn another(&self) -> DockerTarget {
        DockerTarget::new(&self.docker, Options::new(self.scope.clone(), PROXY)).unwrap()
    }

    /// Names of everything in the scope.
    pub async fn everything(&self) -> Vec<String> {
        everything(&self.docker.client, self.scope.name()).await
    }

    /// The name of the proxy's container.
    pub fn proxy(&self) -> String {
        format!("{}-proxy", self.scope.name())
    }

    /// The public port.
    pub async fn port(&self) -> u16 {
        self.target.ports().await.unwrap().expect("the proxy runs").0
    }

    /// Sends a request as it is written, and returns the whole answer.
    pub async fn raw(&self, port: u16, request: &str) -> String {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Runs a command in the proxy's container.
    pub async fn in_proxy(&self, script: &str) -> String {
        self.run_in(&self.proxy(), &["bash", "-c", script]).await
    }

    /// Writes a file of the proxy's container, which its user owns.
    pub async fn put(&self, path: &str, content: &str) {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(99);
        header.set_size(content.len() as u64);
        let (folder, file) = path.rsplit_once('/').unwrap();
        archive.append_data(&mut header, file, content.as_bytes()).unwrap();
        let body = bollard::body_full(archive.into_inner().unwrap().into());
        let options = bollard::query_parameters::UploadToContainerOptionsBuilder::new().path(folder).build();
        self.docker.client.upload_to_container(&self.proxy(), Some(options), body).await.unwrap();
    }

    /// Runs a command in a container, as root, and returns what it printed.
    pub async fn run_in(&self, container: &str, command: &[&str]) -> String {
        use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
        use futures_util::StreamExt;
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            user: Some("0"),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = self.docker.client.create_exec(container, options).await.unwrap();
        let mut text = String::new();
        if let StartExecResults::Attached { mut output, .. } =
            self.docker.client.start_exec(&exec.id, None::<StartExecOptions>).await.unwrap()
        {
            while let Some(part) = output.next().await {
                text.push_str(&part.unwrap().to_string());
            }
        }
        text
    }

    /// Says something to the proxy's current worker and returns its answer.
    pub async fn tell_worker(&self, command: &str) -> String {
        self.in_proxy(&format!("exec 3<>/dev/tcp/127.0.0.1/9998; printf '@1 {command}\\nquit\\n' >&3; cat <&3")).await
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let (client, scope) = (self.docker.client.clone(), self.scope.name().to_owned());
        // A runtime of its own: this one may be ending, because the test has failed.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(remove_everything(&client, &scope));
        });
        if cleaning.join().is_err() && !std::thread::panicking() {
            panic!("the test's containers could not be removed");
        }
    }
}

fn filters(scope: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("dev.nonevent.scope={scope}")])])
}

async fn everything(client: &bollard::Docker, scope: &str) -> Vec<String> {
    let (containers, networks, volumes) = listed(client, scope).await;
    containers.into_iter().map(|(_, name)| name).chain(networks).chain(volumes).collect()
}

async fn listed(client: &bollard::Docker, scope: &str) -> (Vec<(String, String)>, Vec<String>, Vec<String>) {
    let filters = filters(scope);
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = client.list_containers(Some(containers)).await.unwrap();
    let networks = client.list_networks(Some(ListNetworksOptionsBuilder::new().filters(&filters).build())).await.unwrap();
    let volumes = client.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&filters).build())).await.unwrap();
    (
        containers.into_iter().map(|one| (one.id.unwrap(), one.names.unwrap().join(","))).collect(),
        networks.into_iter().filter_map(|one| one.name).collect(),
        volumes.volumes.unwrap_or_default().into_iter().map(|one| one.name).collect(),
    )
}

async fn remove_everything(client: &bollard::Docker, scope: &str) {
    let (containers, networks, volumes) = listed(client, scope).await;
    for (id, _) in containers {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let _ = client.remove_container(&id, Some(options)).await;
    }
    for network in networks {
        let _ = client.remove_network(&network).await;
    }
    for volume in volumes {
        let _ = client.remove_volume(&volume, Some(RemoveVolumeOptionsBuilder::new().force(true).build())).await;
    }
}

struct HeldRequest {
    connection: TcpStream,
}

#[async_trait]
impl Held for HeldRequest {
    async fn finish(mut self: Box<Self>) -> Reply {
        self.connection.write_all(b"half").await.unwrap();
        let mut answer = Vec::new();
        self.connection.read_to_end(&mut answer).await.unwrap();
        reply(&String::from_utf8_lossy(&answer))
    }
}

/// Reads an answer whose connection was closed at its end.
pub fn reply(answer: &str) -> Reply {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Reply { status, body: body.to_owned() }
}

#[async_trait]
impl World for Lab {
    fn target(&self) -> &dyn Target {
        &self.target
    }

    fn impatient(&self) -> &dyn Target {
        &self.impatient
    }

    async fn everything(&self) -> Vec<String> {
        let mut all = Self::everything(self).await;
        all.sort();
        all
    }

    fn image(&self) -> Digest {
        self.image.clone()
    }

    fn app(&self, behaviour: Behaviour) -> CommandLine {
        app::command(behaviour)
    }

    fn command(&self, text: &str, exit_code: u8) -> CommandLine {
        app::print(text, exit_code)
    }

    async fn request(&self, domain: &str) -> Reply {
        // Without a proxy nothing answers, which for a caller is the same as a page that says so.
        let Some((port, _)) = self.target.ports().await.unwrap() else {
            return Reply { status: 503, body: "there is no proxy".to_owned() };
        };
        let request = format!("GET / HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n");
        reply(&self.raw(port, &request).await)
    }

    async fn hold(&self, domain: &str) -> Box<dyn Held> {
        let port = self.port().await;
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\nContent-Length: 8\r\n\r\nhalf");
        connection.write_all(head.as_bytes()).await.unwrap();
        // It is in flight once the proxy counts it.
        let place = domain.split('.').next().unwrap();
        loop {
            let counts = self.tell_worker("show stat").await;
            let mut rows = counts.lines().map(|row| row.split(',').collect::<Vec<_>>());
            if rows.any(|row| row.len() > 4 && row[0].starts_with(place) && row[1] == "BACKEND" && row[4] != "0") {
                return Box::new(HeldRequest { connection });
            }
        }
    }
}
