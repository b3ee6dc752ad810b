//! The error type of the program.
//!
//! A [`Kind`] says why a call failed. Each wire maps it to its own status, code and envelope
//! (`api/<wire>/error.rs`). The message is safe to show to any client; the source is only logged.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::model::{Method, Secret};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Each wire's table matches on it without a catch-all arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Some fields are invalid; [`Error::fields`] lists all of them.
    Validation,
    /// The body is not valid JSON.
    MalformedBody,
    /// A login request lacks the name or the password.
    MissingCredentials,
    /// A refresh request lacks the refresh token.
    MissingRefreshToken,
    /// The request lacks the token of a mailed link.
    MissingLinkToken,
    /// Unknown account or wrong password: clients cannot distinguish them.
    InvalidCredentials,
    /// The password is correct, but the email address is not verified.
    EmailUnverified,
    /// Locked after failed attempts. An administrator's block is `AccountSuspended`.
    AccountLocked,
    AccountSuspended,
    AccountDeleted,
    /// Another account has this email address.
    EmailTaken,
    /// Another account has this username.
    UsernameTaken,
    /// The call needs an access token, and none was sent.
    TokenMissing,
    /// The Authorization header is not `Bearer <token>`.
    TokenFormat,
    /// The access token was not issued by this server.
    TokenInvalid,
    /// The access token has expired.
    TokenExpired,
    /// The access token's session has ended.
    SessionEnded,
    /// The refresh token is unknown, malformed or expired.
    RefreshInvalid,
    /// The refresh token's session has ended.
    RefreshRevoked,
    /// The link's token is unknown or was issued for another purpose.
    LinkInvalid,
    /// The link has expired.
    LinkExpired,
    /// The session's last authentication is too old for this call.
    ReauthenticationRequired,
    /// The current password, sent to confirm a call, is wrong.
    WrongCurrentPassword,
    /// The account has a second factor, and the login still needs it.
    MfaRequired,
    /// The code of the second factor is wrong, used or expired.
    MfaCodeInvalid,
    /// The account has no second factor.
    MfaNotEnabled,
    BackupCodeUsed,
    /// The one-time code is wrong, used or expired.
    CodeInvalid,
    /// The account has no such session.
    SessionNotFound,
    /// An item with this name already exists.
    AlreadyExists,
    /// A conflict: another request changed the account at the same time.
    Conflict,
    /// The call would remove the last administrator.
    LastAdmin,
    /// The API client's id and key are missing or wrong.
    AppInvalid,
    /// The account's upload quota is exhausted.
    UploadLimitReached,
    /// The caller lacks a permission.
    Forbidden,
    /// A page of another site sent the cookie.
    ForeignOrigin,
    /// No such account (reported only to administrators).
    AccountNotFound,
    /// Nothing exists at this path.
    NotFound,
    /// The path exists, but does not support the method.
    MethodNotAllowed,
    /// The call does not accept the body's content type.
    UnsupportedMediaType,
    /// The body is larger than the call accepts.
    PayloadTooLarge,
    /// A rate limit is exceeded.
    TooMany(Limit),
    /// The server temporarily cannot handle the call; the client should retry.
    Unavailable,
    /// An internal error.
    Internal,
}

/// The rate limits, named by the operation that they protect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// All calls of a client.
    General,
    /// Creating an account.
    SignUp,
    /// Logging in.
    SignIn,
    /// Rotating a refresh token (failures only).
    Refresh,
    /// Requesting the verification mail again.
    Resend,
    /// Using a verification link.
    VerifyEmail,
    /// Confirming a new address.
    ConfirmEmail,
    /// Undoing a change of address.
    UndoEmail,
    /// Removing an account that someone else created with the owner's address.
    Disown,
    /// Using a link that makes the client IP a known one.
    OpenLogin,
    /// Using a link that ends a login the owner does not recognize.
    NotMe,
    /// Requesting a password reset link.
    Forgot,
    /// Using a password reset link.
    Reset,
    /// Requesting a password reset code.
    ForgotByCode,
    /// Checking a password reset code without using it.
    ResetCode,
    /// Using a password reset code.
    ResetByCode,
    /// Completing a login with a second factor.
    Factor,
    /// Requesting a login's code again.
    FactorSent,
    /// Reauthenticating with the password or a second factor.
    Reauthenticate,
    /// Changing the password.
    ChangePassword,
    /// Requesting a login code.
    CodeRequest,
    /// Logging in with a code.
    Code,
}

