//! Collects the Python modules of an app, within bounds: no tests, no examples, no virtual environments, nothing ignored by Git.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::ast::Statement;
use super::parse::Reader;
use crate::project::manifest::{Layout, NOT_THE_APP, TOOLS};

/// More modules than one app has; what lies deepest is left out.
const MOST_MODULES: usize = 3000;
/// A folder may hold anything.
const MOST_ENTRIES: usize = 200_000;
/// A larger module was written by a machine.
const LARGEST_MODULE: u64 = 1024 * 1024;
const DEEPEST_FOLDER: usize = 10;

/// Modules that are read whatever they hold.
const ENTRY_MODULES: [&str; 15] = [
    "__init__",
    "__main__",
    "app",
    "application",
    "api",
    "main",
    "manage",
    "run",
    "server",
    "settings",
    "urls",
    "web",
    "wsgi",
    "asgi",
    "worker",
];

/// A module without any of these says nothing about how the app is run, or how it tells that it is well.
const SIGNS: [&str; 33] = [
    "FastAPI",
    "Starlette",
    "Litestar",
    "Flask",
    "Quart",
    "Sanic",
    "FastHTML",
    "falcon",
    "bottle",
    "blacksheep",
    "Celery",
    "streamlit",
    "make_wsgi_app",
    "start_response",
    "receive, send",
    "get_wsgi_application",
    "get_asgi_application",
    "_APPLICATION",
    "ROOT_URLCONF",
    "create_app",
    "application =",
    "__main__",
    "include_router",
    "register_blueprint",
    "mount(",
    "health",
    "readyz",
    "livez",
    "/ping",
    "\"ping",
    "'ping",
    "/up\"",
    "/up'",
];

/// One module.
#[derive(Debug)]
pub(super) struct Module {
    /// Its dotted name; none when its file has a name that cannot be imported.
    pub name: Option<String>,
    /// Its file, relative to the project.
    pub file: PathBuf,
    /// What it says.
    pub statements: Vec<Statement>,
    /// Names that it imports, each with what it stands for.
    pub imports: BTreeMap<String, String>,
    text: String,
}

impl Module {
    /// Returns a line of the source, trimmed.
    pub fn source_line(&self, line: u32) -> String {
        let row = self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim();
        row.chars().take(100).collect()
    }
}

/// The modules of an app.
#[derive(Debug, Default)]
pub(in crate::project) struct Sources {
    pub(super) modules: Vec<Module>,
    /// Folders, beside those of the layout, from which the modules import each other.
    pub import_roots: Vec<PathBuf>,
    /// How many modules there are; more than were read when the bound was hit.
    pub seen: usize,
}

impl Sources {
    /// Reads the modules of a project.
    pub fn read(root: &Path, layout: &Layout) -> Self {
        let mut files = list(root);
        let seen = files.len();
        // What lies near the top starts the app.
        files.sort_by_key(|file| (file.components().count(), file.clone()));
        files.truncate(MOST_MODULES);
        let texts: Vec<(PathBuf, String)> =
            files.into_iter().filter_map(|file| Some((read_text(root, &file)?, file))).map(|(text, file)| (file, text)).collect();
        let import_roots = found_roots(root, layout, &texts);
        let Some(mut reader) = Reader::new() else { return Self::default() };
        let roots: Vec<&PathBuf> = import_roots.iter().chain(&layout.import_roots).collect();
        let modules = texts
            .into_iter()
            .filter(|(file, text)| says_something(file, text))
            .map(|(file, text)| module(&mut reader, &roots, file, text));
        Self { modules: modules.collect(), import_roots, seen }
    }

    /// Tells whether some modules were left out.
    pub fn is_cut(&self) -> bool {
        self.seen > MOST_MODULES
    }
}

