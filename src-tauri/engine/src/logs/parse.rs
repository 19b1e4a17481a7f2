//! Reads a record: who says what, how gravely, with which fields, of which exception. Pure; what it does not know is plain text.

mod access;
mod exception;
mod json;
mod logfmt;
mod words;

use std::borrow::Cow;

use crate::model::{LogException, LogField, LogLevel};

pub use exception::fingerprint;
pub(crate) use words::level;

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object: structlog, python-json-logger and their like.
    Json,
    /// `name=value` pairs.
    Logfmt,
    /// A line of a server about one request.
    Access,
    /// A level, and maybe a time and a name, before the message.
    Worded,
    /// A traceback alone.
    Traceback,
    /// Anything else.
    Plain,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// How it is written.
    pub form: Form,
    /// How grave it says it is.
    pub level: Option<LogLevel>,
    /// Who says it.
    pub logger: Option<String>,
    /// What it says.
    pub message: String,
    /// Everything else, in its order.
    pub fields: Vec<LogField>,
    /// The exception that it tells of.
    pub exception: Option<LogException>,
}

/// Reads a record, of one line or of several.
pub fn read(text: &str) -> Parsed {
    let text = without_colour(text);
    let (head, rest) = text.split_once('\n').map_or((text.as_ref(), None), |(head, rest)| (head, Some(rest)));
    let mut parsed = match head.as_bytes().first() {
        Some(b'{') => json::read(head),
        _ => access::read(head).or_else(|| words::read(head)).or_else(|| logfmt::read(head)),
    }
    .unwrap_or_else(|| Parsed::plain(head));
    if parsed.exception.is_none() && (rest.is_some() || head.contains("raceback (most recent call last)")) {
        parsed.exception = exception::read(&text);
        if let Some(exception) = &parsed.exception {
            parsed.level = parsed.level.max(Some(LogLevel::Error));
            if parsed.form == Form::Plain || parsed.message.trim().is_empty() {
                parsed.form = if parsed.form == Form::Plain { Form::Traceback } else { parsed.form };
                parsed.message = told(exception);
            }
        }
    }
    parsed
}

/// Returns an exception as Python prints it, in one line.
pub(crate) fn told(exception: &LogException) -> String {
    match exception.message.lines().next() {
        None | Some("") => exception.kind.clone(),
        Some(message) => format!("{}: {message}", exception.kind),
    }
}

impl Parsed {
    fn plain(text: &str) -> Self {
        let message = text.to_owned();
        Self { form: Form::Plain, level: None, logger: None, message, fields: Vec::new(), exception: None }
    }
}

/// Takes away what makes a terminal show colours (ECMA-48, section 8.3.117).
fn without_colour(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = match after.strip_prefix('[') {
            Some(codes) => {
                let end = codes.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'));
                match end.and_then(|end| codes.split_at_checked(end)) {
                    Some((_, last)) => last.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(last),
                    None => "",
                }
            }
            None => after,
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn field(name: impl Into<String>, value: impl Into<String>) -> LogField {
    LogField { name: name.into(), value: value.into() }
}

#[cfg(test)]
mod tests;