impl Limit {
    /// The name used in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Limit::General => "general",
            Limit::SignUp => "sign_up",
            Limit::SignIn => "sign_in",
            Limit::Refresh => "refresh",
            Limit::Resend => "resend",
            Limit::VerifyEmail => "verify_email",
            Limit::ConfirmEmail => "confirm_email",
            Limit::UndoEmail => "undo_email",
            Limit::Disown => "disown",
            Limit::OpenLogin => "open_login",
            Limit::NotMe => "not_me",
            Limit::Forgot => "forgot",
            Limit::Reset => "reset",
            Limit::ForgotByCode => "forgot_by_code",
            Limit::ResetCode => "reset_code",
            Limit::ResetByCode => "reset_by_code",
            Limit::Factor => "factor",
            Limit::FactorSent => "factor_sent",
            Limit::Reauthenticate => "reauthenticate",
            Limit::ChangePassword => "change_password",
            Limit::CodeRequest => "code_request",
            Limit::Code => "code",
        }
    }
}

impl Kind {
    /// All kinds, for tables and snapshots.
    pub const ALL: [Kind; 65] = [
        Kind::Validation,
        Kind::MalformedBody,
        Kind::MissingCredentials,
        Kind::MissingRefreshToken,
        Kind::MissingLinkToken,
        Kind::InvalidCredentials,
        Kind::EmailUnverified,
        Kind::AccountLocked,
        Kind::AccountSuspended,
        Kind::AccountDeleted,
        Kind::EmailTaken,
        Kind::UsernameTaken,
        Kind::TokenMissing,
        Kind::TokenFormat,
        Kind::TokenInvalid,
        Kind::TokenExpired,
        Kind::SessionEnded,
        Kind::RefreshInvalid,
        Kind::RefreshRevoked,
        Kind::LinkInvalid,
        Kind::LinkExpired,
        Kind::ReauthenticationRequired,
        Kind::WrongCurrentPassword,
        Kind::MfaRequired,
        Kind::MfaCodeInvalid,
        Kind::MfaNotEnabled,
        Kind::BackupCodeUsed,
        Kind::CodeInvalid,
        Kind::SessionNotFound,
        Kind::AlreadyExists,
        Kind::Conflict,
        Kind::LastAdmin,
        Kind::AppInvalid,
        Kind::UploadLimitReached,
        Kind::Forbidden,
        Kind::ForeignOrigin,
        Kind::AccountNotFound,
        Kind::NotFound,
        Kind::MethodNotAllowed,
        Kind::UnsupportedMediaType,
        Kind::PayloadTooLarge,
        Kind::TooMany(Limit::General),
        Kind::TooMany(Limit::SignUp),
        Kind::TooMany(Limit::SignIn),
        Kind::TooMany(Limit::Refresh),
        Kind::TooMany(Limit::Resend),
        Kind::TooMany(Limit::VerifyEmail),
        Kind::TooMany(Limit::ConfirmEmail),
        Kind::TooMany(Limit::UndoEmail),
        Kind::TooMany(Limit::Disown),
        Kind::TooMany(Limit::OpenLogin),
        Kind::TooMany(Limit::NotMe),
        Kind::TooMany(Limit::Forgot),
        Kind::TooMany(Limit::Reset),
        Kind::TooMany(Limit::ForgotByCode),
        Kind::TooMany(Limit::ResetCode),
        Kind::TooMany(Limit::ResetByCode),
        Kind::TooMany(Limit::Factor),
        Kind::TooMany(Limit::FactorSent),
        Kind::TooMany(Limit::Reauthenticate),
        Kind::TooMany(Limit::ChangePassword),
        Kind::TooMany(Limit::CodeRequest),
        Kind::TooMany(Limit::Code),
        Kind::Unavailable,
        Kind::Internal,
    ];

