//! What tells whether the database answers and whether mail gets out.

use super::db::Db;
use crate::error::Result;
use crate::sql;

/// How many of the messages that are due next are looked at, so that a long queue costs no more than a short one.
const LOOKED_AT: i64 = 100;

/// Reads something, whatever it is.
///
/// # Errors
/// When the database cannot be read.
pub fn read_anything(db: &mut dyn Db) -> Result<()> {
    db.first(sql!("select name from instance limit 1"), &[]).map(drop)
}

/// Whether a message that is due next has been tried in vain.
///
/// # Errors
/// When the database cannot be read.
pub fn is_mail_stuck(db: &mut dyn Db) -> Result<bool> {
    let tried = sql!(
        "select attempts from (select attempts from outbox where state = 'waiting' order by next_at limit $1) as due
         where attempts > 0 limit 1"
    );
    Ok(db.first(tried, &[LOOKED_AT.into()])?.is_some())
}
