//! One JSON object a line: structlog's renderer, python-json-logger, and what other JSON formatters of Python write.

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;

use super::words::level;
use super::{Form, Parsed, exception, field};
use crate::model::{LogField, LogLevel};

const MESSAGE: [&str; 3] = ["event", "message", "msg"];
const LEVEL: [&str; 6] = ["level", "levelname", "log_level", "severity", "lvl", "log.level"];
const LOGGER: [&str; 5] = ["logger", "logger_name", "name", "log.logger", "loggerName"];
const EXCEPTION: [&str; 6] = ["exception", "exc_info", "exc_text", "traceback", "stack_trace", "error.stack_trace"];

/// The names and values of an object, in their order.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// Reads a line that is an object.
pub(super) fn read(line: &str) -> Option<Parsed> {
    let Pairs(pairs) = serde_json::from_str(line).ok()?;
    let mut parsed = Parsed { form: Form::Json, ..Parsed::plain("") };
    let is_there = |name: &&str| pairs.iter().any(|(own, value)| own == name && !value.is_null());
    let (message, logger) = (MESSAGE.iter().copied().find(is_there), LOGGER.iter().copied().find(is_there));
    let grade = LEVEL.iter().copied().find(|name| pairs.iter().any(|(own, value)| own == name && grade(value).is_some()));
    for (name, value) in &pairs {
        if Some(name.as_str()) == message {
            parsed.message = text(value);
        } else if Some(name.as_str()) == grade {
            parsed.level = self::grade(value);
        } else if Some(name.as_str()) == logger && value.is_string() {
            parsed.logger = Some(text(value));
        } else {
            if parsed.exception.is_none() && EXCEPTION.contains(&name.as_str()) {
                parsed.exception = match value {
                    Value::String(printed) => exception::read(printed),
                    other => exception::structured(other),
                };
            }
            parsed.fields.push(LogField { name: name.clone(), value: text(value) });
        }
    }
    if message.is_none() {
        parsed.message = parsed.exception.as_ref().map_or_else(|| line.to_owned(), super::told);
    }
    if parsed.exception.is_some() {
        parsed.level = parsed.level.max(Some(LogLevel::Error));
    }
    Some(parsed)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn grade(value: &Value) -> Option<LogLevel> {
    match value {
        Value::String(word) => level(word),
        // Those of Python's logging.
        Value::Number(number) => Some(match number.as_i64()? {
            ..=19 => LogLevel::Debug,
            20..=29 => LogLevel::Info,
            30..=39 => LogLevel::Warning,
            40..=49 => LogLevel::Error,
            50.. => LogLevel::Critical,
        }),
        _ => None,
    }
}

/// Makes the fields of pairs that are texts already.
pub(super) fn fields(pairs: Vec<(String, String)>) -> Vec<LogField> {
    pairs.into_iter().map(|(name, value)| field(name, value)).collect()
}
