//! Reads Prometheus' text format, and computes from two scrapes what happened between them.

use std::collections::BTreeMap;

/// A sample of a scrape.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// All samples of a scrape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scrape(Vec<Sample>);

impl Scrape {
    /// Reads a text; lines that are no samples are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(sample).collect())
    }

    /// The sum of the samples of a name whose labels pass a filter.
    pub fn sum(&self, name: &str, is_meant: impl Fn(&dyn Fn(&str) -> String) -> bool) -> f64 {
        self.0
            .iter()
            .filter(|one| one.name == name && is_meant(&|label| one.label(label)))
            .map(|one| one.value)
            .sum()
    }

    /// The sum of all samples of a name.
    #[must_use]
    pub fn all(&self, name: &str) -> f64 {
        self.sum(name, |_| true)
    }

    /// The values of a label.
    #[must_use]
    pub fn label_of(&self, name: &str, label: &str) -> Option<String> {
        let found = self.0.iter().find(|one| one.name == name)?;
        Some(found.label(label)).filter(|value| !value.is_empty())
    }

    /// The buckets of a histogram, by the route of a request: bound and how many were within it.
    fn buckets(&self, name: &str) -> BTreeMap<Route, Vec<(f64, f64)>> {
        let mut found = BTreeMap::<Route, Vec<(f64, f64)>>::new();
        for one in self.0.iter().filter(|one| one.name == name) {
            let bound = one.label("le").parse().unwrap_or(f64::INFINITY);
            let route = Route { method: one.label("method"), path: one.label("route") };
            found.entry(route).or_default().push((bound, one.value));
        }
        found
    }
}

impl Sample {
    fn label(&self, name: &str) -> String {
        let found = self.labels.iter().find(|(label, _)| label == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// A line such as `name{label="value"} 1`.
fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (series, ""),
    };
    Some(Sample { name: name.to_owned(), labels: labels_in(labels)?, value: value.parse().ok()? })
}

fn labels_in(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, letter) => value.push(letter),
            }
        };
        labels.push((name.trim_start_matches(',').to_owned(), value));
        text = rest.get(end + 1..)?;
    }
    Some(labels)
}

/// A method and the template of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub method: String,
    pub path: String,
}

/// The requests of a route, or of all, between two scrapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Requests a second.
    pub rate: f64,
    /// Requests a second that were answered with a status of 500 or above.
    pub errors: f64,
    /// The time within which half of the requests were answered, and 95 and 99 of 100, in seconds.
    pub within: [Option<f64>; 3],
}

const DURATIONS: &str = "authd_http_request_duration_seconds_bucket";
const REQUESTS: &str = "authd_http_requests_total";
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// What happened between two scrapes.
pub struct Between<'a> {
    pub before: &'a Scrape,
    pub after: &'a Scrape,
    /// The time between them.
    pub seconds: f64,
}

impl Between<'_> {
    /// The rate of a counter, of the samples whose labels pass a filter. A counter that restarted
    /// counts from zero.
    pub fn rate(&self, name: &str, is_meant: impl Fn(&dyn Fn(&str) -> String) -> bool) -> f64 {
        let (before, after) = (self.before.sum(name, &is_meant), self.after.sum(name, &is_meant));
        let more = if after < before { after } else { after - before };
        more / self.seconds
    }

    /// The requests of all routes.
    #[must_use]
    pub fn total(&self) -> Traffic {
        let sums = |scrape: &Scrape| {
            let mut sums = BTreeMap::<u64, (f64, f64)>::new();
            for (bound, count) in scrape.buckets(DURATIONS).into_values().flatten() {
                sums.entry(bound.to_bits()).or_insert((bound, 0.0)).1 += count;
            }
            sums.into_values().collect::<Vec<_>>()
        };
        self.traffic(&sums(self.before), &sums(self.after), |_| true)
    }

    /// The requests of each route that had any, the busiest first.
    #[must_use]
    pub fn routes(&self) -> Vec<(Route, Traffic)> {
        let before = self.before.buckets(DURATIONS);
        let mut routes: Vec<(Route, Traffic)> = self
            .after
            .buckets(DURATIONS)
            .into_iter()
            .map(|(route, after)| {
                let then = before.get(&route).map_or(&[][..], Vec::as_slice);
                let is_meant = |label: &dyn Fn(&str) -> String| {
                    label("method") == route.method && label("route") == route.path
                };
                let traffic = self.traffic(then, &after, is_meant);
                (route, traffic)
            })
            .filter(|(_, traffic)| traffic.rate > 0.0)
            .collect();
        routes.sort_by(|(_, one), (_, other)| other.rate.total_cmp(&one.rate));
        routes
    }

    fn traffic(
        &self,
        before: &[(f64, f64)],
        after: &[(f64, f64)],
        is_meant: impl Fn(&dyn Fn(&str) -> String) -> bool,
    ) -> Traffic {
        let buckets = difference(before, after);
        Traffic {
            rate: self.rate(REQUESTS, &is_meant),
            errors: self
                .rate(REQUESTS, |label| is_meant(label) && label("status").starts_with('5')),
            within: QUANTILES.map(|quantile| within(&buckets, quantile)),
        }
    }
}

