//! `level=info msg="a request" path=/orders`.

use super::words::level;
use super::{Form, Parsed, json};

/// Reads a line of nothing but pairs, one of which says what happened, how gravely or when.
pub(super) fn read(line: &str) -> Option<Parsed> {
    let name = line.split_once('=')?.0;
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    let pairs = pairs(line)?;
    const TELLING: [&str; 9] = ["level", "lvl", "severity", "msg", "message", "event", "time", "ts", "timestamp"];
    if pairs.len() < 2 || !pairs.iter().any(|(name, _)| TELLING.contains(&name.as_str())) {
        return None;
    }
    let mut parsed = Parsed { form: Form::Logfmt, ..Parsed::plain("") };
    let mut others = Vec::new();
    let mut told = false;
    for (name, value) in pairs {
        match name.as_str() {
            "level" | "lvl" | "severity" if parsed.level.is_none() && level(&value).is_some() => parsed.level = level(&value),
            "msg" | "message" | "event" if !told => {
                told = true;
                parsed.message = value;
            }
            "logger" if parsed.logger.is_none() => parsed.logger = Some(value),
            _ => others.push((name, value)),
        }
    }
    if !told {
        parsed.message = line.to_owned();
    }
    parsed.fields = json::fields(others);
    Some(parsed)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@')
}

/// Reads pairs; none where anything else stands between them.
pub(super) fn pairs(line: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_name) {
            return None;
        }
        let (value, left) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(after, quote)?,
            _ => {
                let end = after.find(' ').unwrap_or(after.len());
                let (value, left) = after.split_at(end);
                (value.to_owned(), left)
            }
        };
        if !left.is_empty() && !left.starts_with(' ') {
            return None;
        }
        found.push((name.to_owned(), value));
        rest = left.trim_start();
    }
    (!found.is_empty()).then_some(found)
}

fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut inner = text.char_indices().skip(1);
    while let Some((at, character)) = inner.next() {
        match character {
            '\\' => match inner.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            end if end == quote => return Some((value, text.get(at + end.len_utf8()..)?)),
            other => value.push(other),
        }
    }
    None
}
