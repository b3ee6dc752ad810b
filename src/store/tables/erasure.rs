//! Erasing accounts: the account with all dependent rows, its mail in the outbox, and the personal
//! data in its audit records. The records themselves stay, with the account id as a pseudonym.

use crate::error::Result;
use crate::model::{Time, role};
use crate::sql;
use crate::store::db::{Db, Row};
use crate::store::tables::roles::Removable;
use crate::store::tables::search_index;
use crate::store::tables::search_index::columns;

/// Deletes all accounts, and all rows that exist because of what people and programs did: as after
/// the first start. Keys, API clients and built-in roles stay.
pub fn clear(db: &mut dyn Db) -> Result<()> {
    // Their other rows are deleted with the accounts and roles they refer to.
    for delete in [
        sql!("delete from accounts"),
        sql!("delete from account_trigrams"),
        sql!("delete from roles where built_in = 0"),
        sql!("delete from attempts"),
        sql!("delete from login_counts"),
        sql!("delete from activity_counts"),
        sql!("delete from outbox"),
        sql!("delete from audit"),
        sql!("delete from username_reservations"),
    ] {
        db.run(delete, &[])?;
    }
    Ok(())
}

/// Deletes up to `limit` accounts whose address was not verified in time and returns how many it
/// deleted. Administrators stay: whether one is the last is checked where a person deletes it.
pub fn purge_unproved(db: &mut dyn Db, made_before: Time, limit: i64) -> Result<u64> {
    let gone = db.all(
        sql!(concat!(
            "delete from accounts where id in (select id from accounts where email_verified_at is null \
             and email is not null and created_at <= $1 and last_login_at is null and imported_at is null \
             and not exists (select 1 from account_roles r where r.account_id = accounts.id and r.role = $2) \
             order by created_at limit $3) returning id, ",
            columns!()
        )),
        &[made_before.into(), role::ADMIN.into(), limit.into()],
    )?;
    forget_all(db, gone)
}

/// Erases up to `limit` accounts that were soft-deleted long ago and returns how many it erased.
pub fn purge_hidden(db: &mut dyn Db, hidden_before: Time, limit: i64) -> Result<u64> {
    let gone = db.all(
        sql!(concat!(
            "delete from accounts where id in (select id from accounts where deleted_at is not null \
             and deleted_at <= $1 order by deleted_at limit $2) returning id, ",
            columns!()
        )),
        &[hidden_before.into(), limit.into()],
    )?;
    forget_all(db, gone)
}

/// Deletes an account with an unverified address and all its dependent rows. Returns false if the
/// address has been verified.
///
/// Its audit records keep their personal data until the retention period of deleted accounts has
/// passed ([`due_to_blank`]), so that an attacker cannot erase their traces at once. The same
/// write records the deletion.
pub fn remove_unproved(db: &mut dyn Db, account: &Removable) -> Result<bool> {
    let id = account.id();
    let removed = db.first(
        sql!(concat!(
            "delete from accounts where id = $1 and email_verified_at is null \
             and email is not null returning ",
            columns!()
        )),
        &[id.as_str().into()],
    )?;
    let is_removed = removed.is_some();
    if let Some(row) = removed {
        search_index::forget(db, vec![row])?;
        drop_letters(db, id.as_str())?;
    }
    drop_reservations(db, id.as_str())?;
    Ok(is_removed)
}

/// The accounts that no longer exist, were deleted until a time, and whose audit records may still have
/// personal data: those that were deleted after the time of the last [`note_blanked`].
pub fn due_to_blank(db: &mut dyn Db, deleted_until: Time) -> Result<Vec<String>> {
    let rows = db.all(
        sql!(
            "select distinct d.account_id from audit d where d.event = 'deleted' and d.at <= $1 \
             and d.at > coalesce((select number from instance where name = 'audit_blanked' and number <= $1), 0) \
             and not exists (select 1 from accounts where accounts.id = d.account_id)"
        ),
        &[deleted_until.into()],
    )?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// Blanks the personal data in the audit records of accounts that no longer exist.
pub fn blank(db: &mut dyn Db, accounts: &[String]) -> Result<()> {
    accounts.iter().try_for_each(|id| blank_records(db, id))
}

/// Notes that the records of all accounts are blanked that were deleted until this time. A later time than
/// the next one does not count: the clock was wrong.
pub fn note_blanked(db: &mut dyn Db, deleted_until: Time) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, number) values ('audit_blanked', $1) \
             on conflict (name) do update set number = excluded.number"
        ),
        &[deleted_until.into()],
    )
    .map(drop)
}

fn forget_all(db: &mut dyn Db, gone: Vec<Row>) -> Result<u64> {
    let (mut forgotten, mut rows) = (0, Vec::new());
    for mut row in gone {
        let id: String = row.take()?;
        rows.push(row);
        drop_letters(db, &id)?;
        drop_reservations(db, &id)?;
        blank_records(db, &id)?;
        forgotten += 1;
    }
    search_index::forget(db, rows)?;
    Ok(forgotten)
}

fn drop_letters(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(sql!("delete from outbox where account_id = $1"), &[id.into()]).map(drop)
}

fn drop_reservations(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(sql!("delete from username_reservations where holder = $1"), &[id.into()]).map(drop)
}

/// Blanks records of what the account did and of attempts against it. Records of an administrator's
/// actions on the account show the administrator's origin, and stay unchanged.
fn blank_records(db: &mut dyn Db, id: &str) -> Result<()> {
    db.run(
        sql!(
            "update audit set client_ip = null, user_agent = null, request_id = null \
             where account_id = $1 and (actor is null or actor = $1) \
             and (client_ip is not null or user_agent is not null or request_id is not null)"
        ),
        &[id.into()],
    )?;
    db.run(
        sql!(
            "update audit set client_ip = null, user_agent = null, request_id = null where actor = $1 \
             and (client_ip is not null or user_agent is not null or request_id is not null)"
        ),
        &[id.into()],
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    /// A new table is cleared, depends on one that is, or is kept on purpose.
    #[test]
    fn clearing_leaves_out_no_table() {
        let (schema, code) = (include_str!("../../../schema.sql"), include_str!("erasure.rs"));
        let kept = ["instance", "apps", "signing_keys", "refresh_keys", "providers"];
        let mut left_out = Vec::new();
        for table in schema.split("\ncreate table ").skip(1) {
            let (name, columns) = table.split_once(' ').unwrap();
            let columns = columns.split("\n);").next().unwrap();
            let depends = columns.contains("on delete cascade");
            let is_cleared = code.contains(&format!("        sql!(\"delete from {name}"));
            if !depends && !is_cleared && !kept.contains(&name) {
                left_out.push(name);
            }
        }
        assert!(left_out.is_empty(), "{left_out:?}");
    }
}
