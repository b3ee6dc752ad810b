//! `authd stats`: what happened over time, as small charts in the terminal.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::console::{Console, ListRecord, OutputFormat};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::identity::system::statistics::{self, ChartStep, StatisticsChart};
use crate::model::Time;
use crate::model::series::Series;

/// Show sign-ups, logins, failures, active accounts and mail over time
///
/// The server counts as things happen and writes the counts once a minute. Counts by hour are kept
/// for 35 days, counts by day for 10 years. All periods are in UTC.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd stats
      Show the last 30 days
  authd stats --by hour --last 48
      Show the last two days by hour
  authd stats --by month --json
      Print the counts of the last 12 months as JSON")]
pub struct StatsCommand {
    /// The length of a period
    #[arg(long, value_enum, value_name = "PERIOD", default_value = "day")]
    by: PeriodWord,

    /// How many periods; by default 24 hours, 30 days, 12 months or 5 years
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    last: Option<u16>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PeriodWord {
    Hour,
    Day,
    Month,
    Year,
}

impl PeriodWord {
    fn step(self) -> ChartStep {
        match self {
            PeriodWord::Hour => ChartStep::Hour,
            PeriodWord::Day => ChartStep::Day,
            PeriodWord::Month => ChartStep::Month,
            PeriodWord::Year => ChartStep::Year,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            PeriodWord::Hour => "hour",
            PeriodWord::Day => "day",
            PeriodWord::Month => "month",
            PeriodWord::Year => "year",
        }
    }
}

impl StatsCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let step = self.by.step();
        let periods = self.last.unwrap_or(step.usual_periods());
        if periods > step.most_periods() {
            let (most, by) = (step.most_periods(), self.by.as_str());
            return Err(Failure::usage(format_args!("counts are kept for {most} {by}s")));
        }
        opened::with_core(global, console, async |core, console| {
            let found = statistics::read(core, step, periods).await?;
            match console.form() {
                OutputFormat::Json => Ok(console.json(&json_of(self.by, &found))?),
                OutputFormat::People => print(self.by, &found, console),
            }
        })
    }
}

/// The name of a series, which is the same for active accounts by any period.
fn name(series: Series) -> &'static str {
    match series {
        Series::ActiveHour | Series::ActiveDay | Series::ActiveMonth | Series::ActiveYear => {
            "active_accounts"
        }
        other => other.as_str(),
    }
}

fn json_of(by: PeriodWord, found: &StatisticsChart) -> Value {
    let series: Map<String, Value> =
        found.series.iter().map(|(one, counts)| (name(*one).to_owned(), json!(counts))).collect();
    let periods: Vec<String> = found.periods.iter().map(|at| at.to_seconds_text()).collect();
    json!({ "by": by.as_str(), "periods": periods, "series": series })
}

fn print(by: PeriodWord, found: &StatisticsChart, console: &mut Console) -> Result<(), Failure> {
    let date = |at: Option<&Time>| at.map(|at| label(by, *at)).unwrap_or_default();
    let (first, last) = (date(found.periods.first()), date(found.periods.last()));
    console.line(&format!("by {}, {first} to {last} (UTC)\n", by.as_str()))?;
    let always = [Series::SignUps, Series::Logins, Series::LoginsRefused, Series::MailDelivered];
    let is_shown = |(series, counts): &&(Series, Vec<i64>)| {
        always.contains(series) || counts.iter().any(|count| *count > 0)
    };
    let rows: Vec<Chart> = found
        .series
        .iter()
        .filter(is_shown)
        .map(|(series, counts)| Chart { series: *series, counts })
        .collect();
    Ok(console.records(&rows)?)
}

/// The period that begins at this time, as short as it can be.
fn label(by: PeriodWord, at: Time) -> String {
    let text = at.to_seconds_text();
    let length = match by {
        PeriodWord::Hour => "2026-11-30T23:00".len(),
        PeriodWord::Day => "2026-11-30".len(),
        PeriodWord::Month => "2026-11".len(),
        PeriodWord::Year => "2026".len(),
    };
    text.get(..length).unwrap_or(&text).replace('T', " ")
}

/// A series in a line.
struct Chart<'a> {
    series: Series,
    counts: &'a [i64],
}

impl ListRecord for Chart<'_> {
    const HEADINGS: &'static [&'static str] = &["", "TOTAL", "MOST", "NOW", "OVER TIME"];

    fn cells(&self) -> Vec<String> {
        // An account that is active on two days is one account.
        let adds_up = name(self.series) == self.series.as_str();
        let total = if adds_up { self.counts.iter().sum::<i64>().to_string() } else { "-".into() };
        let most = self.counts.iter().max().copied().unwrap_or(0);
        let now = self.counts.last().copied().unwrap_or(0);
        let title = name(self.series).replace('_', " ").replace("sign ups", "sign-ups");
        vec![title, total, most.to_string(), now.to_string(), bars(self.counts)]
    }

    fn json(&self) -> Value {
        json!({ name(self.series): self.counts })
    }
}

/// One bar for each count, from the lowest for the smallest count above zero to the highest for the
/// largest.
fn bars(counts: &[i64]) -> String {
    const STEPS: i128 = 8;
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    let bar = |count: &i64| {
        let height = (i128::from(*count) * STEPS + i128::from(most) - 1) / i128::from(most);
        let at = usize::try_from(height).ok().and_then(|height| height.checked_sub(1));
        at.and_then(|at| BARS.get(at)).copied().unwrap_or('.')
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_with_counts_and_nothing_is_a_dot() {
        assert_eq!(bars(&[0, 1, 4, 8]), ".▁▄█");
        assert_eq!(bars(&[0, 1, 1000, 2]), ".▁█▁");
        assert_eq!(bars(&[0, 0]), "..");
        assert_eq!(bars(&[i64::MAX, 1]), "█▁");
        assert_eq!(bars(&[]), "");
    }

    #[test]
    fn a_label_is_no_longer_than_its_period_needs() {
        let at = Time::from_seconds(1_800_000_000);
        let labels = [PeriodWord::Hour, PeriodWord::Day, PeriodWord::Month, PeriodWord::Year]
            .map(|by| label(by, at));
        assert_eq!(labels, ["2027-01-15 08:00", "2027-01-15", "2027-01", "2027"]);
    }
}
