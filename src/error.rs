//! The one error type of the program.
//!
//! A [`Kind`] says why something was refused, never how the refusal looks: every wire spells it in its own status,
//! code word and envelope (`api/<wire>/error.rs`). The message is safe to show to anybody; the source is for the log.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::model::{Method, Secret};

/// What nearly every function of this program returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was refused. A wire's table matches on it without a catch-all arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Some fields break rules; [`Error::fields`] lists them all.
    Validation,
    /// The body could not be read as JSON at all.
    MalformedBody,
    /// A login without name or password.
    MissingCredentials,
    /// A refresh without a refresh token.
    MissingRefreshToken,
    /// A link's token was not sent.
    MissingLinkToken,
    /// Unknown account or wrong password: never told apart.
    InvalidCredentials,
    /// Right password, but nobody has proved the address.
    EmailUnverified,
    /// Locked after failures; an administrator's state is `AccountSuspended`.
    AccountLocked,
    /// Suspended by an administrator.
    AccountSuspended,
    /// The account is deleted.
    AccountDeleted,
    /// Another account holds this address.
    EmailTaken,
    /// Another account holds this name.
    UsernameTaken,
    /// A call that needs a token came without one.
    TokenMissing,
    /// The Authorization header is not `Bearer <token>`.
    TokenFormat,
    /// The access token is not one of ours.
    TokenInvalid,
    /// The access token is too old.
    TokenExpired,
    /// The session behind the access token has ended.
    SessionEnded,
    /// The refresh token is unknown, malformed or too old.
    RefreshInvalid,
    /// The refresh token's session has ended.
    RefreshRevoked,
    /// The link's token is unknown or serves another purpose.
    LinkInvalid,
    /// The link is too old.
    LinkExpired,
    /// The session's last proof of who holds it is too old for this.
    ReauthenticationRequired,
    /// The current password, asked for again, is wrong.
    WrongCurrentPassword,
    /// The account has a second factor, and this login has not shown it.
    MfaRequired,
    /// The second factor's code is wrong, used or too old.
    MfaCodeInvalid,
    /// The account has no second factor.
    MfaNotEnabled,
    /// The backup code has been used before.
    BackupCodeUsed,
    /// The one-time code is wrong, used or too old.
    CodeInvalid,
    /// No such session of this account.
    SessionNotFound,
    /// A thing of this name is there already.
    AlreadyExists,
    /// The account was changed by somebody else in the same moment.
    Outrun,
    /// The last administrator would be gone.
    LastAdmin,
    /// The app's id and key are missing or wrong.
    AppInvalid,
    /// The account's upload quota is used up.
    UploadLimitReached,
    /// The caller lacks a permission.
    Forbidden,
    /// A cookie came from a page of another site.
    ForeignOrigin,
    /// No such account (told to administrators only).
    AccountNotFound,
    /// No such thing under this path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is not of a type that the call reads.
    UnsupportedMediaType,
    /// The body is larger than the call reads.
    PayloadTooLarge,
    /// A limit is used up.
    TooMany(Limit),
    /// The server cannot do this now; try again.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// The limits that a caller can meet, by the operation that they guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// All calls together.
    General,
    /// Creating an account.
    SignUp,
    /// Logging in.
    SignIn,
    /// Turning a refresh token (failures only).
    Refresh,
    /// Asking for the verification mail again.
    Resend,
    /// Using a verification link.
    VerifyEmail,
    /// Confirming another address.
    ConfirmEmail,
    /// Undoing a change of address.
    UndoEmail,
    /// Removing an account that somebody else made with one's address.
    Disown,
    /// Opening a closed login from a link.
    OpenLogin,
    /// Ending a login that was not one's own from a link.
    NotMe,
    /// Asking for a link that resets the password.
    Forgot,
    /// Using such a link.
    Reset,
    /// Asking for a code that resets the password.
    ForgotByCode,
    /// Showing such a code without using it.
    ResetCode,
    /// Using such a code.
    ResetByCode,
    /// Showing a second factor.
    Factor,
    /// Having a login's code sent again.
    FactorSent,
    /// Showing the password or a second factor again.
    Reauthenticate,
    /// Changing the password.
    ChangePassword,
    /// Asking for a code that logs in.
    CodeRequest,
    /// Logging in with such a code.
    Code,
}

