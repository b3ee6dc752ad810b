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
    /// The totals of requests and of server errors that are already counted.
    requests: Mutex<(u64, u64)>,
}

impl Tally {
    pub(super) fn add(&self, series: Series, at: Time, count: i64) {
        self.add_to_hour(HourCount { series, hour: hour_of(at), count });
    }

    pub(super) fn add_to_hour(&self, HourCount { series, hour, count }: HourCount) {
        *lock(&self.counts).entry((series, hour)).or_default() += count;
    }

    /// Counts the requests since the last call for the current hour.
    pub(super) fn add_requests(&self, (answered, failed): (u64, u64), now: Time) {
        let mut counted = lock(&self.requests);
        let [new, new_failed] = [answered - counted.0, failed - counted.1]
            .map(|more| i64::try_from(more).unwrap_or(i64::MAX));
        *counted = (answered, failed);
        for (series, count) in [(Series::Requests, new), (Series::ServerErrors, new_failed)] {
            if count > 0 {
                self.add(series, now, count);
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
