//! Recognises the tool behind a gate's command and asks it for its machine format.
//!
//! Only what is recognised is changed; any other command runs as it is and is judged by its exit code.

use crate::docker::once;
use crate::model::CommandLine;

/// A tool whose output is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    RuffCheck,
    RuffFormat,
    Mypy,
    Pyright,
    Ty,
    Pytest,
}

impl Tool {
    /// The distribution that provides it.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::RuffCheck | Self::RuffFormat => "ruff",
            Self::Mypy => "mypy",
            Self::Pyright => "pyright",
            Self::Ty => "ty",
            Self::Pytest => "pytest",
        }
    }
}

/// A command as it runs in a gate's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// What is executed.
    pub(super) argv: Vec<String>,
    /// The tool and what it is told on top, when it is one that is understood.
    pub(super) known: Option<Known>,
}

/// A recognised tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Which.
    pub(super) tool: Tool,
    /// Where in the arguments its own options may be put.
    options_at: usize,
}

/// Where ruff leaves its findings.
pub(super) const RUFF_REPORT: &str = "ruff.json";

/// Returns the command as a person would type it.
pub(super) fn typed(command: &CommandLine) -> String {
    match command {
        CommandLine::Shell(line) => line.clone(),
        CommandLine::Exec(arguments) => {
            shlex::try_join(arguments.iter().map(String::as_str)).unwrap_or_else(|_| arguments.join(" "))
        }
    }
}

impl Invocation {
    /// Takes a gate's command apart. A line that needs no shell runs without one.
    pub(super) fn new(command: &CommandLine) -> Self {
        let argv = match command {
            CommandLine::Exec(arguments) => arguments.clone(),
            CommandLine::Shell(line) => match without_shell(line) {
                Some(arguments) => arguments,
                None => return Self { argv: command.argv(), known: None },
            },
        };
        let argv = without_runner(argv);
        let known = recognise(&argv);
        Self { argv, known }
    }

    /// Puts options in front of a recognised tool's own.
    pub(super) fn with_first(mut self, options: &[&str]) -> Self {
        if let Some(Known { options_at, .. }) = self.known {
            let at = options_at.min(self.argv.len());
            self.argv.splice(at..at, options.iter().map(|option| (*option).to_owned()));
        }
        self
    }

    /// Returns the arguments with which a recognised tool tells its findings to a program.
    pub(super) fn for_reading(&self) -> Vec<String> {
        let Some(Known { tool, options_at }) = self.known else { return self.argv.clone() };
        let (options, replaced): (Vec<String>, &[&str]) = match tool {
            Tool::RuffCheck => {
                let report = once::out(RUFF_REPORT).to_string_lossy().into_owned();
                let options = ["--no-fix", "--output-format", "json", "--output-file", &report].map(str::to_owned);
                (options.to_vec(), &["--output-format", "--output-file", "-o"])
            }
            Tool::Mypy => (["--output", "json"].map(str::to_owned).to_vec(), &["--output", "-O"]),
            Tool::Pyright => (vec!["--outputjson".to_owned()], &[]),
            Tool::Ty => (["--output-format", "concise"].map(str::to_owned).to_vec(), &["--output-format"]),
            // These listen to variables, which older versions and programs in between pass on untouched.
            Tool::RuffFormat => (Vec::new(), &["--output-format"]),
            Tool::Pytest => (Vec::new(), &[]),
        };
        self.with_options(options_at, options, replaced)
    }

    /// Returns the arguments for mypy before 1.11, which knows no JSON.
    pub(super) fn for_reading_lines(&self) -> Vec<String> {
        let options = ["--show-column-numbers", "--no-pretty", "--no-color-output"].map(str::to_owned);
        match self.known {
            Some(Known { options_at, .. }) => self.with_options(options_at, options.to_vec(), &["--output", "-O"]),
            None => self.argv.clone(),
        }
    }

    fn with_options(&self, at: usize, options: Vec<String>, replaced: &[&str]) -> Vec<String> {
        let (head, tail) = self.argv.split_at(at.min(self.argv.len()));
        let mut argv = head.to_vec();
        argv.extend(options);
        let mut tail = tail.iter();
        while let Some(argument) = tail.next() {
            if argument == "--" {
                argv.push(argument.clone());
                argv.extend(tail.cloned());
                break;
            }
            if replaced.contains(&argument.as_str()) {
                tail.next();
            } else if !replaced.iter().any(|option| argument.starts_with(&format!("{option}="))) {
                argv.push(argument.clone());
            }
        }
        argv
    }
}

/// Splits a line that a shell would split the same way and do nothing else with.
fn without_shell(line: &str) -> Option<Vec<String>> {
    let mut quote = None;
    for character in line.trim().chars() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '$' | '`' | '\\') => return None,
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '{' | '}' | '*' | '?' | '[' | ']' | '~' | '#' | '!' | '\n') => {
                return None;
            }
            _ => {}
        }
    }
    let arguments = shlex::split(line)?;
    // `NAME=value command` sets a variable.
    let sets_variable = arguments.first().is_some_and(|first| first.contains('='));
    (!sets_variable && !arguments.is_empty()).then_some(arguments)
}

