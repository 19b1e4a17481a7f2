//! Writing to standard output and standard error when the other end may be gone.
//!
//! A reader that has seen enough (`nonevent releases | head -1`) is no error: what comes after is dropped in silence. Anything else
//! that goes wrong, such as a full disk, is kept and told at the end.

use std::io::{self, Write};

/// Whether anybody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Somebody may.
    Listens,
    /// Nobody does; what is written from now on is dropped.
    Gone,
}

/// One stream of output.
pub struct Out {
    sink: Box<dyn Write + Send>,
    reader: Reader,
    failure: Option<io::Error>,
}

impl Out {
    /// Writes to this sink.
    pub fn new(sink: impl Write + Send + 'static) -> Self {
        Self { sink: Box::new(sink), reader: Reader::Listens, failure: None }
    }

    /// Writes to standard output.
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Writes to standard error.
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }

    /// Writes a text and ends its line.
    pub fn line(&mut self, text: &str) -> Reader {
        self.raw(format!("{text}\n").as_bytes())
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> Reader {
        if self.reader == Reader::Listens
            && let Err(error) = self.sink.write_all(bytes).and_then(|()| self.sink.flush())
        {
            self.reader = Reader::Gone;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.failure = Some(error);
            }
        }
        self.reader
    }

    /// Returns why writing failed, unless it was only that the reader had gone.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }
}
