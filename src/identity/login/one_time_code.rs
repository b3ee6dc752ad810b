//! One-time codes: six digits, valid for ten minutes, one per account and purpose. This module
//! makes, sends and counts them.
//!
//! Attempts are counted per account and purpose, not per code: five in ten minutes for a client IP
//! that requested the code or passed the first factor, five an hour for all other client IPs
//! together. Besides, each client IP that has logged in to the account has twenty a day, and all
//! others together have fifty. A client that has used its attempts up is refused, and the code stays
//! valid for the others.

use std::time::Duration;

use crate::error::{Error, Kind, Limit, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard;
use crate::identity::login::guard::Familiarity;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, ClientIp, Email, Event, Secret, Source, Time};
use crate::outbox::{self, OutgoingMessage};
use crate::sms::{self, TextMessage};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;
use crate::store::tables::codes::{Code, Match};
use crate::store::{self, Decision};

pub use crate::store::tables::codes::CodePurpose;

/// The refusal of a client that has used up its attempts.
pub const USED_UP: Kind = Kind::TooMany(Limit::Code);
/// The same for a code that resets the password.
pub const RESET_USED_UP: Kind = Kind::TooMany(Limit::ResetCode);
/// How long a code is valid, and how long requesting one gives a client IP its own attempts.
pub const LIFE: Duration = Duration::from_mins(10);

const DAY: Duration = Duration::from_hours(24);
pub(in crate::identity) const EARNED: (u32, Duration) = (5, LIFE);
pub(in crate::identity) const OTHERS: (u32, Duration) = (5, Duration::from_hours(1));
/// Attempts a day of all client IPs together that never logged in to the account.
pub(in crate::identity) const STRANGERS_DAY: (u32, Duration) = (50, DAY);
/// Attempts a day of each client IP that has logged in to the account.
pub(in crate::identity) const KNOWN_DAY: (u32, Duration) = (20, DAY);
/// Codes mailed after a correct first factor.
pub(in crate::identity) const SENT: (u32, Duration) = (5, LIFE);
const TEXTS: (u32, Duration) = (5, DAY);

/// Whether a client IP has attempts of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It passed the first factor, or requested the code.
    RequestedHere,
    /// Anything else: it shares its attempts with all other such client IPs.
    Unknown,
}

/// Where a code comes from.
#[derive(Debug, Clone, Copy)]
pub struct CodeOrigin {
    pub client: ClientIp,
    pub trust: Trust,
    pub familiarity: Familiarity,
}

/// An attempt to use a code: counted, then checked or spent, inside one write.
#[derive(Debug, Clone)]
pub struct CodeAttempt {
    purpose: CodePurpose,
    trust: Trust,
    limits: [(Scope, [u8; 32], (u32, Duration)); 2],
    subject: Option<Account>,
    login: LoginTarget,
    hash: [u8; 32],
}

impl CodeAttempt {
    /// A code typed for an account, or for a name without an account. Both cost the same.
    #[must_use]
    pub fn new(
        core: &Core,
        login: &LoginTarget,
        subject: Option<&Account>,
        purpose: CodePurpose,
        typed: &str,
        origin: CodeOrigin,
    ) -> Self {
        let CodeOrigin { client, trust, familiarity } = origin;
        let all = format!("{}|{}", purpose.as_str(), login.text());
        let own = [all.as_bytes(), b"|", client.to_bytes().as_slice()].concat();
        let (own, all) = (core.master.mac("code tries", &own), all.as_bytes());
        let all = core.master.mac("code tries", all);
        let now = match trust {
            Trust::RequestedHere => (Scope::CodeEarned, own, EARNED),
            Trust::Unknown => (Scope::CodeOthers, all, OTHERS),
        };
        let day = match familiarity {
            Familiarity::Known => (Scope::CodeDay, own, KNOWN_DAY),
            Familiarity::Unknown => (Scope::CodeDay, all, STRANGERS_DAY),
        };
        let owner = subject.map_or("", |account| account.id.as_str());
        Self {
            purpose,
            trust,
            limits: [now, day],
            subject: subject.cloned(),
            login: login.clone(),
            hash: digest_of(core, owner, purpose, &plain(typed)),
        }
    }

