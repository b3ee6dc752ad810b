//! API clients: programs that call with their own key.

use super::time::Time;

/// What an API client's key proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiClientKind {
    /// Nothing: the key ships to browsers.
    Client,
    /// The caller is one of the operator's own servers.
    Service,
}

impl ApiClientKind {
    /// The name used in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ApiClientKind::Client => "client",
            ApiClientKind::Service => "service",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [ApiClientKind::Client, ApiClientKind::Service]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// An API client, without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiClient {
    /// The app id, sent as `X-App-ID`.
    pub id: String,
    pub name: String,
    pub kind: ApiClientKind,
    pub created_at: Time,
    /// When the current key was issued.
    pub rotated_at: Time,
}
