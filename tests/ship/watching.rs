//! A `nonevent watch` that goes on beside a test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::world::World;

/// A process that is killed at the latest when the test ends.
pub struct Watch {
    pub child: Child,
    told: Receiver<Value>,
    heard: Vec<Value>,
    /// How many of what was heard `until` went past.
    past: usize,
}

impl Watch {
    pub fn start(world: &World) -> Self {
        Self::of(world.command(&["watch", "--json"]))
    }

    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, told) = channel();
        // Whatever the test does meanwhile, it can go on telling.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, told, heard: Vec::new(), past: 0 }
    }

    /// Goes on until something is told.
    pub fn until(&mut self, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until_without(kind, "", is)
    }

    /// Goes on until something is told; what is told before must not be of the kind `never`.
    pub fn until_without(&mut self, kind: &str, never: &str, is: impl Fn(&Value) -> bool) -> Value {
        let from = self.past;
        loop {
            while self.past < self.heard.len() {
                let object = &self.heard[self.past];
                self.past += 1;
                if object["type"] == kind && is(&object["data"]) {
                    return object["data"].clone();
                }
                assert!(object["type"] != never, "{:#?}", &self.heard[from..]);
            }
            match self.told.recv() {
                Ok(object) => self.heard.push(object),
                Err(_) => panic!("no such {kind} came: {:#?}", &self.heard[from..]),
            }
        }
    }

    /// Everything of a kind that was told so far.
    pub fn heard(&mut self, kind: &str) -> Vec<Value> {
        self.heard.extend(self.told.try_iter());
        self.heard.iter().filter(|object| object["type"] == kind).map(|object| object["data"].clone()).collect()
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
