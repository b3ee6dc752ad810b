//! Converts one row of a file into an account that the import can write, or into the reason why it
//! cannot.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::env::Env;
use crate::error::Result;
use crate::identity::access::actor;
use crate::identity::admin::import::column::{Fields, ImportColumn};
use crate::identity::admin::import::identity;
use crate::identity::admin::import::identity::ImportedIdentity;
use crate::identity::admin::import::reason::{ImportReason, PasswordGap};
use crate::identity::admin::import::value;
use crate::identity::admin::import::value::When;
use crate::model::account::{AddressPolicy, LONGEST_PHONE};
use crate::model::identity::Identity;
use crate::model::{Account, AccountId, Email, LanguageTag, Provider, Time, Username, role, text};
use crate::password::imported::ImportedPassword;
use crate::password::{imported, scheme};
use crate::store::tables::accounts::NewRow;

/// The earliest time accepted: no account is older than the clock that its time counts from.
const EARLIEST: Time = Time::from_seconds(0);
/// The highest number accepted: no count reaches it, and every JSON reader represents it exactly.
const HIGHEST_NUMBER: i64 = 1 << 52;
const LONGEST_ID: usize = 64;
const LONGEST_PART: usize = 100;
const LONGEST_NAME: usize = 255;

/// What identifies an account in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum AccountReference {
    Id,
    Number,
    /// The row has no id, only the address.
    Address,
}

/// An account that the import can write.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub(in crate::identity) row: NewRow,
    /// The address of the account in `row`.
    /// `None`: it has an account at a provider, and the policy lets it have no address.
    pub(in crate::identity) email: Option<Email>,
    /// The numeric id; an account without one gets the next.
    pub(in crate::identity) number: Option<i64>,
    /// Sorted.
    pub(in crate::identity) roles: Vec<String>,
    pub(in crate::identity) named: AccountReference,
    /// The accounts at providers that log in to it.
    pub(in crate::identity) identities: Vec<Identity>,
    pub(in crate::identity) notes: Vec<ImportReason>,
}

/// The rules that rows are checked against.
#[derive(Clone)]
pub struct ImportRules {
    /// All roles that exist in this database.
    pub(in crate::identity) roles: BTreeSet<String>,
    /// Roles that have more permissions than the default role and are not allowed by an option.
    pub(in crate::identity) withheld: BTreeSet<String>,
    /// Whether an address counts as verified if the file does not say.
    pub(in crate::identity) unsaid_is_proved: bool,
    /// Whether accounts are imported although they have no password here.
    pub(in crate::identity) without_passwords: bool,
    /// Whether every account needs an address.
    pub(in crate::identity) addresses: AddressPolicy,
    /// The providers that people can log in with.
    pub(in crate::identity) providers: Arc<Vec<Arc<Provider>>>,
    pub(in crate::identity) env: Env,
}

type ParseResult<T> = std::result::Result<T, ImportReason>;

impl ImportRules {
    /// Reads a row. The inner error is the reason for refusing it.
    pub fn read(&self, fields: &Fields) -> Result<ParseResult<Candidate>> {
        let fresh = AccountId::new(self.env.new_id()?);
        let handle = self.env.random()?;
        let mut read = self.candidate(fields, fresh, handle);
        if let Ok(candidate) = &mut read {
            for identity in &mut candidate.identities {
                identity.id = self.env.new_id()?;
            }
        }
        Ok(read)
    }

