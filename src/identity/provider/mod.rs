//! Logins by providers (OpenID Connect, OAuth 2), and the identities that connect accounts at a
//! provider with accounts here.
//!
//! An identity is an issuer and a subject, never an address. Which account an answer opens is
//! decided by one rule ([`rule`]), in the write that acts on it (`establish`). What travels
//! through the browser between two calls is sealed (`flow`): nothing is stored before a login.

mod begin;
mod complete;
mod device_trial;
mod establish;
pub(in crate::identity) mod flow;
mod link;
mod manage;
mod proof;
mod refreshes;
mod removal;
pub mod rule;
mod step;
pub(in crate::identity) mod stored;
pub(in crate::identity) mod tokens;
mod trial;
pub(in crate::identity) mod usable;

pub use begin::{BegunFlow, Redirect, begin, begin_link, own_callback};
pub use complete::{AppToken, ProviderAnswer, complete, note_stale, with_id_token};
pub use device_trial::{DeviceTrial, TrialPoll, begin_device_trial, poll_device_trial};
pub use flow::FLOW_LIFE;
pub use link::{connect, is_link, is_of, link};
pub use manage::{list, unlink};
pub use proof::ProviderProof;
pub use refreshes::TokenRefreshes;
pub(in crate::identity) use removal::remove_since;
pub use step::{CodeSent, WaitingStep, complete_step, request_code, step_of};
pub use stored::StoredProviders;
pub use tokens::{GivenToken, TokenReader, current_token};
pub use trial::{
    ProbeStep, TrialFailure, TrialLogin, TrialResult, begin_trial, finish_trial, probe,
    redirect_address,
};
pub(in crate::identity) use usable::{find, names};
pub use usable::{has_any, offered};

/// A provider, as everyone may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderListing {
    pub name: String,
    pub label: String,
    /// The preset that it was made from, for its logo.
    pub preset: Option<String>,
}
