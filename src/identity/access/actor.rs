//! Who changes other people's data: the command line or an administrator.
//!
//! An [`Admin`] comes only from [`Caller::require`], so no operation on other accounts runs without
//! a permission check. The rights are read again inside the write and compared with those of the
//! target: an actor cannot change an account with more rights.

use crate::config::AdminNetworks;
use crate::error::{Detail, Error, Kind, Result};
use crate::identity::access::fresh::Fresh;
use crate::identity::access::version::StatedVersions;
use crate::identity::{Caller, Core};
use crate::model::{AccountId, Permission, Rights, SessionId, Source, role};
use crate::store;
use crate::store::db::Db;

/// What an operation requires of its caller.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// The caller must hold one of these permissions.
    pub any_of: &'static [Permission],
    /// How recent the session's last proof must be.
    pub proof: ProofAge,
}

/// How recently the caller must have proved their identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofAge {
    /// At any time in this session.
    Any,
    /// A few minutes ago, for operations that cannot be undone.
    Fresh,
}

/// Whether a request comes from this machine, by the same rule as service calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locality {
    /// From this machine, through no proxy.
    Local,
    Remote,
}

/// An administrator who holds a permission that the operation requires.
#[derive(Debug, Clone)]
pub struct Admin {
    account: AccountId,
    session: SessionId,
    demand: Demand,
    /// The version of the account that is to be changed, as the administrator saw it.
    seen: Option<StatedVersions>,
}

impl Admin {
    /// Changes accounts only if they still have this version.
    #[must_use]
    pub fn seeing(self, versions: Option<StatedVersions>) -> Self {
        Self { seen: versions, ..self }
    }

    /// The administrator's own account.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }
}

impl Caller {
    /// Checks network, permissions and proof. This is the only way to obtain an [`Admin`].
    ///
    /// # Errors
    /// `Forbidden` from a network that is not allowed or without any of the permissions,
    /// `ReauthenticationRequired`.
    pub async fn require(
        &self,
        core: &Core,
        demand: Demand,
        locality: Locality,
        source: &Source,
    ) -> Result<Admin> {
        let is_let_in = match &core.config.admin.networks {
            AdminNetworks::Any => true,
            AdminNetworks::Loopback => locality == Locality::Local,
            AdminNetworks::These(networks) => source
                .address
                .is_some_and(|address| networks.iter().any(|network| network.contains(address))),
        };
        let rights = Rights::of(&self.roles, self.permissions.clone());
        if !is_let_in || !demand.any_of.iter().any(|permission| rights.hold(*permission)) {
            return Err(Kind::Forbidden.into());
        }
        if demand.proof == ProofAge::Fresh {
            Fresh::check(core, self).await?;
        }
        Ok(Admin {
            account: self.account.id.clone(),
            session: self.session().clone(),
            demand,
            seen: None,
        })
    }
}

/// Who performs an operation, and from where.
#[derive(Debug, Clone)]
pub struct By {
    pub actor: Actor,
    pub source: Source,
}

impl By {
    /// The operator at the command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self { actor: Actor::CommandLine, source: Source::command_line() }
    }
}

/// Who performs an operation that cannot be undone: the command line, or an administrator who proved
/// their identity a few minutes ago. The operations require it in their signature, so no API can
/// offer one without the proof.
#[derive(Debug, Clone)]
pub struct FreshBy(By);

impl FreshBy {
    /// Returns the actor as fresh, if the demand that admitted the administrator asked for a fresh
    /// proof.
    ///
    /// # Errors
    /// `ReauthenticationRequired`.
    pub fn check(by: By) -> Result<Self> {
        match &by.actor {
            Actor::Admin(admin) if admin.demand.proof != ProofAge::Fresh => {
                Err(Kind::ReauthenticationRequired.into())
            }
            Actor::Admin(_) | Actor::CommandLine => Ok(Self(by)),
        }
    }

    /// The operator at the command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self(By::command_line())
    }

    /// The actor, for what needs no fresh proof.
    #[must_use]
    pub fn by(&self) -> &By {
        &self.0
    }
}

/// The actor's name in the audit log for the command line.
pub(in crate::identity) const COMMAND_LINE: &str = "cli";
/// The actor's name in the audit log for a scheduled rotation of the keys.
pub(in crate::identity) const SCHEDULE: &str = "schedule";
/// The name that owners see for an actor other than themselves.
pub(in crate::identity) const ADMINISTRATOR: &str = "administrator";
/// The actors that no account id may be mistaken for.
pub(in crate::identity) const RESERVED: [&str; 3] = [COMMAND_LINE, SCHEDULE, ADMINISTRATOR];

/// Who changes other people's data.
#[derive(Debug, Clone)]
pub enum Actor {
    /// The owner of the machine, who can do everything.
    CommandLine,
    Admin(Admin),
}

impl Actor {
    /// The name in the audit log.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Actor::CommandLine => COMMAND_LINE,
            Actor::Admin(admin) => admin.account.as_str(),
        }
    }

    /// The actor's current rights; the command line has all. Refuses an administrator who has lost
    /// the session or the permission since the request began.
    fn rights(&self, db: &mut dyn Db) -> Result<Rights> {
        let Actor::Admin(admin) = self else {
            return Ok(Rights::of(&[role::ADMIN.to_owned()], Vec::new()));
        };
        let ended = store::tables::sessions::find(db, &admin.session)?
            .is_none_or(|session| session.ended_at.is_some());
        let rights = store::tables::roles::rights_in_force(db, &admin.account)?;
        if ended {
            return Err(Kind::SessionEnded.into());
        }
        if admin.demand.any_of.iter().any(|permission| rights.hold(*permission)) {
            Ok(rights)
        } else {
            Err(Kind::Forbidden.into())
        }
    }

    /// Refuses to change an account with more rights than the actor, or one that has changed since the
    /// actor saw it. Call it first in the write.
    ///
    /// # Errors
    /// `Forbidden`, `PreconditionFailed`.
    pub fn may_change(&self, db: &mut dyn Db, target: &AccountId) -> Result<()> {
        let own = self.rights(db)?;
        if !own.cover(&store::tables::roles::rights(db, target)?) {
            return Err(more_rights());
        }
        match self {
            Actor::Admin(Admin { seen: Some(versions), .. }) => versions.check(db, target),
            _ => Ok(()),
        }
    }

    /// Refuses an actor without this permission, in addition to what the operation itself requires.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn needs(&self, db: &mut dyn Db, permission: Permission) -> Result<()> {
        if self.rights(db)?.hold(permission) { Ok(()) } else { Err(Kind::Forbidden.into()) }
    }

    /// Refuses an actor who has none of these permissions.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn needs_one_of(&self, db: &mut dyn Db, permissions: &[Permission]) -> Result<()> {
        let own = self.rights(db)?;
        let has_one = permissions.iter().any(|permission| own.hold(*permission));
        if has_one { Ok(()) } else { Err(Kind::Forbidden.into()) }
    }

    /// Refuses to give or take a role with permissions that the actor lacks.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn may_grant(&self, db: &mut dyn Db, role: &str, permissions: Vec<String>) -> Result<()> {
        let own = self.rights(db)?;
        if own.cover(&Rights::of(&[role.to_owned()], permissions)) {
            Ok(())
        } else {
            Err(more_rights())
        }
    }
}

fn more_rights() -> Error {
    Detail::LacksGrantedPermissions.into()
}
