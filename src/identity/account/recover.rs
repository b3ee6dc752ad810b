//! Resetting a forgotten password: requesting a link, and setting a new password with it.
//!
//! Using the link proves access to the mailbox, so it also verifies an unverified address. It
//! creates no session and removes no second factor and no passkey: letter and page name those that
//! stay.

use crate::error::{Detail, Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::link::{Link, LinkPurpose, NewLink};
use crate::identity::account::proved_address::{Brought, ProofOutcome};
use crate::identity::account::{link, password, proved_address};
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard;
use crate::identity::passkey;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, Email, Event, Password, Secret, Source, Time};
use crate::outbox::{self, Job, OutgoingMessage};
use crate::password::pool::{Hash, Lane};
use crate::store;
use crate::store::db::Db;

/// Requests a reset link. The response never depends on whether the account exists.
///
/// # Errors
/// `Unavailable`.
pub async fn request(
    core: &Core,
    email: &Email,
    _counted: &Counted<limit::Forgot>,
    source: &Source,
) -> Result<()> {
    let prepared = core.outbox.job(&Job::Reset { email_key: email.key().to_owned() }, source)?;
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            outbox::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::PasswordResetRequested))
        })
        .await
}

/// Sets a new password with a mailed link. All sessions end, lockouts are lifted, other links are
/// voided, and the owner is notified.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`, `Validation` for a bad password, `Unavailable`.
pub async fn reset(
    core: &Core,
    token: &str,
    new: Password,
    counted: &Counted<limit::Reset>,
    source: &Source,
) -> Result<Recovered> {
    match follow(core, token, new, source).await {
        Err(failure) => Err(counted.failed(failure).await),
        done => done,
    }
}

/// What a reset leaves as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// The new password is the only way in.
    PasswordAlone,
    /// Passkeys still log in too.
    WithPasskeys,
}

async fn follow(core: &Core, token: &str, new: Password, source: &Source) -> Result<Recovered> {
    let (hash, now) = (link::digest_of(token), core.env.now());
    let found = core.store.read(move |db| subject(db, &hash, now)).await.map_err(with_purpose);
    let (_, account) = link::settle(core, hash, found).await?;
    let change = Reset::prepare(core, &account, new, source).await?;
    core.store
        .write(move |db| {
            let (link, account) = subject(db, &hash, change.log.at())?;
            if !store::tables::links::spend(db, &hash, change.log.at())? {
                return Err(Kind::LinkInvalid.into());
            }
            if !change.store(db, &account, &link.email_key)? {
                return Err(Kind::LinkInvalid.into());
            }
            let (passkeys, _) = store::tables::passkeys::count(db, &account.id)?;
            Ok(if passkeys > 0 { Recovered::WithPasskeys } else { Recovered::PasswordAlone })
        })
        .await
        .map_err(with_purpose)
}

/// Says of an expired link what it was for.
fn with_purpose(error: Error) -> Error {
    match error.kind() {
        Kind::LinkExpired => Detail::ResetLinkExpired.into(),
        _ => error,
    }
}

/// Finds the link and its account. The account must be neither deleted nor suspended, and must
/// still have the address that the link was mailed to.
fn subject(db: &mut dyn Db, hash: &[u8; 32], now: Time) -> Result<(Link, Account)> {
    let link = link::usable(db, hash, LinkPurpose::Reset, now)?;
    let account = store::tables::accounts::find(db, &link.account)?;
    let account =
        account.filter(|account| account.is_reachable() && account.has_address(&link.email_key));
    Ok((link, account.ok_or_else(|| Error::new(Kind::LinkInvalid))?))
}

/// A new password, ready to be stored.
pub(in crate::identity) struct Reset {
    hash: Hash,
    letter: Option<OutgoingMessage>,
    attempts_key: [u8; 32],
    log: AuditLog,
}

impl Reset {
    /// Does everything that must happen before the write: checks, hashing, the mail.
    ///
    /// # Errors
    /// `Validation` for a bad password, `Unavailable`.
    pub(in crate::identity) async fn prepare(
        core: &Core,
        account: &Account,
        new: Password,
        source: &Source,
    ) -> Result<Self> {
        password::check_rules(core, account, &new)?;
        // Passkeys of an address that nobody has proved do not survive the reset.
        let remaining = match account.email_verified_at {
            Some(_) => passkey::remaining(core, &account.id).await?,
            None => None,
        };
        Ok(Self {
            hash: core.hashing.hash(Lane::Client(source.client()), new).await?,
            letter: core.mail.compose_for(
                account,
                match account.email_verified_at {
                    Some(_) => core.language_for(account, source),
                    // The account's language may be that of a stranger's sign-up.
                    None => core.words.pick([source.language, account.locale]),
                },
                &Letter::PasswordSet { remaining },
            )?,
            attempts_key: guard::key_of(core, account),
            log: AuditLog::new(core, source),
        })
    }

    /// Stores the password, for an owner who has read the mail to this address. Returns `false` if
    /// the account is gone.
    pub(in crate::identity) fn store(
        &self,
        db: &mut dyn Db,
        account: &Account,
        email_key: &str,
    ) -> Result<bool> {
        let (log, now) = (&self.log, self.log.at());
        if !store::tables::accounts::set_password(
            db,
            &account.id,
            &self.hash.text,
            &self.hash.scheme,
            now,
        )? {
            return Ok(false);
        }
        let by_owner = |what| Event::done(what).about(&account.id).by(account.id.as_str());
        log.record(db, &by_owner(What::PasswordReset))?;
        let id = &account.id;
        let brought = Brought::NewPassword;
        if proved_address::prove(db, id, email_key, brought, id.as_str(), log)?
            == ProofOutcome::None
        {
            for session in store::tables::sessions::end_all(db, id, SessionEnd::Password, now)? {
                let ended = by_owner(What::SessionEnded).in_session(&session);
                log.record(db, &ended.because(SessionEnd::Password.as_str()))?;
            }
            link::void_all(db, id)?;
        }
        if guard::lift(db, &self.attempts_key, now)? {
            log.record(db, &by_owner(What::Unlocked))?;
        }
        outbox::enqueue_all(db, &self.letter)?;
        Ok(true)
    }
}

/// A mail with a link to choose a password, for an account whose password stops working in the same
/// write. No limit holds it back: otherwise a stranger could use the limit up.
pub(in crate::identity) struct MailedReset {
    link: NewLink,
    letter: Option<OutgoingMessage>,
}

impl MailedReset {
    /// Prepares the mail, to the account's address.
    pub(in crate::identity) fn prepare(
        core: &Core,
        account: &Account,
        letter: impl FnOnce(Secret, Time) -> Letter,
    ) -> Result<Self> {
        let token = core.env.new_token()?;
        let until = core.env.now() + core.config.links.reset_life;
        let language = core.language_of(account);
        let letter = letter(link::to_reset(core, language, &token), until);
        Ok(Self {
            link: NewLink::new(account, &token, LinkPurpose::Reset, until),
            letter: core.mail.compose_for(account, language, &letter)?,
        })
    }

    /// Stores the link and sends the mail, after all other changes of the write.
    pub(in crate::identity) fn store(&self, db: &mut dyn Db, log: &AuditLog) -> Result<()> {
        self.link.store(db, log.at())?;
        let id = self.link.account();
        log.record(db, &Event::done(What::PasswordResetRequested).about(id).by(id.as_str()))?;
        outbox::enqueue_all(db, &self.letter)
    }
}
