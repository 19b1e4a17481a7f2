//! Finds the objects of the sources that a server could call: apps, factories, plain ASGI and WSGI callables.

use std::collections::{BTreeMap, BTreeSet};

use super::ast::{Call, Expression, Function, Scope, Statement, walk, walk_expressions};
use super::names::{Interface, Kind, Names, Object};
use crate::model::Framework;

/// An object that a server could call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct App {
    pub object: Object,
    pub framework: Framework,
    pub interface: Interface,
    pub line: u32,
    /// The name is a function without required parameters that returns the app.
    pub is_factory: bool,
    /// The function of the project that made it.
    pub made_by: Option<Object>,
}

/// Modules whose name says that servers start there; an app that several modules make from one factory is taken from the first.
const ENTRY_NAMES: [&str; 9] = ["wsgi", "asgi", "main", "app", "server", "web", "application", "run", "api"];

/// Finds every app that is not a part of another one.
pub(super) fn find(names: &Names<'_>) -> Vec<App> {
    let mut apps = instances(names);
    let inner = parts_of_others(names, &apps);
    apps.retain(|app| !inner.contains(&app.object));
    apps = one_for_each_factory(names, apps);
    apps.extend(unused_factories(names).into_iter().filter(|app| !inner.contains(&app.object)));
    if apps.is_empty() {
        apps = callables(names);
    }
    apps.sort_by_key(|app| (app.object.0, app.line));
    apps
}

/// Finds the first Celery app of each module.
pub(super) fn celery(names: &Names<'_>) -> Vec<(Object, u32)> {
    let mut found: Vec<(Object, u32)> = Vec::new();
    for_each_assignment(names, &mut |index, target, value, line| {
        let module = names.modules.get(index)?;
        let made = value.call().and_then(|call| names.made_by(module, call.callee()?));
        if made == Some(Kind::Celery) && !found.iter().any(|((other, _), _)| *other == index) {
            found.push(((index, target.to_owned()), line));
        }
        None::<()>
    });
    found
}

fn for_each_assignment(names: &Names<'_>, visit: &mut dyn FnMut(usize, &str, &Expression, u32) -> Option<()>) {
    for (index, module) in names.modules.iter().enumerate().filter(|(_, module)| module.name.is_some()) {
        walk(&module.statements, Scope::Module, &mut |statement, scope| match statement {
            Statement::Assign { target, value, line } if scope == Scope::Module && !target.contains(['.', ',', '[', ' ']) => {
                visit(index, target, value, *line);
            }
            _ => {}
        });
    }
}

/// Objects that are made when a module is imported.
fn instances(names: &Names<'_>) -> Vec<App> {
    let mut found: Vec<App> = Vec::new();
    for_each_assignment(names, &mut |index, target, value, line| {
        let module = names.modules.get(index)?;
        let call = value.call()?;
        let object = (index, target.to_owned());
        if found.iter().any(|app| app.object == object) {
            return None;
        }
        let (framework, interface, made_by) = match call.callee().and_then(|callee| names.made_by(module, callee)) {
            Some(Kind::App(framework, interface)) => {
                let maker = names.resolve(module, call.callee()?).filter(|maker| names.function(maker).is_some());
                (framework, interface, maker)
            }
            Some(Kind::Router | Kind::Celery) => return None,
            None if call.method() == Some("make_wsgi_app") => (Framework::Wsgi, Interface::Wsgi, None),
            None => {
                let wrapped = wrapped(names, index, call, &found)?;
                (wrapped.framework, wrapped.interface, wrapped.made_by.clone())
            }
        };
        found.push(App { object, framework, interface, line, is_factory: false, made_by });
        None
    });
    found
}

fn is_wrapper(call: &Call) -> bool {
    call.method()
        .is_some_and(|name| name.ends_with("Middleware") || matches!(name, "ASGIApp" | "WSGIApp" | "ProxyFix" | "WhiteNoise"))
}

/// Finds the app inside `application = SomeMiddleware(app)`.
fn wrapped<'a>(names: &Names<'_>, index: usize, call: &Call, apps: &'a [App]) -> Option<&'a App> {
    let module = names.modules.get(index)?;
    if !is_wrapper(call) {
        return None;
    }
    let arguments = call.arguments.iter().chain(call.keywords.iter().map(|(_, value)| value));
    let mut objects = arguments.filter_map(|argument| names.resolve(module, argument.name()?));
    objects.find_map(|object| apps.iter().find(|app| app.object == object))
}

