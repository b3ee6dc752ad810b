//! The names of fields and the English of errors, for every edge that shows them: wires, pages and
//! the command line. The core says what is wrong as data ([`FieldError`], [`Detail`]).

use std::borrow::Cow;

use crate::error::{
    Detail, Error, FactorRule, Field, FieldError, InstanceFault, ProviderFault, RoleRule, Rule,
    Weakness,
};

/// The name of a field in a request, unless the wire has another for it.
#[must_use]
pub fn field_name(field: &Field) -> Cow<'_, str> {
    match field {
        Field::Path(path) => Cow::Borrowed(path),
        Field::Email => "email".into(),
        Field::NewEmail => "newEmail".into(),
        Field::Password => "password".into(),
        Field::NewPassword => "newPassword".into(),
        Field::Name => "name".into(),
        Field::Phone => "phone".into(),
        Field::File => "file".into(),
        Field::FactorKind => "type".into(),
        Field::Method => "method".into(),
        Field::Permission(index) => format!("permissions[{index}]").into(),
        Field::Roles => "roles".into(),
        Field::Status => "status".into(),
        Field::Query => "query".into(),
        Field::After => "after".into(),
        Field::Setting(name) => camel_case(name).into(),
    }
}

/// The name of a setting as the native API spells it: `client_id` becomes `clientId`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// A field's name as the start of a sentence: `firstName` becomes `First name`.
#[must_use]
pub fn label(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let mut label = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        match c {
            'A'..='Z' => label.extend([' ', c.to_ascii_lowercase()]),
            '_' => label.push(' '),
            _ if label.is_empty() => label.push(c.to_ascii_uppercase()),
            _ => label.push(c),
        }
    }
    label
}

/// The field as the start of a sentence. All new passwords are simply a password.
fn subject(field: &Field) -> Cow<'static, str> {
    match field {
        Field::Password | Field::NewPassword => "Password".into(),
        Field::Permission(_) => "Permission".into(),
        other => label(&field_name(other)).into(),
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// The short message for a form field: `Too short`.
#[must_use]
pub fn short(error: &FieldError) -> Cow<'static, str> {
    let text = match &error.rule {
        Rule::Required => "Required",
        Rule::WrongType { expected } => {
            return format!("Must be {}", with_article(expected)).into();
        }
        // The words of a document.
        Rule::TooShort { .. } if matches!(error.field, Field::Password | Field::NewPassword) => {
            "Too short"
        }
        Rule::TooShort { min } => return format!("Too short: at least {min} characters").into(),
        Rule::TooLong { max } => return format!("Too long: at most {max} characters").into(),
        Rule::TooFew { min } => return format!("Too few: at least {min}").into(),
        Rule::TooMany { max } => return format!("Too many: at most {max}").into(),
        Rule::TooSmall { min } => return format!("Too small: at least {min}").into(),
        Rule::TooLarge { max } => return format!("Too large: at most {max}").into(),
        Rule::ControlCharacters => match error.field {
            Field::Password | Field::NewPassword => "Control characters",
            _ => "Invalid characters",
        },
        Rule::Email | Rule::EmailInPath => "Invalid email format",
        Rule::Username => "Invalid username format",
        Rule::Language => "Invalid language tag",
        Rule::Weak(weakness) => match weakness {
            Weakness::NoUppercase => "Needs an uppercase letter",
            Weakness::NoLowercase => "Needs a lowercase letter",
            Weakness::NoDigit => "Needs a number",
            Weakness::NoSymbol => "Needs a special character",
            Weakness::Common => "Too common",
            Weakness::Personal => "Too personal",
        },
        Rule::SameEmail => "Not a new address",
        Rule::Factor(rule) => match rule {
            FactorRule::InternationalNumber => "Invalid phone number",
            FactorRule::CountryNotServed | FactorRule::NoTextMessages => "Not available",
            FactorRule::MethodNotOffered => "Not allowed",
        },
        Rule::Role(rule) => match rule {
            RoleRule::Unknown(_) => "Unknown role",
            RoleRule::UnknownPermission(_) => "Invalid value",
            RoleRule::BuiltIn(_) => "Built in",
        },
        Rule::NotOneOf(_) | Rule::StatusNotSettable => "Not allowed",
        Rule::FileName { .. } => "Invalid file name",
        Rule::EmptyFile => "Empty file",
        Rule::OneLine { .. }
        | Rule::Identifier { .. }
        | Rule::SearchText { .. }
        | Rule::Base64Url
        | Rule::Timestamp
        | Rule::Word { .. }
        | Rule::Setting(_)
        | Rule::Parameter => "Invalid value",
        Rule::GivenTwice => "Given twice",
    };
    text.into()
}

