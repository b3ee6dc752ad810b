//! Apps that call with a key of their own.

use super::time::Time;

/// What an app's key proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: it ships to browsers.
    Client,
    /// That a server of ours is calling.
    Service,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Client => "client",
            Kind::Service => "service",
        }
    }

    /// The kind behind a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Kind::Client, Kind::Service].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An app, without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id, `X-App-ID`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What its key proves.
    pub kind: Kind,
    /// When it was registered.
    pub created_at: Time,
    /// When its key was made.
    pub rotated_at: Time,
}
