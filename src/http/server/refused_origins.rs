//! Warns of pages whose origin is not in `server.cors_origins`. The browser tells their author only
//! that the request failed, so in development the log says why.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use poem::http::header::{HOST, ORIGIN};
use poem::http::{HeaderMap, HeaderValue};

use crate::config::{Environment, Server};
use crate::http::extract::origin;
use crate::model::Time;

/// Each origin is named once in this time.
const INTERVAL: Duration = Duration::from_mins(1);

/// How many origins are remembered. While that many were named in the last minute, no other is.
const MAX_ORIGINS: usize = 64;

/// A longer origin is not one that anybody develops at.
const MAX_LENGTH: usize = 200;

/// The origins that were named lately.
#[derive(Debug, Clone)]
pub struct RefusedOrigins {
    is_on: bool,
    named: Arc<Mutex<HashMap<String, Time>>>,
}

impl RefusedOrigins {
    /// Warns in development only: in production, refused origins are other sites' attempts.
    #[must_use]
    pub fn under(server: &Server) -> Self {
        Self { is_on: server.environment == Environment::Development, named: Arc::default() }
    }

    /// Warns of a request whose origin was not admitted, unless it is a page of this server.
    pub fn note(&self, headers: &HeaderMap, admitted: Option<&HeaderValue>, now: Time) {
        if !self.is_on || admitted.is_some() {
            return;
        }
        let sent = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let Some(refused) = sent.and_then(origin::normal).filter(|one| one.len() <= MAX_LENGTH)
        else {
            return;
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_own =
            |scheme| origin::normal(&format!("{scheme}://{host}")).as_ref() == Some(&refused);
        if !is_own("http") && !is_own("https") && self.is_due(&refused, now) {
            tracing::warn!(
                "a page of {refused} called, but this origin is not in server.cors_origins: its \
                 browser keeps the response from it"
            );
        }
    }

    fn is_due(&self, refused: &str, now: Time) -> bool {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|_, at| now.since(*at) < INTERVAL);
        if named.contains_key(refused) || named.len() >= MAX_ORIGINS {
            return false;
        }
        named.insert(refused.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_named_once_a_minute_and_few_are_remembered() {
        let refused = RefusedOrigins { is_on: true, named: Arc::default() };
        let at = Time::from_seconds;
        assert!(refused.is_due("http://a", at(0)));
        assert!(!refused.is_due("http://a", at(59)));
        assert!(refused.is_due("http://b", at(59)));
        assert!(refused.is_due("http://a", at(60)));
        for count in 0..1000 {
            refused.is_due(&format!("http://{count}"), at(61));
        }
        assert_eq!(refused.named.lock().unwrap().len(), MAX_ORIGINS);
        assert!(!refused.is_due("http://c", at(61)));
        assert!(refused.is_due("http://c", at(200)));
    }
}
