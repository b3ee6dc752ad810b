//! Logging in with a mailed code instead of the password, where the policy allows it.

use super::Core;
use super::audit::Log;
use super::gate::{Issued, Opening, Proof, Remember};
use super::guard::Bucket;
use super::one_time_code::{self, Asking, Purpose, Showing};
use crate::error::{Error, Kind, Result};
use crate::mail::{self, Request};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Email, Event, Source};
use crate::store;
use crate::store::db::Db;

fn refuse_where_off(core: &Core) -> Result<()> {
    if core.config.login.passwordless { Ok(()) } else { Err(Kind::NotFound.into()) }
}

/// Asks for a code; the answer never depends on the account.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `Unavailable`.
pub async fn request(core: &Core, email: &Email, source: &Source) -> Result<()> {
    refuse_where_off(core)?;
    let prepared = core.post.request(&Request::LoginCode { email_key: email.key().to_owned() }, source)?;
    let asking = Asking::new(core, email, Purpose::Login, source.client());
    let log = Log::new(core, source);
    core.store
        .write(move |db| {
            asking.note(db, log.at())?;
            mail::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::CodeRequested).because(Purpose::Login.as_str()))
        })
        .await?;
    core.post.ring();
    Ok(())
}

/// Logs in with a code; the gate may ask for a second factor after it. Whoever proves an address that nobody had proved
/// finds nothing there of what somebody else may have left: no password, no session.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `CodeInvalid`, `TooMany(Code)`, `MfaRequired` with a challenge.
pub async fn verify(core: &Core, email: &Email, typed: &str, remember: Remember, source: &Source) -> Result<Issued> {
    refuse_where_off(core)?;
    let standing = one_time_code::standing_of(core, email, Purpose::Login, source.client()).await?;
    let key = email.key().to_owned();
    let found = core.store.read(move |db| store::accounts::find_by_email(db, &key)).await?;
    let bucket = found.as_ref().map_or_else(|| Bucket::unknown(email.key()), Bucket::of);
    let account = found.filter(|account| account.deleted_at.is_none() && account.suspended_at.is_none());
    let from = (source.client(), standing);
    let showing = Showing::new(core, &bucket, account.as_ref(), Purpose::Login, typed, from);
    let opening = match &account {
        Some(account) => Some(Opening::prepare(core, account.clone(), Proof::MailedCode, remember, source).await?),
        None => None,
    };
    let (inside, log) = (account.zip(opening.clone()), Log::new(core, source));
    let entered = core
        .store
        .write(move |db| {
            if let Some(wait) = showing.count(db, &log)? {
                return Ok(Err(one_time_code::too_many(wait)));
            }
            let found = showing.spend(db, log.at())?;
            let Some((account, opening)) = inside
                .as_ref()
                .filter(|(account, _)| found.as_ref().is_some_and(|code| code.target == account.email.key()))
            else {
                log.record(db, &Event::refused(What::CodeShown).because(Purpose::Login.as_str()))?;
                return Ok(Err(Error::new(Kind::CodeInvalid)));
            };
            showing.forgive(db)?;
            log.record(db, &Event::done(What::CodeShown).about(&account.id).because(Purpose::Login.as_str()))?;
            let account = prove(db, account, &log)?;
            let roles = opening.clone().renewed(account.clone()).open(db)?;
            Ok(Ok((account, roles)))
        })
        .await
        .map_err(|error| if error.kind() == Kind::InvalidCredentials { Kind::CodeInvalid.into() } else { error })?;
    let (account, roles) = entered?;
    let opening = opening.ok_or(Kind::CodeInvalid)?;
    opening.renewed(account).outcome(core, roles).into_issued()
}

/// The account with its address proved.
fn prove(db: &mut dyn Db, account: &Account, log: &Log) -> Result<Account> {
    if account.email_verified_at.is_some() {
        return Ok(account.clone());
    }
    if store::accounts::prove_email(db, &account.id, account.email.key(), log.at())? {
        super::verify_email::claim_username(db, &account.id, log.at())?;
        log.record(db, &Event::done(What::EmailVerified).about(&account.id).by(account.id.as_str()))?;
        store::accounts::clear_password(db, &account.id, log.at())?;
        for session in store::sessions::end_all(db, &account.id, End::Password, log.at())? {
            let event = Event::done(What::SessionEnded).about(&account.id).in_session(&session);
            log.record(db, &event.because(End::Password.as_str()))?;
        }
    }
    store::accounts::find(db, &account.id)?.ok_or_else(|| Kind::CodeInvalid.into())
}
