//! Logging in with a password.

use crate::config::Rate;
use crate::error::{Detail, Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::Issued;
use crate::identity::login::gate::NewSession;
use crate::identity::login::gate::Proof;
use crate::identity::login::guard;
use crate::identity::login::guard::Attempt;
use crate::identity::login::guard::Familiarity;
use crate::identity::login::remember::Remember;
use crate::model::account::{Status, Verification};
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, Email, Event, Password, Source, Time, text};
use crate::outbox::{self, Job};
use crate::password::pool::{Hash, Lane};
use crate::password::rules;
use crate::store;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;

/// The name that a client logs in with, as typed. It need not be well-formed.
#[derive(Debug, Clone)]
pub enum Name {
    Email(String),
    Username(String),
}

impl Name {
    /// The key under which this name is looked up and counted.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Name::Email(typed) => Email::parse(typed)
                .map_or_else(|| text::fold(typed), |email| email.key().to_owned()),
            Name::Username(typed) => text::fold(typed),
        }
    }
}

/// What a client sends to log in.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub name: Name,
    pub password: Password,
    /// How long the session should live.
    pub remember: Remember,
}

/// An account that may exist, and how attempts against it are counted.
struct LoginCandidate {
    account: Option<Account>,
    target: LoginTarget,
    familiarity: Familiarity,
}

async fn look_up(core: &Core, name: &Name, source: &Source) -> Result<LoginCandidate> {
    let (key, name, client) = (name.key(), name.clone(), source.client());
    let since = core.env.now() - core.config.throttle.known_for;
    let folded = key.clone();
    let (account, is_known) = core
        .store
        .read(move |db| {
            let account = match name {
                Name::Email(_) => store::tables::accounts::find_by_email(db, &key)?,
                Name::Username(_) => store::tables::accounts::find_by_username(db, &key)?,
            };
            // Unknown names are checked too, so that both take the same time.
            let id =
                account.as_ref().map_or_else(|| AccountId::new(""), |account| account.id.clone());
            let is_known = store::tables::known_ips::is_known(db, &id, client, since)?;
            Ok((account, is_known))
        })
        .await?;
    let target = account.as_ref().map_or_else(|| LoginTarget::unknown(&folded), LoginTarget::of);
    Ok(LoginCandidate {
        account,
        target,
        familiarity: if is_known { Familiarity::Known } else { Familiarity::Unknown },
    })
}

/// Proof that the name of a login was not locked, to be had before the call is counted.
pub struct NotLocked(());

/// Refuses a locked name before any other limit is checked. Does nothing if the policy has no
/// lockouts.
///
/// # Errors
/// `AccountLocked` with the time that is left.
pub async fn refuse_locked(core: &Core, name: &Name, source: &Source) -> Result<NotLocked> {
    if core.config.lockout.enabled {
        let subject = look_up(core, name, source).await?;
        guard::refuse_locked(core, &subject.target, source).await?;
    }
    Ok(NotLocked(()))
}

/// Checks the password and issues a session at the gate.
///
/// # Errors
/// `InvalidCredentials` for an unknown name and a wrong password alike. After the correct password
/// `EmailUnverified` (where that is revealed), `AccountSuspended`, `AccountDeleted`, `MfaRequired`
/// with a challenge. Also `AccountLocked`, `TooMany(SignIn)`, `Unavailable`.
pub async fn with_password(
    core: &Core,
    credentials: Credentials,
    _not_locked: &NotLocked,
    _counted: &Counted<limit::SignIn>,
    source: &Source,
) -> Result<Issued> {
    if rules::is_too_long(&core.config.password, credentials.password.reveal()) {
        return Err(wrong(core));
    }
    let subject = look_up(core, &credentials.name, source).await?;
    let about = subject.account.as_ref().map(|account| account.id.clone());
    let failure = Event { account: about, ..Event::refused(What::Login) };
    let attempt = guard::begin(core, &subject.target, subject.familiarity, failure, source).await?;
    let checked = match check(core, &subject, &attempt, &credentials, source).await {
        Ok(checked) => checked,
        Err(busy) => {
            let now = core.env.now();
            core.store.write(move |db| attempt.take_back(db, now)).await?;
            return Err(busy);
        }
    };
    let Some((account, upgrade)) = checked else {
        refuse(core, attempt, source).await?;
        return Err(wrong(core));
    };
    match account.status(core.verification()) {
        Status::Active => {
            issue(core, account, upgrade, attempt, credentials.remember, source).await
        }
        Status::Pending => Err(refuse_unproved(core, &account, attempt, source).await?),
        Status::Suspended => {
            Err(refuse_state(core, &account, attempt, Kind::AccountSuspended, source).await?)
        }
        Status::Deleted => {
            Err(refuse_state(core, &account, attempt, Kind::AccountDeleted, source).await?)
        }
    }
}

/// The first step of a login that is completed with a code: checks the password and sends the code.
///
/// # Errors
/// As [`with_password`], except `MfaRequired`.
pub async fn begin(
    core: &Core,
    credentials: Credentials,
    not_locked: &NotLocked,
    counted: &Counted<limit::SignIn>,
    source: &Source,
) -> Result<()> {
    match with_password(core, credentials, not_locked, counted, source).await {
        Err(error) if error.kind() == Kind::MfaRequired => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::internal("a login that requires a code was completed without one")),
    }
}

/// The error for a wrong password. Where an unverified account must look the same, the message
/// names both causes.
fn wrong(core: &Core) -> Error {
    if core.verification() == Verification::Required && !core.config.signup.reveal_existing {
        return Detail::WrongPasswordOrUnverified.into();
    }
    Kind::InvalidCredentials.into()
}

