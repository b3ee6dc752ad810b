//! Why a row was refused or imported in part, as data. The command line makes the words.

use crate::identity::admin::import::ImportColumn;
use crate::model::AccountId;
use crate::password::imported::HashRefusal;

/// Why a row was refused, or what was left out of it. Of the row's contents it names only a role or
/// an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportReason {
    /// The reader of the file made no fields of the row; the words are the reader's.
    Unreadable(String),
    NoAddress,
    InvalidAddress,
    InvalidUsername,
    InvalidId {
        max: usize,
    },
    /// The id would stand for something else.
    ReservedId(String),
    InvalidNumber {
        max: i64,
    },
    /// Neither a boolean nor a time.
    NotYesNoOrTime(ImportColumn),
    NotYesOrNo(ImportColumn),
    InvalidTime(ImportColumn),
    BeforeEpoch(ImportColumn),
    /// Longer than this, or with control characters.
    InvalidText {
        column: ImportColumn,
        max: usize,
    },
    InvalidCount(ImportColumn),
    UnknownStatus,
    /// The account was imported without its language, which is no language tag.
    LanguageLeftOut,
    /// The old service had deleted the account.
    Deleted,
    /// The row has no password that can be checked here.
    NoPassword(PasswordGap),
    /// The account was imported without its password.
    PasswordLeftOut(PasswordGap),
    /// The role has more permissions than the default role, and no option allows it.
    RoleWithheld(String),
    /// There is no such role.
    RoleDropped(String),
    /// An earlier line of the file has the name.
    Repeated {
        name: UniqueName,
        line: u64,
    },
    AddressOfDeleted,
    /// The address is that of the account with this number.
    AddressTaken(i64),
    /// The address is reserved for an account that has just given it up.
    AddressReserved,
    IdTaken,
    /// The number is that of the account with this id.
    NumberTaken(AccountId),
    UsernameTaken,
    /// Not a JSON array of objects that each name a provider and a subject.
    InvalidIdentities,
    TooManyIdentities {
        max: usize,
    },
    /// No provider here has this name.
    UnknownProvider(String),
    /// The issuer is missing, or is not that of the provider with this name.
    ForeignIssuer(String),
    /// The account at this provider is connected to another account.
    IdentityTaken(String),
    /// A write found a conflict that no check explains.
    Conflict,
}

/// Why a row has no password that can be checked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordGap {
    /// The row has no password hash.
    Missing,
    /// The hash stands for "no password".
    Unusable,
    Refused(HashRefusal),
}

/// A name that only one account can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UniqueName {
    Address,
    Username,
    Id,
    Number,
    /// An account at a provider.
    Identity,
}
