#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn brief(text: &str) -> (Form, Option<LogLevel>, Option<String>, String) {
    let Parsed { form, level, logger, message, .. } = read(text);
    (form, level, logger, message)
}

#[test]
fn every_known_form_is_read() {
    use LogLevel::{Critical, Debug, Error, Info, Warning};
    let some = |text: &str| Some(text.to_owned());
    for (line, form, level, logger, message) in [
        (
            r#"{"event": "an order", "level": "info", "logger": "shop", "timestamp": "t"}"#,
            Form::Json,
            Some(Info),
            some("shop"),
            "an order",
        ),
        (
            r#"{"asctime": "t", "levelname": "ERROR", "name": "shop", "message": "boom"}"#,
            Form::Json,
            Some(Error),
            some("shop"),
            "boom",
        ),
        (r#"{"level": 30, "msg": "late"}"#, Form::Json, Some(Warning), None, "late"),
        (r#"level=warning msg="took \"long\"" path=/x"#, Form::Logfmt, Some(Warning), None, r#"took "long""#),
        (r#"INFO:     127.0.0.1:52345 - "GET /a?b=c HTTP/1.1" 200 OK"#, Form::Access, Some(Info), None, "GET /a?b=c 200"),
        (
            r#"127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "POST /x HTTP/1.1" 503 12 "-" "curl/8.0""#,
            Form::Access,
            Some(Error),
            None,
            "POST /x 503",
        ),
        (r#"[23/Nov/2026 10:00:00] "GET / HTTP/1.1" 404 12"#, Form::Access, Some(Info), None, "GET / 404"),
        ("INFO:     Started server process [1]", Form::Worded, Some(Info), None, "Started server process [1]"),
        (
            "[2026-11-23 10:00:00 +0000] [7] [INFO] Booting worker with pid: 7",
            Form::Worded,
            Some(Info),
            None,
            "Booting worker with pid: 7",
        ),
        ("WARNING:shop.orders:late: 3 s", Form::Worded, Some(Warning), some("shop.orders"), "late: 3 s"),
        ("2026-11-23 10:00:00,123 - shop.orders - ERROR - boom", Form::Worded, Some(Error), some("shop.orders"), "boom"),
        ("2026-11-23 10:00:00,123 ERROR shop.orders: boom", Form::Worded, Some(Error), some("shop.orders"), "boom"),
        ("2026-11-23T10:00:00Z DEBUG just so", Form::Worded, Some(Debug), None, "just so"),
        (
            "[2026-11-23 10:00:00,123] ERROR in app: Exception on / [GET]",
            Form::Worded,
            Some(Error),
            some("app"),
            "Exception on / [GET]",
        ),
        ("2026-11-23 10:00:00.123 | CRITICAL | shop.a:place:12 - boom", Form::Worded, Some(Critical), some("shop.a"), "boom"),
        (
            "2026-11-23 10:00:00 [info     ] an order                       id=7 who=me",
            Form::Worded,
            Some(Info),
            None,
            "an order",
        ),
        (
            "\u{1b}[2m2026-11-23 10:00:00\u{1b}[0m [\u{1b}[32m\u{1b}[1minfo     \u{1b}[0m] \u{1b}[1man order\u{1b}[0m  \u{1b}[36mid\u{1b}[0m=\u{1b}[35m7\u{1b}[0m",
            Form::Worded,
            Some(Info),
            None,
            "an order",
        ),
        ("just words", Form::Plain, None, None, "just words"),
        ("", Form::Plain, None, None, ""),
        ("{not json", Form::Plain, None, None, "{not json"),
        ("a = b", Form::Plain, None, None, "a = b"),
        ("Error: it failed", Form::Plain, None, None, "Error: it failed"),
    ] {
        assert_eq!(brief(line), (form, level, logger, message.to_owned()), "{line}");
    }
}

#[test]
fn fields_keep_their_order() {
    let names = |text: &str| read(text).fields.into_iter().map(|field| (field.name, field.value)).collect::<Vec<_>>();
    let of =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
    assert_eq!(names(r#"{"z": 1, "event": "x", "a": "t", "m": {"b": 2}}"#), of(&[("z", "1"), ("a", "t"), ("m", r#"{"b":2}"#)]));
    assert_eq!(names("level=info z=1 a='two words'"), of(&[("z", "1"), ("a", "two words")]));
    let access = names(r#"INFO:     10.0.0.1:5 - "GET /a HTTP/1.1" 200 OK"#);
    assert_eq!(access, of(&[("method", "GET"), ("path", "/a"), ("status", "200"), ("client", "10.0.0.1:5")]));
}

const CHAIN: &str = r#"ERROR:shop:it failed
Traceback (most recent call last):
  File "/app/shop/main.py", line 10, in place
    pay()
  File "/usr/local/lib/python3.12/site-packages/stripe/api.py", line 55, in pay
    raise KeyError(key)
KeyError: 'card'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/shop/main.py", line 12, in place
    raise PaymentError("no card") from error
shop.errors.PaymentError: no card"#;

#[test]
fn a_chain_is_one_exception_with_all_frames() {
    let parsed = read(CHAIN);
    let exception = parsed.exception.unwrap();
    assert_eq!((exception.kind.as_str(), exception.message.as_str()), ("shop.errors.PaymentError", "no card"));
    assert_eq!((parsed.level, parsed.message.as_str()), (Some(LogLevel::Error), "it failed"));
    let frames: Vec<_> = exception.frames.iter().map(|frame| (frame.line, frame.own)).collect();
    assert_eq!(frames, [(10, true), (55, false), (12, true)]);
}

#[test]
fn the_same_way_is_the_same_exception_whatever_moved() {
    let print = |text: &str| read(text).exception.unwrap().fingerprint;
    let moved =
        CHAIN.replace("line 10", "line 99").replace("line 55", "line 60").replace("no card", "no cash").replace("3.12", "3.13");
    assert_eq!(print(CHAIN), print(&moved));
    assert_ne!(print(CHAIN), print(&CHAIN.replace("in place", "in refund")));
    assert_ne!(print(CHAIN), print(&CHAIN.replace("KeyError", "ValueError")));
}

#[test]
fn exceptions_within_json_are_found() {
    let printed =
        serde_json::json!({"event": "boom", "level": "error", "exception": CHAIN.split_once('\n').unwrap().1}).to_string();
    assert_eq!(read(&printed).exception.unwrap().fingerprint, read(CHAIN).exception.unwrap().fingerprint);
    let data = r#"{"event": "boom", "exception": [{"exc_type": "ValueError", "exc_value": "no", "frames": [{"filename": "/app/a.py", "lineno": 3, "name": "f"}]}]}"#;
    let parsed = read(data);
    let exception = parsed.exception.unwrap();
    assert_eq!((exception.kind.as_str(), exception.frames[0].line, parsed.level), ("ValueError", 3, Some(LogLevel::Error)));
}

proptest! {
    #[test]
    fn nothing_panics(text in "(\\PC|\n|\u{1b}|\\[|=|\"){0,80}") {
        let _ = read(&text);
    }
}