    /// Counts the attempt. If none are left, returns how long to wait.
    pub fn count(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Option<Duration>> {
        let wait = count_all(db, &self.limits, log.at())?;
        if wait.is_some() {
            log.refuse(Barrier::CodeAttempts, &self.login);
        }
        Ok(wait)
    }

    /// Takes the attempt back, because the code was correct.
    pub fn forgive(&self, db: &mut dyn Db) -> Result<()> {
        self.limits.iter().try_for_each(|(scope, key, _)| attempts::give_back(db, *scope, key))
    }

    /// Whether the client earned attempts of its own.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// Checks whether the code is correct and still valid, without using it up.
    pub fn look(&self, db: &mut dyn Db, now: Time) -> Result<Option<Match>> {
        let (owner, credential_version) = self.owner();
        store::tables::codes::find(db, &owner, self.purpose, &self.hash, credential_version, now)
    }

    /// Uses the code up. Returns `None` if it is wrong, expired or already used.
    pub fn spend(&self, db: &mut dyn Db, now: Time) -> Result<Option<Match>> {
        let (owner, credential_version) = self.owner();
        store::tables::codes::spend(db, &owner, self.purpose, &self.hash, credential_version, now)
    }

    /// The account and credential version to look the code up under. An unknown name is looked up
    /// too, so that it costs the same.
    fn owner(&self) -> (AccountId, i64) {
        let owner =
            self.subject.as_ref().map(|account| (account.id.clone(), account.credential_version));
        owner.unwrap_or_else(|| (AccountId::new(""), Account::FIRST_CREDENTIAL_VERSION))
    }
}

/// Checks a code for an address. The attempt is counted, and taken back if the code is correct and
/// still valid. The code is not used up.
///
/// Nothing slow happens before the code is known to be correct, so an unknown address gets the same
/// answer as a wrong code, and as fast.
///
/// # Errors
/// `CodeInvalid`, `TooMany(Code)`.
pub(in crate::identity) async fn show(
    core: &Core,
    email: &Email,
    purpose: CodePurpose,
    typed: &str,
    source: &Source,
) -> Result<(CodeAttempt, Account)> {
    let client = source.client();
    let trust = trust_of(core, email, purpose, client).await?;
    let key = email.key().to_owned();
    let found = core.store.read(move |db| store::tables::accounts::find_by_email(db, &key)).await?;
    // An unknown name is looked up too, so that it costs the same.
    let id = found.as_ref().map_or_else(|| AccountId::new(""), |account| account.id.clone());
    let familiarity = guard::familiarity(core, &id, client).await?;
    let origin = CodeOrigin { client, trust, familiarity };
    let login = found.as_ref().map_or_else(|| LoginTarget::unknown(email.key()), LoginTarget::of);
    let account = found.filter(Account::is_reachable);
    let attempt = CodeAttempt::new(core, &login, account.as_ref(), purpose, typed, origin);
    let (inside, subject, log) = (attempt.clone(), account.clone(), AuditLog::new(core, source));
    core.store
        .decide(move |db| {
            if let Some(wait) = inside.count(db, &log)? {
                return Ok(Decision::CommitThenRefuse(used_up(purpose).retry_after(wait)));
            }
            let code = inside.look(db, log.at())?;
            let is_right = |account: &Account| {
                code.as_ref().is_some_and(|code| account.has_address(&code.target))
            };
            let is_right = subject.as_ref().is_some_and(is_right);
            if is_right {
                inside.forgive(db)?;
            }
            let event = if is_right {
                Event::done(What::CodeShown)
            } else {
                Event::refused(What::CodeShown)
            };
            let event = event.because(purpose.as_str());
            let event = match &subject {
                Some(account) => event.about(&account.id),
                None => event,
            };
            log.record(db, &event)?;
            Ok(if is_right {
                Decision::Commit(())
            } else {
                Decision::CommitThenRefuse(Kind::CodeInvalid.into())
            })
        })
        .await?;
    Ok((attempt, account.ok_or(Kind::CodeInvalid)?))
}

fn used_up(purpose: CodePurpose) -> Error {
    match purpose {
        CodePurpose::Reset => Error::new(RESET_USED_UP),
        CodePurpose::Login | CodePurpose::Factor | CodePurpose::Setup => Error::new(USED_UP),
    }
}

/// The error for a client that has used up its attempts.
#[must_use]
pub fn too_many(wait: Duration) -> Error {
    Error::new(USED_UP).retry_after(wait)
}

/// Counts under several limits together: under all of them or under none.
pub(in crate::identity) fn count_all(
    db: &mut dyn Db,
    limits: &[(Scope, [u8; 32], (u32, Duration))],
    now: Time,
) -> Result<Option<Duration>> {
    for (index, (scope, key, rate)) in limits.iter().enumerate() {
        if let Some(wait) = attempts::count(db, *scope, key, *rate, now)? {
            for (scope, key, _) in &limits[..index] {
                attempts::give_back(db, *scope, key)?;
            }
            return Ok(Some(wait));
        }
    }
    Ok(None)
}

fn asked_key(core: &Core, email: &Email, purpose: CodePurpose, client: ClientIp) -> [u8; 32] {
    let name = format!("{}|{}|", purpose.as_str(), email.key());
    core.master.mac("code asked", &[name.as_bytes(), client.to_bytes().as_slice()].concat())
}

/// Records that a client IP requested a code for an address, whether or not the address has an
/// account. This gives the client IP its own attempts.
#[derive(Debug, Clone)]
pub struct CodeRequested([u8; 32]);

impl CodeRequested {
    /// Prepares the record for the write that stores the request.
    #[must_use]
    pub fn new(core: &Core, email: &Email, purpose: CodePurpose, client: ClientIp) -> Self {
        Self(asked_key(core, email, purpose, client))
    }

