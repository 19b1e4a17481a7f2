//! What a window needs around it: a home and a session bus of its own, and the driver that opens the window on them.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nonevent_engine::model::{ProjectName, RunState};
use nonevent_engine::store::{HealthStore, Store};
use tempfile::TempDir;

use crate::page::Page;

/// The window's binary, as `cargo build` makes it.
pub const WINDOW: &str = env!("CARGO_BIN_EXE_nonevent-desktop");

/// The key (WebDriver, keyboard actions).
pub const ENTER: &str = "\u{e007}";

const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Long enough for a machine that does much else at the same time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A home, the projects' folders, a session bus, and a driver that opens windows on them.
pub struct World {
    // Dropped in this order: the driver ends before its bus, and the folder goes last.
    driver: Started,
    bus: Bus,
    address: String,
    store: Store,
    folder: TempDir,
    /// Sets what this world makes on the engine apart from everything else there.
    scope: String,
    projects: Cell<Vec<ProjectName>>,
}

impl World {
    /// Makes a world that uses the engine that is found.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Makes a world whose window sees these variables beside its home.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("nonevent-").tempdir().unwrap();
        let store = Store::open(&folder.path().join("home")).unwrap();
        let (port, native_port) = (free_port(), free_port());
        let mut command = Command::new("tauri-driver");
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        command.args(["--native-driver", "/usr/bin/WebKitWebDriver"]);
        let bus = Bus::new();
        let scope = unique("win");
        command
            .envs(home(folder.path()))
            .env("NONEVENT_SCOPE", &scope)
            .env(BUS, &bus.address)
            .envs(variables.iter().copied())
            .stdout(Stdio::null());
        let driver = Started(command.spawn().expect("tauri-driver starts: `scripts/bootstrap test` installs it"));
        // The native driver may be later than the one before it.
        listening(native_port).await;
        listening(port).await;
        Self { driver, bus, address: format!("http://127.0.0.1:{port}"), store, folder, scope, projects: Cell::default() }
    }

    /// Starts the window's binary once more, as a person would from a menu.
    pub fn second_start(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(WINDOW);
        command.envs(home(self.folder.path())).env(BUS, &self.bus.address).kill_on_drop(true);
        command
    }

    /// Starts the window's binary without a driver, as a desktop would at login; it ends with what is returned.
    pub fn start(&self, words: &[&str]) -> tokio::process::Child {
        let mut command = self.second_start();
        command.args(words).env("NONEVENT_SCOPE", &self.scope).stdout(Stdio::null());
        command.spawn().unwrap()
    }

    /// The address of the session bus.
    pub fn bus(&self) -> &str {
        &self.bus.address
    }

    /// Prepares a program that uses this world's session bus.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env(BUS, &self.bus.address).env_remove("WAYLAND_DISPLAY");
        command
    }

    /// What the home remembers.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The timelines of the home.
    pub fn health(&self) -> HealthStore {
        HealthStore::open(&self.folder.path().join("home")).unwrap()
    }

    /// Returns what a file of the home holds; empty where there is none.
    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("home").join(file)).unwrap_or_default()
    }

    /// Writes a file of the home, as an earlier window would have.
    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join("home").join(file), text).unwrap();
    }

    /// Copies an example to a folder of a name that nobody else uses, without telling the home. Returns name and folder.
    pub fn project(&self) -> (ProjectName, PathBuf) {
        let name = unique("window-");
        let folder = self.example("flask-requirements", &name);
        let name = ProjectName::new(name);
        let mut projects = self.projects.take();
        projects.push(name.clone());
        self.projects.set(projects);
        (name, folder)
    }

    /// Copies an example to a folder of this name.
    pub fn example(&self, example: &str, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example), &folder);
        folder
    }

    /// The ids of a project's containers of a role, in this world's scope.
    pub fn containers(&self, role: &str, project: &str) -> Vec<String> {
        let labels = [("scope", self.scope.as_str()), ("role", role), ("project", project)];
        let filters = labels.map(|(name, value)| format!("--filter=label=dev.nonevent.{name}={value}"));
        let listed = Command::new("docker").args(["ps", "--all", "--quiet"]).args(filters).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Tells the home of a project, as another process would.
    pub fn remember(&self, name: &ProjectName, folder: &Path) {
        self.store.remember_project(name, folder).unwrap();
    }

    /// Waits until a window's process watches; returns it.
    pub async fn process(&self) -> Pid {
        let named = || {
            let told = self.read("watch.lock");
            told.split_once("(process ")?.1.split_once(')')?.0.parse().ok()
        };
        Pid::from_raw(eventually("somebody watches", named).await)
    }

    /// Waits until the newest run of a project has ended; returns how.
    pub async fn run_ended(&self, project: &ProjectName) -> RunState {
        let state = || self.store.runs(project, 1).unwrap().pop().map(|run| run.state);
        eventually("the run ends", || state().filter(|state| *state != RunState::Running)).await
    }

    /// Waits until a file of the home holds a text.
    pub async fn kept(&self, file: &str, text: &str) {
        let file = self.folder.path().join("home").join(file);
        eventually("it is kept", || std::fs::read_to_string(&file).is_ok_and(|found| found.contains(text)).then_some(())).await;
    }

    /// Prepares the real command line on this world.
    pub fn nonevent(&self, project: &Path, arguments: &[&str]) -> tokio::process::Command {
        let binary = Path::new(WINDOW).with_file_name("nonevent");
        assert!(binary.exists(), "there is no {}: `cargo build --workspace` makes it", binary.display());
        let mut command = tokio::process::Command::new(binary);
        command.args(arguments).current_dir(project).stdin(Stdio::null());
        command.envs(home(self.folder.path())).env("NONEVENT_SCOPE", &self.scope).kill_on_drop(true);
        command
    }

    /// Opens the window.
    pub async fn window(&self) -> Page {
        assert!(self.driver.0.id() > 0);
        Page::open(&self.address).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        remove_from_engine(&format!("dev.nonevent.scope={}", self.scope));
        // Images and caches are shared by all scopes; the projects' names are ours alone.
        for name in self.projects.take() {
            remove_from_engine(&format!("dev.nonevent.project={name}"));
        }
    }
}

