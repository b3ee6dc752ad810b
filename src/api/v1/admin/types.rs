//! Requests and responses of the administrative operations.

use poem_openapi::types::MaybeUndefined;
use poem_openapi::{Enum, Object};

use super::super::types::AccountStatus;
use crate::http::extract::fields::{
    EmailField, LanguageField, NewPasswordField, RoleNameField, UsernameField,
};
use crate::model::{EventOutcome, Status};

/// An account in a list.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ListedUser {
    /// The account's ID.
    pub id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The account's status.
    pub status: AccountStatus,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// When the account last completed a login.
    pub last_login: Option<String>,
    /// When the account was created.
    pub created_at: String,
    /// The account's roles.
    pub roles: Vec<String>,
}

/// Position of a page in the full list.
#[derive(Debug, Object)]
pub struct Pagination {
    /// The page number, from 1.
    pub page: i64,
    /// Maximum number of entries per page.
    pub limit: i64,
    /// Number of entries on all pages, as far as they were counted.
    pub total: i64,
    /// Number of pages.
    pub pages: i64,
    /// `true` if there may be more entries than were counted.
    #[oai(skip_serializing_if_is_none)]
    pub more: Option<bool>,
    /// The value of `after` for the next page, if there may be one.
    #[oai(skip_serializing_if_is_none)]
    pub next: Option<String>,
}

/// A page of accounts.
#[derive(Debug, Object)]
pub struct UserPage {
    /// The accounts, in order of creation unless `sort` asks for another one.
    pub users: Vec<ListedUser>,
    /// Position of the page.
    pub pagination: Pagination,
}

/// All data of an account except its secrets.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct WholeUser {
    /// The account's ID.
    pub id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// The language that the owner reads, if it is known.
    #[oai(skip_serializing_if_is_none)]
    pub locale: Option<String>,
    /// The account's status.
    pub status: AccountStatus,
    /// Whether the email address is verified.
    pub email_verified: bool,
    /// Whether the phone number is verified.
    pub phone_verified: bool,
    /// When the account last completed a login.
    pub last_login: Option<String>,
    /// When the account was created.
    pub created_at: String,
    /// When the account was last changed.
    pub updated_at: String,
    /// The account's roles.
    pub roles: Vec<String>,
    /// The permissions that the roles grant.
    pub permissions: Vec<String>,
    /// Wrong passwords that currently count towards a lockout.
    pub failed_login_attempts: i64,
    /// When a login last failed.
    pub last_failed_login: Option<String>,
    /// End of the current lockout after failed logins.
    pub account_locked_until: Option<String>,
    /// The version of the account, for `If-Match`.
    pub version: String,
}

/// An account after a change.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangedUser {
    /// The account's ID.
    pub id: String,
    /// The email address, if the account has one.
    pub email: Option<String>,
    /// The username.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The account's status.
    pub status: AccountStatus,
    /// The account's roles.
    pub roles: Vec<String>,
    /// When the account was last changed.
    pub updated_at: String,
    /// The version of the account, for `If-Match`.
    pub version: String,
}

/// Request to create an account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CreateUserRequest {
    /// The email address; must be unique.
    pub email: EmailField,
    /// The username; must be unique.
    pub username: Option<UsernameField>,
    /// The password.
    pub password: NewPasswordField,
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// The language that the owner reads, such as `de` or `pt-BR`.
    pub locale: Option<LanguageField>,
    /// Roles in addition to the default role. Requires `admin.roles`.
    #[oai(validator(max_items = 32))]
    pub roles: Option<Vec<String>>,
    /// If `true`, the email address counts as verified. Otherwise the account is pending until its
    /// owner requests a verification email and follows the link. No email is sent in either case.
    pub email_verified: Option<bool>,
}

/// A status that can be set.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum NewStatus {
    /// The account can be used.
    Active,
    /// The account cannot be used.
    Suspended,
}

impl From<NewStatus> for Status {
    fn from(status: NewStatus) -> Self {
        match status {
            NewStatus::Active => Self::Active,
            NewStatus::Suspended => Self::Suspended,
        }
    }
}

/// Fields to change. Absent fields keep their values; `null` clears a field.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdateUserRequest {
    /// Given name. Requires `admin.users.write`.
    #[oai(validator(max_length = 100))]
    pub first_name: MaybeUndefined<String>,
    /// Family name. Requires `admin.users.write`.
    #[oai(validator(max_length = 100))]
    pub last_name: MaybeUndefined<String>,
    /// Phone number. Requires `admin.users.write`.
    #[oai(validator(max_length = 20))]
    pub phone: MaybeUndefined<String>,
    /// The language of letters and pages, such as `de` or `pt-BR`. Requires `admin.users.write`.
    pub locale: MaybeUndefined<LanguageField>,
    /// The new status; `active` also marks the address of a pending account as verified, which
    /// requires `admin.users.write`. Requires `admin.users.suspend`.
    pub status: Option<NewStatus>,
    /// The complete new list of roles. Requires `admin.roles`.
    #[oai(validator(max_items = 32))]
    pub roles: Option<Vec<String>>,
}

