//! The `accounts` table and the user names reserved by sign-ups.

use crate::error::Result;
use crate::model::{Account, AccountId, Email, LanguageTag, Time};
use crate::sql;
use crate::store::db::{Db, Row, Sql, Value};
use crate::store::tables::identity_tokens;
use crate::store::tables::roles::Removable;
use crate::store::tables::search_index;

/// The columns of an account, for every statement whose rows [`read`] decodes.
macro_rules! columns {
    () => {
        "a.id, a.number, a.email, a.email_key, a.email_verified_at, a.username, a.first_name, a.last_name, a.name, a.company_name, a.phone, \
         a.phone_verified_at, a.locale, a.password_hash, a.password_contested_at, a.credential_version, a.suspended_at, \
         a.deleted_at, a.deleted_by, a.last_login_at, \
         a.created_at, a.updated_at"
    };
}
pub(in crate::store) use columns;

/// Decodes the columns of an account from a row.
pub fn read(row: &mut Row) -> Result<Account> {
    Ok(Account {
        id: AccountId::new(row.take::<String>()?),
        number: row.take()?,
        email: {
            let typed: Option<String> = row.take()?;
            let key: Option<String> = row.take()?;
            typed.map(|typed| Email::stored(typed, key.unwrap_or_default()))
        },
        email_verified_at: row.take()?,
        username: row.take()?,
        first_name: row.take()?,
        last_name: row.take()?,
        name: row.take()?,
        company_name: row.take()?,
        phone: row.take()?,
        phone_verified_at: row.take()?,
        locale: row.take::<Option<String>>()?.as_deref().and_then(LanguageTag::parse),
        password_hash: row.take()?,
        password_contested_at: row.take()?,
        credential_version: row.take()?,
        suspended_at: row.take()?,
        deleted_at: row.take()?,
        deleted_by: row.take()?,
        last_login_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// An account to insert, with what a reader of [`Account`] never sees.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// Its number is not used: [`insert`] draws the next, [`insert_numbered`] is given one.
    pub account: Account,
    /// The normalised user name; `None` while the name is only reserved.
    pub username_key: Option<String>,
    /// 32 random bytes that stand for the account in authenticators.
    pub handle: [u8; 32],
    /// The scheme and cost of the hash.
    pub password_scheme: Option<String>,
    /// How many uploads count against the quota.
    pub files_uploaded: i64,
    /// The account's own upload quota, if it has one.
    pub upload_limit: Option<i64>,
    /// When an import brought the account.
    pub imported_at: Option<Time>,
}

impl NewRow {
    /// A row with neither user name nor password scheme, whose account uploaded nothing.
    #[must_use]
    pub fn new(account: Account, handle: [u8; 32]) -> Self {
        Self {
            account,
            username_key: None,
            handle,
            password_scheme: None,
            files_uploaded: 0,
            upload_limit: None,
            imported_at: None,
        }
    }

    fn values(&self, number: i64) -> [Value; 25] {
        let account = &self.account;
        [
            account.id.as_str().into(),
            number.into(),
            (&self.handle).into(),
            account.email.as_ref().map(Email::as_str).into(),
            account.email_key().into(),
            account.email_verified_at.into(),
            account.username.as_deref().into(),
            self.username_key.as_deref().into(),
            account.first_name.as_deref().into(),
            account.last_name.as_deref().into(),
            account.name.as_deref().into(),
            account.company_name.as_deref().into(),
            account.phone.as_deref().into(),
            account.phone_verified_at.into(),
            account.locale.as_ref().map(LanguageTag::as_str).into(),
            account.password_hash.as_deref().into(),
            self.password_scheme.as_deref().into(),
            account.credential_version.into(),
            self.files_uploaded.into(),
            self.upload_limit.into(),
            account.suspended_at.into(),
            account.last_login_at.into(),
            account.created_at.into(),
            account.updated_at.into(),
            self.imported_at.into(),
        ]
    }
}

/// The insertion of a [`NewRow`], without its reaction to a conflict.
macro_rules! insertion {
    () => {
        "insert into accounts (id, number, handle, email, email_key, email_verified_at, username, username_key, \
         first_name, last_name, name, company_name, phone, phone_verified_at, locale, password_hash, password_scheme, \
         credential_version, files_uploaded, upload_limit, suspended_at, last_login_at, created_at, updated_at, \
         imported_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25)"
    };
}

/// Inserts an account with the next number. Returns false if its address is taken.
///
/// # Errors
/// [`crate::store::Constraint::Username`] as the source if the user name is taken.
pub fn insert(db: &mut dyn Db, new: &NewRow) -> Result<bool> {
    let number = crate::store::tables::instance::next_account_number(db)?;
    let sql = sql!(concat!(insertion!(), " on conflict (email_key) do nothing"));
    run_insertion(db, sql, number, new)
}

/// Inserts an account with this number. Returns false if its id, number, address or user name is
/// taken.
pub fn insert_numbered(db: &mut dyn Db, number: i64, new: &NewRow) -> Result<bool> {
    run_insertion(db, sql!(concat!(insertion!(), " on conflict do nothing")), number, new)
}

fn run_insertion(db: &mut dyn Db, sql: Sql, number: i64, new: &NewRow) -> Result<bool> {
    let is_inserted = db.run(sql, &new.values(number))? == 1;
    if is_inserted {
        search_index::note_new(db, number, &new.account)?;
    }
    Ok(is_inserted)
}

fn one(rows: Option<Row>) -> Result<Option<Account>> {
    rows.map(|mut row| read(&mut row)).transpose()
}

/// Finds the account with this id.
pub fn find(db: &mut dyn Db, id: &AccountId) -> Result<Option<Account>> {
    one(db.first(
        sql!(concat!("select ", columns!(), " from accounts a where a.id = $1")),
        &[id.as_str().into()],
    )?)
}

/// Finds the account with this address.
pub fn find_by_email(db: &mut dyn Db, email_key: &str) -> Result<Option<Account>> {
    one(db.first(
        sql!(concat!("select ", columns!(), " from accounts a where a.email_key = $1")),
        &[email_key.into()],
    )?)
}

/// Finds the account with this user name.
pub fn find_by_username(db: &mut dyn Db, username_key: &str) -> Result<Option<Account>> {
    one(db.first(
        sql!(concat!("select ", columns!(), " from accounts a where a.username_key = $1")),
        &[username_key.into()],
    )?)
}

/// True if an account or a pending sign-up other than `holder` has this user name.
pub fn is_username_taken(
    db: &mut dyn Db,
    username_key: &str,
    holder: &AccountId,
    now: Time,
) -> Result<bool> {
    let row = db.first(
        sql!(
            "select 1 from accounts where username_key = $1 and id <> $2 \
             union all \
             select 1 from username_reservations where username_key = $1 and holder <> $2 and expires_at > $3"
        ),
        &[username_key.into(), holder.as_str().into(), now.into()],
    )?;
    Ok(row.is_some())
}

/// Reserves a user name for a sign-up, whether or not the sign-up created an account.
pub fn reserve_username(
    db: &mut dyn Db,
    username_key: &str,
    holder: &AccountId,
    until: Time,
) -> Result<()> {
    db.run(
        sql!(
            "insert into username_reservations (username_key, holder, expires_at) values ($1, $2, $3) \
             on conflict (username_key) do update set holder = $2, expires_at = $3"
        ),
        &[username_key.into(), holder.as_str().into(), until.into()],
    )?;
    Ok(())
}

/// Assigns a reserved user name to the account.
pub fn take_username(db: &mut dyn Db, id: &AccountId, username_key: &str) -> Result<()> {
    db.run(
        sql!("delete from username_reservations where username_key = $1"),
        &[username_key.into()],
    )?;
    db.run(
        sql!("update accounts set username_key = $1 where id = $2 and username_key is null"),
        &[username_key.into(), id.as_str().into()],
    )?;
    Ok(())
}

/// Removes an account's user name that another account claimed first.
pub fn drop_username(db: &mut dyn Db, id: &AccountId) -> Result<()> {
    search_index::changing(db, id, |db| {
        db.run(
            sql!("update accounts set username = null where id = $1 and username_key is null"),
            &[id.as_str().into()],
        )
        .map(drop)
    })
}

/// Records a completed login. Returns false if the credential version changed since the caller read
/// the password hash, or if the account is not active.
pub fn note_login(
    db: &mut dyn Db,
    id: &AccountId,
    credential_version: i64,
    now: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set last_login_at = $1 \
             where id = $2 and credential_version = $3 and suspended_at is null and deleted_at is null"
        ),
        &[now.into(), id.as_str().into(), credential_version.into()],
    )?;
    Ok(changed == 1)
}

