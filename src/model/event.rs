//! Security events: what the audit log records.

use super::id::{AccountId, SessionId};

/// The kind of event. Its name appears in the audit log, in filters and in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    SignUp,
    EmailVerified,
    /// The owner requested the verification mail again.
    VerificationRequested,
    /// The recipient of a verification mail reported that the account is not theirs.
    SignUpDisowned,
    Login,
    /// An account name was locked after failed logins.
    Lockout,
    /// Password logins to one account from unknown IPs were blocked after failed logins.
    PasswordClosed,
    /// Second factors from unknown IPs were blocked after too many wrong ones.
    FactorClosed,
    /// The owner admitted a client IP while password logins from unknown IPs were blocked.
    LoginOpened,
    SessionEnded,
    /// A session was refreshed; recorded once per session and UTC day.
    SessionRefreshed,
    /// A refresh token that was already used came again.
    RefreshReused,
    ProfileChanged,
    /// An administrator or the command line created an account.
    AccountCreated,
    PasswordSet,
    /// The owner changed the password and proved the old one.
    PasswordChanged,
    /// A client requested a password reset link.
    PasswordResetRequested,
    /// A mailed link set a new password.
    PasswordReset,
    /// The owner confirmed their identity again.
    Reauthenticated,
    /// The owner requested a change of address.
    EmailChangeRequested,
    EmailChanged,
    /// The previous address undid a change of address.
    EmailChangeUndone,
    /// The owner exported all data kept about them.
    Exported,
    RolesChanged,
    Suspended,
    /// A suspended account was reinstated.
    Unsuspended,
    Unlocked,
    Deleted,
    /// A limit refused a request; recorded once per key and minute.
    LimitHit,
    /// A signing key was created.
    KeyMade,
    /// A login came from a device or country that the account had not been used from.
    NewDevice,
    /// The owner reported that a login was not theirs.
    LoginDisowned,
    /// Many logins from one client IP failed.
    FailureBurst,
    /// A deleted account was restored.
    AccountRestored,
    /// An administrator changed an account's data.
    AccountChanged,
    RoleCreated,
    RoleChanged,
    RoleDeleted,
    AppCreated,
    AppKeyRotated,
    AppDeleted,
    /// An administrator retried a mail.
    MailRetried,
    /// The text of a message, with its link or code, was shown at the command line.
    MailShown,
    AuditExported,
    /// A caller without the required permission called an administrative operation.
    AdminRefused,
    /// Accounts were imported from a file.
    AccountsImported,
    /// Accounts were exported to a file.
    AccountsExported,
    /// A new signing key was created, and all previous keys and their tokens were revoked.
    KeysRevoked,
    /// A login passed its first factor and waits for the second.
    LoginChallenged,
    /// A second factor was submitted.
    FactorShown,
    FactorAdded,
    FactorRenamed,
    FactorRemoved,
    /// New backup codes were created.
    BackupCodesMade,
    /// A client requested a one-time code.
    CodeRequested,
    /// A one-time code was submitted.
    CodeShown,
    /// An upload was counted against a quota.
    UploadCounted,
    QuotaChanged,
    FileUploaded,
    /// The owner deleted a file.
    FileDeleted,
}

impl What {
    /// The name used in the audit log, in filters and in metrics.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "one line per event")]
    pub fn as_str(self) -> &'static str {
        match self {
            What::SignUp => "sign_up",
            What::EmailVerified => "email_verified",
            What::VerificationRequested => "verification_requested",
            What::SignUpDisowned => "sign_up_disowned",
            What::Login => "login",
            What::Lockout => "lockout",
            What::PasswordClosed => "password_closed",
            What::FactorClosed => "factor_closed",
            What::LoginOpened => "login_opened",
            What::SessionEnded => "session_ended",
            What::SessionRefreshed => "session_refreshed",
            What::RefreshReused => "refresh_reused",
            What::ProfileChanged => "profile_changed",
            What::AccountCreated => "account_created",
            What::PasswordSet => "password_set",
            What::PasswordChanged => "password_changed",
            What::PasswordResetRequested => "password_reset_requested",
            What::PasswordReset => "password_reset",
            What::Reauthenticated => "reauthenticated",
            What::EmailChangeRequested => "email_change_requested",
            What::EmailChanged => "email_changed",
            What::EmailChangeUndone => "email_change_undone",
            What::Exported => "exported",
            What::RolesChanged => "roles_changed",
            What::Suspended => "suspended",
            What::Unsuspended => "unsuspended",
            What::Unlocked => "unlocked",
            What::Deleted => "deleted",
            What::LimitHit => "limit_hit",
            What::KeyMade => "key_made",
            What::NewDevice => "new_device",
            What::LoginDisowned => "login_disowned",
            What::FailureBurst => "failure_burst",
            What::AccountRestored => "account_restored",
            What::AccountChanged => "account_changed",
            What::RoleCreated => "role_created",
            What::RoleChanged => "role_changed",
            What::RoleDeleted => "role_deleted",
            What::AppCreated => "app_created",
            What::AppKeyRotated => "app_key_rotated",
            What::AppDeleted => "app_deleted",
            What::MailRetried => "mail_retried",
            What::MailShown => "mail_shown",
            What::AuditExported => "audit_exported",
            What::AdminRefused => "admin_refused",
            What::AccountsImported => "accounts_imported",
            What::AccountsExported => "accounts_exported",
            What::KeysRevoked => "keys_revoked",
            What::LoginChallenged => "login_challenged",
            What::FactorShown => "factor_shown",
            What::FactorAdded => "factor_added",
            What::FactorRenamed => "factor_renamed",
            What::FactorRemoved => "factor_removed",
            What::BackupCodesMade => "backup_codes_made",
            What::CodeRequested => "code_requested",
            What::CodeShown => "code_shown",
            What::UploadCounted => "upload_counted",
            What::QuotaChanged => "quota_changed",
            What::FileUploaded => "file_uploaded",
            What::FileDeleted => "file_deleted",
        }
    }
}

/// Whether the action succeeded or was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    Done,
    Refused,
}

impl EventOutcome {
    /// The name used in the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EventOutcome::Done => "done",
            EventOutcome::Refused => "refused",
        }
    }
}

/// An audit record before it gets an id and a time.
#[derive(Debug, Clone)]
pub struct Event {
    pub what: What,
    pub outcome: EventOutcome,
    /// The account that the event is about.
    pub account: Option<AccountId>,
    /// The session that the event is about.
    pub session: Option<SessionId>,
    /// The account id of the actor, `cli`, or `None` if the actor is unknown.
    pub actor: Option<String>,
    /// A short detail, such as a reason, a role or a number.
    pub detail: Option<String>,
}

impl Event {
    /// An event for an action that succeeded.
    #[must_use]
    pub fn done(what: What) -> Self {
        Self {
            what,
            outcome: EventOutcome::Done,
            account: None,
            session: None,
            actor: None,
            detail: None,
        }
    }

    /// An event for an action that was refused.
    #[must_use]
    pub fn refused(what: What) -> Self {
        Self { outcome: EventOutcome::Refused, ..Self::done(what) }
    }

    /// Sets the account that the event is about.
    #[must_use]
    pub fn about(mut self, account: &AccountId) -> Self {
        self.account = Some(account.clone());
        self
    }

    /// Sets the session that the event is about.
    #[must_use]
    pub fn in_session(mut self, session: &SessionId) -> Self {
        self.session = Some(session.clone());
        self
    }

    /// Sets the actor.
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets the detail.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
