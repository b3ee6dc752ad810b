//! The letters there are and what each of their templates may name.

use jiff::Timestamp;

use crate::model::{Secret, Time};

/// A letter with everything that its template names.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Prove this address; `disown` says that it was not the reader.
    VerifyEmail {
        /// Opens the page that proves the address.
        link: Secret,
        /// Opens the page that removes an account nobody proved.
        disown: Secret,
        /// When the link dies.
        until: Time,
    },
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered,
    /// Failures from unknown places have closed the password to strangers; the link opens it where it is followed.
    PasswordClosed {
        /// Opens the page that lets the client address in that follows it.
        link: Secret,
        /// When the link dies.
        until: Time,
    },
    /// Failures have locked the account's name for everybody.
    AccountLocked {
        /// When the lock opens by itself.
        until: Time,
    },
    /// A spent refresh token was used again: somebody else may have had it.
    SessionStolen,
    /// The password was set by somebody else than through the account's own session.
    PasswordSet,
    /// A login came from something new; the link ends it.
    NewDevice {
        /// Opens the page that ends the login.
        link: Secret,
        /// The device, in words of our own list.
        device: String,
        /// The client address, and where it is if that is known.
        place: String,
        /// When it was.
        at: Time,
        /// When the link dies.
        until: Time,
    },
    /// A one-time code.
    OneTimeCode {
        /// The digits.
        code: Secret,
        /// When it dies.
        until: Time,
    },
    /// A second factor was added or removed, or backup codes were made anew.
    FactorChanged {
        /// What happened, in a sentence of ours.
        change: String,
    },
    /// The owner changed the password in a session, which lives on.
    PasswordChanged,
    /// Somebody asked for a new password; the link sets one.
    ResetPassword {
        /// Opens the page that asks for the new password.
        link: Secret,
        /// When the link dies.
        until: Time,
    },
    /// The owner said that somebody else is in the account: its password is void, the link sets another.
    PasswordVoid {
        /// Opens the page that asks for the new password.
        link: Secret,
        /// When the link dies.
        until: Time,
    },
    /// To a new address: the link makes it the account's own.
    ConfirmEmail {
        /// Opens the page that confirms it.
        link: Secret,
        /// When the link dies.
        until: Time,
    },
    /// To the address before: somebody asked for another one.
    EmailChanging {
        /// Opens the page that undoes it and ends all sessions.
        undo: Secret,
        /// When the link dies, at the earliest.
        until: Time,
    },
    /// Another account wanted to take this address, which has one.
    AddressTaken,
    /// The owner deleted the account.
    AccountDeleted,
}

/// A letter's template: its name, and what it may name besides the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The template's file name without its ending, and the outbox's word.
    pub name: &'static str,
    /// Links, each of which both forms must carry.
    pub links: &'static [&'static str],
    /// Other values, which a template may leave out.
    pub values: &'static [&'static str],
}

const VERIFY_EMAIL: Kind = Kind { name: "verify_email", links: &["link", "disown"], values: &["until"] };
const ALREADY_REGISTERED: Kind = Kind { name: "already_registered", links: &[], values: &[] };
const PASSWORD_CLOSED: Kind = Kind { name: "password_closed", links: &["link"], values: &["until"] };
const ACCOUNT_LOCKED: Kind = Kind { name: "account_locked", links: &[], values: &["until"] };
const SESSION_STOLEN: Kind = Kind { name: "session_stolen", links: &[], values: &[] };
const PASSWORD_SET: Kind = Kind { name: "password_set", links: &[], values: &[] };
const NEW_DEVICE: Kind = Kind { name: "new_device", links: &["link"], values: &["device", "place", "at", "until"] };
const ONE_TIME_CODE: Kind = Kind { name: "one_time_code", links: &[], values: &["code", "until"] };
const FACTOR_CHANGED: Kind = Kind { name: "factor_changed", links: &[], values: &["change"] };
const PASSWORD_CHANGED: Kind = Kind { name: "password_changed", links: &[], values: &[] };
const RESET_PASSWORD: Kind = Kind { name: "reset_password", links: &["link"], values: &["until"] };
const PASSWORD_VOID: Kind = Kind { name: "password_void", links: &["link"], values: &["until"] };
const CONFIRM_EMAIL: Kind = Kind { name: "confirm_email", links: &["link"], values: &["until"] };
const EMAIL_CHANGING: Kind = Kind { name: "email_changing", links: &["undo"], values: &["until"] };
const ADDRESS_TAKEN: Kind = Kind { name: "address_taken", links: &[], values: &[] };
const ACCOUNT_DELETED: Kind = Kind { name: "account_deleted", links: &[], values: &[] };

impl Kind {
    /// Every letter's template.
    pub const ALL: [Kind; 16] = [
        VERIFY_EMAIL,
        ALREADY_REGISTERED,
        PASSWORD_CLOSED,
        ACCOUNT_LOCKED,
        SESSION_STOLEN,
        PASSWORD_SET,
        NEW_DEVICE,
        ONE_TIME_CODE,
        FACTOR_CHANGED,
        PASSWORD_CHANGED,
        RESET_PASSWORD,
        PASSWORD_VOID,
        CONFIRM_EMAIL,
        EMAIL_CHANGING,
        ADDRESS_TAKEN,
        ACCOUNT_DELETED,
    ];
}

