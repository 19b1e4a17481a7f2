//! Layers whose bytes depend on nothing but their content: a sorted tar, compressed in members of 1 MiB.
//!
//! Owner is 0:0, modes are 0644 or 0755, there are no extended attributes, and times are what the caller says
//! (OCI image specification, layer). Knows nothing of Python, wheels or source trees.

mod gzip;
mod tree;

use std::io::{self, BufWriter, Read, Write};

use serde::{Deserialize, Serialize};

pub use tree::{Clash, Mode, Node, Tree};

use super::cache::{Cache, CacheError};
use super::digest::Hashing;
use crate::model::Digest;

/// 1980-01-01T00:00:00Z, the earliest time that a ZIP archive can hold: the time of all that has no time of its own.
pub const EPOCH: u64 = 315_532_800;

/// A layer as a file of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerBlob {
    /// sha256 of the blob as it is stored and sent.
    pub digest: Digest,
    /// sha256 of the tar inside.
    pub diff_id: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked: u64,
    /// Whether it is compressed.
    pub packing: Packing,
}

/// How a layer's tar is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// gzip, as every registry and every engine takes it.
    Gzip,
    /// As it is: for layers that never leave the machine.
    Plain,
}

/// Gives the bytes of a file when its turn comes, so that a layer is never whole in memory.
pub trait Content<C> {
    /// Opens one file.
    ///
    /// # Errors
    /// When it cannot be read; the layer is not made then.
    fn open<'a>(&'a mut self, content: &'a C) -> io::Result<Box<dyn Read + 'a>>;
}

/// Why a layer could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The cache could not take it.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A file could not be read.
    #[error("`{path}` could not be put into the image: {source}")]
    Unreadable {
        /// The file, as the image would name it.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The tar could not be written.
    #[error("a layer could not be written: {0}")]
    Write(#[source] io::Error),
}

/// Writes a tree as a layer into the cache. Takes the time of a large file copy: call it where blocking is allowed.
pub(crate) fn write<C>(
    tree: &Tree<C>,
    content: &mut dyn Content<C>,
    packing: Packing,
    cache: &Cache,
) -> Result<LayerBlob, LayerError> {
    let draft = cache.draft()?;
    let file = Hashing::new(BufWriter::with_capacity(1 << 18, draft));
    let (tar, file) = match packing {
        Packing::Gzip => {
            let tar = write_tar(tree, content, Hashing::new(gzip::Gzip::new(file)))?;
            let (diff_id, unpacked) = (tar.digest(), tar.written());
            ((diff_id, unpacked), tar.into_inner().finish().map_err(LayerError::Write)?)
        }
        Packing::Plain => {
            let tar = write_tar(tree, content, Hashing::new(file))?;
            ((tar.digest(), tar.written()), tar.into_inner())
        }
    };
    let (diff_id, unpacked) = tar;
    let (digest, size) = (file.digest(), file.written());
    let draft = file.into_inner().into_inner().map_err(|error| LayerError::Write(error.into_error()))?;
    cache.keep(draft, &cache.blob(&digest))?;
    Ok(LayerBlob { digest, diff_id, size, unpacked, packing })
}

fn write_tar<C, W: Write>(tree: &Tree<C>, content: &mut dyn Content<C>, into: W) -> Result<W, LayerError> {
    let mut tar = tar::Builder::new(into);
    for (path, node) in tree.iter() {
        let failed = |source| LayerError::Unreadable { path: path.to_owned(), source };
        let mut header = tar::Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(EPOCH);
        match node {
            Node::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                tar.append_data(&mut header, format!("{path}/"), io::empty()).map_err(LayerError::Write)?;
            }
            Node::Link { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, path, target).map_err(LayerError::Write)?;
            }
            Node::File { mode, size, time, content: wanted } => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_mode(mode.bits());
                header.set_mtime(*time);
                header.set_size(*size);
                let mut reader = Exactly { left: *size, inner: content.open(wanted).map_err(failed)? };
                tar.append_data(&mut header, path, &mut reader).map_err(failed)?;
                reader.finish().map_err(failed)?;
            }
        }
    }
    tar.into_inner().map_err(LayerError::Write)
}

/// A reader that must give as many bytes as its header promised: one more or one less would shift all that follows.
struct Exactly<'a> {
    left: u64,
    inner: Box<dyn Read + 'a>,
}

impl Exactly<'_> {
    fn finish(mut self) -> io::Result<()> {
        match self.left == 0 && self.inner.read(&mut [0])? == 0 {
            true => Ok(()),
            false => Err(io::Error::other("its size changed while it was read")),
        }
    }
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let given = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        if given == 0 && most > 0 {
            return Err(io::Error::other("its size changed while it was read"));
        }
        self.left -= given as u64;
        Ok(given)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
