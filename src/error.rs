//! The error type of the program.
//!
//! A [`Kind`] says why a call failed. Each wire maps it to its own status, code and envelope
//! (`error.rs` of the wire). The message is safe to show to any client; the source is only logged.

mod detail;
mod field;
mod instance;
mod kind;
pub mod limit;
mod provider;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

pub use crate::error::detail::Detail;
pub use crate::error::field::{FactorRule, Field, FieldError, RoleRule, Rule, Weakness};
pub use crate::error::instance::InstanceFault;
pub use crate::error::kind::Kind;
pub use crate::error::limit::Limit;
pub use crate::error::provider::ProviderFault;
use crate::model::identity::ProviderStep;
use crate::model::{Method, Secret};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Data that an error carries besides its message, for wires that can render it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// A login that needs a second factor ([`Kind::MfaRequired`]).
    Challenge {
        /// Completes the login, together with a code.
        token: Secret,
        /// The methods that can complete the login.
        methods: Vec<Method>,
        /// How long the token is valid.
        expires_in: Duration,
    },
    /// A login with a provider that needs another step ([`Kind::ProviderStepRequired`]).
    ProviderStep {
        /// Continues the login.
        token: Secret,
        step: ProviderStep,
        /// How long the token is valid.
        expires_in: Duration,
    },
}

/// A failed call: its kind, message and details.
pub struct Error(Box<ErrorInner>);

struct ErrorInner {
    kind: Kind,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    detail: Option<Detail>,
    retry_after: Option<Duration>,
    extra: Option<Extra>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error with the default message of the kind.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self::with(kind, kind.sentence())
    }

    /// Creates an error with a message that is safe to show to clients.
    pub fn with(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(ErrorInner {
            kind,
            message: message.into(),
            fields: Vec::new(),
            detail: None,
            retry_after: None,
            extra: None,
            source: None,
        }))
    }

    /// Creates a validation error from all invalid fields; the message is that of the first one.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let mut error = Self::new(Kind::Validation);
        error.0.fields = fields;
        error
    }

    /// Creates a validation error from the only invalid field.
    #[must_use]
    pub fn invalid_field(field: impl Into<Field>, rule: Rule) -> Self {
        Self::invalid(vec![FieldError::new(field, rule)])
    }

    /// Creates an internal error; `doing` is logged, never shown.
    pub fn internal(doing: impl fmt::Display) -> Self {
        Self::new(Kind::Internal).caused_by(LogText(doing.to_string()))
    }

    /// Creates an error that the administrator must fix; the command line shows `what`.
    #[must_use]
    pub fn refused(what: String) -> Self {
        Self::with(Kind::Internal, what)
    }

    /// Creates an error for a temporary failure, with a retry delay of one second; `doing` is
    /// logged, never shown.
    pub fn unavailable(doing: impl fmt::Display) -> Self {
        Self::new(Kind::Unavailable)
            .caused_by(LogText(doing.to_string()))
            .retry_after(Duration::from_secs(1))
    }

    /// Sets the cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Sets the delay after which the client should retry.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Says more exactly than the kind what happened.
    #[must_use]
    pub fn detailed(mut self, detail: Detail) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Adds data that a wire may render besides the message.
    #[must_use]
    pub fn carrying(mut self, extra: Extra) -> Self {
        self.0.extra = Some(extra);
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message that the error was made with, which is safe to show to clients. For an error
    /// with [`fields`](Self::fields) or a [`detail`](Self::detail) it is the kind's default.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The invalid fields, if the kind is [`Kind::Validation`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// What happened, more exactly than the kind says.
    #[must_use]
    pub fn detail(&self) -> Option<&Detail> {
        self.0.detail.as_ref()
    }

    /// The delay after which the client should retry.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Data that a wire may render besides the message.
    #[must_use]
    pub fn extra(&self) -> Option<&Extra> {
        self.0.extra.as_ref()
    }

    /// The causes, from the nearest to the first.
    pub fn causes(&self) -> impl Iterator<Item = String> {
        let nearest = self.source();
        std::iter::successors(nearest, |cause| (*cause).source()).map(ToString::to_string)
    }

    /// The message, the invalid fields or the detail, and all causes, joined for a log line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.0.message.to_string();
        let fields = self.0.fields.iter().map(|row| format!("{:?}: {:?}", row.field, row.rule));
        let detail = self.0.detail.iter().map(|detail| format!("{detail:?}"));
        for part in fields.chain(detail).chain(self.causes()) {
            text.push_str(": ");
            text.push_str(&part);
        }
        text
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.chain())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// A text for the log, used where there is no underlying error.
#[derive(Debug)]
struct LogText(String);

impl fmt::Display for LogText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for LogText {}
