//! Why a call failed: one table of the kinds and their default messages, from which their list is
//! made.

use crate::error::Limit;

macro_rules! kinds {
    (
        {$($(#[$first_doc:meta])* $first:ident = $first_sentence:literal;)*}
        $(#[$limit_doc:meta])* $limited:ident(Limit) = $limit_sentence:literal;
        {$($(#[$last_doc:meta])* $last:ident = $last_sentence:literal;)*}
    ) => {
        /// Why a call failed. [`status`](crate::http::server::reject::status) and the codes of the
        /// native API match on it without a catch-all arm.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$first_doc])* $first,)*
            $(#[$limit_doc])* $limited(Limit),
            $($(#[$last_doc])* $last,)*
        }

        impl Kind {
            const FIRST: &[Kind] = &[$(Kind::$first),*];
            const LAST: &[Kind] = &[$(Kind::$last),*];
            const COUNT: usize = Self::FIRST.len() + Limit::ALL.len() + Self::LAST.len();

            /// All kinds, with one for each limit, for tables and snapshots.
            pub const ALL: [Kind; Self::COUNT] = {
                let mut all = [Kind::$limited(Limit::General); Self::COUNT];
                let limits = Self::FIRST.len();
                let last = limits + Limit::ALL.len();
                let mut at = 0;
                while at < Self::COUNT {
                    all[at] = if at < limits {
                        Self::FIRST[at]
                    } else if at < last {
                        Kind::$limited(Limit::ALL[at - limits])
                    } else {
                        Self::LAST[at - last]
                    };
                    at += 1;
                }
                all
            };

            /// Whether a refresh token was refused.
            #[must_use]
            pub fn is_bad_refresh(self) -> bool {
                matches!(self, Kind::RefreshInvalid | Kind::RefreshStale | Kind::RefreshRevoked)
            }

            /// The default message of the kind.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Kind::$first => $first_sentence,)*
                    Kind::$limited(_) => $limit_sentence,
                    $(Kind::$last => $last_sentence,)*
                }
            }
        }
    };
}

kinds! {
    {
        /// Some fields are invalid; [`Error::fields`](crate::error::Error::fields) lists all of them.
        Validation = "Invalid input data";
        /// The body is not valid JSON.
        MalformedBody = "The request body is not valid JSON";
        /// A login request lacks the name or the password.
        MissingCredentials = "Email or username and password are required";
        /// A refresh request lacks the refresh token.
        MissingRefreshToken = "No refresh token provided";
        /// The request lacks the token of a mailed link.
        MissingLinkToken = "Verification token is required";
        /// Unknown account or wrong password: clients cannot distinguish them.
        InvalidCredentials = "Wrong email/username or password";
        /// The password is correct, but the email address is not verified.
        EmailUnverified = "Email verification required";
        /// Locked after failed attempts. An administrator's block is `AccountSuspended`.
        AccountLocked = "Account locked due to failed attempts";
        AccountSuspended = "Account suspended by admin";
        AccountDeleted = "Account has been deleted";
        /// Another account has this email address.
        EmailTaken = "Email address is already registered";
        /// Another account has this username.
        UsernameTaken = "Username is already taken";
        /// The call needs an access token, and none was sent.
        TokenMissing = "Authorization header missing";
        /// The Authorization header is not `Bearer <token>`.
        TokenFormat = "Invalid authorization format, expected: Bearer <token>";
        /// The access token was not issued by this server.
        TokenInvalid = "JWT token invalid or malformed";
        /// The access token has expired.
        TokenExpired = "JWT token has expired";
        /// The access token's session has ended.
        SessionEnded = "Token has been revoked";
        /// The refresh token is unknown, malformed or expired.
        RefreshInvalid = "Refresh token invalid or expired";
        /// The refresh token is not the current one of its session, which lives on: clients are
        /// answered as for `RefreshInvalid`, but keep their cookie, which may be a newer one.
        RefreshStale = "Refresh token invalid or expired";
        /// The refresh token's session has ended.
        RefreshRevoked = "Refresh token has been revoked";
        /// The link's token is unknown or was issued for another purpose.
        LinkInvalid = "Token not found or invalid";
        /// The link has expired.
        LinkExpired = "Verification token expired";
        /// The session's last authentication is too old for this call.
        ReauthenticationRequired = "Fresh authentication required";
        /// The current password, sent to confirm a call, is wrong.
        WrongCurrentPassword = "Current password is incorrect";
        /// The account has a second factor, and the login still needs it.
        MfaRequired = "MFA verification required";
        /// The code of the second factor is wrong, used or expired.
        MfaCodeInvalid = "MFA code invalid or expired";
        /// The account has no second factor.
        MfaNotEnabled = "MFA not set up for user";
        BackupCodeUsed = "Backup code already used";
        /// The passkey is unknown, or its answer is not genuine: clients cannot distinguish them.
        PasskeyInvalid = "The passkey was not accepted";
        /// The browser's answer to the request for a new passkey is not genuine, or late.
        PasskeyRejected = "The passkey could not be added";
        /// The answer of a provider is not acceptable, late, or of another browser.
        ProviderRejected = "The login at the provider was not accepted; start again";
        /// A login with a provider needs something of the person before it can go on.
        ProviderStepRequired = "Another step is needed to complete this login";
        /// The provider accepts none of the tokens that are kept.
        ProviderLoginRequired = "The user has to log in at the provider again";
        /// The call would leave the account without a way to log in.
        LastLoginMethod = "This is the last way to log in; add another one first";
        /// The one-time code is wrong, used or expired.
        CodeInvalid = "Invalid or expired code";
        /// The account has no such session.
        SessionNotFound = "Session not found";
        /// An item with this name already exists.
        AlreadyExists = "An item with this name already exists";
        /// A conflict: another request changed the account at the same time.
        Conflict = "The account was changed by another request; try again";
        /// The account is no longer the one of the version that the call states.
        PreconditionFailed = "The account has changed since this version was read";
        /// The call would remove the last administrator.
        LastAdmin = "This is the last admin; add another admin first";
        /// The API client's id and key are missing or wrong.
        AppInvalid = "Valid X-App-ID and X-Service-Key headers are required";
        /// The account's upload quota is exhausted.
        UploadLimitReached = "Upload limit reached";
        /// The caller lacks a permission.
        Forbidden = "User lacks required permissions";
        /// A page of another site sent the cookie.
        ForeignOrigin = "This origin may not use the cookie of this service";
        /// No such account (reported only to administrators).
        AccountNotFound = "User account not found";
        /// Nothing exists at this path.
        NotFound = "Resource not found";
        /// The path exists, but does not support the method.
        MethodNotAllowed = "Method not allowed";
        /// The call does not accept the body's content type.
        UnsupportedMediaType = "Unsupported content type, expected application/json";
        /// The body is larger than the call accepts.
        PayloadTooLarge = "The request body is too large";
    }
    /// A rate limit is exceeded.
    TooMany(Limit) = "Too many requests";
    {
        /// The server temporarily cannot handle the call; the client should retry.
        Unavailable = "Service temporarily unavailable";
        /// An internal error.
        Internal = "Internal server error";
    }
}
