//! The permission an operation requires, declared once in its signature. It is checked before the
//! operation runs, and the OpenAPI pass publishes it as `x-permission`.

use std::marker::PhantomData;

use poem::Request;
use poem_openapi::registry::Registry;

use crate::error::Result;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::{bearer, client_ip};
use crate::http::server::carried;
use crate::identity::access::actor::{Demand, FreshBy, ProofAge};
use crate::identity::{Actor, Admin, By};
use crate::model::{Permission, Source};

/// Marks fresh authentication in an operation's security list, until the OpenAPI pass moves it to
/// `x-fresh-authentication`.
pub const FRESH: &str = "fresh authentication";

/// A requirement as a type.
pub trait Needs: Send + Sync + 'static {
    /// The caller needs one of these permissions.
    const ANY_OF: &'static [Permission];
    /// How recently the caller must have authenticated.
    const PROOF: ProofAge = ProofAge::Any;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident: $($permission:ident)|+;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Needs for $name {
            const ANY_OF: &'static [Permission] = &[$(Permission::$permission),+];
        }
    )*};
}

needs! {
    /// Read accounts.
    ReadUsers: UsersRead;
    /// Change accounts.
    WriteUsers: UsersWrite;
    /// Change at least part of an account. The core checks the permission each field needs.
    UpdateUsers: UsersWrite | UsersSuspend | Roles;
    /// Suspend and restore accounts.
    SuspendUsers: UsersSuspend;
    /// Manage roles.
    ManageRoles: Roles;
    /// Read the audit log.
    ReadAudit: Audit;
    /// Manage the outbox.
    ManageMail: Mail;
    /// Manage API clients.
    ManageApps: Apps;
    /// Manage signing keys.
    ManageKeys: Keys;
    /// Read statistics.
    ReadStats: Stats;
    /// Manage the providers that people log in with.
    ManageProviders: Providers;
}

/// The same requirement with fresh authentication, for operations that cannot be undone.
#[derive(Debug)]
pub struct FreshProof<N>(PhantomData<N>);

impl<N: Needs> Needs for FreshProof<N> {
    const ANY_OF: &'static [Permission] = N::ANY_OF;
    const PROOF: ProofAge = ProofAge::Fresh;
}

/// A caller with the required permission. The call is refused otherwise.
pub struct Allowed<N> {
    admin: Admin,
    source: Source,
    needs: PhantomData<N>,
}

impl<N> Allowed<N> {
    /// The actor, for calls into the core.
    #[must_use]
    pub fn by(self) -> By {
        By { actor: Actor::Admin(self.admin), source: self.source }
    }
}

impl<N: Needs> Allowed<FreshProof<N>> {
    /// The actor, for operations of the core that require a fresh proof.
    ///
    /// # Errors
    /// Never: the proof was checked before the operation ran.
    pub fn fresh(self) -> Result<FreshBy> {
        FreshBy::check(self.by())
    }
}

extractor!(Allowed<N> as SecurityScheme [N: Needs] {
    fn register(registry: &mut Registry) {
        Bearer::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        let fresh = (N::PROOF == ProofAge::Fresh).then_some(FRESH);
        [bearer::SCHEME]
            .into_iter()
            .chain(N::ANY_OF.iter().map(|permission| permission.as_str()))
            .chain(fresh)
            .collect()
    }
} |request, _body| admit::<N>(request).await);

async fn admit<N: Needs>(request: &Request) -> Result<Allowed<N>> {
    let (core, source) = (carried::core(request)?, carried::meter(request)?.source());
    let caller = bearer::authenticate(request).await?;
    let demand = Demand { any_of: N::ANY_OF, proof: N::PROOF };
    let locality = client_ip::locality(&core.config.server, request);
    let admin =
        crate::identity::access::admit::admit(core, &caller, demand, locality, source).await?;
    Ok(Allowed { admin, source: source.clone(), needs: PhantomData })
}
