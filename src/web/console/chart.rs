//! Drawings made by the server: bars over time, with the words that a screen reader reads. The figures
//! are in a table beneath.

use crate::web::console::cells;

/// The size of the drawing in its own units.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 120;
/// The space above the highest bar, and the width of a bar in percent of its place.
const ABOVE: u32 = 8;
const BAR: u32 = 76;

/// Bars over time (`pages/console/chart.html`).
pub(super) struct BarChart {
    pub(super) title: &'static str,
    pub(super) description: String,
    /// The bars as strokes of an SVG path, and their width.
    pub(super) bars: String,
    pub(super) width: u32,
    /// What the bars come to: their sum, the highest, or what they are on average.
    pub(super) total: String,
}

impl BarChart {
    /// A chart of these values, oldest first.
    pub(super) fn new(title: &'static str, values: &[(String, i64)], total: ChartTotal) -> Self {
        let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let highest = values.iter().rev().find(|(_, value)| *value == most);
        let (total, words) = match total {
            ChartTotal::Sum => (values.iter().map(|(_, value)| value).sum(), "in all"),
            ChartTotal::Most => (most, "at most"),
            ChartTotal::Mean(mean) => (mean, "on average"),
        };
        let total = cells::number(total);
        let description = match highest {
            Some((label, most)) if *most > 0 => {
                format!("{total} {words}. The most were {} on {label}.", cells::number(*most))
            }
            _ => "None yet.".to_owned(),
        };
        let place = WIDTH / u32::try_from(values.len()).unwrap_or(u32::MAX).max(1);
        let width = place * BAR / 100;
        Self { title, description, bars: bars(values, most, place), width, total }
    }
}

/// What is written above a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChartTotal {
    Sum,
    /// The highest value.
    Most,
    /// This mean of all that is counted.
    Mean(i64),
}

/// A stroke for each bar, from the bottom up, in the middle of its place.
fn bars(values: &[(String, i64)], most: i64, place: u32) -> String {
    let mut path = String::new();
    for (at, (_, value)) in (0..).zip(values) {
        let height = height(*value, most);
        if height > 0 {
            let stroke = format!("M{} 120v-{height}", at * place + place / 2);
            path.push_str(&stroke);
        }
    }
    path
}

/// The height of a bar. One that is not nothing can be seen.
fn height(value: i64, most: i64) -> u32 {
    if value <= 0 || most <= 0 {
        return 0;
    }
    let share = i128::from(value) * i128::from(HEIGHT - ABOVE) / i128::from(most);
    u32::try_from(share).unwrap_or(0).clamp(2, HEIGHT - ABOVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_and_none_leaves_the_drawing() {
        let values = [0, 1, 500, 1_000, i64::MAX].map(|value| (format!("day {value}"), value));
        let chart = BarChart::new("Logins", &values[..4], ChartTotal::Sum);
        assert_eq!(
            (chart.bars.as_str(), chart.width),
            ("M225 120v-2M375 120v-56M525 120v-112", 114)
        );
        assert_eq!(chart.description, "1,501 in all. The most were 1,000 on day 1000.");
        assert_eq!(height(i64::MAX, i64::MAX), HEIGHT - ABOVE);
        let highest = BarChart::new("Active accounts", &values[1..3], ChartTotal::Most);
        assert!(highest.description.starts_with("500 at most."), "{}", highest.description);
        let mean = BarChart::new("Logins", &values[1..3], ChartTotal::Mean(250));
        assert_eq!(mean.description, "250 on average. The most were 500 on day 500.");
        let none = BarChart::new("Logins", &values[..1], ChartTotal::Sum);
        assert_eq!((none.description.as_str(), none.bars.as_str()), ("None yet.", ""));
    }
}
