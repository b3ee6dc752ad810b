//! Values as people read them: states, devices, places, events.

use crate::identity::Core;
use crate::identity::audit::log::AuditRow;
use crate::model::event::What;
use crate::model::{Account, Status, Time};
use crate::web::time::{Moment, moment};
use crate::words::english;

/// A time in both forms.
pub(super) fn time(time: Time) -> Moment {
    moment(english().words, time)
}

/// A word with its look: `good`, `bad` or `off`.
pub(super) struct Tag {
    pub(super) word: &'static str,
    pub(super) look: &'static str,
}

/// The state of an account.
pub(super) fn state(core: &Core, account: &Account) -> Tag {
    state_tag(account.status(core.verification()))
}

pub(super) fn state_tag(status: Status) -> Tag {
    let look = match status {
        Status::Active => "good",
        Status::Pending | Status::Deleted => "off",
        Status::Suspended => "bad",
    };
    Tag { word: status.as_str(), look }
}

/// How an account is called: its address, or else a name.
pub(super) fn label(account: &Account) -> String {
    account.label()
}

/// A name such as `password_reset` as words.
pub(super) fn words(name: &str) -> String {
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Events that are marked: thefts, bursts of failures, locks.
const MARKED: [What; 9] = [
    What::FailureBurst,
    What::RefreshReused,
    What::LoginDisowned,
    What::PasskeySuspect,
    What::Lockout,
    What::PasswordClosed,
    What::FactorClosed,
    What::AdminRefused,
    What::KeysRevoked,
];

/// Whether a record is about an attack, or may be.
pub(super) fn is_marked(record: &AuditRow) -> bool {
    MARKED.iter().any(|what| what.as_str() == record.event)
}

/// A number with separators.
pub(super) fn number(number: i64) -> String {
    english().words.number(u64::try_from(number).unwrap_or(0))
}
