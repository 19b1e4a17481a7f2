//! Finds where importable code lies: `src/`, the project's folder, or where the build backend's table says.

use std::path::{Component, Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::normal;
use crate::project::ProjectError;
use crate::project::document::Document;

/// Where importable code lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Folders whose content can be imported, relative to the project, the most specific first; the project's own is the empty path.
    pub import_roots: Vec<PathBuf>,
    /// Import packages, relative to the project.
    pub packages: Vec<PathBuf>,
    /// Modules that lie directly in an import root, relative to the project.
    pub modules: Vec<PathBuf>,
}

/// Folders that are no part of an app, wherever they lie.
pub(in crate::project) const NOT_THE_APP: [&str; 22] = [
    "tests",
    "test",
    "testing",
    "docs",
    "doc",
    "examples",
    "example",
    "samples",
    "benchmarks",
    "benches",
    "node_modules",
    "venv",
    "env",
    "site-packages",
    "__pycache__",
    "build",
    "dist",
    "migrations",
    "alembic",
    "static",
    "templates",
    "fixtures",
];

/// Modules that belong to tools.
pub(in crate::project) const TOOLS: [&str; 8] =
    ["setup.py", "conftest.py", "noxfile.py", "fabfile.py", "dodo.py", "gunicorn.conf.py", "test.py", "tests.py"];

/// A folder may hold anything.
const MOST_ENTRIES: usize = 512;

pub(super) fn find(root: &Path, pyproject: Option<&Document>, name: Option<&str>) -> Result<Layout, ProjectError> {
    let hinted = match pyproject {
        Some(document) => hints(document.table()?.get_ref()),
        None => Vec::new(),
    };
    let mut import_roots: Vec<PathBuf> = Vec::new();
    let src = PathBuf::from("src");
    let src_holds_code = !root.join("src/__init__.py").exists();
    for folder in hinted.into_iter().chain(src_holds_code.then_some(src)).chain([PathBuf::new()]) {
        let kept = !import_roots.contains(&folder) && root.join(&folder).is_dir();
        if kept && (folder.as_os_str().is_empty() || holds_code(root, &folder)) {
            import_roots.push(folder);
        }
    }
    let mut layout = Layout { import_roots: import_roots.clone(), ..Layout::default() };
    for folder in &import_roots {
        for child in children(root, folder) {
            let file_name = child.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let path = root.join(&child);
            if is_module(file_name) && path.is_file() {
                layout.modules.push(child);
            } else if !import_roots.contains(&child) && is_package(&path, file_name, name) {
                layout.packages.push(child);
            }
        }
    }
    Ok(layout)
}

fn is_module(file_name: &str) -> bool {
    file_name.ends_with(".py")
        && !TOOLS.contains(&file_name)
        && !file_name.starts_with("test_")
        && !file_name.ends_with("_test.py")
}

fn is_package(path: &Path, file_name: &str, project: Option<&str>) -> bool {
    let importable = !file_name.is_empty() && file_name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let named_so = project.is_some_and(|project| normal(project) == normal(file_name));
    importable && !NOT_THE_APP.contains(&file_name) && path.is_dir() && (named_so || path.join("__init__.py").is_file())
}

fn holds_code(root: &Path, folder: &Path) -> bool {
    children(root, folder).iter().any(|child| {
        let path = root.join(child);
        child.extension().is_some_and(|extension| extension == "py") || (path.is_dir() && holds_python(&path))
    })
}

fn holds_python(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_ENTRIES);
    entries.into_iter().any(|entry| Path::new(&entry.file_name()).extension().is_some_and(|extension| extension == "py"))
}

/// Lists a folder's visible entries, sorted, relative to the project; links that leave the folder are not followed.
fn children(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let visible = entries.filter(|entry| {
        !entry.file_name().as_encoded_bytes().starts_with(b".") && entry.file_type().is_ok_and(|kind| !kind.is_symlink())
    });
    let relevant = visible.filter(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_folder || Path::new(&entry.file_name()).extension().is_some_and(|extension| extension == "py")
    });
    let mut found: Vec<_> = relevant.take(MOST_ENTRIES).map(|entry| folder.join(entry.file_name())).collect();
    found.sort();
    found
}

/// Folders of code that the tables of build backends name.
fn hints(table: &DeTable<'_>) -> Vec<PathBuf> {
    let value = |path: &[&str]| -> Option<&DeValue<'_>> {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(table, |table, key| table.get(*key)?.get_ref().as_table())?;
        parent.get(*last).map(toml::Spanned::get_ref)
    };
    let text = |path: &[&str]| value(path).and_then(DeValue::as_str).map(str::to_owned);
    let texts = |path: &[&str]| -> Vec<String> {
        let list = value(path).and_then(DeValue::as_array);
        list.into_iter().flatten().filter_map(|item| item.get_ref().as_str()).map(str::to_owned).collect()
    };
    let mut found: Vec<String> = texts(&["tool", "setuptools", "packages", "find", "where"]);
    found.extend(text(&["tool", "setuptools", "package-dir", ""]));
    found.extend(text(&["tool", "uv", "build-backend", "module-root"]));
    found.extend(text(&["tool", "pdm", "build", "package-dir"]));
    for package in texts(&["tool", "hatch", "build", "targets", "wheel", "packages"]) {
        found.extend(package.rsplit_once('/').map(|(parent, _)| parent.to_owned()));
    }
    let poetry = value(&["tool", "poetry", "packages"]).and_then(DeValue::as_array);
    for package in poetry.into_iter().flatten() {
        let from = package.get_ref().as_table().and_then(|table| table.get("from")?.get_ref().as_str());
        found.extend(from.map(str::to_owned));
    }
    let paths =
        found.iter().map(|text| Path::new(text).components().filter(|part| *part != Component::CurDir).collect::<PathBuf>());
    paths.filter(|path| path.components().all(|part| matches!(part, Component::Normal(_)))).collect()
}
