//! The lines of a requirements file: pins with hashes, and everything that a lock must not hold.

use std::collections::BTreeMap;
use std::path::Path;

use pep440_rs::Operator;
use pep508_rs::{MarkerTree, VersionOrUrl};
use url::Url;

use super::super::LockError;
use super::super::file;
use super::super::selection::sha256;
use crate::model::{LockFinding, LockSituation};
use crate::project::manifest::parse_requirement;

/// One requirements file with all that it includes.
#[derive(Debug, Clone)]
pub(in super::super) struct Sheet {
    /// Its name, relative to the project.
    pub(super) name: String,
    /// The files that were read, the included ones among them.
    pub(super) files: Vec<File>,
    pub(super) entries: Vec<Line>,
    /// The single index that it names.
    pub(super) index: Option<Url>,
}

#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

/// One line, continuations joined.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The file, relative to the project.
    pub(super) file: String,
    /// The number of its first line, from 1.
    pub(super) number: usize,
    pub(super) entry: Entry,
}

#[derive(Debug, Clone)]
pub(super) enum Entry {
    Pin(Pin),
    /// A requirement that is not pinned.
    Loose(String),
    /// Something that lets in what no hash vouches for.
    Unsafe {
        what: String,
        hint: String,
    },
}

/// A requirement for one version, or for one file.
#[derive(Debug, Clone)]
pub(super) struct Pin {
    /// As written, without hashes.
    pub(super) text: String,
    pub(super) name: String,
    /// Nothing for a file at a URL.
    pub(super) version: Option<String>,
    pub(super) url: Option<Url>,
    pub(super) marker: MarkerTree,
    pub(super) hashes: Vec<String>,
}

impl Sheet {
    /// Reads a file and what it includes.
    pub(super) fn read(project: &Path, name: &str) -> Result<Self, LockError> {
        let mut sheet = Self { name: name.to_owned(), files: Vec::new(), entries: Vec::new(), index: None };
        sheet.include(project, Path::new(name))?;
        Ok(sheet)
    }

    fn include(&mut self, project: &Path, way: &Path) -> Result<(), LockError> {
        let way = file::normalize(way);
        let name = way.display().to_string();
        if self.files.iter().any(|file| file.name == name) {
            return Ok(());
        }
        let path = project.join(&way);
        let Some(text) = file::read_text(&path)? else {
            return Err(LockError::File { path, verb: "read", reason: "there is no such file".into() });
        };
        self.files.push(File { name: name.clone(), text: text.clone() });
        for (number, line) in logical_lines(&text) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some(first) = words.first() else { continue };
            let entry = if first.starts_with('-') {
                let (option, value) = option(&words);
                match option {
                    "-r" | "--requirement" => {
                        let included = way.parent().unwrap_or(Path::new("")).join(&value);
                        self.include(project, &included)?;
                        continue;
                    }
                    "-i" | "--index-url" => {
                        self.index = Url::parse(&value).ok();
                        continue;
                    }
                    _ => match refused(option, &value) {
                        Some(entry) => entry,
                        None => continue,
                    },
                }
            } else {
                requirement(&line)
            };
            self.entries.push(Line { file: name.clone(), number, entry });
        }
        Ok(())
    }

    /// Lists the pinned packages with their versions.
    pub(super) fn versions(&self) -> BTreeMap<String, Vec<String>> {
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in &self.entries {
            if let Entry::Pin(pin) = &line.entry {
                versions.entry(pin.name.clone()).or_default().extend(pin.version.clone());
            }
        }
        versions
    }

    /// Lists the lines that a lock must not hold.
    pub(super) fn faults(&self, hint: &str) -> Vec<LockFinding> {
        self.entries.iter().filter_map(|line| line.fault(hint)).collect()
    }
}

impl Line {
    fn fault(&self, hint: &str) -> Option<LockFinding> {
        let finding = |situation, what: String, hint: &str| {
            let message = format!("{}:{}: {what}", self.file, self.number);
            Some(LockFinding { situation, message, hint: hint.to_owned() })
        };
        match &self.entry {
            Entry::Pin(pin) if pin.hashes.is_empty() => {
                let situation = if pin.url.is_some() { LockSituation::Unsafe } else { LockSituation::Unhashed };
                finding(situation, format!("`{}` has no sha256", pin.text), hint)
            }
            Entry::Pin(_) => None,
            Entry::Loose(text) => finding(LockSituation::Unpinned, format!("`{text}` is not pinned to one version"), hint),
            Entry::Unsafe { what, hint } => finding(LockSituation::Unsafe, what.clone(), hint),
        }
    }
}

