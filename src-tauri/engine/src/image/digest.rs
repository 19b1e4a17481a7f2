//! sha256 of bytes and of streams, as the image specification names content.
//!
//! Knows nothing of images.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use crate::model::Digest;

/// Names bytes by their sha256.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    named(&Sha256::digest(bytes))
}

/// Returns the hex sha256 of several parts; each is preceded by its length, so that no two lists give one key.
pub(crate) fn key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// Returns the sha256 and the length of everything that a reader gives.
pub(crate) fn of_reader(reader: &mut dyn Read) -> io::Result<(Digest, u64)> {
    let mut sink = Hashing::new(io::sink());
    let length = io::copy(reader, &mut sink)?;
    Ok((sink.digest(), length))
}

/// A writer that names what passes through it.
pub(crate) struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    written: u64,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), written: 0 }
    }

    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn digest(&self) -> Digest {
        named(&self.hasher.clone().finalize())
    }

    pub(crate) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(buffer)?;
        self.hasher.update(buffer.get(..taken).unwrap_or_default());
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn named(hash: &[u8]) -> Digest {
    Digest::new(format!("sha256:{}", hex::encode(hash)))
}
