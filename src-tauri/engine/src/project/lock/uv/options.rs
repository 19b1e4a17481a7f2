//! How a lock was resolved: which versions were let in, up to when.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, SpanFieldwise, Timestamp};
use toml::{Table, Value};

use super::super::LockError;
use super::super::file;
use super::super::manifest::group_name;
use super::fresh::Look;

/// Settings that are one word, with the name that the lock gives them and what they are when nobody says.
const WORDS: [(&str, &str, &str); 3] = [
    ("resolution", "resolution-mode", "highest"),
    ("prerelease", "prerelease-mode", "if-necessary-or-explicit"),
    ("fork-strategy", "fork-strategy", "requires-python"),
];

/// Compares the settings of the workspace with those of the lock; `uv.toml` beside the root takes the place of `tool.uv`.
pub(super) fn check(look: &mut Look<'_>) -> Result<(), LockError> {
    let path = look.dir.join("uv.toml");
    let own: Option<Table> = match file::read_text(&path)? {
        Some(text) => {
            let broken = |error| LockError::Manifest { reason: file::toml_reason(&text, &error), path: path.clone() };
            Some(text.parse().map_err(broken)?)
        }
        None => None,
    };
    let empty = Table::new();
    let (from, now) = match &own {
        Some(table) => ("uv.toml", table),
        None => ("pyproject.toml", look.workspace.root.section(&["tool", "uv"]).unwrap_or(&empty)),
    };
    let then = &look.lock.options;
    let word = |table: &Table, key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut changed: Vec<&str> = WORDS
        .iter()
        .filter(|(key, recorded, default)| {
            word(now, key).as_deref().unwrap_or(default) != word(then, recorded).as_deref().unwrap_or(default)
        })
        .map(|(key, _, _)| *key)
        .collect();
    let before = then.get("exclude-newer-span").or(then.get("exclude-newer")).map(Cutoff::of);
    match (now.get("exclude-newer").map(Cutoff::of), before) {
        (None, None) => {}
        (Some(now), Some(before)) if now.admits(&before) => {}
        _ => changed.push("exclude-newer"),
    }
    if !packages_admit(now.get("exclude-newer-package"), then.get("exclude-newer-package")) {
        changed.push("exclude-newer-package");
    }
    for key in changed {
        look.stale(&format!("{key} in {from} changed"));
    }
    Ok(())
}

/// Until when a version must have been published.
#[derive(Debug, Clone, PartialEq)]
enum Cutoff {
    /// A point in time.
    At(Timestamp),
    /// A day, in a time zone that is not known.
    Day(Date),
    /// A span before now; spans count as equal only when they are written in the same units.
    Before(SpanFieldwise),
    /// Whenever.
    Never,
    /// Something else, as it stands.
    Other(String),
}

impl Cutoff {
    fn of(value: &Value) -> Self {
        let value = value.get("span").unwrap_or(value);
        let text = match value {
            Value::Boolean(false) => return Self::Never,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Ok(moment) = Timestamp::from_str(&text) {
            return Self::At(moment);
        }
        if let Ok(day) = Date::from_str(&text) {
            return Self::Day(day);
        }
        Span::from_str(&text).map_or(Self::Other(text), |span| Self::Before(span.fieldwise()))
    }

    /// Tells whether everything that an earlier cut-off let in is still let in.
    fn admits(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::At(now), Self::At(before)) => now >= before,
            // A day ends at midnight somewhere between the easternmost and the westernmost time zone.
            (Self::Day(day), Self::At(before)) => {
                let latest = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(-12)));
                latest.is_ok_and(|latest| latest.timestamp().as_second() + 1 >= before.as_second())
            }
            (Self::Never, _) => true,
            (now, before) => now == before,
        }
    }
}

/// Single packages may have cut-offs of their own; one that is new, or gone, may let in less than before.
fn packages_admit(now: Option<&Value>, before: Option<&Value>) -> bool {
    let cutoffs = |value: Option<&Value>| -> BTreeMap<String, Cutoff> {
        let table = value.and_then(Value::as_table);
        table.into_iter().flatten().map(|(name, value)| (group_name(name), Cutoff::of(value))).collect()
    };
    let (now, before) = (cutoffs(now), cutoffs(before));
    let kept = before.iter().all(|(name, before)| now.get(name).is_some_and(|now| now.admits(before)));
    kept && now.iter().all(|(name, cutoff)| before.contains_key(name) || *cutoff == Cutoff::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cutoff_admits_what_an_earlier_one_let_in() {
        let check = |now: &str, before: &str, expected: bool| {
            let cutoff = |text: &str| Cutoff::of(&Value::String(text.to_owned()));
            assert_eq!(cutoff(now).admits(&cutoff(before)), expected, "{now} after {before}");
        };
        check("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", true);
        check("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", true);
        check("2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z", false);
        check("2026-01-01", "2026-01-02T00:00:00Z", true);
        check("2026-01-01", "2026-01-04T00:00:00Z", false);
        check("2 weeks", "P2W", true);
        check("14 days", "P2W", false);
        check("2 weeks", "2026-01-01T00:00:00Z", false);
        check("2026-01-01T00:00:00Z", "P2W", false);
    }
}
