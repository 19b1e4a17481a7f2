//! Turns the bytes of a container into lines within limits.

use std::collections::VecDeque;

use bollard::container::LogOutput;
use tokio::sync::mpsc;

use super::{OnceSpec, Stdout};
use crate::docker::{LineCutter, LineSender};
use crate::model::{LogLine, LogStream};

/// Lines that are kept for a report, whatever a reader got.
const TAIL: usize = 50;

/// Reads a container's output.
pub(super) struct Reader<'a> {
    lines: LineSender<'a>,
    stdout_cutter: LineCutter,
    stderr_cutter: LineCutter,
    stdout: Stdout,
    limit: u64,
    read: u64,
    beyond: u64,
    pub(super) kept: Vec<u8>,
    pub(super) tail: VecDeque<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(spec: &'a OnceSpec, lines: &'a mpsc::Sender<LogLine>) -> Self {
        Self {
            lines: LineSender::new(&spec.source, lines),
            stdout_cutter: LineCutter::default(),
            stderr_cutter: LineCutter::default(),
            stdout: spec.stdout,
            limit: spec.output_limit,
            read: 0,
            beyond: 0,
            kept: Vec::new(),
            tail: VecDeque::new(),
        }
    }

    pub(super) async fn take(&mut self, piece: LogOutput) {
        let (stream, bytes) = match piece {
            LogOutput::StdErr { message } => (LogStream::Stderr, message),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                (LogStream::Stdout, message)
            }
        };
        if let (LogStream::Stdout, Stdout::Keep(most)) = (stream, self.stdout) {
            let room = most.saturating_sub(self.kept.len());
            self.kept.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            return;
        }
        let before = self.read;
        self.read = self.read.saturating_add(bytes.len() as u64);
        let mut cut = Vec::new();
        self.cutter(stream).push(&bytes, |line| cut.push(line));
        if before < self.limit && self.read >= self.limit {
            let note = format!("(more than {} bytes of output: the rest is not shown)", self.limit);
            self.lines.send(LogStream::Stderr, note).await;
        }
        for line in cut {
            self.line(stream, line).await;
        }
    }

    pub(super) async fn finish(&mut self) {
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            if let Some(line) = self.cutter(stream).finish() {
                self.line(stream, line).await;
            }
        }
    }

    fn cutter(&mut self, stream: LogStream) -> &mut LineCutter {
        match stream {
            LogStream::Stdout => &mut self.stdout_cutter,
            LogStream::Stderr => &mut self.stderr_cutter,
        }
    }

    async fn line(&mut self, stream: LogStream, text: String) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(text.clone());
        match self.read < self.limit {
            true => self.lines.send(stream, text).await,
            false => self.beyond += 1,
        }
    }

    /// Returns how many lines nobody got.
    pub(super) fn dropped(&self) -> u64 {
        self.beyond + self.lines.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(limit: u64, stdout: Stdout) -> OnceSpec {
        let mut spec = OnceSpec::new("unit", "image", Vec::new());
        spec.output_limit = limit;
        spec.stdout = stdout;
        spec
    }

    fn stdout(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    #[tokio::test]
    async fn lines_beyond_the_limit_are_counted_and_the_last_ones_kept() {
        let spec = spec(20, Stdout::Lines);
        let (sender, mut receiver) = mpsc::channel(100);
        let mut reader = Reader::new(&spec, &sender);
        for number in 0..100 {
            reader.take(stdout(&format!("line {number}\n"))).await;
        }
        reader.finish().await;
        assert_eq!(reader.tail.back().map(String::as_str), Some("line 99"));
        assert_eq!(reader.tail.len(), TAIL);
        assert_eq!(reader.dropped(), 98);
        let texts: Vec<String> = std::iter::from_fn(|| receiver.try_recv().ok()).map(|line| line.text).collect();
        assert_eq!(texts, ["line 0", "line 1", "(more than 20 bytes of output: the rest is not shown)"]);
    }

    #[tokio::test]
    async fn standard_output_that_is_kept_is_bounded_and_not_streamed() {
        let spec = spec(1000, Stdout::Keep(8));
        let (sender, mut receiver) = mpsc::channel(100);
        let mut reader = Reader::new(&spec, &sender);
        reader.take(stdout("0123456789")).await;
        reader.take(stdout("more")).await;
        reader.take(LogOutput::StdErr { message: "warning\n".into() }).await;
        assert_eq!(reader.kept, b"01234567");
        assert_eq!(receiver.try_recv().map(|line| line.text).as_deref(), Ok("warning"));
        assert!(receiver.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_holds_nothing_up() {
        let spec = spec(1_000_000, Stdout::Lines);
        let (sender, mut receiver) = mpsc::channel(2);
        let mut reader = Reader::new(&spec, &sender);
        for number in 0..1000 {
            reader.take(stdout(&format!("{number}\n"))).await;
        }
        assert_eq!(reader.dropped(), 998);
        assert_eq!(receiver.try_recv().map(|line| line.text).as_deref(), Ok("0"));
    }
}
