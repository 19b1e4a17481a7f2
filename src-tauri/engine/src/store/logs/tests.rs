#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::logs::{Cursor, Filter, Joined, Joiner, Line};
use crate::model::{EnvironmentName, Instance, InstanceState, LogStream};

const BUDGET: u64 = 512_000_000;

struct Kept {
    store: LogStore,
    _folder: tempfile::TempDir,
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    Kept { store: LogStore::open(folder.path(), &"shop".into()).unwrap(), _folder: folder }
}

fn local() -> EnvironmentName {
    "local".into()
}

fn source(instance: &str, release: &str) -> Source {
    let instance = Instance {
        id: instance.into(),
        name: format!("shop-local-web-{instance}"),
        process: "web".into(),
        release: release.into(),
        rollout: "r".into(),
        address: None,
        state: InstanceState::Running,
        restarts: 0,
        started_at: None,
        serving: true,
    };
    Source { environment: local(), instance, stream: LogStream::Stderr }
}

fn joined(lines: &[(i64, String)]) -> Vec<Joined> {
    let (mut joiner, mut out) = (Joiner::default(), Vec::new());
    for (at, text) in lines {
        joiner.push(Line { at: *at, text: text.clone() }, &mut out);
    }
    joiner.flush(&mut out);
    out
}

/// Keeps lines after whatever was kept of the source.
fn append(store: &LogStore, source: &Source, lines: &[(i64, String)]) {
    append_within(store, source, lines, BUDGET);
}

fn append_within(store: &LogStore, source: &Source, lines: &[(i64, String)], budget: u64) {
    let records = joined(lines);
    let to = Cursor { at: lines.last().unwrap().0, count: 1 };
    let batch = Batch { source, after: store.cursor(source).unwrap(), to, records: &records, budget };
    match store.append(&batch).unwrap() {
        Appended::Kept { .. } => {}
        Appended::Moved(to) => panic!("nobody else reads, but it moved to {to:?}"),
    }
}

