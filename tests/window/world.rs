//! What a window needs around it: a home of its own, and the driver that opens the window on it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nonevent_engine::model::ProjectName;
use nonevent_engine::store::Store;
use tempfile::TempDir;

use crate::page::Page;

/// The window's binary, as `cargo build` makes it.
pub const WINDOW: &str = env!("CARGO_BIN_EXE_nonevent-desktop");

/// Long enough for a machine that does much else at the same time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A home, the projects' folders, and a driver that opens windows on them.
pub struct World {
    folder: TempDir,
    store: Store,
    driver: Driver,
    address: String,
}

impl World {
    /// Makes a world that uses the engine that is found.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Makes a world whose window sees these variables beside its home.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("home")).unwrap();
        let (port, native_port) = (free_port(), free_port());
        let mut command = Command::new("tauri-driver");
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        command.args(["--native-driver", "/usr/bin/WebKitWebDriver"]);
        command.envs(home(folder.path())).envs(variables.iter().copied()).stdout(Stdio::null());
        let driver = Driver(command.spawn().expect("tauri-driver starts: `scripts/bootstrap test` installs it"));
        // The native driver may be later than the one before it.
        listening(native_port).await;
        listening(port).await;
        Self { folder, store, driver, address: format!("http://127.0.0.1:{port}") }
    }

    /// Returns the variables that lead a process to this world's home.
    pub fn variables(&self) -> [(&'static str, PathBuf); 2] {
        home(self.folder.path())
    }

    /// Copies an example to a folder of a name that nobody else uses, without telling the home. Returns name and folder.
    pub fn project(&self) -> (ProjectName, PathBuf) {
        let unique = uuid::Uuid::now_v7().simple().to_string();
        let name = format!("window-{}", unique.split_at(20).1);
        let folder = self.folder.path().join(&name);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flask-requirements"), &folder);
        (ProjectName::new(name), folder)
    }

    /// Tells the home of a project, as another process would.
    pub fn remember(&self, name: &ProjectName, folder: &Path) {
        self.store.remember_project(name, folder).unwrap();
    }

    /// Opens the window.
    pub async fn window(&self) -> Page {
        assert!(self.driver.0.id() > 0);
        Page::open(&self.address).await
    }
}

/// Ends as the driver's own users end it, so that it ends what it started.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let id = i32::try_from(self.0.id()).unwrap_or_default();
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Only then does the driver also hear that it shall end.
async fn listening(port: u16) {
    let knock = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            pause.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, knock).await.expect("the driver listens");
}

fn home(folder: &Path) -> [(&'static str, PathBuf); 2] {
    [("NONEVENT_HOME", folder.join("home")), ("NONEVENT_CACHE", folder.join("cache"))]
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
