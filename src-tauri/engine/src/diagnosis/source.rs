//! What the project's own files say that a diagnosis may need: its modules, its lock, a few settings. The only part that reads files.

use std::collections::BTreeSet;
use std::path::Path;

use ignore::WalkBuilder;

use crate::model::SourcePlace;
use crate::project::lock::{self, Libc, LockFile, Machine, PythonTarget, Wanted};

/// More files than one app has.
const MOST_FILES: usize = 5000;
/// A larger file was written by a machine.
const LARGEST: u64 = 1 << 20;

/// What the project's files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFacts {
    /// Its Python files, relative to its folder.
    pub files: BTreeSet<String>,
    /// What its lock holds; none when it has none, or it cannot be read.
    pub lock: Option<LockFacts>,
    /// Where `ALLOWED_HOSTS` is set.
    pub allowed_hosts: Option<SourcePlace>,
    /// Where Starlette's TrustedHostMiddleware is added.
    pub trusted_hosts: Option<SourcePlace>,
    /// The prefix of the variables of its pydantic settings, when all have the same.
    pub settings_prefix: Option<String>,
    /// Whether it has Alembic's configuration.
    pub alembic: bool,
}

/// The packages of a lock, by normalised name (PEP 503).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFacts {
    /// Those that the image holds.
    pub shipped: BTreeSet<String>,
    /// Those of groups and extras that it does not.
    pub development: BTreeSet<String>,
}

/// Which part of a lock an image holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shipped {
    /// `MAJOR.MINOR` of its Python.
    pub python: String,
    /// Extras.
    pub extras: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

impl SourceFacts {
    /// Reads a project's folder; what cannot be read is left out.
    pub fn read(root: &Path, shipped: &Shipped) -> Self {
        let mut facts = Self { alembic: root.join("alembic.ini").is_file(), ..Self::default() };
        let mut prefixes = BTreeSet::new();
        let walk = WalkBuilder::new(root).require_git(false).build();
        for entry in
            walk.filter_map(Result::ok).filter(|entry| entry.path().extension().is_some_and(|extension| extension == "py"))
        {
            let Ok(file) = entry.path().strip_prefix(root) else { continue };
            let file = file.to_string_lossy().replace('\\', "/");
            let in_size = entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
            if in_size && let Ok(text) = std::fs::read_to_string(entry.path()) {
                facts.look(&file, &text, &mut prefixes);
            }
            facts.files.insert(file);
            if facts.files.len() >= MOST_FILES {
                break;
            }
        }
        facts.settings_prefix = if prefixes.len() == 1 { prefixes.pop_first() } else { None };
        facts.lock = lock::find(root).ok().flatten().and_then(|lock| lock_facts(&lock, shipped));
        facts
    }

    fn look(&mut self, file: &str, text: &str, prefixes: &mut BTreeSet<String>) {
        for (line, number) in text.lines().zip(1..) {
            let place = || Some(SourcePlace { file: file.to_owned(), line: number });
            let code = line.trim_start();
            if self.allowed_hosts.is_none() && code.starts_with("ALLOWED_HOSTS") {
                self.allowed_hosts = place();
            }
            if self.trusted_hosts.is_none() && code.contains("TrustedHostMiddleware") && !code.contains("import") {
                self.trusted_hosts = place();
            }
            if let Some((_, rest)) = code.split_once("env_prefix").filter(|_| text.contains("pydantic_settings")) {
                let quoted = rest.trim_start_matches(['"', '\'', ' ', '=', ':']);
                prefixes.insert(quoted.split(['"', '\'']).next().unwrap_or_default().to_owned());
            }
        }
    }

    /// Returns the project's file that an image holds under a path relative to a folder of imports.
    pub fn file(&self, path: &str) -> Option<String> {
        [path.to_owned(), format!("src/{path}")].into_iter().find(|file| self.files.contains(file))
    }

    /// Tells whether the project has a module or package of this name at its top.
    pub fn has_package(&self, name: &str) -> bool {
        self.modules().any(|module| module.split('.').next() == Some(name))
    }

    /// Returns the module of the project with nearly this name.
    pub fn near(&self, module: &str) -> Option<String> {
        let depth = module.split('.').count();
        let distance = |other: &String| strsim::damerau_levenshtein(module, other);
        let most = (module.len() / 4).clamp(1, 2);
        let alike = self.modules().filter(|other| other.split('.').count() == depth && other != module);
        alike.filter(|other| distance(other) <= most).min_by_key(distance)
    }

    /// Lists dotted names of modules, and of the packages that hold them.
    fn modules(&self) -> impl Iterator<Item = String> {
        let named = |file: &String| {
            let path = file.strip_prefix("src/").unwrap_or(file);
            path.trim_end_matches(".py").trim_end_matches("/__init__").replace('/', ".")
        };
        let mut names: BTreeSet<String> = BTreeSet::new();
        for module in self.files.iter().map(named) {
            let ends = module.match_indices('.').map(|(at, _)| at).collect::<Vec<_>>();
            names.extend(ends.into_iter().filter_map(|end| module.get(..end).map(str::to_owned)));
            names.insert(module);
        }
        names.into_iter()
    }
}

fn lock_facts(lock: &LockFile, shipped: &Shipped) -> Option<LockFacts> {
    let libc = Libc::Glibc { major: 2, minor: 41 };
    // Which file of a package fits does not matter here, only that it is wanted.
    let target = PythonTarget::cpython(&format!("{}.0", shipped.python), Machine::X86_64, libc).ok()?;
    let names = |wanted: &Wanted| -> Option<BTreeSet<String>> {
        let selection = lock.select(&target, wanted).ok()?;
        let local = selection.local.into_iter().map(|package| package.name);
        Some(selection.packages.into_iter().map(|package| package.name).chain(local).collect())
    };
    let main = Wanted { extras: shipped.extras.clone(), groups: shipped.groups.clone(), ..Wanted::default() };
    let held = names(&main)?;
    let groups = lock.groups().unwrap_or_default();
    let all = names(&Wanted { extras: lock.extras(), groups: groups.clone(), ..Wanted::default() });
    // Extras and groups may exclude each other; one at a time is better than none.
    let each = || {
        groups.iter().filter_map(|group| names(&Wanted { groups: vec![group.clone()], ..Wanted::default() })).flatten().collect()
    };
    let development = all.unwrap_or_else(each).difference(&held).cloned().collect();
    Some(LockFacts { shipped: held, development })
}
