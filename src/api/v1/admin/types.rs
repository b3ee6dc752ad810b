//! What the administrative operations read and write, field by field.

use poem_openapi::types::MaybeUndefined;
use poem_openapi::{Enum, Object};

use super::super::types::AccountStatus;
use crate::http::fields::{EmailField, PasswordField, UsernameField};

/// An account in a list.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ListedUser {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The state.
    pub status: AccountStatus,
    /// Whether the address is proved.
    pub email_verified: bool,
    /// The last completed login.
    pub last_login: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// The roles.
    pub roles: Vec<String>,
}

/// Where a page stands among all.
#[derive(Debug, Object)]
pub struct Pagination {
    /// This page, from 1.
    pub page: i64,
    /// How many a page has at most.
    pub limit: i64,
    /// How many there are on all pages.
    pub total: i64,
    /// How many pages there are.
    pub pages: i64,
    /// `true` where a search fits more than it looks at: the pages show the first of them, and more letters show others.
    #[oai(skip_serializing_if_is_none)]
    pub more: Option<bool>,
}

/// A page of accounts.
#[derive(Debug, Object)]
pub struct UserPage {
    /// The accounts, in the order they were made.
    pub users: Vec<ListedUser>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// Everything about an account but its secrets.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct WholeUser {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The state.
    pub status: AccountStatus,
    /// Whether the address is proved.
    pub email_verified: bool,
    /// Whether the telephone number is proved.
    pub phone_verified: bool,
    /// The last completed login.
    pub last_login: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// The roles.
    pub roles: Vec<String>,
    /// What the roles may do.
    pub permissions: Vec<String>,
    /// Wrong passwords that count at the moment.
    pub failed_login_attempts: i64,
    /// When a login last failed.
    pub last_failed_login: Option<String>,
    /// Until when it is locked after failures.
    pub account_locked_until: Option<String>,
}

/// An account after a change.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ChangedUser {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The user name.
    pub username: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The state.
    pub status: AccountStatus,
    /// The roles.
    pub roles: Vec<String>,
    /// When it last changed.
    pub updated_at: String,
}

/// A new account.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct CreateUserRequest {
    /// The address, which must be unique.
    pub email: EmailField,
    /// The user name; must be unique.
    pub username: Option<UsernameField>,
    /// The password.
    pub password: PasswordField,
    /// Given name.
    #[oai(validator(max_length = 100))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 100))]
    pub last_name: Option<String>,
    /// Roles besides the default one; takes `admin.roles`.
    #[oai(validator(max_items = 32))]
    pub roles: Option<Vec<String>>,
    /// True counts the address as proved, without a mail.
    pub email_verified: Option<bool>,
}

/// What to change; what is absent stays, null empties.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct UpdateUserRequest {
    /// Given name; takes `admin.users.write`.
    #[oai(validator(max_length = 100))]
    pub first_name: MaybeUndefined<String>,
    /// Family name; takes `admin.users.write`.
    #[oai(validator(max_length = 100))]
    pub last_name: MaybeUndefined<String>,
    /// Telephone number; takes `admin.users.write`.
    #[oai(validator(max_length = 20))]
    pub phone: MaybeUndefined<String>,
    /// `active` or `suspended`; takes `admin.users.suspend`.
    pub status: Option<AccountStatus>,
    /// All roles that it has then; takes `admin.roles`.
    #[oai(validator(max_items = 32))]
    pub roles: Option<Vec<String>>,
}

/// By what a session was begun.
#[derive(Debug, Object)]
pub struct DeviceInfo {
    /// The browser or program.
    pub browser: String,
    /// The operating system.
    pub os: String,
    /// `Desktop`, `Mobile`, `Tablet` or `Unknown`.
    pub device: String,
    /// The first two as people say it: `Chrome on Windows`.
    pub label: String,
}

/// Where a client address is.
#[derive(Debug, Object)]
pub struct Location {
    /// The country's two letters.
    pub country: Option<String>,
    /// The city's English name.
    pub city: Option<String>,
}

