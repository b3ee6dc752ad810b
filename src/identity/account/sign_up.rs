//! Creating an account through the public sign-up.
//!
//! Where sign-up must not reveal that an address is taken, both cases do the same work: hash the
//! password, hold the user name for the lifetime of a link, store one mail request. The response
//! then contains only what the client sent.
//!
//! The salt of a first password is derived from the address: every sign-up hashes its password once
//! and so learns whether an earlier sign-up with the address gave the same one. Passwords that
//! differ are noted on the unverified account, and none of them survives its verification
//! ([`super::proved_address`]).

use std::time::Duration;

use crate::error::{Detail, Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::password;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::Issued;
use crate::identity::login::gate::NewSession;
use crate::identity::login::gate::Proof;
use crate::identity::login::remember::Remember;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::{
    Account, AccountId, Email, Event, LanguageTag, Password, Source, Status, Time, Username, role,
};
use crate::outbox::{self, Job, OutgoingMessage};
use crate::password::pool::Lane;
use crate::store::db::{Constraint, Db};
use crate::store::tables::accounts::NewRow;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};
use crate::store::{self, Decision};

/// The data of a new account, with well-formed values: a sign-up request, or what an administrator
/// enters.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub email: Email,
    pub password: Password,
    pub username: Option<Username>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// The full name, where a wire does not split it.
    pub name: Option<String>,
    pub company_name: Option<String>,
    pub phone: Option<String>,
    /// The language that the owner reads.
    pub locale: Option<LanguageTag>,
}

impl NewAccount {
    /// An account with an address and a password alone.
    #[must_use]
    pub fn new(email: Email, password: Password) -> Self {
        Self {
            email,
            password,
            username: None,
            first_name: None,
            last_name: None,
            name: None,
            company_name: None,
            phone: None,
            locale: None,
        }
    }

    /// Checks the password by the policy, hashes it and draws the id.
    pub(in crate::identity) async fn into_row(self, core: &Core, lane: Lane) -> Result<NewRow> {
        let names = [&self.first_name, &self.last_name, &self.name, &self.company_name];
        password::check_first(core, &self.password, &self.email, self.username.as_ref(), &names)?;
        let salt = salt_of(core, &self.email);
        let hash = core.hashing.hash_with_salt(lane, self.password, salt).await?;
        let account = Account {
            username: self.username.as_ref().map(|name| name.as_str().to_owned()),
            first_name: self.first_name,
            last_name: self.last_name,
            name: self.name,
            company_name: self.company_name,
            phone: self.phone,
            locale: self.locale,
            password_hash: Some(hash.text),
            ..Account::new(AccountId::new(core.env.new_id()?), self.email, core.env.now())
        };
        Ok(NewRow {
            username_key: self.username.map(|name| name.key().to_owned()),
            password_scheme: Some(hash.scheme),
            ..NewRow::new(account, core.env.random()?)
        })
    }
}

/// The response to a sign-up. Where a taken address is not revealed, it is made only from what the
/// client sent.
#[derive(Debug, Clone)]
pub struct SignedUp {
    pub id: AccountId,
    /// The address as typed.
    pub email: Email,
    /// The user name as typed.
    pub username: Option<String>,
    pub status: Status,
    /// Always false right after a sign-up.
    pub email_verified: bool,
    pub created_at: Time,
}

/// Refuses a sign-up that asks for any role but the default one.
///
/// # Errors
/// `Forbidden`.
pub fn admit_role(asked: Option<&str>) -> Result<()> {
    match asked {
        None | Some(role::DEFAULT) => Ok(()),
        Some(_) => Err(Detail::RoleAtSignUp.into()),
    }
}

