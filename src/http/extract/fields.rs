//! Field types that are parsed during extraction: handlers get well-formed values, and the OpenAPI
//! document shows the expected format.

use poem_openapi::registry::MetaSchema;
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON};
use serde_json::Value;

use crate::http::extract::schema::PEM;
use crate::http::extract::wrapper::wrapper;
use crate::model::{
    Email, LanguageTag, Password, Secret, Username, email, language, secret, username,
};

/// The format of a password to set, until the policy has written its rules into the document.
pub const NEW_PASSWORD: &str = "new-password";

/// Declares a type that is parsed from a string in a JSON body.
macro_rules! text_field {
    ($(#[$doc:meta])* $name:ident($inner:ty), $schema:expr, $parse:expr) => {
        wrapper!($(#[$doc])* $name($inner), "string", $schema);

        /// Request-only: never serialized.
        impl ToJSON for $name {
            fn to_json(&self) -> Option<Value> {
                None
            }
        }

        impl ParseFromJSON for $name {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                let Some(Value::String(text)) = value else {
                    return Err(ParseError::expected_type(value.unwrap_or_default()));
                };
                let parse: fn(String) -> Option<$inner> = $parse;
                parse(text).map(Self).ok_or_else(|| ParseError::custom(concat!("not a valid ", stringify!($name))))
            }
        }
    };
}

text_field!(
    /// An email address.
    EmailField(Email),
    MetaSchema { format: Some("email"), max_length: Some(email::MAX_LENGTH), ..MetaSchema::ANY },
    |text| Email::parse(&text)
);

text_field!(
    /// A user name.
    UsernameField(Username),
    MetaSchema {
        format: Some("username"),
        min_length: Some(username::MIN_LENGTH),
        max_length: Some(username::MAX_LENGTH),
        ..MetaSchema::ANY
    },
    |text| Username::parse(&text)
);

text_field!(
    /// A language tag.
    LanguageField(LanguageTag),
    MetaSchema {
        format: Some("language"),
        max_length: Some(language::LONGEST_TAG),
        ..MetaSchema::ANY
    },
    |text| LanguageTag::parse(&text)
);

text_field!(
    /// A password to check. For its rules see [`crate::http::server::policy`].
    PasswordField(Password),
    MetaSchema { format: Some("password"), write_only: true, ..MetaSchema::ANY },
    |text| Some(Password::new(text))
);

text_field!(
    /// A password to set. For its rules see [`crate::http::server::policy`], which also writes them
    /// into the documents.
    NewPasswordField(Password),
    MetaSchema { format: Some(NEW_PASSWORD), write_only: true, ..MetaSchema::ANY },
    |text| Some(Password::new(text))
);

text_field!(
    /// The name of a role or of a permission.
    RoleNameField(String),
    MetaSchema {
        max_length: Some(64),
        pattern: Some("^[a-z0-9._:-]+$".to_owned()),
        ..MetaSchema::ANY
    },
    Some
);

text_field!(
    /// A refresh token or link token. Opaque; ours are never longer than the maximum.
    TokenField(Secret),
    MetaSchema { max_length: Some(512), ..MetaSchema::ANY },
    |text| Some(Secret::new(text))
);

text_field!(
    /// The client secret of a provider. Write-only.
    ClientSecretField(Secret),
    MetaSchema { max_length: Some(4096), write_only: true, ..MetaSchema::ANY },
    |text| Some(Secret::new(text))
);

text_field!(
    /// A private key in PEM form. Write-only.
    PrivateKeyField(Secret),
    MetaSchema { format: Some(PEM), max_length: Some(4096), write_only: true, ..MetaSchema::ANY },
    |text| Some(Secret::new(text))
);

text_field!(
    /// Bytes in base64url without padding.
    BinaryField(Vec<u8>),
    MetaSchema { format: Some("base64url"), max_length: Some(32_768), ..MetaSchema::ANY },
    |text| secret::decode(&text)
);

text_field!(
    /// An access token: a JWT from any issuer.
    AccessTokenField(Secret),
    MetaSchema { max_length: Some(8192), ..MetaSchema::ANY },
    |text| Some(Secret::new(text))
);