    /// Writes the record.
    pub fn note(&self, db: &mut dyn Db, now: Time) -> Result<()> {
        attempts::lock(db, Scope::CodeAsked, &self.0, now)?;
        let row = attempts::AttemptRow {
            count: 1,
            expires_at: now + LIFE,
            ..attempts::AttemptRow::none(now)
        };
        attempts::save(db, Scope::CodeAsked, &self.0, &row)
    }
}

/// Whether a client IP has requested a code for this address.
///
/// # Errors
/// `Unavailable`.
pub async fn trust_of(
    core: &Core,
    email: &Email,
    purpose: CodePurpose,
    client: ClientIp,
) -> Result<Trust> {
    let (key, now) = (asked_key(core, email, purpose, client), core.env.now());
    let row = core.store.read(move |db| attempts::peek(db, Scope::CodeAsked, &key, now)).await?;
    Ok(if row.count > 0 { Trust::RequestedHere } else { Trust::Unknown })
}

/// A typed code without its spaces and dashes.
fn plain(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

fn digest_of(core: &Core, account: &str, purpose: CodePurpose, code: &str) -> [u8; 32] {
    core.master.mac("one-time code", format!("{}|{account}|{code}", purpose.as_str()).as_bytes())
}

/// A new code, to be stored and sent in one write, unless a limit holds it back.
#[derive(Debug, Clone)]
pub struct CodeDelivery {
    code: Code,
    message: OutgoingMessage,
    login: LoginTarget,
    limits: Vec<(Scope, [u8; 32], (u32, Duration))>,
    shares: Option<SetupShares>,
}

impl CodeDelivery {
    /// Stores the code and its message. If a limit holds it back, returns how long to wait, and the
    /// previous code stays valid.
    pub fn send(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Option<Duration>> {
        if let Some(wait) = self.count(db, log.at())? {
            log.refuse(Barrier::CodesSent, &self.login);
            return Ok(Some(wait));
        }
        store::tables::codes::replace(db, &self.code, log.at())?;
        outbox::enqueue(db, &self.message)?;
        Ok(None)
    }

    /// Counts the code under all its limits or under none.
    fn count(&self, db: &mut dyn Db, now: Time) -> Result<Option<Duration>> {
        if let Some(wait) = count_all(db, &self.limits, now)? {
            return Ok(Some(wait));
        }
        let Some(shares) = &self.shares else { return Ok(None) };
        let wait = shares.count(db, now)?;
        if wait.is_some() {
            for (scope, key, _) in &self.limits {
                attempts::give_back(db, *scope, key)?;
            }
        }
        Ok(wait)
    }
}

/// The shares of all text messages that codes for setting up factors may take: those of one client
/// IP, and all of them. Anybody with an account can request such a code for any number, so they
/// must leave messages for logins.
#[derive(Debug, Clone)]
struct SetupShares {
    daily: [u8; 32],
    shares: Vec<([u8; 32], u32)>,
}

impl SetupShares {
    fn new(core: &Core, source: &Source) -> Self {
        let sms = &core.config.sms;
        // A service acts for all its users, so its client IP says nothing about who asks.
        let client = source.sender.is_client().then(|| {
            let key = core.master.mac("texts sent", &source.client().to_bytes());
            (key, sms.daily_setups_client())
        });
        let daily = text_key(core, "");
        Self { daily, shares: client.into_iter().chain([(daily, sms.daily_setups())]).collect() }
    }

    /// Counts under both shares or under neither, after the message was counted under `SmsAll`. They
    /// have the same window: with windows of their own, two of them could fall into one of `SmsAll`.
    fn count(&self, db: &mut dyn Db, now: Time) -> Result<Option<Duration>> {
        let until = attempts::peek(db, Scope::SmsAll, &self.daily, now)?.expires_at;
        for (index, (key, most)) in self.shares.iter().enumerate() {
            let wait = attempts::count_until(db, Scope::SmsSetup, key, (*most, until), now)?;
            if wait.is_some() {
                for (key, _) in &self.shares[..index] {
                    attempts::give_back(db, Scope::SmsSetup, key)?;
                }
                return Ok(wait);
            }
        }
        Ok(None)
    }
}

fn text_key(core: &Core, text: &str) -> [u8; 32] {
    core.master.mac("texts sent", text.as_bytes())
}

/// Makes a new code for an account, not yet stored, and returns it with its digits.
pub fn make(
    core: &Core,
    account: &Account,
    purpose: CodePurpose,
    target: &str,
) -> Result<(Code, Secret)> {
    let digits = core.env.new_code()?;
    let code = Code {
        account: account.id.clone(),
        purpose,
        hash: digest_of(core, account.id.as_str(), purpose, digits.reveal()),
        credential_version: account.credential_version,
        target: target.to_owned(),
        factor: None,
        expires_at: core.env.now() + LIFE,
    };
    Ok((code, digits))
}

/// A new code by mail, for a client that has passed the first factor. Returns `None` if the account has
/// no address.
pub fn by_mail(
    core: &Core,
    account: &Account,
    purpose: CodePurpose,
    factor: Option<&str>,
) -> Result<Option<CodeDelivery>> {
    let Some(key) = account.email_key() else { return Ok(None) };
    let (code, digits) = make(core, account, purpose, key)?;
    let letter = Letter::OneTimeCode { code: digits, until: code.expires_at };
    let message = core.mail.compose_for(account, core.language_of(account), &letter)?;
    let Some(message) = message else { return Ok(None) };
    let key = core.master.mac("codes sent", account.id.as_str().as_bytes());
    let code = Code { factor: factor.map(str::to_owned), ..code };
    Ok(Some(CodeDelivery {
        code,
        message,
        login: LoginTarget::of(account),
        limits: vec![(Scope::CodeSent, key, SENT)],
        shares: None,
    }))
}

/// A new code by text message that sets up a factor. Besides the limits of [`by_text`], the shares
/// of set-ups and of the client IP hold it back.
pub fn setup_by_text(
    core: &Core,
    account: &Account,
    number: &str,
    factor: &str,
    source: &Source,
) -> Result<Option<CodeDelivery>> {
    let delivery = text_delivery(core, account, number, CodePurpose::Setup)?;
    Ok(delivery.map(|delivery| CodeDelivery {
        code: Code { factor: Some(factor.to_owned()), ..delivery.code },
        shares: Some(SetupShares::new(core, source)),
        ..delivery
    }))
}

/// A new code by text message, for a client that has passed the first factor. Returns `None` if
/// text messages are off or may not reach this number.
pub fn by_text(core: &Core, account: &Account, number: &str) -> Result<Option<CodeDelivery>> {
    text_delivery(core, account, number, CodePurpose::Factor)
}

fn text_delivery(
    core: &Core,
    account: &Account,
    number: &str,
    purpose: CodePurpose,
) -> Result<Option<CodeDelivery>> {
    let sms = &core.config.sms;
    if !sms.is_on() || !sms.may_reach(number) {
        return Ok(None);
    }
    let (code, digits) = make(core, account, purpose, number)?;
    let language = core.language_of(account);
    let text = Secret::new(language.texts.code(digits.reveal(), core.mail.service()));
    let text = TextMessage { text: &text, language: language.tag, until: code.expires_at };
    let message = sms::compose(&core.outbox, number, account.id.as_str(), &text)?;
    let limits = vec![
        (Scope::SmsTo, text_key(core, number), TEXTS),
        (Scope::SmsAccount, text_key(core, account.id.as_str()), TEXTS),
        (Scope::SmsAll, text_key(core, ""), (sms.daily, DAY)),
    ];
    let login = LoginTarget::of(account);
    Ok(Some(CodeDelivery { code, message, login, limits, shares: None }))
}
