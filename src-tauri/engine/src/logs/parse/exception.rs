//! The exception of a record, and what makes two of them the same.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::diagnosis::traceback::{Traceback, tracebacks};
use crate::model::{LogException, LogFrame};

/// Hexadecimal digits of a fingerprint.
const DIGITS: usize = 16;
/// Frames that are kept of one exception; a recursion has thousands.
const MOST: usize = 200;

/// Reads the exception of what was printed; of several tracebacks the last one.
pub(super) fn read(text: &str) -> Option<LogException> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let found = tracebacks(&lines);
    // Of a group it is the group: the first one that was printed.
    let grouped = text.contains("Exception Group Traceback");
    let traceback: &Traceback = if grouped { found.first()? } else { found.last()? };
    let last = traceback.last()?;
    let frames = traceback.links.iter().flat_map(|link| &link.frames);
    let frames: Vec<LogFrame> = frames.map(|frame| made(&frame.file, frame.line, frame.function.clone())).take(MOST).collect();
    let kinds: Vec<&str> = found.iter().flat_map(|traceback| &traceback.links).map(|link| link.exception.as_str()).collect();
    Some(LogException {
        kind: last.exception.clone(),
        message: last.message.clone(),
        fingerprint: fingerprint(&kinds, &frames),
        frames,
    })
}

/// Reads what structlog writes of an exception as data: the links of a chain, the one that counted first.
pub(super) fn structured(value: &Value) -> Option<LogException> {
    let links = value.as_array()?;
    let text = |link: &Value, name: &str| link.get(name).and_then(Value::as_str).map(str::to_owned);
    let first = links.first()?;
    let kind = text(first, "exc_type")?;
    let frames: Vec<LogFrame> = links
        .iter()
        .rev()
        .filter_map(|link| link.get("frames")?.as_array())
        .flatten()
        .filter_map(|frame| {
            let line = frame.get("lineno").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok())?;
            Some(made(&text(frame, "filename")?, line, text(frame, "name")))
        })
        .take(MOST)
        .collect();
    let kinds: Vec<String> = links.iter().rev().filter_map(|link| text(link, "exc_type")).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let message = text(first, "exc_value").unwrap_or_default();
    Some(LogException { kind, message, fingerprint: fingerprint(&kinds, &frames), frames })
}

fn made(file: &str, line: u32, function: Option<String>) -> LogFrame {
    LogFrame { file: file.to_owned(), line, function, own: is_own(file) }
}

fn is_own(file: &str) -> bool {
    let foreign = ["site-packages/", "dist-packages/", "/lib/python", "/bin/", "site-packages\\"];
    !file.starts_with('<') && !foreign.iter().any(|place| file.contains(place))
}

/// Returns what exceptions have in common that are the same to a person: their types, and the functions of the project on their way.
/// Neither lines, which move with every release, nor messages, which name what was asked for.
pub fn fingerprint(kinds: &[&str], frames: &[LogFrame]) -> String {
    let mut digest = Sha256::new();
    for kind in kinds {
        digest.update(kind);
        digest.update("\n");
    }
    let own = frames.iter().any(|frame| frame.own);
    let mut before = None;
    for frame in frames.iter().filter(|frame| frame.own || !own) {
        // A package's folder bears the version of Python.
        let file = if frame.own { frame.file.as_str() } else { frame.file.rsplit(['/', '\\']).next().unwrap_or_default() };
        let step = (file, frame.function.as_deref().unwrap_or_default());
        // However deep a recursion went.
        if before != Some(step) {
            digest.update(step.0);
            digest.update(":");
            digest.update(step.1);
            digest.update("\n");
        }
        before = Some(step);
    }
    let mut print = hex::encode(digest.finalize());
    print.truncate(DIGITS);
    print
}
