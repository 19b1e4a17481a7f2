//! A project's folder, made of texts.

use std::path::{Path, PathBuf};

use nonevent_engine::model::{CommandLine, HealthProbe, Origin, Process, ProcessKind};
use nonevent_engine::project::{Project, ProjectError};

/// A folder that looks like a repository, so that nothing above it is looked at.
pub struct Tree(tempfile::TempDir);

impl Tree {
    pub fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(tree.path().join(".git")).unwrap();
        tree
    }

    /// Begins with a manifest that names dependencies.
    pub fn with(dependencies: &[&str]) -> Self {
        let list: Vec<_> = dependencies.iter().map(|name| format!("\"{name}\"")).collect();
        let text = format!("[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [{}]\n", list.join(", "));
        Self::new().file("pyproject.toml", &text)
    }

    pub fn file(self, path: &str, text: &str) -> Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub fn open(&self) -> Result<Project, ProjectError> {
        Project::open(&self.path())
    }

    pub fn project(&self) -> Project {
        self.open().unwrap_or_else(|error| panic!("{}", told(&error, &self.path())))
    }

    pub fn error(&self) -> ProjectError {
        match self.open() {
            Ok(project) => panic!("this was to fail: {:#?}", project.settings),
            Err(error) => error,
        }
    }
}

/// Writes an error as people see it, without the folder's random name.
pub fn told(error: &ProjectError, root: &Path) -> String {
    let mut lines = vec![format!("error: {error}")];
    lines.extend(error.details().into_iter().map(|line| format!("  {line}")));
    lines.extend(error.hint().map(|hint| format!("hint: {hint}")));
    let name = root.file_name().unwrap().to_string_lossy();
    lines.join("\n").replace(&*root.to_string_lossy(), "[folder]").replace(&*name, "[name]")
}

/// Writes a process on one line: its name, its port, and what it runs.
pub fn line(process: &Process) -> String {
    let command = match &process.command {
        CommandLine::Exec(arguments) => arguments.join(" "),
        CommandLine::Shell(line) => format!("sh: {line}"),
    };
    let port = match process.kind {
        ProcessKind::Web { port } => format!(":{port}"),
        ProcessKind::Worker => String::new(),
    };
    format!("{}{port} {command}", process.name)
}

/// Writes every process of a project.
pub fn lines(project: &Project) -> Vec<String> {
    project.settings.app.processes.iter().map(line).collect()
}

/// Returns the path that probes ask for.
pub fn health_path(project: &Project) -> Option<&str> {
    match &project.settings.health.probe {
        HealthProbe::Http { path } => Some(path),
        _ => None,
    }
}

/// Writes a value and its origin as `explain` prints them.
pub fn explained(project: &Project, key: &str) -> String {
    let setting = project.explained.iter().find(|setting| setting.key == key);
    let setting = setting.unwrap_or_else(|| panic!("`{key}` is not among {:#?}", project.explained));
    let origin = match &setting.origin {
        Origin::File { file, line } => format!("{}:{line}", file.display()),
        Origin::Inferred { because } => format!("inferred from {because}"),
        Origin::Default => "default".into(),
    };
    format!("{} ({origin})", setting.value)
}