/// Creates an account and returns its number too. Use it only where a taken address is revealed:
/// otherwise no account, and so no number, may exist.
///
/// # Errors
/// As [`register`].
pub async fn register_numbered(
    core: &Core,
    new: NewAccount,
    counted: &Counted<limit::SignUp>,
    source: &Source,
) -> Result<(SignedUp, i64)> {
    let made = register(core, new, counted, source).await?;
    let id = made.id.clone();
    let account = core.store.read(move |db| store::tables::accounts::find(db, &id)).await?;
    let account =
        account.ok_or_else(|| Error::internal("an account was missing right after its sign-up"))?;
    Ok((made, account.number))
}

/// Creates an account and sends the verification mail.
///
/// # Errors
/// `Validation` for a bad password, `EmailTaken` where that is revealed, `UsernameTaken`,
/// `Unavailable`.
pub async fn register(
    core: &Core,
    new: NewAccount,
    _counted: &Counted<limit::SignUp>,
    source: &Source,
) -> Result<SignedUp> {
    let email = new.email.clone();
    let entry = PendingSignUp::prepare(core, new, source).await?;
    let waits = core.verification() == Verification::Required;
    let made = SignedUp {
        id: entry.row.account.id.clone(),
        email,
        username: entry.row.account.username.clone(),
        status: if waits { Status::Pending } else { Status::Active },
        email_verified: false,
        created_at: entry.row.account.created_at,
    };
    core.store.decide(move |db| entry.store(db)).await?;
    Ok(made)
}

/// Creates an account and issues its first session in the same write, where the policy lets a
/// sign-up log in (`signup.logs_in`). That policy excludes both hidden addresses and verification
/// before the first session.
///
/// # Errors
/// `Validation` for a bad password, `EmailTaken`, `UsernameTaken`, `Unavailable`.
pub async fn register_and_enter(
    core: &Core,
    new: NewAccount,
    remember: Remember,
    _counted: &Counted<limit::SignUp>,
    source: &Source,
) -> Result<Issued> {
    let entry = PendingSignUp::prepare(core, new, source).await?;
    let new_session =
        NewSession::prepare(core, entry.row.account.clone(), Proof::Password, remember, source)
            .await?;
    let inside = new_session.clone();
    let made = core.store.decide(move |db| {
        if let Decision::CommitThenRefuse(refusal) = entry.store(db)? {
            return Ok(Decision::CommitThenRefuse(refusal));
        }
        let opened = inside.open(db)?;
        let stored = store::tables::accounts::find(db, &entry.row.account.id)?;
        let account = stored
            .ok_or_else(|| Error::internal("an account was missing right after its sign-up"))?;
        Ok(Decision::Commit((account, opened)))
    });
    let (account, opened) = made.await?;
    Ok(Issued { account, ..new_session.outcome(core, opened).await?.into_issued()? })
}

/// The salt for the passwords of sign-ups with this address. It is keyed, so nobody else can compute
/// hashes in advance; a later password of the account gets a random one.
fn salt_of(core: &Core, email: &Email) -> [u8; 16] {
    let mac = core.master.mac("sign-up salt", email.key().as_bytes());
    let mut salt = [0; 16];
    salt.copy_from_slice(&mac[..16]);
    salt
}

/// A sign-up, ready to be stored.
struct PendingSignUp {
    row: NewRow,
    email: Email,
    reveals: bool,
    held_until: Time,
    contest_key: [u8; 32],
    contested_for: Duration,
    welcome: OutgoingMessage,
    notice: OutgoingMessage,
    log: AuditLog,
}

impl PendingSignUp {
    /// Does everything that must happen before the write: hashing, the id, the mail.
    async fn prepare(core: &Core, new: NewAccount, source: &Source) -> Result<Self> {
        let new = NewAccount { locale: new.locale.or(source.language), ..new };
        let email = new.email.clone();
        let row = new.into_row(core, Lane::Client(source.client())).await?;
        let log = AuditLog::new(core, source);
        let taken = Job::AlreadyRegistered { email_key: email.key().to_owned() };
        let welcome = Job::Welcome { account_id: row.account.id.to_string() };
        Ok(Self {
            welcome: core.outbox.job(&welcome, source)?,
            notice: core.outbox.job(&taken, source)?,
            reveals: core.config.signup.reveal_existing,
            held_until: log.at() + core.config.links.verify_life,
            contest_key: core.master.mac("sign-ups", email.key().as_bytes()),
            contested_for: core.config.signup.remove_unproved,
            row,
            email,
            log,
        })
    }