/// The full sentence: `Password must be at least 12 characters`.
#[must_use]
pub fn sentence(error: &FieldError) -> Cow<'static, str> {
    let field = &error.field;
    let predicate: Cow<'_, str> = match &error.rule {
        Rule::Required if *field == Field::File => {
            return "Expected a file in the field `file`".into();
        }
        Rule::Required => "is required".into(),
        Rule::WrongType { expected } => format!("must be {}", with_article(expected)).into(),
        Rule::TooShort { min } => format!("must be at least {min} characters").into(),
        Rule::TooLong { max } => format!("must be at most {max} characters").into(),
        Rule::TooFew { min } => format!("must have at least {min} entries").into(),
        Rule::TooMany { max } => format!("must have at most {max} entries").into(),
        Rule::TooSmall { min } => format!("must be at least {min}").into(),
        Rule::TooLarge { max } => format!("must be at most {max}").into(),
        Rule::ControlCharacters => "must not contain control characters".into(),
        Rule::Email => "must be a valid email address".into(),
        Rule::EmailInPath => "must be a valid address".into(),
        Rule::Username => {
            "may contain only letters, numbers, underscores, hyphens and dots between them".into()
        }
        Rule::Language => "must be a language tag like de or pt-BR".into(),
        Rule::NotOneOf(allowed) => format!("must be one of: {}", allowed.join(", ")).into(),
        Rule::Weak(weakness) => weakness_predicate(*weakness).into(),
        Rule::SameEmail => return "This is already the email address of your account".into(),
        Rule::Factor(rule) => return factor_sentence(*rule).into(),
        Rule::OneLine { max } => format!("must have 1 to {max} characters on one line").into(),
        Rule::FileName { max } => {
            let most = format!("1 to {max} characters and no control characters");
            return format!("The file name must have {most}").into();
        }
        Rule::EmptyFile => return "The file is empty".into(),
        Rule::Identifier { max } => {
            let letters = "lowercase letters, digits, dots, colons, underscores or hyphens";
            format!("must be 1 to {max} {letters}").into()
        }
        Rule::Role(rule) => return role_sentence(rule).into(),
        Rule::StatusNotSettable => {
            let others = "to delete an account, use the call for that";
            format!("can only be set to active or suspended; {others}").into()
        }
        Rule::SearchText { max } => {
            format!("must be at most {max} characters without control characters").into()
        }
        Rule::Word { max } => format!("must have 1 to {max} letters, digits and signs").into(),
        Rule::GivenTwice => {
            return format!("The parameter {} is given twice", field_name(field)).into();
        }
        Rule::Base64Url => "must be base64url without padding".into(),
        Rule::Timestamp => "must be a time like 2023-12-01T09:00:00Z".into(),
        Rule::Setting(message) => return format!("{}: {message}", field_name(field)).into(),
        Rule::Parameter => {
            let name = field_name(field);
            return format!("The parameter {name} is missing or malformed").into();
        }
    };
    format!("{} {predicate}", subject(field)).into()
}

fn weakness_predicate(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::NoUppercase => "must include an uppercase letter",
        Weakness::NoLowercase => "must include a lowercase letter",
        Weakness::NoDigit => "must include a number",
        Weakness::NoSymbol => "must include a special character",
        Weakness::Common => "is too common or too easy to guess",
        Weakness::Personal => {
            "must not be made of your name, your e-mail address or the name of this service"
        }
    }
}

fn factor_sentence(rule: FactorRule) -> &'static str {
    match rule {
        FactorRule::InternationalNumber => {
            "The profile's phone must be an international number like +491701234567"
        }
        FactorRule::CountryNotServed => "Text messages are not sent to this country",
        FactorRule::NoTextMessages => "Codes by text message are not available here",
        FactorRule::MethodNotOffered => "This login cannot be completed with a code of that kind",
    }
}

