//! The tables of roles: what they may do and who has them.

use super::db::Db;
use crate::error::Result;
use crate::model::{AccountId, Time, role};
use crate::sql;

/// Writes the built-in roles as this program knows them.
///
/// # Errors
/// What the database says.
pub fn write_built_in(db: &mut dyn Db, now: Time) -> Result<()> {
    for role in &role::BUILT_IN {
        db.run(
            sql!(
                "insert into roles (name, built_in, created_at) values ($1, 1, $2) \
                 on conflict (name) do update set built_in = 1"
            ),
            &[role.name.into(), now.into()],
        )?;
        for permission in role.permissions {
            db.run(
                sql!(
                    "insert into role_permissions (role, permission) values ($1, $2) \
                     on conflict (role, permission) do nothing"
                ),
                &[role.name.into(), (*permission).into()],
            )?;
        }
    }
    Ok(())
}

/// Every role with each of its permissions.
///
/// # Errors
/// What the database says.
pub fn all_permissions(db: &mut dyn Db) -> Result<Vec<(String, String)>> {
    let rows = db.all(sql!("select role, permission from role_permissions order by role, permission"), &[])?;
    rows.into_iter().map(|mut row| Ok((row.take()?, row.take()?))).collect()
}

/// True when there is such a role.
///
/// # Errors
/// What the database says.
pub fn exists(db: &mut dyn Db, role: &str) -> Result<bool> {
    Ok(db.first(sql!("select 1 from roles where name = $1"), &[role.into()])?.is_some())
}

/// Gives a role; false when the account has it.
///
/// # Errors
/// What the database says.
pub fn give(db: &mut dyn Db, account: &AccountId, role: &str) -> Result<bool> {
    let given = db.run(
        sql!("insert into account_roles (account_id, role) values ($1, $2) on conflict (account_id, role) do nothing"),
        &[account.as_str().into(), role.into()],
    )?;
    Ok(given == 1)
}

/// Takes a role; false when the account does not have it.
///
/// # Errors
/// What the database says.
pub fn take(db: &mut dyn Db, account: &AccountId, role: &str) -> Result<bool> {
    let taken = db.run(
        sql!("delete from account_roles where account_id = $1 and role = $2"),
        &[account.as_str().into(), role.into()],
    )?;
    Ok(taken == 1)
}

/// The account's roles, sorted.
///
/// # Errors
/// What the database says.
pub fn of(db: &mut dyn Db, account: &AccountId) -> Result<Vec<String>> {
    let rows =
        db.all(sql!("select role from account_roles where account_id = $1 order by role"), &[account.as_str().into()])?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// True when nobody else than this account has the role and can use it. Locks the role's row first, so that two
/// changes at once cannot both believe that the other one stays.
///
/// # Errors
/// What the database says.
pub fn is_last_holder(db: &mut dyn Db, account: &AccountId, role: &str) -> Result<bool> {
    db.run(sql!("update roles set built_in = built_in where name = $1"), &[role.into()])?;
    let holds = db.first(
        sql!(
            "select 1 from account_roles r join accounts a on a.id = r.account_id \
             where r.role = $1 and a.id = $2 and a.suspended_at is null and a.deleted_at is null"
        ),
        &[role.into(), account.as_str().into()],
    )?;
    let other = db.first(
        sql!(
            "select 1 from account_roles r join accounts a on a.id = r.account_id \
             where r.role = $1 and a.id <> $2 and a.suspended_at is null and a.deleted_at is null"
        ),
        &[role.into(), account.as_str().into()],
    )?;
    Ok(holds.is_some() && other.is_none())
}
