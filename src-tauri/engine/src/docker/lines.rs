//! Cuts a stream of bytes into lines for people, and hands them to a reader that may be slow.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::{LogLine, LogStream};

/// Bytes after which a line without an end is cut, so that a tool that prints none cannot grow memory.
const LONGEST: usize = 16 * 1024;

/// Cuts a stream into lines: `\n` and `\r\n` end one, a bare `\r` overwrites it as a terminal would.
#[derive(Debug, Default)]
pub(crate) struct LineCutter {
    rest: Vec<u8>,
}

impl LineCutter {
    /// Takes bytes and gives each line that they complete, without its end.
    pub(crate) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if let Some(ended) = piece.strip_suffix(b"\n") {
                self.take(ended, &mut line);
                line(text(&self.rest));
                self.rest.clear();
            } else {
                self.take(piece, &mut line);
            }
        }
    }

    /// Gives what is left when the stream has ended without a line end.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| text(&rest))
    }

    fn take(&mut self, mut piece: &[u8], line: &mut impl FnMut(String)) {
        while self.rest.len() + piece.len() > LONGEST {
            let (head, tail) = piece.split_at(LONGEST.saturating_sub(self.rest.len()));
            self.rest.extend_from_slice(head);
            piece = tail;
            // A character that the cut would split goes to the next piece.
            let split = self.rest.split_off(whole_characters(&self.rest));
            line(text(&self.rest));
            self.rest = split;
        }
        self.rest.extend_from_slice(piece);
    }
}

/// Hands lines to a reader. One that is behind is waited for a little, but once only: a reader that does not read must not hold up
/// what it reads about.
#[derive(Debug)]
pub(crate) struct LineSender<'a> {
    source: &'a str,
    lines: &'a mpsc::Sender<LogLine>,
    patient: bool,
    /// Lines that the reader did not get.
    pub(crate) dropped: u64,
}

/// How long a full channel is waited for before its reader counts as too slow.
const PATIENCE: Duration = Duration::from_millis(200);

impl<'a> LineSender<'a> {
    /// Marks each line with its source.
    pub(crate) fn new(source: &'a str, lines: &'a mpsc::Sender<LogLine>) -> Self {
        Self { source, lines, patient: true, dropped: 0 }
    }

    /// Sends a line, or counts it as dropped.
    pub(crate) async fn send(&mut self, stream: LogStream, text: String) {
        let line = LogLine { source: self.source.to_owned(), stream, at: None, text };
        let sent = match self.patient {
            true => self.lines.send_timeout(line, PATIENCE).await.is_ok(),
            false => self.lines.try_send(line).is_ok(),
        };
        self.patient = sent;
        self.dropped += u64::from(!sent);
    }
}

/// Returns how many leading bytes end with a whole UTF-8 character.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => bytes.len(),
    }
}

fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let shown = bytes.rsplit(|byte| *byte == b'\r').next().unwrap_or(bytes);
    String::from_utf8_lossy(shown).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<String> {
        let mut cutter = LineCutter::default();
        let mut lines = Vec::new();
        for piece in pieces {
            cutter.push(piece, |line| lines.push(line));
        }
        lines.extend(cutter.finish());
        lines
    }

    #[test]
    fn lines_end_with_either_end_and_across_pieces() {
        assert_eq!(cut(&[b"one\ntw", b"o\r\nthr", b"ee\r", b"\n\nrest"]), ["one", "two", "three", "", "rest"]);
        assert!(cut(&[b""]).is_empty());
    }

    #[test]
    fn a_bare_carriage_return_overwrites() {
        assert_eq!(cut(&[b"10%\r50%\r100%\ndone"]), ["100%", "done"]);
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        let lines = cut(&[b"x", long.as_bytes()]);
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= LONGEST && !line.contains('\u{fffd}')));
        assert_eq!(lines.concat(), format!("x{long}"));
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_it() {
        assert_eq!(cut(&[b"a\xff\xfeb\n"]), ["a\u{fffd}\u{fffd}b"]);
        let lines = cut(&[&vec![0xff; LONGEST * 3]]);
        assert_eq!(lines.len(), 3);
    }
}
