//! Security events: what the audit log records.

use super::id::{AccountId, SessionId};

/// Declares the kinds of events with their names, so that none can be missing in [`What::ALL`].
macro_rules! events {
    ($($(#[$doc:meta])* $what:ident = $name:literal,)*) => {
        /// The kind of event. Its name appears in the audit log, in filters and in metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum What {
            $($(#[$doc])* $what,)*
        }

        impl What {
            /// All kinds of events.
            pub const ALL: &[What] = &[$(What::$what),*];

            /// The name used in the audit log, in filters and in metrics.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(What::$what => $name,)*
                }
            }
        }
    };
}

events! {
    SignUp = "sign_up",
    EmailVerified = "email_verified",
    /// The owner requested the verification mail again.
    VerificationRequested = "verification_requested",
    /// The recipient of a verification mail reported that the account is not theirs.
    SignUpDisowned = "sign_up_disowned",
    Login = "login",
    /// An account name was locked after failed logins.
    Lockout = "lockout",
    /// Password logins to one account from unknown IPs were blocked after failed logins.
    PasswordClosed = "password_closed",
    /// Second factors from unknown IPs were blocked after too many wrong ones.
    FactorClosed = "factor_closed",
    /// The owner admitted a client IP while password logins from unknown IPs were blocked.
    LoginOpened = "login_opened",
    SessionEnded = "session_ended",
    /// A session was refreshed; recorded once per session and UTC day.
    SessionRefreshed = "session_refreshed",
    /// A refresh token that was already used came again.
    RefreshReused = "refresh_reused",
    ProfileChanged = "profile_changed",
    /// An administrator or the command line created an account.
    AccountCreated = "account_created",
    PasswordSet = "password_set",
    /// The owner changed the password and proved the old one.
    PasswordChanged = "password_changed",
    /// A client requested a password reset link.
    PasswordResetRequested = "password_reset_requested",
    /// A mailed link set a new password.
    PasswordReset = "password_reset",
    /// The owner confirmed their identity again.
    Reauthenticated = "reauthenticated",
    /// The owner requested a change of address.
    EmailChangeRequested = "email_change_requested",
    EmailChanged = "email_changed",
    /// The previous address undid a change of address.
    EmailChangeUndone = "email_change_undone",
    /// The owner exported all data kept about them.
    Exported = "exported",
    RolesChanged = "roles_changed",
    Suspended = "suspended",
    /// A suspended account was reinstated.
    Unsuspended = "unsuspended",
    Unlocked = "unlocked",
    Deleted = "deleted",
    /// A limit refused a request; recorded once per key and minute.
    LimitHit = "limit_hit",
    /// A signing key was created.
    KeyMade = "key_made",
    /// A login came from a device or country that the account had not been used from.
    NewDevice = "new_device",
    /// The owner reported that a login was not theirs.
    LoginDisowned = "login_disowned",
    /// Many logins from one client IP failed.
    FailureBurst = "failure_burst",
    /// A deleted account was restored.
    AccountRestored = "account_restored",
    /// An administrator changed an account's data.
    AccountChanged = "account_changed",
    RoleCreated = "role_created",
    RoleChanged = "role_changed",
    RoleDeleted = "role_deleted",
    AppCreated = "app_created",
    AppKeyRotated = "app_key_rotated",
    AppDeleted = "app_deleted",
    /// An administrator retried a mail.
    MailRetried = "mail_retried",
    /// The text of a message, with its link or code, was shown at the command line.
    MailShown = "mail_shown",
    AuditExported = "audit_exported",
    /// A caller without the required permission called an administrative operation.
    AdminRefused = "admin_refused",
    /// Accounts were imported from a file.
    AccountsImported = "accounts_imported",
    /// Accounts were exported to a file.
    AccountsExported = "accounts_exported",
    /// A backup of the whole database was made.
    BackupMade = "backup_made",
    /// The database was restored from a backup.
    DatabaseRestored = "database_restored",
    /// The copy made before an upgrade was put back.
    UpgradeRolledBack = "upgrade_rolled_back",
    /// A lost master key was replaced.
    MasterKeyReplaced = "master_key_replaced",
    /// A new signing key was created, and all previous keys and their tokens were revoked.
    KeysRevoked = "keys_revoked",
    /// A login passed its first factor and waits for the second.
    LoginChallenged = "login_challenged",
    /// A second factor was submitted.
    FactorShown = "factor_shown",
    FactorAdded = "factor_added",
    FactorRenamed = "factor_renamed",
    FactorRemoved = "factor_removed",
    PasskeyAdded = "passkey_added",
    PasskeyRenamed = "passkey_renamed",
    PasskeyRemoved = "passkey_removed",
    /// A passkey can be copied to other devices now.
    PasskeySyncable = "passkey_syncable",
    /// The counter of a passkey went back: it may have been copied.
    PasskeySuspect = "passkey_suspect",
    /// An account at a provider was connected.
    IdentityLinked = "identity_linked",
    IdentityRemoved = "identity_removed",
    /// An app got the token of a connected account.
    ProviderTokenGiven = "provider_token_given",
    /// New backup codes were created.
    BackupCodesMade = "backup_codes_made",
    /// A client requested a one-time code.
    CodeRequested = "code_requested",
    /// A one-time code was submitted.
    CodeShown = "code_shown",
    /// An upload was counted against a quota.
    UploadCounted = "upload_counted",
    QuotaChanged = "quota_changed",
    FileUploaded = "file_uploaded",
    /// The owner deleted a file.
    FileDeleted = "file_deleted",
    /// A provider to log in with was added.
    ProviderAdded = "provider_added",
    ProviderChanged = "provider_changed",
    ProviderRemoved = "provider_removed",
    /// A backup was checked.
    BackupChecked = "backup_checked",
    /// An administrator began to download a backup.
    BackupDownloaded = "backup_downloaded",
    /// An administrator sent a test letter.
    MailTested = "mail_tested",
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
