//! The scripts that run inside the proxy's container, where its volume and its master socket are, and how their output is read.
//!
//! Each is one transaction under one `flock`: it goes on to its end when whoever started it dies, and the kernel frees the lock
//! when the container does. They are bash (its `/dev/tcp` speaks to the master process), and decide nothing but what is said here.

/// Waits until a certificate of the ACME client is there.
pub const CERTIFY: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/certify.bash"));

/// Replaces the generation, and tells the workers. See the file for its variables.
pub const COMMIT: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/commit.bash"));

/// Prints the state, an environment's records and what the current worker does.
pub const SNAPSHOT: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/snapshot.bash"));

/// Tells the workers what the present generation says.
pub const REPAIR: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/repair.bash"));

/// Waits until some servers have no sessions in any worker.
pub const DRAIN: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/drain.bash"));

/// Remembers the fence of whoever took an environment's lock.
pub const REMEMBER: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/remember.bash"));

/// Waits until the proxy answers.
pub const AWAIT: &str = concat!(include_str!("scripts/common.bash"), include_str!("scripts/await.bash"));

/// How a script ended, by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Done,
    /// Another script held the lock for too long.
    Busy,
    /// The state has changed since it was read.
    Changed,
    /// A newer holder of the environment's lock has acted.
    FenceLost,
    /// HAProxy refused the configuration; the one before is in force.
    Refused,
    /// The master process does not answer.
    Silent,
    /// Anything else.
    Broken(i64),
}

impl Ending {
    /// Reads an exit code.
    pub fn of(code: i64) -> Self {
        match code {
            0 => Self::Done,
            74 => Self::Busy,
            75 => Self::Changed,
            76 => Self::FenceLost,
            78 => Self::Refused,
            79 => Self::Silent,
            other => Self::Broken(other),
        }
    }
}

/// A part of a script's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub name: String,
    /// What follows it.
    pub text: String,
}

impl Section {
    /// Returns its lines without those that are empty.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.is_empty())
    }
}

/// What a heading begins with; no JSON, no map and no log line of HAProxy does.
const HEADING: &str = "\u{1}section ";

/// Parts a script's output at its headings.
pub fn sections(output: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in output.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix(HEADING) {
            sections.push(Section { name: name.trim_end().to_owned(), text: String::new() });
        } else if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
        }
    }
    sections
}
