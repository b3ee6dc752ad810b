//! Verifying an address: following the link, requesting it again, and "this was not me".

use crate::error::{Detail, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::link::{Link, LinkPurpose};
use crate::identity::account::proved_address::{Brought, ProofOutcome};
use crate::identity::account::recover::{MailedReset, Reset};
use crate::identity::account::{link, proved_address};
use crate::identity::audit::log::AuditLog;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::{Account, Email, Event, Password, Source, Time};
use crate::outbox::{self, Job};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::roles::Removable;

/// What following a verification link did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// It verified the address.
    Now,
    /// The address was verified before.
    Already,
}

/// Uses a verification link. If the sign-ups with the address gave different passwords, none of them
/// survives, and the owner gets a mail with a link to choose one.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn prove(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::VerifyEmail>,
    source: &Source,
) -> Result<Proved> {
    let (_, account) = read(core, token).await?;
    prove_without_password(core, token, &account, source).await
}

/// Uses a verification link where the owner can choose a password at once, if the sign-ups with the
/// address gave different ones. Returns `None`, and changes nothing, while that password is missing.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`, `Validation` for a bad password, `Unavailable`.
pub async fn prove_and_choose(
    core: &Core,
    token: &str,
    new: Option<Password>,
    _counted: &Counted<limit::VerifyEmail>,
    source: &Source,
) -> Result<Option<Proved>> {
    let (link, account) = read(core, token).await?;
    if !is_contested(&account, &link) {
        return prove_without_password(core, token, &account, source).await.map(Some);
    }
    let Some(new) = new else { return Ok(None) };
    let change = Reset::prepare(core, &account, new, source).await?;
    let (hash, log) = (link::digest_of(token), AuditLog::new(core, source));
    core.store
        .write(move |db| {
            let (link, account) = subject(db, &hash, log.at())?;
            // Another request may have verified the address since, and so settled the password.
            if !is_contested(&account, &link) {
                return already(&account, &link);
            }
            store::tables::links::spend(db, &hash, log.at())?;
            let is_stored = change.store(db, &account, &link.email_key)?;
            if is_stored { Ok(Proved::Now) } else { Err(Kind::LinkInvalid.into()) }
        })
        .await
        .map(Some)
}

/// Checks whether a verification link would work, without using it. Returns whether the owner has to
/// choose a password with it.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn asks_password(core: &Core, token: &str) -> Result<bool> {
    let (hash, now) = (link::digest_of(token), core.env.now());
    let (link, account) = core.store.read(move |db| subject(db, &hash, now)).await?;
    Ok(is_contested(&account, &link))
}

/// The link and its account, before the write that uses the link.
async fn read(core: &Core, token: &str) -> Result<(Link, Account)> {
    let (hash, now) = (link::digest_of(token), core.env.now());
    let found = core.store.read(move |db| subject(db, &hash, now)).await;
    link::settle(core, hash, found).await
}

async fn prove_without_password(
    core: &Core,
    token: &str,
    account: &Account,
    source: &Source,
) -> Result<Proved> {
    let (hash, log) = (link::digest_of(token), AuditLog::new(core, source));
    // Where sign-ups differed, the account's language may be that of a stranger's.
    let reader = Account { locale: source.language.or(account.locale), ..account.clone() };
    let choice =
        MailedReset::prepare(core, &reader, |link, until| Letter::ChoosePassword { link, until })?;
    let outcome = core
        .store
        .write(move |db| {
            let (link, account) = subject(db, &hash, log.at())?;
            let (id, key) = (&account.id, &link.email_key);
            match proved_address::prove(db, id, key, Brought::SignUp, id.as_str(), &log)? {
                ProofOutcome::None => return already(&account, &link),
                ProofOutcome::Complete => {}
                ProofOutcome::WithoutPassword => choice.store(db, &log)?,
            }
            store::tables::links::spend(db, &hash, log.at())?;
            Ok(Proved::Now)
        })
        .await;
    link::settle(core, hash, outcome).await
}

/// Finds the link and its account.
fn subject(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<(Link, Account)> {
    let link = link::usable(db, hash, LinkPurpose::Verify, now)?;
    let account = store::tables::accounts::find(db, &link.account)?;
    Ok((link, account.ok_or(Kind::LinkInvalid)?))
}

/// Whether the link verifies an address whose sign-ups gave different passwords.
fn is_contested(account: &Account, link: &Link) -> bool {
    account.password_contested_at.is_some()
        && account.email_verified_at.is_none()
        && account.deleted_at.is_none()
        && account.has_address(&link.email_key)
}

/// The outcome of a link that verified nothing.
fn already(account: &Account, link: &Link) -> Result<Proved> {
    let is_proved = account.deleted_at.is_none()
        && account.email_verified_at.is_some()
        && account.has_address(&link.email_key);
    if is_proved { Ok(Proved::Already) } else { Err(Kind::LinkInvalid.into()) }
}

/// "This was not me": removes the account, which is still unverified.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn disown(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::Disown>,
    source: &Source,
) -> Result<()> {
    let (hash, log) = (link::digest_of(token), AuditLog::new(core, source));
    let verification = core.verification();
    let outcome = core
        .store
        .write(move |db| {
            let link = link::usable(db, &hash, LinkPurpose::Verify, log.at())?;
            // The last administrator stays, and a stranger is not told why.
            let removable = Removable::check(db, &link.account, verification)?;
            let removable = removable.ok_or(Kind::LinkInvalid)?;
            if !store::tables::erasure::remove_unproved(db, &removable)? {
                return Err(Detail::SignUpVerified.into());
            }
            log.record(db, &Event::done(What::SignUpDisowned).about(&link.account))?;
            log.record(db, &Event::done(What::Deleted).about(&link.account).because("disowned"))
        })
        .await;
    link::settle(core, hash, outcome).await
}

/// Requests the verification mail again. The response never depends on whether the account exists.
///
/// # Errors
/// `Unavailable`.
pub async fn request(
    core: &Core,
    email: &Email,
    _counted: &Counted<limit::Resend>,
    source: &Source,
) -> Result<()> {
    let prepared =
        core.outbox.job(&Job::Verification { email_key: email.key().to_owned() }, source)?;
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            outbox::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::VerificationRequested))
        })
        .await
}