/// Runs a command in every web instance of a project.
pub fn in_instances(project: &str, command: &[&str]) {
    let label = format!("label=dev.nonevent.project={project}");
    let listed =
        Command::new("docker").args(["ps", "--quiet", "--filter", &label, "--filter", "label=dev.nonevent.role=web"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(!listed.trim().is_empty(), "no instance of {project} runs");
    for id in listed.lines() {
        let done = Command::new("docker").args(["exec", id]).args(command).status().unwrap();
        assert!(done.success(), "{command:?} in {id}");
    }
}

fn remove_from_engine(label: &str) {
    let label = format!("label={label}");
    for (list, remove) in [
        (["container", "ls", "--all"].as_slice(), ["container", "rm", "--force", "--volumes"].as_slice()),
        (&["volume", "ls"], &["volume", "rm"]),
        (&["network", "ls"], &["network", "rm"]),
        (&["image", "ls"], &["image", "rm", "--force"]),
    ] {
        // Where Docker is not, nothing was made.
        let Ok(listed) = Command::new("docker").args(list).args(["--quiet", "--filter", &label]).output() else { return };
        for thing in String::from_utf8_lossy(&listed.stdout).lines() {
            let _ = Command::new("docker").args(remove).arg(thing).output();
        }
    }
}

/// Looks until something is found.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        loop {
            pause.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// A session bus. One for each world: a window that is still closing would else be found by the next one, which then would not open.
struct Bus {
    _daemon: Started,
    address: String,
}

impl Bus {
    fn new() -> Self {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut daemon = command.spawn().expect("dbus-daemon starts: `scripts/bootstrap test` installs it");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { _daemon: Started(daemon), address: address.trim().to_owned() }
    }
}

/// A process that is asked to end, so that it ends what it started itself.
pub struct Started(pub Child);

impl Drop for Started {
    fn drop(&mut self) {
        let id = i32::try_from(self.0.id()).unwrap_or_default();
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Only then does the driver also hear that it shall end.
async fn listening(port: u16) {
    eventually("the driver listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok()).await;
}

fn home(folder: &Path) -> [(&'static str, PathBuf); 2] {
    [("NONEVENT_HOME", folder.join("home")), ("NONEVENT_CACHE", folder.join("cache"))]
}

fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::now_v7().simple().to_string();
    format!("{prefix}{}", id.split_at(22).1)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(place).unwrap();
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}