/// Collects apps that are mounted into, or wrapped by, another one.
fn parts_of_others(names: &Names<'_>, apps: &[App]) -> BTreeSet<Object> {
    let mut inner = BTreeSet::new();
    for module in names.modules {
        walk(&module.statements, Scope::Module, &mut |statement, _| {
            let target = match statement {
                Statement::Assign { target, .. } => names.resolve(module, target.split('.').next().unwrap_or(target)),
                _ => None,
            };
            let (Statement::Assign { value, .. } | Statement::Expression(value) | Statement::Return(value)) = statement else {
                return;
            };
            value.visit(&mut |expression| {
                let Some(call) = expression.call() else { return };
                let takes_apps = matches!(call.method(), Some("mount" | "Mount" | "DispatcherMiddleware")) || is_wrapper(call);
                if !takes_apps {
                    return;
                }
                let receiver = call.receiver().and_then(|receiver| names.resolve(module, receiver));
                for argument in call.arguments.iter().chain(call.keywords.iter().map(|(_, value)| value)) {
                    argument.visit(&mut |part| {
                        let named = part.name().or_else(|| part.call().and_then(Call::callee));
                        let object = named.and_then(|name| names.resolve(module, name));
                        // `app = Middleware(app)` and `app.wsgi_app = ProxyFix(app.wsgi_app)` leave the app what it is.
                        inner
                            .extend(object.filter(|object| Some(object) != target.as_ref() && Some(object) != receiver.as_ref()));
                    });
                }
            });
        });
    }
    // A factory that is mounted hides what it makes.
    let made: Vec<Object> = apps
        .iter()
        .filter(|app| app.made_by.as_ref().is_some_and(|maker| inner.contains(maker)))
        .map(|app| app.object.clone())
        .collect();
    inner.extend(made);
    inner
}

/// Several modules that call one factory make one app: the one whose name servers look for, or the factory itself.
fn one_for_each_factory(names: &Names<'_>, apps: Vec<App>) -> Vec<App> {
    let mut kept: Vec<App> = Vec::new();
    let mut by_factory: BTreeMap<Object, Vec<App>> = BTreeMap::new();
    for app in apps {
        match app.made_by.clone() {
            Some(maker) => by_factory.entry(maker).or_default().push(app),
            None => kept.push(app),
        }
    }
    let rank = |app: &App| {
        let name = names.modules.get(app.object.0).and_then(|module| module.name.as_deref()).unwrap_or_default();
        ENTRY_NAMES.iter().position(|entry| name.rsplit('.').next() == Some(entry)).unwrap_or(ENTRY_NAMES.len())
    };
    for (maker, mut made) in by_factory {
        made.sort_by_key(|app| (rank(app), app.object.clone()));
        let in_entry_module = made.first().is_some_and(|app| rank(app) < ENTRY_NAMES.len()) || made.len() == 1;
        let factory = names.function(&maker).filter(|(_, function)| needs_nothing(function));
        match (made.into_iter().next(), factory) {
            (Some(app), None) => kept.push(app),
            (Some(app), _) if in_entry_module => kept.push(app),
            (Some(app), Some((_, function))) => {
                kept.push(App { object: maker, line: function.line, is_factory: true, made_by: None, ..app })
            }
            (None, _) => {}
        }
    }
    kept
}

fn needs_nothing(function: &Function) -> bool {
    function.parameters.iter().all(|parameter| parameter.optional)
}

/// Functions that return an app and that neither a module nor another such function calls.
fn unused_factories(names: &Names<'_>) -> Vec<App> {
    let mut called = BTreeSet::new();
    for (index, module) in names.modules.iter().enumerate() {
        walk_expressions(&module.statements, &mut |expression, scope| {
            // What `main()` calls is still what a server would call.
            let counts = match scope {
                Scope::Module => true,
                Scope::Function(outer) => names.made_by_object(&(index, outer.to_owned())).is_some(),
                Scope::Class | Scope::Main => false,
            };
            if counts {
                called.extend(expression.call().and_then(|call| names.resolve(module, call.callee()?)));
            }
        });
    }
    let mut found = Vec::new();
    for (index, module) in names.modules.iter().enumerate().filter(|(_, module)| module.name.is_some()) {
        walk(&module.statements, Scope::Module, &mut |statement, scope| {
            let Statement::Function(function) = statement else { return };
            let object = (index, function.name.clone());
            if scope != Scope::Module || function.name.starts_with('_') || !needs_nothing(function) || called.contains(&object) {
                return;
            }
            if let Some(Kind::App(framework, interface)) = names.factory(module, function) {
                found.push(App { object, framework, interface, line: function.line, is_factory: true, made_by: None });
            }
        });
    }
    found
}

/// `async def app(scope, receive, send)` (ASGI) and `def app(environ, start_response)` (PEP 3333).
fn callables(names: &Names<'_>) -> Vec<App> {
    let mut found = Vec::new();
    for (index, module) in names.modules.iter().enumerate().filter(|(_, module)| module.name.is_some()) {
        walk(&module.statements, Scope::Module, &mut |statement, scope| {
            let Statement::Function(function) = statement else { return };
            let parameters: Vec<&str> =
                function.parameters.iter().map(|parameter| parameter.name.trim_start_matches('_')).collect();
            let kind = match (function.coroutine, parameters.as_slice()) {
                (true, ["scope", "receive", "send"]) => (Framework::Asgi, Interface::Asgi),
                (false, ["environ", "start_response"]) => (Framework::Wsgi, Interface::Wsgi),
                _ => return,
            };
            if scope == Scope::Module {
                let object = (index, function.name.clone());
                found.push(App {
                    object,
                    framework: kind.0,
                    interface: kind.1,
                    line: function.line,
                    is_factory: false,
                    made_by: None,
                });
            }
        });
    }
    found
}
