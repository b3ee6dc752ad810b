//! Counts over time: the request's parameter, the response, and its conversion.

use poem_openapi::{Enum, Object};

use crate::identity::system::statistics::{ChartStep, StatisticsChart};

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum PeriodLength {
    /// Kept for 35 days.
    Hour,
    /// Kept for 10 years, as months and years.
    Day,
    Month,
    Year,
}

impl From<PeriodLength> for ChartStep {
    fn from(length: PeriodLength) -> Self {
        match length {
            PeriodLength::Hour => Self::Hour,
            PeriodLength::Day => Self::Day,
            PeriodLength::Month => Self::Month,
            PeriodLength::Year => Self::Year,
        }
    }
}

/// Counts over time.
#[derive(Debug, Object)]
pub struct ActivityCounts {
    /// The first moment of each period, oldest first. The last period is the current one.
    pub periods: Vec<String>,
    /// What is counted.
    pub series: Vec<ActivitySeries>,
}

/// The counts of one series.
#[derive(Debug, Object)]
pub struct ActivitySeries {
    /// What it counts, such as `logins` or `mail_failed`.
    pub name: String,
    /// One count per period.
    pub counts: Vec<i64>,
}

/// Converts counts.
pub(super) fn shown(statistics: StatisticsChart) -> ActivityCounts {
    let series = statistics.series.into_iter();
    ActivityCounts {
        periods: statistics.periods.iter().map(|time| time.to_seconds_text()).collect(),
        series: series
            .map(|(series, counts)| ActivitySeries { name: series.as_str().to_owned(), counts })
            .collect(),
    }
}

super::super::types::answers! {
    /// Counts over time.
    ActivityAnswer(ActivityCounts);
}
