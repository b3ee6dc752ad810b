//! Logins by providers (OpenID Connect, OAuth 2), and the identities that connect accounts at a
//! provider with accounts here.
//!
//! An identity is an issuer and a subject, never an address. Which account an answer opens is
//! decided by one rule ([`rule`]), in the write that acts on it (`establish`). What travels
//! through the browser between two calls is sealed (`flow`): nothing is stored before a login.

mod begin;
mod complete;
mod establish;
pub(in crate::identity) mod flow;
pub(in crate::identity) mod kept;
mod link;
mod manage;
mod proof;
mod removal;
pub mod rule;
mod step;
pub(in crate::identity) mod stored;
mod trial;

pub use begin::{BegunFlow, Redirect, begin, begin_link, own_callback};
pub use complete::{AppToken, ProviderAnswer, complete, with_id_token};
pub use flow::FLOW_LIFE;
pub use kept::StoredProviders;
pub use link::{connect, is_link, is_of, link};
pub use manage::{list, unlink};
pub use proof::ProviderProof;
pub(in crate::identity) use removal::remove_since;
pub use step::{CodeSent, WaitingStep, complete_step, request_code, step_of};
pub(in crate::identity) use stored::{find, names};
pub use stored::{has_any, offered};
pub use trial::{
    ProbeStep, TrialFailure, TrialLogin, TrialResult, begin_trial, finish_trial, probe,
    redirect_address,
};

/// A provider, as everyone may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderListing {
    pub name: String,
    pub label: String,
    /// The preset that it was made from, for its logo.
    pub preset: Option<String>,
}
