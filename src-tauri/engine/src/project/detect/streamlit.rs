//! Finds Streamlit scripts: modules that draw when they run, and that no other one shows as a page.

use std::path::{Path, PathBuf};

use super::ast::{Expression, Scope, Statement, walk, walk_expressions};
use super::names::Names;
use super::sources::Module;

/// Finds scripts, each with the line of its first call.
pub(super) fn find(names: &Names<'_>) -> Vec<(PathBuf, u32)> {
    let pages: Vec<PathBuf> = names.modules.iter().flat_map(|module| pages(names, module)).collect();
    let scripts = names.modules.iter().filter(|module| !is_page(&module.file, &pages) && !is_imported(names, module));
    scripts.filter_map(|module| Some((module.file.clone(), first_call(names, module)?))).collect()
}

fn is_page(file: &Path, pages: &[PathBuf]) -> bool {
    pages.iter().any(|page| page == file) || file.parent().and_then(Path::file_name).is_some_and(|folder| folder == "pages")
}

fn is_imported(names: &Names<'_>, module: &Module) -> bool {
    let Some(name) = module.name.as_deref() else { return false };
    names.modules.iter().any(|other| {
        other.imports.values().any(|target| target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    })
}

/// `st.Page("pages/one.py")`.
fn pages(names: &Names<'_>, module: &Module) -> Vec<PathBuf> {
    let folder = module.file.parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    walk_expressions(&module.statements, &mut |expression, _| {
        let Some(call) = expression.call() else { return };
        if call.callee().is_some_and(|callee| names.full(module, callee) == "streamlit.Page") {
            found.extend(call.argument(0, "page").and_then(Expression::text).map(|page| folder.join(page)));
        }
    });
    found
}

fn first_call(names: &Names<'_>, module: &Module) -> Option<u32> {
    let mut found = None;
    walk(&module.statements, Scope::Module, &mut |statement, scope| {
        let (Statement::Expression(value) | Statement::Assign { value, .. }) = statement else { return };
        if !matches!(scope, Scope::Module | Scope::Main) {
            return;
        }
        value.visit(&mut |inner| {
            let Some(call) = inner.call() else { return };
            let draws = call.callee().is_some_and(|callee| names.full(module, callee).starts_with("streamlit."));
            if draws && found.is_none() {
                found = Some(call.line);
            }
        });
    });
    found
}
