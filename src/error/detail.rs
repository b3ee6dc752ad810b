//! Reasons that are more exact than a kind. Statuses and codes depend on the kind alone; a detail
//! changes the message, which is made where the response is made (`http::server::error_text`).

use crate::error::{Error, Kind, Limit};

/// What happened, where the kind does not say all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// The password is wrong or the address unverified; clients cannot distinguish them.
    WrongPasswordOrUnverified,
    /// The call would give or take permissions that the actor lacks.
    LacksGrantedPermissions,
    /// A sign-up asked for a role.
    RoleAtSignUp,
    /// Only accounts with a verified address can have factors.
    AddressUnverified,
    /// The link that expired would have reset the password.
    ResetLinkExpired,
    /// The link belongs to a sign-up whose address has been verified since.
    SignUpVerified,
    FactorExists,
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
    FileTooLarge {
        max: u64,
    },
    FileTypeNotAllowed,
}

impl Detail {
    /// The kind that this is a detail of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::WrongPasswordOrUnverified => Kind::InvalidCredentials,
            Self::LacksGrantedPermissions | Self::RoleAtSignUp | Self::AddressUnverified => {
                Kind::Forbidden
            }
            Self::ResetLinkExpired => Kind::LinkExpired,
            Self::SignUpVerified => Kind::LinkInvalid,
            Self::FactorExists | Self::RoleExists(_) => Kind::AlreadyExists,
            Self::FactorsClosed => Kind::TooMany(Limit::Factor),
            Self::UnknownFactor | Self::UnknownRole(_) | Self::UnknownApiClient(_) => {
                Kind::NotFound
            }
            Self::DeletedAccount | Self::NotDeleted => Kind::AccountNotFound,
            Self::FileTooLarge { .. } => Kind::PayloadTooLarge,
            Self::FileTypeNotAllowed => Kind::UnsupportedMediaType,
        }
    }
}

impl From<Detail> for Error {
    fn from(detail: Detail) -> Self {
        Self::new(detail.kind()).detailed(detail)
    }
}