fn role_sentence(rule: &RoleRule) -> String {
    match rule {
        RoleRule::Unknown(name) => no_such_role(name),
        RoleRule::UnknownPermission(word) => format!("There is no permission {word:?}"),
        RoleRule::BuiltIn(name) => format!("The role {name} is built in and cannot be changed"),
    }
}

/// The sentence for a role that does not exist.
#[must_use]
pub fn no_such_role(name: &str) -> String {
    format!("There is no role named {name:?}")
}

fn file_kinds(kinds: &[&str]) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| kind.to_uppercase()).collect();
    match words.split_last() {
        Some((last, [])) => format!("Expected a {last} file"),
        Some((last, others)) => format!("Expected a {} or {last} file", others.join(", ")),
        None => "Files are not accepted here".to_owned(),
    }
}

fn provider_fault(fault: ProviderFault) -> &'static str {
    match fault {
        ProviderFault::Unknown => "There is no such provider here",
        ProviderFault::Stale => {
            "This login began elsewhere, is too old or was completed before; start again"
        }
        ProviderFault::Answer => "The provider's answer was not accepted; start again",
        ProviderFault::Denied => "The login at the provider was cancelled",
        ProviderFault::Redirect => "The provider's settings do not list this page (redirect_uris)",
        ProviderFault::Taken => "This account at the provider is connected to another account",
        ProviderFault::TooMany => "The account has too many connected accounts; remove one first",
        ProviderFault::UnknownIdentity => "Connected account not found",
        ProviderFault::NameTaken => "A provider with this name exists already",
        ProviderFault::Configured => {
            "The configuration has this provider ([providers]): change it there"
        }
        ProviderFault::IssuerTaken => "The configuration has a provider with this issuer",
        ProviderFault::TooManyProviders => "There are too many providers; remove one first",
        ProviderFault::KeepsNoTokens => "This provider keeps no tokens (keep_tokens)",
        ProviderFault::NoTokens => {
            "No token of this account is kept that the provider accepts; log in at the provider again"
        }
    }
}

/// Why an action on the server itself is refused.
#[must_use]
pub fn instance_fault(fault: &InstanceFault) -> Cow<'static, str> {
    Cow::Borrowed(match fault {
        InstanceFault::BackupBusy(file) => {
            return Cow::Owned(format!("Work on {file} goes on; wait until it is done"));
        }
        InstanceFault::BackupsOfPostgres => {
            "The database is PostgreSQL, which is backed up with its own tools"
        }
        InstanceFault::NoBackupFolder => "There is no folder for backups; set backup.to",
        InstanceFault::DownloadsBusy => {
            "Other backups are being downloaded; wait until one is done"
        }
        InstanceFault::BackupEncrypted => {
            "It is encrypted, and only its recipient can check it: `authd backup verify --identity`"
        }
        InstanceFault::NoMailServer => "No mail server is set; set mail.smtp_url",
        InstanceFault::MailTestsSpent => {
            "Too many test letters were sent within the hour; wait, or use `authd mail test`"
        }
        InstanceFault::MailTestBusy => "Another test letter is being sent; wait until it is done",
    })
}

const WRONG_OR_UNVERIFIED: &str =
    "Wrong email/username or password, or the email address has not been verified yet";
const NO_SERVICE: &str = "Only services may make this call: send a valid X-Service-Key, or call \
                          from one of server.service_networks";
const REGISTRATION_REFUSED: &str = "The answer of the browser for this passkey is not valid here";
const CONFIGURED_SECRET: &str = "The configuration holds the secret that tokens are signed with (tokens.secret): change it there";
const ACCOUNT_CHANGED: &str =
    "The account has changed since you opened it, so nothing was done; read it again";

