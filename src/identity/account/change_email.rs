//! Changes an account's email address. The owner requests it with a fresh proof, confirms it with a
//! link mailed to the new address, and can undo it with a link mailed to the old one. The same gives an
//! address to an account without one; there is nothing to undo then.

use std::time::Duration;

use crate::error::{Error, Field, Kind, Result, Rule, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh::Fresh;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::account::link::{Link, LinkPurpose};
use crate::identity::account::proved_address::Brought;
use crate::identity::account::takeover::Rescue;
use crate::identity::account::{link, proved_address, takeover};
use crate::identity::audit::log::AuditLog;
use crate::identity::system::mail_charge;
use crate::identity::system::mail_charge::MailLimit;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, Barrier, Email, Event, Source, Time};
use crate::outbox::{self, Job};
use crate::store;
use crate::store::db::Db;

/// How long a change can be undone.
pub(in crate::identity) const UNDO_FOR: Duration = Duration::from_hours(7 * 24);

/// Requests a change of address. The answer does not reveal whether the new address is taken. The
/// account keeps the old one until the new one is verified. More requests than an account's limit of mail
/// are dropped.
///
/// # Errors
/// `Validation` if the account already has this address, `Unavailable`.
pub async fn request(core: &Core, fresh: &Fresh, new: &Email, source: &Source) -> Result<()> {
    let account = &fresh.caller().account;
    if account.has_address(new.key()) {
        return Err(Error::invalid_field(Field::NewEmail, Rule::SameEmail));
    }
    let asked = Job::ChangeEmail {
        account_id: account.id.to_string(),
        stamp: account.credential_version,
        email: new.as_str().to_owned(),
        session: Some(fresh.caller().session().to_string()),
    };
    let prepared = core.outbox.job(&asked, source)?;
    let (log, account) = (AuditLog::new(core, source), account.clone());
    let (limit, session) = (MailLimit::of_change(core, &account), fresh.caller().session().clone());
    core.store
        .write(move |db| {
            let id = &account.id;
            // Before anything is stored that the outbox would have to work on.
            if !mail_charge::allows(limit.as_ref(), db, log.at())? {
                log.refuse(Barrier::MailAddress, &LoginTarget::of(&account));
                return Ok(());
            }
            outbox::enqueue(db, &prepared)?;
            let event = Event::done(What::EmailChangeRequested).about(id).in_session(&session);
            log.record(db, &event.by(id.as_str()))
        })
        .await
}

/// Gives the account the address that the link confirms.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn confirm(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::ConfirmEmail>,
    source: &Source,
) -> Result<()> {
    let (hash, log, verification) =
        (link::digest_of(token), AuditLog::new(core, source), core.verification());
    let outcome = core
        .store
        .write(move |db| {
            let now = log.at();
            let link = link::usable(db, &hash, LinkPurpose::ConfirmEmail, now)?;
            let account =
                store::tables::accounts::find(db, &link.account)?.filter(Account::is_reachable);
            let account = account.ok_or(Kind::LinkInvalid)?;
            if !store::tables::links::spend(db, &hash, now)? {
                return Err(Kind::LinkInvalid.into());
            }
            proved_address::adopt(db, &account.id, &address_of(&link)?, verification, &log)?;
            log.record(
                db,
                &Event::done(What::EmailChanged).about(&account.id).by(account.id.as_str()),
            )?;
            link::void_all(db, &account.id)?;
            store::tables::links::prolong_undoing(db, &account, now + UNDO_FOR, now)
        })
        .await;
    link::settle(core, hash, outcome).await
}

/// Gives the account back the address that the link was mailed to, and its owner the account: an
/// attacker who asked for the change may know the password, be logged in, have added passkeys and second
/// factors before in the same session, and have deleted the account. Voids changes that were requested and not confirmed.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn undo(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::UndoEmail>,
    source: &Source,
) -> Result<()> {
    let (hash, now) = (link::digest_of(token), core.env.now());
    let found = core.store.read(move |db| undoable(db, &hash, now)).await;
    let (link, account) = link::settle(core, hash, found).await?;
    let since = link.since.unwrap_or(link.created_at);
    let rescue = Rescue::prepare(core, &account, &address_of(&link)?, since, source)?;
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            let (link, account) = undoable(db, &hash, log.at())?;
            let account = takeover::bring_back(db, account, &log)?;
            give_back(db, &account, &hash, &link, &log)?;
            rescue.store(db, SessionEnd::EmailUndone)
        })
        .await
}

fn give_back(
    db: &mut dyn Db,
    account: &Account,
    hash: &[u8; 32],
    link: &Link,
    log: &AuditLog,
) -> Result<()> {
    if !store::tables::links::spend(db, hash, log.at())? {
        return Err(Kind::LinkInvalid.into());
    }
    let id = &account.id;
    if account.has_address(&link.email_key) {
        // Following the link verifies the address, if that had not happened before the change.
        proved_address::prove(db, id, &link.email_key, Brought::Mailbox, id.as_str(), log)?;
    } else {
        // A holder without a proof gives way to the person who reads the mailbox.
        proved_address::adopt(db, id, &address_of(link)?, Verification::Required, log)?;
    }
    log.record(
        db,
        &Event::done(What::EmailChangeUndone).about(&account.id).by(account.id.as_str()),
    )?;
    store::tables::links::void_later_undoing(db, &account.id, hash)
}

/// Returns the address with this key, if the account has it, or had it and can still take it back.
///
/// # Errors
/// `LinkInvalid`.
pub(in crate::identity) fn reachable_at(
    db: &mut dyn Db,
    account: &Account,
    email_key: &str,
    now: Time,
) -> Result<Email> {
    if let Some(email) = account.email.as_ref().filter(|email| email.key() == email_key) {
        return Ok(email.clone());
    }
    let found = store::tables::links::find_undoing(db, &account.id, email_key, now)?;
    address_of(&found.ok_or(Kind::LinkInvalid)?.1)
}

/// Gives the account back the address with this key, if it has another one now. Works like
/// [`undo`], for an owner who came another way.
///
/// # Errors
/// `LinkInvalid` when the account can no longer take the address back.
pub(in crate::identity) fn restore_address(
    db: &mut dyn Db,
    account: &Account,
    email_key: &str,
    log: &AuditLog,
) -> Result<()> {
    if account.has_address(email_key) {
        return Ok(());
    }
    let found = store::tables::links::find_undoing(db, &account.id, email_key, log.at())?;
    let (hash, link) = found.ok_or(Kind::LinkInvalid)?;
    give_back(db, account, &hash, &link, log)
}

/// The undo link and the account that it restores.
fn undoable(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<(Link, Account)> {
    let link = link::usable(db, hash, LinkPurpose::UndoEmail, now)?;
    let account =
        store::tables::accounts::find(db, &link.account)?.filter(takeover::is_within_reach);
    Ok((link, account.ok_or(Kind::LinkInvalid)?))
}

/// The address that a link gives to the account.
fn address_of(link: &Link) -> Result<Email> {
    let email = link
        .address
        .as_deref()
        .and_then(Email::parse)
        .filter(|email| email.key() == link.email_key);
    email.ok_or_else(|| Error::internal("the link of an email change has no valid address"))
}
