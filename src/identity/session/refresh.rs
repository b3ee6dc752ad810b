//! Refreshing a session: rotation of the refresh token, the grace period for its direct parent, and
//! reuse detection.
//!
//! A client that presents the parent within the grace period gets the identical successor, computed
//! from the parent itself, so a race or a lost response logs no client out. After the grace period,
//! presenting the parent ends the session. So does an older token whose successor was itself
//! replaced longer ago than the grace period, even if the current token is a second old: a thief
//! who refreshes all the time does not hide that two parties hold tokens of one session.

use std::time::Duration;

use crate::config::RotationPolicy;
use crate::error::{Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Checked;
use crate::identity::audit::alert::AlertKind;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::Issued;
use crate::identity::session::holder::SessionHolder;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Event, Secret, Source, Time};
use crate::outbox::{self, OutgoingMessage};
use crate::store::db::Db;
use crate::store::tables::sessions::{SessionRow, SessionSnapshot, TokenRotation};
use crate::store::{self, Decision};
use crate::token::refresh::RefreshToken;

/// How the client sent the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTransport {
    Body,
    Cookie,
}

/// Refreshes the session behind a token. Refused tokens count against the limit, but not those of
/// authd that came in a cookie: browsers send a cookie until it is cleared, and those of one network
/// must not use up its limit for the sessions that live.
///
/// # Errors
/// `RefreshInvalid`, `RefreshStale`, `RefreshRevoked`, `TooMany(Refresh)`, `Unavailable`.
pub async fn rotate(
    core: &Core,
    token: &str,
    channel: TokenTransport,
    checked: &Checked<limit::Refresh>,
    source: &Source,
) -> Result<Issued> {
    let count = async |failure: Error| {
        if failure.kind().is_bad_refresh() { checked.failed(failure).await } else { failure }
    };
    let presented = match parse(core, token).await {
        Ok(presented) => presented,
        Err(failure) => return Err(count(failure).await),
    };
    match (rotate_uncounted(core, presented, channel, source).await, channel) {
        (Err(failure), TokenTransport::Body) => Err(count(failure).await),
        (rotated, _) => rotated,
    }
}

async fn rotate_uncounted(
    core: &Core,
    presented: RefreshToken,
    channel: TokenTransport,
    source: &Source,
) -> Result<Issued> {
    let keys = core.tokens.refresh_keys();
    let rotated = rotates(core.config.sessions.rotate, channel);
    let next = if rotated { presented.successor(&keys)? } else { presented.clone() };
    let log = AuditLog::new(core, source);
    let grace = core.config.sessions.grace;
    let step = RefreshStep {
        rotation: TokenRotation {
            id: presented.session.clone(),
            generation: presented.generation,
            secret_hash: presented.secret_hash(),
            next_generation: next.generation,
            next_hash: next.secret_hash(),
            now: log.at(),
        },
        successor_hash: presented.successor(&keys)?.secret_hash(),
        grace,
        lag: core.store.node().clock_lag(),
        stage: RefreshStage::Look,
        log: log.clone(),
    };
    let first = step.clone();
    let mut outcome = core.store.decide(move |db| first.take(db)).await?;
    if let RefreshOutcome::Stolen(snapshot) = &outcome {
        let account = &snapshot.account;
        // An unverified address may belong to a third party, so it gets no mail that others can
        // trigger.
        let language = core.language_of(account);
        let notice = if account.is_unproved() {
            None
        } else {
            core.mail.compose_for(account, language, &Letter::SessionStolen)?
        };
        let step = RefreshStep { stage: RefreshStage::Act(notice), ..step };
        outcome = core.store.decide(move |db| step.take(db)).await?;
    }
    let (snapshot, token) = match outcome {
        RefreshOutcome::Rotated(snapshot) => (snapshot, next),
        RefreshOutcome::Again(snapshot) => (snapshot, presented.successor(&keys)?),
        RefreshOutcome::Stolen(_) => return Err(Kind::RefreshRevoked.into()),
    };
    crate::identity::system::key_reload::reach(core, snapshot.epoch).await?;
    issued(core, *snapshot, &token, log.at()).map(|issued| Issued { rotated, ..issued })
}

fn rotates(rotate: RotationPolicy, channel: TokenTransport) -> bool {
    match rotate {
        RotationPolicy::Always => true,
        RotationPolicy::Cookie => channel == TokenTransport::Cookie,
        RotationPolicy::Never => false,
    }
}

