//! The security record in plain words.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::audit::log;
use crate::identity::audit::log::AuditRow;
use crate::model::event::What;
use crate::model::{Device, EventOutcome};
use crate::web::account::sessions::device;
use crate::web::html::Layout;
use crate::web::stop::Stop;
use crate::web::target::RECORD;
use crate::web::time::{Moment, moment};
use crate::web::view::AccountFrame;
use crate::web::visit::Owner;
use crate::words::{Text, Words};

/// Entries on a page.
const ON_PAGE: i64 = 30;

/// The record.
#[derive(Template)]
#[template(path = "pages/account/record.html")]
struct RecordView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    lines: Vec<RecordLine<'a>>,
    older: Option<String>,
}

/// An entry.
struct RecordLine<'a> {
    what: &'a str,
    is_refused: bool,
    at: Moment,
    /// The device and the address, or that it was an administrator.
    from: Option<String>,
}

/// `GET /account/record`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    let before = owner.parameter("before").filter(|id| id.len() <= 64);
    let (records, older) = log::own(owner.core(), &owner.caller, before, ON_PAGE).await?;
    let words = owner.words().words;
    let text = &words.account.record;
    let own = owner.caller.account.id.as_str();
    let view = RecordView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(RECORD, Some(&text.text), None),
        lines: records.iter().map(|record| line(words, own, record)).collect(),
        older,
    };
    owner.render(&view, None)
}

fn line<'a>(words: &'a Words, own: &str, record: &AuditRow) -> RecordLine<'a> {
    let is_refused = record.outcome == EventOutcome::Refused.as_str();
    let what = What::ALL.iter().find(|what| what.as_str() == record.event);
    let (what, says_refusal) =
        what.map_or((&words.events.other, false), |what| sentence(words, *what, is_refused));
    let by_other = record.actor.as_deref().is_some_and(|actor| actor != own);
    let from = if by_other {
        Some(words.account.record.by_admin.to_string())
    } else {
        let agent = record.user_agent.as_deref();
        let device = agent.map(|agent| device(words, Device::of(Some(agent))));
        let parts = [device, record.client_ip.clone().filter(|address| !address.is_empty())];
        let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        Some(joined).filter(|joined| !joined.is_empty())
    };
    RecordLine { what, is_refused: is_refused && !says_refusal, at: moment(words, record.at), from }
}

/// The words for an event, and whether they say that it was refused.
fn sentence(words: &Words, what: What, is_refused: bool) -> (&Text, bool) {
    let text = &words.events;
    if is_refused {
        match what {
            What::Login => return (&text.login_refused, true),
            What::FactorShown => return (&text.factor_refused, true),
            What::CodeShown => return (&text.code_refused, true),
            _ => {}
        }
    }
    (done(words, what), false)
}

/// Makes the words for an event from a table, so that a new kind of event does not compile without
/// words.
macro_rules! event_words {
    ($($what:ident $(| $more:ident)* => $key:ident;)*) => {
        fn done(words: &Words, what: What) -> &Text {
            match what {
                $(What::$what $(| What::$more)* => &words.events.$key,)*
            }
        }
    };
}

event_words! {
    SignUp => sign_up;
    EmailVerified => email_verified;
    VerificationRequested => verification_requested;
    SignUpDisowned => sign_up_disowned;
    Login => login;
    Lockout => lockout;
    PasswordClosed => password_closed;
    FactorClosed => factor_closed;
    LoginOpened => login_opened;
    SessionEnded => session_ended;
    SessionRefreshed => session_refreshed;
    RefreshReused => refresh_reused;
    ProfileChanged => profile_changed;
    AccountCreated => account_created;
    PasswordSet => password_set;
    PasswordChanged => password_changed;
    PasswordResetRequested => password_reset_requested;
    PasswordReset => password_reset;
    Reauthenticated => reauthenticated;
    EmailChangeRequested => email_change_requested;
    EmailChanged => email_changed;
    EmailChangeUndone => email_change_undone;
    Exported => exported;
    RolesChanged => roles_changed;
    Suspended => suspended;
    Unsuspended => unsuspended;
    Unlocked => unlocked;
    Deleted => deleted;
    LimitHit => limit_hit;
    NewDevice => new_device;
    LoginDisowned => login_disowned;
    FailureBurst => failure_burst;
    AccountRestored => account_restored;
    AccountChanged => account_changed;
    LoginChallenged => login_challenged;
    FactorShown => factor_shown;
    FactorAdded => factor_added;
    FactorRenamed => factor_renamed;
    FactorRemoved => factor_removed;
    BackupCodesMade => backup_codes_made;
    PasskeyAdded => passkey_added;
    PasskeyRenamed => passkey_renamed;
    PasskeyRemoved => passkey_removed;
    PasskeySyncable => passkey_syncable;
    PasskeySuspect => passkey_suspect;
    IdentityLinked => identity_linked;
    IdentityRemoved => identity_removed;
    ProviderTokenGiven => provider_token_given;
    CodeRequested => code_requested;
    CodeShown => code_shown;
    UploadCounted => upload_counted;
    QuotaChanged => quota_changed;
    FileUploaded => file_uploaded;
    FileDeleted => file_deleted;
    KeyMade | RoleCreated | RoleChanged | RoleDeleted | AppCreated | AppKeyRotated | AppDeleted | MailRetried | MailShown | AuditExported | AdminRefused | AccountsImported | AccountsExported | BackupMade | DatabaseRestored | UpgradeRolledBack | MasterKeyReplaced | KeysRevoked => other;
    ProviderAdded | ProviderChanged | ProviderRemoved => other;
    BackupChecked | BackupDownloaded | MailTested => other;
}
