//! All that is kept about one account besides its own row, for its owner. Digests, secrets and bodies of mail are left
//! out: they tell nobody anything.

use super::db::{Db, Row};
use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;

/// The most records of one kind.
pub const MOST: i64 = 10_000;

/// A session, alive or ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// The client address at login.
    pub client: String,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Time,
    /// When it was last used.
    pub last_active_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Why it ended.
    pub end_reason: Option<String>,
}

/// The sessions of an account, the newest first.
///
/// # Errors
/// What the database says.
pub fn sessions(db: &mut dyn Db, account: &AccountId) -> Result<Vec<Session>> {
    let rows = db.all(
        sql!(
            "select id, client, user_agent, created_at, last_active_at, ended_at, end_reason from sessions \
             where account_id = $1 order by created_at desc, id desc limit $2"
        ),
        &[account.as_str().into(), MOST.into()],
    )?;
    let session = |mut row: Row| {
        Ok(Session {
            id: row.take()?,
            client: row.take()?,
            user_agent: row.take()?,
            created_at: row.take()?,
            last_active_at: row.take()?,
            ended_at: row.take()?,
            end_reason: row.take()?,
        })
    };
    rows.into_iter().map(session).collect()
}

/// A client address that has logged in.
#[derive(Debug, Clone)]
pub struct KnownClient {
    /// The bytes of the address, or of the first one of its network.
    pub client: Vec<u8>,
    /// The last login from there.
    pub last_login_at: Time,
}

/// The client addresses that have logged in to an account, the latest first.
///
/// # Errors
/// What the database says.
pub fn clients(db: &mut dyn Db, account: &AccountId) -> Result<Vec<KnownClient>> {
    let rows = db.all(
        sql!(
            "select client, last_login_at from known_clients where account_id = $1 \
             order by last_login_at desc, client limit $2"
        ),
        &[account.as_str().into(), MOST.into()],
    )?;
    rows.into_iter().map(|mut row| Ok(KnownClient { client: row.take()?, last_login_at: row.take()? })).collect()
}

/// A letter in the outbox.
#[derive(Debug, Clone)]
pub struct MailRecord {
    /// Which letter.
    pub kind: String,
    /// The address that it goes to.
    pub recipient: String,
    /// Where it stands.
    pub state: String,
    /// When it was written.
    pub created_at: Time,
}

/// The letters to an account that are still remembered, the newest first.
///
/// # Errors
/// What the database says.
pub fn mails(db: &mut dyn Db, account: &AccountId) -> Result<Vec<MailRecord>> {
    let rows = db.all(
        sql!(
            "select kind, recipient, state, created_at from outbox where account_id = $1 and recipient is not null \
             order by id desc limit $2"
        ),
        &[account.as_str().into(), MOST.into()],
    )?;
    let record = |mut row: Row| {
        Ok(MailRecord { kind: row.take()?, recipient: row.take()?, state: row.take()?, created_at: row.take()? })
    };
    rows.into_iter().map(record).collect()
}
