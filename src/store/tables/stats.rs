//! Statistics: the `login_counts` table, and totals over other tables.

use crate::error::Result;
use crate::model::account::Verification;
use crate::model::{Status, Time};
use crate::sql;
use crate::store::db::Db;
use crate::store::tables::sessions;

/// Milliseconds per day.
const DAY: i64 = 86_400_000;

/// The day of a time, in days since 1970.
#[must_use]
pub fn day_of(at: Time) -> i64 {
    at.millis().div_euclid(DAY)
}

/// Counts one completed login.
pub fn count_login(db: &mut dyn Db, now: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into login_counts (day, logins) values ($1, 1) \
             on conflict (day) do update set logins = login_counts.logins + 1"
        ),
        &[day_of(now).into()],
    )?;
    Ok(())
}

/// Completed logins per day since `day`, oldest first; days without logins are left out.
pub fn logins_since(db: &mut dyn Db, day: i64) -> Result<Vec<(i64, i64)>> {
    let rows = db.all(
        sql!("select day, logins from login_counts where day >= $1 order by day"),
        &[day.into()],
    )?;
    rows.into_iter().map(|mut row| Ok((row.take()?, row.take()?))).collect()
}

/// Totals over all accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountTotals {
    /// Accounts that are not deleted.
    pub users: i64,
    /// Accounts that are not deleted and have a verified address.
    pub verified: i64,
    pub suspended: i64,
    /// Deleted accounts that can still be restored.
    pub deleted: i64,
    /// Accounts that are neither suspended nor deleted, and have an address that is not verified.
    pub unproved: i64,
    /// Completed logins of all time.
    pub logins: i64,
    /// Sessions that can be used.
    pub sessions: i64,
}

impl AccountTotals {
    /// The number of accounts in a state, or of all.
    #[must_use]
    pub fn in_state(&self, status: Option<Status>, verification: Verification) -> i64 {
        let pending = if verification == Verification::Required { self.unproved } else { 0 };
        match status {
            None => self.users + self.deleted,
            Some(Status::Active) => self.users - self.suspended - pending,
            Some(Status::Pending) => pending,
            Some(Status::Suspended) => self.suspended,
            Some(Status::Deleted) => self.deleted,
        }
    }
}

/// As many rows take no noticeable time to count.
const MUCH: i64 = 20_000;

/// Whether there are so many accounts or sessions that counting them takes a while.
pub fn is_much_to_count(db: &mut dyn Db) -> Result<bool> {
    let accounts = sql!("select 1 from accounts limit 1 offset $1");
    let sessions = sql!("select 1 from sessions limit 1 offset $1");
    Ok(db.first(accounts, &[MUCH.into()])?.is_some()
        || db.first(sessions, &[MUCH.into()])?.is_some())
}

/// Computes all totals.
pub fn totals(db: &mut dyn Db, now: Time) -> Result<AccountTotals> {
    let mut count = |sql, values: &[crate::store::Value]| -> Result<i64> {
        db.first(sql, values)?.map_or(Ok(0), |mut row| Ok(row.take::<Option<i64>>()?.unwrap_or(0)))
    };
    let present = count(
        sql!("select count(*) from accounts where suspended_at is null and deleted_at is null"),
        &[],
    )?;
    let proved = count(
        sql!(
            "select count(*) from accounts where suspended_at is null and deleted_at is null \
             and email_verified_at is not null"
        ),
        &[],
    )?;
    let suspended = count(
        sql!("select count(*) from accounts where suspended_at is not null and deleted_at is null"),
        &[],
    )?;
    let proved_suspended = count(
        sql!(
            "select count(*) from accounts where suspended_at is not null and deleted_at is null \
             and email_verified_at is not null"
        ),
        &[],
    )?;
    let unproved = count(
        sql!(
            "select count(*) from accounts where suspended_at is null and deleted_at is null \
             and email_verified_at is null and email is not null"
        ),
        &[],
    )?;
    Ok(AccountTotals {
        unproved,
        users: present + suspended,
        verified: proved + proved_suspended,
        suspended,
        deleted: count(sql!("select count(*) from accounts where deleted_at is not null"), &[])?,
        logins: count(sql!("select cast(sum(logins) as bigint) from login_counts"), &[])?,
        sessions: count(
            sql!(concat!("select count(*) from sessions where ", sessions::live!("$1"))),
            &[now.into()],
        )?,
    })
}
