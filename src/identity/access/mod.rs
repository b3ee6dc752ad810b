//! Who calls: the caller of a request, the administrator it may act as, the API client that it
//! comes through, the key that its limits count by, the proof that they counted it, and the version of the account
//! that an administrator saw.

pub mod actor;
pub mod admit;
pub mod api_client;
pub mod caller;
pub mod counted;
pub mod fresh;
pub mod introspect;
pub mod login_target;
pub mod rate_key;
pub mod shared_counts;
pub mod version;
