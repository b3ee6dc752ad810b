//! Human-readable durations: `15m`, `30 days`, `1h30m`.

use std::fmt::Write;
use std::time::Duration;

/// The allowed form, for error messages.
pub(in crate::config) const FORM: &str = "a duration like 90s, 15m, 1h30m or 30 days";

/// The longest duration of any setting, in milliseconds: a hundred years.
const LONGEST: u64 = 100 * 365 * 86_400 * 1000;

/// Parses a duration. Every number needs a unit.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut millis: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        millis = millis.checked_add(number.checked_mul(unit(&after[..letters])?)?)?;
        rest = after[letters..].trim_start();
    }
    (millis <= LONGEST).then(|| Duration::from_millis(millis))
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ms" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "second" | "seconds" => 1000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        _ => return None,
    })
}

/// Formats a duration so that [`parse`] reads it.
pub(in crate::config) fn to_text(span: Duration) -> String {
    let mut millis = span.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    {
        if millis >= size {
            let _ = write!(text, "{}{name}", millis / size);
            millis %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("15m", 900),
            ("30 days", 2_592_000),
            ("30d", 2_592_000),
            ("1h30m", 5400),
            ("1 h 30 min", 5400),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for bad in [
            "",
            "15",
            "m",
            "15 parsecs",
            "-1s",
            "1.5h",
            "99999999999999999999s",
            "200000d",
            "1h,2m",
            "15M",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for text in ["15m", "1h30m", "30d", "1d1h1m1s1ms", "0s"] {
            assert_eq!(to_text(parse(text).unwrap()), text);
        }
    }
}
