//! gzip in members of 1 MiB (RFC 1952, section 2.2), compressed side by side and written in order.
//!
//! The bytes depend on the input alone: not on the number of threads, nor on how the input was cut into writes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::{Compression, GzBuilder};

/// Input bytes of one member.
const MEMBER: usize = 1 << 20;

/// Part of every digest: changing it changes all images.
const LEVEL: u32 = 6;

pub(super) struct Gzip<W> {
    into: W,
    pending: Vec<u8>,
    in_flight: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    most_in_flight: usize,
    wrote_any: bool,
}

impl<W: Write> Gzip<W> {
    pub(super) fn new(into: W) -> Self {
        let most_in_flight = rayon::current_num_threads() * 2;
        Self { into, pending: Vec::with_capacity(MEMBER), in_flight: VecDeque::new(), most_in_flight, wrote_any: false }
    }

    /// Compresses what is left and returns what was written into.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() || !self.wrote_any {
            self.submit()?;
        }
        while !self.in_flight.is_empty() {
            self.write_next()?;
        }
        Ok(self.into)
    }

    fn submit(&mut self) -> io::Result<()> {
        if self.in_flight.len() >= self.most_in_flight {
            self.write_next()?;
        }
        self.wrote_any = true;
        let input = std::mem::replace(&mut self.pending, Vec::with_capacity(MEMBER));
        let (sender, receiver) = sync_channel(1);
        // Whoever writes a layer waits on a thread of its own, never on one of rayon's: the pool always makes progress.
        rayon::spawn(move || {
            // The receiver is gone when the layer was given up; nobody wants the member then.
            let _ = sender.send(member(&input));
        });
        self.in_flight.push_back(receiver);
        Ok(())
    }

    fn write_next(&mut self) -> io::Result<()> {
        if let Some(receiver) = self.in_flight.pop_front() {
            let member = receiver.recv().map_err(|_| io::Error::other("a compressing thread ended early"))??;
            self.into.write_all(&member)?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = buffer.len().min(MEMBER - self.pending.len());
        self.pending.extend_from_slice(buffer.get(..taken).unwrap_or_default());
        if self.pending.len() == MEMBER {
            self.submit()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn member(input: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(LEVEL));
    encoder.write_all(input)?;
    encoder.finish()
}
