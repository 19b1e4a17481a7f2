//! Reads one table of a TOML file: typed values with their lines, and an error for every key that nobody asked for.
//!
//! What is accepted is what is asked for, so that no list of keys has to be kept beside the reader.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::Document;
use super::names::closest;
use super::{At, Located, ProjectError, units};
use crate::model::CommandLine;

type Read<T> = Result<Option<Located<T>>, ProjectError>;

/// Keys that are shown by `explain`, and that no configuration may set.
const INFERRED: [(&str, &str); 2] = [
    ("app.framework", "`app.framework` is read from the sources; `app.command` says how the app is started"),
    ("app.python", "`app.python` follows from `build.base`"),
];

/// One table, and which of its keys were asked for.
pub(super) struct Section<'d> {
    document: &'d Document,
    top: &'d DeTable<'d>,
    table: &'d DeTable<'d>,
    /// Where its header or first key stands.
    pub at: At,
    /// Its dotted key; empty for the whole configuration.
    pub path: String,
    /// The same, with `*` for names that the project chooses.
    pattern: String,
    asked: RefCell<Vec<&'static str>>,
    accepted: Option<&'d RefCell<BTreeSet<String>>>,
}

/// One entry of a table whose keys the project chooses.
pub(super) struct Entry<'d> {
    pub name: String,
    pub at: At,
    pub value: &'d DeValue<'d>,
}

impl<'d> Section<'d> {
    /// Opens a whole document, or the table of it that is read as one.
    pub fn top(document: &'d Document, table: &'d DeTable<'d>, at: At) -> Self {
        Self {
            document,
            top: table,
            table,
            at,
            path: String::new(),
            pattern: String::new(),
            asked: RefCell::default(),
            accepted: None,
        }
    }

    /// Notes every key that is asked for, with `*` for names of the project's choice.
    pub fn noting(self, accepted: &'d RefCell<BTreeSet<String>>) -> Self {
        Self { accepted: Some(accepted), ..self }
    }

    /// Opens a table inside this one, for a key or for an entry of the project's choice.
    fn inside(&self, key: &str, pattern: &str, at: At, table: &'d DeTable<'d>) -> Self {
        Self {
            document: self.document,
            top: self.top,
            table,
            at,
            path: join(&self.path, key),
            pattern: join(&self.pattern, pattern),
            asked: RefCell::default(),
            accepted: self.accepted,
        }
    }

    /// Returns the whole document's table.
    pub fn root_table(&self) -> &'d DeTable<'d> {
        self.top
    }

