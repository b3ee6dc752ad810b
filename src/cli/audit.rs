//! `authd audit`: prints and follows the audit log.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::console::{Console, ListRecord as Row, OutputFormat};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::http::server::audit_file;
use crate::identity::Core;
use crate::identity::admin::accounts;
use crate::identity::audit::log::{self, AuditFilter, AuditFollower, AuditRow, From};
use crate::model::Time;
use crate::model::event::What;

/// How many records are read at a time.
const PAGE: i64 = 500;
/// How many of the newest records are printed by default.
const NEWEST: u32 = 100;
/// The same before new ones are followed.
const NEWEST_FOLLOWED: u32 = 10;
/// How often `--follow` checks for new records.
const PAUSE: Duration = Duration::from_millis(500);

/// Print the audit log, newest records last
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd audit
      Show the newest records
  authd audit --user jane@example.com --since 2026-01-01
      Show all records about one account, and about what it did to others
  authd audit --event lockout --limit 0 --json
      Print all lockouts as JSON
  authd audit --follow
      Print new records as they are written")]
pub struct AuditCommand {
    /// Only records about this account or its actions: e-mail address, username or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// Only this event
    #[arg(long, value_name = "EVENT", value_parser = events())]
    event: Option<String>,

    /// Only actions that were done, or only those that were refused
    #[arg(long, value_name = "OUTCOME", value_parser = ["done", "refused"])]
    outcome: Option<String>,

    /// Not before this time, like 2026-01-31 or 2026-01-31T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Time>,

    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Time>,

    /// At most this many of the newest records, by default 100, or 10 with --follow; 0 shows all
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u32>,

    /// Keep running and print new records
    #[arg(long)]
    follow: bool,
}

fn events() -> PossibleValuesParser {
    PossibleValuesParser::new(What::ALL.iter().map(|what| what.as_str()))
}

fn time(text: &str) -> Result<Time, String> {
    let stamp = text.parse::<Timestamp>().ok().or_else(|| {
        let date = text.parse::<Date>().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    let wrong = || "expected a day or a time, like 2026-01-31 or 2026-01-31T09:00:00Z".to_owned();
    stamp.map(|stamp| Time::from_millis(stamp.as_millisecond())).ok_or_else(wrong)
}

impl AuditCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        opened::with_core(global, console, async |core, console| {
            let account = match &self.user {
                Some(user) => Some(accounts::find(core, user).await?.account.id),
                None => None,
            };
            let filter = AuditFilter {
                about: None,
                account,
                event: self.event.clone(),
                outcome: self.outcome.clone(),
                since: self.since,
                until: self.until,
            };
            match (self.follow, self.limit.unwrap_or(NEWEST)) {
                (true, _) => self.follow(core, console, &filter).await,
                (false, 0) => all(core, console, &filter).await,
                (false, limit) => {
                    let records = newest(core, &filter, limit).await?;
                    let people = log::addresses(core, &records).await?;
                    Ok(console.records(&lines(&records, &people))?)
                }
            }
        })
    }

    /// Prints the newest records, then each new one, as one line or one JSON object each.
    async fn follow(
        &self,
        core: &Core,
        console: &mut Console,
        filter: &AuditFilter,
    ) -> Result<(), Failure> {
        // Read the mark first: records written between the two reads are then shown exactly once,
        // after it.
        let mark = newest(core, &AuditFilter::default(), 1)
            .await?
            .pop()
            .map(|record| record.id)
            .unwrap_or_default();
        let limit = self.limit.unwrap_or(NEWEST_FOLLOWED);
        let mut records = newest(core, filter, limit).await?;
        records.retain(|record| record.id <= mark);
        let after = if limit == 0 { String::new() } else { mark };
        let mut follower = AuditFollower::after(core, filter.clone(), after).await?;
        if console.form() == OutputFormat::People {
            console.step(&aligned(AuditLine::HEADINGS.iter().copied()));
        }
        loop {
            let people = log::addresses(core, &records).await?;
            for line in lines(&records, &people) {
                match console.form() {
                    OutputFormat::Json => console.step(&line.json().to_string()),
                    OutputFormat::People => {
                        console.step(&aligned(line.cells().iter().map(String::as_str)));
                    }
                }
            }
            if records.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
            records = follower.next(core).await?;
        }
    }
}

/// The newest `limit` records, newest last.
async fn newest(core: &Core, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>, Failure> {
    let mut records = log::read(core, filter, &From::Newest, i64::from(limit)).await?;
    records.reverse();
    Ok(records)
}

async fn all(core: &Core, console: &mut Console, filter: &AuditFilter) -> Result<(), Failure> {
    let (mut list, mut after) = (console.list(), String::new());
    loop {
        let records = log::read(core, filter, &From::After(after.clone()), PAGE).await?;
        let Some(last) = records.last() else { return Ok(list.end()?) };
        after.clone_from(&last.id);
        let people = log::addresses(core, &records).await?;
        list.page(&lines(&records, &people))?;
    }
}

/// The width of each column of `--follow`, where a longer cell moves the rest of its line. The cells
/// to come are not known, so the widths are those of usual ones.
const WIDTHS: [usize; 8] = [20, 24, 7, 30, 30, 15, 30, 0];

fn aligned<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let padded = cells.zip(WIDTHS).map(|(cell, width)| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn lines<'a>(records: &'a [AuditRow], people: &'a BTreeMap<String, String>) -> Vec<AuditLine<'a>> {
    records.iter().map(|record| AuditLine { record, people }).collect()
}

/// A record in a list.
struct AuditLine<'a> {
    record: &'a AuditRow,
    /// The e-mail addresses of accounts by their ids.
    people: &'a BTreeMap<String, String>,
}

impl AuditLine<'_> {
    /// The account's address, or its id if the account is deleted.
    fn person(&self, id: Option<&String>) -> String {
        id.map_or("-", |id| self.people.get(id).unwrap_or(id)).to_owned()
    }
}

impl Row for AuditLine<'_> {
    const HEADINGS: &'static [&'static str] =
        &["TIME", "EVENT", "OUTCOME", "ACCOUNT", "ACTOR", "ADDRESS", "DETAIL", "COUNT"];

    fn cells(&self) -> Vec<String> {
        let record = self.record;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        vec![
            record.at.to_string(),
            record.event.clone(),
            record.outcome.clone(),
            self.person(record.account_id.as_ref()),
            self.person(record.actor.as_ref()),
            text(&record.client_ip),
            text(&record.detail),
            record.count.to_string(),
        ]
    }

    fn json(&self) -> serde_json::Value {
        audit_file::json(self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_follow_stand_under_their_headings() {
        let heading = aligned(AuditLine::HEADINGS.iter().copied());
        let cells =
            ["2023-12-01T09:00:00Z", "login", "done", "jo@example.com", "-", "::1", "-", "1"];
        let line = aligned(cells.into_iter());
        for (name, cell) in [("EVENT", "login"), ("ACCOUNT", "jo@"), ("ADDRESS", "::1")] {
            assert_eq!(heading.find(name), line.find(cell), "{heading}\n{line}");
        }
        assert_eq!(WIDTHS.len(), AuditLine::HEADINGS.len());
    }

    #[test]
    fn a_time_is_a_day_or_a_moment() {
        assert_eq!(time("2023-12-01").unwrap().to_string(), "2023-12-01T00:00:00Z");
        assert_eq!(time("2023-12-01T09:00:00Z").unwrap().to_string(), "2023-12-01T09:00:00Z");
        assert!(time("yesterday").is_err());
    }
}
