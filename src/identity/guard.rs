//! Wrong passwords: every road that checks one counts its tries here, before the check, and gives them back after a
//! success. A try that cannot be counted is not made, and one that was counted is never without a record: whoever goes
//! away before the answer is recorded, and the owner told, as if they had waited.
//!
//! Three rules, each switched by the policy: waits for a client address at an account name, a lockout of the name, and
//! closing the password of a name to client addresses that never logged in to it. What is counted is keyed by a MAC of
//! the account (or of the name as typed, where no account has it), so both cases look and cost the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::Core;
use super::audit::Log;
use crate::config::{Lockout, Throttle};
use crate::error::{Error, Kind, Limit, Result};
use crate::mail::{self, Post, Prepared, Request};
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, Client, Event, Source, Time};
use crate::store::Store;
use crate::store::db::Db;
use crate::store::tries::{self, Scope, Tries};

/// The longest [`patience`].
const MOST_PATIENCE: Duration = Duration::from_millis(50);

/// What tries are counted for: an account, or a name that none has.
#[derive(Debug, Clone)]
pub struct Bucket {
    text: String,
    account: Option<AccountId>,
    actor: Option<String>,
}

impl Bucket {
    /// The bucket of an account, however it was named.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self::of_id(&account.id)
    }

    /// The bucket of the account with this id.
    #[must_use]
    pub(super) fn of_id(id: &AccountId) -> Self {
        Self { text: format!("account:{id}"), account: Some(id.clone()), actor: None }
    }

    /// The same where its owner is logged in.
    #[must_use]
    pub fn of_owner(id: &AccountId) -> Self {
        Self::of_id(id).tried_by(id.as_str())
    }

    /// The same where it is known who tries.
    #[must_use]
    pub(super) fn tried_by(self, actor: &str) -> Self {
        Self { actor: Some(actor.to_owned()), ..self }
    }

    /// The bucket of a name that no account has.
    #[must_use]
    pub fn unknown(folded_name: &str) -> Self {
        Self { text: format!("name:{folded_name}"), account: None, actor: None }
    }

    /// Whose account it is.
    pub(super) fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// Who tries, where that is known.
    pub(super) fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// What it is counted by.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn key(&self, core: &Core) -> [u8; 32] {
        core.master.mac("tries", self.text.as_bytes())
    }

    fn pair_key(&self, core: &Core, client: Client) -> [u8; 32] {
        let mut bytes = client.to_bytes();
        bytes.push(b'|');
        bytes.extend_from_slice(self.text.as_bytes());
        core.master.mac("tries", &bytes)
    }
}

/// Whether the account has seen the client address before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquaintance {
    /// It has logged in lately.
    Known,
    /// It has not.
    Stranger,
}

/// A try that has been counted. Where it comes to no end, for its caller went away or something failed on the way, it
/// stays counted, and its failure is written when it is dropped.
pub struct Attempt {
    tally: Tally,
    has_ended: Arc<AtomicBool>,
    clerk: Option<Clerk>,
}

/// What writes the failure of a try that came to no end.
struct Clerk {
    runtime: Handle,
    store: Store,
    post: Post,
    log: Log,
}

/// What a try was counted in, and what that brought about.
#[derive(Debug, Clone)]
struct Tally {
    name: [u8; 32],
    pair: [u8; 32],
    client: [u8; 32],
    /// What its failure is recorded as.
    failure: Event,
    closed: bool,
    locks: bool,
    closes: bool,
    /// What the owner is told when this try closes the password, and when it locks the name.
    closing: Option<Prepared>,
    locking: Option<Prepared>,
    counted: Vec<Counted>,
}

/// A row that a try was counted in.
#[derive(Debug, Clone)]
struct Counted {
    scope: Scope,
    /// The block that it began there.
    began: Option<Time>,
    /// So many make a block.
    limit: u32,
}

/// Refuses while the name is locked.
///
/// # Errors
/// `AccountLocked` with the time that is left.
pub async fn refuse_locked(core: &Core, bucket: &Bucket, source: &Source) -> Result<()> {
    if !core.config.lockout.enabled {
        return Ok(());
    }
    let (key, now) = (bucket.key(core), core.env.now());
    let tries = core.store.read(move |db| tries::peek(db, Scope::Lockout, &key, now)).await?;
    tries.blocked_for(now).map_or(Ok(()), |left| {
        Log::new(core, source).refuse(Barrier::Lockout, bucket);
        Err(locked(left))
    })
}

