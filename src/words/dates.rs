//! Days, times and numbers as a language writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::generated::Words;
use super::text::Text;
use crate::model::Time;

impl Words {
    /// A day, such as `1 December 2023`, in UTC.
    #[must_use]
    pub fn date(&self, time: Time) -> String {
        self.day_of(civil(time))
    }

    /// A time, such as `1 December 2023, 09:00 UTC`.
    #[must_use]
    pub fn date_time(&self, time: Time) -> String {
        let at = civil(time);
        let clock = format!("{:02}:{:02}", at.hour(), at.minute());
        self.dates.date_time(self.day_of(at), clock)
    }

    fn day_of(&self, at: DateTime) -> String {
        let day = match at.day() {
            1 => self.dates.first_day.to_string(),
            day => day.to_string(),
        };
        self.dates.date(day, self.month(at.month()), at.year())
    }

    fn month(&self, number: i8) -> &Text {
        let names = &self.dates;
        match number {
            1 => &names.january,
            2 => &names.february,
            3 => &names.march,
            4 => &names.april,
            5 => &names.may,
            6 => &names.june,
            7 => &names.july,
            8 => &names.august,
            9 => &names.september,
            10 => &names.october,
            11 => &names.november,
            _ => &names.december,
        }
    }

    /// A number with its digits in groups of three, such as `12,345`.
    #[must_use]
    pub fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        if number < self.numbers.group_from.parse().unwrap_or(u64::MAX) {
            return digits;
        }
        let mut out = String::with_capacity(digits.len() * 2);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push_str(&self.numbers.group);
            }
            out.push(digit);
        }
        out
    }
}

fn civil(time: Time) -> DateTime {
    let stamp = Timestamp::from_millisecond(time.millis()).unwrap_or_default();
    stamp.to_zoned(TimeZone::UTC).datetime()
}

#[cfg(test)]
mod tests {
    use super::super::{Translation, built_in};
    use super::*;

    /// 1 December 2023, 09:00:00.987 UTC
    const FIRST: i64 = 1_701_421_200_987;

    fn written(write: impl Fn(Translation<'static>) -> String) -> String {
        let mut languages: Vec<_> = built_in().collect();
        languages.sort_by_key(|language| language.tag);
        let lines = languages.into_iter().map(|words| format!("{}: {}", words.tag, write(words)));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn dates_are_written_as_each_language_writes_them() {
        insta::assert_snapshot!(written(|words| {
            let (first, later) = (Time::from_millis(FIRST), Time::from_millis(FIRST * 101 / 100));
            format!("{} | {}", words.date_time(first), words.date(later))
        }));
    }

    #[test]
    fn numbers_are_grouped_as_each_language_groups_them() {
        insta::assert_snapshot!(written(|words| {
            [0, 999, 1000, 12_345, 1_234_567].map(|number| words.number(number)).join(" ")
        }));
    }
}
