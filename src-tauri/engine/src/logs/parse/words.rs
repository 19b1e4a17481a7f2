//! Lines with a level before the message: those of `logging`, gunicorn, uvicorn, Flask, loguru and structlog's console.

use std::sync::LazyLock;

use regex::Regex;

use super::{Form, Parsed, logfmt};
use crate::model::{LogField, LogLevel};

/// Reads the name of a level.
pub(crate) fn level(word: &str) -> Option<LogLevel> {
    const NAMES: [(&str, LogLevel); 14] = [
        ("info", LogLevel::Info),
        ("warning", LogLevel::Warning),
        ("error", LogLevel::Error),
        ("debug", LogLevel::Debug),
        ("critical", LogLevel::Critical),
        ("warn", LogLevel::Warning),
        ("fatal", LogLevel::Critical),
        ("trace", LogLevel::Debug),
        ("exception", LogLevel::Error),
        ("success", LogLevel::Info),
        ("notice", LogLevel::Info),
        ("err", LogLevel::Error),
        ("alert", LogLevel::Critical),
        ("emergency", LogLevel::Critical),
    ];
    let word = word.trim();
    NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
}

const TIME: &str = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?";
const LEVELS: &str = "(?i:trace|debug|info|success|notice|warning|warn|error|critical|fatal|exception)";
const NAME: &str = r"[A-Za-z_][\w.<>-]*";

/// What may stand before a message, the most telling first.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let forms = [
        // Flask: `[2026-11-23 10:00:00,123] ERROR in app: boom`
        format!(r"^\[(?P<time>{TIME})\] (?P<level>{LEVELS}) in (?P<logger>{NAME}): (?P<message>.*)$"),
        // gunicorn: `[2026-11-23 10:00:00 +0000] [7] [INFO] Booting worker with pid: 7`
        format!(r"^\[(?P<time>{TIME})\] \[(?P<pid>\d+)\] \[(?P<level>{LEVELS})\] (?P<message>.*)$"),
        // structlog's console: `2026-11-23 10:00:00 [info     ] an order   [shop.orders] id=7`
        format!(r"^(?P<time>{TIME}) \[(?P<level>{LEVELS})\s*\] (?P<message>.*)$"),
        // loguru: `2026-11-23 10:00:00.123 | ERROR    | shop.orders:place:12 - boom`
        format!(
            r"^(?P<time>{TIME}) \| (?P<level>{LEVELS})\s*\| (?P<logger>{NAME}):(?P<function>[^:]+):(?P<line>\d+) - (?P<message>.*)$"
        ),
        // `%(asctime)s - %(name)s - %(levelname)s - %(message)s`, and the same with the level first
        format!(r"^\[?(?P<time>{TIME})\]?(?: -)? (?P<logger>{NAME})(?: -)? \[?(?P<level>{LEVELS})\]?(?: -|:)? (?P<message>.*)$"),
        format!(
            r"^\[?(?P<time>{TIME})\]?(?: -)? \[?(?P<level>{LEVELS})\]?(?: -|:)?\s+(?:\[?(?P<logger>{NAME})\]?(?: -|:) )?(?P<message>.*)$"
        ),
        // `%(levelname)s:%(name)s:%(message)s`, the form without any set-up
        r"^(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[A-Za-z_][\w.-]*):(?P<message>.*)$".to_owned(),
        // uvicorn: `INFO:     Started server process [1]`
        r"^(?P<level>TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL):\s+(?P<message>.*)$".to_owned(),
        // Celery and others: `[2026-11-23 10:00:00,123: ERROR/MainProcess] boom`
        format!(r"^\[(?P<time>{TIME}): (?P<level>{LEVELS})/(?P<logger>[\w.-]+)\] (?P<message>.*)$"),
        format!(r"^\[?(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\]?\s+(?P<time>{TIME})\s+(?P<message>.*)$"),
        r"^\[(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\]\s+(?P<message>.*)$".to_owned(),
    ];
    forms.iter().filter_map(|form| Regex::new(form).ok()).collect()
});

/// Reads a line with a level before its message.
pub(super) fn read(line: &str) -> Option<Parsed> {
    let first = line.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'[' | b'D' | b'I' | b'W' | b'E' | b'C' | b'T')) {
        return None;
    }
    let captures = FORMS.iter().find_map(|form| form.captures(line))?;
    let named = |name: &str| captures.name(name).map(|found| found.as_str().to_owned());
    let names = ["time", "pid", "function", "line"];
    let mut fields: Vec<LogField> = names.into_iter().filter_map(|name| Some(super::field(name, named(name)?))).collect();
    let mut message = named("message")?;
    let mut logger = named("logger");
    if let Some((event, more)) = console(&message) {
        fields.extend(more.into_iter().map(|(name, value)| super::field(name, value)));
        let (event, own) = match event.trim_end().strip_suffix(']').and_then(|event| event.rsplit_once(" [")) {
            Some((event, own)) => (event.to_owned(), Some(own.to_owned())),
            None => (event, None),
        };
        message = event.trim_end().to_owned();
        logger = logger.or(own);
    }
    Some(Parsed { form: Form::Worded, level: level(&named("level")?), logger, message, fields, exception: None })
}

/// Reads the pairs that structlog's console writes after two spaces or more.
fn console(message: &str) -> Option<(String, Vec<(String, String)>)> {
    let at = message.rfind("  ").or_else(|| message.rfind("] "))?;
    let (event, rest) = message.split_at_checked(at + 1)?;
    Some((event.to_owned(), logfmt::pairs(rest)?))
}