/// The device that started a session.
#[derive(Debug, Object)]
pub struct DeviceInfo {
    /// The browser or program.
    pub browser: String,
    /// The operating system.
    pub os: String,
    /// `Desktop`, `Mobile`, `Tablet` or `Unknown`.
    pub device: String,
    /// Browser and operating system as one label, such as `Chrome on Windows`.
    pub label: String,
}

/// Approximate location of an IP address.
#[derive(Debug, Object)]
pub struct Location {
    /// The two-letter country code.
    pub country: Option<String>,
    /// The city's English name.
    pub city: Option<String>,
}

/// An active session.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownSession {
    /// The session's ID.
    pub id: String,
    /// The device that started the session.
    pub device_info: DeviceInfo,
    /// The client's IP address; `null` if the session was started on the server itself.
    pub ip_address: Option<String>,
    /// Location of the IP address; absent if the server does not know it.
    #[oai(skip_serializing_if_is_none)]
    pub location: Option<Location>,
    /// When the session was last used, accurate to five minutes.
    pub last_activity: String,
    /// When the session began.
    pub created_at: String,
    /// Whether this call uses the session.
    pub is_current: bool,
}

/// Active sessions, most recently used first.
pub type Sessions = Vec<ShownSession>;

/// A role.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownRole {
    /// The role's name.
    pub name: String,
    /// The permissions that the role grants.
    pub permissions: Vec<String>,
    /// Whether the role is built in. Built-in roles cannot be changed.
    pub built_in: bool,
    /// Number of accounts that have the role, at most 10,000.
    pub members: i64,
    /// `true` if more accounts have the role than are counted.
    #[oai(skip_serializing_if_is_none)]
    pub more_members: Option<bool>,
    /// When the role was created.
    pub created_at: String,
}

/// All roles.
pub type Roles = Vec<ShownRole>;

/// Request to create a role.
#[derive(Debug, Object)]
pub struct CreateRoleRequest {
    /// The role's name: lowercase letters, digits, dots, colons, underscores and hyphens.
    pub name: RoleNameField,
    /// The permissions that the role grants: permissions of this server, or an application's own.
    #[oai(validator(max_items = 100))]
    pub permissions: Vec<RoleNameField>,
}

/// Request to set the permissions of a role.
#[derive(Debug, Object)]
pub struct UpdateRoleRequest {
    /// The complete new list of permissions.
    #[oai(validator(max_items = 100))]
    pub permissions: Vec<RoleNameField>,
}

/// A record of the audit log.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuditRecord {
    /// The record's ID. IDs sort by time.
    pub id: String,
    /// When the event happened.
    pub at: String,
    /// The event.
    pub event: String,
    /// Outcome of the event: `done` or `refused`.
    pub outcome: String,
    /// The account that the record is about.
    pub account_id: Option<String>,
    /// The session that the record is about.
    pub session_id: Option<String>,
    /// Who performed the action: an account's ID, or `cli`.
    pub actor: Option<String>,
    /// The client's IP address.
    pub ip_address: Option<String>,
    /// The client's `User-Agent` header.
    pub user_agent: Option<String>,
    /// The ID of the request.
    pub request_id: Option<String>,
    /// Further detail, such as the limit that refused a request.
    pub detail: Option<String>,
    /// Number of occurrences. Requests that a limit refuses share one record per caller and minute.
    pub count: i64,
    /// Why an administrator did it, in their words.
    #[oai(skip_serializing_if_is_none)]
    pub reason: Option<String>,
}

/// A page of the audit log, newest first.
#[derive(Debug, Object)]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// Value of `before` for the next page; `null` on the last page.
    pub next: Option<String>,
}

/// Outcome of an audit record.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum OutcomeWord {
    /// It happened.
    Done,
    /// It was refused.
    Refused,
}

impl From<OutcomeWord> for EventOutcome {
    fn from(word: OutcomeWord) -> Self {
        match word {
            OutcomeWord::Done => Self::Done,
            OutcomeWord::Refused => Self::Refused,
        }
    }
}

/// Format of an audit log export.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum ExportFormat {
    /// One JSON object per line.
    Jsonl,
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
}

/// Delivery state of a message.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum LetterState {
    /// Requested, but not composed yet.
    Requested,
    /// Waiting for delivery.
    Waiting,
    /// Accepted by the mail server.
    Delivered,
    /// Delivery failed permanently.
    Failed,
    /// Discarded because it was no longer relevant.
    Dropped,
}

/// A message in the outbox, without its body.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownLetter {
    /// The message's ID.
    pub id: String,
    /// The kind of message.
    pub kind: String,
    /// The account that the message is about.
    pub account_id: Option<String>,
    /// The recipient's email address.
    pub recipient: Option<String>,
    /// The delivery state.
    pub state: LetterState,
    /// Number of delivery attempts.
    pub attempts: i64,
    /// When the next attempt is due.
    pub next_at: String,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the message was created.
    pub created_at: String,
    /// When the message reached its final state.
    pub finished_at: Option<String>,
}