fn detail(detail: &Detail) -> Cow<'static, str> {
    let text = match detail {
        Detail::WrongPasswordOrUnverified => WRONG_OR_UNVERIFIED,
        Detail::LacksGrantedPermissions => "This requires permissions that you do not have",
        Detail::NoService => NO_SERVICE,
        Detail::RoleAtSignUp => "A sign-up cannot choose this role",
        Detail::AddressUnverified => "Verify the email address first",
        Detail::FactorsClosed => {
            "Too many wrong codes. Log in from a place that you have used before, or open the link \
             that was mailed to you"
        }
        Detail::PasskeysOff => "Passkeys are not available here",
        Detail::PasskeyExists => "This passkey has been added already",
        Detail::SecondFactorDue => "Confirm your identity with your second factor",
        Detail::TooManyPasskeys => "The account has too many passkeys; remove one first",
        Detail::UnknownPasskey => "Passkey not found",
        Detail::PasskeyChallengeStale | Detail::RegistrationStale => {
            "The request for the passkey is too old or was used before; start again"
        }
        Detail::PasskeyUserVerification => {
            "This passkey did not check who you are; unlock it with its PIN, finger or face"
        }
        Detail::RegistrationUserVerification => {
            "This authenticator cannot check who you are; set a PIN on it, or add it as a security key"
        }
        Detail::RegistrationRefused => REGISTRATION_REFUSED,
        Detail::Provider(fault) => provider_fault(*fault),
        Detail::Instance(fault) => return instance_fault(fault),
        Detail::ResetLinkExpired => "Reset token expired",
        Detail::SignUpVerified => "Email is already verified",
        Detail::FactorExists => "This factor is already set up",
        Detail::UnknownFactor => "MFA device not found",
        Detail::DeletedAccount => "User account is deleted; restore it first",
        Detail::NotDeleted => "User account is not deleted",
        Detail::FileTypeNotAllowed { kinds } => return file_kinds(kinds).into(),
        Detail::AccountWithoutAddress => "The account has no email address",
        Detail::AccountChanged => ACCOUNT_CHANGED,
        Detail::ChangedSinceSeen => {
            "It has changed since you opened it, so nothing was done; read it again"
        }
        Detail::SuspendedAccount => "User account is suspended; lift the suspension first",
        Detail::FactorsOff => "Second factors are not available here",
        Detail::ResetTokenMissing => "Reset token is required",
        Detail::ConfiguredSecret => CONFIGURED_SECRET,
        Detail::ForeignKeys => {
            "The keys in the database were made under another configuration (tokens.algorithm, tokens.secret)"
        }
        Detail::UnknownMessage(id) => return format!("No message {id} in the outbox").into(),
        Detail::MessageSpent { id, state } => {
            return format!(
                "Message {id} is {state} and cannot be sent again: its body is erased or its link expired"
            )
            .into();
        }
        Detail::FileTooLarge { max } => return too_large(*max),
        Detail::RoleExists(name) => return format!("A role named {name} already exists").into(),
        Detail::UnknownRole(name) => return no_such_role(name).into(),
        Detail::UnknownApiClient(id) => return format!("There is no app {id}").into(),
    };
    text.into()
}

fn too_large(max: u64) -> Cow<'static, str> {
    Cow::Owned(format!("A file can have at most {max} bytes"))
}

/// The message of an error that says more than its kind: that of its first invalid field, of its
/// detail, or the one it was made with.
#[must_use]
pub fn specific(error: &Error) -> Option<Cow<'_, str>> {
    if let Some(first) = error.fields().first() {
        return Some(sentence(first));
    }
    if let Some(reason) = error.detail() {
        return Some(detail(reason));
    }
    (error.message() != error.kind().sentence()).then(|| error.message().into())
}

/// The message of an error in the words of the native API.
#[must_use]
pub fn message(error: &Error) -> Cow<'_, str> {
    specific(error).unwrap_or_else(|| error.kind().sentence().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_like_words() {
        assert_eq!(label("firstName"), "First name");
        assert_eq!(label("inner.refreshToken"), "Refresh token");
        assert_eq!(label("email"), "Email");
        assert_eq!(label("company_name"), "Company name");
    }

    #[test]
    fn a_sentence_has_the_figure_and_the_name_that_clients_know() {
        let error = FieldError::new(Field::NewPassword, Rule::TooShort { min: 12 });
        assert_eq!(field_name(&error.field), "newPassword");
        assert_eq!(short(&error), "Too short");
        let other = FieldError::new("firstName", Rule::TooLong { max: 100 });
        assert_eq!(short(&other), "Too long: at most 100 characters");
        assert_eq!(sentence(&error), "Password must be at least 12 characters");
        let error = FieldError::new("list[0].newPassword", Rule::TooLong { max: 256 });
        assert_eq!(field_name(&error.field), "list[0].newPassword");
        assert_eq!(sentence(&error), "New password must be at most 256 characters");
    }
}
