//! The tables `activity_counts`, counts by hour and by day that the server keeps as things happen,
//! and `account_activity`, when each account was last active.

use crate::error::Result;
use crate::model::AccountId;
use crate::model::series::{HourCount, day_of_hour};
use crate::sql;
use crate::store::db::{Db, Sql};

/// The length of the spans that counts are kept by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountUnit {
    Hour,
    Day,
}

impl CountUnit {
    fn as_str(self) -> &'static str {
        match self {
            CountUnit::Hour => "hour",
            CountUnit::Day => "day",
        }
    }
}

/// Adds counts to their hours and days.
pub fn add(db: &mut dyn Db, counts: &[HourCount]) -> Result<()> {
    for HourCount { series, hour, count } in counts {
        for (unit, begins) in [(CountUnit::Hour, *hour), (CountUnit::Day, day_of_hour(*hour))] {
            db.run(
                sql!(
                    "insert into activity_counts (series, unit, begins, count) values ($1, $2, $3, $4) \
                     on conflict (unit, begins, series) \
                     do update set count = activity_counts.count + excluded.count"
                ),
                &[series.as_str().into(), unit.as_str().into(), begins.into(), (*count).into()],
            )?;
        }
    }
    Ok(())
}

/// A count of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanCount {
    /// The name of its series.
    pub series: String,
    /// Hours or days since 1970.
    pub begins: i64,
    pub count: i64,
}

/// The counts of charts since a span, oldest first. Spans without a count are left out.
pub fn read_since(db: &mut dyn Db, unit: CountUnit, from: i64) -> Result<Vec<SpanCount>> {
    let counts = sql!(
        "select series, begins, count from activity_counts \
         where unit = $1 and begins >= $2 and series not like 'limit.%' order by begins"
    );
    read(db, counts, unit, from)
}

/// As [`read_since`], of what each limit refused.
pub fn refusals_since(db: &mut dyn Db, unit: CountUnit, from: i64) -> Result<Vec<SpanCount>> {
    let counts = sql!(
        "select series, begins, count from activity_counts \
         where unit = $1 and begins >= $2 and series like 'limit.%' order by begins"
    );
    read(db, counts, unit, from)
}

fn read(db: &mut dyn Db, counts: Sql, unit: CountUnit, from: i64) -> Result<Vec<SpanCount>> {
    let rows = db.all(counts, &[unit.as_str().into(), from.into()])?;
    rows.into_iter()
        .map(|mut row| {
            Ok(SpanCount { series: row.take()?, begins: row.take()?, count: row.take()? })
        })
        .collect()
}

/// Deletes up to `limit` counts of spans that began before this one and returns how many it deleted.
pub fn purge(db: &mut dyn Db, unit: CountUnit, before: i64, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from activity_counts where (unit, begins, series) in \
             (select unit, begins, series from activity_counts where unit = $1 and begins < $2 limit $3)"
        ),
        &[unit.as_str().into(), before.into(), limit.into()],
    )
}

/// Records that an account is active in this hour. Returns the hour in which it was last active, or
/// the given one if that was recorded already.
pub fn note_active(db: &mut dyn Db, account: &AccountId, hour: i64) -> Result<Option<i64>> {
    let row = db.first(
        sql!("select hour from account_activity where account_id = $1"),
        &[account.as_str().into()],
    )?;
    let last: Option<i64> = row.map(|mut row| row.take()).transpose()?;
    if last.is_some_and(|last| last >= hour) {
        return Ok(Some(hour));
    }
    let noted = db.run(
        sql!(
            "insert into account_activity (account_id, hour) values ($1, $2) on conflict (account_id) \
             do update set hour = excluded.hour where account_activity.hour < excluded.hour"
        ),
        &[account.as_str().into(), hour.into()],
    )?;
    Ok(if noted == 0 { Some(hour) } else { last })
}

/// Forgets up to `limit` accounts that were last active before this hour and returns how many it
/// forgot.
pub fn purge_accounts(db: &mut dyn Db, before: i64, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from account_activity where account_id in \
             (select account_id from account_activity where hour < $1 limit $2)"
        ),
        &[before.into(), limit.into()],
    )
}
