//! The `sessions` table, and the one row that every request with a token reads.

use std::time::Duration;

use crate::error::Result;
use crate::model::session::{RotationHistory, SessionEnd};
use crate::model::{Account, AccountId, AuthMethods, SessionId, Source, Time};
use crate::sql;
use crate::store::db::{Db, Row, Sql, Value};
use crate::store::tables::links::LinkPurpose;
use crate::store::tables::{accounts, links, stats};

/// A row of the `sessions` table.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// The `sid` claim of tokens.
    pub id: SessionId,
    pub account: AccountId,
    /// How often the refresh token has been rotated.
    pub generation: i64,
    /// SHA-256 of the current refresh secret.
    pub secret_hash: Vec<u8>,
    /// When the refresh token was last rotated.
    pub rotated_at: Option<Time>,
    /// How long the session lives without a refresh.
    pub idle_for: Duration,
    /// When it ends without a refresh.
    pub idle_until: Time,
    /// False if the cookie ends with the browser.
    pub remember: bool,
    /// When it ends even if it is refreshed.
    pub expires_at: Option<Time>,
    /// When its login began.
    pub created_at: Time,
    /// When the owner last proved their identity.
    pub proved_at: Time,
    /// When it was last used, accurate to a few minutes.
    pub last_active_at: Time,
    pub ended_at: Option<Time>,
    /// When the recent refresh tokens were replaced.
    pub rotations: RotationHistory,
    /// The day, since 1970, of the last refresh that the audit log has a record of.
    pub refresh_day: Option<i64>,
}

impl SessionRow {
    /// True while the session can be used.
    #[must_use]
    pub fn is_alive(&self, now: Time) -> bool {
        self.ended_at.is_none() && !self.is_too_old(now)
    }

    /// True if one of its lifetimes has passed.
    #[must_use]
    pub fn is_too_old(&self, now: Time) -> bool {
        self.idle_until <= now || self.expires_at.is_some_and(|end| end <= now)
    }
}

macro_rules! columns {
    () => {
        "s.id, s.account_id, s.generation, s.secret_hash, s.rotated_at, s.idle_for, s.idle_until, s.remember, \
         s.expires_at, s.created_at, s.proved_at, s.last_active_at, s.ended_at, s.rotations, s.refresh_day"
    };
}

/// The condition that a session is live at a time, the same for every statement.
macro_rules! live {
    ($now:literal) => {
        concat!(
            "ended_at is null and idle_until > ",
            $now,
            " and (expires_at is null or expires_at > ",
            $now,
            ")"
        )
    };
}
pub(in crate::store) use live;

fn read(row: &mut Row) -> Result<SessionRow> {
    Ok(SessionRow {
        id: SessionId::new(row.take::<String>()?),
        account: AccountId::new(row.take::<String>()?),
        generation: row.take()?,
        secret_hash: row.take()?,
        rotated_at: row.take()?,
        idle_for: Duration::from_millis(u64::try_from(row.take::<i64>()?).unwrap_or(0)),
        idle_until: row.take()?,
        remember: row.take::<i64>()? != 0,
        expires_at: row.take()?,
        created_at: row.take()?,
        proved_at: row.take()?,
        last_active_at: row.take()?,
        ended_at: row.take()?,
        rotations: RotationHistory::stored(&row.take::<Option<Vec<u8>>>()?.unwrap_or_default()),
        refresh_day: row.take()?,
    })
}