fn numbered(from: i64, count: i64) -> Vec<(i64, String)> {
    (from..from + count).map(|n| (n, format!(r#"{{"event": "line", "level": "info", "n": {n}}}"#))).collect()
}

fn found(store: &LogStore, filter: &str, limit: usize) -> Vec<String> {
    let kept = store.search(&local(), &Filter::read(filter).unwrap(), None, limit).unwrap();
    kept.records.into_iter().map(|record| record.text).collect()
}

#[test]
fn pages_hold_every_record_once_from_the_newest_to_the_oldest() {
    let kept = kept();
    for step in 0..12 {
        append(&kept.store, &source("a", "r1"), &numbered(step * 1000, 1000));
    }
    let (mut numbers, mut before) = (Vec::new(), None);
    loop {
        let page = kept.store.search(&local(), &Filter::default(), before, 777).unwrap();
        numbers.extend(page.records.iter().map(|record| record.fields[0].value.parse::<i64>().unwrap()));
        match page.next {
            Some(next) => before = Position::read(&next.to_string()),
            None => break,
        }
    }
    assert_eq!(numbers, (0..12_000).rev().collect::<Vec<_>>());
    let reach = kept.store.reach(&local()).unwrap();
    assert_eq!(reach.last.as_deref(), Some("1970-01-01T00:00:00.000011999Z"));
}

#[test]
fn whoever_comes_second_keeps_nothing_and_learns_where_to_go_on() {
    let kept = kept();
    let source = source("a", "r1");
    let records = joined(&numbered(0, 10));
    let to = Cursor { at: 9, count: 1 };
    let batch = Batch { source: &source, after: None, to, records: &records, budget: BUDGET };
    assert!(matches!(kept.store.append(&batch).unwrap(), Appended::Kept { .. }));
    assert_eq!(kept.store.append(&batch).unwrap(), Appended::Moved(Some(to)));
    assert_eq!(found(&kept.store, "", 100).len(), 10);
    // The other stream of the same instance has a place of its own.
    let other = Source { stream: LogStream::Stdout, ..source };
    assert_eq!(kept.store.cursor(&other).unwrap(), None);
}

#[test]
fn what_is_asked_for_is_found_and_nothing_else() {
    let kept = kept();
    append(&kept.store, &source("a", "3f2a91"), &numbered(0, 5000));
    let lines = [
        r#"{"event": "refused", "level": "error", "status": 500, "path": "/Orders"}"#,
        r#"{"event": "slow", "level": "warning", "status": 200}"#,
        "just words, 500 of them",
    ];
    let lines: Vec<(i64, String)> = (6000..).zip(lines.map(str::to_owned)).collect();
    append(&kept.store, &source("b", "77aa00"), &lines);
    let count = |filter: &str| found(&kept.store, filter, 10_000).len();
    assert_eq!((count("level>=warning"), count("level=warning"), count("level>=info")), (2, 1, 5002));
    assert_eq!((count("status=500"), count("/orders"), count("REFUSED /orders"), count("\"no such\"")), (1, 1, 1, 0));
    assert_eq!((count("release:77"), count("release:3f"), count("instance:web-b"), count("process:worker")), (3, 5000, 3, 0));
    assert_eq!(
        (count("n=4711"), count("n=47110"), count("500")),
        (1, 0, 2 + (0..5000).filter(|n| n.to_string().contains("500")).count())
    );
    let until = |from, to| {
        let at = |n| Some(Timestamp::from_nanosecond(n).unwrap());
        let filter = Filter { since: at(from), until: at(to), ..Filter::default() };
        kept.store.search(&local(), &filter, None, 10_000).unwrap().records.len()
    };
    assert_eq!((until(0, 9), until(4990, 6000)), (10, 11));
}

#[test]
fn a_full_disk_keeps_all_or_nothing_and_goes_on_where_it_was() {
    let kept = kept();
    let source = source("a", "r1");
    append(&kept.store, &source, &numbered(0, 5000));
    let before = kept.store.cursor(&source).unwrap();
    let pages: i64 = kept.store.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    // To SQLite this is what a full disk is.
    kept.store.connection().pragma_update(None, "max_page_count", pages + 2).unwrap();
    let noise: Vec<_> =
        (5000..20_000_i64).map(|n| (n, format!("{:016x}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)))).collect();
    let records = joined(&noise);
    let to = Cursor { at: 19_999, count: 1 };
    let batch = Batch { source: &source, after: before, to, records: &records, budget: BUDGET };
    let error = kept.store.append(&batch).unwrap_err();
    assert!(error.to_string().contains("full") && error.hint().unwrap().contains("disk space"), "{error}");
    assert_eq!((kept.store.cursor(&source).unwrap(), found(&kept.store, "", 100_000).len()), (before, 5000));
    kept.store.connection().pragma_update(None, "max_page_count", 1_000_000).unwrap();
    assert!(matches!(kept.store.append(&batch).unwrap(), Appended::Kept { .. }));
    assert_eq!(found(&kept.store, "", 100_000).len(), 20_000);
    let sound: String = kept.store.connection().pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn the_oldest_go_when_there_is_too_much() {
    let kept = kept();
    let source = source("a", "r1");
    // Numbers that nothing can compress.
    let noise = |n: i64| {
        (
            n,
            format!(
                "{:x}",
                u128::from_be_bytes([n as u8; 16]) ^ (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            ),
        )
    };
    let budget = 2_000_000;
    for step in 0..60 {
        let lines: Vec<_> = (step * 2048..(step + 1) * 2048).map(noise).collect();
        append_within(&kept.store, &source, &lines, budget);
        assert!(kept.store.bytes().unwrap() <= budget, "after {step}: {}", kept.store.bytes().unwrap());
    }
    let newest = found(&kept.store, "", 1);
    assert_eq!(newest, [noise(60 * 2048 - 1).1]);
    let reach = kept.store.reach(&local()).unwrap();
    assert!(reach.first.unwrap().as_str() > "1970-01-01T00:00:00.000010000Z");
}

#[test]
fn exceptions_are_grouped_and_new_ones_are_told_once() {
    let kept = kept();
    let traceback = |line: u32, function: &str| {
        let text =
            format!("Traceback (most recent call last):\n  File \"/app/a.py\", line {line}, in {function}\nValueError: {line}");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let at = |at: i64, lines: Vec<String>| lines.into_iter().map(|line| (at, line)).collect::<Vec<_>>();
    let news = || kept.store.news(&local()).unwrap();
    append(&kept.store, &source("a", "r1"), &at(1, traceback(3, "f")));
    append(&kept.store, &source("b", "r2"), &at(2, traceback(4, "f")));
    let found = news();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].at, found[0].release.as_str(), found[0].exception.frames[0].line), (1, "r1", 3));
    assert_eq!(news(), found, "it is news until people were told");
    kept.store.note_told(&local(), &found[0].exception.fingerprint).unwrap();
    append(&kept.store, &source("b", "r2"), &at(3, traceback(9, "g")));
    append(&kept.store, &source("c", "r3"), &at(4, traceback(5, "f")));
    let found = news();
    assert_eq!((found.len(), found[0].at), (1, 3));
    let groups = kept.store.exceptions(&local(), 0).unwrap();
    let brief: Vec<_> =
        groups.iter().map(|group| (group.count, group.is_new, group.releases.len(), group.frames[0].line)).collect();
    assert_eq!(brief, [(3, false, 3, 5), (1, false, 1, 9)]);
    assert!(groups[0].example.ends_with("ValueError: 5"));
    // What an older instance said is read late: it is not the last, and the only example.
    append(&kept.store, &source("d", "r0"), &at(0, traceback(6, "f")));
    assert!(kept.store.exceptions(&local(), 0).unwrap()[0].example.ends_with("ValueError: 6"));
    assert_eq!(news().len(), 1, "people were told of it, whichever release raises it");
    assert_eq!(kept.store.exceptions(&local(), 4).unwrap().len(), 1);
    assert_eq!(kept.store.errors_since(&local(), 0).unwrap(), 5);
}

#[test]
fn a_block_that_rotted_is_said_to_have() {
    let rows: Vec<block::Row> = (0..100)
        .map(|n| block::Row { seq: n, at: -n, source: 3, level: None, stream: LogStream::Stdout, text: format!("ü{n}") })
        .collect();
    let data = block::write(&rows).unwrap();
    let read = block::read(&data).unwrap();
    assert_eq!(
        read.entries.iter().map(|entry| (entry.seq, entry.at, read.text(entry).to_owned())).collect::<Vec<_>>(),
        rows.iter().map(|row| (row.seq, row.at, row.text.clone())).collect::<Vec<_>>()
    );
    assert!(block::read(&data[..data.len() / 2]).is_err());
    assert!(block::read(b"").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_search_finds_what_a_plain_one_finds(
        batches in proptest::collection::vec((0_usize..3, proptest::collection::vec((0_i64..50_000, "[abc]{0,3}"), 1..900)), 1..8),
        needle in "[abc]{0,2}",
        limit in 1_usize..50,
    ) {
        let kept = kept();
        let mut all = Vec::new();
        for (instance, lines) in &batches {
            let source = source(&instance.to_string(), "r");
            let lines: Vec<(i64, String)> = lines.iter().map(|(at, text)| (*at, format!("x{text}"))).collect();
            append(&kept.store, &source, &lines);
            all.extend(lines);
        }
        let mut expected: Vec<(i64, usize, String)> =
            all.into_iter().enumerate().filter(|(_, (_, text))| text.contains(&needle)).map(|(seq, (at, text))| (at, seq, text)).collect();
        expected.sort_by(|a, b| b.cmp(a));
        let (mut texts, mut before) = (Vec::new(), None);
        loop {
            let filter = Filter { texts: vec![needle.clone()], ..Filter::default() };
            let page = kept.store.search(&local(), &filter, before, limit).unwrap();
            texts.extend(page.records.into_iter().map(|record| record.text));
            before = page.next;
            if before.is_none() || texts.len() > 500 {
                break;
            }
        }
        let expected: Vec<String> = expected.into_iter().map(|(_, _, text)| text).take(texts.len().max(500)).collect();
        prop_assert_eq!(&texts[..texts.len().min(expected.len())], &expected[..]);
    }
}
