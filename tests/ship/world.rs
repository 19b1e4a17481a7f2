//! A home folder and a scope of its own on the real engine, and a project in it; everything is taken away at the end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The real binary.
const NONEVENT: &str = env!("CARGO_BIN_EXE_nonevent");

/// A laptop of its own, with one project on it.
pub struct World {
    folder: tempfile::TempDir,
    scope: String,
    docker_host: Option<String>,
    within: &'static str,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Asserts that it did what was asked.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that it failed by the user's fault, with this text among what it said.
    pub fn refused(self, text: &str) -> Self {
        assert_eq!(self.code, Some(1), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(text), "expected `{text}` in:\n{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

impl World {
    /// Copies an example into a new world, as a clean Git repository.
    pub fn example(name: &str) -> Self {
        let world = Self::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name), &world.project());
        world.commit("the example as it is");
        world
    }

    /// Makes a world with an empty project folder.
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("nonevent-").tempdir().unwrap();
        let scope = folder.path().file_name().unwrap().to_string_lossy().to_lowercase().replace('.', "");
        let world = Self { folder, scope, docker_host: None, within: "" };
        std::fs::create_dir(world.project()).unwrap();
        world
    }

    /// Uses another engine than the default one.
    pub fn on(mut self, docker_host: &str) -> Self {
        self.docker_host = Some(docker_host.to_owned());
        self
    }

    /// Runs commands in a folder of the project.
    pub fn within(mut self, folder: &'static str) -> Self {
        self.within = folder;
        self
    }

    /// The name of its installation, which everything of it bears as a label.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The project's folder.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The folder of state and history of the first laptop.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file of the project.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.project().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Replaces a text that must be there in a file of the project.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> &Self {
        let before = std::fs::read_to_string(self.project().join(file)).unwrap();
        assert!(before.contains(from), "{file} does not contain `{from}`");
        self.write(file, before.replacen(from, to, 1))
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) -> &Self {
        let git = |arguments: &[&str]| {
            let status = Command::new("git").args(arguments).current_dir(self.project()).stdout(Stdio::null()).status().unwrap();
            assert!(status.success(), "git {arguments:?}");
        };
        git(&["init", "--quiet", "--initial-branch", "main"]);
        git(&["add", "--all"]);
        git(&[
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@localhost",
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            message,
        ]);
        self
    }

    /// Prepares the real command line.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_from("home", arguments)
    }

    /// Prepares the real command line on another laptop: with a home folder of its own, on the same engine.
    pub fn command_from(&self, home: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(NONEVENT);
        command
            .args(arguments)
            .current_dir(self.project().join(self.within))
            .stdin(Stdio::null())
            .env("NONEVENT_HOME", self.folder.path().join(home))
            .env("NONEVENT_SCOPE", &self.scope)
            .env("NO_COLOR", "1");
        if let Some(host) = &self.docker_host {
            command.env("DOCKER_HOST", host);
        }
        command
    }

    /// Runs the real command line to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_from("home", arguments)
    }

    /// Runs the real command line of another laptop to its end.
    pub fn run_from(&self, home: &str, arguments: &[&str]) -> Ended {
        let Output { status, stdout, stderr } = self.command_from(home, arguments).output().unwrap();
        Ended {
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Runs a query and returns the data of its one object.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let ended = self.run(&all).ok();
        let last = ended.stdout.lines().last().unwrap_or_else(|| panic!("{arguments:?} printed nothing"));
        let object: Value = serde_json::from_str(last).unwrap();
        object.get("data").cloned().unwrap_or(object)
    }

    /// The status of one environment.
    pub fn status(&self, environment: &str) -> Value {
        let status = self.json(&["status"]);
        let environments = status["environments"].as_array().unwrap();
        environments.iter().find(|one| one["environment"] == environment).cloned().unwrap_or_else(|| panic!("{status}"))
    }

    /// The release that serves an environment.
    pub fn serving(&self, environment: &str) -> String {
        self.status(environment)["serving"].as_str().unwrap_or_default().to_owned()
    }

    /// The host and port at which the proxy answers, and the host name to ask for.
    pub fn address(&self, environment: &str) -> (String, String) {
        let url = self.status(environment)["url"].as_str().unwrap_or_else(|| panic!("{environment} has no URL")).to_owned();
        let authority = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (host, port) = authority.split_once(':').unwrap_or((&authority, "80"));
        (format!("127.0.0.1:{port}"), host.to_owned())
    }

    /// Asks the app through the proxy, as a browser would.
    pub fn get(&self, environment: &str, path: &str) -> (u16, String) {
        let (address, host) = self.address(environment);
        let answer = client().get(format!("http://{address}{path}")).header("Host", host).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    /// The proxy's container.
    pub fn proxy(&self) -> String {
        format!("{}-proxy", self.scope)
    }

    /// What the engine holds of this world, by kind: `container`, `volume`, `network`.
    pub fn left(&self, kind: &str) -> Vec<String> {
        self.listed(kind, if kind == "volume" { "{{.Name}}" } else { "{{.ID}}" })
    }

    /// Names of the containers of this world.
    pub fn containers(&self) -> Vec<String> {
        self.listed("container", "{{.Names}}")
    }

    fn listed(&self, kind: &str, format: &str) -> Vec<String> {
        let ours = format!("label=dev.nonevent.scope={}", self.scope);
        let listed = self.docker(&[kind, "ls", "--format", format, "--filter", &ours], kind == "container");
        listed.lines().map(str::to_owned).collect()
    }

    fn docker(&self, arguments: &[&str], all: bool) -> String {
        let mut command = Command::new("docker");
        command.args(arguments);
        if all {
            command.arg("--all");
        }
        if let Some(host) = &self.docker_host {
            command.env("DOCKER_HOST", host);
        }
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for container in self.left("container") {
            self.docker(&["rm", "--force", "--volumes", &container], false);
        }
        for volume in self.left("volume") {
            self.docker(&["volume", "rm", &volume], false);
        }
        for network in self.left("network") {
            self.docker(&["network", "rm", &network], false);
        }
    }
}

/// A client for plain HTTP; the library wants to know its TLS all the same.
pub fn client() -> reqwest::blocking::Client {
    tls();
    reqwest::blocking::Client::new()
}

/// Chooses the TLS of this process, once.
pub fn tls() {
    // Another test of this process may have chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Waits for something that another process brings about.
pub fn eventually<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if [".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"].iter().any(|left_out| name == *left_out) {
            continue;
        }
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(name)),
            false => drop(std::fs::copy(entry.path(), to.join(name)).unwrap()),
        }
    }
}
