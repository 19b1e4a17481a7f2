//! Turns Python source text into [`Statement`]s, by tree-sitter: no Python is needed, and broken code yields what is whole of it.

use tree_sitter::{Node, Parser};

use super::ast::{Call, Expression, Function, Parameter, Statement};

/// Deeper nesting is not code that a person wrote.
const DEEPEST: u32 = 100;

/// Reads Python modules, one after another.
pub(super) struct Reader(Parser);

impl Reader {
    /// Makes a reader; none when the grammar does not fit the library, which the build decides once for all.
    pub fn new() -> Option<Self> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
        Some(Self(parser))
    }

    /// Reads a module. `package` is what relative imports start from.
    pub fn read(&mut self, text: &str, package: &str) -> Vec<Statement> {
        let Some(tree) = self.0.parse(text, None) else { return Vec::new() };
        Converter { text, package }.block(tree.root_node(), 0)
    }
}

struct Converter<'a> {
    text: &'a str,
    package: &'a str,
}

fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

impl Converter<'_> {
    fn source(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn block(&self, node: Node<'_>, depth: u32) -> Vec<Statement> {
        let mut found = Vec::new();
        if depth < DEEPEST {
            for child in children(node) {
                self.statement(child, depth + 1, &mut found);
            }
        }
        found
    }

    fn statement(&self, node: Node<'_>, depth: u32, found: &mut Vec<Statement>) {
        match node.kind() {
            "expression_statement" => children(node).into_iter().for_each(|child| self.simple(child, depth, found)),
            "return_statement" => {
                let value = children(node).first().map_or(Expression::Other(Vec::new()), |value| self.expression(*value, depth));
                found.push(Statement::Return(value));
            }
            "import_statement" => self.import(node, found),
            "import_from_statement" => self.import_from(node, found),
            "function_definition" => found.extend(self.function(node, Vec::new(), depth)),
            "class_definition" => found.extend(self.class(node, depth)),
            "decorated_definition" => self.decorated(node, depth, found),
            "if_statement" if self.is_main_guard(node) => {
                let body = node.child_by_field_name("consequence").map(|body| self.block(body, depth)).unwrap_or_default();
                found.push(Statement::MainGuard { body, line: line(node) });
            }
            "if_statement" | "elif_clause" | "else_clause" | "try_statement" | "except_clause" | "finally_clause"
            | "with_statement" | "for_statement" | "while_statement" | "match_statement" | "case_clause" | "block" | "ERROR" => {
                found.push(Statement::Block(self.block(node, depth)));
            }
            _ => {}
        }
    }

    fn simple(&self, node: Node<'_>, depth: u32, found: &mut Vec<Statement>) {
        match node.kind() {
            "assignment" | "augmented_assignment" => {
                let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
                    return;
                };
                // `a = b = FastAPI()`: the outer name first, both with the same value.
                if right.kind() == "assignment" {
                    self.simple(right, depth, found);
                }
                let mut value = right;
                while let Some(inner) = value.child_by_field_name("right").filter(|_| value.kind() == "assignment") {
                    value = inner;
                }
                let target = self.source(left).to_owned();
                found.push(Statement::Assign { target, value: self.expression(value, depth), line: line(node) });
            }
            _ => found.push(Statement::Expression(self.expression(node, depth))),
        }
    }

    fn decorated(&self, node: Node<'_>, depth: u32, found: &mut Vec<Statement>) {
        let decorators = children(node).into_iter().filter(|child| child.kind() == "decorator");
        let decorators = decorators.filter_map(|decorator| Some(self.expression(decorator.named_child(0)?, depth))).collect();
        let Some(definition) = node.child_by_field_name("definition") else { return };
        if definition.kind() == "function_definition" {
            found.extend(self.function(definition, decorators, depth));
        } else {
            found.extend(self.class(definition, depth));
        }
    }

    fn function(&self, node: Node<'_>, decorators: Vec<Expression>, depth: u32) -> Option<Statement> {
        let parameters = node.child_by_field_name("parameters").map(children).unwrap_or_default();
        Some(Statement::Function(Function {
            name: self.source(node.child_by_field_name("name")?).to_owned(),
            parameters: parameters.into_iter().filter_map(|parameter| self.parameter(parameter)).collect(),
            coroutine: node.child(0).is_some_and(|first| first.kind() == "async"),
            returns: node.child_by_field_name("return_type").map(|returns| self.source(returns).to_owned()),
            decorators,
            body: node.child_by_field_name("body").map(|body| self.block(body, depth)).unwrap_or_default(),
            line: line(node),
        }))
    }

    fn parameter(&self, node: Node<'_>) -> Option<Parameter> {
        let named = |node: Node<'_>, optional| Parameter { name: self.source(node).to_owned(), optional };
        match node.kind() {
            "identifier" => Some(named(node, false)),
            "typed_parameter" => {
                let inner = node.named_child(0)?;
                Some(named(inner, inner.kind() != "identifier"))
            }
            "default_parameter" | "typed_default_parameter" => Some(named(node.child_by_field_name("name")?, true)),
            "list_splat_pattern" | "dictionary_splat_pattern" => Some(named(node, true)),
            _ => None,
        }
    }

    fn class(&self, node: Node<'_>, depth: u32) -> Option<Statement> {
        let bases = node.child_by_field_name("superclasses").map(children).unwrap_or_default();
        Some(Statement::Class {
            name: self.source(node.child_by_field_name("name")?).to_owned(),
            bases: bases
                .into_iter()
                .filter(|base| base.kind() != "keyword_argument")
                .map(|base| self.expression(base, depth))
                .collect(),
            body: node.child_by_field_name("body").map(|body| self.block(body, depth)).unwrap_or_default(),
        })
    }

    fn is_main_guard(&self, node: Node<'_>) -> bool {
        let condition = node.child_by_field_name("condition").map(|condition| self.source(condition)).unwrap_or_default();
        condition.contains("__name__") && condition.contains("__main__") && condition.contains("==")
    }

    fn import(&self, node: Node<'_>, found: &mut Vec<Statement>) {
        for child in children(node) {
            if child.kind() == "aliased_import" {
                found.extend(self.aliased(child, ""));
            } else {
                // `import a.b` binds `a`, and `a.b` is found by its own name.
                let target = self.source(child).split('.').next().unwrap_or_default().to_owned();
                found.push(Statement::Import { name: target.clone(), target });
            }
        }
    }

    fn import_from(&self, node: Node<'_>, found: &mut Vec<Statement>) {
        let Some(module) = node.child_by_field_name("module_name") else { return };
        let from = self.absolute(self.source(module));
        let mut cursor = node.walk();
        for name in node.children_by_field_name("name", &mut cursor) {
            if name.kind() == "aliased_import" {
                found.extend(self.aliased(name, &from));
            } else {
                let name = self.source(name).to_owned();
                found.push(Statement::Import { target: dotted(&from, &name), name });
            }
        }
    }

    fn aliased(&self, node: Node<'_>, from: &str) -> Option<Statement> {
        let name = self.source(node.child_by_field_name("alias")?).to_owned();
        Some(Statement::Import { name, target: dotted(from, self.source(node.child_by_field_name("name")?)) })
    }

    /// Makes `.items` of package `shop` into `shop.items` (PEP 328).
    fn absolute(&self, module: &str) -> String {
        let rest = module.trim_start_matches('.');
        let up = module.len() - rest.len();
        if up == 0 {
            return module.to_owned();
        }
        let parts: Vec<_> = self.package.split('.').filter(|part| !part.is_empty()).collect();
        let kept = parts.get(..(parts.len() + 1).saturating_sub(up)).unwrap_or_default();
        dotted(&kept.join("."), rest)
    }

    fn expression(&self, node: Node<'_>, depth: u32) -> Expression {
        if depth >= DEEPEST {
            return Expression::Other(Vec::new());
        }
        let inner = || children(node).into_iter().map(|child| self.expression(child, depth + 1)).collect();
        match node.kind() {
            "identifier" => Expression::Name(self.source(node).to_owned()),
            "attribute" => match self.dotted_name(node, depth) {
                Some(name) => Expression::Name(name),
                None => Expression::Other(inner()),
            },
            "call" => self.call(node, depth),
            "string" => self.string(node).map_or_else(|| Expression::Other(inner()), Expression::Text),
            "concatenated_string" => {
                let parts: Option<Vec<String>> = children(node).into_iter().map(|part| self.string(part)).collect();
                parts.map_or_else(|| Expression::Other(inner()), |parts| Expression::Text(parts.concat()))
            }
            "list" | "tuple" | "set" => Expression::Items(inner()),
            "parenthesized_expression" | "await" | "type" => match node.named_child(0) {
                Some(only) => self.expression(only, depth + 1),
                None => Expression::Other(Vec::new()),
            },
            _ => Expression::Other(inner()),
        }
    }

    fn dotted_name(&self, node: Node<'_>, depth: u32) -> Option<String> {
        match node.kind() {
            "identifier" => Some(self.source(node).to_owned()),
            "attribute" if depth < DEEPEST => {
                let object = self.dotted_name(node.child_by_field_name("object")?, depth + 1)?;
                Some(format!("{object}.{}", self.source(node.child_by_field_name("attribute")?)))
            }
            _ => None,
        }
    }

    fn call(&self, node: Node<'_>, depth: u32) -> Expression {
        let function = node.child_by_field_name("function").map(|function| self.expression(function, depth + 1));
        let mut call = Call {
            function: function.unwrap_or(Expression::Other(Vec::new())),
            arguments: Vec::new(),
            keywords: Vec::new(),
            line: line(node),
        };
        for argument in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
            if argument.kind() == "keyword_argument" {
                let (name, value) = (argument.child_by_field_name("name"), argument.child_by_field_name("value"));
                if let (Some(name), Some(value)) = (name, value) {
                    call.keywords.push((self.source(name).to_owned(), self.expression(value, depth + 1)));
                }
            } else if argument.kind() != "comment" {
                call.arguments.push(self.expression(argument, depth + 1));
            }
        }
        Expression::Call(Box::new(call))
    }

    /// Returns the content of a string without placeholders.
    fn string(&self, node: Node<'_>) -> Option<String> {
        let parts = children(node);
        if parts.iter().any(|part| part.kind() == "interpolation") {
            return None;
        }
        Some(parts.into_iter().filter(|part| part.kind() == "string_content").map(|part| self.source(part)).collect())
    }
}

