//! The `factors` and `backup_codes` tables.

use crate::error::{Error, Result};
use crate::model::{AccountId, Factor, FactorKind, PasskeyKind, Time};
use crate::sql;
use crate::store::db::{Db, Row};

macro_rules! columns {
    () => {
        "id, account_id, kind, name, sealed, target, last_step, created_at, confirmed_at, last_used_at"
    };
}

fn read(mut row: Row) -> Result<Factor> {
    Ok(Factor {
        id: row.take()?,
        account: AccountId::new(row.take::<String>()?),
        kind: {
            let word: String = row.take()?;
            FactorKind::parse(&word)
                .ok_or_else(|| Error::internal(format!("factors.kind is unknown: {word}")))?
        },
        name: row.take()?,
        sealed: row.take()?,
        target: row.take()?,
        last_step: row.take()?,
        created_at: row.take()?,
        confirmed_at: row.take()?,
        last_used_at: row.take()?,
    })
}

/// Stores an unconfirmed factor.
pub fn insert(db: &mut dyn Db, new: &Factor) -> Result<()> {
    db.run(
        sql!(
            "insert into factors (id, account_id, kind, name, sealed, target, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7)"
        ),
        &[
            new.id.as_str().into(),
            new.account.as_str().into(),
            new.kind.as_str().into(),
            new.name.as_str().into(),
            new.sealed.clone().into(),
            new.target.as_deref().into(),
            new.created_at.into(),
        ],
    )?;
    Ok(())
}

/// Lists all factors of an account, oldest first, including unconfirmed ones.
pub fn of(db: &mut dyn Db, account: &AccountId) -> Result<Vec<Factor>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from factors where account_id = $1 order by created_at, id"
        )),
        &[account.as_str().into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Whether logins with the password ask for a second factor: a confirmed factor or a security key.
pub fn has_second_factor(db: &mut dyn Db, account: &AccountId) -> Result<bool> {
    let row = db.first(
        sql!(
            "select 1 from accounts where id = $1 and (exists (select 1 from factors \
             where factors.account_id = $1 and factors.confirmed_at is not null) or exists \
             (select 1 from passkeys where passkeys.account_id = $1 and passkeys.kind = $2))"
        ),
        &[account.as_str().into(), PasskeyKind::SecurityKey.as_str().into()],
    )?;
    Ok(row.is_some())
}

/// Deletes unconfirmed factors of this kind, before a new one replaces them.
pub fn drop_unconfirmed(db: &mut dyn Db, account: &AccountId, kind: FactorKind) -> Result<()> {
    db.run(
        sql!("delete from factors where account_id = $1 and kind = $2 and confirmed_at is null"),
        &[account.as_str().into(), kind.as_str().into()],
    )?;
    Ok(())
}

/// Confirms a factor. Returns false if it no longer exists or is already confirmed.
pub fn confirm(
    db: &mut dyn Db,
    account: &AccountId,
    id: &str,
    step: Option<i64>,
    now: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update factors set confirmed_at = $1, last_step = $2 \
             where id = $3 and account_id = $4 and confirmed_at is null"
        ),
        &[now.into(), step.into(), id.into(), account.as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Accepts the code of a time step. Returns false if the code of this or a later step was already
/// used, or the factor is unconfirmed.
pub fn take_step(db: &mut dyn Db, id: &str, step: i64, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update factors set last_step = $1, last_used_at = $2 \
             where id = $3 and confirmed_at is not null and (last_step is null or last_step < $1)"
        ),
        &[step.into(), now.into(), id.into()],
    )?;
    Ok(changed == 1)
}

/// Records that the account's factors of this kind, with this phone number if they have one,
/// completed a login.
pub fn note_use(
    db: &mut dyn Db,
    account: &AccountId,
    kind: FactorKind,
    target: &str,
    now: Time,
) -> Result<()> {
    db.run(
        sql!(
            "update factors set last_used_at = $1 where account_id = $2 and kind = $3 and confirmed_at is not null \
             and (target is null or target = $4)"
        ),
        &[now.into(), account.as_str().into(), kind.as_str().into(), target.into()],
    )?;
    Ok(())
}

