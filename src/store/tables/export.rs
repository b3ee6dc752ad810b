//! All data kept about one account besides its own row, for the owner's export. Digests, secrets
//! and mail bodies are left out because they have no meaning for the owner.

use crate::error::Result;
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row};

/// The maximum number of records of one kind.
pub const MOST: i64 = 10_000;

/// A session, live or ended.
#[derive(Debug, Clone)]
pub struct SessionExportRow {
    pub id: String,
    /// The client IP at login.
    pub client_ip: String,
    /// The User-Agent header.
    pub user_agent: Option<String>,
    pub created_at: Time,
    pub last_active_at: Time,
    pub ended_at: Option<Time>,
    pub end_reason: Option<String>,
}

/// Lists the sessions of an account, newest first.
pub fn sessions(db: &mut dyn Db, account: &AccountId) -> Result<Vec<SessionExportRow>> {
    let rows = db.all(
        sql!(
            "select id, client_ip, user_agent, created_at, last_active_at, ended_at, end_reason from sessions \
             where account_id = $1 order by created_at desc, id desc limit $2"
        ),
        &[account.as_str().into(), MOST.into()],
    )?;
    let session = |mut row: Row| {
        Ok(SessionExportRow {
            id: row.take()?,
            client_ip: row.take()?,
            user_agent: row.take()?,
            created_at: row.take()?,
            last_active_at: row.take()?,
            ended_at: row.take()?,
            end_reason: row.take()?,
        })
    };
    rows.into_iter().map(session).collect()
}

/// A client IP that has logged in.
#[derive(Debug, Clone)]
pub struct KnownIp {
    /// The bytes of the address, or of the first address of its network.
    pub client_ip: Vec<u8>,
    pub last_login_at: Time,
}

/// Lists the client IPs that have logged in to an account, latest first.
pub fn known_ips(db: &mut dyn Db, account: &AccountId) -> Result<Vec<KnownIp>> {
    let rows = db.all(
        sql!(
            "select client_ip, last_login_at from known_ips where account_id = $1 \
             order by last_login_at desc, client_ip limit $2"
        ),
        &[account.as_str().into(), MOST.into()],
    )?;
    rows.into_iter()
        .map(|mut row| Ok(KnownIp { client_ip: row.take()?, last_login_at: row.take()? }))
        .collect()
}

/// A mail in the outbox.
#[derive(Debug, Clone)]
pub struct MailRecord {
    /// The template's name.
    pub kind: String,
    pub recipient: String,
    pub state: String,
    pub created_at: Time,
}

/// Lists the mail to an account that the outbox still holds, newest first. Mail to an address that
/// the account does not have yet is left out: whether it was sent shows whether that address has an
/// account.
pub fn mails(db: &mut dyn Db, account: &AccountId) -> Result<Vec<MailRecord>> {
    let rows = db.all(
        sql!(
            "select kind, recipient, state, created_at from outbox where account_id = $1 and recipient is not null and kind <> 'confirm_email' \
             order by id desc limit $2"
        ),
        &[account.as_str().into(), MOST.into()],
    )?;
    let record = |mut row: Row| {
        Ok(MailRecord {
            kind: row.take()?,
            recipient: row.take()?,
            state: row.take()?,
            created_at: row.take()?,
        })
    };
    rows.into_iter().map(record).collect()
}
