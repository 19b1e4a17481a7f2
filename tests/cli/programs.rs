//! What programs read.

use nonevent_cli::exit::Exit;
use nonevent_cli::json;
use nonevent_cli::out::Out;
use nonevent_cli::tell::{JsonTeller, Lines, Teller};
use nonevent_engine::request::Done;
use nonevent_engine::{Event, Update};
use serde_json::{Value, json};

use crate::recording::{Recording, Shared};
use crate::scenarios::{self, outcome};

fn stream(recording: &Recording, lines: Lines) -> Vec<Value> {
    text(recording, lines).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(recording: &Recording, lines: Lines) -> String {
    let out = Shared::default();
    let mut teller = JsonTeller::new(Out::new(out.clone()), "ship", lines);
    recording.updates.iter().for_each(|update| teller.update(update));
    teller.close();
    teller.succeeded(&outcome(Done::Switched));
    out.text()
}

#[test]
fn every_event_is_one_line_as_it_is_and_the_last_is_the_result() {
    let recording = scenarios::green_ship();
    let events: Vec<&Event> = recording
        .updates
        .iter()
        .filter_map(|update| match update {
            Update::Event(event) => Some(event.as_ref()),
            Update::Line(_) | Update::Progress { .. } => None,
        })
        .collect();
    let lines = stream(&recording, Lines::Kept);
    let (result, told) = lines.split_last().unwrap();
    assert_eq!(told.len(), events.len());
    for (line, event) in told.iter().zip(events) {
        assert_eq!(serde_json::from_value::<Event>(line.clone()).unwrap(), *event);
    }
    assert_eq!(result["v"], 1);
    assert_eq!(result["type"], "result");
    assert_eq!(
        result["data"],
        json!({
            "ok": true,
            "verb": "ship",
            "run": "0193574e28007a0c8f1d2b3c4d5e6f70",
            "done": "switched",
            "environment": "local",
            "release": "3f2a91c04d5e",
            "url": "http://shop.localhost",
        })
    );
}

#[test]
fn the_envelope_of_events_has_its_settled_shape() {
    let text = text(&scenarios::nothing_to_do(), Lines::Kept);
    let finished = text.lines().find(|line| line.contains("gate_finished")).unwrap();
    insta::assert_snapshot!(finished);
}

#[test]
fn lines_of_output_come_when_asked_for() {
    let lines = stream(&scenarios::green_ship(), Lines::Shown);
    let line = lines.iter().find(|line| line["type"] == "line").unwrap();
    assert_eq!(line["data"]["source"], "build");
    assert_eq!(line["data"]["text"], "unpacking psycopg-3.2.13");
    assert!(stream(&scenarios::green_ship(), Lines::Kept).iter().all(|line| line["type"] != "line"));
}

#[test]
fn a_failure_is_a_result_that_is_not_ok() {
    let at = "2026-11-23T10:00:00.0004Z".parse().unwrap();
    let line = json::failure(at, Some("ship"), &scenarios::red_gates_error().problem, Exit::User);
    insta::assert_snapshot!(line, @r#"{"v":1,"at":"2026-11-23T10:00:00.000Z","type":"result","data":{"ok":false,"verb":"ship","exit_code":1,"problem":{"code":"failed","message":"shop was not released: 4 gates do not pass","causes":["lint, format and unit are red","types could not tell"],"hints":["`nonevent check` runs them again, and nothing else"],"details":[],"diagnosis":null}}}"#);
}
