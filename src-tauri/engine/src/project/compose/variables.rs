//! Where the variables of a compose file come from: the caller's environment above the project's `.env`; and `env_file`s.

use std::collections::BTreeMap;
use std::path::Path;

use super::interpolate::interpolate;
use crate::project::ProjectError;
use crate::project::document::read_text;

/// The file beside the compose file that Compose reads by itself.
const FILE: &str = ".env";

/// Variables by name.
pub(in crate::project) struct Variables<'a> {
    outer: &'a dyn Fn(&str) -> Option<String>,
    own: BTreeMap<String, String>,
}

impl<'a> Variables<'a> {
    /// Reads `.env`; `outer` is what the caller's environment says.
    pub fn read(root: &Path, outer: &'a dyn Fn(&str) -> Option<String>) -> Result<Self, ProjectError> {
        let text = read_text(root, Path::new(FILE))?.unwrap_or_default();
        let mut variables = Self { outer, own: BTreeMap::new() };
        // Lines that mean nothing to Compose mean nothing here: it is the project's own file, for more readers than this one.
        for line in entries(&text, &Format::Lenient).unwrap_or_default() {
            let value = line.value(&|name| variables.get(name)).unwrap_or_default();
            if let Some(value) = value {
                variables.own.insert(line.name, value);
            }
        }
        Ok(variables)
    }

    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.outer)(name).or_else(|| self.own.get(name).cloned())
    }

    /// Reads the text of an `env_file`, in its order; a name without a value takes the caller's, if there is one.
    ///
    /// # Errors
    /// What is wrong with which line.
    pub fn env_file(&self, text: &str, interpolation: Interpolation) -> Result<Vec<(String, String)>, String> {
        let mut found: Vec<(String, String)> = Vec::new();
        for line in entries(text, &Format::Strict)? {
            let value = match (&line.text, interpolation) {
                (Some(text), Interpolation::Off) => Some(text.clone()),
                _ => {
                    let earlier = |name: &str| {
                        let own = || found.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                        (self.outer)(name).or_else(own).or_else(|| self.own.get(name).cloned())
                    };
                    line.value(&earlier).map_err(|reason| format!("line {}: {reason}", line.line))?
                }
            };
            found.extend(value.map(|value| (line.name, value)));
        }
        Ok(found)
    }
}

/// Whether variables in a file's values are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::project) enum Interpolation {
    On,
    /// `format: raw`.
    Off,
}

enum Format {
    Strict,
    Lenient,
}

/// One line of an environment file.
struct Line {
    line: usize,
    name: String,
    /// None for a name alone.
    text: Option<String>,
    /// Single quotes keep dollars.
    literal: bool,
}

impl Line {
    fn value(&self, get: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, String> {
        match &self.text {
            None => Ok(get(&self.name)),
            Some(text) if self.literal => Ok(Some(text.clone())),
            Some(text) => interpolate(text, get).map(|filled| Some(filled.text)),
        }
    }
}

/// Reads the lines of an environment file (Compose specification, "Env_file format").
fn entries(text: &str, format: &Format) -> Result<Vec<Line>, String> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (line, None),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            match format {
                Format::Strict => return Err(format!("line {}: `{line}` sets no variable", index + 1)),
                Format::Lenient => continue,
            }
        }
        let quote = value.and_then(|value| value.chars().next()).filter(|first| ['"', '\''].contains(first));
        let text = match (value, quote) {
            (Some(value), Some(quote)) => {
                let mut whole = value.get(1..).unwrap_or_default().to_owned();
                // A quoted value goes on until its quote, over lines.
                while end_of(&whole, quote).is_none() {
                    match lines.next() {
                        Some((_, next)) => whole = format!("{whole}\n{next}"),
                        None => return Err(format!("line {}: the quote of `{name}` is not closed", index + 1)),
                    }
                }
                let end = end_of(&whole, quote).unwrap_or(whole.len());
                let inside = whole.get(..end).unwrap_or_default();
                Some(if quote == '"' { unescaped(inside) } else { inside.to_owned() })
            }
            (Some(value), None) => {
                let end = value.find(" #").unwrap_or(value.len());
                Some(value.get(..end).unwrap_or_default().trim_end().to_owned())
            }
            (None, _) => None,
        };
        found.push(Line { line: index + 1, name: name.to_owned(), text, literal: quote == Some('\'') });
    }
    Ok(found)
}

fn end_of(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            _ if character == quote => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some('t') => plain.push('\t'),
                // A dollar that is escaped stays one through the interpolation.
                Some('$') => plain.push_str("$$"),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (other, false) => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn env_files_are_read_as_compose_reads_them() {
        let outer = |name: &str| (name == "OUTER").then(|| "outer".to_owned());
        let variables = Variables { outer: &outer, own: BTreeMap::from([("OWN".to_owned(), "own".to_owned())]) };
        let text = "# a comment\n\nexport A=1\nB = two words # and a comment\nC=\"quoted # not a comment\\n${A}\"\nD='$A'\nE=${A}-${OWN}-${NONE:-none}\nOUTER\nNONE\nF=\nG=a#b\nH=\"over\nlines\"\nI=\"\\$5\"\n";
        let found = variables.env_file(text, Interpolation::On).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "quoted # not a comment\n1"),
            ("D", "$A"),
            ("E", "1-own-none"),
            ("OUTER", "outer"),
            ("F", ""),
            ("G", "a#b"),
            ("H", "over\nlines"),
            ("I", "$5"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let raw = variables.env_file("A=$NOT\n", Interpolation::Off).unwrap();
        assert_eq!(raw, [("A".to_owned(), "$NOT".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let variables = Variables { outer: &none, own: BTreeMap::new() };
        let error = |text: &str| variables.env_file(text, Interpolation::On).unwrap_err();
        assert_eq!(error("A=1\nnot a variable\n"), "line 2: `not a variable` sets no variable");
        assert_eq!(error("A=\"open\n"), "line 1: the quote of `A` is not closed");
        assert_eq!(error("A=${B:?say it}\n"), "line 1: the variable `B` must be set: say it");
    }

    #[test]
    fn the_callers_environment_is_above_the_projects_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), "A=file\nB=${A}!\nnonsense here\n").unwrap();
        let outer = |name: &str| (name == "A").then(|| "shell".to_owned());
        let variables = Variables::read(folder.path(), &outer).unwrap();
        assert_eq!(["A", "B", "C"].map(|name| variables.get(name)), [Some("shell".into()), Some("shell!".into()), None]);
    }
}
