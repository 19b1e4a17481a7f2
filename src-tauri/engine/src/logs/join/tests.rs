#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn joined(lines: &[(i64, &str)]) -> Vec<Joined> {
    let (mut joiner, mut out) = (Joiner::default(), Vec::new());
    for (at, text) in lines {
        joiner.push(Line { at: *at, text: (*text).to_owned() }, &mut out);
    }
    joiner.flush(&mut out);
    out
}

/// Joins lines that were printed one a second, except those of one write.
fn texts(text: &str) -> Vec<String> {
    let lines: Vec<(i64, &str)> = text.lines().map(|line| (0, line)).collect();
    joined(&lines).into_iter().map(|record| record.text).collect()
}

const CHAIN: &str = r#"Traceback (most recent call last):
  File "/app/a.py", line 1, in f
    g()
    ~^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/a.py", line 3, in f
    raise ValueError("no")
ValueError: no"#;

const GROUP: &str = r#"  + Exception Group Traceback (most recent call last):
  |   File "/app/a.py", line 9, in <module>
  |     raise ExceptionGroup("two", [ValueError(1), TypeError(2)])
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/a.py", line 5, in f
    | ValueError: 1
    +---------------- 2 ----------------
    | TypeError: 2
    +------------------------------------"#;

#[test]
fn a_traceback_is_one_record_with_what_led_to_it() {
    let text = format!("INFO:shop:before\nERROR:shop:it failed\n{CHAIN}\nINFO:shop:after");
    let found = texts(&text);
    assert_eq!(found, ["INFO:shop:before".to_owned(), format!("ERROR:shop:it failed\n{CHAIN}"), "INFO:shop:after".to_owned()]);
    assert_eq!(texts(&format!("hello\n{CHAIN}\n{{\"event\":1}}")).len(), 3);
    assert_eq!(texts(&format!("{CHAIN}\n{CHAIN}")).len(), 2);
}

#[test]
fn a_group_is_one_record() {
    let found = texts(&format!("start\n{GROUP}\nINFO:a:next"));
    assert_eq!(found, ["start".to_owned(), GROUP.to_owned(), "INFO:a:next".to_owned()]);
    let lines: Vec<(i64, &str)> = GROUP.lines().map(|line| (0, line)).collect();
    assert_eq!(joined(&lines)[0].exception.as_ref().unwrap().kind, "ExceptionGroup");
}

#[test]
fn a_message_of_several_lines_belongs_to_it_when_it_is_printed_at_once() {
    let head = [(0, "Traceback (most recent call last):"), (0, "  File \"/app/a.py\", line 1, in f"), (0, "ValueError: one")];
    let with = |more: &[(i64, &'static str)]| joined(&[&head[..], more].concat()).len();
    assert_eq!(with(&[(1000, "two"), (2000, "  three")]), 1);
    assert_eq!(with(&[(1_000_000_000, "two")]), 2);
    assert_eq!(with(&[(1000, "INFO:a:two")]), 2);
    assert_eq!(with(&[(1000, ""), (2000, "two")]), 2);
}

#[test]
fn what_cannot_be_compiled_is_one_record() {
    assert_eq!(texts("  File \"/app/a.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\nnext: line").len(), 1);
    assert_eq!(texts("  File \"/app/a.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\nINFO:a:b").len(), 2);
}

#[test]
fn a_record_has_a_bound() {
    let mut lines = vec![(0, "Traceback (most recent call last):")];
    lines.extend(std::iter::repeat_n((0, "  File \"/app/a.py\", line 1, in f"), 5000));
    let found = joined(&lines);
    assert_eq!(found.iter().map(|record| record.lines).sum::<u32>(), 5001);
    assert!(found.iter().all(|record| record.lines <= MOST_LINES));
}

fn line() -> impl Strategy<Value = String> {
    let known: Vec<String> = CHAIN
        .lines()
        .chain(GROUP.lines())
        .chain([
            "",
            "  ",
            "INFO:a:b",
            "ERROR:a:b",
            "{\"event\":\"x\"}",
            "level=info msg=x",
            "ERROR:    Traceback (most recent call last):",
        ])
        .map(str::to_owned)
        .collect();
    prop_oneof![6 => proptest::sample::select(known), 1 => "[^\n]{0,30}"]
}

proptest! {
    #[test]
    fn every_line_is_in_exactly_one_record(lines in proptest::collection::vec((0_i64..5_000_000, line()), 0..60), flush in 0_usize..60) {
        let (mut joiner, mut out) = (Joiner::default(), Vec::new());
        let mut at = 0;
        for (index, (step, text)) in lines.iter().enumerate() {
            at += step;
            joiner.push(Line { at, text: text.clone() }, &mut out);
            if index == flush {
                joiner.flush(&mut out);
            }
            let counted: u32 = out.iter().map(|record| record.lines).sum();
            prop_assert_eq!(counted + joiner.waiting(), u32::try_from(index).unwrap() + 1);
        }
        joiner.flush(&mut out);
        let all: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        let kept: Vec<&str> = out.iter().map(|record| record.text.as_str()).collect();
        prop_assert_eq!(kept.join("\n"), all.join("\n"));
        prop_assert_eq!(out.iter().map(|record| record.lines as usize).sum::<usize>(), lines.len());
    }
}
