//! Times, ages and sizes.

use nonevent_cli::words::{age, between, bytes, counted, duration};

#[test]
fn durations() {
    let expected = [
        (0, "0.0 s"),
        (49, "0.0 s"),
        (400, "0.4 s"),
        (12_345, "12.3 s"),
        (59_949, "59.9 s"),
        (59_950, "1m 00s"),
        (125_400, "2m 05s"),
        (3_599_400, "59m 59s"),
        (3_599_500, "1h 00m"),
        (3_720_000, "1h 02m"),
        (u64::MAX, "5124095576030h 25m"),
    ];
    for (milliseconds, text) in expected {
        assert_eq!(duration(milliseconds), text, "{milliseconds}");
    }
}

#[test]
fn ages() {
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let expected = [
        ("2026-11-23T09:59:58Z", "now"),
        ("2026-11-23T10:00:30Z", "now"),
        ("2026-11-23T09:59:15Z", "45 s"),
        ("2026-11-23T09:55:00.250Z", "5 min"),
        ("2026-11-23T09:55:01Z", "4 min"),
        ("2026-11-23T07:00:00+00:00", "3 h"),
        ("2026-11-21T10:00:00Z", "2 d"),
        ("2026-08-01T10:00:00Z", "2026-08-01"),
        ("yesterday", "yesterday"),
    ];
    for (at, text) in expected {
        assert_eq!(age(at, now), text, "{at}");
    }
}

#[test]
fn spans() {
    assert_eq!(between("2026-11-23T10:00:00Z", "2026-11-23T10:00:01.5Z"), Some(1500));
    assert_eq!(between("2026-11-23T10:00:01Z", "2026-11-23T10:00:00Z"), None);
    assert_eq!(between("then", "2026-11-23T10:00:00Z"), None);
}

#[test]
fn sizes() {
    let expected = [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (18_400_000, "18.4 MB"),
        (999_960, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (u64::MAX, "18446.7 PB"),
    ];
    for (count, text) in expected {
        assert_eq!(bytes(count), text, "{count}");
    }
}

#[test]
fn counts() {
    assert_eq!(counted(1, "finding"), "1 finding");
    assert_eq!(counted(0, "finding"), "0 findings");
}