/// Returns the account if this is its password, and the stronger hash that should replace the
/// stored one.
async fn check(
    core: &Core,
    subject: &LoginCandidate,
    attempt: &Attempt,
    credentials: &Credentials,
    source: &Source,
) -> Result<Option<(Account, Option<(String, Hash)>)>> {
    let lane = match subject.familiarity {
        Familiarity::Known => Lane::Known(source.client()),
        Familiarity::Unknown => Lane::Client(source.client()),
    };
    let password = credentials.password.clone();
    let stored = subject.account.as_ref().and_then(|account| account.password_hash.clone());
    let (Some(account), Some(stored), false) = (&subject.account, stored, attempt.is_closed())
    else {
        core.hashing.verify_nothing(lane, password, &credentials.name.key()).await?;
        return Ok(None);
    };
    // An account that must look like none costs what none costs.
    let verdict = if must_look_unknown(core, account) {
        let name = credentials.name.key();
        core.hashing.verify_unnoticed(lane, password, stored.clone(), &name).await?
    } else {
        core.hashing.verify(lane, password, stored.clone()).await?
    };
    Ok(verdict.matches.then(|| (account.clone(), verdict.upgrade.map(|hash| (stored, hash)))))
}

/// Whether no login may reveal that the account exists, not even one with the right password.
fn must_look_unknown(core: &Core, account: &Account) -> bool {
    !core.config.signup.reveal_existing && account.status(core.verification()) == Status::Pending
}

async fn refuse(core: &Core, attempt: Attempt, source: &Source) -> Result<()> {
    let (log, mail) = (AuditLog::new(core, source), RefusalMail::new(core, source));
    core.store
        .write_patiently(guard::patience(core), move |db| {
            mail.count(db, log.at())?;
            attempt.fail(db, &log, "wrong_password")
        })
        .await
}

/// The limit per client IP of the mail that a refused login may send. Every refusal that looks the
/// same is counted: what is left must not depend on which of them sent a mail.
struct RefusalMail {
    key: [u8; 32],
    rate: Option<Rate>,
}

impl RefusalMail {
    fn new(core: &Core, source: &Source) -> Self {
        let key = core.master.mac("mail from logins", &source.client().to_bytes());
        let rate = core.config.limits.mail_client.filter(|_| source.sender.is_client());
        Self { key, rate }
    }

    /// Counts a refusal. Returns false if it may send no mail.
    fn count(&self, db: &mut dyn Db, now: Time) -> Result<bool> {
        let Some(rate) = self.rate else { return Ok(true) };
        let rate = (rate.count, rate.window);
        Ok(attempts::count(db, Scope::MailFrom, &self.key, rate, now)?.is_none())
    }
}

/// The correct password of an account that may not log in: takes the attempt back and reveals the
/// reason.
async fn refuse_state(
    core: &Core,
    account: &Account,
    attempt: Attempt,
    kind: Kind,
    source: &Source,
) -> Result<Error> {
    let log = AuditLog::new(core, source);
    let event = Event::refused(What::Login).about(&account.id).because(match kind {
        Kind::AccountSuspended => "suspended",
        Kind::AccountDeleted => "deleted",
        _ => "unverified",
    });
    core.store
        .write(move |db| {
            attempt.forgive(db)?;
            log.record(db, &event)
        })
        .await?;
    Ok(kind.into())
}

/// The correct password of an unverified account: sends the verification mail again.
///
/// Where sign-up does not reveal whether an address is taken, this must look like a wrong password
/// in every respect, so the attempt stays counted.
async fn refuse_unproved(
    core: &Core,
    account: &Account,
    attempt: Attempt,
    source: &Source,
) -> Result<Error> {
    let email_key = account.email_key().unwrap_or_default().to_owned();
    let job = Job::VerificationAtLogin { email_key };
    let prepared = core.outbox.job(&job, source)?;
    let log = AuditLog::new(core, source);
    let event = Event::refused(What::Login).about(&account.id).because("unverified");
    let tells = core.config.signup.reveal_existing;
    let (mail, target) = (RefusalMail::new(core, source), LoginTarget::of(account));
    core.store
        .write_patiently(guard::patience(core), move |db| {
            if mail.count(db, log.at())? {
                outbox::enqueue(db, &prepared)?;
            } else {
                log.refuse(Barrier::MailClient, &target);
            }
            if !tells {
                return attempt.fail(db, &log, "unverified");
            }
            attempt.forgive(db)?;
            log.record(db, &event)
        })
        .await?;
    Ok(if tells { Kind::EmailUnverified.into() } else { wrong(core) })
}

async fn issue(
    core: &Core,
    account: Account,
    upgrade: Option<(String, Hash)>,
    attempt: Attempt,
    remember: Remember,
    source: &Source,
) -> Result<Issued> {
    let id = account.id.clone();
    let new_session = NewSession::prepare(core, account, Proof::Password, remember, source).await?;
    let inside = new_session.clone();
    let opened = core
        .store
        .write_patiently(guard::patience(core), move |db| {
            attempt.forgive(db)?;
            if let Some((old, new)) = &upgrade {
                store::tables::accounts::upgrade_hash(db, &id, old, &new.text, &new.scheme)?;
            }
            inside.open(db)
        })
        .await
        .map_err(
            |error| if error.kind() == Kind::InvalidCredentials { wrong(core) } else { error },
        )?;
    new_session.outcome(core, opened).await?.into_issued()
}
