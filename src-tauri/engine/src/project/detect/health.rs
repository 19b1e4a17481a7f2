//! Finds the route that answers whether the app is well, among those that servers' probes are usually sent to.
//!
//! A wrong path would keep every release from becoming healthy, so a route counts only when its whole path is certain.

use super::apps::App;
use super::ast::{Call, Expression, Scope, Statement, walk};
use super::names::{Kind, Names, Object};
use super::sources::Module;
use crate::project::At;

/// The last parts of such routes, best first: ready to serve before merely alive.
const NAMES: [&str; 7] = ["healthz", "health", "readyz", "livez", "_health", "up", "ping"];

/// A route that answers whether the app is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::project) struct HealthRoute {
    pub path: String,
    pub at: At,
    pub source: String,
}

/// Tells how good a path is for probes; none when it is not made for them.
pub(super) fn rank(path: &str) -> Option<usize> {
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    NAMES.iter().position(|known| *known == name)
}

/// Returns the path with single slashes only.
pub(super) fn normalised(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 1);
    for c in std::iter::once('/').chain(path.chars()) {
        if c != '/' || !text.ends_with('/') {
            text.push(c);
        }
    }
    text
}

/// Chooses the best of several routes.
pub(super) fn best(mut routes: Vec<HealthRoute>) -> Option<HealthRoute> {
    routes.sort_by_key(|route| (route.path.matches('/').count(), rank(&route.path), route.at.clone()));
    routes.into_iter().next()
}

/// Finds health routes of an app: on the app itself, and on routers and blueprints that are mounted under a known prefix.
pub(super) fn routes(names: &Names<'_>, app: &App) -> Vec<HealthRoute> {
    let mut found = Vec::new();
    for (index, module) in names.modules.iter().enumerate() {
        let at = |line: u32| At::new(module.file.as_path(), line);
        let mut add = |prefix: &dyn Fn() -> Option<String>, path: &str, line: u32| {
            // Prefixes take a look at every module; most routes are ruled out by their own text.
            let may_answer = rank(path).is_some() || path.trim_matches('/').is_empty();
            let path = may_answer.then(prefix).flatten().map(|prefix| normalised(&format!("{prefix}{path}")));
            if let Some(path) = path.filter(|path| rank(path).is_some() && !path.contains(['{', '<'])) {
                found.push(HealthRoute { path, at: at(line), source: module.source_line(line) });
            }
        };
        walk(&module.statements, Scope::Module, &mut |statement, scope| {
            let place = Place { names, app, index, module, scope };
            match statement {
                Statement::Function(function) => {
                    for call in function.decorators.iter().filter_map(Expression::call) {
                        if let Some((receiver, path)) = decorated_route(call) {
                            add(&|| place.prefix(receiver), path, call.line);
                        } else if let Some(path) = bare_route(call).filter(|_| scope == Scope::Module) {
                            // Litestar: a handler counts where the app lists it.
                            add(&|| place.is_listed(&function.name).then(String::new), path, call.line);
                        }
                    }
                }
                Statement::Assign { value, .. } | Statement::Expression(value) | Statement::Return(value) => {
                    value.visit(&mut |inner| {
                        let Some(call) = inner.call() else { return };
                        let path = call.argument(0, "path").or_else(|| call.keyword("rule")).and_then(Expression::text);
                        let (Some(method), Some(path)) = (call.method(), path) else { return };
                        match (method, call.receiver()) {
                            ("add_api_route" | "add_url_rule" | "add_route", Some(receiver)) if takes_get(call) => {
                                add(&|| place.prefix(receiver), path, call.line);
                            }
                            _ => {}
                        }
                    });
                    for call in starlette_routes(value) {
                        let path = call.argument(0, "path").and_then(Expression::text);
                        if let Some(path) = path.filter(|_| takes_get(call) && place.is_starlette_route(call)) {
                            add(&|| Some(String::new()), path, call.line);
                        }
                    }
                }
                _ => {}
            }
        });
    }
    found
}

/// Finds what a decorator such as `@app.get("/healthz")` routes: its receiver and its path.
fn decorated_route(call: &Call) -> Option<(&str, &str)> {
    let path = call.argument(0, "path").or_else(|| call.keyword("rule"))?.text()?;
    let receiver = call.receiver()?;
    match call.method()? {
        "get" => Some((receiver, path)),
        "route" | "api_route" if takes_get(call) => Some((receiver, path)),
        _ => None,
    }
}

/// Finds what a decorator such as `@get("/healthz")` routes.
fn bare_route(call: &Call) -> Option<&str> {
    call.argument(0, "path")?.text().filter(|_| matches!(call.callee(), Some("get" | "route")))
}

/// Tells whether `methods=[…]`, where it is given, holds `GET`.
fn takes_get(call: &Call) -> bool {
    match call.keyword("methods") {
        Some(Expression::Items(methods)) => {
            methods.iter().any(|method| method.text().is_some_and(|text| text.eq_ignore_ascii_case("get")))
        }
        Some(_) => false,
        None => true,
    }
}

/// Collects `Route("…", …)` that are not inside a `Mount("…", …)`.
fn starlette_routes(value: &Expression) -> Vec<&Call> {
    let mut found = Vec::new();
    collect_routes(value, &mut found);
    found
}