/// Raises the credential version if it still is this one and the account is active; otherwise
/// returns false. Proofs that were issued for the old version stop working.
pub fn raise_credential_version(
    db: &mut dyn Db,
    id: &AccountId,
    credential_version: i64,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set credential_version = credential_version + 1 \
             where id = $1 and credential_version = $2 and suspended_at is null and deleted_at is null"
        ),
        &[id.as_str().into(), credential_version.into()],
    )?;
    Ok(changed == 1)
}

/// Locks the account's row, so that two concurrent changes under one rule run one after the other.
pub fn hold(db: &mut dyn Db, id: &AccountId) -> Result<()> {
    db.run(
        sql!("update accounts set credential_version = credential_version where id = $1"),
        &[id.as_str().into()],
    )
    .map(drop)
}

/// Raises the credential version unconditionally. Proofs that were issued for the old version stop
/// working.
pub fn void_proofs(db: &mut dyn Db, id: &AccountId) -> Result<()> {
    db.run(
        sql!("update accounts set credential_version = credential_version + 1 where id = $1"),
        &[id.as_str().into()],
    )?;
    Ok(())
}

/// Marks the phone number as verified if it still is the number in the profile.
pub fn prove_phone(db: &mut dyn Db, id: &AccountId, phone: &str, now: Time) -> Result<()> {
    db.run(
        sql!("update accounts set phone_verified_at = $1, updated_at = $1 where id = $2 and phone = $3"),
        &[now.into(), id.as_str().into(), phone.into()],
    )?;
    Ok(())
}

