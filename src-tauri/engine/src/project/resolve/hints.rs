//! What `noxfile.py` and `.pre-commit-config.yaml` run and no gate does: named to the user, never run by itself.

use std::path::Path;

use super::Inputs;
use crate::model::GateSettings;
use crate::project::config::GateEntry;
use crate::project::document::read_text;
use crate::project::yaml::{self, Node};
use crate::project::{At, ProjectError, Warning};

/// A tool that is looked for, the gate that it makes, and what that gate would run.
struct Known {
    /// Names in sessions and of hooks.
    names: &'static [&'static str],
    gate: &'static str,
    run: &'static str,
}

const KNOWN: [Known; 14] = [
    Known { names: &["ruff", "ruff-check"], gate: "lint", run: "ruff check" },
    Known { names: &["flake8"], gate: "lint", run: "flake8" },
    Known { names: &["pylint"], gate: "lint", run: "pylint src" },
    Known { names: &["ruff-format"], gate: "format", run: "ruff format --check" },
    Known { names: &["black"], gate: "format", run: "black --check ." },
    Known { names: &["mypy"], gate: "types", run: "mypy ." },
    Known { names: &["pyright", "basedpyright"], gate: "types", run: "pyright" },
    Known { names: &["ty"], gate: "types", run: "ty check" },
    Known { names: &["pytest"], gate: "unit", run: "pytest" },
    Known { names: &["pip-audit"], gate: "audit", run: "pip-audit" },
    Known { names: &["bandit"], gate: "security", run: "bandit -r ." },
    Known { names: &["codespell"], gate: "spelling", run: "codespell" },
    Known { names: &["vulture"], gate: "unused", run: "vulture ." },
    Known { names: &["interrogate"], gate: "docstrings", run: "interrogate" },
];

const NOX: &str = "noxfile.py";
const PRE_COMMIT: [&str; 2] = [".pre-commit-config.yaml", ".pre-commit-config.yml"];

/// Something that one of the files runs.
struct Found {
    known: &'static Known,
    name: String,
    at: At,
}

/// Warns once for each file that runs what no gate does.
pub(super) fn warn(inputs: &Inputs<'_>, gates: &[GateSettings], warnings: &mut Vec<Warning>) -> Result<(), ProjectError> {
    let nox = read_text(inputs.root, Path::new(NOX))?.map(|text| sessions(&text)).unwrap_or_default();
    let mut files = vec![nox];
    for file in PRE_COMMIT {
        // A file that is not YAML is pre-commit's business.
        let tree = yaml::read(inputs.root, Path::new(file)).ok().flatten();
        files.push(tree.map(|tree| hooks(&tree, Path::new(file))).unwrap_or_default());
    }
    for found in files {
        let mut missing: Vec<Found> = Vec::new();
        for one in found {
            let is_new = !missing.iter().any(|known| known.known.gate == one.known.gate);
            if is_new && is_missing(inputs, gates, &one) {
                missing.push(one);
            }
        }
        let Some(first) = missing.first() else { continue };
        let names: Vec<String> = missing.iter().map(|found| format!("`{}` (line {})", found.name, found.at.line)).collect();
        let lines: Vec<String> =
            missing.iter().map(|found| format!("{} = {{ run = \"{}\" }}", found.known.gate, found.known.run)).collect();
        warnings.push(Warning::new(
            format!("`{}` runs {}, and no gate does", first.at.file.display(), names.join(", ")),
            format!(
                "add the tool to the development dependencies and the gate to `[gauntlet]`: `{}`; `{} = false` says that it is not wanted",
                lines.join("`, `"),
                first.known.gate
            ),
        ));
    }
    Ok(())
}

/// Tells whether no gate runs a tool, and none of its kind is set up or switched off.
fn is_missing(inputs: &Inputs<'_>, gates: &[GateSettings], found: &Found) -> bool {
    let configured = &inputs.configuration.gauntlet.gates;
    let is_off = configured.iter().any(|(name, entry)| name == found.known.gate && matches!(entry, GateEntry::Off(_)));
    let is_set_up = gates.iter().any(|gate| gate.name == found.known.gate && gate.run.is_some());
    let runs = |gate: &GateSettings| {
        let line = gate.run.as_ref().map(|run| run.argv().join(" ")).unwrap_or_default();
        found
            .known
            .names
            .iter()
            .any(|name| line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == *name))
    };
    !is_off && !is_set_up && !gates.iter().any(runs)
}

fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.names.contains(&name))
}

/// Finds tools in what sessions run: texts that begin with a tool's name, in `session.run("mypy", …)` and the like.
fn sessions(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with('#') || !line.contains(".run") {
            continue;
        }
        for literal in line.split(['"', '\'']).skip(1).step_by(2) {
            let name = literal.split_whitespace().next().unwrap_or_default();
            if let Some(known) = known(name) {
                let at = At::new(Path::new(NOX), u32::try_from(index + 1).unwrap_or(u32::MAX));
                found.push(Found { known, name: name.to_owned(), at });
            }
        }
    }
    found
}

/// Finds tools among the hooks of pre-commit.
fn hooks(tree: &Node, file: &Path) -> Vec<Found> {
    let repositories = tree.get("repos").map(Node::items).unwrap_or_default();
    let hooks = repositories.iter().filter_map(|repository| repository.get("hooks")).flat_map(Node::items);
    hooks
        .filter_map(|hook| {
            let id = hook.get("id")?;
            let name = id.text()?;
            Some(Found { known: known(name)?, name: name.to_owned(), at: At::new(file, id.line) })
        })
        .collect()
}