fn collect_routes<'a>(value: &'a Expression, found: &mut Vec<&'a Call>) {
    match value {
        Expression::Call(call) if matches!(call.method(), Some("Mount" | "Host")) => {}
        Expression::Call(call) if call.callee().is_some() && call.method() == Some("Route") => found.push(call),
        Expression::Call(call) => {
            call.arguments.iter().for_each(|argument| collect_routes(argument, found));
            call.keywords.iter().for_each(|(_, argument)| collect_routes(argument, found));
        }
        Expression::Items(items) | Expression::Other(items) => items.iter().for_each(|item| collect_routes(item, found)),
        Expression::Name(_) | Expression::Text(_) => {}
    }
}

/// Where a route is written.
#[derive(Clone, Copy)]
struct Place<'a> {
    names: &'a Names<'a>,
    app: &'a App,
    index: usize,
    module: &'a Module,
    scope: Scope<'a>,
}

impl Place<'_> {
    /// Returns what stands before the paths of a receiver's routes; none when it is not known for certain.
    fn prefix(&self, receiver: &str) -> Option<String> {
        if let Some(maker) = self.local_maker(receiver) {
            // Inside a factory: the object is the app if the factory is the app's.
            let (Scope::Function(function), Some(Kind::App(..))) = (self.scope, self.names.made_by(self.module, maker.callee()?))
            else {
                return None;
            };
            let own = (self.index, function.to_owned());
            return (own == self.app.object || Some(&own) == self.app.made_by.as_ref()).then(String::new);
        }
        let object = self.names.resolve(self.module, receiver)?;
        if object == self.app.object {
            return Some(String::new());
        }
        self.router_prefix(&object)
    }

    /// Finds the call that makes a local of the function that this place is in.
    fn local_maker(&self, name: &str) -> Option<&Call> {
        let Scope::Function(function) = self.scope else { return None };
        let (_, function) = self.names.function(&(self.index, function.to_owned()))?;
        let mut found = None;
        walk(&function.body, self.scope, &mut |statement, _| match statement {
            Statement::Assign { target, value, .. } if target == name => found = found.or(value.call()),
            _ => {}
        });
        found
    }

    /// Returns a router's own prefix after the one under which it is mounted, when it is mounted exactly once.
    fn router_prefix(&self, router: &Object) -> Option<String> {
        let home = self.names.modules.get(router.0)?;
        let mut own = None;
        walk(&home.statements, Scope::Module, &mut |statement, scope| match statement {
            Statement::Assign { target, value, .. } if scope == Scope::Module && *target == router.1 => {
                let call = value
                    .call()
                    .filter(|call| call.callee().is_some_and(|callee| self.names.made_by(home, callee) == Some(Kind::Router)));
                own = call.and_then(|call| prefix_of(call, ""));
            }
            _ => {}
        });
        let own = own?;
        let mut mounts = Vec::new();
        for module in self.names.modules {
            walk(&module.statements, Scope::Module, &mut |statement, _| {
                let Statement::Expression(value) = statement else { return };
                let Some(call) = value.call() else { return };
                let mounts_router = matches!(call.method(), Some("include_router" | "register_blueprint"));
                let argument =
                    call.arguments.first().and_then(Expression::name).and_then(|name| self.names.resolve(module, name));
                if mounts_router && argument.as_ref() == Some(router) {
                    // Only an app is known to stand at the top; a router in a router is not followed.
                    let receiver = call.receiver().and_then(|receiver| self.names.resolve(module, receiver));
                    let nested = receiver.is_some_and(|receiver| self.is_router(&receiver));
                    mounts.push(if nested { None } else { prefix_of(call, &own) });
                }
            });
        }
        match mounts.as_slice() {
            [Some(prefix)] => Some(prefix.clone()),
            _ => None,
        }
    }

    fn is_router(&self, object: &Object) -> bool {
        let Some(module) = self.names.modules.get(object.0) else { return false };
        let mut found = false;
        walk(&module.statements, Scope::Module, &mut |statement, _| match statement {
            Statement::Assign { target, value, .. } if *target == object.1 => {
                let callee = value.call().and_then(Call::callee);
                found |= callee.is_some_and(|callee| self.names.made_by(module, callee) == Some(Kind::Router));
            }
            _ => {}
        });
        found
    }

    /// Tells whether an app lists a handler in `route_handlers=[…]`.
    fn is_listed(&self, handler: &str) -> bool {
        let own = Some((self.index, handler.to_owned()));
        let mut found = false;
        for module in self.names.modules {
            super::ast::walk_expressions(&module.statements, &mut |expression, _| {
                let handlers = expression.call().and_then(|call| {
                    let is_app = matches!(self.names.made_by(module, call.callee()?), Some(Kind::App(..)));
                    call.argument(0, "route_handlers").filter(|_| is_app)
                });
                let Some(Expression::Items(handlers)) = handlers else { return };
                found |= handlers.iter().filter_map(Expression::name).any(|name| self.names.resolve(module, name) == own);
            });
        }
        found
    }

    fn is_starlette_route(&self, call: &Call) -> bool {
        call.callee().is_some_and(|callee| self.names.full(self.module, callee).starts_with("starlette."))
    }
}

/// Reads `prefix="…"` or `url_prefix="…"`; Flask's replaces the blueprint's own, FastAPI's stands before it.
fn prefix_of(call: &Call, own: &str) -> Option<String> {
    let text = |name: &str| match call.keyword(name) {
        None => Some(None),
        Some(Expression::Text(text)) => Some(Some(text.clone())),
        // A prefix that is computed is not known.
        Some(_) => None,
    };
    let (prefix, url_prefix) = (text("prefix")?, text("url_prefix")?);
    Some(url_prefix.unwrap_or_else(|| format!("{}{own}", prefix.unwrap_or_default())))
}
