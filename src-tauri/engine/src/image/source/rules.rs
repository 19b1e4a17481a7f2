//! Which file belongs where. The lists are short on purpose: a person must be able to know them.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::docker_ignore::DockerIgnore;
use super::secrets::{self, Secret};
use super::{Part, SourceError};
use crate::model::BuildSettings;

/// Folders and files that no image holds, wherever they are: version control, virtual environments, caches, what builds leave behind.
const NEVER: [&str; 20] = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".venv",
    ".tox",
    ".nox",
    ".direnv",
    ".eggs",
    "__pycache__",
    "__pypackages__",
    "node_modules",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".ipynb_checkpoints",
    ".coverage",
    "htmlcov",
    ".DS_Store",
];

/// Endings of such files and folders.
const NEVER_ENDINGS: [&str; 4] = [".pyc", ".pyo", ".egg-info", ".swp"];

/// Files about version control and images, wherever they are: a release does not need them.
const DEVELOPMENT: [&str; 5] = [".gitignore", ".gitattributes", ".gitmodules", ".gitkeep", ".dockerignore"];

/// At the root: tests, documentation, CI, editors, locks, and the configuration of development tools.
const DEVELOPMENT_AT_ROOT: [&str; 53] = [
    "tests",
    "test",
    "docs",
    "doc",
    "benches",
    "benchmarks",
    ".github",
    ".gitlab",
    ".gitlab-ci.yml",
    ".circleci",
    ".forgejo",
    ".gitea",
    ".buildkite",
    ".travis.yml",
    "azure-pipelines.yml",
    "Jenkinsfile",
    ".vscode",
    ".idea",
    ".devcontainer",
    ".editorconfig",
    ".python-version",
    ".tool-versions",
    ".envrc",
    "conftest.py",
    "noxfile.py",
    "tox.ini",
    "setup.cfg",
    "pytest.ini",
    ".pytest.ini",
    "mypy.ini",
    ".mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    "ty.toml",
    "pyrightconfig.json",
    ".flake8",
    ".pylintrc",
    ".coveragerc",
    ".isort.cfg",
    ".pre-commit-config.yaml",
    ".pre-commit-config.yml",
    "Makefile",
    "Justfile",
    "justfile",
    "Taskfile.yml",
    "Vagrantfile",
    "uv.lock",
    "uv.toml",
    "poetry.lock",
    "poetry.toml",
    "pdm.lock",
    "Pipfile",
    "Pipfile.lock",
];

/// At the root: what configures Nonevent itself. Not beside the gates either, or a changed replica count would run them anew.
const OWN: [&str; 2] = ["nonevent.toml", "nonevent.lock"];

/// At the root: beginnings and endings of more such files.
const DEVELOPMENT_AT_ROOT_BETWEEN: [(&str, &str); 16] = [
    ("Dockerfile", ""),
    ("", ".Dockerfile"),
    ("Containerfile", ""),
    ("docker-compose", ".yml"),
    ("docker-compose", ".yaml"),
    ("compose", ".yml"),
    ("compose", ".yaml"),
    ("requirements", ".txt"),
    ("requirements", ".in"),
    ("pylock", ".toml"),
    ("README", ""),
    ("CHANGELOG", ""),
    ("CHANGES", ""),
    ("CONTRIBUTING", ""),
    ("CODE_OF_CONDUCT", ""),
    ("SECURITY", ".md"),
];

/// Where a file belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In the release.
    Release,
    /// Only beside its gates.
    Development,
    /// Nowhere, without a word.
    Never,
    /// Nowhere, with a warning.
    Secret,
}

/// All rules of one project.
#[derive(Debug)]
pub(super) struct Rules {
    docker_ignore: DockerIgnore,
    include: Gitignore,
    exclude: Gitignore,
    /// The `.gitignore` files above the project, up to its repository's root.
    above: Vec<Gitignore>,
    /// Folders below which `[build] include` may find something.
    pub(super) include_roots: Vec<PathBuf>,
}

impl Rules {
    pub(super) fn of(root: &Path, settings: &BuildSettings) -> Result<Self, SourceError> {
        let docker_ignore = match std::fs::read_to_string(root.join(".dockerignore")) {
            Ok(text) => DockerIgnore::parse(&text)?,
            Err(_) => DockerIgnore::default(),
        };
        Ok(Self {
            docker_ignore,
            include: patterns(root, &settings.include, "[build] include")?,
            exclude: patterns(root, &settings.exclude, "[build] exclude")?,
            above: ignores_above(root),
            include_roots: settings.include.iter().map(|pattern| literal_root(root, pattern)).collect(),
        })
    }

