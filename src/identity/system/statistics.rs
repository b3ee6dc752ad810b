//! Statistics over time: counts that are collected in memory as things happen and written once a
//! minute, and their reader. A power failure loses at most the last minute; nothing is ever counted
//! by reading through accounts or records.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::error::{Error, Result};
use crate::identity::Core;
use crate::model::Time;
use crate::model::series::{Series, day_of_hour, hour_of};
use crate::store;
use crate::store::tables::activity::{CountUnit, SpanCount};

/// How long counts by hour are kept.
pub(in crate::identity) const HOURS_KEPT: Duration = Duration::from_hours(35 * 24);
/// How long counts by day are kept; months and years are their sums.
pub(in crate::identity) const DAYS_KEPT: Duration = Duration::from_hours(3660 * 24);
/// How long it is kept when an account was last active: longer than a year, in which it counts once.
pub(in crate::identity) const ACTIVITY_KEPT: Duration = Duration::from_hours(400 * 24);

/// Writes what was counted since the last call. Counts that could not be written stay for the next
/// call.
///
/// # Errors
/// `Unavailable`.
pub async fn write(core: &Core) -> Result<()> {
    let hashing = core.hashing.vitals();
    let waited = u64::try_from(hashing.waited.as_millis()).unwrap_or(u64::MAX);
    let hashing = [(Series::Hashes, hashing.hashed), (Series::HashWaitMillis, waited)];
    let counts = core.metrics.take_counts(&hashing, core.env.now());
    if counts.is_empty() {
        return Ok(());
    }
    let written = counts.clone();
    let done = core.store.write(move |db| store::tables::activity::add(db, &written)).await;
    if done.is_err() {
        core.metrics.give_back(counts);
    }
    done
}

/// The length of the periods of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartStep {
    Hour,
    Day,
    Month,
    Year,
}

impl ChartStep {
    /// The series whose counts add up over periods of this length. Of the active accounts only one
    /// does: an account is counted once in each.
    pub fn series(self) -> impl Iterator<Item = Series> {
        let active = self.active();
        Series::ALL.iter().copied().filter(move |series| {
            let others =
                [Series::ActiveHour, Series::ActiveDay, Series::ActiveMonth, Series::ActiveYear];
            *series == active || !others.contains(series)
        })
    }

    /// The series of accounts that were active in a period.
    #[must_use]
    pub fn active(self) -> Series {
        match self {
            ChartStep::Hour => Series::ActiveHour,
            ChartStep::Day => Series::ActiveDay,
            ChartStep::Month => Series::ActiveMonth,
            ChartStep::Year => Series::ActiveYear,
        }
    }

    /// How many periods a chart has if nothing else is asked for.
    #[must_use]
    pub fn usual_periods(self) -> u16 {
        match self {
            ChartStep::Hour => 24,
            ChartStep::Day => 30,
            ChartStep::Month => 12,
            ChartStep::Year => 5,
        }
    }

    /// The most periods that there can be counts for.
    #[must_use]
    pub fn most_periods(self) -> u16 {
        match self {
            ChartStep::Hour => 35 * 24,
            ChartStep::Day => 3660,
            ChartStep::Month => 120,
            ChartStep::Year => 10,
        }
    }
}

/// Counts by period, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsChart {
    /// The first moment of each period in UTC, oldest first. The last period is the current one.
    pub periods: Vec<Time>,
    /// The counts of each series, one per period.
    pub series: Vec<(Series, Vec<i64>)>,
}

impl StatisticsChart {
    /// The counts of a series; empty if it does not add up over these periods.
    #[must_use]
    pub fn of(&self, series: Series) -> &[i64] {
        self.series.iter().find(|(one, _)| *one == series).map_or(&[], |(_, counts)| counts)
    }
}

/// Reads the counts of the last periods, including the current one. The last minute may be missing.
///
/// # Errors
/// `Unavailable`.
pub async fn read(core: &Core, step: ChartStep, periods: u16) -> Result<StatisticsChart> {
    let periods = periods.clamp(1, step.most_periods());
    let begins = beginnings(core.env.now(), step, periods)?;
    let unit = if step == ChartStep::Hour { CountUnit::Hour } else { CountUnit::Day };
    let number = |time: &Time| match unit {
        CountUnit::Hour => hour_of(*time),
        CountUnit::Day => day_of_hour(hour_of(*time)),
    };
    let starts: Vec<i64> = begins.iter().map(number).collect();
    let series = core
        .store
        .scan(move |db| {
            let from = starts.first().copied().unwrap_or(0);
            let counts = store::tables::activity::read_since(db, unit, from)?;
            Ok(step.series().map(|series| (series, summed(&starts, series, &counts))).collect())
        })
        .await?;
    Ok(StatisticsChart { periods: begins, series })
}