/// Joins continued lines, drops comments, and numbers each by its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, raw) in text.lines().enumerate() {
        let (number, mut line) = open.take().unwrap_or((at + 1, String::new()));
        // A comment ends a line, continued or not.
        let is_comment = raw.trim_start().starts_with('#');
        match raw.strip_suffix('\\') {
            Some(start) if !is_comment => {
                line.push_str(start);
                open = Some((number, line));
            }
            _ => {
                if !is_comment {
                    line.push_str(raw);
                }
                lines.push((number, uncommented(&line).trim().to_owned()));
            }
        }
    }
    lines.extend(open);
    lines.retain(|(_, line)| !line.trim().is_empty());
    lines
}

fn uncommented(line: &str) -> &str {
    let comment = line
        .match_indices('#')
        .find(|(at, _)| line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace)));
    comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

/// Splits `--option=value`, `--option value` and `-rvalue`.
fn option<'w>(words: &[&'w str]) -> (&'w str, String) {
    let first = words.first().copied().unwrap_or_default();
    let rest = || words.get(1..).unwrap_or_default().join(" ");
    if let Some((name, value)) = first.split_once('=') {
        return (name, value.to_owned());
    }
    match first.get(..2) {
        Some(short) if !first.starts_with("--") && first.len() > 2 => (short, first.get(2..).unwrap_or_default().to_owned()),
        _ => (first, rest()),
    }
}

fn refused(option: &str, value: &str) -> Option<Entry> {
    let refuse = |what: String, hint: &str| Some(Entry::Unsafe { what, hint: hint.to_owned() });
    match option {
        "-e" | "--editable" => {
            refuse(format!("`-e {value}` installs a folder, which no hash vouches for"), "depend on a released version instead")
        }
        "-f" | "--find-links" => refuse(
            format!("`--find-links {value}` lets files in from another place"),
            "name the place as an index in the configuration of uv or pip",
        ),
        "--trusted-host" => refuse(
            format!("`--trusted-host {value}` turns certificates off"),
            "add the host's certificate authority to the system instead",
        ),
        "--extra-index-url" => refuse(
            format!("`--extra-index-url {value}` lets whoever publishes a name elsewhere take its place"),
            "name one index that serves all packages, in the configuration of uv or pip",
        ),
        _ => None,
    }
}

/// Reads a requirement with its hashes.
fn requirement(line: &str) -> Entry {
    let mut hashes = Vec::new();
    let mut rest: Vec<&str> = Vec::new();
    let mut words = line.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match word.strip_prefix("--hash") {
            Some("") => hashes.extend(words.next().and_then(sha256)),
            Some(value) => hashes.extend(value.strip_prefix('=').and_then(sha256)),
            // Options for one requirement, such as `--config-settings`, do not change which file is taken.
            None if word.starts_with("--") => {}
            None => rest.push(word),
        }
    }
    let text = rest.join(" ");
    let is_path = text.starts_with(['.', '/']) || text.contains("://") && !text.contains(" @ ");
    if is_path || text.contains("git+") || text.contains("hg+") || text.contains("svn+") || text.contains("bzr+") {
        let what = format!("`{text}` installs what no hash vouches for");
        return Entry::Unsafe { what, hint: "depend on a released version, or on the URL of a wheel with its sha256".into() };
    }
    let Ok(parsed) = parse_requirement(&text) else {
        let what = format!("`{text}` is not understood");
        return Entry::Unsafe { what, hint: "write it as a requirement (PEP 508)".into() };
    };
    let name = parsed.name.to_string();
    let (version, url) = match &parsed.version_or_url {
        Some(VersionOrUrl::Url(url)) => (None, Some(url.to_url())),
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => match specifiers.iter().as_slice() {
            [only] if matches!(only.operator(), Operator::Equal | Operator::ExactEqual) => {
                (Some(only.version().to_string()), None)
            }
            _ => return Entry::Loose(text),
        },
        None => return Entry::Loose(text),
    };
    if let Some(fragment) = url.as_ref().and_then(Url::fragment) {
        hashes.extend(fragment.split('&').filter_map(sha256));
    }
    Entry::Pin(Pin { text, name, version, url, marker: parsed.marker, hashes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_comments_dropped() {
        let text = "# top\na==1 \\\n    --hash=sha256:x # why\n\nb @ https://x/y#egg=b\n  # c\nd\\\n# e\n";
        let expected = [(2, "a==1     --hash=sha256:x"), (5, "b @ https://x/y#egg=b"), (7, "d")];
        let lines = logical_lines(text);
        let lines: Vec<(usize, &str)> = lines.iter().map(|(number, line)| (*number, line.as_str())).collect();
        assert_eq!(lines, expected);
    }
}