    /// Judges a file by its path below the root.
    pub(super) fn judge(&self, path: &str) -> Verdict {
        if is_never(path) {
            return Verdict::Never;
        }
        if self.includes(path) {
            return Verdict::Release;
        }
        if OWN.contains(&path) {
            return Verdict::Never;
        }
        let verdict = match self.is_for_development(path) {
            true => Verdict::Development,
            false => Verdict::Release,
        };
        match (secrets::judge(path), verdict) {
            (Some(Secret::Values), Verdict::Development) => Verdict::Never,
            (Some(Secret::Key), Verdict::Development) | (None, _) => verdict,
            (Some(_), _) => Verdict::Secret,
        }
    }

    /// Tells whether `[build] include` names a file.
    pub(super) fn includes(&self, path: &str) -> bool {
        self.include.matched_path_or_any_parents(path, false).is_ignore()
    }

    /// Tells whether a folder may hold anything of a part; where it may not, it is not entered.
    pub(super) fn enters(&self, folder: &str, part: Part) -> bool {
        if is_never(folder) {
            return false;
        }
        match part {
            Part::Development => true,
            Part::Release => !self.is_for_development(folder) || self.docker_ignore.brings_back(),
        }
    }

    /// Tells whether a `.gitignore` above the project names a path.
    pub(super) fn ignored_above(&self, path: &Path, folder: Folder) -> bool {
        self.above.iter().any(|ignore| ignore.matched(path, folder == Folder::Yes).is_ignore())
    }

    fn is_for_development(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let top = path.split('/').next().unwrap_or(path);
        let between = |(start, end): &(&str, &str)| top.starts_with(start) && top.ends_with(end);
        DEVELOPMENT.contains(&name)
            || DEVELOPMENT_AT_ROOT.contains(&top)
            || DEVELOPMENT_AT_ROOT_BETWEEN.iter().any(between)
            || self.exclude.matched_path_or_any_parents(path, false).is_ignore()
            || self.docker_ignore.leaves_out(path)
    }
}

/// Whether a path is a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    /// It is.
    Yes,
    /// It is a file or a link.
    No,
}

/// Tells whether no image holds a path, whatever the settings say.
pub(super) fn is_never(path: &str) -> bool {
    path.split('/').any(|part| NEVER.contains(&part) || NEVER_ENDINGS.iter().any(|ending| part.ends_with(ending)))
}

fn patterns(root: &Path, globs: &[String], file: &str) -> Result<Gitignore, SourceError> {
    let mut builder = GitignoreBuilder::new(root);
    for glob in globs {
        let refused = |error: ignore::Error| SourceError::Pattern {
            pattern: glob.clone(),
            file: format!("`{file}`"),
            reason: error.to_string(),
        };
        builder.add_line(None, glob).map_err(refused)?;
    }
    builder.build().map_err(|error| SourceError::Pattern {
        pattern: globs.join("`, `"),
        file: format!("`{file}`"),
        reason: error.to_string(),
    })
}

fn ignores_above(root: &Path) -> Vec<Gitignore> {
    // Without a repository above, a `.gitignore` up there is about something else.
    if root.join(".git").exists() {
        return Vec::new();
    }
    let above: Vec<_> = root.ancestors().skip(1).collect();
    match above.iter().position(|folder| folder.join(".git").exists()) {
        None => Vec::new(),
        Some(repository) => above.iter().take(repository + 1).map(|folder| Gitignore::new(folder.join(".gitignore")).0).collect(),
    }
}

/// The folder below which a pattern can match anything: its parts before the first wildcard.
fn literal_root(root: &Path, pattern: &str) -> PathBuf {
    let pattern = pattern.trim_start_matches('/');
    if !pattern.trim_end_matches('/').contains('/') {
        // Without a slash inside, it matches at any depth.
        return root.to_owned();
    }
    let literal = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '\\', '{']) && *part != "..");
    literal.filter(|part| !part.is_empty()).fold(root.to_owned(), |folder, part| folder.join(part))
}