fn dotted(from: &str, name: &str) -> String {
    match (from.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => from.to_owned(),
        _ => format!("{from}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<Statement> {
        Reader::new().unwrap().read(text, "shop.api")
    }

    #[test]
    fn imports_become_absolute() {
        let text = "import a.b\nimport a.b as c\nfrom fastapi import FastAPI as F, Depends\nfrom . import items\nfrom ..db import (engine)\nfrom .. import core\n";
        let found: Vec<_> = read(text)
            .into_iter()
            .map(|statement| match statement {
                Statement::Import { name, target } => format!("{name}={target}"),
                other => format!("{other:?}"),
            })
            .collect();
        let expected = [
            "a=a",
            "c=a.b",
            "F=fastapi.FastAPI",
            "Depends=fastapi.Depends",
            "items=shop.api.items",
            "engine=shop.db.engine",
            "core=shop.core",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn assignments_calls_and_strings_are_read() {
        let found = read("app: FastAPI = FastAPI(title='a' \"b\", debug=f'{x}')\n");
        let [Statement::Assign { target, value, line }] = found.as_slice() else { panic!("{found:?}") };
        let call = value.call().unwrap();
        assert_eq!((target.as_str(), *line, call.callee()), ("app", 1, Some("FastAPI")));
        assert_eq!(call.keyword("title").and_then(Expression::text), Some("ab"));
        assert_eq!(call.keyword("debug").and_then(Expression::text), None);
    }

    #[test]
    fn functions_have_parameters_and_decorators() {
        let found = read("@app.get('/x')\nasync def f(a, b: int, c=1, d: int = 2, *e, **g) -> Flask:\n    return a\n");
        let [Statement::Function(function)] = found.as_slice() else { panic!("{found:?}") };
        let optional: Vec<_> = function.parameters.iter().map(|parameter| parameter.optional).collect();
        assert_eq!(optional, [false, false, true, true, true, true]);
        assert!(function.coroutine && function.returns.as_deref() == Some("Flask") && function.decorators.len() == 1);
    }

    #[test]
    fn broken_code_yields_what_is_whole() {
        let found = read("app = FastAPI()\ndef (:\n");
        assert!(matches!(found.first(), Some(Statement::Assign { target, .. }) if target == "app"));
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        read(&format!("x = {}1{}", "(".repeat(20_000), ")".repeat(20_000)));
        read(&format!("x = a{}", ".b".repeat(20_000)));
        read(&format!("x = {}", "f(".repeat(20_000)));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-z=()\\[\\]{}'\":.,@ \n#f]{0,200}") {
            read(&text);
        }
    }
}