/// How many requests were within each bound between two scrapes.
fn difference(before: &[(f64, f64)], after: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let count = |of: &[(f64, f64)], bound: f64| {
        of.iter().find(|(one, _)| one.to_bits() == bound.to_bits()).map_or(0.0, |(_, count)| *count)
    };
    let has_restarted = after.iter().any(|(bound, now)| *now < count(before, *bound));
    let before = if has_restarted { &[][..] } else { before };
    let mut buckets: Vec<(f64, f64)> =
        after.iter().map(|(bound, now)| (*bound, now - count(before, *bound))).collect();
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    buckets
}

/// The time within which this part of the requests was answered, interpolated within its bucket;
/// `None` if there were none.
fn within(buckets: &[(f64, f64)], part: f64) -> Option<f64> {
    let all = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0)?;
    let rank = part * all;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= rank {
            // Longer than the last bound: that is all that is known.
            if bound.is_infinite() {
                return Some(lower);
            }
            return Some(lower + (bound - lower) * (rank - below) / (count - below).max(1.0));
        }
        (lower, below) = (*bound, *count);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_labels_and_a_value() {
        let found = sample("a_total{x=\"1, \\\"2\\\"\",y=\"{b}\"} 3.5").unwrap();
        assert_eq!((found.name.as_str(), found.value), ("a_total", 3.5));
        assert_eq!((found.label("x"), found.label("y")), ("1, \"2\"".into(), "{b}".into()));
        assert_eq!(sample("a 1").unwrap().labels, []);
        for line in ["", "# TYPE a counter", "a", "a{x=\"1} 2", "a{x} 2", "a b"] {
            assert_eq!(sample(line), None, "{line}");
        }
    }

    fn scrape(fast: u32, slow: u32, errors: u32) -> Scrape {
        let name = "authd_http_request_duration_seconds_bucket";
        let labels = "method=\"GET\",route=\"/a\"";
        let all = fast + slow;
        Scrape::parse(&format!(
            "{name}{{le=\"0.1\",{labels}}} {fast}\n{name}{{le=\"0.2\",{labels}}} {all}\n\
             {name}{{le=\"+Inf\",{labels}}} {all}\n\
             authd_http_requests_total{{{labels},status=\"200\"}} {}\n\
             authd_http_requests_total{{{labels},status=\"503\"}} {errors}\n",
            all - errors
        ))
    }

    #[test]
    fn rates_and_times_are_of_what_happened_in_between() {
        let (before, after) = (scrape(1000, 1000, 0), scrape(1090, 1010, 10));
        let between = Between { before: &before, after: &after, seconds: 10.0 };
        for traffic in [between.total(), between.routes()[0].1.clone()] {
            assert!((traffic.rate - 10.0).abs() < 1e-9 && (traffic.errors - 1.0).abs() < 1e-9);
            let [half, most, _] = traffic.within.map(Option::unwrap);
            assert!((half - 0.0555).abs() < 0.001 && (most - 0.15).abs() < 0.001, "{half} {most}");
        }
        let restarted = Between { before: &after, after: &scrape(10, 0, 0), seconds: 1.0 };
        assert!((restarted.total().rate - 10.0).abs() < 1e-9);
        let idle = Between { before: &after, after: &after, seconds: 1.0 };
        assert_eq!(idle.total().within, [None; 3]);
        assert!(idle.routes().is_empty());
    }
}
