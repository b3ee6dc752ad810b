//! Counts requests by route and status, and their durations. Each thread has its own counters,
//! which are summed at scrape time. Requests therefore do not contend for a lock or a cache line.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use thread_local::ThreadLocal;

use crate::model::series::Series;

/// From half a millisecond (a token check under load) to ten seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A method and a status.
type MethodStatus = (&'static str, u16);
/// The counters of one thread, by route.
type RouteCounts = HashMap<Arc<str>, HashMap<MethodStatus, Took>>;

/// The counters of all threads.
#[derive(Debug, Default)]
pub(super) struct Requests(ThreadLocal<Mutex<RouteCounts>>);

impl Requests {
    pub(super) fn note(&self, method: &'static str, route: &Arc<str>, status: u16, seconds: f64) {
        let mut counts = lock(self.0.get_or_default());
        let outcome = (method, status);
        match counts.get_mut(route) {
            Some(outcomes) => outcomes.entry(outcome).or_default().note(seconds),
            None => counts
                .entry(Arc::clone(route))
                .or_default()
                .entry(outcome)
                .or_default()
                .note(seconds),
        }
    }

    /// How many requests were answered, how many of them with a status of 500 or above, and the
    /// milliseconds that all took.
    pub(super) fn counts(&self) -> [(Series, u64); 3] {
        let (mut answered, mut failed, mut seconds) = (0, 0, 0.0);
        for counts in &self.0 {
            for (&(_, status), took) in lock(counts).values().flatten() {
                answered += took.count;
                failed += if status >= 500 { took.count } else { 0 };
                seconds += took.seconds;
            }
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive, and a sum of centuries does not come about"
        )]
        let millis = (seconds * 1000.0) as u64;
        [
            (Series::Requests, answered),
            (Series::ServerErrors, failed),
            (Series::RequestMillis, millis),
        ]
    }

    /// The counts and durations, summed over all threads.
    pub(super) fn totals(&self) -> (Family<Answered, Counter>, Durations) {
        let (answered, mut durations) =
            (Family::<Answered, Counter>::default(), BTreeMap::<RequestLabels, Took>::new());
        for counts in &self.0 {
            for (route, outcomes) in &*lock(counts) {
                for (&(method, status), took) in outcomes {
                    let labels = Answered { method, route: Arc::clone(route), status };
                    answered.get_or_create(&labels).inc_by(took.count);
                    durations
                        .entry(RequestLabels { method, route: Arc::clone(route) })
                        .or_default()
                        .add(took);
                }
            }
        }
        (answered, Durations(durations))
    }
}

fn lock(counts: &Mutex<RouteCounts>) -> MutexGuard<'_, RouteCounts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: Arc<str>,
}

/// The durations of a group of requests.
#[derive(Debug, Clone, Copy, Default)]
struct Took {
    count: u64,
    seconds: f64,
    /// For each bound in [`SECONDS`], how many requests took at most that long and longer than the
    /// previous bound. Requests longer than the last bound are not included.
    within: [u64; SECONDS.len()],
}

impl Took {
    fn note(&mut self, seconds: f64) {
        self.count += 1;
        self.seconds += seconds;
        if let Some(at) = SECONDS.iter().position(|most| seconds <= *most) {
            self.within[at] += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.seconds += other.seconds;
        for (sum, more) in self.within.iter_mut().zip(other.within) {
            *sum += more;
        }
    }
}

/// A histogram for each method and route.
#[derive(Debug)]
pub(super) struct Durations(BTreeMap<RequestLabels, Took>);

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        for (asked, took) in &self.0 {
            let longer = took.count - took.within.iter().sum::<u64>();
            let buckets: Vec<(f64, u64)> =
                SECONDS.into_iter().zip(took.within).chain([(f64::INFINITY, longer)]).collect();
            let mut encoder = encoder.encode_family(asked)?;
            encoder.encode_histogram::<NoLabelSet>(took.seconds, took.count, &buckets, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_counted_in_its_bucket_on_any_thread() {
        let (requests, route) = (Requests::default(), Arc::from("/a"));
        requests.note("GET", &route, 200, 0.0005);
        requests.note("GET", &route, 200, 0.0006);
        std::thread::scope(|scope| {
            scope.spawn(|| requests.note("GET", &route, 500, 11.0));
        });
        let (answered, Durations(durations)) = requests.totals();
        let count = |status| {
            answered.get_or_create(&Answered { method: "GET", route: route.clone(), status }).get()
        };
        assert_eq!((count(200), count(500)), (2, 1));
        let took = durations[&RequestLabels { method: "GET", route: route.clone() }];
        assert_eq!((took.count, took.within[0], took.within[1]), (3, 1, 1));
        assert_eq!(took.within.iter().sum::<u64>(), 2, "the third took longer than all");
        assert!((took.seconds - 11.0011).abs() < 1e-9);
    }
}
