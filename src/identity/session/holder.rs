//! The holder of a session, as a token names it.

use crate::identity::access::caller::Caller;
use crate::model::{AccountId, SessionId};

/// The session to log out, identified by an access token or a refresh token.
#[derive(Debug, Clone)]
pub struct SessionHolder {
    pub account: AccountId,
    pub session: SessionId,
}

impl From<&Caller> for SessionHolder {
    fn from(caller: &Caller) -> Self {
        Self { account: caller.account.id.clone(), session: caller.session().clone() }
    }
}
