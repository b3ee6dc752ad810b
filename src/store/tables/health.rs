//! Health checks: whether the database answers and whether mail gets out.

use crate::error::Result;
use crate::model::Time;
use crate::sql;
use crate::store::db::Db;

/// Reads one row to check that the database answers.
pub fn read_anything(db: &mut dyn Db) -> Result<()> {
    db.first(sql!("select name from instance limit 1"), &[]).map(drop)
}

/// As [`is_mail_stuck`], for mail that was requested at this time or before.
pub fn is_mail_stuck_since(db: &mut dyn Db, before: Time) -> Result<bool> {
    let tried = sql!(
        "select kind from outbox where state = 'waiting' and last_error is not null and channel = 'mail' \
         and created_at <= $1 limit 1"
    );
    Ok(db.first(tried, &[before.into()])?.is_some())
}

/// Whether mail waits after a failed attempt. Mail that is being delivered has no error yet,
/// however slow the mail server is.
pub fn is_mail_stuck(db: &mut dyn Db) -> Result<bool> {
    let tried = sql!(
        "select kind from outbox where state = 'waiting' and last_error is not null and channel = 'mail' limit 1"
    );
    Ok(db.first(tried, &[])?.is_some())
}
