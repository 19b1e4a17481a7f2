//! Turns the bytes of a container into lines within limits.

use std::collections::VecDeque;

use bollard::container::LogOutput;
use tokio::sync::mpsc;

use super::{OnceSpec, Stdout};
use crate::docker::{LineCutter, LineSender};
use crate::mask::MaskStream;
use crate::model::{LogLine, LogStream};

/// Lines that are kept for a report, whatever a reader got.
const TAIL: usize = 50;

/// Reads a container's output.
pub(super) struct Reader<'a> {
    lines: LineSender<'a>,
    stdout_cutter: LineCutter,
    stderr_cutter: LineCutter,
    stdout_mask: MaskStream,
    stderr_mask: MaskStream,
    stdout: Stdout,
    limit: u64,
    pub(super) read: u64,
    beyond: u64,
    pub(super) kept: Vec<u8>,
    pub(super) tail: VecDeque<String>,
    /// Where the last lines came from, and whether a reader was sent each.
    sent: VecDeque<(LogStream, Sent)>,
}

/// Whether a line went to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    No,
}

impl<'a> Reader<'a> {
    pub(super) fn new(spec: &'a OnceSpec, lines: &'a mpsc::Sender<LogLine>) -> Self {
        Self {
            lines: LineSender::new(&spec.source, lines),
            stdout_cutter: LineCutter::default(),
            stderr_cutter: LineCutter::default(),
            stdout_mask: spec.mask.stream(),
            stderr_mask: spec.mask.stream(),
            stdout: spec.stdout,
            limit: spec.output_limit,
            read: 0,
            beyond: 0,
            kept: Vec::new(),
            tail: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    pub(super) async fn take(&mut self, piece: LogOutput) {
        let (stream, bytes) = match piece {
            LogOutput::StdErr { message } => (LogStream::Stderr, message),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                (LogStream::Stdout, message)
            }
        };
        let bytes = self.mask(stream).push(&bytes);
        self.masked(stream, &bytes).await;
    }

    async fn masked(&mut self, stream: LogStream, bytes: &[u8]) {
        if let (LogStream::Stdout, Stdout::Keep(most)) = (stream, self.stdout) {
            let room = most.saturating_sub(self.kept.len());
            self.kept.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
            return;
        }
        let before = self.read;
        self.read = self.read.saturating_add(bytes.len() as u64);
        let mut cut = Vec::new();
        self.cutter(stream).push(bytes, |line| cut.push(line));
        if before < self.limit && self.read >= self.limit {
            let note = format!("(more than {} bytes of output: the rest is left out, but for its end)", self.limit);
            self.lines.send(LogStream::Stderr, note).await;
        }
        for line in cut {
            self.line(stream, line).await;
        }
    }

    pub(super) async fn finish(&mut self) {
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            let rest = self.mask(stream).finish();
            self.masked(stream, &rest).await;
            if let Some(line) = self.cutter(stream).finish() {
                self.line(stream, line).await;
            }
        }
        self.end().await;
    }

    /// Tells the last lines of output beyond the limit: they say how it ended.
    async fn end(&mut self) {
        let last: Vec<(LogStream, String)> = self
            .sent
            .iter()
            .zip(&self.tail)
            .filter(|((_, sent), _)| *sent == Sent::No)
            .map(|((stream, _), line)| (*stream, line.clone()))
            .collect();
        let left_out = self.beyond.saturating_sub(last.len() as u64);
        if left_out > 0 {
            self.lines.send(LogStream::Stderr, format!("({left_out} lines were left out)")).await;
        }
        self.beyond = left_out;
        for (stream, line) in last {
            self.lines.send(stream, line).await;
        }
    }

    fn mask(&mut self, stream: LogStream) -> &mut MaskStream {
        match stream {
            LogStream::Stdout => &mut self.stdout_mask,
            LogStream::Stderr => &mut self.stderr_mask,
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
            self.sent.pop_front();
        }
        self.tail.push_back(text.clone());
        match self.read < self.limit {
            true => {
                self.sent.push_back((stream, Sent::Yes));
                self.lines.send(stream, text).await;
            }
            false => {
                self.sent.push_back((stream, Sent::No));
                self.beyond += 1;
            }
        }
    }

    /// Returns how many lines nobody got.
    pub(super) fn dropped(&self) -> u64 {
        self.beyond + self.lines.dropped
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
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
    async fn lines_beyond_the_limit_are_counted_and_the_last_ones_told() {
        let spec = spec(20, Stdout::Lines);
        let (sender, mut receiver) = mpsc::channel(100);
        let mut reader = Reader::new(&spec, &sender);
        for number in 0..100 {
            reader.take(stdout(&format!("line {number}\n"))).await;
        }
        reader.finish().await;
        assert_eq!(reader.tail.back().map(String::as_str), Some("line 99"));
        assert_eq!(reader.tail.len(), TAIL);
        assert_eq!(reader.dropped(), 48);
        let texts: Vec<String> = std::iter::from_fn(|| receiver.try_recv().ok()).map(|line| line.text).collect();
        let note = "(more than 20 bytes of output: the rest is left out, but for its end)";
        assert_eq!(texts[..5], ["line 0", "line 1", note, "(48 lines were left out)", "line 50"]);
        assert_eq!((texts.len(), texts[53].as_str()), (54, "line 99"));
    }

    #[tokio::test]
    async fn values_are_taken_out_before_anything_is_kept() {
        let mut spec = spec(1000, Stdout::Lines);
        spec.mask = crate::mask::Mask::new(&[crate::mask::Secret::new("made-up-value")]);
        let (sender, mut receiver) = mpsc::channel(100);
        let mut reader = Reader::new(&spec, &sender);
        for piece in ["key made-", "up-value\nand made-up", "-valu"] {
            reader.take(stdout(piece)).await;
            reader.take(LogOutput::StdErr { message: piece.to_owned().into() }).await;
        }
        reader.finish().await;
        let mut texts: Vec<String> = std::iter::from_fn(|| receiver.try_recv().ok()).map(|line| line.text).collect();
        texts.sort();
        assert_eq!(texts, ["and made-up-valu", "and made-up-valu", "key ***", "key ***"]);
        assert!(!reader.tail.iter().any(|line| line.contains("made-up-value")));
        let kept = self::spec(1000, Stdout::Keep(100));
        spec.stdout = kept.stdout;
        let mut reader = Reader::new(&spec, &sender);
        reader.take(stdout("made-")).await;
        reader.take(stdout("up-value")).await;
        reader.finish().await;
        assert_eq!(reader.kept, b"***");
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
