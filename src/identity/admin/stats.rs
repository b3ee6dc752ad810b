//! Statistics for administrators: totals, and completed logins per day and month.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::error::{Error, Result};
use crate::identity::Core;
use crate::store;
use crate::store::tables::stats::day_of;

pub use crate::store::tables::stats::AccountTotals;

/// Totals over all accounts and sessions. Where counting takes long they may be up to a minute old.
///
/// # Errors
/// `Unavailable`.
pub async fn totals(core: &Core) -> Result<AccountTotals> {
    core.counts.totals(&core.store, &core.env).await
}

/// As [`totals`], without waiting where counting takes long: then they are the last ones, or `None` if
/// there are none yet.
///
/// # Errors
/// `Unavailable`.
pub async fn known_totals(core: &Core) -> Result<Option<AccountTotals>> {
    core.counts.known_totals(&core.store, &core.env).await
}

/// Completed logins, including days and months without any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCounts {
    /// The last 30 UTC days, such as `2025-09-29`, oldest first.
    pub daily: Vec<(String, i64)>,
    /// The last 12 months, such as `2025-09`, oldest first.
    pub monthly: Vec<(String, i64)>,
}

/// Completed logins of the last 30 days and 12 months, including today and this month.
///
/// # Errors
/// `Unavailable`.
pub async fn logins(core: &Core) -> Result<LoginCounts> {
    let now = core.env.now();
    let stamp = Timestamp::from_millisecond(now.millis()).map_err(Error::internal)?;
    let today = stamp.to_zoned(TimeZone::UTC).date();
    let counted = core
        .store
        .scan(move |db| store::tables::stats::logins_since(db, day_of(now) - 366))
        .await?;
    let on = |date: Date| -> Result<i64> {
        let day =
            i64::from(date.since(Date::constant(1970, 1, 1)).map_err(Error::internal)?.get_days());
        Ok(counted.iter().find(|(counted, _)| *counted == day).map_or(0, |(_, logins)| *logins))
    };
    let back = |span: Span| today.checked_sub(span).map_err(Error::internal);
    let mut daily = Vec::with_capacity(30);
    for days in (0..30).rev() {
        let date = back(Span::new().days(days))?;
        daily.push((date.strftime("%Y-%m-%d").to_string(), on(date)?));
    }
    let mut monthly = Vec::with_capacity(12);
    for months in (0..12).rev() {
        let first = today
            .first_of_month()
            .checked_sub(Span::new().months(months))
            .map_err(Error::internal)?;
        let mut logins = 0;
        for day in 0..first.days_in_month() {
            logins += on(first.checked_add(Span::new().days(day)).map_err(Error::internal)?)?;
        }
        monthly.push((first.strftime("%Y-%m").to_string(), logins));
    }
    Ok(LoginCounts { daily, monthly })
}
