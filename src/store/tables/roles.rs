//! The tables of roles, their permissions and their holders.

use std::collections::HashMap;

use crate::error::Result;
use crate::model::account::Verification;
use crate::model::{AccountId, Rights, Time, role};
use crate::sql;
use crate::store::db::{Db, Row, Value};

/// Adds missing built-in roles and missing permissions of built-in roles. Permissions that this
/// version no longer grants stay.
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
pub fn all_permissions(db: &mut dyn Db) -> Result<Vec<(String, String)>> {
    let rows = db.all(
        sql!("select role, permission from role_permissions order by role, permission"),
        &[],
    )?;
    rows.into_iter().map(|mut row| Ok((row.take()?, row.take()?))).collect()
}

/// True if the role exists.
pub fn exists(db: &mut dyn Db, role: &str) -> Result<bool> {
    Ok(db.first(sql!("select 1 from roles where name = $1"), &[role.into()])?.is_some())
}

/// Gives a role to an account, as its last. Returns false if the account already has it.
pub fn give(db: &mut dyn Db, account: &AccountId, role: &str) -> Result<bool> {
    let given = db.run(
        sql!(
            "insert into account_roles (account_id, role, position) \
             select cast($1 as text), cast($2 as text), coalesce(max(position), 0) + 1 \
             from account_roles where account_id = $1 on conflict (account_id, role) do nothing"
        ),
        &[account.as_str().into(), role.into()],
    )?;
    Ok(given == 1)
}

/// Takes a role from an account. Returns false if the account does not have it, and for the role
/// `admin`, which [`take_admin`] takes.
pub fn take(db: &mut dyn Db, account: &AccountId, name: &str) -> Result<bool> {
    if name == role::ADMIN {
        return Ok(false);
    }
    take_any(db, account, name)
}

/// Takes the role `admin` from an account. Returns false if the account does not have it.
pub fn take_admin(db: &mut dyn Db, account: &Removable) -> Result<bool> {
    take_any(db, account.id(), role::ADMIN)
}

fn take_any(db: &mut dyn Db, account: &AccountId, role: &str) -> Result<bool> {
    let taken = db.run(
        sql!("delete from account_roles where account_id = $1 and role = $2"),
        &[account.as_str().into(), role.into()],
    )?;
    Ok(taken == 1)
}

/// Puts the account's roles into this order.
pub fn arrange(db: &mut dyn Db, account: &AccountId, roles: &[String]) -> Result<()> {
    for (position, role) in (1_i64..).zip(roles) {
        db.run(
            sql!("update account_roles set position = $1 where account_id = $2 and role = $3"),
            &[position.into(), account.as_str().into(), role.into()],
        )?;
    }
    Ok(())
}

/// The account's roles, in the order in which they were given.
pub fn of(db: &mut dyn Db, account: &AccountId) -> Result<Vec<String>> {
    let rows = db.all(
        sql!("select role from account_roles where account_id = $1 order by position, role"),
        &[account.as_str().into()],
    )?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// How many accounts one statement asks about.
const TOGETHER: usize = 20;

/// The roles of each of these accounts, in the order in which they were given. Accounts without roles are left out.
pub fn of_many(db: &mut dyn Db, accounts: &[&AccountId]) -> Result<HashMap<String, Vec<String>>> {
    let mut roles: HashMap<String, Vec<String>> = HashMap::new();
    for some in accounts.chunks(TOGETHER) {
        // Unused parameters get an id that no account has.
        let mut values: Vec<Value> = some.iter().map(|id| id.as_str().into()).collect();
        values.resize(TOGETHER, "".into());
        let rows = db.all(
            sql!(
                "select account_id, role from account_roles where account_id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
                 $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) order by account_id, position, role"
            ),
            &values,
        )?;
        for mut row in rows {
            roles.entry(row.take()?).or_default().push(row.take()?);
        }
    }
    Ok(roles)
}

/// Locks the role's row, so that a concurrent change cannot rely on outdated data.
pub fn hold(db: &mut dyn Db, role: &str) -> Result<()> {
    db.run(sql!("update roles set built_in = built_in where name = $1"), &[role.into()]).map(drop)
}

/// An account that may be ended, hidden, suspended or stripped of the role `admin`: without it there
/// still is an administrator who can log in. The statements that do so require one.
#[derive(Debug)]
pub struct Removable(AccountId);

impl Removable {
    /// Checks an account; `None` if it is the last administrator. Locks the role's row first, so that
    /// two concurrent changes cannot both assume that the other administrator stays.
    ///
    /// An administrator who has been created, but cannot log in yet, counts for nothing.
    pub fn check(
        db: &mut dyn Db,
        account: &AccountId,
        verification: Verification,
    ) -> Result<Option<Self>> {
        hold(db, role::ADMIN)?;
        let holds = db.first(
            sql!(
                "select 1 from account_roles r join accounts a on a.id = r.account_id \
                 where r.role = $1 and a.id = $2 and a.suspended_at is null and a.deleted_at is null"
            ),
            &[role::ADMIN.into(), account.as_str().into()],
        )?;
        if holds.is_none() {
            return Ok(Some(Self(account.clone())));
        }
        let unproved_may = i64::from(verification == Verification::Optional);
        let other = db.first(
            sql!(
                "select 1 from account_roles r join accounts a on a.id = r.account_id \
                 where r.role = $1 and a.id <> $2 and a.suspended_at is null and a.deleted_at is null \
                 and (a.email_verified_at is not null or a.email is null \
                 or ($3 = 1 and a.password_hash is not null)) limit 1"
            ),
            &[role::ADMIN.into(), account.as_str().into(), unproved_may.into()],
        )?;
        Ok(other.map(|_| Self(account.clone())))
    }