/// Renames a factor. Returns false if the account has no such factor.
pub fn rename(db: &mut dyn Db, account: &AccountId, id: &str, name: &str) -> Result<bool> {
    let changed = db.run(
        sql!("update factors set name = $1 where id = $2 and account_id = $3"),
        &[name.into(), id.into(), account.as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Deletes a factor. Returns false if the account has no such factor.
pub fn remove(db: &mut dyn Db, account: &AccountId, id: &str) -> Result<bool> {
    let gone = db.run(
        sql!("delete from factors where id = $1 and account_id = $2"),
        &[id.into(), account.as_str().into()],
    )?;
    Ok(gone == 1)
}

/// Deletes all factors and backup codes of an account. Returns the number of confirmed factors.
pub fn remove_all(db: &mut dyn Db, account: &AccountId) -> Result<u64> {
    db.run(sql!("delete from backup_codes where account_id = $1"), &[account.as_str().into()])?;
    db.run(
        sql!("delete from factors where account_id = $1 and confirmed_at is null"),
        &[account.as_str().into()],
    )?;
    db.run(sql!("delete from factors where account_id = $1"), &[account.as_str().into()])
}

/// Deletes the factors that were confirmed, or begun and not confirmed, since this time, and the
/// backup codes made since; all backup codes, if no second factor is left. Returns the number of
/// confirmed factors that it deleted. Call it after the removal of security keys.
pub fn remove_since(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<u64> {
    let values = [account.as_str().into(), since.into()];
    db.run(
        sql!("delete from factors where account_id = $1 and confirmed_at is null and created_at >= $2"),
        &values,
    )?;
    let removed =
        db.run(sql!("delete from factors where account_id = $1 and confirmed_at >= $2"), &values)?;
    db.run(sql!("delete from backup_codes where account_id = $1 and created_at >= $2"), &values)?;
    if !has_second_factor(db, account)? {
        db.run(sql!("delete from backup_codes where account_id = $1"), &[account.as_str().into()])?;
    }
    Ok(removed)
}

/// Stores backup codes. They work at once, or after the factor `waiting_for` is confirmed.
pub fn insert_backup_codes(
    db: &mut dyn Db,
    account: &AccountId,
    hashes: &[[u8; 32]],
    waiting_for: Option<&str>,
    now: Time,
) -> Result<()> {
    for hash in hashes {
        db.run(
            sql!("insert into backup_codes (account_id, hash, factor_id, created_at) values ($1, $2, $3, $4)"),
            &[account.as_str().into(), hash.into(), waiting_for.into(), now.into()],
        )?;
    }
    Ok(())
}

/// Deletes the active backup codes.
pub fn drop_backup_codes(db: &mut dyn Db, account: &AccountId) -> Result<()> {
    db.run(
        sql!("delete from backup_codes where account_id = $1 and factor_id is null"),
        &[account.as_str().into()],
    )?;
    Ok(())
}

/// Activates the backup codes that waited for this factor.
pub fn release_backup_codes(db: &mut dyn Db, account: &AccountId, factor: &str) -> Result<()> {
    db.run(
        sql!("update backup_codes set factor_id = null where account_id = $1 and factor_id = $2"),
        &[account.as_str().into(), factor.into()],
    )?;
    Ok(())
}

/// Uses up a backup code. Returns false if the account has no such code or it was used.
pub fn spend_backup_code(
    db: &mut dyn Db,
    account: &AccountId,
    hash: &[u8; 32],
    now: Time,
) -> Result<bool> {
    let spent = db.run(
        sql!(
            "update backup_codes set spent_at = $1 \
             where account_id = $2 and hash = $3 and spent_at is null and factor_id is null"
        ),
        &[now.into(), account.as_str().into(), hash.into()],
    )?;
    Ok(spent == 1)
}

/// True if this backup code of the account was used.
pub fn is_backup_code_used(db: &mut dyn Db, account: &AccountId, hash: &[u8; 32]) -> Result<bool> {
    let row = db.first(
        sql!(
            "select 1 from backup_codes where account_id = $1 and hash = $2 and spent_at is not null"
        ),
        &[account.as_str().into(), hash.into()],
    )?;
    Ok(row.is_some())
}

/// Counts the remaining backup codes.
pub fn count_backup_codes(db: &mut dyn Db, account: &AccountId) -> Result<i64> {
    let row = db.first(
        sql!("select count(*) from backup_codes where account_id = $1 and spent_at is null and factor_id is null"),
        &[account.as_str().into()],
    )?;
    row.map_or(Ok(0), |mut row| row.take())
}

/// The ids of all factors with a sealed secret.
pub fn sealed(db: &mut dyn Db) -> Result<Vec<String>> {
    let rows = db.all(sql!("select id from factors where sealed is not null"), &[])?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// Replaces the sealed secret of a factor.
pub fn reseal(db: &mut dyn Db, id: &str, sealed: &[u8]) -> Result<()> {
    db.run(sql!("update factors set sealed = $1 where id = $2"), &[sealed.into(), id.into()])?;
    Ok(())
}

/// Removes the backup codes of all accounts and returns how many could still be used.
pub fn drop_all_backup_codes(db: &mut dyn Db) -> Result<u64> {
    let unspent = db.run(sql!("delete from backup_codes where spent_at is null"), &[])?;
    db.run(sql!("delete from backup_codes"), &[])?;
    Ok(unspent)
}

/// Deletes up to `limit` factors that were not confirmed in time and returns how many it deleted.
pub fn purge_unconfirmed(db: &mut dyn Db, made_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from factors where id in (select id from factors where confirmed_at is null and created_at <= $1 \
             limit $2)"
        ),
        &[made_before.into(), limit.into()],
    )
}
