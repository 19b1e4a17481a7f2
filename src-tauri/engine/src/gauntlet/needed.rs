//! Which tools the gates' commands call, as far as they are known. Pure.

use std::collections::BTreeSet;

use super::command::Invocation;
use crate::model::GateSettings;

/// Programs that are called by the name of what provides them.
const TOOLS: [&str; 7] = ["basedpyright", "black", "mypy", "pyright", "pytest", "ruff", "ty"];

/// Names the distributions that provide the gates' tools.
pub fn tools_of(gates: &[GateSettings]) -> BTreeSet<&'static str> {
    gates.iter().filter_map(|gate| tool_of(gate)).collect()
}

fn tool_of(gate: &GateSettings) -> Option<&'static str> {
    let invocation = Invocation::new(gate.run.as_ref()?);
    let program = invocation.argv.first()?.rsplit('/').next()?;
    let module = invocation.argv.iter().position(|word| word == "-m").and_then(|at| invocation.argv.get(at + 1));
    let named = |name: &str| TOOLS.into_iter().find(|tool| *tool == name);
    match invocation.known {
        Some(known) => named(program).or_else(|| Some(known.tool.package())),
        None if program.starts_with("python") => module.and_then(|module| named(module)),
        None => named(program),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CommandLine;

    #[test]
    fn tools_are_known_by_their_programs() {
        let table = [
            ("ruff check", Some("ruff")),
            ("python -m mypy src", Some("mypy")),
            ("basedpyright", Some("basedpyright")),
            ("pyright", Some("pyright")),
            ("black --check .", Some("black")),
            ("python -m black --check .", Some("black")),
            ("uv run pytest -q", Some("pytest")),
            ("pip-audit", None),
            ("make lint", None),
            ("ruff check && mypy", None),
        ];
        for (line, expected) in table {
            let gate = GateSettings::new("gate", Some(CommandLine::Shell(line.into())));
            assert_eq!(tool_of(&gate), expected, "{line}");
        }
    }
}
