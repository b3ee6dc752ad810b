//! Protects passwords against guessing. Every check of a password counts an attempt here before the
//! check, and gives it back after a success. If the server cannot count an attempt, it does not
//! check the password. Every counted attempt leaves a record: if the client disconnects before the
//! answer, the server still records the failure and tells the owner. An attempt that is still being
//! checked is no failure yet: one that finds a limit reached waits for those in flight
//! ([`in_flight`](crate::identity::login::in_flight)), and is refused if they fail.
//!
//! The policy switches three rules on or off: a wait per client IP and account name, a lockout of
//! the name, and closing the password of a name to client IPs that never logged in to it. Attempts
//! are keyed by a MAC of the account, or of the name as typed if no account has it, so both cases
//! look and cost the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::config::{Lockout, Throttle};
use crate::error::{Error, Kind, Limit, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::burst::{self, FailedLogin};
use crate::identity::login::in_flight::{
    AttemptEffect, AttemptInFlight, AttemptsInFlight, NextDecision,
};
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, ClientIp, Event, Source, Time, secret};
use crate::outbox::{self, Job, OutgoingMessage};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};
use crate::store::tables::known_ips;
use crate::store::{Decision, Store};

/// The refusal of a client that has to wait after wrong passwords for one name.
pub const USED_UP: Kind = Kind::TooMany(Limit::SignIn);
/// How long a lift is remembered: longer than any failure before it counts.
const LIFTS_KEPT: Duration = Duration::from_hours(3 * 366 * 24);
/// The upper limit of [`patience`].
const MOST_PATIENCE: Duration = Duration::from_millis(50);

/// Whether the account has seen the client IP before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity {
    /// The client IP has logged in lately.
    Known,
    Unknown,
}

/// Whether a client IP has logged in to the account lately.
///
/// # Errors
/// `Unavailable`.
pub(in crate::identity) async fn familiarity(
    core: &Core,
    account: &AccountId,
    client: ClientIp,
) -> Result<Familiarity> {
    let (id, since) = (account.clone(), core.env.now() - core.config.throttle.known_for);
    let is_known = core.store.read(move |db| known_ips::is_known(db, &id, client, since)).await?;
    Ok(if is_known { Familiarity::Known } else { Familiarity::Unknown })
}