fn locked(left: Duration) -> Error {
    Error::new(Kind::AccountLocked).retry_after(left)
}

/// How long the changes around a password may wait so that their commit is shared. Each commit takes processor time from
/// the hashing that others wait for: while there is a queue, a small part of the time spent in it is well spent on fewer
/// commits. It is the same for all that are in it, whatever comes of their tries.
pub(super) fn patience(core: &Core) -> Duration {
    (core.hashing.backlog() / 8).min(MOST_PATIENCE)
}

/// Counts a try before its password is looked at; `failure` is what it is recorded as if the password is wrong. What is
/// counted is counted, and recorded, whether or not the caller waits for it.
///
/// # Errors
/// `AccountLocked` or `TooMany(SignIn)` with the time that is left; `Unavailable` when it cannot be counted.
pub async fn begin(
    core: &Core,
    bucket: &Bucket,
    met: Acquaintance,
    failure: Event,
    source: &Source,
) -> Result<Attempt> {
    let now = core.env.now();
    let (closing, locking) = notices(core, bucket, now, source)?;
    let fresh = Tally {
        name: bucket.key(core),
        pair: bucket.pair_key(core, source.client()),
        client: core.master.mac("failures from", &source.client().to_bytes()),
        failure,
        closed: false,
        locks: false,
        closes: false,
        closing,
        locking,
        counted: Vec::new(),
    };
    let (throttle, lockout) = (core.config.throttle.clone(), core.config.lockout.clone());
    let (store, post, log, bucket) = (core.store.clone(), core.post.clone(), Log::new(core, source), bucket.clone());
    let patience = patience(core);
    let counting = async move {
        let write = move |db: &mut dyn Db| {
            let mut tally = fresh.clone();
            let refused = count(db, &mut tally, &throttle, &lockout, met, now)?;
            Ok(refused.map_or(Ok(tally), Err))
        };
        match store.write_patiently(patience, write).await? {
            Ok(tally) => {
                let clerk = Clerk { runtime: Handle::current(), store, post, log };
                Ok(Attempt { tally, has_ended: Arc::default(), clerk: Some(clerk) })
            }
            Err(refused) => {
                let (barrier, error) = refused.told();
                log.refuse(barrier, &bucket);
                Err(error)
            }
        }
    };
    tokio::spawn(counting).await.map_err(|error| Error::internal("counting a try was cut off").caused_by(error))?
}

/// What an owner would be told if this try were one too many: that strangers are kept out, that the name is locked.
fn notices(core: &Core, bucket: &Bucket, now: Time, source: &Source) -> Result<(Option<Prepared>, Option<Prepared>)> {
    let (throttle, lockout) = (&core.config.throttle, &core.config.lockout);
    let Some(id) = &bucket.account else { return Ok((None, None)) };
    let request = |wanted: bool, request: Request| wanted.then(|| core.post.request(&request, source)).transpose();
    let closing = request(throttle.enabled, Request::PasswordClosed { account_id: id.to_string() })?;
    let until = (now + lockout.duration).millis();
    Ok((closing, request(lockout.enabled, Request::AccountLocked { account_id: id.to_string(), until })?))
}

/// Why a try was not even counted.
enum Refused {
    Locked(Duration),
    Waiting(Duration),
}

impl Refused {
    fn told(self) -> (Barrier, Error) {
        match self {
            Self::Locked(left) => (Barrier::Lockout, locked(left)),
            Self::Waiting(left) => (Barrier::Throttle, Error::new(Kind::TooMany(Limit::SignIn)).retry_after(left)),
        }
    }
}

