//! The `outbox` table: messages that are being delivered, and jobs that are not handled yet.
//!
//! Bodies are sealed by the caller and are never opened here.

use crate::error::{Error, Result};
use crate::model::{AccountId, Time};
use crate::sql;
use crate::store::db::{Db, Row, Value};

/// The state of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageState {
    /// A job; the server has not yet looked whether the account exists.
    Requested,
    /// Composed and waiting for delivery.
    Waiting,
    /// The other server accepted it.
    Delivered,
    /// Refused permanently, or given up after the last attempt.
    Failed,
    /// Expired before delivery.
    Dropped,
}

impl MessageState {
    /// Every state.
    pub const ALL: [MessageState; 5] = [
        MessageState::Requested,
        MessageState::Waiting,
        MessageState::Delivered,
        MessageState::Failed,
        MessageState::Dropped,
    ];

    /// The name used in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            MessageState::Requested => "requested",
            MessageState::Waiting => "waiting",
            MessageState::Delivered => "delivered",
            MessageState::Failed => "failed",
            MessageState::Dropped => "dropped",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What a row is, and so which worker processes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A letter, delivered to a mail server.
    Mail,
    /// A text message, delivered to a gateway.
    Sms,
    /// Not a message but a job that may lead to one.
    Job,
}

impl Channel {
    /// Its name, as logs show it. It is also the `kind` of all text messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Mail => "mail",
            Channel::Sms => "sms",
            Channel::Job => "job",
        }
    }

    /// Whether its rows are text messages, as statements compare it. Statements tell mail from
    /// jobs by the state, because only a job is `requested`.
    fn number(self) -> i64 {
        i64::from(self == Channel::Sms)
    }

    /// The channel of a stored row.
    fn parse(word: &str) -> Result<Self> {
        let all = [Channel::Mail, Channel::Sms, Channel::Job];
        let found = all.into_iter().find(|channel| channel.as_str() == word);
        found.ok_or_else(|| Error::internal(format!("outbox.channel is unknown: {word}")))
    }
}

/// A message or a job in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Sorts by time.
    pub id: String,
    pub channel: Channel,
    /// The name of the template or of the job.
    pub kind: String,
    pub account_id: Option<String>,
    /// The address or number; `None` for a job.
    pub recipient: Option<String>,
    /// The tag of the language that it is written in.
    pub language: Option<String>,
    /// The sealed body. It is erased after delivery and left out of lists.
    pub sealed: Option<Vec<u8>>,
    pub state: MessageState,
    /// The number of delivery attempts.
    pub attempts: i64,
    /// When the next attempt is due.
    pub next_at: Time,
    /// When delivery no longer makes sense.
    pub expires_at: Option<Time>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    pub created_at: Time,
    /// When it reached its final state.
    pub finished_at: Option<Time>,
}

