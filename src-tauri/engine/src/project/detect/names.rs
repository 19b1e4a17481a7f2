//! What a name in a module stands for, across imports and re-exports.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::ast::{Expression, Function, Scope, Statement, walk};
use super::sources::{Module, Sources};
use crate::model::Framework;

/// How a server calls an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::project) enum Interface {
    Asgi,
    Wsgi,
}

/// What a class or function makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    App(Framework, Interface),
    /// Holds routes for an app: a router or a blueprint.
    Router,
    Celery,
}

/// An app's own module and the name in it.
pub(super) type Object = (usize, String);

/// Re-exports of re-exports: more than anybody writes.
const DEEPEST: u32 = 8;

/// Names over all modules.
pub(super) struct Names<'a> {
    pub modules: &'a [Module],
    by_name: BTreeMap<&'a str, usize>,
    /// What calling an object makes, as far as it was asked; none while it is being found out, so that a circle ends.
    made: RefCell<BTreeMap<Object, Option<Kind>>>,
}

impl<'a> Names<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        let named = sources.modules.iter().enumerate().filter_map(|(index, module)| Some((module.name.as_deref()?, index)));
        Self { modules: &sources.modules, by_name: named.collect(), made: RefCell::default() }
    }

    /// Returns the module of a dotted name.
    pub fn module(&self, name: &str) -> Option<(usize, &'a Module)> {
        let index = *self.by_name.get(name)?;
        Some((index, self.modules.get(index)?))
    }

    /// Writes a name of a module in full: `FastAPI` is `fastapi.FastAPI`, `app` is `shop.main.app`.
    pub fn full(&self, module: &Module, name: &str) -> String {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        let target = match module.imports.get(first) {
            Some(target) => target.clone(),
            None => match &module.name {
                Some(own) => format!("{own}.{first}"),
                None => first.to_owned(),
            },
        };
        if rest.is_empty() { target } else { format!("{target}.{rest}") }
    }

    /// Finds the module of the project, and the name in it, that a full name stands for.
    pub fn object(&self, full: &str) -> Option<Object> {
        self.object_within(full, DEEPEST)
    }

    fn object_within(&self, full: &str, depth: u32) -> Option<Object> {
        let (module_name, attribute) = full.rsplit_once('.')?;
        let (index, module) = self.module(module_name)?;
        match module.imports.get(attribute) {
            Some(target) if depth > 0 && *target != full => self.object_within(target, depth - 1),
            _ => Some((index, attribute.to_owned())),
        }
    }

    /// Finds the object that a name of a module stands for.
    pub fn resolve(&self, module: &Module, name: &str) -> Option<Object> {
        self.object(&self.full(module, name))
    }

    /// Finds a function of the project.
    pub fn function(&self, object: &Object) -> Option<(&'a Module, &'a Function)> {
        let module = self.modules.get(object.0)?;
        let mut found = None;
        walk(&module.statements, Scope::Module, &mut |statement, scope| match statement {
            Statement::Function(function) if scope == Scope::Module && function.name == object.1 => found = Some(function),
            _ => {}
        });
        found.map(|function| (module, function))
    }

    /// Tells what calling a name of a module makes.
    pub fn made_by(&self, module: &Module, callee: &str) -> Option<Kind> {
        let full = self.full(module, callee);
        known(&full).or_else(|| self.made_by_object(&self.object(&full)?))
    }

    /// Tells what calling an object of the project makes.
    pub fn made_by_object(&self, object: &Object) -> Option<Kind> {
        if let Some(kind) = self.made.borrow().get(object) {
            return *kind;
        }
        self.made.borrow_mut().insert(object.clone(), None);
        let kind = self.class(object).or_else(|| {
            let (module, function) = self.function(object)?;
            self.factory(module, function)
        });
        self.made.borrow_mut().insert(object.clone(), kind);
        kind
    }

    fn class(&self, object: &Object) -> Option<Kind> {
        let module = self.modules.get(object.0)?;
        let mut kind = None;
        walk(&module.statements, Scope::Module, &mut |statement, scope| match statement {
            Statement::Class { name, bases, .. } if scope == Scope::Module && *name == object.1 => {
                kind = bases.iter().filter_map(Expression::name).find_map(|base| self.made_by(module, base));
            }
            _ => {}
        });
        kind
    }

    /// Tells what a function makes and returns.
    pub fn factory(&self, module: &Module, function: &Function) -> Option<Kind> {
        if function.coroutine {
            return None;
        }
        let mut locals: BTreeMap<&str, Option<Kind>> = BTreeMap::new();
        let mut returned: Option<Option<Kind>> = None;
        walk(&function.body, Scope::Function(&function.name), &mut |statement, _| match statement {
            Statement::Assign { target, value, .. } => {
                let kind = value.call().and_then(|call| self.made_by(module, call.callee()?));
                // `app = Middleware(app)` leaves the app what it is.
                let known = locals.entry(target).or_default();
                *known = known.or(kind);
            }
            Statement::Return(value) => {
                if let Some(call) = value.call() {
                    returned = Some(returned.flatten().or(call.callee().and_then(|callee| self.made_by(module, callee))));
                }
                value.visit(&mut |inner| {
                    if let Some(kind) = inner.name().and_then(|name| locals.get(name)) {
                        returned = Some(returned.flatten().or(*kind));
                    }
                });
            }
            _ => {}
        });
        // A function that hands out what it did not make, such as the module's own app, is no factory whatever it is annotated with.
        let annotated =
            || function.returns.as_deref().and_then(|returns| known(&self.full(module, returns.trim_matches(['"', '\'']))));
        returned?.or_else(annotated)
    }
}

/// Tells what classes of frameworks make.
pub(super) fn known(full: &str) -> Option<Kind> {
    use Framework::{Asgi, Fastapi, Flask, Litestar, Starlette, Wsgi};
    let package = full.split('.').next().unwrap_or_default();
    let name = full.rsplit('.').next().unwrap_or_default();
    let asgi = |framework| Some(Kind::App(framework, Interface::Asgi));
    let wsgi = |framework| Some(Kind::App(framework, Interface::Wsgi));
    match (package, name) {
        ("fastapi", "FastAPI") => asgi(Fastapi),
        ("starlette", "Starlette") => asgi(Starlette),
        ("litestar", "Litestar") => asgi(Litestar),
        ("flask", "Flask") | ("apiflask", "APIFlask") => wsgi(Flask),
        ("quart", "Quart") | ("sanic", "Sanic") | ("blacksheep", "Application") | ("fasthtml", "FastHTML") => asgi(Asgi),
        ("falcon", "App") if full.starts_with("falcon.asgi") => asgi(Asgi),
        ("falcon", "App" | "API") | ("bottle", "Bottle") => wsgi(Wsgi),
        ("fastapi", "APIRouter") | ("flask", "Blueprint") | ("apiflask", "APIBlueprint") | ("quart", "Blueprint") => {
            Some(Kind::Router)
        }
        ("celery", "Celery") => Some(Kind::Celery),
        _ => None,
    }
}
