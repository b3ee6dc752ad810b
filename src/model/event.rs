//! Security events: what the audit log records.

use super::id::{AccountId, SessionId};

/// What happened. The word is what the log, filters and metrics know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// An account was made.
    SignUp,
    /// An address was proved.
    EmailVerified,
    /// Somebody asked for the verification mail again.
    VerificationRequested,
    /// Somebody said that an unproved account is not theirs.
    SignUpDisowned,
    /// A login.
    Login,
    /// An account's name was locked after failures.
    Lockout,
    /// Logins to one account from unknown addresses were closed after failures.
    PasswordClosed,
    /// The owner let a client address in while the password was closed to strangers.
    LoginOpened,
    /// A session ended.
    SessionEnded,
    /// A spent refresh token came again.
    RefreshReused,
    /// The profile changed.
    ProfileChanged,
    /// An administrator or the command line made an account.
    AccountCreated,
    /// A password was set.
    PasswordSet,
    /// The owner changed the password, knowing the one before.
    PasswordChanged,
    /// Somebody asked for a link that sets a new password.
    PasswordResetRequested,
    /// A mailed link set a new password.
    PasswordReset,
    /// The owner proved once more who they are.
    Reauthenticated,
    /// The owner asked for another address.
    EmailChangeRequested,
    /// The account has another address.
    EmailChanged,
    /// A change of address was undone from the address before.
    EmailChangeUndone,
    /// The owner took all that is kept about them.
    Exported,
    /// Roles changed.
    RolesChanged,
    /// An account was suspended.
    Suspended,
    /// An account was let in again.
    Unsuspended,
    /// A lockout was lifted.
    Unlocked,
    /// An account was deleted.
    Deleted,
    /// A limit refused somebody; counted once per key and minute.
    LimitHit,
    /// A signing key was made.
    KeyMade,
    /// A login came from a device or place that the account had not been used from.
    NewDevice,
    /// The owner said that a login was not theirs.
    LoginDisowned,
    /// Many logins of one client address failed.
    FailureBurst,
    /// A deleted account was brought back.
    AccountRestored,
    /// An administrator changed an account's data.
    AccountChanged,
    /// A role was made.
    RoleCreated,
    /// A role's permissions changed.
    RoleChanged,
    /// A role was deleted.
    RoleDeleted,
    /// An app was registered.
    AppCreated,
    /// An app got another key.
    AppKeyRotated,
    /// An app was deleted.
    AppDeleted,
    /// A letter was tried again by hand.
    MailRetried,
    /// The audit log was exported.
    AuditExported,
    /// Somebody without the right to it called an administrative operation.
    AdminRefused,
    /// Accounts were imported from a file.
    AccountsImported,
    /// Accounts were written to a file.
    AccountsExported,
    /// A signing key was made and all before it died, with every token under them.
    KeysRevoked,
    /// A login's first proof was right and its second factor is waited for.
    LoginChallenged,
    /// A second factor was shown.
    FactorShown,
    /// A second factor was confirmed.
    FactorAdded,
    /// A second factor was named anew.
    FactorRenamed,
    /// A second factor was removed.
    FactorRemoved,
    /// New backup codes were made.
    BackupCodesMade,
    /// Somebody asked for a one-time code.
    CodeRequested,
    /// A one-time code was shown.
    CodeShown,
    /// An upload was counted towards a quota.
    UploadCounted,
    /// A quota changed.
    QuotaChanged,
    /// A file was uploaded.
    FileUploaded,
    /// A file was deleted by its owner.
    FileDeleted,
}

impl What {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            What::SignUp => "sign_up",
            What::EmailVerified => "email_verified",
            What::VerificationRequested => "verification_requested",
            What::SignUpDisowned => "sign_up_disowned",
            What::Login => "login",
            What::Lockout => "lockout",
            What::PasswordClosed => "password_closed",
            What::LoginOpened => "login_opened",
            What::SessionEnded => "session_ended",
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

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        }
    }
}

/// One record of the audit log, before it has an id and a time.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub what: What,
    /// How it ended.
    pub outcome: Outcome,
    /// Whose account it is about.
    pub account: Option<AccountId>,
    /// Whose session it is about.
    pub session: Option<SessionId>,
    /// Who did it: an account's id, `cli`, or nobody known.
    pub actor: Option<String>,
    /// One word or figure more: a reason, a role.
    pub detail: Option<String>,
}

impl Event {
    /// Something was done.
    #[must_use]
    pub fn done(what: What) -> Self {
        Self { what, outcome: Outcome::Done, account: None, session: None, actor: None, detail: None }
    }

    /// Something was refused.
    #[must_use]
    pub fn refused(what: What) -> Self {
        Self { outcome: Outcome::Refused, ..Self::done(what) }
    }

    /// About this account.
    #[must_use]
    pub fn about(mut self, account: &AccountId) -> Self {
        self.account = Some(account.clone());
        self
    }

    /// About this session.
    #[must_use]
    pub fn in_session(mut self, session: &SessionId) -> Self {
        self.session = Some(session.clone());
        self
    }

    /// Done by this actor.
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// With one word more.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
