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
    /// A login by a device begins.
    Device,
    /// All steps together.
    Exchange,
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
            Self::Device => "device",
            Self::Exchange => "exchange",
        }
    }
}

/// A step that failed. Its text contains no code, token or secret, and nothing that could forge a
/// line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeFailure {
    pub step: ExchangeStep,
    pub reason: String,
    pub cause: FailureCause,
    /// The `error` of the provider's answer, if it has one (RFC 6749, section 5.2).
    pub error: Option<String>,
}

/// Where the fault of a failed step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// What the provider answered, or a setting, is not acceptable.
    Answer,
    /// The provider could not be reached, or failed: another attempt may succeed.
    Unreachable,
    /// `outbound.allow` does not list the provider, and its address is not public.
    NotAllowed,
}

impl ExchangeFailure {
    /// What the provider answered is not acceptable.
    pub(super) fn refused(step: ExchangeStep, reason: impl Into<String>) -> Self {
        Self::of(step, &reason.into(), FailureCause::Answer)
    }

    fn of(step: ExchangeStep, reason: &str, cause: FailureCause) -> Self {
        Self { step, reason: printable(reason), cause, error: None }
    }

    /// Whether another attempt may succeed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.cause == FailureCause::Unreachable
    }

    /// The same, with the provider's word for it.
    pub(super) fn of_error(self, error: &str) -> Self {
        Self { error: Some(printable(error)), ..self }
    }

    /// Whether the provider does not accept the grant any more (RFC 6749, section 5.2). GitHub has
    /// words of its own.
    #[must_use]
    pub fn is_grant_refused(&self) -> bool {
        let error = self.error.as_deref();
        self.step == ExchangeStep::Token
            && matches!(error, Some("invalid_grant" | "bad_refresh_token"))
    }

    /// The provider did not answer.
    pub(super) fn unreachable(step: ExchangeStep, reason: impl fmt::Display) -> Self {
        Self::of(step, &reason.to_string(), FailureCause::Unreachable)
    }

    /// The operator has not permitted requests to the provider.
    pub(super) fn not_allowed(step: ExchangeStep, reason: impl fmt::Display) -> Self {
        Self::of(step, &reason.to_string(), FailureCause::NotAllowed)
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