    /// The account.
    #[must_use]
    pub fn id(&self) -> &AccountId {
        &self.0
    }
}

/// Whether an account that is not deleted has the role `admin`.
pub fn has_admin(db: &mut dyn Db) -> Result<bool> {
    let found = db.first(
        sql!(
            "select 1 from account_roles r join accounts a on a.id = r.account_id \
             where r.role = $1 and a.deleted_at is null limit 1"
        ),
        &[role::ADMIN.into()],
    )?;
    Ok(found.is_some())
}

/// The most accounts of a role that are counted.
pub const MOST_MEMBERS: i64 = 10_000;

/// The columns of a role; $1 is one more than the most accounts that are counted.
macro_rules! role_columns {
    () => {
        "name, built_in, created_at, \
         (select count(*) from (select 1 from account_roles m where m.role = roles.name limit $1) as few)"
    };
}

/// A role with its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    /// True if the role comes with the program.
    pub built_in: bool,
    /// Sorted.
    pub permissions: Vec<String>,
    /// How many accounts have the role: at most [`MOST_MEMBERS`] are counted.
    pub members: i64,
    /// Whether there are more.
    pub has_more_members: bool,
    pub created_at: Time,
}

/// Lists all roles, sorted by name.
pub fn list(db: &mut dyn Db) -> Result<Vec<Role>> {
    let rows = db.all(
        sql!(concat!("select ", role_columns!(), " from roles order by name")),
        &[(MOST_MEMBERS + 1).into()],
    )?;
    let mut roles = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    for role in &mut roles {
        role.permissions = permissions(db, &role.name)?;
    }
    Ok(roles)
}

/// The names of all roles, sorted.
pub fn names(db: &mut dyn Db) -> Result<Vec<String>> {
    let rows = db.all(sql!("select name from roles order by name"), &[])?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// Whether the role with this name is built in; `None` if there is none.
pub fn is_built_in(db: &mut dyn Db, name: &str) -> Result<Option<bool>> {
    let found = db.first(sql!("select built_in from roles where name = $1"), &[name.into()])?;
    found.map(|mut row| Ok(row.take::<i64>()? != 0)).transpose()
}

/// Finds the role with this name.
pub fn find(db: &mut dyn Db, name: &str) -> Result<Option<Role>> {
    let found = db.first(
        sql!(concat!("select ", role_columns!(), " from roles where name = $2")),
        &[(MOST_MEMBERS + 1).into(), name.into()],
    )?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(Role { permissions: permissions(db, name)?, ..read(row)? }))
}

fn read(mut row: Row) -> Result<Role> {
    let (name, built_in, created_at) = (row.take()?, row.take::<i64>()? != 0, row.take()?);
    let counted: i64 = row.take()?;
    let (members, has_more_members) = (counted.min(MOST_MEMBERS), counted > MOST_MEMBERS);
    Ok(Role { name, built_in, created_at, members, has_more_members, permissions: Vec::new() })
}

/// The permissions of a role, sorted.
pub fn permissions(db: &mut dyn Db, role: &str) -> Result<Vec<String>> {
    let rows = db.all(
        sql!("select permission from role_permissions where role = $1 order by permission"),
        &[role.into()],
    )?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// What an account may do through all its roles, read from the current rows. Empty if the account
/// is suspended or deleted.
pub fn rights_in_force(db: &mut dyn Db, account: &AccountId) -> Result<Rights> {
    let is_active = db.first(
        sql!(
            "select 1 from accounts where id = $1 and suspended_at is null and deleted_at is null"
        ),
        &[account.as_str().into()],
    )?;
    if is_active.is_some() { rights(db, account) } else { Ok(Rights::default()) }
}

/// What an account may do through all its roles, regardless of its state.
pub fn rights(db: &mut dyn Db, account: &AccountId) -> Result<Rights> {
    let rows = db.all(
        sql!(
            "select distinct p.permission from role_permissions p join account_roles r on r.role = p.role \
             where r.account_id = $1"
        ),
        &[account.as_str().into()],
    )?;
    let permissions =
        rows.into_iter().map(|mut row| row.take()).collect::<Result<Vec<String>>>()?;
    Ok(Rights::of(&of(db, account)?, permissions))
}

/// Creates a role. Returns false if the name exists.
pub fn create(db: &mut dyn Db, name: &str, now: Time) -> Result<bool> {
    let made = db.run(
        sql!("insert into roles (name, built_in, created_at) values ($1, 0, $2) on conflict (name) do nothing"),
        &[name.into(), now.into()],
    )?;
    Ok(made == 1)
}

/// Sets the permissions of a role. Locks the role's row first.
pub fn set_permissions(db: &mut dyn Db, name: &str, permissions: &[String]) -> Result<()> {
    hold(db, name)?;
    db.run(sql!("delete from role_permissions where role = $1"), &[name.into()])?;
    for permission in permissions {
        db.run(
            sql!(
                "insert into role_permissions (role, permission) values ($1, $2) \
                 on conflict (role, permission) do nothing"
            ),
            &[name.into(), permission.into()],
        )?;
    }
    Ok(())
}

/// Deletes a role and takes it from all its holders. Returns false if it is built in or does not
/// exist.
pub fn delete(db: &mut dyn Db, name: &str) -> Result<bool> {
    Ok(db.run(sql!("delete from roles where name = $1 and built_in = 0"), &[name.into()])? == 1)
}
