//! Logins by providers (OpenID Connect, OAuth 2), and the identities that connect accounts at a
//! provider with accounts here.
//!
//! An identity is an issuer and a subject, never an address. Which account an answer opens is
//! decided by one rule ([`rule`]), in the write that acts on it ([`establish`]). What travels
//! through the browser between two calls is sealed ([`flow`]): nothing is stored before a login.

mod begin;
mod complete;
mod establish;
pub(in crate::identity) mod flow;
mod link;
mod manage;
mod proof;
mod removal;
pub mod rule;
mod step;

pub use begin::{BegunFlow, Redirect, begin, begin_link, own_callback};
pub use complete::{AppToken, ProviderAnswer, complete, with_id_token};
pub use flow::FLOW_LIFE;
pub use link::{connect, is_link, link};
pub use manage::{list, unlink};
pub use proof::ProviderProof;
pub(in crate::identity) use removal::remove_since;
pub use step::{CodeSent, WaitingStep, complete_step, request_code, step_of};

use crate::error::{ProviderFault, Result};
use crate::identity::Core;
use crate::model::Provider;

/// A provider, as everyone may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderListing {
    pub name: String,
    pub label: String,
    /// The preset that it was made from, for its logo.
    pub preset: Option<String>,
}

/// The providers that can be used, in the order of their names.
#[must_use]
pub fn offered(core: &Core) -> Vec<ProviderListing> {
    let listing = |provider: &Provider| ProviderListing {
        name: provider.name.clone(),
        label: provider.label.clone(),
        preset: provider.preset.clone(),
    };
    core.config.providers.all.iter().map(listing).collect()
}

/// The names of the providers that can be used.
#[must_use]
pub(in crate::identity) fn names(core: &Core) -> Vec<String> {
    offered(core).into_iter().map(|provider| provider.name).collect()
}

/// The provider with this name.
///
/// # Errors
/// `NotFound`.
pub(in crate::identity) fn find<'a>(core: &'a Core, name: &str) -> Result<&'a Provider> {
    core.config.providers.find(name).ok_or_else(|| ProviderFault::Unknown.into())
}