/// A counted attempt. If it does not finish, because the client disconnected or an error occurred,
/// it stays counted, and dropping it records its failure.
pub struct Attempt {
    counters: AttemptCounters,
    has_ended: Arc<AtomicBool>,
    in_flight: Arc<AttemptInFlight>,
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

/// Refuses while the name is locked. A lock that an attempt in flight began may still be lifted:
/// then [`begin`] decides.
///
/// # Errors
/// `AccountLocked` with the remaining time.
pub async fn refuse_locked(core: &Core, target: &LoginTarget, source: &Source) -> Result<()> {
    if !core.config.lockout.enabled {
        return Ok(());
    }
    let (key, now) = (target.key(&core.master), core.env.now());
    let is_undecided = || core.in_flight.is_any(Scope::Lockout, &key);
    let decided = core.in_flight.decided();
    if is_undecided() {
        return Ok(());
    }
    let row = core.store.read(move |db| attempts::peek(db, Scope::Lockout, &key, now)).await?;
    let Some(left) = row.blocked_for(now) else { return Ok(()) };
    // An attempt that began or ended during the read may have lifted what was read.
    if is_undecided() || core.in_flight.decided() != decided {
        return Ok(());
    }
    AuditLog::new(core, source).refuse(Barrier::Lockout, target);
    Err(locked(left))
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
/// cannot be counted, or if the attempts in flight that reached a limit are not decided in time.
pub async fn begin(
    core: &Core,
    target: &LoginTarget,
    familiarity: Familiarity,
    failure: Event,
    source: &Source,
) -> Result<Attempt> {
    let deadline = NextDecision::deadline();
    let mut waited: Option<NextDecision> = None;
    loop {
        let round = AttemptRound {
            in_flight: Arc::new(core.in_flight.register()),
            waited: waited.as_ref().map(NextDecision::id),
        };
        let counted = count_one(core, target, familiarity, failure.clone(), source, round).await?;
        waited.into_iter().for_each(NextDecision::settle);
        match counted {
            Beginning::Counted(attempt) => return Ok(*attempt),
            Beginning::Undecided(next) => waited = Some(next.wait(deadline).await?),
        }
    }
}

/// A new attempt, and the decision that it has waited for.
struct AttemptRound {
    in_flight: Arc<AttemptInFlight>,
    waited: Option<u64>,
}

/// What came of counting an attempt.
enum Beginning {
    Counted(Box<Attempt>),
    /// A limit is reached, but not yet by failures alone.
    Undecided(NextDecision),
}

async fn count_one(
    core: &Core,
    target: &LoginTarget,
    familiarity: Familiarity,
    failure: Event,
    source: &Source,
    AttemptRound { in_flight, waited }: AttemptRound,
) -> Result<Beginning> {
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
    let rules = CountingRules {
        throttle: core.config.throttle.clone(),
        lockout: core.config.lockout.clone(),
        familiarity,
        others: core.in_flight.clone(),
        waited,
    };
    let (store, log, target) = (core.store.clone(), AuditLog::new(core, source), target.clone());
    let patience = patience(core);
    let counting = async move {
        let (refusals, inside) = (log.clone(), in_flight.clone());
        let write = move |db: &mut dyn Db| {
            let mut counters = fresh.clone();
            Ok(match rules.count(db, &mut counters, now)? {
                Counting::Counted => {
                    counters.enter(&inside);
                    Decision::Commit(Ok(counters))
                }
                Counting::Undecided(next) => Decision::Commit(Err(next)),
                Counting::Refused(refused) => {
                    refusals.refuse(refused.barrier(), &target);
                    Decision::CommitThenRefuse(refused.into_error())
                }
            })
        };
        let counters = match store.decide_patiently(patience, write).await? {
            Ok(counters) => counters,
            Err(next) => return Ok(Beginning::Undecided(next)),
        };
        let unfinished = Some(UnfinishedAttempt { runtime: Handle::current(), store, log });
        let has_ended = Arc::default();
        Ok(Beginning::Counted(Box::new(Attempt { counters, has_ended, in_flight, unfinished })))
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

/// The rules that an attempt is counted by.
struct CountingRules {
    throttle: Throttle,
    lockout: Lockout,
    familiarity: Familiarity,
    others: AttemptsInFlight,
    waited: Option<u64>,
}

/// The result of counting an attempt.
enum Counting {
    Counted,
    Refused(Refused),
    Undecided(NextDecision),
}

impl CountingRules {
    /// Counts the attempt at every counter, or at none.
    fn count(
        &self,
        db: &mut dyn Db,
        counters: &mut AttemptCounters,
        now: Time,
    ) -> Result<Counting> {
        let Self { throttle, lockout, .. } = self;
        let name_row = |db: &mut dyn Db, scope| attempts::lock(db, scope, &counters.name, now);
        let lock = lockout.enabled.then(|| name_row(db, Scope::Lockout)).transpose()?;
        if let Some(left) = lock.as_ref().and_then(|row| row.blocked_for(now)) {
            return self.blocked(Scope::Lockout, &counters.name, Refused::Locked(left));
        }
        if throttle.enabled {
            counters.pair = pair_since(db, &counters.pair, &counters.name, now)?;
            let pair = attempts::lock(db, Scope::Pair, &counters.pair, now)?;
            if let Some(left) = pair.blocked_for(now) {
                return self.blocked(Scope::Pair, &counters.pair, Refused::Waiting(left));
            }
            let account = name_row(db, Scope::Account)?;
            counters.closed = account.blocked_for(now).is_some();
            let is_refused = counters.closed && self.familiarity == Familiarity::Unknown;
            if is_refused && let Some(next) = self.next_decision(Scope::Account, &counters.name)? {
                return Ok(Counting::Undecided(next));
            }
            let next = one_more_of_pair(&pair, throttle, now);
            counters.save(db, Scope::Pair, &next, throttle.failures)?;
            if !counters.closed {
                let next = one_more_at_account(&account, throttle, now);
                counters.closes = next.blocked_until.is_some();
                counters.save(db, Scope::Account, &next, throttle.account_failures)?;
            }
            counters.closed = is_refused;
        }
        if let Some(row) = lock {
            let next = one_more_before_lockout(row, lockout, throttle, now);
            counters.locks = next.blocked_until.is_some();
            counters.save(db, Scope::Lockout, &next, lockout.failures)?;
        }
        Ok(Counting::Counted)
    }

    /// The counter blocks: refuses the attempt, unless one in flight may still lift the block.
    fn blocked(&self, scope: Scope, key: &[u8; 32], refused: Refused) -> Result<Counting> {
        let next = self.next_decision(scope, key)?;
        Ok(next.map_or(Counting::Refused(refused), Counting::Undecided))
    }

    fn next_decision(&self, scope: Scope, key: &[u8; 32]) -> Result<Option<NextDecision>> {
        self.others.next_decision(scope, key, self.waited)
    }
}

/// The key of a pair's failures since the throttle of its name was last lifted. Lifting it changes
/// the keys of all pairs at once: which client IPs failed at a name is not stored.
pub(in crate::identity) fn pair_since(
    db: &mut dyn Db,
    pair: &[u8; 32],
    name: &[u8; 32],
    now: Time,
) -> Result<[u8; 32]> {
    let lifts = attempts::peek(db, Scope::Lifts, name, now)?.count;
    if lifts == 0 {
        return Ok(*pair);
    }
    Ok(secret::digest(&[&pair[..], &lifts.to_be_bytes()].concat()))
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
        self.end(db, AttemptEffect::Succeeded);
        Ok(())
    }

    /// Call this if the server was too busy to check the password. It gives back this attempt, but
    /// none that were counted before.
    pub fn take_back(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        self.counters.take_back(db, now)?;
        self.end(db, AttemptEffect::TakenBack);
        Ok(())
    }

    /// Call this after a wrong password, or one that must look wrong. The attempt stays counted;
    /// this records the failure and what it led to.
    pub fn fail(&self, db: &mut dyn Db, log: &AuditLog, why: &str) -> Result<()> {
        self.counters.fail(db, log, why)?;
        self.end(db, AttemptEffect::Failed);
        Ok(())
    }

    /// Marks the attempt as finished once the write is committed.
    fn end(&self, db: &mut dyn Db, effect: AttemptEffect) {
        let (has_ended, in_flight) = (self.has_ended.clone(), self.in_flight.clone());
        db.after_commit(Box::new(move || {
            has_ended.store(true, Ordering::Release);
            in_flight.decide(effect);
        }));
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
        let (counters, in_flight) = (self.counters.clone(), self.in_flight.clone());
        // The writer's thread, which has no runtime, drops a write that no caller waits for. Use
        // the runtime that the attempt began on.
        runtime.spawn(async move {
            let recorded = store.write(move |db| counters.fail(db, &log, "unfinished")).await;
            if let Err(error) = recorded {
                tracing::error!(error = error.chain(), "failed to record a counted attempt");
            }
            in_flight.decide(AttemptEffect::Failed);
        });
    }
}

impl AttemptCounters {
    fn key(&self, scope: Scope) -> &[u8; 32] {
        if scope == Scope::Pair { &self.pair } else { &self.name }
    }

    /// Saves a locked counter with this attempt in it. `limit` attempts begin a block.
    fn save(&mut self, db: &mut dyn Db, scope: Scope, row: &AttemptRow, limit: u32) -> Result<()> {
        attempts::save(db, scope, self.key(scope), row)?;
        self.counted.push(CounterHit { scope, began: row.blocked_until, limit });
        Ok(())
    }

    /// Marks the attempt as in flight where other attempts may have to wait for it: at the counters
    /// that its success resets. A closed password is reopened only by the attempt that closed it.
    fn enter(&self, in_flight: &AttemptInFlight) {
        for CounterHit { scope, limit, .. } in &self.counted {
            if *scope != Scope::Account || self.closes {
                in_flight.enter(*scope, self.key(*scope), *limit);
            }
        }
    }

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
            let key = self.key(*scope);
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
        let failed = FailedLogin {
            client_key: &self.client,
            name_key: Some(&self.name),
            account: self.failure.account.as_ref(),
        };
        burst::note_failure(db, log, &failed)?;
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

/// Lifts a lockout, reopens a closed password, and ends the waits of all client IPs. Returns whether
/// there was a lockout or a closed password.
pub fn lift(db: &mut dyn Db, name_key: &[u8; 32], now: Time) -> Result<bool> {
    let row = attempts::lock(db, Scope::Lifts, name_key, now)?;
    let next = AttemptRow { count: row.count + 1, expires_at: now + LIFTS_KEPT, ..row };
    attempts::save(db, Scope::Lifts, name_key, &next)?;
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
