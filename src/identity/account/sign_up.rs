//! Creating an account through the public sign-up.
//!
//! Where sign-up must not reveal that an address is taken, both cases do the same work: hash the
//! password, hold the user name for the lifetime of a link, store one mail request. The response
//! then contains only what the client sent.
//!
//! The salt of a first password is derived from the address: every sign-up hashes its password once
//! and so learns whether an earlier sign-up with the address gave the same one. Passwords that
//! differ are noted on the unverified account, and none of them survives its verification
//! ([`super::proof`]).

use std::time::Duration;

use crate::error::{Error, Kind, Result, limit};
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
    Account, AccountId, Email, Event, Password, Source, Status, Time, Username, role,
};
use crate::outbox::{self, Job, OutgoingMessage};
use crate::password::pool::Lane;
use crate::store::db::{Constraint, Db};
use crate::store::tables::accounts::NewRow;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};
use crate::store::{self, Decision};

/// A sign-up request, with well-formed values.
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
        Some(_) => Err(Error::with(Kind::Forbidden, "A sign-up cannot choose this role")),
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
    let entry = PendingSignUp::prepare(core, new, source).await?;
    let waits = core.verification() == Verification::Required;
    let made = SignedUp {
        id: entry.row.id.clone(),
        email: entry.row.email.clone(),
        username: entry.row.username.clone(),
        status: if waits { Status::Pending } else { Status::Active },
        email_verified: false,
        created_at: entry.row.created_at,
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
    let opening =
        NewSession::prepare(core, entry.account(), Proof::Password, remember, source).await?;
    let inside = opening.clone();
    let made = core.store.decide(move |db| {
        if let Decision::CommitThenRefuse(refusal) = entry.store(db)? {
            return Ok(Decision::CommitThenRefuse(refusal));
        }
        let opened = inside.open(db)?;
        let stored = store::tables::accounts::find(db, &entry.row.id)?;
        let account = stored
            .ok_or_else(|| Error::internal("an account was missing right after its sign-up"))?;
        Ok(Decision::Commit((account, opened)))
    });
    let (account, opened) = made.await?;
    Ok(Issued { account, ..opening.outcome(core, opened).await?.into_issued()? })
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
    username: Option<Username>,
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
        let names = [&new.first_name, &new.last_name, &new.name, &new.company_name];
        password::check_first(core, &new.password, &new.email, new.username.as_ref(), &names)?;
        let (lane, salt) = (Lane::Client(source.client()), salt_of(core, &new.email));
        let hash = core.hashing.hash_with_salt(lane, new.password, salt).await?;
        let id = AccountId::new(core.env.new_id()?);
        let log = AuditLog::new(core, source);
        let taken = Job::AlreadyRegistered { email_key: new.email.key().to_owned() };
        Ok(Self {
            welcome: core.outbox.job(&Job::Welcome { account_id: id.to_string() }, source)?,
            notice: core.outbox.job(&taken, source)?,
            reveals: core.config.signup.reveal_existing,
            held_until: log.at() + core.config.links.verify_life,
            contest_key: core.master.mac("sign-ups", new.email.key().as_bytes()),
            contested_for: core.config.signup.remove_unproved,
            row: NewRow {
                id,
                handle: core.env.random()?,
                email: new.email,
                email_verified_at: None,
                username: new.username.as_ref().map(|name| name.as_str().to_owned()),
                username_key: None,
                first_name: new.first_name,
                last_name: new.last_name,
                name: new.name,
                company_name: new.company_name,
                phone: new.phone,
                password_hash: Some(hash.text),
                password_scheme: Some(hash.scheme),
                created_at: log.at(),
            },
            username: new.username,
            log,
        })
    }

    /// The account as it will be stored. Its number is 0 here, because the database assigns it.
    fn account(&self) -> Account {
        let row = &self.row;
        Account {
            id: row.id.clone(),
            number: 0,
            email: row.email.clone(),
            email_verified_at: row.email_verified_at,
            username: row.username.clone(),
            first_name: row.first_name.clone(),
            last_name: row.last_name.clone(),
            name: row.name.clone(),
            company_name: row.company_name.clone(),
            phone: row.phone.clone(),
            phone_verified_at: None,
            password_hash: row.password_hash.clone(),
            password_contested_at: None,
            credential_version: store::tables::accounts::FIRST_CREDENTIAL_VERSION,
            suspended_at: None,
            deleted_at: None,
            deleted_by: None,
            last_login_at: None,
            created_at: row.created_at,
            updated_at: row.created_at,
        }
    }

    fn store(&self, db: &mut dyn Db) -> Result<Decision<()>> {
        let is_contested = self.note_password(db)?;
        if let Some(name) = &self.username
            && store::tables::accounts::is_username_taken(
                db,
                name.key(),
                &self.row.id,
                self.log.at(),
            )?
        {
            return self.refuse(db, Kind::UsernameTaken, "username_taken");
        }
        // Where taken addresses are revealed, the account gets its user name immediately. Otherwise
        // the name is only held, as it is for an address that is taken.
        let mut row = self.row.clone();
        if self.reveals {
            row.username_key = self.username.as_ref().map(|name| name.key().to_owned());
        } else if let Some(name) = &self.username {
            store::tables::accounts::reserve_username(db, name.key(), &row.id, self.held_until)?;
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
                let (email_key, now) = (row.email.key(), self.log.at());
                store::tables::accounts::contest_password(db, email_key, "", now)?;
            }
            store::tables::roles::give(db, &row.id, role::DEFAULT)?;
            outbox::enqueue(db, &self.welcome)?;
            self.log.record(db, &Event::done(What::SignUp).about(&row.id))?;
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
        let hash = self.row.password_hash.as_deref().unwrap_or_default();
        let email_key = self.row.email.key();
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
        let is_kept =
            store::tables::links::is_address_kept(db, row.email.key(), &row.id, self.log.at())?;
        if is_kept { Ok(false) } else { store::tables::accounts::insert(db, row) }
    }

    fn refuse(&self, db: &mut dyn Db, kind: Kind, why: &'static str) -> Result<Decision<()>> {
        self.log.record(db, &Event::refused(What::SignUp).because(why))?;
        Ok(Decision::CommitThenRefuse(kind.into()))
    }
}