fn read_text(root: &Path, file: &Path) -> Option<String> {
    let path = root.join(file);
    if std::fs::metadata(&path).ok()?.len() > LARGEST_MODULE {
        return None;
    }
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn says_something(file: &Path, text: &str) -> bool {
    let stem = file.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    ENTRY_MODULES.contains(&stem) || SIGNS.iter().any(|sign| text.contains(sign))
}

/// Lists Python files, relative to the project.
fn list(root: &Path) -> Vec<PathBuf> {
    let mut walk = ignore::WalkBuilder::new(root);
    walk.require_git(false).parents(false).git_global(false).git_exclude(false).max_depth(Some(DEEPEST_FOLDER));
    walk.filter_entry(|entry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        entry.depth() == 0 || !is_folder || is_part_of_the_app(entry.path(), entry.file_name())
    });
    let entries = walk.build().take(MOST_ENTRIES).flatten();
    let files = entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()) && is_app_module(entry.file_name()));
    files.filter_map(|entry| entry.path().strip_prefix(root).ok().map(Path::to_owned)).collect()
}

fn is_part_of_the_app(path: &Path, name: &OsStr) -> bool {
    let skipped = name.to_str().is_none_or(|name| NOT_THE_APP.contains(&name) || name.ends_with(".egg-info"));
    // A virtual environment, or another project with a manifest of its own.
    !skipped && !path.join("pyvenv.cfg").exists() && !path.join("pyproject.toml").exists()
}

fn is_app_module(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        name.ends_with(".py") && !name.starts_with("test_") && !name.ends_with("_test.py") && !TOOLS.contains(&name)
    })
}

fn module(reader: &mut Reader, roots: &[&PathBuf], file: PathBuf, text: String) -> Module {
    let name = module_name(roots, &file);
    let is_package = file.file_stem() == Some(OsStr::new("__init__"));
    let package = match &name {
        Some(name) if is_package => name.clone(),
        Some(name) => name.rsplit_once('.').map(|(package, _)| package.to_owned()).unwrap_or_default(),
        None => String::new(),
    };
    let statements = reader.read(&text, &package);
    let mut imports = BTreeMap::new();
    super::ast::walk(&statements, super::ast::Scope::Module, &mut |statement, _| {
        if let Statement::Import { name, target } = statement {
            imports.insert(name.clone(), target.clone());
        }
    });
    Module { name, file, statements, imports, text }
}

/// Returns the dotted name under which a file is imported from the most specific of the roots.
fn module_name(roots: &[&PathBuf], file: &Path) -> Option<String> {
    let mut holding: Vec<&Path> = roots.iter().filter_map(|root| file.strip_prefix(root).ok()).collect();
    holding.sort_by_key(|path| path.components().count());
    let path = holding.first()?.with_extension("");
    let parts: Option<Vec<&str>> =
        path.components().map(|part| part.as_os_str().to_str().filter(|part| is_identifier(part))).collect();
    let mut parts = parts?;
    if parts.last() == Some(&"__init__") {
        parts.pop();
    }
    (!parts.is_empty()).then(|| parts.join("."))
}

fn is_identifier(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Finds folders that are no packages and whose modules import each other by their bare names: they run with the folder on the path.
fn found_roots(root: &Path, layout: &Layout, texts: &[(PathBuf, String)]) -> Vec<PathBuf> {
    let mut folders: BTreeMap<&Path, Vec<(&Path, &str)>> = BTreeMap::new();
    for (file, text) in texts {
        if let Some(folder) = file.parent() {
            folders.entry(folder).or_default().push((file, text));
        }
    }
    let is_elsewhere = |name: &str| {
        layout
            .import_roots
            .iter()
            .any(|folder| root.join(folder).join(name).is_dir() || root.join(folder).join(format!("{name}.py")).is_file())
    };
    let mut found = Vec::new();
    for (folder, files) in folders {
        let known = layout.import_roots.iter().any(|root| root == folder) || root.join(folder).join("__init__.py").exists();
        if known {
            continue;
        }
        let siblings: Vec<&str> = files.iter().filter_map(|(file, _)| file.file_stem()?.to_str()).collect();
        let is_sibling = |name: &str| siblings.contains(&name) || root.join(folder).join(name).join("__init__.py").is_file();
        let imports = files.iter().flat_map(|(_, text)| imported(text));
        if imports.into_iter().any(|name| is_sibling(name) && !is_elsewhere(name)) {
            found.push(folder.to_owned());
        }
    }
    found
}

/// Returns the first part of every module that is imported at the start of a line.
fn imported(text: &str) -> impl Iterator<Item = &str> {
    let names = text.lines().filter_map(|line| line.strip_prefix("from ").or_else(|| line.strip_prefix("import ")));
    names.filter_map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()).filter(|name| !name.is_empty())
}