/// Stores a message.
pub fn insert(db: &mut dyn Db, message: &Message) -> Result<()> {
    let values = [
        Value::from(&message.id),
        Value::from(message.channel.as_str()),
        Value::from(&message.kind),
        Value::from(message.account_id.as_ref()),
        Value::from(message.recipient.as_ref()),
        Value::from(message.language.as_ref()),
        Value::from(message.sealed.clone()),
        Value::from(message.state.as_str()),
        Value::from(message.attempts),
        Value::from(message.next_at),
        Value::from(message.expires_at),
        Value::from(message.last_error.as_ref()),
        Value::from(message.created_at),
        Value::from(message.finished_at),
    ];
    let sql = sql!(
        "insert into outbox (id, channel, kind, account_id, recipient, locale, sealed, state, attempts, next_at, expires_at,
         last_error, created_at, finished_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    db.run(sql, &values).map(drop)
}

/// Which messages a worker may claim.
#[derive(Debug, Clone)]
pub struct ClaimRule {
    pub channel: Channel,
    pub state: MessageState,
    /// The server that the worker belongs to, if there are several. What another one has claimed stays
    /// with it until [`free_claims`].
    pub server: Option<String>,
    pub now: Time,
}

/// True if there is a message to claim.
pub fn is_due(db: &mut dyn Db, rule: &ClaimRule) -> Result<bool> {
    let sql = sql!(
        "select id from outbox where state = $1 and next_at <= $2
           and case when channel = 'sms' then 1 else 0 end = $3 and (claimed_by is null or claimed_by = $4) limit 1"
    );
    let server = rule.server.as_ref().into();
    let values =
        [rule.state.as_str().into(), rule.now.into(), rule.channel.number().into(), server];
    Ok(db.first(sql, &values)?.is_some())
}

/// Claims messages. It counts the attempt, and no other worker gets them before `until`.
pub fn claim(db: &mut dyn Db, rule: &ClaimRule, until: Time, limit: i64) -> Result<Vec<Message>> {
    let sql = sql!(
        "update outbox set attempts = attempts + 1, next_at = $1, claimed_by = $2
         where id in (select id from outbox where state = $3 and next_at <= $4
             and case when channel = 'sms' then 1 else 0 end = $5 and (claimed_by is null or claimed_by = $2)
             order by next_at, id limit $6)
           and state = $3 and next_at <= $4
         returning id, channel, kind, account_id, recipient, locale, sealed, state, attempts, next_at, expires_at, last_error,
           created_at, finished_at"
    );
    let values = [
        until.into(),
        rule.server.as_ref().into(),
        rule.state.as_str().into(),
        rule.now.into(),
        rule.channel.number().into(),
        limit.into(),
    ];
    let rows = db.all(sql, &values)?;
    let mut messages = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    messages.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(messages)
}

/// Marks a message as delivered and erases its body. Returns false if it was not waiting.
pub fn mark_delivered(db: &mut dyn Db, id: &str, now: Time) -> Result<bool> {
    let sql = sql!(
        "update outbox set state = 'delivered', sealed = null, last_error = null, claimed_by = null, finished_at = $1
         where id = $2 and state = 'waiting'"
    );
    Ok(db.run(sql, &[now.into(), id.into()])? == 1)
}

/// Deletes a handled job in the write that stores its result. Nothing was sent for it, so nothing
/// needs to remain. If it returns false, the job has ended before and the caller must store nothing.
pub fn end_job(db: &mut dyn Db, id: &str) -> Result<bool> {
    Ok(db.run(sql!("delete from outbox where id = $1 and state = 'requested'"), &[id.into()])? == 1)
}

/// A message of a server that has attempted it. What another server has claimed since is left to that.
#[derive(Debug, Clone)]
pub struct AttemptedMessage {
    pub id: String,
    /// The server that attempted it, if there are several.
    pub server: Option<String>,
}

/// Postpones the next attempt.
pub fn postpone(
    db: &mut dyn Db,
    message: &AttemptedMessage,
    next_at: Time,
    error: &str,
) -> Result<()> {
    let sql = sql!(
        "update outbox set next_at = $1, last_error = $2, claimed_by = null
         where id = $3 and state in ('requested', 'waiting') and (claimed_by is null or claimed_by = $4)"
    );
    let server = message.server.as_ref().into();
    db.run(sql, &[next_at.into(), error.into(), (&message.id).into(), server]).map(drop)
}

/// Postpones the next attempt and does not count this one, because the other server never saw it.
pub fn give_back(
    db: &mut dyn Db,
    message: &AttemptedMessage,
    next_at: Time,
    error: &str,
) -> Result<()> {
    let sql = sql!(
        "update outbox set attempts = attempts - 1, next_at = $1, last_error = $2, claimed_by = null
         where id = $3 and state = 'waiting' and (claimed_by is null or claimed_by = $4)"
    );
    let server = message.server.as_ref().into();
    db.run(sql, &[next_at.into(), error.into(), (&message.id).into(), server]).map(drop)
}

/// Ends the attempts. The body stays for [`retry`] until the row is purged.
pub fn fail(db: &mut dyn Db, message: &AttemptedMessage, now: Time, error: &str) -> Result<()> {
    let sql = sql!(
        "update outbox set state = 'failed', last_error = $1, claimed_by = null, finished_at = $2
         where id = $3 and state in ('requested', 'waiting') and (claimed_by is null or claimed_by = $4)"
    );
    let server = message.server.as_ref().into();
    db.run(sql, &[error.into(), now.into(), (&message.id).into(), server]).map(drop)
}

/// Drops expired messages with their bodies and returns how many.
pub fn drop_expired(db: &mut dyn Db, now: Time) -> Result<u64> {
    let sql = sql!(
        "update outbox set state = 'dropped', sealed = null, claimed_by = null, finished_at = $1
         where state in ('requested', 'waiting', 'failed') and expires_at <= $1"
    );
    db.run(sql, &[now.into()])
}

/// True if a message has expired.
pub fn is_any_expired(db: &mut dyn Db, now: Time) -> Result<bool> {
    let sql = sql!(
        "select id from outbox where state in ('requested', 'waiting', 'failed') and expires_at <= $1 limit 1"
    );
    Ok(db.first(sql, &[now.into()])?.is_some())
}

/// Makes all messages of this channel that wait for a later attempt due now, but those that another
/// server has claimed. No worker of this one may be delivering any of them.
pub fn hurry(db: &mut dyn Db, channel: Channel, server: Option<&str>, now: Time) -> Result<u64> {
    let sql = sql!(
        "update outbox set next_at = $1 where state in ('requested', 'waiting') and next_at > $1
           and case when channel = 'sms' then 1 else 0 end = $2 and (claimed_by is null or claimed_by = $3)"
    );
    let server = server.map(ToOwned::to_owned).into();
    db.run(sql, &[now.into(), channel.number().into(), server])
}

/// Makes what a server has claimed and not delivered due now, because it is gone.
pub fn free_claims(db: &mut dyn Db, server: &str, now: Time) -> Result<u64> {
    let sql = sql!(
        "update outbox set next_at = $1, claimed_by = null
         where state in ('requested', 'waiting') and claimed_by = $2"
    );
    db.run(sql, &[now.into(), server.into()])
}

/// Makes one undelivered message due now, for the server that has claimed it if one has. Returns false if
/// there is none or its link has expired.
pub fn retry(db: &mut dyn Db, id: &str, now: Time) -> Result<bool> {
    let sql = sql!(
        "update outbox set state = case when channel = 'job' then 'requested' else 'waiting' end,
           attempts = 0, next_at = $1, finished_at = null
         where id = $2 and state in ('requested', 'waiting', 'failed') and sealed is not null
           and (expires_at is null or expires_at > $1)"
    );
    Ok(db.run(sql, &[now.into(), id.into()])? == 1)
}

/// Returns a page of messages without bodies, newest first, in one state or all, from before the id
/// `before`.
pub fn list(
    db: &mut dyn Db,
    state: Option<MessageState>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Message>> {
    // Ids contain only digits, letters and hyphens, so none sorts after a tilde.
    let sql = sql!(
        "select id, channel, kind, account_id, recipient, locale, null, state, attempts, next_at, expires_at, last_error, created_at,
           finished_at
         from outbox where id < $1 and ($2 = '' or state = $2) order by id desc limit $3"
    );
    let values =
        [before.unwrap_or("~").into(), state.map_or("", MessageState::as_str).into(), limit.into()];
    db.all(sql, &values)?.into_iter().map(read).collect()
}

/// As [`list`], of one account.
pub fn list_of(
    db: &mut dyn Db,
    account: &AccountId,
    state: Option<MessageState>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Message>> {
    let sql = sql!(
        "select id, channel, kind, account_id, recipient, locale, null, state, attempts, next_at, expires_at, last_error, created_at,
           finished_at
         from outbox where account_id = $1 and id < $2 and ($3 = '' or state = $3) order by id desc limit $4"
    );
    let values = [
        account.as_str().into(),
        before.unwrap_or("~").into(),
        state.map_or("", MessageState::as_str).into(),
        limit.into(),
    ];
    db.all(sql, &values)?.into_iter().map(read).collect()
}

/// Finds one message with its body.
pub fn find(db: &mut dyn Db, id: &str) -> Result<Option<Message>> {
    let sql = sql!(
        "select id, channel, kind, account_id, recipient, locale, sealed, state, attempts, next_at, expires_at, last_error, created_at,
           finished_at
         from outbox where id = $1"
    );
    db.first(sql, &[id.into()])?.map(read).transpose()
}

/// Counts the messages per state; states without messages are left out.
pub fn count(db: &mut dyn Db) -> Result<Vec<(MessageState, i64)>> {
    let rows =
        db.all(sql!("select state, count(*) from outbox group by state order by state"), &[])?;
    rows.into_iter().map(|mut row| Ok((read_state(&row.take::<String>()?)?, row.take()?))).collect()
}

/// Deletes up to `limit` messages that reached their final state before this time and returns how
/// many it deleted.
pub fn purge(db: &mut dyn Db, before: Time, limit: i64) -> Result<u64> {
    let sql = sql!(
        "delete from outbox where id in
           (select id from outbox where finished_at is not null and finished_at < $1 order by finished_at limit $2)"
    );
    db.run(sql, &[before.into(), limit.into()])
}

fn read(mut row: Row) -> Result<Message> {
    Ok(Message {
        id: row.take()?,
        channel: Channel::parse(&row.take::<String>()?)?,
        kind: row.take()?,
        account_id: row.take()?,
        recipient: row.take()?,
        language: row.take()?,
        sealed: row.take()?,
        state: read_state(&row.take::<String>()?)?,
        attempts: row.take()?,
        next_at: row.take()?,
        expires_at: row.take()?,
        last_error: row.take()?,
        created_at: row.take()?,
        finished_at: row.take()?,
    })
}

fn read_state(word: &str) -> Result<MessageState> {
    MessageState::parse(word)
        .ok_or_else(|| Error::internal(format!("outbox.state is unknown: {word}")))
}