    /// The default message of the kind.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Kind::Validation => "Invalid input data",
            Kind::MalformedBody => "The request body is not valid JSON",
            Kind::MissingCredentials => "Email or username and password are required",
            Kind::MissingRefreshToken => "No refresh token provided",
            Kind::MissingLinkToken => "Verification token is required",
            Kind::InvalidCredentials => "Wrong email/username or password",
            Kind::EmailUnverified => "Email verification required",
            Kind::AccountLocked => "Account locked due to failed attempts",
            Kind::AccountSuspended => "Account suspended by admin",
            Kind::AccountDeleted => "Account has been deleted",
            Kind::EmailTaken => "Email address is already registered",
            Kind::UsernameTaken => "Username is already taken",
            Kind::TokenMissing => "Authorization header missing",
            Kind::TokenFormat => "Invalid authorization format, expected: Bearer <token>",
            Kind::TokenInvalid => "JWT token invalid or malformed",
            Kind::TokenExpired => "JWT token has expired",
            Kind::SessionEnded => "Token has been revoked",
            Kind::RefreshInvalid => "Refresh token invalid or expired",
            Kind::RefreshRevoked => "Refresh token has been revoked",
            Kind::LinkInvalid => "Token not found or invalid",
            Kind::LinkExpired => "Verification token expired",
            Kind::ReauthenticationRequired => "Fresh authentication required",
            Kind::WrongCurrentPassword => "Current password is incorrect",
            Kind::MfaRequired => "MFA verification required",
            Kind::MfaCodeInvalid => "MFA code invalid or expired",
            Kind::MfaNotEnabled => "MFA not set up for user",
            Kind::BackupCodeUsed => "Backup code already used",
            Kind::CodeInvalid => "Invalid or expired code",
            Kind::SessionNotFound => "Session not found",
            Kind::AlreadyExists => "An item with this name already exists",
            Kind::Conflict => "The account was changed by another request; try again",
            Kind::LastAdmin => "This is the last admin; add another admin first",
            Kind::AppInvalid => "Valid X-App-ID and X-Service-Key headers are required",
            Kind::UploadLimitReached => "Upload limit reached",
            Kind::Forbidden => "User lacks required permissions",
            Kind::ForeignOrigin => "This origin may not use the cookie of this service",
            Kind::AccountNotFound => "User account not found",
            Kind::NotFound => "Resource not found",
            Kind::MethodNotAllowed => "Method not allowed",
            Kind::UnsupportedMediaType => "Unsupported content type, expected application/json",
            Kind::PayloadTooLarge => "The request body is too large",
            Kind::TooMany(_) => "Too many requests",
            Kind::Unavailable => "Service temporarily unavailable",
            Kind::Internal => "Internal server error",
        }
    }
}

/// Which rule a field broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Missing, null or empty.
    Required,
    /// Of the wrong JSON type.
    WrongType,
    /// Fewer characters than required, or a number below the minimum.
    TooShort,
    /// More characters than allowed, or a number above the maximum.
    TooLong,
    /// Not an email address that the server can send to.
    Email,
    /// Not a valid username.
    Username,
    /// Too weak, too common or derived from the user's own name.
    PasswordStrength,
    /// Malformed in another way.
    Format,
}

/// One invalid field, and the rule it broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, in the wire's own spelling: `password`, `roles[1]`.
    pub field: String,
    pub rule: Rule,
    /// The short message for a form field: `Too short`.
    pub message: Cow<'static, str>,
    /// The full sentence: `Password must be at least 12 characters`.
    pub sentence: Cow<'static, str>,
}

impl FieldError {
    /// Creates a field error with its short message and its full sentence.
    pub fn new(
        field: impl Into<String>,
        rule: Rule,
        message: impl Into<Cow<'static, str>>,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), rule, message: message.into(), sentence: sentence.into() }
    }
}

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
}

/// A failed call: its kind, message and details.
pub struct Error(Box<ErrorInner>);

struct ErrorInner {
    kind: Kind,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
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
            retry_after: None,
            extra: None,
            source: None,
        }))
    }

    /// Creates a validation error from all invalid fields; the first one's sentence becomes the
    /// message.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = fields
            .first()
            .map_or(Cow::Borrowed(Kind::Validation.sentence()), |f| f.sentence.clone());
        let mut error = Self::with(Kind::Validation, message);
        error.0.fields = fields;
        error
    }

    /// Creates an internal error; `doing` is logged, never shown.
    pub fn internal(doing: impl fmt::Display) -> Self {
        Self::new(Kind::Internal).caused_by(Told(doing.to_string()))
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
            .caused_by(Told(doing.to_string()))
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

    /// The message, which is safe to show to clients.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The invalid fields, if the kind is [`Kind::Validation`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
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

    /// The message and all causes, joined for a log line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.0.message.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
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
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Told {}