    fn candidate(
        &self,
        fields: &Fields,
        fresh: AccountId,
        handle: [u8; 32],
    ) -> ParseResult<Candidate> {
        let now = self.env.now();
        let state = StateColumns::of(fields, now)?;
        let mut notes = Vec::new();
        let (id, number, named) = reference(fields, fresh)?;
        let username = fields
            .get(ImportColumn::Username)
            .map(|name| Username::parse(name).ok_or(ImportReason::InvalidUsername))
            .transpose()?;
        let connected = fields.get(ImportColumn::Identities);
        let connected =
            connected.map_or(Ok(Vec::new()), |text| identity::read(text, &self.providers))?;
        let email = self.email(fields, !connected.is_empty())?;
        let hash = self.password(fields, !connected.is_empty(), &mut notes)?;
        let created_at = past(fields, ImportColumn::CreatedAt, now)?.unwrap_or(now);
        let proved = match moment(fields, ImportColumn::EmailVerified)? {
            Some(said) => said.at(created_at),
            None => (self.unsaid_is_proved && !state.is_pending).then_some(created_at),
        };
        let proved = proved.filter(|_| email.is_some());
        let password_scheme = hash.as_deref().map(scheme::scheme_of);
        let username_key = username.as_ref().map(|name| name.key().to_owned());
        let account = Account {
            email_verified_at: proved,
            username: username.map(|name| name.as_str().to_owned()),
            first_name: words(fields, ImportColumn::FirstName, LONGEST_PART)?,
            last_name: words(fields, ImportColumn::LastName, LONGEST_PART)?,
            name: words(fields, ImportColumn::Name, LONGEST_NAME)?,
            company_name: words(fields, ImportColumn::CompanyName, LONGEST_NAME)?,
            phone: words(fields, ImportColumn::Phone, LONGEST_PHONE)?,
            locale: language(fields, &mut notes),
            phone_verified_at: moment(fields, ImportColumn::PhoneVerified)?
                .and_then(|said| said.at(created_at)),
            password_hash: hash,
            suspended_at: state.suspended_at(now),
            last_login_at: past(fields, ImportColumn::LastLoginAt, now)?,
            updated_at: past(fields, ImportColumn::UpdatedAt, now)?.unwrap_or(created_at),
            ..Account::new(id, email.clone(), created_at)
        };
        let row_of = |one: ImportedIdentity| identity_row(one, &account, now);
        Ok(Candidate {
            identities: connected.into_iter().map(row_of).collect(),
            row: NewRow {
                username_key,
                password_scheme,
                files_uploaded: count(fields, ImportColumn::FilesUploaded)?.unwrap_or(0),
                upload_limit: count(fields, ImportColumn::UploadLimit)?,
                imported_at: Some(now),
                ..NewRow::new(account, handle)
            },
            email,
            number,
            roles: self.roles(fields, &mut notes),
            named,
            notes,
        })
    }

    /// The address. Only an account that logs in at a provider may have none, if the policy lets it.
    fn email(&self, fields: &Fields, has_identity: bool) -> ParseResult<Option<Email>> {
        match fields.get(ImportColumn::Email) {
            Some(email) => Email::parse(email).map(Some).ok_or(ImportReason::InvalidAddress),
            None if has_identity && self.addresses == AddressPolicy::Optional => Ok(None),
            None => Err(ImportReason::NoAddress),
        }
    }

    /// The password hash. An account without one is refused, unless it logs in at a provider or the
    /// operator accepts that: it would look like a success.
    fn password(
        &self,
        fields: &Fields,
        has_identity: bool,
        notes: &mut Vec<ImportReason>,
    ) -> ParseResult<Option<String>> {
        let gap = match fields.get(ImportColumn::PasswordHash).map(imported::read) {
            Some(ImportedPassword::Hash(hash)) => return Ok(Some(hash)),
            Some(ImportedPassword::Refused(why)) => PasswordGap::Refused(why),
            None | Some(ImportedPassword::Unusable) if self.without_passwords || has_identity => {
                return Ok(None);
            }
            None => PasswordGap::Missing,
            Some(ImportedPassword::Unusable) => PasswordGap::Unusable,
        };
        if self.without_passwords {
            notes.push(ImportReason::PasswordLeftOut(gap));
            return Ok(None);
        }
        Err(ImportReason::NoPassword(gap))
    }