fn count(
    db: &mut dyn Db,
    tally: &mut Tally,
    throttle: &Throttle,
    lockout: &Lockout,
    met: Acquaintance,
    now: Time,
) -> Result<Option<Refused>> {
    let locking = lockout.enabled.then(|| tries::lock(db, Scope::Lockout, &tally.name, now)).transpose()?;
    if let Some(left) = locking.as_ref().and_then(|row| row.blocked_for(now)) {
        return Ok(Some(Refused::Locked(left)));
    }
    if throttle.enabled {
        let row = tries::lock(db, Scope::Pair, &tally.pair, now)?;
        if let Some(left) = row.blocked_for(now) {
            return Ok(Some(Refused::Waiting(left)));
        }
        let next = one_more_of_pair(&row, throttle, now);
        tries::save(db, Scope::Pair, &tally.pair, &next)?;
        tally.counted.push(Counted { scope: Scope::Pair, began: next.blocked_until, limit: throttle.failures });
        let row = tries::lock(db, Scope::Account, &tally.name, now)?;
        if row.blocked_for(now).is_some() {
            tally.closed = met == Acquaintance::Stranger;
        } else {
            let next = one_more_at_account(&row, throttle, now);
            tally.closes = next.blocked_until.is_some();
            tries::save(db, Scope::Account, &tally.name, &next)?;
            let limit = throttle.account_failures;
            tally.counted.push(Counted { scope: Scope::Account, began: next.blocked_until, limit });
        }
    }
    if let Some(row) = locking {
        let next = one_more_before_lockout(row, lockout, throttle, now);
        tally.locks = next.blocked_until.is_some();
        tries::save(db, Scope::Lockout, &tally.name, &next)?;
        tally.counted.push(Counted { scope: Scope::Lockout, began: next.blocked_until, limit: lockout.failures });
    }
    Ok(None)
}

/// A failure counts until a success, or until a day has gone by without another.
fn one_more_before_lockout(row: Tries, lockout: &Lockout, throttle: &Throttle, now: Time) -> Tries {
    let row = if row.blocked_until.is_some() { Tries::none(now) } else { row };
    let count = row.count + 1;
    let blocked_until = (count >= i64::from(lockout.failures)).then(|| now + lockout.duration);
    let forget_at = blocked_until.unwrap_or(now + throttle.account_window);
    Tries { count, blocked_until, forget_at, ..row }
}

/// The last free try and each one after a wait begins the next wait, twice as long; it all ends with a quiet window.
fn one_more_of_pair(row: &Tries, throttle: &Throttle, now: Time) -> Tries {
    let count = row.count + 1;
    if count < i64::from(throttle.failures) {
        return Tries { count, forget_at: row.started_at + throttle.window, ..row.clone() };
    }
    let doublings = u32::try_from(row.waits.clamp(0, 30)).unwrap_or(0);
    let wait = throttle.first_wait.saturating_mul(1 << doublings).min(throttle.longest_wait);
    let blocked_until = now + wait;
    Tries {
        count,
        blocked_until: Some(blocked_until),
        waits: row.waits + 1,
        forget_at: blocked_until + throttle.window,
        ..row.clone()
    }
}

fn one_more_at_account(row: &Tries, throttle: &Throttle, now: Time) -> Tries {
    let count = row.count + 1;
    let blocked_until = (count >= i64::from(throttle.account_failures)).then(|| now + throttle.account_window);
    let forget_at = blocked_until.unwrap_or(row.started_at + throttle.account_window);
    Tries { count, blocked_until, forget_at, ..row.clone() }
}

