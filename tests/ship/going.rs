//! A process of the real command line that goes on while a test looks at what it prints.

use std::io::{BufRead, BufReader, Lines, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::world::World;

/// A process that goes on, and the lines that it prints.
pub struct Going {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Going {
    /// Starts a command on the laptop with this home folder.
    pub fn start(world: &World, home: &str, arguments: &[&str]) -> Self {
        let mut child = world.command_from(home, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads on until a line has all of these words.
    pub fn until(&mut self, words: &[&str]) -> String {
        self.until_line(&format!("{words:?}"), |line| words.iter().all(|word| line.contains(word)))
    }

    /// Reads on until a line is as wanted.
    pub fn until_line(&mut self, what: &str, is_wanted: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            if is_wanted(&line) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {what} came:\n{}", seen.join("\n"));
    }

    /// Sends a signal, such as `-INT`; to a process that has just ended by itself that is nothing.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([name, &self.child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
    }

    /// Kills it, with -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Reads to the end and returns the exit code with all that came.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut said: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        said.push(stderr);
        (self.child.wait().unwrap().code(), said.join("\n"))
    }
}
