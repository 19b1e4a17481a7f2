//! Follows a build: which step runs, what it prints, which one failed.

use std::collections::{HashMap, VecDeque};

use bollard::moby::buildkit::v1::{StatusResponse, Vertex};

use super::session::BuildSecrets;
use crate::docker::LineCutter;
use crate::model::LogStream;

/// Lines of each step that are kept, for the one that fails.
const TAIL: usize = 40;

/// What is known of a build that goes on.
pub(super) struct Progress<'a> {
    secrets: &'a BuildSecrets,
    steps: HashMap<String, Step>,
}

#[derive(Default)]
struct Step {
    name: String,
    announced: bool,
    finished: bool,
    error: String,
    cutters: [LineCutter; 2],
    tail: VecDeque<String>,
}

/// What people are told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A line of output, or the beginning of a step.
    Line(LogStream, String),
    /// What is being done right now.
    Doing(String),
}

/// The step that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FailedStep {
    /// Its name, such as `[2/4] RUN pip install .`.
    pub(super) name: String,
    /// Its last lines of output.
    pub(super) tail: Vec<String>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(secrets: &'a BuildSecrets) -> Self {
        Self { secrets, steps: HashMap::new() }
    }

    /// Takes the engine's next word and returns what people are told about it.
    pub(super) fn take(&mut self, status: StatusResponse) -> Vec<Told> {
        let mut told = Vec::new();
        for vertex in status.vertexes {
            self.vertex(vertex, &mut told);
        }
        for transfer in status.statuses {
            let Some(step) = self.steps.get(&transfer.vertex) else { continue };
            if transfer.total > 0 && transfer.completed.is_none() {
                told.push(Told::Doing(format!("{} {}", step.name, share(transfer.current, transfer.total))));
            }
        }
        for log in status.logs {
            let stream = if log.stream == 2 { LogStream::Stderr } else { LogStream::Stdout };
            let step = self.steps.entry(log.vertex).or_default();
            let (secrets, tail) = (self.secrets, &mut step.tail);
            let [out, err] = &mut step.cutters;
            let cutter = if stream == LogStream::Stderr { err } else { out };
            cutter.push(&log.msg, |text| {
                let text = secrets.mask(text);
                keep(tail, &text);
                told.push(Told::Line(stream, text));
            });
        }
        told
    }

    fn vertex(&mut self, vertex: Vertex, told: &mut Vec<Told>) {
        let step = self.steps.entry(vertex.digest).or_default();
        if !vertex.name.is_empty() {
            step.name = self.secrets.mask(vertex.name);
        }
        let begins = vertex.started.is_some() || vertex.cached;
        if begins && !step.announced {
            step.announced = true;
            told.push(Told::Doing(step.name.clone()));
            if !step.name.starts_with("[internal]") {
                let cached = if vertex.cached { " (cached)" } else { "" };
                told.push(Told::Line(LogStream::Stdout, format!("{}{cached}", step.name)));
            }
        }
        if vertex.completed.is_some() && !step.finished {
            step.finished = true;
            for (cutter, stream) in step.cutters.iter_mut().zip([LogStream::Stdout, LogStream::Stderr]) {
                if let Some(text) = cutter.finish() {
                    let text = self.secrets.mask(text);
                    keep(&mut step.tail, &text);
                    told.push(Told::Line(stream, text));
                }
            }
        }
        step.error = vertex.error;
    }

    /// Returns the step that failed. Steps that were only cancelled because of it do not count.
    pub(super) fn failed(&self) -> Option<FailedStep> {
        let failed = |step: &&Step| !step.error.is_empty();
        let cancelled = |step: &&Step| step.error.contains("context canceled");
        let steps = || self.steps.values().filter(failed);
        let step = steps().find(|step| !cancelled(step)).or_else(|| steps().next())?;
        Some(FailedStep { name: step.name.clone(), tail: step.tail.iter().cloned().collect() })
    }

    /// Returns the images that stages of the build stand on, as the engine resolved them.
    pub(super) fn bases(&self) -> Vec<String> {
        let named = self.steps.values().filter(|step| step.name.starts_with('[') && !step.name.starts_with("[internal]"));
        let mut bases: Vec<String> =
            named.filter_map(|step| step.name.split_once("] FROM ").map(|(_, image)| image.to_owned())).collect();
        bases.sort();
        bases.dedup();
        bases
    }
}

fn keep(tail: &mut VecDeque<String>, text: &str) {
    if tail.len() == TAIL {
        tail.pop_front();
    }
    tail.push_back(text.to_owned());
}

fn share(current: i64, total: i64) -> String {
    let megabytes = |bytes: i64| bytes / 1_000_000;
    match total >= 10_000_000 {
        true => format!("{} of {} MB", megabytes(current), megabytes(total)),
        false => format!("{} of {} kB", current / 1000, total / 1000),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bollard::moby::buildkit::v1::VertexLog;

    use super::*;

    fn vertex(digest: &str, name: &str) -> Vertex {
        Vertex { digest: digest.into(), name: name.into(), started: Some(Default::default()), ..Vertex::default() }
    }

    fn log(digest: &str, text: &str) -> VertexLog {
        VertexLog { vertex: digest.into(), stream: 1, msg: text.into(), ..VertexLog::default() }
    }

    fn texts(told: &[Told]) -> Vec<&str> {
        let lines = told.iter().filter(|told| matches!(told, Told::Line(..)));
        lines
            .map(|told| match told {
                Told::Line(_, text) | Told::Doing(text) => text.as_str(),
            })
            .collect()
    }

    #[test]
    fn steps_are_announced_once_and_their_output_is_cut_into_lines() {
        let secrets = BuildSecrets(BTreeMap::from([("t".to_owned(), b"made-up-token".to_vec())]));
        let mut progress = Progress::new(&secrets);
        let cached = Vertex { cached: true, ..vertex("b", "[1/2] FROM docker.io/library/python:3.13-slim") };
        let told = progress.take(StatusResponse {
            vertexes: vec![vertex("a", "[internal] load build definition"), cached, vertex("c", "[2/2] RUN x made-up-token")],
            logs: vec![log("c", "one made-up-token\ntw")],
            ..StatusResponse::default()
        });
        assert_eq!(texts(&told), ["[1/2] FROM docker.io/library/python:3.13-slim (cached)", "[2/2] RUN x ****", "one ****"]);
        let done = Vertex { completed: Some(Default::default()), error: "exit code: 1".into(), ..vertex("c", "") };
        let told = progress.take(StatusResponse {
            vertexes: vec![vertex("c", ""), done],
            logs: vec![log("c", "o")],
            ..StatusResponse::default()
        });
        assert_eq!(texts(&told), ["tw"], "what was printed last without a line end comes when the step has ended");
        assert_eq!(progress.bases(), ["docker.io/library/python:3.13-slim"]);
        let failed = progress.failed().expect("a failed step");
        assert_eq!(failed.name, "[2/2] RUN x ****");
        assert_eq!(failed.tail, ["one ****", "tw"]);
    }

    #[test]
    fn a_step_that_was_only_cancelled_is_not_the_one_that_failed() {
        let secrets = BuildSecrets::default();
        let mut progress = Progress::new(&secrets);
        let broken = |digest: &str, error: &str| Vertex { error: error.into(), ..vertex(digest, digest) };
        progress.take(StatusResponse {
            vertexes: vec![broken("a", "failed: context canceled"), broken("b", "exit code: 2")],
            ..StatusResponse::default()
        });
        assert_eq!(progress.failed().map(|step| step.name).as_deref(), Some("b"));
    }
}
