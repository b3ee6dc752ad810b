//! Parses values as PostgreSQL, MySQL and JSON write them: booleans, times and lists.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::Time;

/// Numbers from here on are milliseconds. In seconds this one is in the year 5138, in milliseconds
/// in 1973.
const MILLIS_FROM: u64 = 100_000_000_000;

/// Parses a boolean in any of its usual spellings.
pub(in crate::identity) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "1" | "y" | "yes" | "on" | "\u{1}" => Some(true),
        "f" | "false" | "0" | "n" | "no" | "off" | "\u{0}" => Some(false),
        _ => None,
    }
}

/// What a text says about a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum When {
    At(Time),
    /// MySQL's zero date.
    Never,
    Unreadable,
}

/// Parses a point in time. One without an offset is in UTC.
pub(in crate::identity) fn time(text: &str) -> When {
    if text.starts_with("0000-00-00") {
        return When::Never;
    }
    let read = match text.parse::<i64>() {
        Ok(number) if number.unsigned_abs() < MILLIS_FROM => Timestamp::from_second(number),
        Ok(number) => Timestamp::from_millisecond(number),
        Err(_) => text.parse::<Timestamp>().or_else(|_| {
            text.parse::<DateTime>()
                .and_then(|civil| civil.to_zoned(TimeZone::UTC))
                .map(|at| at.timestamp())
        }),
    };
    read.map_or(When::Unreadable, |at| When::At(Time::from_millis(at.as_millisecond())))
}

/// Parses a list: `{a,b}`, `["a","b"]`, or `a,b`.
pub(in crate::identity) fn list(text: &str) -> Vec<String> {
    let inner = text.trim_matches(|c| matches!(c, '{' | '}' | '[' | ']'));
    let parts = inner.split(',').map(|part| part.trim().trim_matches('"').to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// A text of a row as it may be shown: one line of limited length.
pub(in crate::identity) fn printable(text: &str) -> String {
    text.chars().filter(|c| !crate::model::text::is_control(*c)).take(50).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_maker_are_one_time() {
        for text in [
            "2023-12-01T09:00:00.500Z",
            "2023-12-01 09:00:00.5",
            "2023-12-01 09:00:00.500000+00",
            "2023-12-01 11:00:00.5+02",
            "2023-12-01T09:00:00.500000+00:00",
            "1701421200500",
        ] {
            assert_eq!(time(text), When::At(Time::from_millis(1_701_421_200_500)), "{text}");
        }
        assert_eq!(time("1701421200"), When::At(Time::from_seconds(1_701_421_200)));
        assert_eq!(time("2023-12-01"), When::At(Time::from_seconds(1_701_388_800)));
        assert_eq!(time("0000-00-00 00:00:00"), When::Never);
        for text in ["yesterday", "2023-13-01", "9223372036854775807"] {
            assert_eq!(time(text), When::Unreadable, "{text}");
        }
    }

    #[test]
    fn yes_and_no_and_lists_are_read_in_each_spelling() {
        assert_eq!(
            (truth("T"), truth("0"), truth("TRUE"), truth("maybe")),
            (Some(true), Some(false), Some(true), None)
        );
        for text in ["{user,admin}", r#"["user", "admin"]"#, "user, admin", r#"{"user","admin"}"#] {
            assert_eq!(list(text), ["user", "admin"], "{text}");
        }
        assert_eq!(list("{}"), Vec::<String>::new());
    }
}