    /// The roles that the account keeps. A list replaces the default role, a single role is added
    /// to it. The result is never empty.
    fn roles(&self, fields: &Fields, notes: &mut Vec<ImportReason>) -> Vec<String> {
        let listed = fields.get(ImportColumn::Roles).map(value::list).unwrap_or_default();
        let mut kept = Vec::new();
        if listed.is_empty() {
            kept.push(role::DEFAULT.to_owned());
        }
        let single = fields.get(ImportColumn::Role).map(str::to_ascii_lowercase);
        // Supabase gives this role to everybody who logs in.
        let single = single.filter(|name| name != "authenticated");
        for name in listed.into_iter().chain(single) {
            let shown = value::printable(&name);
            if self.withheld.contains(&name) {
                notes.push(ImportReason::RoleWithheld(shown));
            } else if kept.contains(&name) {
                // It is listed twice.
            } else if self.roles.contains(&name) {
                kept.push(name);
            } else {
                notes.push(ImportReason::RoleDropped(shown));
            }
        }
        if kept.is_empty() {
            kept.push(role::DEFAULT.to_owned());
        }
        kept
    }
}

/// The row of an account at a provider. It gets its ID where randomness is at hand.
fn identity_row(one: ImportedIdentity, account: &Account, now: Time) -> Identity {
    Identity {
        id: String::new(),
        account: account.id.clone(),
        provider: one.provider,
        issuer: one.issuer,
        subject: one.subject,
        email: one.email,
        name: one.name,
        created_at: one.created_at.unwrap_or(account.created_at).min(now),
        last_used_at: None,
    }
}

/// Reads the ids: a numeric id becomes the number, any other safe text becomes the id.
fn reference(
    fields: &Fields,
    fresh: AccountId,
) -> ParseResult<(AccountId, Option<i64>, AccountReference)> {
    let number = fields.get(ImportColumn::Number).map(numeric).transpose()?;
    let Some(id) = fields.get(ImportColumn::Id) else {
        return Ok((
            fresh,
            number,
            if number.is_some() { AccountReference::Number } else { AccountReference::Address },
        ));
    };
    let id = &*without_connection(id);
    let is_numeric = id.bytes().all(|b| b.is_ascii_digit()) && !id.starts_with('0');
    if is_numeric && number.is_none() {
        return Ok((fresh, Some(numeric(id)?), AccountReference::Number));
    }
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    if id.len() > LONGEST_ID || !id.bytes().all(is_safe) {
        return Err(ImportReason::InvalidId { max: LONGEST_ID });
    }
    if is_reserved(id) {
        return Err(ImportReason::ReservedId(id.to_owned()));
    }
    Ok((AccountId::new(id), number, AccountReference::Id))
}

/// Auth0 writes `auth0|5f7c…` for its own accounts, and in its file of password hashes `5f7c…` for
/// the same account: both become `5f7c…`. The bar is not safe in paths, so other connections become
/// `google-oauth2:1234`.
fn without_connection(id: &str) -> Cow<'_, str> {
    match id.split_once('|') {
        Some(("auth0", rest)) if rest.bytes().any(|byte| !byte.is_ascii_digit()) => rest.into(),
        Some(_) => id.replace('|', ":").into(),
        None => id.into(),
    }
}

/// Whether an id would stand for something else: an actor in the audit log, or a path segment that
/// clients resolve before they send it.
fn is_reserved(id: &str) -> bool {
    matches!(id, "." | "..") || actor::RESERVED.iter().any(|name| id.eq_ignore_ascii_case(name))
}

fn numeric(text: &str) -> ParseResult<i64> {
    let number = text.parse().ok().filter(|number| (1..=HIGHEST_NUMBER).contains(number));
    number.ok_or(ImportReason::InvalidNumber { max: HIGHEST_NUMBER })
}

/// What a file says about an event: whether it happened, or when.
enum Said {
    Yes,
    No,
    At(Time),
}

impl Said {
    /// When it happened; `unknown` if the file only says that it did.
    fn at(&self, unknown: Time) -> Option<Time> {
        match self {
            Said::Yes => Some(unknown),
            Said::No => None,
            Said::At(at) => Some(*at),
        }
    }
}

fn moment(fields: &Fields, column: ImportColumn) -> ParseResult<Option<Said>> {
    let Some(text) = fields.get(column) else { return Ok(None) };
    let said = match value::truth(text) {
        Some(true) => Some(Said::Yes),
        Some(false) => Some(Said::No),
        None => match value::time(text) {
            When::At(at) => Some(Said::At(at)),
            When::Never => Some(Said::No),
            When::Unreadable => None,
        },
    };
    said.map(Some).ok_or(ImportReason::NotYesNoOrTime(column))
}