/// Notes that a sign-up with this address gave the password with this hash, if the address is
/// unverified and the account has another password. Returns false if that changed nothing.
pub fn contest_password(db: &mut dyn Db, email_key: &str, hash: &str, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set password_contested_at = $1 \
             where email_key = $2 and email_verified_at is null and password_contested_at is null \
             and (password_hash is null or password_hash <> $3)"
        ),
        &[now.into(), email_key.into(), hash.into()],
    )?;
    Ok(changed == 1)
}

/// Removes the password, because it may be known to another party than the owner.
pub fn clear_password(db: &mut dyn Db, id: &AccountId, now: Time) -> Result<()> {
    db.run(
        sql!(
            "update accounts set password_hash = null, password_scheme = null, \
             credential_version = credential_version + 1, updated_at = $1 where id = $2"
        ),
        &[now.into(), id.as_str().into()],
    )?;
    Ok(())
}

/// Replaces a hash by a stronger hash of the same password.
pub fn upgrade_hash(
    db: &mut dyn Db,
    id: &AccountId,
    old: &str,
    new: &str,
    scheme: &str,
) -> Result<()> {
    db.run(
        sql!("update accounts set password_hash = $1, password_scheme = $2 where id = $3 and password_hash = $4"),
        &[new.into(), scheme.into(), id.as_str().into(), old.into()],
    )?;
    Ok(())
}

