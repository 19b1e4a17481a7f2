//! Finds which tools a project has set up, and what each would run.

use std::path::Path;

use toml::de::DeTable;

use super::Inputs;
use crate::model::CommandLine;
use crate::project::ProjectError;
use crate::project::detect::Distributions;
use crate::project::document::{Document, read_text};
use crate::project::place::slashed;

/// A tool's own places of configuration.
struct Tool {
    name: &'static str,
    /// Under `[tool]` of `pyproject.toml`.
    table: &'static str,
    files: &'static [&'static str],
    /// Sections of INI files.
    sections: &'static [(&'static str, &'static str)],
}

const RUFF: Tool = Tool { name: "ruff", table: "ruff", files: &["ruff.toml", ".ruff.toml"], sections: &[] };
const BLACK: Tool = Tool { name: "black", table: "black", files: &[], sections: &[] };
const MYPY: Tool = Tool { name: "mypy", table: "mypy", files: &["mypy.ini", ".mypy.ini"], sections: &[("setup.cfg", "[mypy]")] };
const PYRIGHT: Tool = Tool { name: "pyright", table: "pyright", files: &["pyrightconfig.json"], sections: &[] };
const BASEDPYRIGHT: Tool = Tool { name: "basedpyright", table: "basedpyright", files: &[], sections: &[] };
const TY: Tool = Tool { name: "ty", table: "ty", files: &["ty.toml"], sections: &[] };
const PYTEST: Tool = Tool {
    name: "pytest",
    table: "pytest",
    files: &["pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"],
    sections: &[("setup.cfg", "[tool:pytest]"), ("tox.ini", "[pytest]")],
};

/// Type checkers in the order in which one is taken when several are there.
const CHECKERS: [&Tool; 4] = [&MYPY, &BASEDPYRIGHT, &PYRIGHT, &TY];

/// What a gate runs and why, or why it is not set up.
pub(super) enum Suggestion {
    Run(CommandLine, String),
    NotSetUp(String),
}

/// Looks at a project's tools.
pub(super) struct Tools<'a, 'b> {
    pub inputs: &'b Inputs<'a>,
    pub distributions: &'b Distributions,
}

fn exec(words: &[&str]) -> CommandLine {
    CommandLine::Exec(words.iter().map(|word| (*word).to_owned()).collect())
}

impl Tools<'_, '_> {
    /// `ruff check`.
    pub fn lint(&self) -> Suggestion {
        self.set_up(&RUFF).map_or_else(
            || Suggestion::NotSetUp("ruff is neither configured nor a dependency".into()),
            |because| Suggestion::Run(exec(&["ruff", "check"]), because),
        )
    }

    /// `ruff format --check`, or black where the project formats with that.
    pub fn format(&self) -> Suggestion {
        let formats_with_ruff = self.pyproject_table(&["tool", "ruff", "format"]).is_ok_and(|found| found);
        match (self.set_up(&BLACK), self.set_up(&RUFF)) {
            (Some(because), _) if !formats_with_ruff => Suggestion::Run(exec(&["black", "--check", "."]), because),
            (_, Some(because)) => Suggestion::Run(exec(&["ruff", "format", "--check"]), because),
            _ => Suggestion::NotSetUp("ruff is neither configured nor a dependency".into()),
        }
    }

    /// mypy, or the type checker that the project depends on.
    pub fn types(&self) -> Result<Suggestion, ProjectError> {
        let depended = CHECKERS.into_iter().find_map(|tool| Some((tool, self.required(tool)?)));
        let configured = || CHECKERS.into_iter().find_map(|tool| Some((tool, self.configured(tool)?)));
        let Some((tool, because)) = depended.or_else(configured) else {
            return Ok(Suggestion::NotSetUp("none of mypy, pyright and ty is configured or a dependency".into()));
        };
        let run = match tool.name {
            "mypy" => self.mypy()?,
            "ty" => exec(&["ty", "check"]),
            name => exec(&[name]),
        };
        Ok(Suggestion::Run(run, because))
    }

    /// mypy with what it checks, unless its own configuration says so.
    fn mypy(&self) -> Result<CommandLine, ProjectError> {
        let mut named = false;
        for key in ["files", "packages", "modules"] {
            named |= self.pyproject_table(&["tool", "mypy", key])?;
        }
        for file in ["mypy.ini", ".mypy.ini", "setup.cfg"] {
            let text = read_text(self.inputs.root, Path::new(file))?.unwrap_or_default();
            let section = text.split("[mypy]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
            named |= section.lines().any(|line| {
                let key = line.split(['=', ':']).next().unwrap_or_default().trim();
                ["files", "packages", "modules"].contains(&key)
            });
        }
        if named {
            return Ok(exec(&["mypy"]));
        }
        let layout = &self.inputs.manifest.layout;
        let own: Vec<String> = match layout.import_roots.first() {
            Some(root) if !root.as_os_str().is_empty() => vec![slashed(root)],
            _ => layout.packages.iter().chain(&layout.modules).map(|path| slashed(path)).collect(),
        };
        let targets = if own.is_empty() { vec![".".to_owned()] } else { own };
        Ok(CommandLine::Exec(std::iter::once("mypy".to_owned()).chain(targets).collect()))
    }

    /// Tells why pytest is set up.
    pub fn pytest(&self) -> Option<String> {
        self.set_up(&PYTEST)
    }

    fn set_up(&self, tool: &Tool) -> Option<String> {
        self.configured(tool).or_else(|| self.required(tool))
    }

    fn configured(&self, tool: &Tool) -> Option<String> {
        let root = self.inputs.root;
        if self.inputs.manifest.tools.contains(tool.table) {
            return Some(format!("pyproject.toml `[tool.{}]`", tool.table));
        }
        if let Some(file) = tool.files.iter().find(|file| root.join(file).is_file()) {
            return Some(format!("there is a `{file}`"));
        }
        let section = tool.sections.iter().find(|(file, section)| {
            let text = read_text(root, Path::new(file)).ok().flatten().unwrap_or_default();
            text.lines().any(|line| line.trim() == *section)
        });
        section.map(|(file, section)| format!("{file} `{section}`"))
    }

    fn required(&self, tool: &Tool) -> Option<String> {
        let manifest = self.inputs.manifest;
        let requirement = manifest.development_dependency(tool.name).or_else(|| manifest.dependency(tool.name));
        let locked = || self.distributions.hold(tool.name).then(|| format!("the lock names {}", tool.name));
        requirement.map(|requirement| format!("{} `{}`", requirement.at, requirement.value)).or_else(locked)
    }

    /// Tells whether `pyproject.toml` has a value under this path.
    fn pyproject_table(&self, path: &[&str]) -> Result<bool, ProjectError> {
        let Some(document) = Document::read(self.inputs.root, "pyproject.toml")? else { return Ok(false) };
        let table = document.table()?;
        let Some((last, parents)) = path.split_last() else { return Ok(false) };
        let parent = parents.iter().try_fold(table.get_ref(), |table: &DeTable<'_>, key| table.get(*key)?.get_ref().as_table());
        Ok(parent.is_some_and(|parent| parent.contains_key(*last)))
    }
}
