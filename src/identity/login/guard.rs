//! Protects passwords against guessing. Every check of a password counts an attempt here before the
//! check, and gives it back after a success. If the server cannot count an attempt, it does not
//! check the password. Every counted attempt leaves a record: if the client disconnects before the
//! answer, the server still records the failure and tells the owner.
//!
//! The policy switches three rules on or off: a wait per client IP and account name, a lockout of
//! the name, and closing the password of a name to client IPs that never logged in to it. Attempts
//! are keyed by a MAC of the account, or of the name as typed if no account has it, so both cases
//! look and cost the same.

use crate::identity::access::login_target::LoginTarget;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::config::{Lockout, Throttle};
use crate::error::{Error, Kind, Limit, Result};
use crate::identity::Core;
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{Account, Barrier, Event, Source, Time};
use crate::outbox::{self, Job, OutgoingMessage};
use crate::store::Decision;
use crate::store::Store;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};

/// The refusal of a client that has to wait after wrong passwords for one name.
pub const USED_UP: Kind = Kind::TooMany(Limit::SignIn);
/// The upper limit of [`patience`].
const MOST_PATIENCE: Duration = Duration::from_millis(50);

/// Whether the account has seen the client IP before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity {
    /// The client IP has logged in lately.
    Known,
    Unknown,
}

/// A counted attempt. If it does not finish, because the client disconnected or an error occurred,
/// it stays counted, and dropping it records its failure.
pub struct Attempt {
    counters: AttemptCounters,
    has_ended: Arc<AtomicBool>,
    unfinished: Option<UnfinishedAttempt>,
}

/// Records the failure of an unfinished attempt.
struct UnfinishedAttempt {
    runtime: Handle,
    store: Store,
    log: AuditLog,
}

/// The rows in which an attempt was counted, and what it led to.
#[derive(Debug, Clone)]
struct AttemptCounters {
    name: [u8; 32],
    pair: [u8; 32],
    client: [u8; 32],
    /// The event that records its failure.
    failure: Event,
    closed: bool,
    locks: bool,
    closes: bool,
    /// The mails to the owner if this attempt closes the password, and if it locks the name.
    closing: Option<OutgoingMessage>,
    locking: Option<OutgoingMessage>,
    counted: Vec<CounterHit>,
}

/// A row in which an attempt was counted.
#[derive(Debug, Clone)]
struct CounterHit {
    scope: Scope,
    /// The end of the block that the attempt began there.
    began: Option<Time>,
    /// Attempts that begin a block.
    limit: u32,
}

/// Refuses while the name is locked.
///
/// # Errors
/// `AccountLocked` with the remaining time.
pub async fn refuse_locked(core: &Core, target: &LoginTarget, source: &Source) -> Result<()> {
    if !core.config.lockout.enabled {
        return Ok(());
    }
    let (key, now) = (target.key(&core.master), core.env.now());
    let row = core.store.read(move |db| attempts::peek(db, Scope::Lockout, &key, now)).await?;
    row.blocked_for(now).map_or(Ok(()), |left| {
        AuditLog::new(core, source).refuse(Barrier::Lockout, target);
        Err(locked(left))
    })
}

fn locked(left: Duration) -> Error {
    Error::new(Kind::AccountLocked).retry_after(left)
}

/// How long the writes around a password check may wait to share a commit. Each commit takes
/// processor time from the hashing. While there is a queue, waiting for a small part of the
/// queueing time saves commits. The wait is the same for all attempts, no matter what their
/// result is.
pub(in crate::identity) fn patience(core: &Core) -> Duration {
    (core.hashing.backlog() / 8).min(MOST_PATIENCE)
}

