//! Lines of servers about one request: uvicorn, gunicorn and the common log format, Django's and Flask's own servers.

use std::sync::LazyLock;

use regex::Regex;

use super::{Form, Parsed, field};
use crate::model::{LogField, LogLevel};

const REQUEST: &str = r#""(?P<method>[A-Z]{3,10}) (?P<path>[^" ]*)(?: HTTP/[\d.]+)?""#;

/// `INFO:     127.0.0.1:52345 - "GET / HTTP/1.1" 200 OK`
static UVICORN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(r"^(?:[A-Z]+:\s+)?(?P<client>\S+) - {REQUEST} (?P<status>\d{{3}})(?: [A-Za-z' -]+)?$")).ok()
});
/// `127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8.0"`
static COMMON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let rest = r#"(?: "(?P<referer>[^"]*)" "(?P<agent>[^"]*)")?"#;
    Regex::new(&format!(
        r"^(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] {REQUEST} (?P<status>\d{{3}}) (?P<size>\d+|-){rest}"
    ))
    .ok()
});
/// `[23/Nov/2026 10:00:00] "GET / HTTP/1.1" 200 12`
static DJANGO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(r"^\[(?P<time>\d\d/[A-Z][a-z]{{2}}/\d{{4}}[ :][\d:]+)\] {REQUEST} (?P<status>\d{{3}}) (?P<size>\d+|-)"))
        .ok()
});

/// Reads a line about a request.
pub(super) fn read(line: &str) -> Option<Parsed> {
    // Nearly no other line has this; expressions are slow.
    if !line.contains(" \"") {
        return None;
    }
    let captures = [&UVICORN, &COMMON, &DJANGO].into_iter().find_map(|form| form.as_ref()?.captures(line))?;
    let named = |name: &str| captures.name(name).map(|found| found.as_str()).filter(|text| *text != "-");
    let status = named("status")?;
    let names = ["method", "path", "status", "client", "user", "size", "referer", "agent", "time"];
    let fields: Vec<LogField> = names.into_iter().filter_map(|name| Some(field(name, named(name)?))).collect();
    let message = format!("{} {} {status}", named("method")?, named("path").unwrap_or_default());
    // What a server could not answer is a failure, whatever level it gives all its lines.
    let level = if status.starts_with('5') { LogLevel::Error } else { LogLevel::Info };
    Some(Parsed { form: Form::Access, level: Some(level), logger: None, message, fields, exception: None })
}
