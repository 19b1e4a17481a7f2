//! A temporary folder with a project in it, and the real tools run there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use nonevent_engine::project::lock::{Libc, LockFile, Machine, PythonTarget, find};

/// A temporary folder that is removed at the end.
pub struct World {
    dir: tempfile::TempDir,
}

impl World {
    /// Makes a folder with files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            world.write(name, text);
        }
        world
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// Replaces a text that must occur in a file.
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not contain {from:?}:\n{text}");
        self.write(name, &text.replacen(from, to, 1));
    }

    pub fn lock(&self) -> LockFile {
        self.lock_of(".")
    }

    pub fn lock_of(&self, folder: &str) -> LockFile {
        find(&self.root().join(folder)).unwrap().expect("a lock")
    }
}

/// CPython on Debian.
pub fn python(version: &str) -> PythonTarget {
    PythonTarget::cpython(version, Machine::X86_64, Libc::Glibc { major: 2, minor: 41 }).unwrap()
}

/// Finds this machine's Python once, if it will do, so that uv need not search for one each time.
fn interpreter() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        let script = "import sys; print(sys.executable if sys.version_info >= (3, 11) else '')";
        let output = Command::new("python3").args(["-c", script]).output().ok()?;
        let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        Some(path).filter(|path| !path.is_empty())
    };
    FOUND.get_or_init(find).as_deref()
}

/// Runs a tool in a folder.
pub fn run(folder: &Path, program: &str, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).stdin(Stdio::null()).env("NO_COLOR", "1").env_remove("VIRTUAL_ENV");
    if let Some(python) = interpreter() {
        command.env("UV_PYTHON", python);
    }
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("`{program}` is needed on the PATH for this test: {error}"),
    }
}

/// Runs a tool that must succeed, and returns what it printed.
pub fn run_ok(folder: &Path, program: &str, words: &[&str]) -> String {
    let output = run(folder, program, words);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "`{program} {}` failed:\n{}", words.join(" "), text(&output.stderr));
    text(&output.stdout)
}

/// Lets uv decide which lines of a requirements file hold on an interpreter; returns `name==version`.
pub fn evaluated_by_uv(folder: &Path, lines: &str, python: &str) -> BTreeSet<String> {
    let remote = |line: &&str| !line.starts_with(['-', '.', '#', ' ']) && !line.trim().is_empty();
    let kept: String = lines.lines().filter(remote).map(|line| format!("{line}\n")).collect();
    std::fs::write(folder.join("exported.in"), kept).unwrap();
    let python = python.rsplit_once('.').unwrap().0;
    let words = ["pip", "compile", "exported.in", "--no-deps", "--no-header", "--no-annotate", "--quiet"];
    // Any Python will do, since none is run: finding a certain one can take seconds.
    let platform = ["--python", "3", "--python-version", python, "--python-platform", "x86_64-manylinux_2_40"];
    let words: Vec<&str> = words.into_iter().chain(platform).collect();
    let printed = run_ok(folder, "uv", &words);
    std::fs::remove_file(folder.join("exported.in")).unwrap();
    // A wheel at a URL tells its version in its name.
    let version = |url: &str| url.rsplit('/').next().unwrap().split('-').nth(1).unwrap().to_owned();
    let pinned = |line: &str| match line.split_once(" @ ") {
        Some((name, url)) => format!("{name}=={}", version(url)),
        None => line.to_owned(),
    };
    printed.lines().map(pinned).collect()
}