impl Limit {
    /// The word for it, as log and metrics know it.
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
    /// Every kind, for tables and snapshots.
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
        Kind::Outrun,
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

    /// What is said when the place that fails has nothing better to say.
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
            Kind::AlreadyExists => "A thing of this name exists already",
            Kind::Outrun => "The account was changed in the same moment; try again",
            Kind::LastAdmin => "This is the last admin; make another one first",
            Kind::AppInvalid => "Valid X-App-ID and X-Service-Key headers are required",
            Kind::UploadLimitReached => "Upload limit reached",
            Kind::Forbidden => "User lacks required permissions",
            Kind::ForeignOrigin => "This page may not use the cookie of this service",
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
    /// Not there, null or empty.
    Required,
    /// Of another JSON type.
    WrongType,
    /// Fewer characters than asked for, or a number below the least.
    TooShort,
    /// More characters than allowed, or a number above the most.
    TooLong,
    /// Not an e-mail address that we can write to.
    Email,
    /// Not of a user name's form.
    Username,
    /// Too weak, too common or made of one's own name.
    PasswordStrength,
    /// Of a wrong form in another way.
    Format,
}

/// One broken rule of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where, in the wire's own spelling: `password`, `roles[1]`.
    pub field: String,
    /// Which rule.
    pub rule: Rule,
    /// The short form for a form field: `Too short`.
    pub message: Cow<'static, str>,
    /// The whole sentence: `Password must be at least 12 characters`.
    pub sentence: Cow<'static, str>,
}

impl FieldError {
    /// A broken rule with its short and its whole form.
    pub fn new(
        field: impl Into<String>,
        rule: Rule,
        message: impl Into<Cow<'static, str>>,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), rule, message: message.into(), sentence: sentence.into() }
    }
}

/// What a refusal carries besides its words, where a wire can show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// A login that waits for a second factor ([`Kind::MfaRequired`]).
    Challenge {
        /// Completes the login together with a code.
        token: Secret,
        /// What may complete it.
        methods: Vec<Method>,
        /// For how long.
        expires_in: Duration,
    },
}

/// Something was refused or went wrong.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    extra: Option<Extra>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind with the kind's own sentence.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self::with(kind, kind.sentence())
    }

    /// An error of this kind with a message that is safe to show.
    pub fn with(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
            extra: None,
            source: None,
        }))
    }

    /// The fields that broke rules, all of them; the first one's sentence speaks for the whole.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = fields.first().map_or(Cow::Borrowed(Kind::Validation.sentence()), |f| f.sentence.clone());
        let mut error = Self::with(Kind::Validation, message);
        error.0.fields = fields;
        error
    }

    /// A fault of ours: `doing` is logged, never shown.
    pub fn internal(doing: impl fmt::Display) -> Self {
        Self::new(Kind::Internal).caused_by(Told(doing.to_string()))
    }

    /// Something that the person at the command line must put right: `what` is shown to them.
    #[must_use]
    pub fn refused(what: String) -> Self {
        Self::with(Kind::Internal, what)
    }

    /// The server cannot do this now: `doing` is logged, never shown.
    pub fn unavailable(doing: impl fmt::Display) -> Self {
        Self::new(Kind::Unavailable).caused_by(Told(doing.to_string())).retry_after(Duration::from_secs(1))
    }

    /// Adds what is behind it, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds what a wire may show besides the words.
    #[must_use]
    pub fn carrying(mut self, extra: Extra) -> Self {
        self.0.extra = Some(extra);
        self
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What may be shown.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The broken rules, when the kind is [`Kind::Validation`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// When to try again.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What a wire may show besides the words.
    #[must_use]
    pub fn extra(&self) -> Option<&Extra> {
        self.0.extra.as_ref()
    }

    /// What is behind it, joined for a log line.
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

/// A sentence for the log where there is no error behind.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Told {}