    fn store(&self, db: &mut dyn Db) -> Result<Decision<()>> {
        let is_contested = self.note_password(db)?;
        let (id, email) = (&self.row.account.id, &self.email);
        // Where both are taken, the address is reported: its owner is more likely to know it.
        if self.reveals && store::tables::accounts::find_by_email(db, email.key())?.is_some() {
            return self.refuse(db, Kind::EmailTaken, "email_taken");
        }
        if let Some(key) = &self.row.username_key
            && store::tables::accounts::is_username_taken(db, key, id, self.log.at())?
        {
            return self.refuse(db, Kind::UsernameTaken, "username_taken");
        }
        // Where taken addresses are revealed, the account gets its user name immediately. Otherwise
        // the name is only held, as it is for an address that is taken.
        let mut row = self.row.clone();
        if !self.reveals
            && let Some(key) = row.username_key.take()
        {
            store::tables::accounts::reserve_username(db, &key, id, self.held_until)?;
        }
        let inserted = match self.insert(db, &row) {
            Err(error) if Constraint::of(&error) == Some(Constraint::Username) => {
                return Ok(Decision::CommitThenRefuse(Kind::UsernameTaken.into()));
            }
            other => other?,
        };
        if inserted {
            if is_contested {
                // No password has the empty hash.
                let (email_key, now) = (email.key(), self.log.at());
                store::tables::accounts::contest_password(db, email_key, "", now)?;
            }
            store::tables::roles::give(db, id, role::DEFAULT)?;
            outbox::enqueue(db, &self.welcome)?;
            self.log.record(db, &Event::done(What::SignUp).about(id))?;
            return Ok(Decision::Commit(()));
        }
        if self.reveals {
            return self.refuse(db, Kind::EmailTaken, "email_taken");
        }
        outbox::enqueue(db, &self.notice)?;
        self.log.record(db, &Event::refused(What::SignUp).because("email_taken"))?;
        Ok(Decision::Commit(()))
    }

    /// Compares the password with that of the unverified account which has the address, also for a
    /// sign-up that is refused afterwards. Returns whether earlier sign-ups with the address gave
    /// different passwords: this outlives an account that is removed, so nobody gets rid of it with
    /// another sign-up.
    fn note_password(&self, db: &mut dyn Db) -> Result<bool> {
        let (key, now) = (&self.contest_key, self.log.at());
        let was_contested = attempts::peek(db, Scope::SignUps, key, now)?.count > 0;
        let hash = self.row.account.password_hash.as_deref().unwrap_or_default();
        let email_key = self.email.key();
        if store::tables::accounts::contest_password(db, email_key, hash, now)? {
            let row = attempts::lock(db, Scope::SignUps, key, now)?;
            let row = AttemptRow { count: 1, expires_at: now + self.contested_for, ..row };
            attempts::save(db, Scope::SignUps, key, &row)?;
        }
        Ok(was_contested)
    }

    /// An address that an account recently gave up stays taken until that account can no longer
    /// restore it.
    fn insert(&self, db: &mut dyn Db, row: &NewRow) -> Result<bool> {
        let (account, at) = (&row.account, self.log.at());
        let is_kept = store::tables::links::is_address_kept(db, self.email.key(), &account.id, at)?;
        if is_kept { Ok(false) } else { store::tables::accounts::insert(db, row) }
    }

    fn refuse(&self, db: &mut dyn Db, kind: Kind, why: &'static str) -> Result<Decision<()>> {
        self.log.record(db, &Event::refused(What::SignUp).because(why))?;
        Ok(Decision::CommitThenRefuse(kind.into()))
    }
}