/// What each limit refused, by the names of their series.
#[derive(Debug, Clone, Default)]
pub struct RefusalTotals {
    /// Since the current hour began.
    pub hour: BTreeMap<String, i64>,
    /// In 24 hours, the current one included.
    pub day: BTreeMap<String, i64>,
    /// In 30 days, the current one included.
    pub month: BTreeMap<String, i64>,
}

/// Reads what each limit refused. The last minute may be missing.
///
/// # Errors
/// `Unavailable`.
pub async fn refusals(core: &Core) -> Result<RefusalTotals> {
    let hour = hour_of(core.env.now());
    core.store
        .scan(move |db| {
            let mut totals = RefusalTotals::default();
            for count in store::tables::activity::refusals_since(db, CountUnit::Hour, hour - 23)? {
                if count.begins == hour {
                    *totals.hour.entry(count.series.clone()).or_default() += count.count;
                }
                *totals.day.entry(count.series).or_default() += count.count;
            }
            let since = day_of_hour(hour) - 29;
            for count in store::tables::activity::refusals_since(db, CountUnit::Day, since)? {
                *totals.month.entry(count.series).or_default() += count.count;
            }
            Ok(totals)
        })
        .await
}

/// Adds the counts of a series up by the periods that begin at `starts`.
fn summed(starts: &[i64], series: Series, counts: &[SpanCount]) -> Vec<i64> {
    let mut sums = vec![0; starts.len()];
    for SpanCount { begins, count, .. } in counts.iter().filter(|one| one.series == series.as_str())
    {
        let after = starts.partition_point(|start| start <= begins);
        if let Some(sum) = after.checked_sub(1).and_then(|period| sums.get_mut(period)) {
            *sum += count;
        }
    }
    sums
}

/// When the last periods began, oldest first.
fn beginnings(now: Time, step: ChartStep, periods: u16) -> Result<Vec<Time>> {
    let today = Timestamp::from_millisecond(now.millis())
        .map_err(Error::internal)?
        .to_zoned(TimeZone::UTC)
        .date();
    let back = |from: Date, span: Span| {
        let date = from.checked_sub(span).map_err(Error::internal)?;
        let midnight = date.to_zoned(TimeZone::UTC).map_err(Error::internal)?;
        Ok(Time::from_millis(midnight.timestamp().as_millisecond()))
    };
    let begin = |ago: i64| match step {
        ChartStep::Hour => {
            let hour = hour_of(now).saturating_sub(ago);
            Ok(Time::from_seconds(hour.saturating_mul(3600)))
        }
        ChartStep::Day => back(today, Span::new().days(ago)),
        ChartStep::Month => back(today.first_of_month(), Span::new().months(ago)),
        ChartStep::Year => back(today.first_of_year(), Span::new().years(ago)),
    };
    (0..i64::from(periods)).rev().map(begin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_the_calendars_lines() {
        let now = Time::from_seconds(1_772_366_400 + 3 * 3600 + 7); // 2026-03-01T15:00:07Z
        assert_eq!(now.to_seconds_text(), "2026-03-01T15:00:07Z");
        for (step, expected) in [
            (ChartStep::Hour, ["2026-03-01T14:00:00Z", "2026-03-01T15:00:00Z"]),
            (ChartStep::Day, ["2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"]),
            (ChartStep::Month, ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]),
            (ChartStep::Year, ["2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
        ] {
            let begins = beginnings(now, step, 2).unwrap();
            assert_eq!(
                begins.iter().map(|time| time.to_seconds_text()).collect::<Vec<_>>(),
                expected
            );
        }
    }

    #[test]
    fn a_count_belongs_to_the_period_that_began_last() {
        let count = |series: Series, begins, count| SpanCount {
            series: series.as_str().to_owned(),
            begins,
            count,
        };
        let mut counts = vec![count(Series::SignUps, 10, 100)];
        for (begins, number) in [(9, 1), (10, 2), (19, 3), (30, 5), (99, 7)] {
            counts.push(count(Series::Logins, begins, number));
        }
        assert_eq!(summed(&[10, 20, 30], Series::Logins, &counts), [5, 0, 12]);
    }

    #[test]
    fn each_step_has_one_series_of_active_accounts() {
        for step in [ChartStep::Hour, ChartStep::Day, ChartStep::Month, ChartStep::Year] {
            let active: Vec<_> =
                step.series().filter(|series| series.as_str().starts_with("active_")).collect();
            assert_eq!(active, [step.active()]);
        }
    }
}