/// Sets a new password that the account's owner or an administrator chose. Returns false if the
/// account is deleted.
pub fn set_password(
    db: &mut dyn Db,
    id: &AccountId,
    hash: &str,
    scheme: &str,
    now: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set password_hash = $1, password_scheme = $2, password_contested_at = null, \
             credential_version = credential_version + 1, updated_at = $3 where id = $4 and deleted_at is null"
        ),
        &[hash.into(), scheme.into(), now.into(), id.as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Sets a new password if the account is active and its credential version has not changed since
/// the old password was checked; otherwise returns false.
pub fn change_password(
    db: &mut dyn Db,
    account: &Account,
    hash: &str,
    scheme: &str,
    now: Time,
) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set password_hash = $1, password_scheme = $2, \
             credential_version = credential_version + 1, updated_at = $3 where id = $4 and credential_version = $5 and suspended_at is null and deleted_at is null"
        ),
        &[hash.into(), scheme.into(), now.into(), account.id.as_str().into(), account.credential_version.into()],
    )?;
    Ok(changed == 1)
}

/// Marks the address as verified. Returns false if the account has another address by now or is
/// already verified.
pub fn prove_email(db: &mut dyn Db, id: &AccountId, email_key: &str, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set email_verified_at = $1, password_contested_at = null, updated_at = $1, \
             credential_version = credential_version + 1 \
             where id = $2 and email_key = $3 and email_verified_at is null and deleted_at is null"
        ),
        &[now.into(), id.as_str().into(), email_key.into()],
    )?;
    Ok(changed == 1)
}

/// Replaces the account's address by a verified one. Returns false if the account is deleted.
///
/// # Errors
/// [`crate::store::Constraint::Email`] as the source if another account has the address.
pub fn set_email(db: &mut dyn Db, id: &AccountId, email: &Email, now: Time) -> Result<bool> {
    let changed = search_index::changing(db, id, |db| {
        db.run(
            sql!(
                "update accounts set email = $1, email_key = $2, email_verified_at = $3, password_contested_at = null, \
                 credential_version = credential_version + 1, updated_at = $3 where id = $4 and deleted_at is null"
            ),
            &[email.as_str().into(), email.key().into(), now.into(), id.as_str().into()],
        )
    })?;
    Ok(changed == 1)
}

/// Suspends an account. Returns false if it is suspended or deleted.
pub fn suspend(db: &mut dyn Db, account: &Removable, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set suspended_at = $1, credential_version = credential_version + 1, updated_at = $1 \
             where id = $2 and suspended_at is null and deleted_at is null"
        ),
        &[now.into(), account.id().as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Reinstates a suspended account. Returns false if it is not suspended, or deleted.
pub fn reinstate(db: &mut dyn Db, id: &AccountId, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set suspended_at = null, credential_version = credential_version + 1, updated_at = $1 \
             where id = $2 and suspended_at is not null and deleted_at is null"
        ),
        &[now.into(), id.as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Soft-deletes an account for this actor. Returns false if it was already deleted.
pub fn hide(db: &mut dyn Db, account: &Removable, actor: &str, now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(
            "update accounts set deleted_at = $1, deleted_by = $2, credential_version = credential_version + 1, \
             updated_at = $1 where id = $3 and deleted_at is null"
        ),
        &[now.into(), actor.into(), account.id().as_str().into()],
    )?;
    // They open accounts elsewhere, and a restored account gets new ones at the next login.
    identity_tokens::remove_of_account(db, account.id())?;
    Ok(changed == 1)
}

/// New profile values: `None` leaves a field unchanged, `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    pub first_name: Option<Option<String>>,
    pub last_name: Option<Option<String>>,
    pub name: Option<Option<String>>,
    pub company_name: Option<Option<String>>,
    /// A new phone number is unverified.
    pub phone: Option<Option<String>>,
    pub locale: Option<Option<LanguageTag>>,
}

