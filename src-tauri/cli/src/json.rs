//! Output for programs: one object a line, the last of `type: "result"`.

use jiff::Timestamp;
use nonevent_engine::model::Problem;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit::Exit;

/// Returns a time as JSON bears it: RFC 3339, in UTC, with milliseconds.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Returns one line of the stream: an object that is no event of the engine.
pub fn line(at: Timestamp, kind: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_value(data).unwrap_or(Value::Null);
    json!({ "v": 1, "at": time(at), "type": kind, "data": data }).to_string()
}

/// Returns the last line of a verb that did what was asked: `ok`, the verb, and its answer's fields beside them.
pub fn success(at: Timestamp, verb: &str, answer: Value) -> String {
    let mut data = Map::new();
    data.insert("ok".into(), true.into());
    data.insert("verb".into(), verb.into());
    match answer {
        Value::Object(fields) => data.extend(fields),
        Value::Null => {}
        other => {
            data.insert("value".into(), other);
        }
    }
    line(at, "result", &data)
}

/// Returns the last line of a verb that did not.
pub fn failure(at: Timestamp, verb: Option<&str>, problem: &Problem, exit: Exit) -> String {
    line(at, "result", &json!({ "ok": false, "verb": verb, "exit_code": exit.code(), "problem": problem }))
}