impl Attempt {
    /// Whether the password is closed to this client address: whatever comes is wrong.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tally.closed
    }

    /// The password was right: gives the try back, and with it all that was counted before. Call it inside the write
    /// that the right password leads to.
    ///
    /// # Errors
    /// What the database says.
    pub fn forgive(&self, db: &mut dyn Db) -> Result<()> {
        self.tally.forgive(db)?;
        self.end(db);
        Ok(())
    }

    /// No password was looked at, for the server had no room: takes this try back, and nothing of what was counted before.
    ///
    /// # Errors
    /// What the database says.
    pub fn take_back(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        self.tally.take_back(db, now)?;
        self.end(db);
        Ok(())
    }

    /// The password was wrong, or must look so: the try stays counted; records that, and what it brought about.
    ///
    /// # Errors
    /// What the database says.
    pub fn fail(&self, db: &mut dyn Db, log: &Log, why: &str) -> Result<()> {
        self.tally.fail(db, log, why)?;
        self.end(db);
        Ok(())
    }

    /// It has come to its end once that is on disk.
    fn end(&self, db: &mut dyn Db) {
        let has_ended = self.has_ended.clone();
        db.after_commit(Box::new(move || has_ended.store(true, Ordering::Release)));
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.has_ended.load(Ordering::Acquire) {
            return;
        }
        let Some(Clerk { runtime, store, post, log }) = self.clerk.take() else { return };
        let tally = self.tally.clone();
        // On the runtime that it began on: a write that nobody waits for any more is dropped on the writer's thread.
        runtime.spawn(async move {
            match store.write(move |db| tally.fail(db, &log, "unfinished")).await {
                Ok(()) => post.ring(),
                Err(error) => tracing::error!(error = error.chain(), "a failed try is counted and not recorded"),
            }
        });
    }
}

impl Tally {
    fn forgive(&self, db: &mut dyn Db) -> Result<()> {
        tries::forget(db, Scope::Lockout, &self.name)?;
        tries::forget(db, Scope::Pair, &self.pair)?;
        // What an earlier failure closed to strangers stays closed: a success of the owner must not buy an attacker
        // more tries.
        if self.closes {
            tries::forget(db, Scope::Account, &self.name)?;
        } else {
            tries::forget_unblocked(db, Scope::Account, &self.name)?;
        }
        Ok(())
    }

    fn take_back(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        for Counted { scope, began, limit } in &self.counted {
            let key = if *scope == Scope::Pair { &self.pair } else { &self.name };
            let row = tries::lock(db, *scope, key, now)?;
            let count = (row.count - 1).max(0);
            // The last of them began the block; without this one they are not enough for it.
            let is_lifted = row.blocked_until.is_some() && (row.blocked_until == *began || count < i64::from(*limit));
            let before = Tries {
                count,
                blocked_until: row.blocked_until.filter(|_| !is_lifted),
                waits: if is_lifted { (row.waits - 1).max(0) } else { row.waits },
                ..row
            };
            tries::save(db, *scope, key, &before)?;
        }
        Ok(())
    }

    fn fail(&self, db: &mut dyn Db, log: &Log, why: &str) -> Result<()> {
        log.record(db, &self.failure.clone().because(why))?;
        super::alarm::note_failure(db, log, &self.client)?;
        let event = |what| Event { account: self.failure.account.clone(), ..Event::done(what) };
        if self.locks {
            log.record(db, &event(What::Lockout))?;
            if let Some(notice) = &self.locking {
                mail::enqueue(db, notice)?;
            }
        }
        if self.closes {
            log.record(db, &event(What::PasswordClosed))?;
            if let Some(notice) = &self.closing {
                mail::enqueue(db, notice)?;
            }
        }
        Ok(())
    }
}

/// Lifts a lockout, and opens a closed password again.
///
/// # Errors
/// What the database says.
pub fn lift(db: &mut dyn Db, name_key: &[u8; 32]) -> Result<bool> {
    let locked = tries::forget(db, Scope::Lockout, name_key)?;
    let closed = tries::forget(db, Scope::Account, name_key)?;
    Ok(locked || closed)
}

/// The key under which an account's own tries are counted, for [`lift`].
#[must_use]
pub fn key_of(core: &Core, account: &Account) -> [u8; 32] {
    Bucket::of(account).key(core)
}

/// What counts against an account at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// Wrong passwords that count.
    pub count: i64,
    /// Until when it is locked.
    pub locked_until: Option<Time>,
}

/// What counts against an account at the moment, from wherever.
///
/// # Errors
/// `Unavailable`.
pub async fn failures(core: &Core, account: &Account) -> Result<Failures> {
    let (key, now) = (key_of(core, account), core.env.now());
    let scope = if core.config.lockout.enabled { Scope::Lockout } else { Scope::Account };
    let tries = core.store.read(move |db| tries::peek(db, scope, &key, now)).await?;
    let locked_until = tries.blocked_until.filter(|until| scope == Scope::Lockout && *until > now);
    Ok(Failures { count: tries.count, locked_until })
}
