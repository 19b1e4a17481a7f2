//! Readers of the tools' own machine formats: text in, findings out, nothing else known.

pub(super) mod junit;
pub(super) mod mypy;
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
        let path = path.strip_prefix(&self.workdir).unwrap_or(path);
        path.strip_prefix("./").unwrap_or(path).to_owned()
    }
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
        ];
        for (path, expected) in table {
            assert_eq!(paths.in_project(path), expected);
        }
        assert_eq!(Paths::new("/").in_project("/shop/main.py"), "shop/main.py");
    }
}