/// Parses a token with the loaded keys. A token under an unknown key may be newer than what this
/// process has loaded, so the keys are reloaded if the epoch has changed.
async fn parse(core: &Core, token: &str) -> Result<RefreshToken> {
    match RefreshToken::parse(&core.tokens.refresh_keys(), token) {
        Err(error) if RefreshToken::names_unknown_key(&core.tokens.refresh_keys(), token) => {
            let epoch = core.store.read(|db| store::tables::keys::epoch(db)).await?;
            if epoch == core.tokens.epoch() {
                // Perhaps of a database from which this one was restored.
                return Err(Error::new(Kind::RefreshStale).caused_by(error));
            }
            crate::identity::system::key_reload::reload(core).await?;
            RefreshToken::parse(&core.tokens.refresh_keys(), token)
        }
        other => other,
    }
}

fn issued(
    core: &Core,
    snapshot: SessionSnapshot,
    token: &RefreshToken,
    now: Time,
) -> Result<Issued> {
    let session = snapshot.session;
    Ok(Issued {
        permissions: core.roles.permissions(&snapshot.roles),
        account: snapshot.account,
        roles: snapshot.roles,
        session_ends: session.expires_at,
        refresh_until: session.idle_until,
        refresh: Secret::new(token.to_text(&core.tokens.refresh_keys())?),
        rotated: false,
        cookie_life: session.remember.then(|| session.idle_until.since(now)),
        session: session.id,
    })
}

/// One refresh, decided inside a write.
#[derive(Clone)]
struct RefreshStep {
    rotation: TokenRotation,
    successor_hash: [u8; 32],
    grace: Duration,
    /// How far the clock of another server may be ahead that has rotated the token just now.
    lag: Duration,
    stage: RefreshStage,
    log: AuditLog,
}

/// How far a step may go. The mail about a theft is prepared only when there is a theft. The step
/// then runs a second time with it, so that mail, audit record and the end of the session are one
/// change.
#[derive(Clone)]
enum RefreshStage {
    /// A theft is only reported to the caller of the step.
    Look,
    /// A theft ends the session, and the owner gets this letter, if there is one.
    Act(Option<OutgoingMessage>),
}

/// Result of a step. The session's row is as it is after the step.
enum RefreshOutcome {
    /// The token was the current one, and the session now has its successor.
    Rotated(Box<SessionSnapshot>),
    /// The token was the direct parent, within the grace period.
    Again(Box<SessionSnapshot>),
    /// The token was replaced long ago, and so was its successor: two parties hold tokens of one
    /// session. [`RefreshStage::Act`] ends the session.
    Stolen(Box<SessionSnapshot>),
}

impl RefreshStep {
    fn take(&self, db: &mut dyn Db) -> Result<Decision<RefreshOutcome>> {
        let find = |db: &mut dyn Db| store::tables::sessions::find_snapshot(db, &self.rotation.id);
        let Some(mut snapshot) = find(db)? else {
            return Ok(refuse(Kind::RefreshInvalid));
        };
        let recorded = snapshot.session.refresh_day;
        if store::tables::sessions::rotate(db, &mut snapshot.session, &self.rotation, self.grace)? {
            self.log.note_active(db, &snapshot.account.id)?;
            if snapshot.session.refresh_day != recorded {
                self.record_first_of_day(db, &snapshot)?;
            }
            return Ok(Decision::Commit(RefreshOutcome::Rotated(Box::new(snapshot))));
        }
        // Where writers run side by side, the row may have changed since it was read.
        match find(db)? {
            Some(snapshot) => self.explain(db, snapshot),
            None => Ok(refuse(Kind::RefreshInvalid)),
        }
    }

    /// Clients refresh every few minutes, so the audit log has one record per session and day.
    fn record_first_of_day(&self, db: &mut dyn Db, snapshot: &SessionSnapshot) -> Result<()> {
        let account = &snapshot.account.id;
        let event = Event::done(What::SessionRefreshed).about(account).by(account.as_str());
        self.log.record(db, &event.in_session(&snapshot.session.id))
    }