impl Letter {
    /// Its template.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Letter::VerifyEmail { .. } => VERIFY_EMAIL,
            Letter::AlreadyRegistered => ALREADY_REGISTERED,
            Letter::PasswordClosed { .. } => PASSWORD_CLOSED,
            Letter::AccountLocked { .. } => ACCOUNT_LOCKED,
            Letter::SessionStolen => SESSION_STOLEN,
            Letter::PasswordSet => PASSWORD_SET,
            Letter::NewDevice { .. } => NEW_DEVICE,
            Letter::OneTimeCode { .. } => ONE_TIME_CODE,
            Letter::FactorChanged { .. } => FACTOR_CHANGED,
            Letter::PasswordChanged => PASSWORD_CHANGED,
            Letter::ResetPassword { .. } => RESET_PASSWORD,
            Letter::PasswordVoid { .. } => PASSWORD_VOID,
            Letter::ConfirmEmail { .. } => CONFIRM_EMAIL,
            Letter::EmailChanging { .. } => EMAIL_CHANGING,
            Letter::AddressTaken => ADDRESS_TAKEN,
            Letter::AccountDeleted => ACCOUNT_DELETED,
        }
    }

    /// After this it makes no sense to deliver it: its link is dead, what it tells is over.
    #[must_use]
    pub fn expires_at(&self) -> Option<Time> {
        match self {
            Letter::VerifyEmail { until, .. }
            | Letter::PasswordClosed { until, .. }
            | Letter::AccountLocked { until }
            | Letter::NewDevice { until, .. }
            | Letter::OneTimeCode { until, .. }
            | Letter::ResetPassword { until, .. }
            | Letter::PasswordVoid { until, .. }
            | Letter::ConfirmEmail { until, .. }
            | Letter::EmailChanging { until, .. } => Some(*until),
            Letter::AlreadyRegistered
            | Letter::SessionStolen
            | Letter::PasswordSet
            | Letter::PasswordChanged
            | Letter::AddressTaken
            | Letter::AccountDeleted
            | Letter::FactorChanged { .. } => None,
        }
    }

    /// What its template may name, with the values.
    pub(super) fn values(&self) -> Vec<(&'static str, Secret)> {
        let until = |time: &Time| ("until", Secret::new(readable(*time)));
        match self {
            Letter::VerifyEmail { link, disown, until: time } => {
                vec![("link", link.clone()), ("disown", disown.clone()), until(time)]
            }
            Letter::NewDevice { link, device, place, at, until: time } => vec![
                ("link", link.clone()),
                ("device", Secret::new(device.clone())),
                ("place", Secret::new(place.clone())),
                ("at", Secret::new(readable(*at))),
                until(time),
            ],
            Letter::OneTimeCode { code, until: time } => vec![("code", code.clone()), until(time)],
            Letter::FactorChanged { change } => vec![("change", Secret::new(change.as_str()))],
            Letter::PasswordClosed { link, until: time }
            | Letter::ResetPassword { link, until: time }
            | Letter::PasswordVoid { link, until: time }
            | Letter::ConfirmEmail { link, until: time } => vec![("link", link.clone()), until(time)],
            Letter::AccountLocked { until: time } => vec![until(time)],
            Letter::EmailChanging { undo, until: time } => vec![("undo", undo.clone()), until(time)],
            Letter::AlreadyRegistered
            | Letter::SessionStolen
            | Letter::PasswordSet
            | Letter::PasswordChanged
            | Letter::AddressTaken
            | Letter::AccountDeleted => Vec::new(),
        }
    }
}

/// `1 December 2023, 09:00 UTC`
fn readable(time: Time) -> String {
    let stamp = Timestamp::from_millisecond(time.millis()).unwrap_or_default();
    stamp.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_gives_exactly_what_its_template_may_name() {
        let link = || Secret::new("https://a.example/x");
        let until = Time::from_millis(1_701_421_200_987);
        let letters = [
            Letter::VerifyEmail { link: link(), disown: link(), until },
            Letter::AlreadyRegistered,
            Letter::PasswordClosed { link: link(), until },
            Letter::AccountLocked { until },
            Letter::SessionStolen,
            Letter::PasswordSet,
            Letter::NewDevice { link: link(), device: String::new(), place: String::new(), at: until, until },
            Letter::OneTimeCode { code: Secret::new("123456"), until },
            Letter::FactorChanged { change: "Changed.".into() },
            Letter::PasswordChanged,
            Letter::ResetPassword { link: link(), until },
            Letter::PasswordVoid { link: link(), until },
            Letter::ConfirmEmail { link: link(), until },
            Letter::EmailChanging { undo: link(), until },
            Letter::AddressTaken,
            Letter::AccountDeleted,
        ];
        for (letter, kind) in letters.iter().zip(Kind::ALL) {
            assert_eq!(letter.kind(), kind);
            let given: Vec<_> = letter.values().iter().map(|(name, _)| *name).collect();
            let named: Vec<_> = kind.links.iter().chain(kind.values).copied().collect();
            assert_eq!(given, named, "{}", kind.name);
        }
        assert_eq!(readable(until), "1 December 2023, 09:00 UTC");
    }

    #[test]
    fn a_letter_does_not_print_its_links() {
        let letter = Letter::PasswordClosed { link: Secret::new("hush"), until: Time::default() };
        assert!(!format!("{letter:?}").contains("hush"));
    }
}
