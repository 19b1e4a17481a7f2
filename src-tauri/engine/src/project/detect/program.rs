//! Finds programs of the project's own, for processes that receive no requests.

use super::ast::{Scope, Statement, walk};
use super::names::Names;
use super::{Entry, Found};
use crate::model::Framework;
use crate::project::At;
use crate::project::manifest::{Install, Manifest};
use crate::project::place::slashed;

/// Finds console scripts, else packages that run by `python -m`, else modules that are programs.
pub(super) fn find(names: &Names<'_>, manifest: &Manifest) -> Vec<Found> {
    let packages = main_packages(names);
    let scripts = scripts(manifest);
    // One script of a package that also runs by `python -m` is the same program, and needs no installation that way.
    match (scripts.as_slice(), packages.as_slice()) {
        ([], []) => guarded(names, manifest),
        ([] | [_], [_, ..]) => packages,
        _ => scripts,
    }
}

fn program(arguments: &[&str], at: At, source: String) -> Found {
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    Found { entry: Entry::Program { arguments }, framework: Framework::Worker, at, source, health: None }
}

fn scripts(manifest: &Manifest) -> Vec<Found> {
    let scripts = manifest.scripts.iter().filter(|_| manifest.install == Install::Package);
    scripts.map(|(name, target)| program(&[name], target.at.clone(), format!("{name} = \"{}\"", target.value))).collect()
}

fn main_packages(names: &Names<'_>) -> Vec<Found> {
    let packages = names.modules.iter().filter_map(|module| Some((module, module.name.as_deref()?.strip_suffix(".__main__")?)));
    packages
        .map(|(module, package)| program(&["python", "-m", package], At::new(module.file.as_path(), 1), slashed(&module.file)))
        .collect()
}

/// Modules at the top with `if __name__ == "__main__":`.
fn guarded(names: &Names<'_>, manifest: &Manifest) -> Vec<Found> {
    let top = names.modules.iter().filter(|module| {
        let folder = module.file.parent().unwrap_or(std::path::Path::new(""));
        let is_command_line_of_django = module.file.file_name().is_some_and(|name| name == "manage.py");
        manifest.layout.import_roots.iter().any(|root| root == folder) && !is_command_line_of_django
    });
    let guard = |statements: &[Statement]| {
        let mut found = None;
        walk(statements, Scope::Module, &mut |statement, scope| match statement {
            Statement::MainGuard { line, .. } if scope == Scope::Module => found = Some(*line),
            _ => {}
        });
        found
    };
    let programs = top.filter_map(|module| {
        let line = guard(&module.statements)?;
        let at = At::new(module.file.as_path(), line);
        Some(program(&["python", &slashed(&module.file)], at, module.source_line(line)))
    });
    programs.collect()
}
