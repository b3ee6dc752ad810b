//! All letters, and the values that each letter's template may use.

use crate::model::factor::FactorKind;
use crate::model::{Device, PasskeyKind, Secret, Time};
use crate::words::{Text, Words};

/// A letter with the values for its template.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Asks the owner to verify the address; `disown` reports that the owner did not sign up.
    VerifyEmail {
        /// Opens the page that verifies the address.
        link: Secret,
        /// Opens the page that removes the unverified account.
        disown: Secret,
        /// When the link expires.
        until: Time,
    },
    /// Someone attempted to sign up with an address that already has an account.
    AlreadyRegistered,
    /// After failed logins from unknown IPs, the password is accepted only from known IPs; the link
    /// makes the IP from which it is opened a known one.
    PasswordClosed {
        /// Opens the page that lets the owner log in from the current client IP.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// Failed logins have locked the account for every client.
    AccountLocked {
        /// When the lock ends.
        until: Time,
    },
    /// A used refresh token was presented again: an attacker may have copied it.
    SessionStolen,
    /// The password was set outside the owner's session: by a reset or an administrator. Passkeys stay,
    /// so it names them.
    PasswordSet { remaining: Option<RemainingPasskeys> },
    /// A login came from a new device or place; the link ends it.
    NewDevice {
        /// Opens the page that ends the login.
        link: Secret,
        device: Device,
        place: LoginPlace,
        /// The time of the login.
        at: Time,
        /// When the link expires.
        until: Time,
    },
    /// A code that completes a login or confirms a factor.
    OneTimeCode {
        /// The digits.
        code: Secret,
        /// When the code expires.
        until: Time,
    },
    /// A password reset by code was requested; the code sets a new password.
    ResetCode {
        /// The digits.
        code: Secret,
        /// When the code expires.
        until: Time,
    },
    /// Wrong second factors were submitted in a row; the link makes the IP from which it is opened a
    /// known one.
    FactorGuesses {
        count: i64,
        /// Opens the page that lets the owner log in from the current client IP.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// A second factor was removed, or an administrator added one.
    FactorChanged { change: FactorChange },
    /// A passkey was removed, or may have been copied.
    PasskeyChanged { change: PasskeyChange },
    /// An account at this provider was removed.
    IdentityRemoved { provider: String },
    /// A code that completes a login with a provider.
    ProviderCode {
        /// The letters.
        code: Secret,
        /// What people call the provider.
        provider: String,
        /// When the code expires.
        until: Time,
    },
    /// A session or a login added a way to log in; the link reports that the owner did not.
    LoginMethodAdded {
        change: AddedMethod,
        /// Opens the page that takes it back.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// The password was changed in a session, which stays valid.
    PasswordChanged,
    /// A password reset was requested; the link sets a new password.
    ResetPassword {
        /// Opens the page that asks for the new password.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// The owner reported that someone else uses the account: the password no longer works, and the
    /// link sets a new one.
    PasswordVoid {
        /// Opens the page that asks for the new password.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// The address is verified, but its sign-ups gave different passwords, so none works: the link
    /// sets one.
    ChoosePassword {
        /// Opens the page that asks for the new password.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// Sent to a new address: the link confirms it.
    ConfirmEmail {
        /// Opens the page that confirms it.
        link: Secret,
        /// When the link expires.
        until: Time,
    },
    /// Sent to the old address: a change of address was requested.
    EmailChanging {
        /// Opens the page that undoes the change and ends all sessions.
        undo: Secret,
        /// The earliest time at which the link expires.
        until: Time,
    },
    /// Another account asked to use this address, which already has an account.
    AddressTaken,
    /// The owner deleted the account.
    AccountDeleted,
    /// Sent to an address that the account had until recently: the account was deleted, and the
    /// link that undoes the change of address brings it back.
    ChangedAccountDeleted,
    /// For the operator of the server: an attack, or what looks like one.
    Alert {
        /// The sentence that says what happened.
        alert: fn(&Words) -> &Text,
        /// When it was noticed.
        at: Time,
        /// The client IP that the last call came from.
        place: String,
        /// The command that shows more.
        command: &'static str,
    },
}

/// What happened to the second factors of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorChange {
    Added(FactorKind),
    Removed(FactorKind),
    /// An administrator removed all of them.
    AllRemoved,
}

impl FactorChange {
    fn sentence(self, words: &Words) -> &Text {
        let text = &words.letters.factor_changed;
        match self {
            Self::Added(FactorKind::Totp) => &text.added_totp,
            Self::Added(FactorKind::Email) => &text.added_email,
            Self::Added(FactorKind::Sms) => &text.added_sms,
            Self::Removed(FactorKind::Totp) => &text.removed_totp,
            Self::Removed(FactorKind::Email) => &text.removed_email,
            Self::Removed(FactorKind::Sms) => &text.removed_sms,
            Self::AllRemoved => &text.all_removed,
        }
    }
}

/// What happened to a passkey. Authenticators are named from a fixed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyChange {
    Removed(&'static str, PasskeyKind),
    /// Its counter went back.
    Suspect(&'static str),
}

impl PasskeyChange {
    fn sentence(self, words: &Words) -> String {
        let text = &words.letters.passkey_changed;
        match self {
            Self::Removed(name, PasskeyKind::Passkey) => text.removed_passkey(name),
            Self::Removed(name, PasskeyKind::SecurityKey) => text.removed_security_key(name),
            Self::Suspect(name) => text.suspect(name),
        }
    }
}

fn removed_identity(words: &Words, provider: &str) -> String {
    words.letters.identity_changed.removed(provider)
}

/// What a session or a login added that lets people log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedMethod {
    /// Authenticators are named from a fixed list.
    Passkey(&'static str, PasskeyKind),
    Factor(FactorKind),
    BackupCodes,
    /// An account at the provider of this name.
    Provider(String),
}

impl AddedMethod {
    fn sentence(&self, words: &Words) -> String {
        match self {
            Self::Passkey(name, PasskeyKind::Passkey) => {
                words.letters.passkey_changed.added_passkey(name)
            }
            Self::Passkey(name, PasskeyKind::SecurityKey) => {
                words.letters.passkey_changed.added_security_key(name)
            }
            Self::Factor(kind) => FactorChange::Added(*kind).sentence(words).to_string(),
            Self::Provider(name) => words.letters.identity_changed.connected(name),
            Self::BackupCodes => words.letters.factor_changed.new_backup_codes.to_string(),
        }
    }
}

/// The passkeys that still log in to an account after its password was set.
#[derive(Debug, Clone)]
pub struct RemainingPasskeys {
    /// The names of their authenticators, from a fixed list, and when each was added.
    pub passkeys: Vec<(&'static str, Time)>,
    /// The page on which the owner removes them, where the server has it.
    pub page: Option<Secret>,
}

impl RemainingPasskeys {
    /// The values of a letter; empty where no passkey is left.
    fn values(remaining: Option<&Self>, words: &Words) -> Vec<(&'static str, Secret)> {
        let sentences = remaining.map(|remaining| remaining.in_words(words));
        let page = remaining.and_then(|remaining| remaining.page.clone());
        vec![
            ("remaining", Secret::new(sentences.unwrap_or_default())),
            ("page", page.unwrap_or_else(|| Secret::new(""))),
        ]
    }

    /// What follows the last sentence of a letter.
    fn in_words(&self, words: &Words) -> String {
        let text = &words.letters.password_set;
        let one = |(name, at): &(&str, Time)| text.passkey(words.date(*at), name);
        let all = self.passkeys.iter().map(one).collect::<Vec<_>>().join(&words.lists.comma);
        let what_to_do = if self.page.is_some() { &text.look_here } else { &text.look };
        let space = &words.lists.sentence_space;
        format!("{space}{}{space}{what_to_do}", text.passkeys_stay(all))
    }
}

/// Where a login came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginPlace {
    /// From the server itself.
    ThisMachine,
    /// A client IP and, if known, its location.
    Address(String),
}

impl LoginPlace {
    fn in_words(&self, words: &Words) -> String {
        match self {
            Self::ThisMachine => words.devices.this_machine.to_string(),
            Self::Address(address) => address.clone(),
        }
    }
}

/// The name of a device, such as `Chrome on Windows`.
fn device_label(words: &Words, device: &Device) -> String {
    match (device.known_browser(), device.known_os()) {
        (None, None) => words.devices.unknown.to_string(),
        (Some(browser), Some(os)) => words.devices.device(browser, os),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
    }
}

/// A letter's template: its name, and the values it may use besides the service name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterKind {
    /// The template's file name without extension; also the `kind` column of the outbox.
    pub name: &'static str,
    /// Links; the text and the HTML template must each contain all of them.
    pub links: &'static [&'static str],
    /// Other values, which a template may omit.
    pub values: &'static [&'static str],
}

const VERIFY_EMAIL: LetterKind =
    LetterKind { name: "verify_email", links: &["link", "disown"], values: &["until"] };
const ALREADY_REGISTERED: LetterKind =
    LetterKind { name: "already_registered", links: &[], values: &[] };
const PASSWORD_CLOSED: LetterKind =
    LetterKind { name: "password_closed", links: &["link"], values: &["until"] };
const ACCOUNT_LOCKED: LetterKind =
    LetterKind { name: "account_locked", links: &[], values: &["until"] };
const SESSION_STOLEN: LetterKind = LetterKind { name: "session_stolen", links: &[], values: &[] };
const PASSWORD_SET: LetterKind =
    LetterKind { name: "password_set", links: &[], values: &["remaining", "page"] };
const NEW_DEVICE: LetterKind = LetterKind {
    name: "new_device",
    links: &["link"],
    values: &["device", "place", "at", "until"],
};
const ONE_TIME_CODE: LetterKind =
    LetterKind { name: "one_time_code", links: &[], values: &["code", "until"] };
const RESET_CODE: LetterKind =
    LetterKind { name: "reset_code", links: &[], values: &["code", "until"] };
const FACTOR_GUESSES: LetterKind =
    LetterKind { name: "factor_guesses", links: &["link"], values: &["count", "until"] };
const FACTOR_CHANGED: LetterKind =
    LetterKind { name: "factor_changed", links: &[], values: &["change"] };
const PASSKEY_CHANGED: LetterKind =
    LetterKind { name: "passkey_changed", links: &[], values: &["change"] };
const IDENTITY_CHANGED: LetterKind =
    LetterKind { name: "identity_changed", links: &[], values: &["change"] };
const PROVIDER_CODE: LetterKind =
    LetterKind { name: "provider_code", links: &[], values: &["code", "provider", "until"] };
const LOGIN_METHOD_ADDED: LetterKind =
    LetterKind { name: "login_method_added", links: &["link"], values: &["change", "until"] };
const PASSWORD_CHANGED: LetterKind =
    LetterKind { name: "password_changed", links: &[], values: &[] };
const RESET_PASSWORD: LetterKind =
    LetterKind { name: "reset_password", links: &["link"], values: &["until"] };
const PASSWORD_VOID: LetterKind =
    LetterKind { name: "password_void", links: &["link"], values: &["until"] };
const CHOOSE_PASSWORD: LetterKind =
    LetterKind { name: "choose_password", links: &["link"], values: &["until"] };
const CONFIRM_EMAIL: LetterKind =
    LetterKind { name: "confirm_email", links: &["link"], values: &["until"] };
const EMAIL_CHANGING: LetterKind =
    LetterKind { name: "email_changing", links: &["undo"], values: &["until"] };
const ADDRESS_TAKEN: LetterKind = LetterKind { name: "address_taken", links: &[], values: &[] };
const ACCOUNT_DELETED: LetterKind = LetterKind { name: "account_deleted", links: &[], values: &[] };
const CHANGED_ACCOUNT_DELETED: LetterKind =
    LetterKind { name: "changed_account_deleted", links: &[], values: &[] };
const ALERT: LetterKind =
    LetterKind { name: "alert", links: &[], values: &["alert", "at", "place", "command"] };

impl LetterKind {
    /// The templates of all letters.
    pub const ALL: [LetterKind; 25] = [
        VERIFY_EMAIL,
        ALREADY_REGISTERED,
        PASSWORD_CLOSED,
        ACCOUNT_LOCKED,
        SESSION_STOLEN,
        PASSWORD_SET,
        NEW_DEVICE,
        ONE_TIME_CODE,
        RESET_CODE,
        FACTOR_GUESSES,
        FACTOR_CHANGED,
        PASSKEY_CHANGED,
        IDENTITY_CHANGED,
        PROVIDER_CODE,
        LOGIN_METHOD_ADDED,
        PASSWORD_CHANGED,
        RESET_PASSWORD,
        PASSWORD_VOID,
        CHOOSE_PASSWORD,
        CONFIRM_EMAIL,
        EMAIL_CHANGING,
        ADDRESS_TAKEN,
        ACCOUNT_DELETED,
        CHANGED_ACCOUNT_DELETED,
        ALERT,
    ];
}

impl Letter {
    /// The letter's template.
    #[must_use]
    pub fn kind(&self) -> LetterKind {
        match self {
            Letter::VerifyEmail { .. } => VERIFY_EMAIL,
            Letter::AlreadyRegistered => ALREADY_REGISTERED,
            Letter::PasswordClosed { .. } => PASSWORD_CLOSED,
            Letter::AccountLocked { .. } => ACCOUNT_LOCKED,
            Letter::SessionStolen => SESSION_STOLEN,
            Letter::PasswordSet { .. } => PASSWORD_SET,
            Letter::NewDevice { .. } => NEW_DEVICE,
            Letter::OneTimeCode { .. } => ONE_TIME_CODE,
            Letter::ResetCode { .. } => RESET_CODE,
            Letter::FactorGuesses { .. } => FACTOR_GUESSES,
            Letter::FactorChanged { .. } => FACTOR_CHANGED,
            Letter::PasskeyChanged { .. } => PASSKEY_CHANGED,
            Letter::IdentityRemoved { .. } => IDENTITY_CHANGED,
            Letter::ProviderCode { .. } => PROVIDER_CODE,
            Letter::LoginMethodAdded { .. } => LOGIN_METHOD_ADDED,
            Letter::PasswordChanged => PASSWORD_CHANGED,
            Letter::ResetPassword { .. } => RESET_PASSWORD,
            Letter::PasswordVoid { .. } => PASSWORD_VOID,
            Letter::ChoosePassword { .. } => CHOOSE_PASSWORD,
            Letter::ConfirmEmail { .. } => CONFIRM_EMAIL,
            Letter::EmailChanging { .. } => EMAIL_CHANGING,
            Letter::AddressTaken => ADDRESS_TAKEN,
            Letter::AccountDeleted => ACCOUNT_DELETED,
            Letter::ChangedAccountDeleted => CHANGED_ACCOUNT_DELETED,
            Letter::Alert { .. } => ALERT,
        }
    }

    /// The time after which the letter is not delivered, because its link or code has expired.
    #[must_use]
    pub fn expires_at(&self) -> Option<Time> {
        match self {
            Letter::VerifyEmail { until, .. }
            | Letter::PasswordClosed { until, .. }
            | Letter::AccountLocked { until }
            | Letter::ProviderCode { until, .. }
            | Letter::NewDevice { until, .. }
            | Letter::OneTimeCode { until, .. }
            | Letter::ResetCode { until, .. }
            | Letter::FactorGuesses { until, .. }
            | Letter::LoginMethodAdded { until, .. }
            | Letter::ResetPassword { until, .. }
            | Letter::PasswordVoid { until, .. }
            | Letter::ChoosePassword { until, .. }
            | Letter::ConfirmEmail { until, .. }
            | Letter::EmailChanging { until, .. } => Some(*until),
            Letter::AlreadyRegistered
            | Letter::SessionStolen
            | Letter::PasswordSet { .. }
            | Letter::PasswordChanged
            | Letter::AddressTaken
            | Letter::AccountDeleted
            | Letter::ChangedAccountDeleted
            | Letter::FactorChanged { .. }
            | Letter::PasskeyChanged { .. }
            | Letter::IdentityRemoved { .. }
            | Letter::Alert { .. } => None,
        }
    }

    /// The names that the template may use, with their values in this language.
    pub(super) fn values(&self, words: &Words) -> Vec<(&'static str, Secret)> {
        let readable = |time: &Time| Secret::new(words.date_time(*time));
        let until = |time: &Time| ("until", readable(time));
        let changed = |sentence: String| vec![("change", Secret::new(sentence))];
        match self {
            Letter::VerifyEmail { link, disown, until: time } => {
                vec![("link", link.clone()), ("disown", disown.clone()), until(time)]
            }
            Letter::NewDevice { link, device, place, at, until: time } => vec![
                ("link", link.clone()),
                ("device", Secret::new(device_label(words, device))),
                ("place", Secret::new(place.in_words(words))),
                ("at", readable(at)),
                until(time),
            ],
            Letter::OneTimeCode { code, until: time } | Letter::ResetCode { code, until: time } => {
                vec![("code", code.clone()), until(time)]
            }
            Letter::FactorGuesses { count, link, until: time } => {
                vec![("link", link.clone()), ("count", Secret::new(count.to_string())), until(time)]
            }
            Letter::FactorChanged { change } => changed(change.sentence(words).to_string()),
            Letter::PasskeyChanged { change } => changed(change.sentence(words)),
            Letter::IdentityRemoved { provider } => changed(removed_identity(words, provider)),
            Letter::ProviderCode { code, provider, until: time } => vec![
                ("code", code.clone()),
                ("provider", Secret::new(provider.as_str())),
                until(time),
            ],
            Letter::LoginMethodAdded { change, link, until: time } => vec![
                ("link", link.clone()),
                ("change", Secret::new(change.sentence(words))),
                until(time),
            ],
            Letter::PasswordSet { remaining } => {
                RemainingPasskeys::values(remaining.as_ref(), words)
            }
            Letter::PasswordClosed { link, until: time }
            | Letter::ResetPassword { link, until: time }
            | Letter::PasswordVoid { link, until: time }
            | Letter::ChoosePassword { link, until: time }
            | Letter::ConfirmEmail { link, until: time } => {
                vec![("link", link.clone()), until(time)]
            }
            Letter::AccountLocked { until: time } => vec![until(time)],
            Letter::EmailChanging { undo, until: time } => {
                vec![("undo", undo.clone()), until(time)]
            }
            Letter::Alert { alert, at, place, command } => vec![
                ("alert", Secret::new(alert(words).as_str())),
                ("at", readable(at)),
                ("place", Secret::new(place.as_str())),
                ("command", Secret::new(*command)),
            ],
            Letter::AlreadyRegistered
            | Letter::SessionStolen
            | Letter::PasswordChanged
            | Letter::AddressTaken
            | Letter::AccountDeleted
            | Letter::ChangedAccountDeleted => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::examples::one_of_each;
    use crate::words::english;

    #[test]
    fn every_letter_gives_exactly_what_its_template_may_name() {
        let until = Time::from_millis(1_701_421_200_987);
        let letters = one_of_each("https://a.example/x", until);
        assert_eq!(letters.len(), LetterKind::ALL.len());
        for (letter, kind) in letters.iter().zip(LetterKind::ALL) {
            assert_eq!(letter.kind(), kind);
            let given: Vec<_> = letter.values(&english()).iter().map(|(name, _)| *name).collect();
            let named: Vec<_> = kind.links.iter().chain(kind.values).copied().collect();
            assert_eq!(given, named, "{}", kind.name);
        }
    }

    #[test]
    fn a_letter_does_not_print_its_links() {
        let letter = Letter::PasswordClosed { link: Secret::new("hush"), until: Time::default() };
        assert!(!format!("{letter:?}").contains("hush"));
    }
}
