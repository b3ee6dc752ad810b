//! The permission an operation requires, declared once in its signature. It is checked before the
//! operation runs, and the OpenAPI pass publishes it as `x-permission`.

use std::marker::PhantomData;

use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::IF_MATCH;
use poem_openapi::registry::Registry;

use crate::error::Result;
use crate::http::extract::bearer::Bearer;
use crate::http::extract::{bearer, client_ip};
use crate::http::server::carried;
use crate::identity::access::actor::{Demand, FreshBy, ProofAge};
use crate::identity::access::version::StatedVersions;
use crate::identity::{Actor, Admin, By};
use crate::model::{Permission, Source, percent};

/// Marks fresh authentication in an operation's security list, until the OpenAPI pass moves it to
/// `x-fresh-authentication`.
pub const FRESH: &str = "fresh authentication";

/// The header in which an administrator says why they make a call, for the audit log.
pub const REASON: &str = "x-reason";

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
    /// Read the configuration in force.
    ReadSettings: Settings;
    /// Make, check and download backups.
    ManageBackups: Backups;
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
    /// The administrator, for what belongs to them alone.
    #[must_use]
    pub fn admin(self) -> Admin {
        self.admin
    }

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
    let source = source.because(&reason_in(request.headers()));
    let admin = admin.seeing(versions_in(request.headers()));
    Ok(Allowed { admin, source, needs: PhantomData })
}

/// The versions of `If-Match` (RFC 9110, section 13.1.1); `None` if any version will do. A weak tag
/// matches nothing.
fn versions_in(headers: &HeaderMap) -> Option<StatedVersions> {
    let lines = headers.get_all(IF_MATCH).into_iter().map(|line| line.to_str().unwrap_or("?"));
    let tags: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    if tags.is_empty() || tags.contains(&"*") {
        return None;
    }
    let strong = tags.iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    Some(StatedVersions::any_of(strong))
}

/// The text of [`REASON`]; empty without one. Scripts in a browser can send Latin letters alone in a
/// header, so a percent-encoded text is decoded.
fn reason_in(headers: &HeaderMap) -> String {
    let sent = headers.get(REASON).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let sent = sent.unwrap_or_default();
    percent::decode(&sent).unwrap_or_else(|| sent.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    #[test]
    fn a_reason_is_read_as_it_was_meant() {
        let read = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            reason_in(&HeaderMap::from_iter([(poem::http::HeaderName::from_static(REASON), value)]))
        };
        for (sent, meant) in [
            ("Sold spam", "Sold spam"),
            ("Gr\u{fc}\u{df}e", "Gr\u{fc}\u{df}e"),
            ("Gr%C3%BC%C3%9Fe%20%2050%25", "Gr\u{fc}\u{df}e  50%"),
            ("100% spam", "100% spam"),
            ("", ""),
        ] {
            assert_eq!(read(sent.as_bytes()), meant);
        }
        assert_eq!(read(b"gr\xfcn"), "gr\u{fffd}n");
        assert_eq!(reason_in(&HeaderMap::new()), "");
    }

    #[test]
    fn a_version_is_a_strong_tag_of_one_of_the_lines() {
        let read = |lines: &[&str]| {
            let line = |text: &&str| (IF_MATCH, HeaderValue::from_str(text).unwrap());
            versions_in(&lines.iter().map(line).collect())
        };
        let some = |versions: &[&str]| Some(StatedVersions::any_of(versions.iter().copied()));
        assert_eq!(read(&["\"a\""]), some(&["a"]));
        assert_eq!(read(&["\"a\" , \"b\"", "\"c\""]), some(&["a", "b", "c"]));
        for nothing in ["W/\"a\"", "a", "\"", "", "\"a", "ä"] {
            assert_eq!(read(&[nothing]), some(&[]), "{nothing}");
        }
        for any in [&["*"][..], &["\"a\"", "*"], &[]] {
            assert_eq!(read(any), None, "{any:?}");
        }
    }
}