    fn explain(
        &self,
        db: &mut dyn Db,
        snapshot: SessionSnapshot,
    ) -> Result<Decision<RefreshOutcome>> {
        let (session, now) = (&snapshot.session, self.rotation.now);
        if session.ended_at.is_some() {
            return Ok(refuse(Kind::RefreshRevoked));
        }
        if session.is_too_old(now) {
            self.end(db, session, SessionEnd::Expired)?;
            return Ok(refuse(Kind::RefreshInvalid));
        }
        if snapshot.account.suspended_at.is_some() || snapshot.account.deleted_at.is_some() {
            return Ok(refuse(Kind::RefreshRevoked));
        }
        match age(session, &self.rotation, &self.successor_hash) {
            Age::Parent if is_within_grace(session, self.rotation.now, (self.lag, self.grace)) => {
                Ok(Decision::Commit(RefreshOutcome::Again(Box::new(snapshot))))
            }
            // Its successor was in use until a moment ago: a slow tab, or a request that was delayed.
            Age::Older if !self.is_successor_long_replaced(session) => {
                Ok(refuse(Kind::RefreshStale))
            }
            // A restored backup, or a clock that was set back: no reason to suspect theft.
            Age::Unknown => Ok(refuse(Kind::RefreshStale)),
            _ if session.rotated_at.is_none_or(|rotated| rotated > now) => {
                Ok(refuse(Kind::RefreshStale))
            }
            Age::Parent => {
                self.reused(db, &snapshot)?;
                Ok(refuse(Kind::RefreshRevoked))
            }
            Age::Older => {
                if let RefreshStage::Act(notice) = &self.stage {
                    self.reused(db, &snapshot)?;
                    self.log.alert(db, AlertKind::RefreshTheft)?;
                    notice.iter().try_for_each(|letter| outbox::enqueue(db, letter))?;
                }
                Ok(Decision::Commit(RefreshOutcome::Stolen(Box::new(snapshot))))
            }
        }
    }

    /// Whether the token after the presented one was itself replaced longer ago than the grace
    /// period, however often the session has been refreshed since.
    fn is_successor_long_replaced(&self, session: &SessionRow) -> bool {
        let (now, successor) = (self.rotation.now, self.rotation.generation + 1);
        session.rotated_at.is_some_and(|rotated| now.since(rotated) > self.grace)
            || session.rotations.is_long_replaced(successor, now, self.grace)
    }

    fn reused(&self, db: &mut dyn Db, snapshot: &SessionSnapshot) -> Result<()> {
        let event = Event::refused(What::RefreshReused).about(&snapshot.account.id);
        self.log.record(db, &event.in_session(&snapshot.session.id))?;
        self.end(db, &snapshot.session, SessionEnd::Reuse)
    }

    fn end(&self, db: &mut dyn Db, session: &SessionRow, why: SessionEnd) -> Result<()> {
        if store::tables::sessions::end(db, &session.id, why, self.rotation.now)? {
            let event =
                Event::done(What::SessionEnded).about(&session.account).in_session(&session.id);
            self.log.record(db, &event.because(why.as_str()))?;
        }
        Ok(())
    }
}

/// Refuses the token. What the step changed stays: it may have ended the session.
fn refuse(kind: Kind) -> Decision<RefreshOutcome> {
    Decision::CommitThenRefuse(kind.into())
}

/// Whether the parent of the current token is still accepted. Another server may have rotated it at a time
/// that is `lag` ahead of this one's.
fn is_within_grace(session: &SessionRow, now: Time, (lag, grace): (Duration, Duration)) -> bool {
    let is_recent = |rotated: Time| rotated <= now + lag && now.since(rotated) <= grace;
    session.rotated_at.is_some_and(is_recent)
}

/// How a token that is not the current one relates to the current one.
enum Age {
    /// The current token is its successor.
    Parent,
    /// It was rotated out before the parent.
    Older,
    /// No known ancestor.
    Unknown,
}

fn age(session: &SessionRow, rotation: &TokenRotation, successor_hash: &[u8; 32]) -> Age {
    if rotation.generation + 1 == session.generation {
        return if session.secret_hash == successor_hash { Age::Parent } else { Age::Unknown };
    }
    if rotation.generation < session.generation { Age::Older } else { Age::Unknown }
}

/// Finds the holder of this refresh token. The session must be alive, and the token must be its
/// current one, or its parent within the grace period.
///
/// # Errors
/// `RefreshInvalid`, `RefreshStale`, `RefreshRevoked`.
pub async fn holder(core: &Core, token: &str) -> Result<SessionHolder> {
    let presented = parse(core, token).await?;
    let successor_hash = presented.successor(&core.tokens.refresh_keys())?.secret_hash();
    let (id, now, grace) = (presented.session.clone(), core.env.now(), core.config.sessions.grace);
    let lag = core.store.node().clock_lag();
    let found = core.store.read(move |db| store::tables::sessions::find(db, &id)).await?;
    let session = found.ok_or_else(|| Error::new(Kind::RefreshInvalid))?;
    if session.ended_at.is_some() {
        return Err(Kind::RefreshRevoked.into());
    }
    let is_current = presented.generation == session.generation
        && session.secret_hash == presented.secret_hash();
    let is_parent = presented.generation + 1 == session.generation
        && session.secret_hash == successor_hash
        && is_within_grace(&session, now, (lag, grace));
    if session.is_too_old(now) {
        return Err(Kind::RefreshInvalid.into());
    }
    // The client may have a newer token by now, which must not be cleared.
    if !(is_current || is_parent) {
        return Err(Kind::RefreshStale.into());
    }
    Ok(SessionHolder { account: session.account, session: session.id })
}
