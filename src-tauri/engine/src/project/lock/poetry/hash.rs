//! The content hash of a manifest, as Poetry computes it: sha256 over JSON in the form that Python writes.
//!
//! Knows no lock. The rules, by version of Poetry: 2.0 to 2.2 hash `[project]` and `[tool.poetry]`; 2.3 and newer also
//! `[dependency-groups]`, unless it is empty.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

/// Whether dependency groups are part of the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// As from Poetry 2.3 on.
    Hashed,
    /// As before.
    Left,
}

const PROJECT_KEYS: [&str; 3] = ["requires-python", "dependencies", "optional-dependencies"];
/// These count as `null` where they are missing, when nothing but `[tool.poetry]` says what is needed.
const OLD_KEYS: [&str; 4] = ["dependencies", "source", "extras", "dev-dependencies"];

/// Hashes the parts of a `pyproject.toml` that decide about its lock; 64 hex digits.
pub(super) fn content_hash(manifest: &Table, groups: Groups) -> String {
    let table = |keys: &[&str]| keys.iter().try_fold(manifest, |table, key| table.get(*key)?.as_table());
    let poetry = table(&["tool", "poetry"]);
    let mut project = Table::new();
    for key in PROJECT_KEYS {
        if let Some(value) = table(&["project"]).and_then(|project| project.get(key)) {
            project.insert(key.into(), value.clone());
        }
    }
    let groups = table(&["dependency-groups"]).filter(|table| groups == Groups::Hashed && !table.is_empty());

    let legacy = project.is_empty() && groups.is_none();
    let mut relevant: Vec<(&str, Json<'_>)> = Vec::new();
    for key in OLD_KEYS.into_iter().chain(["group"]) {
        match poetry.and_then(|poetry| poetry.get(key)) {
            Some(value) => relevant.push((key, Json::Value(value))),
            None if legacy && key != "group" => relevant.push((key, Json::Null)),
            None => {}
        }
    }
    relevant.sort_by_key(|(key, _)| *key);

    let mut text = String::new();
    if legacy {
        write_object(&mut text, &relevant);
    } else {
        let project = Value::Table(project);
        let groups = groups.map(|groups| Value::Table(groups.clone()));
        let mut all: Vec<(&str, Json<'_>)> = Vec::new();
        all.extend(groups.as_ref().map(|groups| ("dependency-groups", Json::Value(groups))));
        if project.as_table().is_some_and(|project| !project.is_empty()) {
            all.push(("project", Json::Value(&project)));
        }
        let inner = vec![("poetry", Json::Object(relevant))];
        all.push(("tool", Json::Object(inner)));
        write_object(&mut text, &all);
    }
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What JSON is made of here.
enum Json<'v> {
    Null,
    Value(&'v Value),
    Object(Vec<(&'v str, Json<'v>)>),
}

fn write_object(text: &mut String, entries: &[(&str, Json<'_>)]) {
    text.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        write_text(text, key);
        text.push_str(": ");
        match value {
            Json::Null => text.push_str("null"),
            Json::Value(value) => write_value(text, value),
            Json::Object(entries) => write_object(text, entries),
        }
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::String(value) => write_text(text, value),
        Value::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Array(list) => {
            text.push('[');
            for (at, entry) in list.iter().enumerate() {
                if at > 0 {
                    text.push_str(", ");
                }
                write_value(text, entry);
            }
            text.push(']');
        }
        Value::Table(table) => {
            let mut entries: Vec<(&str, Json<'_>)> =
                table.iter().map(|(key, value)| (key.as_str(), Json::Value(value))).collect();
            entries.sort_by_key(|(key, _)| *key);
            write_object(text, &entries);
        }
        // A dependency is described with no other kind of value.
        other => text.push_str(&other.to_string()),
    }
}

/// Writes a text as Python's `json.dumps` does: ASCII only, in UTF-16 units.
fn write_text(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='\u{7f}' => text.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a text cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_as_python_writes_them() {
        let mut text = String::new();
        write_text(&mut text, "a\"\\\n\u{1}\u{7f}é\u{1f40d}");
        assert_eq!(text, "\"a\\\"\\\\\\n\\u0001\u{7f}\\u00e9\\ud83d\\udc0d\"");
    }
}
