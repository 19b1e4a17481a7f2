//! A `nonevent watch` that goes on beside a test.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::world::World;

/// A process that is killed at the latest when the test ends.
pub struct Watch {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    pub fn start(world: &World) -> Self {
        Self::of(world.command(&["watch", "--json"]))
    }

    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads on until something is told.
    pub fn until(&mut self, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until_without(kind, "", is)
    }

    /// Reads on until something is told; what was told before must not be of the kind `never`.
    pub fn until_without(&mut self, kind: &str, never: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            let object: Value = serde_json::from_str(&line).unwrap();
            seen.push(line);
            if object["type"] == kind && is(&object["data"]) {
                return object["data"].clone();
            }
            assert!(object["type"] != never, "{}", seen.join("\n"));
        }
        panic!("no such {kind} came:\n{}", seen.join("\n"));
    }

    pub fn healthy(&mut self, probe: &str) {
        self.until_without("verdict_changed", "incident_changed", |told| told["probe"] == probe && told["to"] == "healthy");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
