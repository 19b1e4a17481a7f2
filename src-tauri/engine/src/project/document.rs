//! One TOML file of the project, read whole, with the lines of its keys. Knows nothing of what the keys mean.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::{At, ProjectError};

/// More than any manifest, lock or source file that a person keeps.
const LARGEST_FILE: u64 = 32 * 1024 * 1024;

/// A TOML file's text.
#[derive(Debug)]
pub(super) struct Document {
    /// Its path, relative to the project.
    pub file: PathBuf,
    /// Its text, without a byte order mark.
    pub text: String,
}

impl Document {
    /// Reads a file of the project; none when there is no such file.
    pub fn read(root: &Path, file: &str) -> Result<Option<Self>, ProjectError> {
        Ok(read_text(root, Path::new(file))?.map(|text| Self { file: file.into(), text }))
    }

    /// Parses the text; the table borrows from it.
    pub fn table(&self) -> Result<Spanned<DeTable<'_>>, ProjectError> {
        DeTable::parse(&self.text).map_err(|error| self.syntax_error(&error))
    }

    /// Tells where a span begins.
    pub fn at(&self, span: &Range<usize>) -> At {
        At::new(self.file.as_path(), self.position(span.start).0)
    }

    fn position(&self, offset: usize) -> (u32, u32) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        (u32::try_from(line + 1).unwrap_or(u32::MAX), u32::try_from(column + 1).unwrap_or(u32::MAX))
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ProjectError {
        let (line, column) = self.position(error.span().map_or(0, |span| span.start));
        let row = self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        // Tabs are kept under tabs, so that the caret stands where the terminal shows the mistake.
        let indent: String =
            row.chars().take(column.saturating_sub(1) as usize).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        ProjectError::Syntax {
            file: self.file.clone(),
            line,
            column,
            message: error.message().trim().replace('\n', ", "),
            excerpt: format!("{number} | {row}\n{gutter} | {indent}^"),
        }
    }
}

/// Reads a text file of the project, following links; none when there is no such file.
pub(super) fn read_text(root: &Path, file: &Path) -> Result<Option<String>, ProjectError> {
    let unreadable = |reason: String| ProjectError::Unreadable { path: file.to_owned(), reason };
    let path = root.join(file);
    match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => return Ok(None),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(unreadable(format!("it is larger than {} MiB", LARGEST_FILE / 1024 / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".into()))?;
    Ok(Some(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned)))
}