fn millis(span: Duration) -> Value {
    Value::Int(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

/// Inserts a session whose owner proved their identity by these methods. Only the login gate calls
/// this.
pub fn insert(
    db: &mut dyn Db,
    new: &SessionRow,
    methods: &AuthMethods,
    source: &Source,
) -> Result<()> {
    db.run(
        sql!(
            "insert into sessions (id, account_id, kind, methods, level, generation, secret_hash, idle_for, idle_until, \
             remember, expires_at, proved_at, last_active_at, client_ip, user_agent, created_at) \
             values ($1, $2, 'first_party', $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14)"
        ),
        &[
            new.id.as_str().into(),
            new.account.as_str().into(),
            methods.as_str().into(),
            methods.level().into(),
            new.generation.into(),
            new.secret_hash.clone().into(),
            millis(new.idle_for),
            new.idle_until.into(),
            i64::from(new.remember).into(),
            new.expires_at.into(),
            new.proved_at.into(),
            source.address.map(|address| address.to_canonical().to_string()).unwrap_or_default().into(),
            source.user_agent.as_deref().into(),
            new.created_at.into(),
        ],
    )?;
    Ok(())
}

/// Finds the session with this id.
pub fn find(db: &mut dyn Db, id: &SessionId) -> Result<Option<SessionRow>> {
    let row = db.first(
        sql!(concat!("select ", columns!(), " from sessions s where s.id = $1")),
        &[id.as_str().into()],
    )?;
    row.map(|mut row| read(&mut row)).transpose()
}

/// When the login of a session began; `None` if there is no such session.
pub fn begun_at(db: &mut dyn Db, id: &SessionId) -> Result<Option<Time>> {
    let row =
        db.first(sql!("select created_at from sessions where id = $1"), &[id.as_str().into()])?;
    row.map(|mut row| row.take()).transpose()
}

/// How the owner of a session proved their identity; `None` if there is no such session.
pub fn methods(db: &mut dyn Db, id: &SessionId) -> Result<Option<AuthMethods>> {
    let row =
        db.first(sql!("select methods from sessions where id = $1"), &[id.as_str().into()])?;
    row.map(|mut row| Ok(AuthMethods::stored(row.take()?))).transpose()
}

/// What a request with a token reads: the session, its account with roles, and the instance's
/// epoch.
#[derive(Debug, Clone)]
pub struct SessionSnapshot {
    pub session: SessionRow,
    pub account: Account,
    /// The account's roles, in the order in which they were given.
    pub roles: Vec<String>,
    /// How often keys, roles, API clients or the stored policy have changed.
    pub epoch: i64,
}

impl SessionSnapshot {
    /// True while the session can be used and its account is neither suspended nor deleted.
    #[must_use]
    pub fn is_usable(&self, now: Time) -> bool {
        self.session.is_alive(now)
            && self.account.suspended_at.is_none()
            && self.account.deleted_at.is_none()
    }
}

macro_rules! snapshot {
    () => {
        concat!(
            "select ",
            columns!(),
            ", ",
            accounts::columns!(),
            ", (select string_agg(r.position || ' ' || r.role, ',') from account_roles r \
               where r.account_id = a.id), \
             (select number from instance where name = 'epoch') \
             from sessions s join accounts a on a.id = s.account_id"
        )
    };
}

fn read_snapshot(mut row: Row) -> Result<SessionSnapshot> {
    let session = read(&mut row)?;
    let account = accounts::read(&mut row)?;
    let roles = in_order(&row.take::<Option<String>>()?.unwrap_or_default());
    let epoch = row.take::<Option<i64>>()?.unwrap_or(0);
    Ok(SessionSnapshot { session, account, roles, epoch })
}

/// Splits `position role` pairs and returns the roles by position. Sorting here costs less than
/// `string_agg` with an order, for which SQLite sets up a sorter in every token check.
fn in_order(pairs: &str) -> Vec<String> {
    let mut roles: Vec<(i64, &str)> = pairs
        .split(',')
        .filter_map(|pair| pair.split_once(' '))
        .map(|(position, role)| (position.parse().unwrap_or(i64::MAX), role))
        .collect();
    roles.sort_unstable();
    roles.into_iter().map(|(_, role)| role.to_owned()).collect()
}

/// Reads a session and everything a request needs to know about it in one row.
pub fn find_snapshot(db: &mut dyn Db, id: &SessionId) -> Result<Option<SessionSnapshot>> {
    db.first(SNAPSHOT, &[id.as_str().into()])?.map(read_snapshot).transpose()
}

/// Lets the account pages use a live session, with the secret that has this digest. Another secret
/// that the session had stops working. Returns false if the session has ended.
pub fn admit_page(db: &mut dyn Db, id: &SessionId, hash: &[u8; 32], now: Time) -> Result<bool> {
    let changed = db.run(
        sql!(concat!("update sessions set page_hash = $1 where id = $2 and ", live!("$3"))),
        &[hash.into(), id.as_str().into(), now.into()],
    )?;
    Ok(changed == 1)
}

/// Like [`find_snapshot`], by the digest of the secret of the account pages.
pub fn find_page_snapshot(db: &mut dyn Db, hash: &[u8; 32]) -> Result<Option<SessionSnapshot>> {
    db.first(PAGE_SNAPSHOT, &[hash.into()])?.map(read_snapshot).transpose()
}

/// Records that the account pages used a session, which prolongs it as a refresh does, unless a use
/// since `older_than` is already recorded.
pub fn touch_page(db: &mut dyn Db, id: &SessionId, older_than: Time, now: Time) -> Result<()> {
    db.run(
        sql!(concat!(
            "update sessions set last_active_at = $1, \
             idle_until = case when expires_at is not null and expires_at < $1 + idle_for then expires_at \
               else $1 + idle_for end \
             where id = $2 and last_active_at < $3 and ",
            live!("$1")
        )),
        &[now.into(), id.as_str().into(), older_than.into()],
    )?;
    Ok(())
}

/// The statement that every request with a token runs.
pub(in crate::store) const SNAPSHOT: Sql = sql!(concat!(snapshot!(), " where s.id = $1"));

const PAGE_SNAPSHOT: Sql = sql!(concat!(snapshot!(), " where s.page_hash = $1"));

/// One rotation of a refresh token.
#[derive(Debug, Clone)]
pub struct TokenRotation {
    pub id: SessionId,
    /// The generation that the client presented.
    pub generation: i64,
    /// The digest of the secret that the client presented.
    pub secret_hash: [u8; 32],
    /// The next generation; unchanged if the token is not rotated.
    pub next_generation: i64,
    /// The digest of the next secret; unchanged if the token is not rotated.
    pub next_hash: [u8; 32],
    pub now: Time,
}

/// Rotates the token if the session is live and the token is the current one, and updates the row;
/// otherwise returns false. The row must have been read in the same write.
pub fn rotate(
    db: &mut dyn Db,
    row: &mut SessionRow,
    rotation: &TokenRotation,
    grace: Duration,
) -> Result<bool> {
    let rotates = rotation.next_generation != rotation.generation;
    let rotations = if rotates {
        row.rotations.with(rotation.generation, rotation.now, grace)
    } else {
        row.rotations.clone()
    };
    let rotated_at = if rotates { Some(rotation.now) } else { row.rotated_at };
    let day = Some(stats::day_of(rotation.now));
    let changed = db.first(
        sql!(concat!(
            "update sessions set generation = $1, secret_hash = $2, rotated_at = $3, rotations = $4, \
             refresh_day = $5, last_active_at = $6, \
             idle_until = case when expires_at is not null and expires_at < $6 + idle_for then expires_at \
               else $6 + idle_for end \
             where id = $7 and generation = $8 and secret_hash = $9 and ",
            live!("$6"),
            " and exists (select 1 from accounts a where a.id = sessions.account_id and a.suspended_at is null \
               and a.deleted_at is null) returning idle_until"
        )),
        &[
            rotation.next_generation.into(),
            (&rotation.next_hash).into(),
            rotated_at.into(),
            rotations.to_bytes().into(),
            day.into(),
            rotation.now.into(),
            rotation.id.as_str().into(),
            rotation.generation.into(),
            (&rotation.secret_hash).into(),
        ],
    )?;
    let Some(mut changed) = changed else { return Ok(false) };
    row.idle_until = changed.take()?;
    row.generation = rotation.next_generation;
    row.secret_hash = rotation.next_hash.to_vec();
    row.last_active_at = rotation.now;
    (row.rotated_at, row.rotations, row.refresh_day) = (rotated_at, rotations, day);
    Ok(true)
}

/// Ends one session. Returns false if it had ended.
pub fn end(db: &mut dyn Db, id: &SessionId, why: SessionEnd, now: Time) -> Result<bool> {
    let ended = db.run(
        sql!(
            "update sessions set ended_at = $1, end_reason = $2 where id = $3 and ended_at is null"
        ),
        &[now.into(), why.as_str().into(), id.as_str().into()],
    )?;
    if ended == 1 && why.is_distrust() {
        db.run(
            sql!(
                "delete from links where purpose = $1 \
                 and account_id = (select account_id from sessions where id = $2)"
            ),
            &[LinkPurpose::ConfirmEmail.as_str().into(), id.as_str().into()],
        )?;
    }
    Ok(ended == 1)
}

/// Voids a change of address that was requested in a session of the account and is not confirmed,
/// if the sessions ended for a reason that gives no trust in what was done in them. Every way to end
/// the sessions of an account calls this.
fn void_change(db: &mut dyn Db, account: &AccountId, why: SessionEnd) -> Result<()> {
    if why.is_distrust() { links::void(db, account, LinkPurpose::ConfirmEmail) } else { Ok(()) }
}

/// Whether the session has ended for a reason that voids what was requested in it.
pub fn is_distrusted(db: &mut dyn Db, id: &SessionId) -> Result<bool> {
    let row = db.first(
        sql!("select end_reason from sessions where id = $1 and ended_at is not null"),
        &[id.as_str().into()],
    )?;
    let Some(mut row) = row else { return Ok(false) };
    let why: Option<String> = row.take()?;
    Ok(!SessionEnd::ALL
        .iter()
        .any(|end| why.as_deref() == Some(end.as_str()) && !end.is_distrust()))
}

fn ids(rows: Vec<Row>) -> Result<Vec<SessionId>> {
    rows.into_iter().map(|mut row| Ok(SessionId::new(row.take::<String>()?))).collect()
}

/// Ends all live sessions of an account and returns their ids.
pub fn end_all(
    db: &mut dyn Db,
    account: &AccountId,
    why: SessionEnd,
    now: Time,
) -> Result<Vec<SessionId>> {
    void_change(db, account, why)?;
    ids(db.all(
        sql!(
            "update sessions set ended_at = $1, end_reason = $2 where account_id = $3 and ended_at is null returning id"
        ),
        &[now.into(), why.as_str().into(), account.as_str().into()],
    )?)
}

/// Ends all live sessions of all accounts and returns how many.
pub fn end_all_accounts(db: &mut dyn Db, why: SessionEnd, now: Time) -> Result<u64> {
    if why.is_distrust() {
        db.run(
            sql!("delete from links where purpose = $1"),
            &[LinkPurpose::ConfirmEmail.as_str().into()],
        )?;
    }
    db.run(
        sql!("update sessions set ended_at = $1, end_reason = $2 where ended_at is null"),
        &[now.into(), why.as_str().into()],
    )
}

/// Ends all live sessions of an account except one and returns their ids.
pub fn end_others(
    db: &mut dyn Db,
    account: &AccountId,
    keep: &SessionId,
    why: SessionEnd,
    now: Time,
) -> Result<Vec<SessionId>> {
    void_change(db, account, why)?;
    ids(db.all(
        sql!(
            "update sessions set ended_at = $1, end_reason = $2 where account_id = $3 and id <> $4 \
             and ended_at is null returning id"
        ),
        &[now.into(), why.as_str().into(), account.as_str().into(), keep.as_str().into()],
    )?)
}

/// Records that the session's owner proved their identity again, and how. Returns false if the
/// session has ended.
pub fn renew_proof(
    db: &mut dyn Db,
    id: &SessionId,
    proved: &AuthMethods,
    now: Time,
) -> Result<bool> {
    if !add_methods(db, id, proved)? {
        return Ok(false);
    }
    let renewed = db.run(
        sql!("update sessions set proved_at = $1 where id = $2 and ended_at is null"),
        &[now.into(), id.as_str().into()],
    )?;
    Ok(renewed == 1)
}

/// Adds methods by which the session's owner proved their identity, without a fresh proof. Returns
/// false if the session has ended.
pub fn add_methods(db: &mut dyn Db, id: &SessionId, proved: &AuthMethods) -> Result<bool> {
    let row = db.first(
        sql!("select methods from sessions where id = $1 and ended_at is null"),
        &[id.as_str().into()],
    )?;
    let Some(mut row) = row else { return Ok(false) };
    let methods = AuthMethods::stored(row.take()?).and(proved);
    let changed = db.run(
        sql!("update sessions set methods = $1, level = $2 where id = $3 and ended_at is null"),
        &[methods.as_str().into(), methods.level().into(), id.as_str().into()],
    )?;
    Ok(changed == 1)
}

/// Takes back what the other sessions of an account have shown besides the password, because no
/// factor guarded it then: what they showed may have been added to it and removed again.
pub fn forget_factors_shown(db: &mut dyn Db, account: &AccountId, keep: &SessionId) -> Result<()> {
    db.run(
        sql!(
            "update sessions set methods = case when methods like 'pwd%' then 'pwd' else '' end, level = 1 \
             where account_id = $1 and id <> $2 and ended_at is null and methods is not null"
        ),
        &[account.as_str().into(), keep.as_str().into()],
    )?;
    Ok(())
}

/// Ends the oldest live sessions of an account until `keep` are left, and returns their ids.
pub fn end_oldest(
    db: &mut dyn Db,
    account: &AccountId,
    keep: u32,
    now: Time,
) -> Result<Vec<SessionId>> {
    ids(db.all(
        sql!(concat!(
            "update sessions set ended_at = $1, end_reason = $2 where account_id = $3 and ended_at is null \
             and id not in (select id from sessions where account_id = $3 and ",
            live!("$1"),
            " order by created_at desc, id desc limit $4) returning id"
        )),
        &[now.into(), SessionEnd::Cap.as_str().into(), account.as_str().into(), i64::from(keep).into()],
    )?)
}

/// Counts the live sessions of an account.
pub fn count_live(db: &mut dyn Db, account: &AccountId, now: Time) -> Result<i64> {
    let row = db.first(
        sql!(concat!("select count(*) from sessions where account_id = $1 and ", live!("$2"))),
        &[account.as_str().into(), now.into()],
    )?;
    row.map_or(Ok(0), |mut row| row.take())
}

/// Counts the live sessions of all accounts. The query is slow, so call it only where waiting does
/// no harm.
pub fn count_all_live(db: &mut dyn Db, now: Time) -> Result<i64> {
    let row = db
        .first(sql!(concat!("select count(*) from sessions where ", live!("$1"))), &[now.into()])?;
    row.map_or(Ok(0), |mut row| row.take())
}

/// When the last outstanding refresh token expires.
pub fn last_refresh(db: &mut dyn Db) -> Result<Option<Time>> {
    let row = db.first(sql!("select max(idle_until) from sessions"), &[])?;
    row.map_or(Ok(None), |mut row| row.take())
}

/// Records that a session was used, unless a use since `older_than` is already recorded.
pub fn touch(db: &mut dyn Db, id: &SessionId, older_than: Time, now: Time) -> Result<()> {
    db.run(
        sql!("update sessions set last_active_at = $1 where id = $2 and last_active_at < $3 and ended_at is null"),
        &[now.into(), id.as_str().into(), older_than.into()],
    )?;
    Ok(())
}

/// Deletes up to `limit` sessions whose idle lifetime ended before `idle_before` and returns how
/// many it deleted.
pub fn purge(db: &mut dyn Db, idle_before: Time, limit: i64) -> Result<u64> {
    db.run(
        sql!(
            "delete from sessions where id in (select id from sessions where idle_until <= $1 order by idle_until \
             limit $2)"
        ),
        &[idle_before.into(), limit.into()],
    )
}

/// A live session as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    pub id: SessionId,
    /// The client IP at login as text; empty if there was none.
    pub client_ip: String,
    /// The User-Agent at login.
    pub user_agent: Option<String>,
    pub created_at: Time,
    /// When it was last used, accurate to a few minutes.
    pub last_active_at: Time,
}

/// Lists the live sessions of an account, last used first.
pub fn list_live(db: &mut dyn Db, account: &AccountId, now: Time) -> Result<Vec<LiveSession>> {
    let rows = db.all(
        sql!(concat!(
            "select id, client_ip, user_agent, created_at, last_active_at from sessions \
             where account_id = $1 and ",
            live!("$2"),
            " order by last_active_at desc, id desc"
        )),
        &[account.as_str().into(), now.into()],
    )?;
    let listed = |mut row: Row| {
        Ok(LiveSession {
            id: SessionId::new(row.take::<String>()?),
            client_ip: row.take()?,
            user_agent: row.take()?,
            created_at: row.take()?,
            last_active_at: row.take()?,
        })
    };
    rows.into_iter().map(listed).collect()
}

/// Ends one live session of this account. Returns false if the account has no such session.
pub fn end_of(
    db: &mut dyn Db,
    account: &AccountId,
    id: &SessionId,
    why: SessionEnd,
    now: Time,
) -> Result<bool> {
    let ended = db.run(
        sql!(concat!(
            "update sessions set ended_at = $1, end_reason = $2 where id = $3 and account_id = $4 and ",
            live!("$1")
        )),
        &[now.into(), why.as_str().into(), id.as_str().into(), account.as_str().into()],
    )?;
    if ended == 1 {
        void_change(db, account, why)?;
    }
    Ok(ended == 1)
}