/// Counts an attempt before its password is checked. `failure` is the event to record if the
/// password is wrong. The attempt is counted and recorded even if the client stops waiting.
///
/// # Errors
/// `AccountLocked` or `TooMany(SignIn)` with the remaining time; `Unavailable` if the attempt
/// cannot be counted.
pub async fn begin(
    core: &Core,
    target: &LoginTarget,
    familiarity: Familiarity,
    failure: Event,
    source: &Source,
) -> Result<Attempt> {
    let now = core.env.now();
    let (closing, locking) = notices(core, target, now, source)?;
    let fresh = AttemptCounters {
        name: target.key(&core.master),
        pair: target.pair_key(&core.master, source.client()),
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
    let (store, log, target) = (core.store.clone(), AuditLog::new(core, source), target.clone());
    let patience = patience(core);
    let counting = async move {
        let refusals = log.clone();
        let write = move |db: &mut dyn Db| {
            let mut counters = fresh.clone();
            let refused = count(db, &mut counters, &throttle, &lockout, familiarity, now)?;
            Ok(match refused {
                Some(refused) => {
                    refusals.refuse(refused.barrier(), &target);
                    Decision::CommitThenRefuse(refused.into_error())
                }
                None => Decision::Commit(counters),
            })
        };
        let counters = store.decide_patiently(patience, write).await?;
        let unfinished = UnfinishedAttempt { runtime: Handle::current(), store, log };
        Ok(Attempt { counters, has_ended: Arc::default(), unfinished: Some(unfinished) })
    };
    tokio::spawn(counting)
        .await
        .map_err(|error| Error::internal("counting an attempt failed").caused_by(error))?
}

/// Prepares the mails to the owner for an attempt that reaches a limit: the password is closed to
/// unfamiliar client IPs, or the name is locked.
fn notices(
    core: &Core,
    target: &LoginTarget,
    now: Time,
    source: &Source,
) -> Result<(Option<OutgoingMessage>, Option<OutgoingMessage>)> {
    let (throttle, lockout) = (&core.config.throttle, &core.config.lockout);
    let Some(id) = target.account() else { return Ok((None, None)) };
    let job = |wanted: bool, job: Job| wanted.then(|| core.outbox.job(&job, source)).transpose();
    let closing = job(throttle.enabled, Job::PasswordClosed { account_id: id.to_string() })?;
    let until = (now + lockout.duration).millis();
    Ok((closing, job(lockout.enabled, Job::AccountLocked { account_id: id.to_string(), until })?))
}

/// Why an attempt was refused before it was counted.
enum Refused {
    Locked(Duration),
    Waiting(Duration),
}

impl Refused {
    fn barrier(&self) -> Barrier {
        match self {
            Self::Locked(_) => Barrier::Lockout,
            Self::Waiting(_) => Barrier::Throttle,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Locked(left) => locked(left),
            Self::Waiting(left) => Error::new(USED_UP).retry_after(left),
        }
    }
}

fn count(
    db: &mut dyn Db,
    counters: &mut AttemptCounters,
    throttle: &Throttle,
    lockout: &Lockout,
    familiarity: Familiarity,
    now: Time,
) -> Result<Option<Refused>> {
    let locking = lockout
        .enabled
        .then(|| attempts::lock(db, Scope::Lockout, &counters.name, now))
        .transpose()?;
    if let Some(left) = locking.as_ref().and_then(|row| row.blocked_for(now)) {
        return Ok(Some(Refused::Locked(left)));
    }
    if throttle.enabled {
        let row = attempts::lock(db, Scope::Pair, &counters.pair, now)?;
        if let Some(left) = row.blocked_for(now) {
            return Ok(Some(Refused::Waiting(left)));
        }
        let next = one_more_of_pair(&row, throttle, now);
        attempts::save(db, Scope::Pair, &counters.pair, &next)?;
        counters.counted.push(CounterHit {
            scope: Scope::Pair,
            began: next.blocked_until,
            limit: throttle.failures,
        });
        let row = attempts::lock(db, Scope::Account, &counters.name, now)?;
        if row.blocked_for(now).is_some() {
            counters.closed = familiarity == Familiarity::Unknown;
        } else {
            let next = one_more_at_account(&row, throttle, now);
            counters.closes = next.blocked_until.is_some();
            attempts::save(db, Scope::Account, &counters.name, &next)?;
            let limit = throttle.account_failures;
            counters.counted.push(CounterHit {
                scope: Scope::Account,
                began: next.blocked_until,
                limit,
            });
        }
    }
    if let Some(row) = locking {
        let next = one_more_before_lockout(row, lockout, throttle, now);
        counters.locks = next.blocked_until.is_some();
        attempts::save(db, Scope::Lockout, &counters.name, &next)?;
        counters.counted.push(CounterHit {
            scope: Scope::Lockout,
            began: next.blocked_until,
            limit: lockout.failures,
        });
    }
    Ok(None)
}

/// A failure counts until a success, or until `throttle.account_window` passes without another one.
fn one_more_before_lockout(
    row: AttemptRow,
    lockout: &Lockout,
    throttle: &Throttle,
    now: Time,
) -> AttemptRow {
    let row = if row.blocked_until.is_some() { AttemptRow::none(now) } else { row };
    let count = row.count + 1;
    let blocked_until = (count >= i64::from(lockout.failures)).then(|| now + lockout.duration);
    let expires_at = blocked_until.unwrap_or(now + throttle.account_window);
    AttemptRow { count, blocked_until, expires_at, ..row }
}

/// The last free attempt begins a wait, and each attempt after a wait begins the next one, twice as
/// long. A quiet window resets it.
fn one_more_of_pair(row: &AttemptRow, throttle: &Throttle, now: Time) -> AttemptRow {
    let count = row.count + 1;
    if count < i64::from(throttle.failures) {
        return AttemptRow { count, expires_at: row.started_at + throttle.window, ..row.clone() };
    }
    let doublings = u32::try_from(row.block_count.clamp(0, 30)).unwrap_or(0);
    let wait = throttle.first_wait.saturating_mul(1 << doublings).min(throttle.longest_wait);
    let blocked_until = now + wait;
    AttemptRow {
        count,
        blocked_until: Some(blocked_until),
        block_count: row.block_count + 1,
        expires_at: blocked_until + throttle.window,
        ..row.clone()
    }
}

fn one_more_at_account(row: &AttemptRow, throttle: &Throttle, now: Time) -> AttemptRow {
    let count = row.count + 1;
    let blocked_until =
        (count >= i64::from(throttle.account_failures)).then(|| now + throttle.account_window);
    let expires_at = blocked_until.unwrap_or(row.started_at + throttle.account_window);
    AttemptRow { count, blocked_until, expires_at, ..row.clone() }
}

impl Attempt {
    /// Whether the password is closed to this client IP: then every password counts as wrong.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.counters.closed
    }

    /// Call this after a right password, inside the write that follows from it. It gives back this
    /// attempt and all that were counted before.
    pub fn forgive(&self, db: &mut dyn Db) -> Result<()> {
        self.counters.forgive(db)?;
        self.end(db);
        Ok(())
    }

    /// Call this if the server was too busy to check the password. It gives back this attempt, but
    /// none that were counted before.
    pub fn take_back(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        self.counters.take_back(db, now)?;
        self.end(db);
        Ok(())
    }

    /// Call this after a wrong password, or one that must look wrong. The attempt stays counted;
    /// this records the failure and what it led to.
    pub fn fail(&self, db: &mut dyn Db, log: &AuditLog, why: &str) -> Result<()> {
        self.counters.fail(db, log, why)?;
        self.end(db);
        Ok(())
    }

    /// Marks the attempt as finished once the write is committed.
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
        let Some(UnfinishedAttempt { runtime, store, log }) = self.unfinished.take() else {
            return;
        };
        let counters = self.counters.clone();
        // The writer's thread, which has no runtime, drops a write that no caller waits for. Use
        // the runtime that the attempt began on.
        runtime.spawn(async move {
            let recorded = store.write(move |db| counters.fail(db, &log, "unfinished")).await;
            if let Err(error) = recorded {
                tracing::error!(error = error.chain(), "failed to record a counted attempt");
            }
        });
    }
}

