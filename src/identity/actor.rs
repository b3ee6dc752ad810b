//! Who changes other people's data: the command line, or an administrator. An [`Admin`] comes only from
//! [`Caller::require`], so that nobody can call an operation on others without having been asked for a permission.
//!
//! The rights are read again inside the write that they are for, and compared with those of whom it is about: nobody
//! changes somebody with more rights.

use super::audit::Log;
use super::reauthenticate::Fresh;
use super::{Caller, Core};
use crate::config::AdminNetworks;
use crate::error::{Error, Kind, Result};
use crate::model::event::What;
use crate::model::{AccountId, Event, Permission, Rights, SessionId, Source, role};
use crate::store;
use crate::store::db::Db;

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// One of these permissions.
    pub any_of: &'static [Permission],
    /// Whether the session's last proof must be fresh.
    pub proof: Proof,
}

/// How recently the caller must have proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// At some time in this session.
    Any,
    /// A few minutes ago: what is asked for cannot be undone.
    Fresh,
}

/// Whether a request comes from the machine itself (by the rule of service calls).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whence {
    /// From the machine itself, through no proxy.
    Home,
    /// From anywhere else.
    Away,
}

/// Somebody who may do what an administrative operation does.
#[derive(Debug, Clone)]
pub struct Admin {
    account: AccountId,
    session: SessionId,
    demand: Demand,
}

impl Admin {
    /// Their own account.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }
}

impl Caller {
    /// The only way to an [`Admin`].
    ///
    /// # Errors
    /// `Forbidden` from an address that is not let in or without any of the permissions, `ReauthenticationRequired`.
    pub fn require(&self, core: &Core, demand: Demand, whence: Whence, source: &Source) -> Result<Admin> {
        let is_let_in = match &core.config.admin.networks {
            AdminNetworks::Any => true,
            AdminNetworks::Loopback => whence == Whence::Home,
            AdminNetworks::These(networks) => {
                source.address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
            }
        };
        let rights = Rights::of(&self.roles, self.permissions.clone());
        if !is_let_in || !demand.any_of.iter().any(|permission| rights.hold(*permission)) {
            return Err(Kind::Forbidden.into());
        }
        if demand.proof == Proof::Fresh {
            Fresh::check(core, self)?;
        }
        Ok(Admin { account: self.account.id.clone(), session: self.session.clone(), demand })
    }
}

/// As [`Caller::require`]; a refusal is recorded.
///
/// # Errors
/// As [`Caller::require`].
pub async fn admit(core: &Core, caller: &Caller, demand: Demand, whence: Whence, source: &Source) -> Result<Admin> {
    let refused = match caller.require(core, demand, whence, source) {
        Ok(admin) => return Ok(admin),
        Err(error) => error,
    };
    let words: Vec<&str> = demand.any_of.iter().map(|permission| permission.as_str()).collect();
    let event = Event::refused(What::AdminRefused).about(&caller.account.id).in_session(&caller.session);
    let event = event.by(caller.account.id.as_str()).because(words.join(" "));
    let log = Log::new(core, source);
    core.store.write(move |db| log.record(db, &event)).await?;
    Err(refused)
}

/// Who does something, and where they stand.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub source: Source,
}

impl By {
    /// Whoever owns the machine.
    #[must_use]
    pub fn command_line() -> Self {
        Self { actor: Actor::CommandLine, source: Source::command_line() }
    }
}

/// Who does something to other people's data.
#[derive(Debug, Clone)]
pub enum Actor {
    /// Whoever owns the machine: may do everything.
    CommandLine,
    /// An administrator.
    Admin(Admin),
}

impl Actor {
    /// Whom the audit log names.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Actor::CommandLine => "cli",
            Actor::Admin(admin) => admin.account.as_str(),
        }
    }

    /// What they may do as the rows say now; everything on the command line. Refuses an administrator who has lost the
    /// session or the permission since the request began.
    fn rights(&self, db: &mut dyn Db) -> Result<Rights> {
        let Actor::Admin(admin) = self else { return Ok(Rights::of(&[role::ADMIN.to_owned()], Vec::new())) };
        let ended = store::sessions::find(db, &admin.session)?.is_none_or(|session| session.ended_at.is_some());
        let rights = store::roles::rights_in_force(db, &admin.account)?;
        if ended {
            return Err(Kind::SessionEnded.into());
        }
        if admin.demand.any_of.iter().any(|permission| rights.hold(*permission)) {
            Ok(rights)
        } else {
            Err(Kind::Forbidden.into())
        }
    }

    /// Refuses a change of an account with more rights. Call it first in the write.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn may_change(&self, db: &mut dyn Db, target: &AccountId) -> Result<()> {
        let own = self.rights(db)?;
        if own.cover(&store::roles::rights(db, target)?) { Ok(()) } else { Err(more_rights()) }
    }

    /// Refuses what this permission is asked for, beyond the operation's own demand.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn needs(&self, db: &mut dyn Db, permission: Permission) -> Result<()> {
        if self.rights(db)?.hold(permission) { Ok(()) } else { Err(Kind::Forbidden.into()) }
    }

    /// Refuses to give or take these permissions to somebody who lacks them.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn may_grant(&self, db: &mut dyn Db, role: &str, permissions: Vec<String>) -> Result<()> {
        let own = self.rights(db)?;
        if own.cover(&Rights::of(&[role.to_owned()], permissions)) { Ok(()) } else { Err(more_rights()) }
    }
}

fn more_rights() -> Error {
    Error::with(Kind::Forbidden, "This takes rights that you do not have yourself")
}
