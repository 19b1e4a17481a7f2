//! A wheel as an archive: its members, checked, and their bytes (PyPA binary distribution format).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::WheelError;
use crate::image::layer::Mode;

/// A wheel that is open for reading.
pub(crate) struct WheelArchive {
    zip: ZipArchive<BufReader<File>>,
    filename: String,
}

/// One file of a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) index: usize,
    /// Its path inside the wheel: relative, with `/`, without `.` and `..`.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) mode: Mode,
}

impl WheelArchive {
    pub(crate) fn open(path: &Path, filename: &str) -> Result<Self, WheelError> {
        let file = File::open(path).map_err(|source| WheelError::Unreadable { filename: filename.to_owned(), source })?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| WheelError::invalid(filename, error.to_string()))?;
        if zip.has_duplicate_names() {
            return Err(WheelError::invalid(filename, "it holds one path twice"));
        }
        Ok(Self { zip, filename: filename.to_owned() })
    }

    pub(crate) fn filename(&self) -> &str {
        &self.filename
    }

    /// Lists the files; folders come with what is in them.
    pub(crate) fn members(&self) -> Result<Vec<Member>, WheelError> {
        let mut members = Vec::with_capacity(self.zip.len());
        for index in 0..self.zip.len() {
            let invalid = |error: zip::result::ZipError| WheelError::invalid(&self.filename, error.to_string());
            let entry = self.zip.by_index_data(index).map_err(invalid)?;
            if entry.is_dir() {
                continue;
            }
            let path = entry.name().map_err(invalid)?.into_owned();
            if !is_safe(&path) {
                return Err(WheelError::invalid(&self.filename, format!("`{}` is no path inside of it", path.escape_debug())));
            }
            let mode = match entry.unix_mode().unwrap_or_default() & 0o111 {
                0 => Mode::Plain,
                _ => Mode::Executable,
            };
            members.push(Member { index, path, size: entry.size(), mode });
        }
        Ok(members)
    }

    /// Opens one file.
    pub(crate) fn open_member(&mut self, index: usize) -> io::Result<impl Read + '_> {
        self.zip.by_index(index).map_err(io::Error::other)
    }

    /// Reads one file, of which little is expected.
    pub(crate) fn read(&mut self, index: usize) -> Result<Vec<u8>, WheelError> {
        let filename = self.filename.clone();
        let mut bytes = Vec::new();
        let read = self.open_member(index).and_then(|mut member| member.read_to_end(&mut bytes));
        read.map_err(|error| WheelError::invalid(&filename, error.to_string()))?;
        Ok(bytes)
    }
}

/// Tells whether a path stays below where it is installed.
fn is_safe(path: &str) -> bool {
    let parts_are_names = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    parts_are_names && !path.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn paths_that_leave_are_refused() {
        for path in ["/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "a\\b", "", "a/"] {
            assert!(!is_safe(path), "{path:?}");
        }
        for path in ["a", "a/b.py", "..a/b", "a/...", "ü/é.py"] {
            assert!(is_safe(path), "{path:?}");
        }
    }
}
