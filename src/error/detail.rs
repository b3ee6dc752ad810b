//! Reasons that are more exact than a kind. Statuses and codes depend on the kind alone; a detail
//! changes the message, which is made where the response is made (`http::server::error_text`).

use crate::error::{Error, InstanceFault, Kind, Limit, ProviderFault};

/// What happened, where the kind does not say all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// The password is wrong or the address unverified; clients cannot distinguish them.
    WrongPasswordOrUnverified,
    /// The call would give or take permissions that the actor lacks.
    LacksGrantedPermissions,
    /// Only services may make this call.
    NoService,
    /// A sign-up asked for a role.
    RoleAtSignUp,
    /// Only accounts with a verified address can have factors.
    AddressUnverified,
    /// The link that expired would have reset the password.
    ResetLinkExpired,
    /// The link belongs to a sign-up whose address has been verified since.
    SignUpVerified,
    FactorExists,
    /// A second factor guards the account that this session has not shown.
    SecondFactorDue,
    /// The policy allows no passkeys.
    PasskeysOff,
    /// An account has this passkey already.
    PasskeyExists,
    TooManyPasskeys,
    UnknownPasskey,
    /// The challenge of a passkey was not made here, is too old, or was answered before.
    PasskeyChallengeStale,
    /// The authenticator did not check who the person is.
    PasskeyUserVerification,
    /// The challenge for a new passkey was made in another session, is too old, or was answered
    /// before.
    RegistrationStale,
    /// The browser's answer for a new passkey is not genuine.
    RegistrationRefused,
    /// The authenticator of a new passkey did not check who the person is.
    RegistrationUserVerification,
    /// A login with a provider.
    Provider(ProviderFault),
    /// An action on the server itself.
    Instance(InstanceFault),
    /// After too many wrong codes, the account accepts second factors from known client IPs alone.
    FactorsClosed,
    RoleExists(String),
    UnknownFactor,
    UnknownRole(String),
    UnknownApiClient(String),
    /// The account is deleted and must be restored first.
    DeletedAccount,
    /// Only a deleted account can be restored.
    NotDeleted,
    /// The account has changed since the administrator saw it.
    AccountChanged,
    /// A role or a provider has changed since the administrator saw it.
    ChangedSinceSeen,
    /// The account is suspended, and so gets no mail.
    SuspendedAccount,
    /// The account has no email address to mail to.
    AccountWithoutAddress,
    /// The policy allows no second factors.
    FactorsOff,
    UnknownMessage(String),
    /// The message cannot be sent again: its body is erased, or its link has expired.
    MessageSpent {
        id: String,
        state: &'static str,
    },
    /// The configuration holds the secret that signs, so only the operator can replace it.
    ConfiguredSecret,
    /// The keys in the database were made under another configuration.
    ForeignKeys,
    /// A request to set a new password lacks the token of the link.
    ResetTokenMissing,
    FileTooLarge {
        max: u64,
    },
    /// The kinds that are accepted, by the endings of their names.
    FileTypeNotAllowed {
        kinds: Vec<&'static str>,
    },
}

impl Detail {
    /// The kind that this is a detail of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::WrongPasswordOrUnverified => Kind::InvalidCredentials,
            Self::LacksGrantedPermissions
            | Self::NoService
            | Self::RoleAtSignUp
            | Self::AddressUnverified
            | Self::FactorsOff
            | Self::PasskeysOff
            | Self::ConfiguredSecret
            | Self::ForeignKeys => Kind::Forbidden,
            Self::ResetLinkExpired => Kind::LinkExpired,
            Self::SignUpVerified => Kind::LinkInvalid,
            Self::FactorExists | Self::PasskeyExists | Self::RoleExists(_) => Kind::AlreadyExists,
            Self::Provider(fault) => fault.kind(),
            Self::PasskeyChallengeStale | Self::PasskeyUserVerification => Kind::PasskeyInvalid,
            Self::RegistrationStale
            | Self::RegistrationRefused
            | Self::RegistrationUserVerification => Kind::PasskeyRejected,
            Self::FactorsClosed => Kind::TooMany(Limit::Factor),
            Self::UnknownFactor
            | Self::UnknownPasskey
            | Self::UnknownRole(_)
            | Self::UnknownApiClient(_)
            | Self::UnknownMessage(_) => Kind::NotFound,
            Self::MessageSpent { .. } => Kind::Validation,
            Self::DeletedAccount | Self::NotDeleted => Kind::AccountNotFound,
            Self::SecondFactorDue => Kind::ReauthenticationRequired,
            Self::AccountChanged | Self::ChangedSinceSeen => Kind::PreconditionFailed,
            Self::SuspendedAccount
            | Self::AccountWithoutAddress
            | Self::TooManyPasskeys
            | Self::Instance(_) => Kind::Conflict,
            Self::ResetTokenMissing => Kind::MissingLinkToken,
            Self::FileTooLarge { .. } => Kind::PayloadTooLarge,
            Self::FileTypeNotAllowed { .. } => Kind::UnsupportedMediaType,
        }
    }
}

impl From<Detail> for Error {
    fn from(detail: Detail) -> Self {
        Self::new(detail.kind()).detailed(detail)
    }
}
