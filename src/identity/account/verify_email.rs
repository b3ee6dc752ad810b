//! Verifying an address: following the link, requesting it again, and "this was not me".

use crate::error::{Detail, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::link;
use crate::identity::account::link::{Link, LinkPurpose};
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{AccountId, Email, Event, Source, Time, text};
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

/// Uses a verification link.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn prove(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::VerifyEmail>,
    source: &Source,
) -> Result<Proved> {
    let (hash, log) = (link::digest_of(token), AuditLog::new(core, source));
    let outcome = core
        .store
        .write(move |db| {
            let link = usable(db, &hash, log.at())?;
            if store::tables::accounts::prove_email(db, &link.account, &link.email_key, log.at())? {
                store::tables::links::spend(db, &hash, log.at())?;
                claim_username(db, &link.account, log.at())?;
                log.record(
                    db,
                    &Event::done(What::EmailVerified)
                        .about(&link.account)
                        .by(link.account.as_str()),
                )?;
                return Ok(Proved::Now);
            }
            match store::tables::accounts::find(db, &link.account)? {
                Some(account) if is_proved_as(&account, &link) => Ok(Proved::Already),
                _ => Err(Kind::LinkInvalid.into()),
            }
        })
        .await;
    link::settle(core, hash, outcome).await
}

fn is_proved_as(account: &crate::model::Account, link: &Link) -> bool {
    account.deleted_at.is_none()
        && account.email_verified_at.is_some()
        && account.email.key() == link.email_key
}

/// Gives an account the user name that was held for its sign-up, unless the hold has expired and
/// another account has the name now.
pub(in crate::identity) fn claim_username(
    db: &mut dyn Db,
    id: &AccountId,
    now: Time,
) -> Result<()> {
    let Some(account) = store::tables::accounts::find(db, id)? else { return Ok(()) };
    let Some(name) = &account.username else { return Ok(()) };
    let key = text::fold(name);
    if store::tables::accounts::is_username_taken(db, &key, &account.id, now)? {
        return store::tables::accounts::drop_username(db, &account.id);
    }
    store::tables::accounts::take_username(db, &account.id, &key)
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
            let link = usable(db, &hash, log.at())?;
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

fn usable(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<Link> {
    link::refuse_old(link::find(db, hash, LinkPurpose::Verify)?, now)
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