/// A live session.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownSession {
    /// The id.
    pub id: String,
    /// By what it was begun.
    pub device_info: DeviceInfo,
    /// From which address; null where it was begun on the machine itself.
    pub ip_address: Option<String>,
    /// Where that is; null without a location file.
    pub location: Option<Location>,
    /// When it was last used, to within five minutes.
    pub last_activity: String,
    /// When it began.
    pub created_at: String,
    /// Whether this very call uses it.
    pub is_current: bool,
}

/// Live sessions, the last used first.
pub type Sessions = Vec<ShownSession>;

/// A role.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownRole {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// True when it comes with the program and stays as it is.
    pub built_in: bool,
    /// How many accounts have it.
    pub members: i64,
    /// When it was made.
    pub created_at: String,
}

/// All roles.
pub type Roles = Vec<ShownRole>;

/// A new role.
#[derive(Debug, Object)]
pub struct CreateRoleRequest {
    /// Small letters, digits, dots, colons, underscores and hyphens.
    #[oai(validator(max_length = 64))]
    pub name: String,
    /// What it may do: permissions of this program, or words of an app's own.
    #[oai(validator(max_items = 100))]
    pub permissions: Vec<String>,
}

/// What a role may do from now on.
#[derive(Debug, Object)]
pub struct UpdateRoleRequest {
    /// All that it may do then.
    #[oai(validator(max_items = 100))]
    pub permissions: Vec<String>,
}

/// A record of the audit log.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuditRecord {
    /// The id; later ones sort later.
    pub id: String,
    /// When.
    pub at: String,
    /// What happened.
    pub event: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// Whose account it is about.
    pub account_id: Option<String>,
    /// Whose session it is about.
    pub session_id: Option<String>,
    /// Who did it: an account's id, or `cli`.
    pub actor: Option<String>,
    /// From which address.
    pub ip_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// One word or figure more: the limit that refused.
    pub detail: Option<String>,
    /// How often: what a limit refused is one record for each caller and minute.
    pub count: i64,
}

/// A part of the audit log, the newest first.
#[derive(Debug, Object)]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// What to send as `before` for the next part; null at the end.
    pub next: Option<String>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum ExportFormat {
    /// One JSON object per line.
    Jsonl,
    /// Comma-separated values with a heading (RFC 4180).
    Csv,
}

/// Where a letter stands.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum LetterState {
    /// Only asked for.
    Requested,
    /// To be delivered.
    Waiting,
    /// Taken by the mail server.
    Delivered,
    /// Given up.
    Failed,
    /// Too old to make sense.
    Dropped,
}

/// A letter in the outbox, without its body.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownLetter {
    /// The id.
    pub id: String,
    /// Which letter.
    pub kind: String,
    /// Whose account it is about.
    pub account_id: Option<String>,
    /// To whom.
    pub recipient: Option<String>,
    /// Where it stands.
    pub state: LetterState,
    /// How often the mail server was asked to take it.
    pub attempts: i64,
    /// When the next try is due.
    pub next_at: String,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it came to its end.
    pub finished_at: Option<String>,
}

/// A part of the outbox, the newest first.
#[derive(Debug, Object)]
pub struct LetterPage {
    /// The letters.
    pub letters: Vec<ShownLetter>,
    /// What to send as `before` for the next part; null at the end.
    pub next: Option<String>,
}

/// Totals.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Totals {
    /// Accounts that are not deleted.
    pub total_users: i64,
    /// Of them, those with a proved address.
    pub verified_users: i64,
    /// Of them, those that are suspended.
    pub suspended_users: i64,
    /// Deleted ones that can still be brought back.
    pub deleted_users: i64,
    /// Completed logins since the beginning.
    pub total_logins: i64,
    /// Sessions that can be used.
    pub active_sessions: i64,
}

/// Completed logins of a day.
#[derive(Debug, Object)]
pub struct DailyLogins {
    /// The UTC day.
    pub date: String,
    /// How many.
    pub count: i64,
}

