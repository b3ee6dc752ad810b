//! Drawings made by the server: bars over time, with the words that a screen reader reads. The figures
//! are in a table beneath.

/// The size of the drawing in its own units.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 120;
/// The space above the highest bar, and the width of a bar in percent of its place.
const ABOVE: u32 = 8;
const BAR: u32 = 76;

/// Bars over time (`pages/console/chart.html`).
pub(super) struct BarChart {
    /// An ID that is unique on the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) description: String,
    pub(super) bars: Vec<ChartBar>,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) total: i64,
}

/// One of the bars. Places and sizes are in tenths of a unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ChartBar {
    pub(super) label: String,
    pub(super) value: i64,
    pub(super) x: String,
    pub(super) y: u32,
    pub(super) width: String,
    pub(super) height: u32,
}

impl BarChart {
    /// A chart of these values, oldest first.
    pub(super) fn new(id: &'static str, title: &'static str, values: &[(String, i64)]) -> Self {
        let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let total: i64 = values.iter().map(|(_, value)| value).sum();
        let highest = values.iter().rev().find(|(_, value)| *value == most);
        let description = match highest {
            Some((label, most)) if *most > 0 => {
                format!("{total} in all. The most were {most} on {label}.")
            }
            _ => "None yet.".to_owned(),
        };
        let count = u32::try_from(values.len()).unwrap_or(u32::MAX).max(1);
        let bars = (0..count).zip(values).map(|(at, (label, value))| {
            let height = height(*value, most);
            ChartBar {
                label: label.clone(),
                value: *value,
                x: tenths(at * WIDTH * 10 / count),
                width: tenths(WIDTH * BAR / 10 / count),
                y: HEIGHT - height,
                height,
            }
        });
        let label = |one: Option<&(String, i64)>| one.map(|(label, _)| label.clone());
        Self {
            id,
            title,
            description,
            first: label(values.first()).unwrap_or_default(),
            last: label(values.last()).unwrap_or_default(),
            total,
            bars: bars.collect(),
        }
    }
}

/// The height of a bar. One that is not nothing can be seen.
fn height(value: i64, most: i64) -> u32 {
    if value <= 0 || most <= 0 {
        return 0;
    }
    let share = i128::from(value) * i128::from(HEIGHT - ABOVE) / i128::from(most);
    u32::try_from(share).unwrap_or(0).clamp(2, HEIGHT - ABOVE)
}

fn tenths(number: u32) -> String {
    format!("{}.{}", number / 10, number % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_and_none_leaves_the_drawing() {
        let values = [0, 1, 500, 1_000, i64::MAX].map(|value| (format!("day {value}"), value));
        let chart = BarChart::new("logins", "Logins", &values[..4]);
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 2, 56, 112]);
        assert_eq!(chart.bars[1].x, "150.0");
        assert_eq!(chart.description, "1501 in all. The most were 1000 on day 1000.");
        assert_eq!(height(i64::MAX, i64::MAX), HEIGHT - ABOVE);
        assert_eq!(BarChart::new("logins", "Logins", &values[..1]).description, "None yet.");
    }
}
