//! Why a provider's answer does not prove an account.

use std::fmt;

/// A step of the exchange with a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeStep {
    Discovery,
    Keys,
    /// The code is exchanged for tokens.
    Token,
    IdToken,
    UserInfo,
    Emails,
}

impl ExchangeStep {
    /// What the step is called in the log and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "keys",
            Self::Token => "token",
            Self::IdToken => "id token",
            Self::UserInfo => "userinfo",
            Self::Emails => "addresses",
        }
    }
}

/// A step that failed. Its text contains no code, token or secret, and nothing that could forge a
/// line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeFailure {
    pub step: ExchangeStep,
    pub reason: String,
    /// Whether the provider could not be reached, so that another attempt may succeed.
    pub is_temporary: bool,
}

impl ExchangeFailure {
    /// The provider answered something that is not acceptable.
    pub(super) fn refused(step: ExchangeStep, reason: impl Into<String>) -> Self {
        Self { step, reason: printable(&reason.into()), is_temporary: false }
    }

    /// The provider did not answer.
    pub(super) fn unreachable(step: ExchangeStep, reason: impl fmt::Display) -> Self {
        Self { step, reason: printable(&reason.to_string()), is_temporary: true }
    }
}

impl fmt::Display for ExchangeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step.as_str(), self.reason)
    }
}

impl std::error::Error for ExchangeFailure {}

/// The longest text of a provider that is logged.
const MAX_TEXT: usize = 300;

/// What a provider wrote, for the log: one line of limited length.
#[must_use]
pub fn printable(text: &str) -> String {
    let is_shown = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(is_shown).take(MAX_TEXT).collect()
}