fn past(fields: &Fields, column: ImportColumn, now: Time) -> ParseResult<Option<Time>> {
    let Some(text) = fields.get(column) else { return Ok(None) };
    match value::time(text) {
        When::At(at) if at < EARLIEST => Err(ImportReason::BeforeEpoch(column)),
        // Clocks differ: a time in the future counts as now.
        When::At(at) => Ok(Some(at.min(now))),
        When::Never => Ok(None),
        When::Unreadable => Err(ImportReason::InvalidTime(column)),
    }
}

fn words(fields: &Fields, column: ImportColumn, longest: usize) -> ParseResult<Option<String>> {
    let Some(words) = fields.get(column) else { return Ok(None) };
    if text::length(words) > longest || words.chars().any(text::is_control) {
        return Err(ImportReason::InvalidText { column, max: longest });
    }
    Ok(Some(words.to_owned()))
}

/// The language of the owner. What is no language tag is left out: it is no reason to lose an account.
fn language(fields: &Fields, notes: &mut Vec<ImportReason>) -> Option<LanguageTag> {
    let given = fields.get(ImportColumn::Locale)?;
    let tag = LanguageTag::parse(&given.trim().replace('_', "-"));
    if tag.is_none() {
        notes.push(ImportReason::LanguageLeftOut);
    }
    tag
}

fn count(fields: &Fields, column: ImportColumn) -> ParseResult<Option<i64>> {
    let Some(text) = fields.get(column) else { return Ok(None) };
    let count = text.parse().ok().filter(|count| (0..=HIGHEST_NUMBER).contains(count));
    count.map(Some).ok_or(ImportReason::InvalidCount(column))
}

/// Whether a suspension until then is in force.
fn is_still_to_come(text: &str, now: Time) -> ParseResult<bool> {
    match value::time(text) {
        _ if text.eq_ignore_ascii_case("infinity") => Ok(true),
        When::At(until) => Ok(until > now),
        When::Never => Ok(false),
        When::Unreadable => Err(ImportReason::InvalidTime(ImportColumn::SuspendedUntil)),
    }
}

/// What the columns about an account's state say together.
struct StateColumns {
    suspended: Option<Said>,
    is_pending: bool,
}

impl StateColumns {
    fn of(fields: &Fields, now: Time) -> ParseResult<Self> {
        if moment(fields, ImportColumn::Deleted)?.is_some_and(|said| !matches!(said, Said::No)) {
            return Err(ImportReason::Deleted);
        }
        let mut suspended = moment(fields, ImportColumn::Suspended)?;
        if let Some(text) = fields.get(ImportColumn::SuspendedUntil)
            && is_still_to_come(text, now)?
        {
            suspended = suspended.or(Some(Said::Yes));
        }
        if let Some(text) = fields.get(ImportColumn::Active) {
            match value::truth(text) {
                Some(true) => {}
                Some(false) => suspended = suspended.or(Some(Said::Yes)),
                None => return Err(ImportReason::NotYesOrNo(ImportColumn::Active)),
            }
        }
        let mut is_pending = false;
        match fields.get(ImportColumn::Status).map(str::to_ascii_lowercase).as_deref() {
            None | Some("active" | "enabled" | "verified" | "ok") => {}
            Some("pending" | "unverified") => is_pending = true,
            Some(
                "suspended" | "inactive" | "disabled" | "locked" | "blocked" | "banned"
                | "deactivated",
            ) => {
                if !matches!(suspended, Some(Said::At(_))) {
                    suspended = Some(Said::Yes);
                }
            }
            Some("deleted") => return Err(ImportReason::Deleted),
            Some(_) => return Err(ImportReason::UnknownStatus),
        }
        Ok(Self { suspended, is_pending })
    }

    fn suspended_at(&self, now: Time) -> Option<Time> {
        self.suspended.as_ref().and_then(|said| said.at(now))
    }
}