/// Completed logins of a month.
#[derive(Debug, Object)]
pub struct MonthlyLogins {
    /// The month.
    pub month: String,
    /// How many.
    pub count: i64,
}

/// Completed logins, days and months without any included.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct LoginAnalytics {
    /// The last 30 days, the oldest first.
    pub daily_logins: Vec<DailyLogins>,
    /// The last 12 months, the oldest first.
    pub monthly_logins: Vec<MonthlyLogins>,
}

/// What an app's key proves.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum AppKind {
    /// Nothing: it ships to browsers.
    Client,
    /// That a server of yours is calling.
    Service,
}

/// A new app.
#[derive(Debug, Object)]
pub struct CreateAppRequest {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
    /// What its key proves.
    pub kind: AppKind,
}

/// An app.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownApp {
    /// The id, `X-App-ID`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What its key proves.
    pub kind: AppKind,
    /// When it was registered.
    pub created_at: String,
    /// When its key was made.
    pub rotated_at: String,
    /// The key, `X-Service-Key`: shown this once.
    #[oai(skip_serializing_if_is_none)]
    pub key: Option<String>,
}

/// All apps.
pub type Apps = Vec<ShownApp>;

/// When a new signing key signs, and what becomes of the old ones.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub enum RotationMode {
    /// Published now, signs after the lead time; the old one verifies until its last token is dead.
    Scheduled,
    /// Signs at once; the old one verifies until its last token is dead.
    Now,
    /// Signs at once; all before it die, with every token that is out.
    Revoke,
}

/// How to turn the signing keys.
#[derive(Debug, Object)]
pub struct RotateKeyRequest {
    /// How.
    pub mode: RotationMode,
}

/// A signing key; nothing private.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownKey {
    /// `kid` in tokens.
    pub id: String,
    /// `ES256`, …
    pub algorithm: String,
    /// What it is for at the moment: `next`, `signing`, `verifying` or `ended`.
    pub used_for: String,
    /// When it was made.
    pub created_at: String,
    /// When it begins to sign.
    pub signs_from: String,
    /// When its last token is dead; null until another takes over.
    pub verifies_until: Option<String>,
}

/// The signing keys, the newest first.
pub type ShownKeys = Vec<ShownKey>;

/// What to change of a quota; what is absent stays.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct QuotaRequest {
    /// How many uploads are allowed; null is what the configuration allows.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub limit: MaybeUndefined<i64>,
    /// How many count as uploaded.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    pub files_uploaded: Option<i64>,
}

/// A quota.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownQuota {
    /// How many uploads were counted.
    pub files_uploaded: i64,
    /// How many are allowed.
    pub limit: i64,
    /// How many are left.
    pub remaining: i64,
    /// How much is used, in whole percent.
    pub percentage: i64,
}

super::super::types::answers! {
    /// A page of accounts.
    UsersAnswer(UserPage);
    /// Everything about an account.
    UserAnswer(WholeUser);
    /// An account that has just been made.
    UserCreatedAnswer(ListedUser) saying "User created successfully";
    /// An account after a change.
    UserChangedAnswer(ChangedUser) saying "User updated successfully";
    /// Live sessions.
    SessionsAnswer(Sessions);
    /// All roles.
    RolesAnswer(Roles);
    /// A role after a change.
    RoleAnswer(ShownRole);
    /// A part of the audit log.
    AuditAnswer(AuditPage);
    /// A part of the outbox.
    LettersAnswer(LetterPage);
    /// A letter that is tried again.
    LetterAnswer(ShownLetter) saying "The message is tried again";
    /// A quota after a change.
    QuotaChangedAnswer(ShownQuota) saying "Quota updated successfully";
    /// The signing keys.
    KeysAnswer(ShownKeys);
    /// Totals.
    StatsAnswer(Totals);
    /// Completed logins.
    LoginsAnswer(LoginAnalytics);
    /// All apps.
    AppsAnswer(Apps);
    /// An app with its new key.
    AppAnswer(ShownApp) saying "The key is shown only now";
}
