//! What happened since it was last written to the database, by series and hour. Counting takes a
//! lock for a moment and writes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::Time;
use crate::model::series::{HourCount, Series, hour_of};

/// Counts that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Mutex<BTreeMap<(Series, i64), i64>>,
    /// The totals that are already counted, of those that are counted elsewhere.
    totals: Mutex<BTreeMap<Series, u64>>,
}

impl Tally {
    pub(super) fn add(&self, series: Series, at: Time, count: i64) {
        self.add_to_hour(HourCount { series, hour: hour_of(at), count });
    }

    pub(super) fn add_to_hour(&self, HourCount { series, hour, count }: HourCount) {
        *lock(&self.counts).entry((series, hour)).or_default() += count;
    }

    /// Counts what was added to these totals since the last call for the current hour.
    pub(super) fn add_totals(&self, totals: &[(Series, u64)], now: Time) {
        let mut counted = lock(&self.totals);
        for (series, total) in totals {
            let before = counted.insert(*series, *total).unwrap_or(0);
            let more = i64::try_from(total.saturating_sub(before)).unwrap_or(i64::MAX);
            if more > 0 {
                self.add(*series, now, more);
            }
        }
    }

    /// Takes everything, in a fixed order.
    pub(super) fn take(&self) -> Vec<HourCount> {
        let counts = std::mem::take(&mut *lock(&self.counts));
        let count = |((series, hour), count)| HourCount { series, hour, count };
        counts.into_iter().map(count).collect()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_total_what_was_added_since_is_counted() {
        let (tally, now) = (Tally::default(), Time::from_millis(0));
        let counted = || {
            let counts = tally.take();
            counts.iter().map(|count| (count.series, count.count)).collect::<Vec<_>>()
        };
        tally.add_totals(&[(Series::Hashes, 3), (Series::Requests, 0)], now);
        assert_eq!(counted(), [(Series::Hashes, 3)]);
        tally.add_totals(&[(Series::Hashes, 3), (Series::Requests, 2)], now);
        tally.add_totals(&[(Series::Hashes, 8)], now);
        assert_eq!(counted(), [(Series::Requests, 2), (Series::Hashes, 5)]);
    }
}
