//! Getting back in with a mailed code: asking for it, seeing whether it is right, setting a new password with it.
//!
//! As with a link, whoever has the code has read the mailbox. An unknown address is answered like a wrong code.

use super::Core;
use super::audit::Log;
use super::guard::Bucket;
use super::one_time_code::{self, Asking, Purpose, Showing};
use super::recover::Reset;
use crate::error::{Error, Kind, Result};
use crate::mail::{self, Request};
use crate::model::event::What;
use crate::model::{Account, Email, Event, Password, Source};
use crate::store;

/// Asks for a code; the answer never depends on the account.
///
/// # Errors
/// `Unavailable`.
pub async fn request(core: &Core, email: &Email, source: &Source) -> Result<()> {
    let prepared = core.post.request(&Request::ResetCode { email_key: email.key().to_owned() }, source)?;
    let asking = Asking::new(core, email, Purpose::Reset, source.client());
    let log = Log::new(core, source);
    core.store
        .write(move |db| {
            asking.note(db, log.at())?;
            mail::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::PasswordResetRequested).because("code"))
        })
        .await?;
    core.post.ring();
    Ok(())
}

/// Says whether a code is right, and leaves it as it is; a wrong one is counted.
///
/// # Errors
/// `CodeInvalid`, `TooMany(Code)`.
pub async fn look(core: &Core, email: &Email, typed: &str, source: &Source) -> Result<()> {
    show(core, email, typed, source).await.map(drop)
}

/// Sets a new password with a code: all sessions end, lockouts and other links are void, the owner is told.
///
/// # Errors
/// `CodeInvalid`, `TooMany(Code)`, `Validation` for a bad password, which does not use the code up, `Unavailable`.
pub async fn reset(core: &Core, email: &Email, typed: &str, new: Password, source: &Source) -> Result<()> {
    let (showing, account) = show(core, email, typed, source).await?;
    let change = Reset::prepare(core, &account, new, source).await?;
    let now = core.env.now();
    core.store
        .write(move |db| {
            // Whatever has changed at the account since the code was right voids it.
            let is_as_read = |current: &Account| current.stamp == account.stamp && current.is_reachable();
            if !store::accounts::find(db, &account.id)?.as_ref().is_some_and(is_as_read) {
                return Err(Kind::CodeInvalid.into());
            }
            let Some(code) = showing.spend(db, now)? else { return Err(Kind::CodeInvalid.into()) };
            if change.store(db, &account, &code.target)? { Ok(()) } else { Err(Kind::CodeInvalid.into()) }
        })
        .await?;
    core.post.ring();
    Ok(())
}

/// The account of a right code. The try of a wrong one stays counted.
async fn show(core: &Core, email: &Email, typed: &str, source: &Source) -> Result<(Showing, Account)> {
    let standing = one_time_code::standing_of(core, email, Purpose::Reset, source.client()).await?;
    let key = email.key().to_owned();
    let found = core.store.read(move |db| store::accounts::find_by_email(db, &key)).await?;
    let bucket = found.as_ref().map_or_else(|| Bucket::unknown(email.key()), Bucket::of);
    let account = found.filter(Account::is_reachable);
    let showing = Showing::new(core, &bucket, account.as_ref(), Purpose::Reset, typed, (source.client(), standing));
    let (inside, subject, log) = (showing.clone(), account.clone(), Log::new(core, source));
    let verdict = core
        .store
        .write(move |db| {
            if let Some(wait) = inside.count(db, &log)? {
                return Ok(Err(one_time_code::too_many(wait)));
            }
            let code = inside.look(db, log.at())?;
            let is_right = |account: &Account| code.as_ref().is_some_and(|code| code.target == account.email.key());
            let is_right = subject.as_ref().is_some_and(is_right);
            if is_right {
                inside.forgive(db)?;
            }
            let event = if is_right { Event::done(What::CodeShown) } else { Event::refused(What::CodeShown) };
            let event = event.because(Purpose::Reset.as_str());
            let event = match &subject {
                Some(account) => event.about(&account.id),
                None => event,
            };
            log.record(db, &event)?;
            Ok(if is_right { Ok(()) } else { Err(Error::new(Kind::CodeInvalid)) })
        })
        .await?;
    verdict?;
    Ok((showing, account.ok_or(Kind::CodeInvalid)?))
}