    /// Names a key of this table in full.
    pub fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }

    fn ask(&self, key: &'static str) -> Option<(At, &'d DeValue<'d>)> {
        if let Some(accepted) = self.accepted {
            accepted.borrow_mut().insert(join(&self.pattern, key));
        }
        self.asked.borrow_mut().push(key);
        self.table.get_key_value(key).map(|(key, value)| (self.document.at(&key.span()), value.get_ref()))
    }

    /// Tells whether a key stands in the table, and where.
    pub fn has(&self, key: &'static str) -> Option<At> {
        self.ask(key).map(|(at, _)| at)
    }

    /// Reads a string.
    pub fn string(&self, key: &'static str) -> Read<String> {
        self.read(key, "a string", &format!("{key} = \"…\""), |value| value.as_str().map(str::to_owned))
    }

    /// Reads a path that stays inside the project's folder, or is absolute.
    pub fn path(&self, key: &'static str) -> Read<PathBuf> {
        Ok(self.string(key)?.map(|found| Located::new(PathBuf::from(found.value), found.at)))
    }

    /// Reads `true` or `false`.
    pub fn flag(&self, key: &'static str) -> Read<bool> {
        self.read(key, "true or false", &format!("{key} = true"), DeValue::as_bool)
    }

    /// Reads a whole number within bounds; errors name the usual one as an example.
    pub fn integer(&self, key: &'static str, bounds: RangeInclusive<i64>, usual: i64) -> Read<i64> {
        let found = self.read(key, "a whole number", &format!("{key} = {usual}"), integer)?;
        let Some(found) = found else { return Ok(None) };
        if bounds.contains(&found.value) {
            return Ok(Some(found));
        }
        let reason = format!("it must be from {} to {}", bounds.start(), bounds.end());
        Err(self.bad(
            key,
            &found.at,
            &found.value.to_string(),
            reason,
            format!("choose a number from {} to {}", bounds.start(), bounds.end()),
        ))
    }

    /// Reads a number, whole or not.
    pub fn number(&self, key: &'static str) -> Read<f64> {
        self.read(key, "a number", &format!("{key} = 0.5"), |value| match value {
            DeValue::Float(float) => float.as_str().parse().ok(),
            #[allow(clippy::cast_precision_loss)]
            value => integer(value).map(|whole| whole as f64),
        })
    }

    /// Reads a length of time such as `10s`.
    pub fn duration(&self, key: &'static str) -> Read<Duration> {
        let found = self.read(key, "a length of time", &format!("{key} = \"10s\""), |value| value.as_str().map(str::to_owned))?;
        let Some(found) = found else { return Ok(None) };
        match units::duration(&found.value) {
            Ok(value) => Ok(Some(Located::new(value, found.at))),
            Err(reason) => Err(self.bad(
                key,
                &found.at,
                &quoted(&found.value),
                reason,
                format!("write `{key} = \"10s\"`, or \"1m30s\", \"500ms\""),
            )),
        }
    }

    /// Reads an amount of bytes such as `512MB`.
    pub fn bytes(&self, key: &'static str) -> Read<u64> {
        let found =
            self.read(key, "an amount of bytes", &format!("{key} = \"512MB\""), |value| value.as_str().map(str::to_owned))?;
        let Some(found) = found else { return Ok(None) };
        match units::bytes(&found.value) {
            Ok(value) => Ok(Some(Located::new(value, found.at))),
            Err(reason) => {
                Err(self.bad(key, &found.at, &quoted(&found.value), reason, format!("write `{key} = \"512MB\"`, or \"1GiB\"")))
            }
        }
    }

    /// Reads a list of strings.
    pub fn strings(&self, key: &'static str) -> Read<Vec<String>> {
        self.read(key, "a list of strings", &format!("{key} = [\"…\"]"), strings)
    }

    /// Reads a command: a string for the shell, or a list of arguments.
    pub fn command(&self, key: &'static str) -> Read<CommandLine> {
        let found =
            self.read(key, "a string or a list of strings", &format!("{key} = [\"python\", \"-m\", \"shop\"]"), command)?;
        let Some(found) = found else { return Ok(None) };
        let empty = match &found.value {
            CommandLine::Exec(arguments) => arguments.first().is_none_or(String::is_empty),
            CommandLine::Shell(line) => line.trim().is_empty(),
        };
        if empty {
            let reason = "it names no program".into();
            return Err(self.bad(key, &found.at, "empty", reason, format!("write `{key} = [\"python\", \"-m\", \"shop\"]`")));
        }
        Ok(Some(found))
    }

    /// Reads a value of any type, for keys that take several.
    pub fn any(&self, key: &'static str) -> Option<(At, &'d DeValue<'d>)> {
        self.ask(key)
    }

    /// Opens a table under a fixed key.
    pub fn section(&self, key: &'static str) -> Result<Option<Self>, ProjectError> {
        let Some((at, value)) = self.ask(key) else { return Ok(None) };
        match value.as_table() {
            Some(table) => Ok(Some(self.inside(key, key, at, table))),
            None => Err(self.wrong(key, at, "a table", value, &format!("[{}]", self.key(key)))),
        }
    }

    /// Opens a table under a name that the project chose.
    pub fn named(&self, entry: &Entry<'d>) -> Result<Self, ProjectError> {
        match entry.value.as_table() {
            Some(table) => Ok(self.inside(&entry.name, "*", entry.at.clone(), table)),
            None => {
                Err(self.wrong(&entry.name, entry.at.clone(), "a table", entry.value, &format!("[{}]", self.key(&entry.name))))
            }
        }
    }

    /// Reads a table of strings under a fixed key, in the file's order.
    pub fn string_table(&self, key: &'static str) -> Result<Vec<(String, Located<String>)>, ProjectError> {
        let Some(section) = self.section(key)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in section.entries() {
            let Some(text) = entry.value.as_str() else {
                let example = format!("{} = \"{}\"", entry.name, plain(entry.value));
                return Err(section.wrong(&entry.name, entry.at, "a string", entry.value, &example));
            };
            found.push((entry.name, Located::new(text.to_owned(), entry.at)));
        }
        Ok(found)
    }

    /// Tells where an item of a list stands.
    pub fn line_of(&self, item: &Spanned<DeValue<'_>>) -> At {
        self.document.at(&item.span())
    }

    /// Returns the entries that were not asked for, in the file's order: their names are the project's choice.
    pub fn entries(&self) -> Vec<Entry<'d>> {
        let asked = self.asked.borrow();
        let mut entries: Vec<(&Spanned<DeString<'d>>, &Spanned<DeValue<'d>>)> =
            self.table.iter().filter(|(key, _)| !asked.contains(&key.get_ref().as_ref())).collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'d Spanned<DeString<'d>>, &'d Spanned<DeValue<'d>>)| Entry {
            name: key.get_ref().to_string(),
            at: self.document.at(&key.span()),
            value: value.get_ref(),
        };
        entries.into_iter().map(entry).collect()
    }

    /// Refuses the first key that nobody asked for.
    pub fn finish(&self) -> Result<(), ProjectError> {
        let Some(entry) = self.entries().into_iter().next() else { return Ok(()) };
        let key = self.key(&entry.name);
        let asked = self.asked.borrow();
        let suggestion = closest(&entry.name, asked.iter().copied()).map(|close| self.key(&close));
        if let Some((_, why)) = INFERRED.iter().find(|(inferred, _)| *inferred == key) {
            return Err(ProjectError::UnknownKey { at: entry.at, key, suggestion: None, note: (*why).into() });
        }
        let known: Vec<_> = asked.iter().map(|key| format!("`{key}`")).collect();
        let here = if self.path.is_empty() { "the configuration".into() } else { format!("[{}]", self.path) };
        let note = format!("{here} takes {}", known.join(", "));
        Err(ProjectError::UnknownKey { at: entry.at, key, suggestion, note })
    }

    /// Reports a value that makes no sense.
    pub fn bad(&self, key: &str, at: &At, value: &str, reason: String, hint: String) -> ProjectError {
        ProjectError::BadValue { at: at.clone(), key: self.key(key), value: value.into(), reason, hint }
    }

    /// Reports a value of the wrong type.
    pub fn wrong(&self, key: &str, at: At, expected: &str, found: &DeValue<'_>, example: &str) -> ProjectError {
        let found = described(found);
        ProjectError::WrongType { at, key: self.key(key), expected: expected.into(), found, example: example.into() }
    }

    /// Reports a key that must be there.
    pub fn missing(&self, key: &str, example: &str) -> ProjectError {
        ProjectError::MissingKey { at: self.at.clone(), key: self.key(key), example: example.into() }
    }

    fn read<T>(&self, key: &'static str, expected: &str, example: &str, read: impl FnOnce(&DeValue<'d>) -> Option<T>) -> Read<T> {
        let Some((at, value)) = self.ask(key) else { return Ok(None) };
        match read(value) {
            Some(read) => Ok(Some(Located::new(read, at))),
            None => Err(self.wrong(key, at, expected, value, example)),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn strings(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

fn command(value: &DeValue<'_>) -> Option<CommandLine> {
    match value.as_str() {
        Some(line) => Some(CommandLine::Shell(line.to_owned())),
        None => strings(value).map(CommandLine::Exec),
    }
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Writes a simple value without quotes, to show how it would look as a string.
fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Float(float) => float.as_str().into(),
        value => integer(value).map_or_else(|| "…".into(), |whole| whole.to_string()),
    }
}

/// Writes a string as TOML does.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
