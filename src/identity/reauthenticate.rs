//! Proving once more who one is: the password again, and what follows from having just done so.
//!
//! Every road that asks for the current password of a caller checks it here, so its wrong ones count together.

use std::time::Duration;

use super::audit::Log;
use super::guard::{self, Acquaintance, Attempt, Bucket};
use super::{Caller, Core};
use crate::error::{Error, Kind, Result};
use crate::model::event::What;
use crate::model::{Event, Password, Secret, Source};
use crate::password::pool::Lane;
use crate::password::rules;
use crate::store;

/// How old a session's last proof may be for what needs a fresh one.
const FRESH_FOR: Duration = Duration::from_mins(15);

/// Somebody whose session saw a proof of who they are in the last 15 minutes. A refresh makes nobody fresh.
#[derive(Debug, Clone)]
pub struct Fresh(Caller);

impl Fresh {
    /// The caller, if their proof is fresh.
    ///
    /// # Errors
    /// `ReauthenticationRequired`.
    pub fn check(core: &Core, caller: &Caller) -> Result<Self> {
        let now = core.env.now();
        if caller.proved_at > now || now.since(caller.proved_at) > FRESH_FOR {
            return Err(Kind::ReauthenticationRequired.into());
        }
        Ok(Self(caller.clone()))
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

/// What a caller proves with who they are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Their password.
    Password(Password),
    /// A code of their second factor.
    Code(Secret),
}

/// Renews the proof of the caller's session.
///
/// # Errors
/// `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`, `SessionEnded`; for a code what [`super::factor::show`] says.
pub async fn renew(core: &Core, caller: &Caller, proof: Proof, source: &Source) -> Result<()> {
    let attempt = match proof {
        Proof::Password(password) => check_password(core, caller, password, What::Reauthenticated, source).await?,
        Proof::Code(code) => return super::factor::show(core, caller, code.reveal(), source).await,
    };
    let (log, account, session) = (Log::new(core, source), caller.account.id.clone(), caller.session.clone());
    core.store
        .write(move |db| {
            attempt.forgive(db)?;
            if !store::sessions::renew_proof(db, &session, log.at())? {
                return Err(Kind::SessionEnded.into());
            }
            let event = Event::done(What::Reauthenticated).about(&account).in_session(&session);
            log.record(db, &event.by(account.as_str()))
        })
        .await
}

/// Checks the caller's current password. What comes back is the try that was counted: forgive it in the write that the
/// right password leads to. `what` names in the audit log what a wrong one was given for.
///
/// # Errors
/// `WrongCurrentPassword`, `AccountLocked`, `TooMany(SignIn)`, `Unavailable`.
pub(super) async fn check_password(
    core: &Core,
    caller: &Caller,
    password: Password,
    what: What,
    source: &Source,
) -> Result<Attempt> {
    if rules::is_too_long(&core.config.password, password.reveal()) {
        return Err(Kind::WrongCurrentPassword.into());
    }
    let account = &caller.account;
    let (id, client, since) = (account.id.clone(), source.client(), core.env.now() - core.config.throttle.known_for);
    let is_known = core.store.read(move |db| store::clients::is_known(db, &id, client, since)).await?;
    let met = if is_known { Acquaintance::Known } else { Acquaintance::Stranger };
    let failure = Event::refused(what).about(&account.id).in_session(&caller.session).by(account.id.as_str());
    let attempt = guard::begin(core, &Bucket::of_owner(&account.id), met, failure, source).await?;
    let lane = Lane::Known(client);
    let matches = match account.password_hash.clone().filter(|_| !attempt.is_closed()) {
        Some(stored) => core.hashing.verify(lane, password, stored).await.map(|verdict| verdict.matches),
        None => core.hashing.verify_nothing(lane, password, account.id.as_str()).await.map(|()| false),
    };
    let matches = match matches {
        Ok(matches) => matches,
        Err(busy) => return Err(take_back(core, attempt, busy).await),
    };
    if matches {
        return Ok(attempt);
    }
    let log = Log::new(core, source);
    core.store.write(move |db| attempt.fail(db, &log, "wrong_password")).await?;
    core.post.ring();
    Err(Kind::WrongCurrentPassword.into())
}

/// A try whose password was never looked at, for want of room, does not count; gives back what was in the way.
pub(super) async fn take_back(core: &Core, attempt: Attempt, busy: Error) -> Error {
    let now = core.env.now();
    match core.store.write(move |db| attempt.take_back(db, now)).await {
        Ok(()) => busy,
        Err(error) => error,
    }
}