/// The change of a profile, without its conditions on the account.
macro_rules! profile_change {
    () => {
        "update accounts set \
         first_name = case when cast($1 as bigint) = 1 then cast($2 as text) else first_name end, \
         last_name = case when cast($3 as bigint) = 1 then cast($4 as text) else last_name end, \
         name = case when cast($5 as bigint) = 1 then cast($6 as text) else name end, \
         company_name = case when cast($7 as bigint) = 1 then cast($8 as text) else company_name end, \
         phone_verified_at = case when cast($9 as bigint) = 1 \
           and coalesce(phone, '') <> coalesce(cast($10 as text), '') then null else phone_verified_at end, \
         phone = case when cast($9 as bigint) = 1 then cast($10 as text) else phone end, \
         locale = case when cast($11 as bigint) = 1 then cast($12 as text) else locale end, \
         updated_at = $13 where id = $14 and deleted_at is null"
    };
}
pub(in crate::store) use profile_change;

/// Runs a [`profile_change`] statement. Returns false if no account met its conditions.
pub(in crate::store) fn run_profile_change(
    db: &mut dyn Db,
    sql: Sql,
    id: &AccountId,
    change: &ProfileChange,
    now: Time,
) -> Result<bool> {
    let flag = |field: &Option<Option<String>>| Value::Int(i64::from(field.is_some()));
    let value =
        |field: &Option<Option<String>>| field.clone().flatten().map_or(Value::Null, Value::Text);
    let locale = change.locale.map(|locale| locale.map(|tag| tag.as_str().to_owned()));
    let values = [
        flag(&change.first_name),
        value(&change.first_name),
        flag(&change.last_name),
        value(&change.last_name),
        flag(&change.name),
        value(&change.name),
        flag(&change.company_name),
        value(&change.company_name),
        flag(&change.phone),
        value(&change.phone),
        flag(&locale),
        value(&locale),
        now.into(),
        id.as_str().into(),
    ];
    let is_renamed =
        change.first_name.is_some() || change.last_name.is_some() || change.name.is_some();
    let changed = if is_renamed {
        search_index::changing(db, id, |db| db.run(sql, &values))?
    } else {
        db.run(sql, &values)?
    };
    Ok(changed == 1)
}

/// Replaces the language of an account whose address was just verified. An import's stays: no stranger
/// chose it.
pub fn replace_locale(db: &mut dyn Db, id: &AccountId, language: LanguageTag) -> Result<()> {
    db.run(
        sql!("update accounts set locale = $1 where id = $2 and imported_at is null"),
        &[language.as_str().into(), id.as_str().into()],
    )?;
    Ok(())
}

/// Updates the profile of an active account field by field and returns the updated account.
pub fn change_profile(
    db: &mut dyn Db,
    id: &AccountId,
    change: &ProfileChange,
    now: Time,
) -> Result<Option<Account>> {
    let sql = sql!(concat!(profile_change!(), " and suspended_at is null"));
    if run_profile_change(db, sql, id, change, now)? { find(db, id) } else { Ok(None) }
}

/// The part of the account list to return.
#[derive(Debug, Clone)]
pub struct AccountQuery {
    /// Only ids after this one.
    pub after: Option<String>,
    pub limit: i64,
}

/// Lists accounts in the order of their ids.
pub fn list(db: &mut dyn Db, page: &AccountQuery) -> Result<Vec<Account>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from accounts a where a.id > $1 order by a.id limit $2"
        )),
        &[page.after.clone().unwrap_or_default().into(), page.limit.into()],
    )?;
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Counts the accounts per scheme and cost of their password hash.
pub fn count_schemes(db: &mut dyn Db) -> Result<Vec<(String, u64)>> {
    let rows = db.all(
        sql!(
            "select password_scheme, count(*) from accounts where password_scheme is not null group by password_scheme"
        ),
        &[],
    )?;
    let pair = |mut row: Row| Ok((row.take()?, u64::try_from(row.take::<i64>()?).unwrap_or(0)));
    rows.into_iter().map(pair).collect()
}

/// Deletes up to `limit` expired user name reservations and returns how many it deleted.
pub fn purge_reservations(db: &mut dyn Db, now: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from username_reservations where username_key in \
             (select username_key from username_reservations where expires_at <= $1 limit $2)"
        ),
        &[now.into(), limit.into()],
    )
}
