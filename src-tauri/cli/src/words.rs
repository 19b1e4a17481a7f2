//! Times, ages, sizes and counts in words.

use jiff::Timestamp;

/// Returns a time span as people read it: `0.4 s`, `12.3 s`, `2m 05s`, `1h 02m`.
pub fn duration(milliseconds: u64) -> String {
    // Rounded first, so that 59.96 s becomes `1m 00s` and never `60.0 s`.
    let tenths = milliseconds.saturating_add(50) / 100;
    let seconds = milliseconds.saturating_add(500) / 1000;
    match seconds {
        _ if tenths < 600 => format!("{}.{} s", tenths / 10, tenths % 10),
        0..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Returns how long ago an RFC 3339 time was: `now`, `45 s`, `5 min`, `3 h`, `2 d`, and the date when it is two months or more.
///
/// A text that is no time comes back as it is.
pub fn age(at: &str, now: Timestamp) -> String {
    let Ok(then) = at.parse::<Timestamp>() else { return at.to_owned() };
    let seconds = now.as_second().saturating_sub(then.as_second());
    match seconds {
        ..5 => "now".into(),
        5..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..5_184_000 => format!("{} d", seconds / 86_400),
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// Returns the day and minute of an RFC 3339 time, in UTC: `2026-11-23 10:00 UTC`.
///
/// A text that is no time comes back as it is.
pub fn minute(at: &str) -> String {
    at.parse::<Timestamp>().map_or_else(|_| at.to_owned(), |then| then.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// Returns milliseconds between two RFC 3339 times, none when one is no time or they run backwards.
pub fn between(start: &str, end: &str) -> Option<u64> {
    let start = start.parse::<Timestamp>().ok()?.as_millisecond();
    let end = end.parse::<Timestamp>().ok()?.as_millisecond();
    u64::try_from(end.checked_sub(start)?).ok()
}

/// Returns bytes in decimal units, as container tools write them: `512 B`, `18.4 MB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = "kB";
    for next in UNITS.iter().skip(1) {
        // 999.95 would be printed as 1000.0.
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Returns a number with its noun: `1 finding`, `3 findings`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