/// A page of the outbox, newest first.
#[derive(Debug, Object)]
pub struct LetterPage {
    /// The messages.
    pub letters: Vec<ShownLetter>,
    /// Value of `before` for the next page; `null` on the last page.
    pub next: Option<String>,
}

/// Totals for the whole server.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Totals {
    /// Accounts that are not deleted.
    pub total_users: i64,
    /// Number of these accounts with a verified email address.
    pub verified_users: i64,
    /// Number of these accounts that are suspended.
    pub suspended_users: i64,
    /// Deleted accounts that can still be restored.
    pub deleted_users: i64,
    /// Completed logins since the server was set up.
    pub total_logins: i64,
    /// Active sessions.
    pub active_sessions: i64,
}

/// Completed logins of one day.
#[derive(Debug, Object)]
pub struct DailyLogins {
    /// The day, in UTC.
    pub date: String,
    /// Number of logins.
    pub count: i64,
}

/// Completed logins of one month.
#[derive(Debug, Object)]
pub struct MonthlyLogins {
    /// The month, in UTC.
    pub month: String,
    /// Number of logins.
    pub count: i64,
}

/// Completed logins, including days and months without any.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoginAnalytics {
    /// The last 30 days, oldest first.
    pub daily_logins: Vec<DailyLogins>,
    /// The last 12 months, oldest first.
    pub monthly_logins: Vec<MonthlyLogins>,
}

/// What an app's key proves.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum AppKind {
    /// Nothing, because the key is shipped to browsers.
    Client,
    /// That one of your servers makes the call.
    Service,
}

/// Request to register an app.
#[derive(Debug, Object)]
pub struct CreateAppRequest {
    /// A name for people.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
    /// What the app's key proves.
    pub kind: AppKind,
}

/// A registered app.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownApp {
    /// The app's ID, sent as `X-App-ID`.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// What the app's key proves.
    pub kind: AppKind,
    /// When the app was registered.
    pub created_at: String,
    /// When the current key was created.
    pub rotated_at: String,
    /// The key, sent as `X-Service-Key`. Shown only once.
    #[oai(skip_serializing_if_is_none)]
    pub key: Option<String>,
}

/// All apps.
pub type Apps = Vec<ShownApp>;

/// When a new signing key takes effect, and what happens to the previous keys.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum RotationMode {
    /// The new key is published now and signs after the lead time. The previous key verifies until
    /// its last token expires.
    Scheduled,
    /// The new key signs immediately. The previous key verifies until its last token expires.
    Now,
    /// The new key signs immediately. All previous keys, and all tokens signed with them, stop
    /// working.
    Revoke,
}

/// Request to rotate the signing keys.
#[derive(Debug, Object)]
pub struct RotateKeyRequest {
    /// How to rotate.
    pub mode: RotationMode,
}

/// A signing key, without its private part.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownKey {
    /// The key's ID: `kid` in tokens.
    pub id: String,
    /// The signature algorithm, such as `ES256`.
    pub algorithm: String,
    /// Current use: `next`, `signing`, `verifying` or `ended`.
    pub used_for: String,
    /// When the key was created.
    pub created_at: String,
    /// When the key starts to sign.
    pub signs_from: String,
    /// When the key's last token expires; `null` until another key takes over.
    pub verifies_until: Option<String>,
}

/// The signing keys, newest first.
pub type ShownKeys = Vec<ShownKey>;

/// Fields of a quota to change. Absent fields keep their values.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct QuotaRequest {
    /// Maximum number of uploads; `null` applies the configured limit.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub limit: MaybeUndefined<i64>,
    /// Number of uploads that count as used.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub files_uploaded: Option<i64>,
}

/// An upload quota.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownQuota {
    /// Number of uploads counted.
    pub files_uploaded: i64,
    /// Maximum number of uploads.
    pub limit: i64,
    /// Number of uploads left.
    pub remaining: i64,
    /// Share of the quota that is used, in whole percent.
    pub percentage: i64,
}

super::super::types::answers! {
    /// A page of accounts.
    UsersAnswer(UserPage);
    /// All data of an account except its secrets.
    UserAnswer(WholeUser);
    /// A newly created account.
    UserCreatedAnswer(ListedUser) saying "User created successfully";
    /// An account after a change.
    UserChangedAnswer(ChangedUser) saying "User updated successfully";
    /// Active sessions.
    SessionsAnswer(Sessions);
    /// All roles.
    RolesAnswer(Roles);
    /// A role after a change.
    RoleAnswer(ShownRole);
    /// A page of the audit log.
    AuditAnswer(AuditPage);
    /// A page of the outbox.
    LettersAnswer(LetterPage);
    /// A message that will be retried.
    LetterAnswer(ShownLetter) saying "The message will be retried";
    /// A quota after a change.
    QuotaChangedAnswer(ShownQuota) saying "Quota updated successfully";
    /// The signing keys.
    KeysAnswer(ShownKeys);
    /// Totals for the whole server.
    StatsAnswer(Totals);
    /// Completed logins.
    LoginsAnswer(LoginAnalytics);
    /// All apps.
    AppsAnswer(Apps);
    /// An app with its new key.
    AppAnswer(ShownApp) saying "The key is shown only once";
}
