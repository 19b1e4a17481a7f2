//! Finds Django projects: their WSGI and ASGI modules, their settings, and their health routes.

use std::collections::BTreeSet;

use super::ast::{Expression, Scope, Statement, walk};
use super::health::{HealthRoute, normalised, rank};
use super::names::Names;
use super::sources::Module;
use crate::project::At;

/// A Django project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Django {
    /// `config.wsgi:application`.
    pub wsgi: Option<String>,
    /// `config.asgi:application`.
    pub asgi: Option<String>,
    /// The settings name an ASGI application, as Channels asks for.
    pub prefers_asgi: bool,
    /// Where the module stands that servers load.
    pub at: At,
    /// Its line.
    pub source: String,
}

/// Finds every Django project: one for each package that holds a `wsgi` or `asgi` module, or names them in its settings.
pub(super) fn find(names: &Names<'_>) -> Vec<Django> {
    let mut found: Vec<(String, Django)> = Vec::new();
    for module in names.modules {
        let Some(name) = module.name.as_deref() else { continue };
        let Some((target, line, is_asgi)) = application(names, module) else { continue };
        let package = name.rsplit_once('.').map_or("", |(package, _)| package).to_owned();
        let entry = format!("{name}:{target}");
        let at = At::new(module.file.as_path(), line);
        let (wsgi, asgi) = if is_asgi { (None, Some(entry)) } else { (Some(entry), None) };
        match found.iter_mut().find(|(other, _)| *other == package) {
            Some((_, django)) => {
                if wsgi.is_some() {
                    (django.at, django.source) = (at, module.source_line(line));
                }
                django.wsgi = django.wsgi.take().or(wsgi);
                django.asgi = django.asgi.take().or(asgi);
            }
            None => {
                let django = Django { wsgi, asgi, prefers_asgi: false, at, source: module.source_line(line) };
                found.push((package, django));
            }
        }
    }
    let asgi_settings: BTreeSet<String> = setting(names, "ASGI_APPLICATION").collect();
    for (_, django) in &mut found {
        let dotted = django.asgi.as_deref().map(|entry| entry.replace(':', "."));
        django.prefers_asgi = dotted.is_some_and(|dotted| asgi_settings.contains(&dotted));
    }
    found.into_iter().map(|(_, django)| django).collect()
}

/// Finds `application = get_wsgi_application()`, also inside a wrapper: its name, its line, and whether it is ASGI.
fn application(names: &Names<'_>, module: &Module) -> Option<(String, u32, bool)> {
    let mut getter = None;
    let mut last = None;
    walk(&module.statements, Scope::Module, &mut |statement, scope| {
        let Statement::Assign { target, value, line } = statement else { return };
        if scope != Scope::Module {
            return;
        }
        value.visit(&mut |inner| {
            let callee = inner.call().and_then(|call| call.callee()).map(|callee| names.full(module, callee));
            match callee.as_deref() {
                Some("django.core.wsgi.get_wsgi_application") => getter = Some(false),
                Some("django.core.asgi.get_asgi_application") => getter = Some(true),
                _ => {}
            }
        });
        let is_entry = matches!(target.as_str(), "application" | "app") || last.is_none();
        if getter.is_some() && is_entry {
            last = Some((target.clone(), *line));
        }
    });
    let (target, line) = last?;
    Some((target, line, getter?))
}

/// Returns the text of a setting in every settings module.
fn setting<'a>(names: &Names<'a>, key: &'a str) -> impl Iterator<Item = String> + use<'a> {
    names.modules.iter().filter_map(move |module| {
        let mut found = None;
        walk(&module.statements, Scope::Module, &mut |statement, scope| match statement {
            Statement::Assign { target, value, .. } if scope == Scope::Module && target == key => {
                found = value.text().map(str::to_owned)
            }
            _ => {}
        });
        found
    })
}

/// Finds health routes in the URL configuration, through `include("…")` with its prefix.
pub(super) fn health_routes(names: &Names<'_>) -> Vec<HealthRoute> {
    let mut open: Vec<(String, String)> = setting(names, "ROOT_URLCONF").map(|module| (module, "/".to_owned())).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some((name, prefix)) = open.pop() {
        let Some((_, module)) = names.module(&name) else { continue };
        if !seen.insert((name, prefix.clone())) || seen.len() > 500 {
            continue;
        }
        walk(&module.statements, Scope::Module, &mut |statement, scope| {
            let Statement::Assign { target, value, .. } = statement else { return };
            if scope == Scope::Module && target == "urlpatterns" {
                value.visit(&mut |inner| read_pattern(module, inner, &prefix, &mut open, &mut found));
            }
        });
    }
    found
}

fn read_pattern(
    module: &Module,
    inner: &Expression,
    prefix: &str,
    open: &mut Vec<(String, String)>,
    found: &mut Vec<HealthRoute>,
) {
    let Some(call) = inner.call().filter(|call| matches!(call.method(), Some("path" | "re_path" | "url"))) else { return };
    let Some(route) = call.argument(0, "route").and_then(Expression::text) else { return };
    let route = route.trim_start_matches('^').trim_end_matches('$');
    let path = format!("{prefix}{route}");
    let included = call.argument(1, "view").and_then(Expression::call).filter(|view| view.method() == Some("include"));
    if let Some(include) = included {
        if let Some(name) = include.arguments.first().and_then(Expression::text).filter(|_| call.method() == Some("path")) {
            open.push((name.to_owned(), path));
        }
    } else if rank(&path).is_some() && path == normalised(&path) {
        found.push(HealthRoute { path, at: At::new(module.file.as_path(), call.line), source: module.source_line(call.line) });
    }
}
