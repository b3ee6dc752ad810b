//! What is counted by hour and by day and kept for years: the figures of `authd stats`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::barrier::Barrier;
use super::event::{Event, EventOutcome, What};
use super::time::Time;

const HOUR: i64 = 3_600_000;
const HOURS_OF_DAY: i64 = 24;

/// Declares the series with their names in the database.
macro_rules! series {
    ($($(#[$doc:meta])* $series:ident = $name:literal,)*) => {
        /// Something that is counted as it happens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Series {
            $($(#[$doc])* $series,)*
            /// What this limit refused, of [`Series::LimitsHit`]. Charts have only all of them together.
            Refused(Barrier),
        }

        impl Series {
            /// The series of charts.
            pub const ALL: &[Series] = &[$(Series::$series),*];

            /// The name in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Series::$series => $name,)*
                    Series::Refused(barrier) => barrier.series(),
                }
            }
        }
    };
}

series! {
    /// Accounts that people, administrators or the command line created, without imports.
    SignUps = "sign_ups",
    Logins = "logins",
    /// Refused logins: wrong passwords, unknown names, suspended and unverified accounts.
    LoginsRefused = "logins_refused",
    /// Wrong second factors and one-time codes.
    FactorsRefused = "factors_refused",
    /// Names and accounts that were closed after failures.
    Lockouts = "lockouts",
    /// Requests that a limit refused.
    LimitsHit = "limits_hit",
    /// Refresh tokens that two parties used.
    RefreshThefts = "refresh_thefts",
    PasswordResets = "password_resets",
    Deletions = "deletions",
    /// Accounts that logged in or refreshed a session in the hour; each counts once.
    ActiveHour = "active_hour",
    /// As [`Series::ActiveHour`], once a UTC day.
    ActiveDay = "active_day",
    /// Once a month.
    ActiveMonth = "active_month",
    /// Once a year.
    ActiveYear = "active_year",
    MailDelivered = "mail_delivered",
    /// Mail that was refused permanently or given up.
    MailFailed = "mail_failed",
    TextsDelivered = "texts_delivered",
    TextsFailed = "texts_failed",
    /// Answered HTTP requests.
    Requests = "requests",
    /// Requests answered with a status of 500 or above.
    ServerErrors = "server_errors",
    /// Milliseconds that the answered requests took, all together.
    RequestMillis = "request_millis",
    /// Password hashes that were computed.
    Hashes = "hashes",
    /// Milliseconds that they had waited for a thread, all together.
    HashWaitMillis = "hash_wait_millis",
}

impl Series {
    /// The series that a recorded event counts for.
    #[must_use]
    pub fn of_event(event: &Event) -> Option<Series> {
        Some(match (event.what, event.outcome) {
            (What::SignUp | What::AccountCreated, EventOutcome::Done) => Series::SignUps,
            (What::Login, EventOutcome::Done) => Series::Logins,
            (What::Login, EventOutcome::Refused) => Series::LoginsRefused,
            (What::FactorShown | What::CodeShown, EventOutcome::Refused) => Series::FactorsRefused,
            (What::Lockout | What::PasswordClosed | What::FactorClosed, _) => Series::Lockouts,
            (What::RefreshReused, _) => Series::RefreshThefts,
            (What::PasswordReset, EventOutcome::Done) => Series::PasswordResets,
            (What::Deleted, EventOutcome::Done) => Series::Deletions,
            _ => return None,
        })
    }

    /// The series that an account counts for that is active in this hour, and was last in that one.
    pub fn of_activity(hour: i64, last: Option<i64>) -> impl Iterator<Item = Series> {
        let (year, month) = month_of_hour(hour);
        let before = last.map(month_of_hour);
        let is_first = [
            (Series::ActiveHour, last != Some(hour)),
            (Series::ActiveDay, last.map(day_of_hour) != Some(day_of_hour(hour))),
            (Series::ActiveMonth, before != Some((year, month))),
            (Series::ActiveYear, before.map(|(year, _)| year) != Some(year)),
        ];
        is_first.into_iter().filter(|(_, is_first)| *is_first).map(|(series, _)| series)
    }
}

/// How much of a series was counted in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount {
    pub series: Series,
    /// Hours since 1970.
    pub hour: i64,
    pub count: i64,
}

/// The hour of a time, in hours since 1970.
#[must_use]
pub fn hour_of(at: Time) -> i64 {
    at.millis().div_euclid(HOUR)
}

/// The day of an hour, in days since 1970.
#[must_use]
pub fn day_of_hour(hour: i64) -> i64 {
    hour.div_euclid(HOURS_OF_DAY)
}

/// The UTC year and month of an hour.
fn month_of_hour(hour: i64) -> (i16, i8) {
    let stamp = Timestamp::from_millisecond(hour.saturating_mul(HOUR)).unwrap_or_default();
    let date = stamp.to_zoned(TimeZone::UTC).date();
    (date.year(), date.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30 23:00 UTC, in hours since 1970.
    const LAST_OF_NOVEMBER: i64 = 498_911;

    #[test]
    fn an_account_counts_once_for_each_span() {
        let counted = |hour, last| Series::of_activity(hour, last).collect::<Vec<_>>();
        let all = [Series::ActiveHour, Series::ActiveDay, Series::ActiveMonth, Series::ActiveYear];
        let hour = LAST_OF_NOVEMBER;
        assert_eq!(month_of_hour(hour), (2026, 11));
        assert_eq!(counted(hour, None), all);
        assert_eq!(counted(hour, Some(hour)), []);
        assert_eq!(counted(hour, Some(hour - 1)), all[..1]);
        assert_eq!(counted(hour, Some(hour - 24)), all[..2]);
        assert_eq!(counted(hour + 1, Some(hour)), all[..3], "the next hour is in December");
        assert_eq!(counted(hour + 1, Some(hour - 365 * 24)), all);
    }

    #[test]
    fn every_name_is_its_own() {
        let names: std::collections::BTreeSet<_> =
            Series::ALL.iter().map(|series| series.as_str()).collect();
        assert_eq!(names.len(), Series::ALL.len());
    }
}
