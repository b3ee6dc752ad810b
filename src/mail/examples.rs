//! Letters that are filled with examples, for previews and tests.

use super::{AddedMethod, FactorChange, Letter, LoginPlace, PasskeyChange, RemainingPasskeys};
use crate::model::{Device, Secret, Time};

/// One letter of each type, in the order of the types. Its links are `link`, but for the one that
/// disowns a sign-up.
#[must_use]
pub fn one_of_each(link: &str, until: Time) -> Vec<Letter> {
    let link = || Secret::new(link);
    vec![
        Letter::VerifyEmail {
            link: link(),
            disown: Secret::new("https://auth.example/v1/disown?token=no"),
            until,
        },
        Letter::AlreadyRegistered,
        Letter::PasswordClosed { link: link(), until },
        Letter::AccountLocked { until },
        Letter::SessionStolen,
        Letter::PasswordSet {
            remaining: Some(RemainingPasskeys {
                passkeys: vec![("iCloud Keychain", until), ("YubiKey 5", until)],
                page: Some(link()),
            }),
        },
        Letter::NewDevice {
            link: link(),
            device: Device::of(Some("Chrome Windows")),
            place: LoginPlace::Address("192.0.2.1".into()),
            at: until,
            until,
        },
        Letter::OneTimeCode { code: Secret::new("123456"), until },
        Letter::ResetCode { code: Secret::new("123456"), until },
        Letter::FactorGuesses { count: 10, link: link(), until },
        Letter::FactorChanged { change: FactorChange::AllRemoved },
        Letter::PasskeyChanged { change: PasskeyChange::Suspect("YubiKey 5") },
        Letter::IdentityRemoved { provider: "Google".to_owned() },
        Letter::ProviderCode {
            code: Secret::new("BCDFG-HJKLM"),
            provider: "Google".to_owned(),
            until,
        },
        Letter::LoginMethodAdded { change: AddedMethod::BackupCodes, link: link(), until },
        Letter::PasswordChanged,
        Letter::ResetPassword { link: link(), until },
        Letter::PasswordVoid { link: link(), until },
        Letter::ChoosePassword { link: link(), until },
        Letter::ConfirmEmail { link: link(), until },
        Letter::EmailChanging { undo: link(), until },
        Letter::AddressTaken,
        Letter::AccountDeleted,
        Letter::ChangedAccountDeleted,
        Letter::Alert {
            alert: |words| &words.letters.alert.failure_burst,
            at: until,
            place: "192.0.2.1".into(),
            command: "authd audit",
        },
    ]
}
