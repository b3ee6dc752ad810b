//! The words for the reasons why a row of an import was refused or imported in part.

use std::borrow::Cow;

use crate::identity::admin::import::{ImportReason, PasswordGap, UniqueName};
use crate::password::imported::{HashRefusal, UnsupportedScheme};
use crate::password::scheme::{BCRYPT_COSTS, MOST_MEMORY, PBKDF2_ITERATIONS};

/// A reason as a phrase about the row.
pub fn words(reason: &ImportReason) -> Cow<'_, str> {
    match reason {
        ImportReason::Unreadable(why) => why.into(),
        ImportReason::NoAddress => "it has no e-mail address".into(),
        ImportReason::InvalidAddress => "its e-mail address is not valid".into(),
        ImportReason::InvalidUsername => {
            "its user name is not 3 to 50 letters, digits, _, - and inner dots".into()
        }
        ImportReason::InvalidId { max } => {
            format!("its id is not 1 to {max} letters, digits, -, _, . and :").into()
        }
        ImportReason::ReservedId(id) => format!("its id {id} is reserved").into(),
        ImportReason::InvalidNumber { max } => {
            format!("its numeric id is not between 1 and {max}").into()
        }
        ImportReason::NotYesNoOrTime(column) => {
            format!("its {} is neither a yes, a no nor a time", column.as_str()).into()
        }
        ImportReason::NotYesOrNo(column) => {
            format!("its {} is neither yes nor no", column.as_str()).into()
        }
        ImportReason::InvalidTime(column) => {
            format!("its {} is not a valid time", column.as_str()).into()
        }
        ImportReason::BeforeEpoch(column) => {
            format!("its {} is before 1970", column.as_str()).into()
        }
        ImportReason::InvalidText { column, max } => format!(
            "its {} is longer than {max} characters or has control characters",
            column.as_str()
        )
        .into(),
        ImportReason::InvalidCount(column) => {
            format!("its {} is not a valid count", column.as_str()).into()
        }
        ImportReason::LanguageLeftOut => "its locale is no language tag and was left out".into(),
        ImportReason::UnknownStatus => {
            "its status is not active, pending, suspended or deleted".into()
        }
        ImportReason::Deleted => "it was deleted in the old service".into(),
        ImportReason::NoPassword(gap) => format!(
            "{}; --without-passwords imports it, and its owner sets a new password",
            gap_words(*gap)
        )
        .into(),
        ImportReason::PasswordLeftOut(gap) => {
            format!("{}; it was imported without its password", gap_words(*gap)).into()
        }
        ImportReason::RoleWithheld(role) => {
            format!("the role {role} was dropped; --allow-roles {role} keeps it").into()
        }
        ImportReason::RoleDropped(role) => {
            format!("there is no role {role}; it was dropped").into()
        }
        other => identity_words(other),
    }
}

/// What is wrong with the accounts at providers.
fn identity_words(reason: &ImportReason) -> Cow<'_, str> {
    match reason {
        ImportReason::InvalidIdentities => {
            "its identities are no JSON array of objects that name a provider and a subject".into()
        }
        ImportReason::TooManyIdentities { max } => {
            format!("it has more than {max} identities").into()
        }
        ImportReason::UnknownProvider(name) => format!(
            "there is no provider {name} here: add it first, or leave all identities out with \
             --column identities=-"
        )
        .into(),
        ImportReason::ForeignIssuer(provider) => {
            format!("its identity at {provider} has not the issuer of that provider").into()
        }
        ImportReason::IdentityTaken(provider) => {
            format!("its account at {provider} is connected to another account").into()
        }
        other => conflict(other),
    }
}

/// A reason without the account or line that it names: such reasons are counted together.
pub fn words_in_general(reason: &ImportReason) -> Cow<'_, str> {
    match reason {
        ImportReason::Repeated { name, .. } => {
            format!("its {} is already on an earlier line", name_words(*name)).into()
        }
        ImportReason::AddressTaken(_) => "its address is that of another account".into(),
        ImportReason::NumberTaken(_) => "its number is that of another account".into(),
        other => words(other),
    }
}

/// What another row or account has already.
fn conflict(reason: &ImportReason) -> Cow<'_, str> {
    match reason {
        ImportReason::Repeated { name, line } => {
            format!("its {} is already on line {line}", name_words(*name)).into()
        }
        ImportReason::AddressOfDeleted => "its address is that of a deleted account".into(),
        ImportReason::AddressTaken(number) => {
            format!("its address is that of the account with number {number}").into()
        }
        ImportReason::AddressReserved => {
            "its address is reserved for an account that has just given it up".into()
        }
        ImportReason::IdTaken => "its id is that of another account".into(),
        ImportReason::NumberTaken(id) => {
            format!("its number is that of the account with id {id}").into()
        }
        ImportReason::UsernameTaken => "its user name is that of another account".into(),
        _ => "it conflicts with an existing account".into(),
    }
}

