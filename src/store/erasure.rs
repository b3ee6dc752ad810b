//! Erasing accounts: the account with all that hangs on it, its letters in the outbox, and what in the audit log tells
//! who the person was. The records stay, under the account's id as a pseudonym.

use super::db::{Db, Row};
use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;

/// Removes, a few at a time, accounts that nobody proved in time; says how many.
///
/// # Errors
/// What the database says.
pub fn purge_unproved(db: &mut dyn Db, made_before: Time, limit: i64) -> Result<u64> {
    let gone = db.all(
        sql!(
            "delete from accounts where id in (select id from accounts where email_verified_at is null \
             and created_at <= $1 and last_login_at is null and imported_at is null order by created_at limit $2) \
             returning id"
        ),
        &[made_before.into(), limit.into()],
    )?;
    forget_all(db, gone)
}

/// Erases, a few at a time, accounts that were hidden long ago; says how many.
///
/// # Errors
/// What the database says.
pub fn purge_hidden(db: &mut dyn Db, hidden_before: Time, limit: i64) -> Result<u64> {
    let gone = db.all(
        sql!(
            "delete from accounts where id in (select id from accounts where deleted_at is not null \
             and deleted_at <= $1 order by deleted_at limit $2) returning id"
        ),
        &[hidden_before.into(), limit.into()],
    )?;
    forget_all(db, gone)
}

/// Removes an account that nobody has proved, and all that hangs on it; false when somebody has. What the audit log says
/// of it is blanked when the time of hidden accounts has passed ([`blank_deleted`]), so that nobody wipes their own
/// traces at once: the same write records that it was deleted.
///
/// # Errors
/// What the database says.
pub fn remove_unproved(db: &mut dyn Db, id: &AccountId) -> Result<bool> {
    let removed =
        db.run(sql!("delete from accounts where id = $1 and email_verified_at is null"), &[id.as_str().into()])?;
    if removed == 1 {
        drop_letters(db, id.as_str())?;
    }
    drop_reservations(db, id.as_str())?;
    Ok(removed == 1)
}

/// Blanks, a few at a time, what the audit log says of accounts that were deleted so long ago and are gone; says of how
/// many.
///
/// # Errors
/// What the database says.
pub fn blank_deleted(db: &mut dyn Db, deleted_before: Time, limit: i64) -> Result<u64> {
    let gone = db.all(
        sql!(
            "select distinct d.account_id from audit d where d.event = 'deleted' and d.at <= $1 \
             and not exists (select 1 from accounts where accounts.id = d.account_id) \
             and (exists (select 1 from audit t where t.account_id = d.account_id \
             and (t.actor is null or t.actor = t.account_id) \
             and (t.client is not null or t.user_agent is not null or t.request_id is not null)) \
             or exists (select 1 from audit t where t.actor = d.account_id \
             and (t.client is not null or t.user_agent is not null or t.request_id is not null))) limit $2"
        ),
        &[deleted_before.into(), limit.into()],
    )?;
    let mut blanked = 0;
    for mut row in gone {
        blank_records(db, &row.take::<String>()?)?;
        blanked += 1;
    }
    Ok(blanked)
}

fn forget_all(db: &mut dyn Db, gone: Vec<Row>) -> Result<u64> {
    let mut forgotten = 0;
    for mut row in gone {
        let id: String = row.take()?;
        drop_letters(db, &id)?;
        drop_reservations(db, &id)?;
        blank_records(db, &id)?;
        forgotten += 1;
    }
    Ok(forgotten)
}

fn drop_letters(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(sql!("delete from outbox where account_id = $1"), &[id.into()]).map(drop)
}

fn drop_reservations(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(sql!("delete from username_reservations where holder = $1"), &[id.into()]).map(drop)
}

/// The records of what the account did and of what was tried at it. Those of what an administrator did to it say where
/// the administrator was, and stay whole.
fn blank_records(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(
        sql!(
            "update audit set client = null, user_agent = null, request_id = null \
             where account_id = $1 and (actor is null or actor = $1)"
        ),
        &[id.into()],
    )?;
    db.run(sql!("update audit set client = null, user_agent = null, request_id = null where actor = $1"), &[id.into()])
        .map(drop)
}
