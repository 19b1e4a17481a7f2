//! As much of a Python module as detection needs: imports, assignments, functions, classes, calls and string literals.

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    /// `name = value`, annotated or augmented ones too.
    Assign { target: String, value: Expression, line: u32 },
    /// A value that is not kept.
    Expression(Expression),
    /// `return value`.
    Return(Expression),
    /// A function, with its decorators.
    Function(Function),
    /// A class, with its bases and its body.
    Class { name: String, bases: Vec<Expression>, body: Vec<Statement> },
    /// `import a.b as name`, `from a import b as name`: the local name and what it stands for.
    Import { name: String, target: String },
    /// The body of a compound statement that runs with the module: `if`, `try`, `with`, `for`.
    Block(Vec<Statement>),
    /// The body of `if __name__ == "__main__":`, which does not run on import.
    MainGuard { body: Vec<Statement>, line: u32 },
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Function {
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub coroutine: bool,
    pub returns: Option<String>,
    pub decorators: Vec<Expression>,
    pub body: Vec<Statement>,
    pub line: u32,
}

/// A parameter, and whether a call may leave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub name: String,
    pub optional: bool,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// A name, or names joined by dots.
    Name(String),
    /// A call.
    Call(Box<Call>),
    /// A string without placeholders.
    Text(String),
    /// A list, tuple or set.
    Items(Vec<Expression>),
    /// Anything else, with the expressions inside it.
    Other(Vec<Expression>),
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub function: Expression,
    pub arguments: Vec<Expression>,
    pub keywords: Vec<(String, Expression)>,
    pub line: u32,
}

impl Expression {
    /// Returns the dotted name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Returns the string literal.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the call.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Visits this expression and every one inside it, outermost first.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Name(_) | Self::Text(_) => {}
            Self::Items(items) | Self::Other(items) => items.iter().for_each(|item| item.visit(visit)),
            Self::Call(call) => {
                call.function.visit(visit);
                call.arguments.iter().for_each(|argument| argument.visit(visit));
                call.keywords.iter().for_each(|(_, value)| value.visit(visit));
            }
        }
    }
}

impl Call {
    /// Returns the dotted name of what is called.
    pub fn callee(&self) -> Option<&str> {
        self.function.name()
    }

    /// Returns the last part of the name of what is called: `get` of `app.get`.
    pub fn method(&self) -> Option<&str> {
        self.callee().and_then(|callee| callee.rsplit('.').next())
    }

    /// Returns what a method is called on: `app` of `app.get`.
    pub fn receiver(&self) -> Option<&str> {
        self.callee().and_then(|callee| callee.rsplit_once('.')).map(|(receiver, _)| receiver)
    }

    /// Returns a keyword's value.
    pub fn keyword(&self, name: &str) -> Option<&Expression> {
        self.keywords.iter().find(|(keyword, _)| keyword == name).map(|(_, value)| value)
    }

    /// Returns an argument by its place, or by its keyword.
    pub fn argument(&self, index: usize, name: &str) -> Option<&Expression> {
        self.arguments.get(index).or_else(|| self.keyword(name))
    }
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope<'a> {
    /// It runs when the module is imported.
    Module,
    /// It runs when the function is called.
    Function(&'a str),
    /// It belongs to a class.
    Class,
    /// It runs only when the module is the program.
    Main,
}

/// Visits statements and everything inside them, with their scope; functions in functions count to the outermost one.
pub(super) fn walk<'a>(statements: &'a [Statement], scope: Scope<'a>, visit: &mut dyn FnMut(&'a Statement, Scope<'a>)) {
    for statement in statements {
        visit(statement, scope);
        match statement {
            Statement::Block(body) => walk(body, scope, visit),
            Statement::MainGuard { body, .. } => walk(body, Scope::Main, visit),
            Statement::Class { body, .. } => walk(body, Scope::Class, visit),
            Statement::Function(function) => {
                let inner = if scope == Scope::Module { Scope::Function(&function.name) } else { scope };
                walk(&function.body, inner, visit);
            }
            Statement::Assign { .. } | Statement::Expression(_) | Statement::Return(_) | Statement::Import { .. } => {}
        }
    }
}

/// Visits every expression of the statements, decorators among them, with its scope.
pub(super) fn walk_expressions<'a>(statements: &'a [Statement], visit: &mut dyn FnMut(&'a Expression, Scope<'a>)) {
    walk(statements, Scope::Module, &mut |statement, scope| match statement {
        Statement::Assign { value, .. } | Statement::Expression(value) | Statement::Return(value) => {
            value.visit(&mut |inner| visit(inner, scope));
        }
        Statement::Function(function) => {
            function.decorators.iter().for_each(|decorator| decorator.visit(&mut |inner| visit(inner, scope)));
        }
        Statement::Class { bases, .. } => bases.iter().for_each(|base| base.visit(&mut |inner| visit(inner, scope))),
        Statement::Import { .. } | Statement::Block(_) | Statement::MainGuard { .. } => {}
    });
}
