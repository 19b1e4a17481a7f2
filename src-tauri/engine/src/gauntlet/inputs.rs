//! What a gate's answer depends on: which files of the tree its tool reads, and whether it depends on something that cannot be named.
//! Pure.

use super::command::{Invocation, Tool};
use crate::model::GateSettings;

/// Which files of the tree a gate's answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// All: tests, and commands of the project's own, may read anything.
    Everything,
    /// Python files and configuration: that is what linters, formatters and type checkers read.
    Sources,
}

/// Returns what a gate reads. Plugins of a type checker may read anything.
pub fn reads(gate: &GateSettings, plugins: Plugins) -> Reads {
    let tool = gate.run.as_ref().and_then(|command| Invocation::new(command).known).map(|known| known.tool);
    match (tool, plugins) {
        (Some(Tool::RuffCheck | Tool::RuffFormat), _) => Reads::Sources,
        (Some(Tool::Mypy | Tool::Pyright | Tool::Ty), Plugins::None) => Reads::Sources,
        (Some(Tool::Mypy | Tool::Pyright | Tool::Ty), Plugins::Some) | (Some(Tool::Pytest) | None, _) => Reads::Everything,
    }
}

/// Whether the type checker has plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugins {
    /// It has none.
    None,
    /// It has.
    Some,
}

impl Reads {
    /// Tells whether a gate that reads so reads this file.
    pub fn include(self, path: &str) -> bool {
        const ENDINGS: [&str; 9] = [".py", ".pyi", ".pyw", ".ipynb", ".toml", ".cfg", ".ini", ".json", "/py.typed"];
        const NAMES: [&str; 3] = [".gitignore", ".ignore", ".editorconfig"];
        match self {
            Self::Everything => true,
            Self::Sources => {
                ENDINGS.iter().any(|ending| path.ends_with(ending))
                    || path.rsplit('/').next().is_some_and(|name| NAMES.contains(&name))
            }
        }
    }
}

/// Tells whether a gate gives the same answer to the same inputs: one that reaches the network or the engine may not.
pub fn is_repeatable(gate: &GateSettings) -> bool {
    !gate.network && !gate.docker
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CommandLine;

    fn gate(line: &str) -> GateSettings {
        GateSettings::new("gate", Some(CommandLine::Shell(line.into())))
    }

    #[test]
    fn only_what_is_known_to_read_less_reads_less() {
        let table = [
            ("ruff check", Plugins::Some, Reads::Sources),
            ("python -m ruff format --check src", Plugins::None, Reads::Sources),
            ("mypy src", Plugins::None, Reads::Sources),
            ("mypy src", Plugins::Some, Reads::Everything),
            ("pytest", Plugins::None, Reads::Everything),
            ("ruff check && make lint", Plugins::None, Reads::Everything),
            ("make test", Plugins::None, Reads::Everything),
        ];
        for (line, plugins, expected) in table {
            assert_eq!(reads(&gate(line), plugins), expected, "{line}");
        }
    }

    #[test]
    fn sources_are_code_and_configuration() {
        for path in
            ["a.py", "src/shop/py.typed", "pyproject.toml", "setup.cfg", "mypy.ini", ".gitignore", "docs/conf.py", "x.ipynb"]
        {
            assert!(Reads::Sources.include(path), "{path}");
        }
        for path in ["README.md", "templates/a.html", "data.csv", "py.typed.md", "Makefile"] {
            assert!(!Reads::Sources.include(path) && Reads::Everything.include(path), "{path}");
        }
    }

    #[test]
    fn what_reaches_out_is_never_taken_from_the_record() {
        assert!(is_repeatable(&gate("pytest")));
        assert!(!is_repeatable(&GateSettings { network: true, ..gate("pip-audit") }));
        assert!(!is_repeatable(&GateSettings { docker: true, ..gate("pytest") }));
    }
}
