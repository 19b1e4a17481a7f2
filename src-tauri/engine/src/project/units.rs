//! Lengths of time and amounts of memory, as people write them.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};

/// Longer than anything that a rollout may wait for.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Less memory than the smallest limit that Docker accepts.
const LEAST_MEMORY: u64 = 6 * 1024 * 1024;

const UNITS: [(u64, &str); 6] =
    [(1 << 30, "GiB"), (1_000_000_000, "GB"), (1 << 20, "MiB"), (1_000_000, "MB"), (1 << 10, "KiB"), (1000, "kB")];

/// Reads a length of time such as `10s`, `1m30s` or `500ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text.trim().parse::<f64>().is_ok() {
        return Err("it has no unit".into());
    }
    let parsed = SignedDuration::from_str(text.trim()).map_err(|_| "it is no length of time".to_owned())?;
    let duration = Duration::try_from(parsed).map_err(|_| "it is negative".to_owned())?;
    if duration > LONGEST { Err("it is longer than 30 days".into()) } else { Ok(duration) }
}

/// Reads an amount of memory such as `512MB` or `1GiB`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let amount = bytesize::ByteSize::from_str(text.trim()).map_err(|_| "it is no amount of bytes".to_owned())?.as_u64();
    if amount < LEAST_MEMORY {
        return Err("it is less than 6 MiB".into());
    }
    if i64::try_from(amount).is_err() { Err("it is more than any machine has".into()) } else { Ok(amount) }
}

/// Writes a length of time so that it can be read back.
pub(super) fn duration_text(duration: Duration) -> String {
    match SignedDuration::try_from(duration) {
        Ok(duration) => SpanPrinter::new().spacing(Spacing::None).designator(Designator::Compact).duration_to_string(&duration),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

/// Writes an amount of memory so that it can be read back.
pub(super) fn bytes_text(amount: u64) -> String {
    match UNITS.iter().find(|(unit, _)| amount >= *unit && amount.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", amount / unit),
        None => format!("{amount}B"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, milliseconds) in
            [("10s", 10_000), ("1m30s", 90_000), ("500ms", 500), ("2h", 7_200_000), ("0s", 0), (" 1 min ", 60_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for (text, reason) in [
            ("10", "no unit"),
            ("-5s", "negative"),
            ("5s ago", "negative"),
            ("soon", "no length"),
            ("", "no length"),
            ("9999h", "longer"),
        ] {
            assert!(duration(text).is_err_and(|error| error.contains(reason)), "{text}");
        }
    }

    #[test]
    fn amounts_of_memory_are_read_as_people_write_them() {
        for (text, amount) in [("512MB", 512_000_000), ("1GiB", 1 << 30), ("512 MiB", 512 << 20), ("1.5GB", 1_500_000_000)] {
            assert_eq!(bytes(text), Ok(amount), "{text}");
        }
        for text in ["", "much", "1MB", "-1GB", "12 parsecs", "99999999999GB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(milliseconds in 0_u64..2_592_000_000, amount in LEAST_MEMORY..1 << 50) {
            let length = Duration::from_millis(milliseconds);
            prop_assert_eq!(duration(&duration_text(length)), Ok(length));
            prop_assert_eq!(bytes(&bytes_text(amount)), Ok(amount));
        }

        #[test]
        fn nothing_panics(text in ".{0,12}") {
            let _ = duration(&text);
            let _ = bytes(&text);
        }
    }
}
