//! Engines of a test's own, which it may stop and kill: `scripts/lab engine`.

use std::process::Command;

/// An engine of the lab, by the words that name it.
#[derive(Debug, Clone, Copy)]
pub struct OwnEngine {
    before: [&'static str; 2],
    after: Option<&'static str>,
}

impl OwnEngine {
    /// The lab's engine of this name.
    pub const fn named(name: &'static str) -> Self {
        Self { before: ["engine", name], after: None }
    }

    /// The current engine, with one of its image stores: `overlay2` or `containerd`.
    pub const fn current(store: &'static str) -> Self {
        Self { before: ["engine28", ""], after: Some(store) }
    }

    /// Does what a verb of `scripts/lab engine` says, and returns what was printed.
    pub fn run(self, verb: &str) -> String {
        let [kind, name] = self.before;
        let words: Vec<&str> = [kind, name, verb].into_iter().filter(|word| !word.is_empty()).chain(self.after).collect();
        lab(&words)
    }

    /// Starts it and returns its address.
    pub fn up(self) -> String {
        address(&self.run("up"))
    }

    /// The same on a disk of its own of this size, such as `1500M`.
    pub fn up_on_a_disk_of(self, size: &str) -> String {
        let [kind, name] = self.before;
        address(&lab(&[kind, name, "up", size]))
    }
}

fn lab(words: &[&str]) -> String {
    let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lab");
    let output = Command::new(lab).args(words).output().unwrap();
    assert!(output.status.success(), "lab {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn address(told: &str) -> String {
    let host = told.split("DOCKER_HOST=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    host.trim_matches(['\'', '"', ';']).to_owned()
}
