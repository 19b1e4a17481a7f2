//! Output for programs: one object a line, the last of `type: "result"`.

use jiff::Timestamp;
use nonevent_engine::model::Problem;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::Exit;

/// One line of the stream that is no event of the engine.
#[derive(Serialize)]
struct Line<'a, T> {
    v: u32,
    at: String,
    #[serde(rename = "type")]
    kind: &'a str,
    data: T,
}

#[derive(Serialize)]
struct Success<'a> {
    ok: bool,
    verb: &'a str,
    #[serde(flatten)]
    answer: Map<String, Value>,
}

#[derive(Serialize)]
struct Failure<'a> {
    ok: bool,
    verb: Option<&'a str>,
    exit_code: u8,
    problem: &'a Problem,
}

/// Returns a time as JSON bears it: RFC 3339, in UTC, with milliseconds.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Returns one line of the stream: an object that is no event of the engine.
pub fn line(at: Timestamp, kind: &str, data: &impl Serialize) -> String {
    let line = Line { v: 1, at: time(at), kind, data };
    // Plain data always has a JSON form.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Returns the last line of a verb that did what was asked: `ok`, the verb, and the fields of its answer, an object, beside them.
pub fn success(at: Timestamp, verb: &str, answer: Value) -> String {
    let answer = match answer {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    line(at, "result", &Success { ok: true, verb, answer })
}

/// Returns the last line of a verb that did not.
pub fn failure(at: Timestamp, verb: Option<&str>, problem: &Problem, exit: Exit) -> String {
    line(at, "result", &Failure { ok: false, verb, exit_code: exit.code(), problem })
}
