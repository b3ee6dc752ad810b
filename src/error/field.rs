//! Which field of a request is invalid, and which rule it broke, as data. The field's name and the
//! words are made where the response is made (`http::server::error_text`).

use std::borrow::Cow;

/// A field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A field that the edge itself checked, by its path in the request: `list[0].shortText`.
    Path(Cow<'static, str>),
    Email,
    /// The address that replaces the account's.
    NewEmail,
    /// The first password of an account.
    Password,
    /// The password that replaces the account's.
    NewPassword,
    /// The name of a role or an API client.
    Name,
    Phone,
    File,
    /// The kind of a factor to set up.
    FactorKind,
    /// The method that completes a login.
    Method,
    /// One of the permissions of a role, by its position.
    Permission(usize),
    /// The roles of an account.
    Roles,
    /// The status of an account.
    Status,
    /// The query of a saved search.
    Query,
    /// The place after which a page of a list begins.
    After,
    /// A setting of a provider, by its name in the configuration.
    Setting(String),
}

impl From<&str> for Field {
    /// A field by its path in the request.
    fn from(path: &str) -> Self {
        Self::Path(Cow::Owned(path.to_owned()))
    }
}

/// Why a new password is too weak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    NoUppercase,
    NoLowercase,
    NoDigit,
    NoSymbol,
    /// On the list of common passwords, or derived from one.
    Common,
    /// Made of names of the account or the service.
    Personal,
}

/// Why a field does not fit a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorRule {
    /// The profile's phone number is not in international form.
    InternationalNumber,
    /// The server sends no text messages to this country.
    CountryNotServed,
    /// The server sends no text messages at all.
    NoTextMessages,
    /// The login does not offer this method, or it sends no code.
    MethodNotOffered,
}

/// Why a field does not fit a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRule {
    Unknown(String),
    UnknownPermission(String),
    /// Built-in roles cannot be changed.
    BuiltIn(String),
}

/// Which rule a field broke.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Missing, null or empty.
    Required,
    /// Of another JSON type.
    WrongType {
        expected: &'static str,
    },
    /// Fewer characters than required.
    TooShort {
        min: usize,
    },
    /// More characters than allowed.
    TooLong {
        max: usize,
    },
    /// Fewer entries than required.
    TooFew {
        min: usize,
    },
    /// More entries than allowed.
    TooMany {
        max: usize,
    },
    /// A number below the minimum.
    TooSmall {
        min: f64,
    },
    /// A number above the maximum.
    TooLarge {
        max: f64,
    },
    ControlCharacters,
    /// Not an email address that the server can send to.
    Email,
    /// An email address in a path that is none.
    EmailInPath,
    /// Not a valid username.
    Username,
    /// Not a language tag.
    Language,
    NotOneOf(Vec<String>),
    /// A password that is too easy to guess.
    Weak(Weakness),
    /// The account's current address, where a new one is expected.
    SameEmail,
    /// Not possible for a second factor.
    Factor(FactorRule),
    /// Empty, longer than this, or more than one line.
    OneLine {
        max: usize,
    },
    /// The name of a file is empty, too long or has control characters.
    FileName {
        max: usize,
    },
    /// A file without content.
    EmptyFile,
    /// Not a name for a role or a permission.
    Identifier {
        max: usize,
    },
    /// Not possible for a role.
    Role(RoleRule),
    /// A status that an administrator cannot set.
    StatusNotSettable,
    /// A search text that is too long or has control characters.
    SearchText {
        max: usize,
    },
    /// Not an ID or a word of a list.
    Word {
        max: usize,
    },
    /// A parameter that the query gives twice.
    GivenTwice,
    /// Not bytes in base64url without padding.
    Base64Url,
    /// Not a point in time.
    Timestamp,
    /// A parameter of the path, the query or the header is missing or malformed.
    Parameter,
    /// A setting that the configuration would refuse too, in its words.
    Setting(String),
}

/// One invalid field, and the rule it broke.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    pub field: Field,
    pub rule: Rule,
}

impl FieldError {
    #[must_use]
    pub fn new(field: impl Into<Field>, rule: Rule) -> Self {
        Self { field: field.into(), rule }
    }
}