fn name_words(name: UniqueName) -> &'static str {
    match name {
        UniqueName::Address => "address",
        UniqueName::Username => "user name",
        UniqueName::Id => "id",
        UniqueName::Number => "number",
        UniqueName::Identity => "account at a provider",
    }
}

fn gap_words(gap: PasswordGap) -> Cow<'static, str> {
    match gap {
        PasswordGap::Missing => "it has no password hash".into(),
        PasswordGap::Unusable => "it has no usable password".into(),
        PasswordGap::Refused(why) => refusal_words(why),
    }
}

fn refusal_words(why: HashRefusal) -> Cow<'static, str> {
    match why {
        HashRefusal::Scheme(scheme) => {
            format!("the password hash is {}, which is not supported", scheme_words(scheme)).into()
        }
        HashRefusal::UnknownScheme => {
            "the password hash has another scheme than bcrypt, argon2 or PBKDF2-SHA256".into()
        }
        HashRefusal::PlainText => "the password is not a bcrypt, argon2 or PBKDF2-SHA256 hash: \
                                   plain text is not accepted"
            .into(),
        HashRefusal::BcryptCost { cost } => format!(
            "the bcrypt hash has cost {cost}: expected {} to {}",
            BCRYPT_COSTS.start(),
            BCRYPT_COSTS.end()
        )
        .into(),
        HashRefusal::BcryptDamaged => "the bcrypt hash is damaged".into(),
        HashRefusal::Argon2 => format!(
            "the argon2 hash is damaged, or asks for more than {} MiB or about a second of work",
            MOST_MEMORY / 1024
        )
        .into(),
        HashRefusal::Pbkdf2 => format!(
            "the PBKDF2 hash is damaged, or has more than {} iterations",
            PBKDF2_ITERATIONS.end()
        )
        .into(),
    }
}

fn scheme_words(scheme: UnsupportedScheme) -> &'static str {
    match scheme {
        UnsupportedScheme::DjangoBcryptSha256 => {
            "bcrypt over SHA-256, as Django's BCryptSHA256PasswordHasher makes it"
        }
        UnsupportedScheme::BcryptSha256 => "bcrypt over SHA-256",
        UnsupportedScheme::Pbkdf2Sha1 => "PBKDF2 with SHA-1",
        UnsupportedScheme::Pbkdf2Sha512 => "PBKDF2 with SHA-512",
        UnsupportedScheme::WerkzeugPbkdf2 => "PBKDF2 as Werkzeug writes it",
        UnsupportedScheme::PasslibPbkdf2 => "PBKDF2 as Passlib writes it",
        UnsupportedScheme::Scrypt => "scrypt",
        UnsupportedScheme::BetterAuthScrypt => "scrypt as Better Auth writes it",
        UnsupportedScheme::Md5 => "MD5",
        UnsupportedScheme::Sha1 => "SHA-1",
        UnsupportedScheme::HexDigest => "a digest in hexadecimal",
        UnsupportedScheme::Md5Crypt => "MD5-crypt",
        UnsupportedScheme::Sha256Crypt => "SHA-256-crypt",
        UnsupportedScheme::Sha512Crypt => "SHA-512-crypt",
        UnsupportedScheme::Yescrypt => "yescrypt",
        UnsupportedScheme::Phpass => "phpass",
        UnsupportedScheme::WordPress => "bcrypt over SHA-384, as WordPress makes it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountId;

    #[test]
    fn a_reason_names_its_bounds_and_in_general_neither_line_nor_account() {
        let refused = |why| ImportReason::NoPassword(PasswordGap::Refused(why));
        let id = || AccountId::new("7f");
        for (reason, exact, general) in [
            (
                ImportReason::Repeated { name: UniqueName::Username, line: 7 },
                "user name is already on line 7",
                "already on an earlier line",
            ),
            (ImportReason::AddressTaken(7), "number 7", "address is that of another account"),
            (ImportReason::NumberTaken(id()), "id 7f", "number is that of another account"),
            (ImportReason::ReservedId(".".to_owned()), "its id . is", "its id . is"),
            (refused(HashRefusal::BcryptCost { cost: 15 }), "cost 15: expected 4 to 14", "cost 15"),
            (refused(HashRefusal::Argon2), "64 MiB", "64 MiB"),
            (refused(HashRefusal::Pbkdf2), "2000000 iterations", "2000000"),
        ] {
            let (said, in_general) = (words(&reason), words_in_general(&reason));
            assert!(said.contains(exact), "{said}");
            assert!(in_general.contains(general) && !in_general.contains('7'), "{in_general}");
        }
    }
}