/// Leaves out `uv run` and the like: inside the image the project's packages are simply there, and the runner is not.
fn without_runner(argv: Vec<String>) -> Vec<String> {
    let runner = |name: &str| matches!(name, "uv" | "poetry" | "pdm" | "pipenv" | "hatch" | "rye");
    match argv.as_slice() {
        [program, run, next, ..] if runner(program) && run == "run" && !next.starts_with('-') => {
            argv.into_iter().skip(2).collect()
        }
        _ => argv,
    }
}

fn recognise(argv: &[String]) -> Option<Known> {
    let program = argv.first()?.rsplit('/').next()?;
    let (name, at) = match program {
        _ if program.starts_with("python") => {
            let module = argv.iter().position(|argument| argument == "-m")? + 1;
            (argv.get(module)?.as_str(), module)
        }
        // `coverage run -m pytest` is pytest with its own exit codes.
        "coverage" => {
            let module = argv.iter().position(|argument| argument == "-m")? + 1;
            (argv.get(module).filter(|module| *module == "pytest")?.as_str(), module)
        }
        _ => (program, 0),
    };
    let subcommand = argv.get(at + 1).map(String::as_str);
    let known = |tool, options_at| Some(Known { tool, options_at });
    match (name, subcommand) {
        ("coverage", Some("run")) if program.starts_with("python") => {
            let module = argv.iter().rposition(|argument| argument == "-m").filter(|place| *place > at)? + 1;
            argv.get(module).filter(|module| *module == "pytest")?;
            known(Tool::Pytest, module + 1)
        }
        ("ruff", Some("check")) => known(Tool::RuffCheck, at + 2),
        ("ruff", Some("format")) if argv.iter().any(|argument| argument == "--check") => known(Tool::RuffFormat, at + 2),
        ("mypy", _) => known(Tool::Mypy, at + 1),
        ("pyright" | "basedpyright", _) => known(Tool::Pyright, at + 1),
        ("ty", Some("check")) => known(Tool::Ty, at + 2),
        ("pytest" | "py.test", _) => known(Tool::Pytest, at + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Invocation {
        Invocation::new(&CommandLine::Shell(line.to_owned()))
    }

    #[test]
    fn tools_are_recognised_however_they_are_called() {
        let table = [
            ("ruff check", Some(Tool::RuffCheck)),
            ("python -m ruff check src tests", Some(Tool::RuffCheck)),
            ("ruff format --check .", Some(Tool::RuffFormat)),
            ("ruff format .", None),
            ("ruff --version", None),
            ("mypy src", Some(Tool::Mypy)),
            ("python3.13 -X dev -m mypy", Some(Tool::Mypy)),
            ("/opt/venv/bin/pytest -q", Some(Tool::Pytest)),
            ("coverage run --branch -m pytest tests", Some(Tool::Pytest)),
            ("python -m coverage run -m pytest", Some(Tool::Pytest)),
            ("coverage run manage.py test", None),
            ("uv run pytest -k 'a and (b or c)'", Some(Tool::Pytest)),
            ("poetry run python -m pytest", Some(Tool::Pytest)),
            ("pyright", Some(Tool::Pyright)),
            ("basedpyright src", Some(Tool::Pyright)),
            ("ty check", Some(Tool::Ty)),
            ("python manage.py test", None),
            ("mypy src && echo fine", None),
            ("DEBUG=1 pytest", None),
            ("pytest $ARGS", None),
            ("make test", None),
        ];
        for (line, expected) in table {
            assert_eq!(shell(line).known.map(|known| known.tool), expected, "{line}");
        }
    }

    #[test]
    fn options_go_where_the_tool_looks_for_them() {
        let read = |line: &str| shell(line).for_reading().join(" ");
        let json = "--no-fix --output-format json --output-file /nonevent/out/ruff.json";
        assert_eq!(read("ruff check src"), format!("ruff check {json} src"));
        assert_eq!(
            read("ruff check --output-format=full -- --output-format=x"),
            format!("ruff check {json} -- --output-format=x")
        );
        assert_eq!(read("python -m mypy -O json --strict src"), "python -m mypy --output json --strict src");
        assert_eq!(read("uv run pyright src"), "pyright --outputjson src");
        assert_eq!(read("ty check --output-format full"), "ty check --output-format concise");
        assert_eq!(read("ruff format --check --output-format full"), "ruff format --check");
        assert_eq!(read("pytest -q 'a b'"), "pytest -q a b");
        assert_eq!(
            shell("mypy src").for_reading_lines().join(" "),
            "mypy --show-column-numbers --no-pretty --no-color-output src"
        );
    }

    #[test]
    fn what_needs_a_shell_gets_one_whole() {
        for line in ["a && b", "pytest | tee log", "echo \"$HOME\"", "ruff check src/*.py", "X=1 make", "cat <<E\nx\nE"] {
            assert_eq!(shell(line).argv, ["/bin/sh", "-c", line]);
            assert_eq!(shell(line).for_reading(), ["/bin/sh", "-c", line]);
        }
        assert_eq!(shell("echo 'a $b' c").argv, ["echo", "a $b", "c"]);
        assert_eq!(shell("uv run --frozen pytest").argv, ["uv", "run", "--frozen", "pytest"]);
    }

    #[test]
    fn commands_are_shown_as_people_type_them() {
        let exec = CommandLine::Exec(["pytest", "-k", "a b"].map(str::to_owned).to_vec());
        assert_eq!(typed(&exec), "pytest -k 'a b'");
        assert_eq!(typed(&CommandLine::Shell("mypy src".into())), "mypy src");
    }
}
