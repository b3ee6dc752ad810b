//! The `passkeys` table: passkeys and security keys, with their public keys.

use crate::error::{Error, Result};
use crate::model::passkey::{Passkey, PasskeyKind};
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row};

macro_rules! columns {
    () => {
        "id, account_id, kind, credential_id, public_key, name, aaguid, transports, sign_count, backup_eligible, \
         backed_up, discoverable, user_verified, suspect_at, created_at, last_used_at"
    };
}

fn read(mut row: Row) -> Result<Passkey> {
    Ok(Passkey {
        id: row.take()?,
        account: AccountId::new(row.take::<String>()?),
        kind: {
            let word: String = row.take()?;
            PasskeyKind::parse(&word)
                .ok_or_else(|| Error::internal(format!("passkeys.kind is unknown: {word}")))?
        },
        credential_id: row.take()?,
        public_key: row.take()?,
        name: row.take()?,
        aaguid: {
            let bytes: Vec<u8> = row.take()?;
            bytes.try_into().map_err(|_| Error::internal("passkeys.aaguid has not 16 bytes"))?
        },
        transports: row.take()?,
        sign_count: row.take()?,
        backup_eligible: row.take::<i64>()? != 0,
        backed_up: row.take::<i64>()? != 0,
        discoverable: row.take::<Option<i64>>()?.map(|yes| yes != 0),
        user_verified: row.take::<i64>()? != 0,
        suspect_at: row.take()?,
        created_at: row.take()?,
        last_used_at: row.take()?,
    })
}

/// Stores a key. Returns false if any account has a key with its credential ID.
pub fn insert(db: &mut dyn Db, new: &Passkey) -> Result<bool> {
    let stored = db.run(
        sql!(
            "insert into passkeys (id, account_id, kind, credential_id, public_key, name, aaguid, transports, \
             sign_count, backup_eligible, backed_up, discoverable, user_verified, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             on conflict (credential_id) do nothing"
        ),
        &[
            new.id.as_str().into(),
            new.account.as_str().into(),
            new.kind.as_str().into(),
            new.credential_id.clone().into(),
            new.public_key.clone().into(),
            new.name.as_str().into(),
            (&new.aaguid).into(),
            new.transports.as_str().into(),
            new.sign_count.into(),
            i64::from(new.backup_eligible).into(),
            i64::from(new.backed_up).into(),
            new.discoverable.map(i64::from).into(),
            i64::from(new.user_verified).into(),
            new.created_at.into(),
        ],
    )?;
    Ok(stored == 1)
}

/// Lists the keys of an account, oldest first.
pub fn of(db: &mut dyn Db, account: &AccountId) -> Result<Vec<Passkey>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from passkeys where account_id = $1 order by created_at, id"
        )),
        &[account.as_str().into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Finds a key by its credential ID.
pub fn find(db: &mut dyn Db, credential_id: &[u8]) -> Result<Option<Passkey>> {
    let row = db.first(
        sql!(concat!("select ", columns!(), " from passkeys where credential_id = $1")),
        &[credential_id.into()],
    )?;
    row.map(read).transpose()
}

/// How many keys of each kind an account has: passkeys, and security keys.
pub fn count(db: &mut dyn Db, account: &AccountId) -> Result<(i64, i64)> {
    let mut counts = (0, 0);
    let rows = db.all(
        sql!("select kind, count(*) from passkeys where account_id = $1 group by kind"),
        &[account.as_str().into()],
    )?;
    for mut row in rows {
        let (kind, count): (String, i64) = (row.take()?, row.take()?);
        match PasskeyKind::parse(&kind) {
            Some(PasskeyKind::SecurityKey) => counts.1 = count,
            _ => counts.0 = count,
        }
    }
    Ok(counts)
}

/// What an assertion changes.
#[derive(Debug, Clone)]
pub struct PasskeyUse {
    pub sign_count: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// Whether the counter went back; then the key becomes suspect.
    pub regressed: bool,
}

/// Records that a key was used. The counter of another use that came first stays, unless this one
/// went back. Returns false if the key is gone.
pub fn note_use(db: &mut dyn Db, id: &str, used: &PasskeyUse, now: Time) -> Result<bool> {
    let suspect = used.regressed.then_some(now);
    let changed = db.run(
        sql!(
            "update passkeys set sign_count = case when $1 = 1 or sign_count < $2 then $2 else sign_count end, \
             backup_eligible = case when $3 = 1 then 1 else backup_eligible end, backed_up = $4, \
             suspect_at = coalesce(suspect_at, $5), last_used_at = $6 where id = $7"
        ),
        &[
            i64::from(used.regressed).into(),
            used.sign_count.into(),
            i64::from(used.backup_eligible).into(),
            i64::from(used.backed_up).into(),
            suspect.into(),
            now.into(),
            id.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Renames a key. Returns false if the account has no such key.
pub fn rename(db: &mut dyn Db, account: &AccountId, id: &str, name: &str) -> Result<bool> {
    let changed = db.run(
        sql!("update passkeys set name = $1 where id = $2 and account_id = $3"),
        &[name.into(), id.into(), account.as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Deletes a key. Returns it, or `None` if the account has no such key.
pub fn remove(db: &mut dyn Db, account: &AccountId, id: &str) -> Result<Option<Passkey>> {
    let row = db.first(
        sql!(concat!(
            "delete from passkeys where id = $1 and account_id = $2 returning ",
            columns!()
        )),
        &[id.into(), account.as_str().into()],
    )?;
    row.map(read).transpose()
}

/// Deletes the keys of an account that were created at or after this time, and returns them.
pub fn remove_since(db: &mut dyn Db, account: &AccountId, since: Time) -> Result<Vec<Passkey>> {
    let rows = db.all(
        sql!(concat!(
            "delete from passkeys where account_id = $1 and created_at >= $2 returning ",
            columns!()
        )),
        &[account.as_str().into(), since.into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Reads what stands for the account in authenticators.
pub fn handle(db: &mut dyn Db, account: &AccountId) -> Result<Option<Vec<u8>>> {
    let row =
        db.first(sql!("select handle from accounts where id = $1"), &[account.as_str().into()])?;
    row.map(|mut row| row.take()).transpose()
}