impl AttemptCounters {
    fn forgive(&self, db: &mut dyn Db) -> Result<()> {
        attempts::forget(db, Scope::Lockout, &self.name)?;
        attempts::forget(db, Scope::Pair, &self.pair)?;
        // What an earlier failure closed to unfamiliar client IPs stays closed: the owner's success
        // must not give an attacker more attempts.
        if self.closes {
            attempts::forget(db, Scope::Account, &self.name)?;
        } else {
            attempts::forget_unblocked(db, Scope::Account, &self.name)?;
        }
        Ok(())
    }

    fn take_back(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        for CounterHit { scope, began, limit } in &self.counted {
            let key = if *scope == Scope::Pair { &self.pair } else { &self.name };
            let row = attempts::lock(db, *scope, key, now)?;
            let count = (row.count - 1).max(0);
            // The last attempt began the block; without this one the others are not enough for it.
            let is_lifted = row.blocked_until.is_some()
                && (row.blocked_until == *began || count < i64::from(*limit));
            let before = AttemptRow {
                count,
                blocked_until: row.blocked_until.filter(|_| !is_lifted),
                block_count: if is_lifted { (row.block_count - 1).max(0) } else { row.block_count },
                ..row
            };
            attempts::save(db, *scope, key, &before)?;
        }
        Ok(())
    }

    fn fail(&self, db: &mut dyn Db, log: &AuditLog, why: &str) -> Result<()> {
        log.record(db, &self.failure.clone().because(why))?;
        crate::identity::login::burst::note_failure(db, log, &self.client)?;
        let event = |what| Event { account: self.failure.account.clone(), ..Event::done(what) };
        if self.locks {
            log.record(db, &event(What::Lockout))?;
            if let Some(notice) = &self.locking {
                outbox::enqueue(db, notice)?;
            }
        }
        if self.closes {
            log.record(db, &event(What::PasswordClosed))?;
            if let Some(notice) = &self.closing {
                outbox::enqueue(db, notice)?;
            }
        }
        Ok(())
    }
}

/// Lifts a lockout and reopens a closed password. Returns whether there was one.
pub fn lift(db: &mut dyn Db, name_key: &[u8; 32]) -> Result<bool> {
    let locked = attempts::forget(db, Scope::Lockout, name_key)?;
    let closed = attempts::forget(db, Scope::Account, name_key)?;
    Ok(locked || closed)
}

/// The key under which an account's attempts are counted, for [`lift`].
#[must_use]
pub fn key_of(core: &Core, account: &Account) -> [u8; 32] {
    LoginTarget::of(account).key(&core.master)
}

/// What currently counts against an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// Wrong passwords that currently count.
    pub count: i64,
    pub locked_until: Option<Time>,
}

/// Reads what currently counts against an account, from any client IP.
///
/// # Errors
/// `Unavailable`.
pub async fn failures(core: &Core, account: &Account) -> Result<Failures> {
    let (key, now) = (key_of(core, account), core.env.now());
    let scope = if core.config.lockout.enabled { Scope::Lockout } else { Scope::Account };
    let row = core.store.read(move |db| attempts::peek(db, scope, &key, now)).await?;
    let locked_until = row.blocked_until.filter(|until| scope == Scope::Lockout && *until > now);
    Ok(Failures { count: row.count, locked_until })
}
