//! Readers of the tools' own machine formats: text in, findings out, nothing else known.

pub(super) mod coverage;
pub(super) mod junit;
pub(super) mod mypy;
mod place;
pub(super) mod pyright;
pub(super) mod ruff;
pub(super) mod ty;

/// Output that is not in the format it should have.
#[derive(Debug, thiserror::Error)]
#[error("{tool} printed something unexpected: {reason}")]
pub(super) struct Nonsense {
    /// The tool.
    pub(super) tool: &'static str,
    /// What is wrong with it.
    pub(super) reason: String,
}

/// Refuses output in which nothing was recognised although there is some.
fn recognised(tool: &'static str, text: &str, known: impl Fn(&str) -> bool) -> Result<(), Nonsense> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let Some(first) = lines.peek().map(|line| line.chars().take(80).collect::<String>()) else { return Ok(()) };
    match lines.any(known) {
        true => Ok(()),
        false => Err(Nonsense { tool, reason: format!("`{first}`") }),
    }
}

/// Turns paths of a container into paths of the project.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// The folder that the project's tree lies in.
    workdir: String,
}

impl Paths {
    /// Takes the folder that the project's tree lies in.
    pub(super) fn new(workdir: &str) -> Self {
        Self { workdir: format!("{}/", workdir.trim_end_matches('/')) }
    }

    /// Returns a path relative to the project; a path outside of it stays as it is.
    pub(super) fn in_project(&self, path: &str) -> String {
        let path = straight(path);
        path.strip_prefix(&self.workdir).map(str::to_owned).unwrap_or(path)
    }
}

/// A path without `.` and, where what it leads up from is known, without `..`.
fn straight(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if path.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_relative_to_the_project() {
        let paths = Paths::new("/app/");
        let table = [
            ("/app/shop/main.py", "shop/main.py"),
            ("./shop/main.py", "shop/main.py"),
            ("shop/main.py", "shop/main.py"),
            ("/application/x.py", "/application/x.py"),
            ("/usr/lib/python3.13/abc.py", "/usr/lib/python3.13/abc.py"),
            ("/app/./shop//main.py", "shop/main.py"),
            ("/usr/../app/tests/../shop/main.py", "shop/main.py"),
            ("shop/../main.py", "main.py"),
            ("../outside.py", "../outside.py"),
            ("/../app/x.py", "x.py"),
        ];
        for (path, expected) in table {
            assert_eq!(paths.in_project(path), expected);
        }
        assert_eq!(Paths::new("/").in_project("/shop/main.py"), "shop/main.py");
    }
}
