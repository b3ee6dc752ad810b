//! Why the owner of an account cannot log in: what stands in the way now, and what failed lately.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::error::{Kind, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::factor::guesses::FactorLocks;
use crate::identity::login::guard;
use crate::model::account::Verification;
use crate::model::event::What;
use crate::model::{Account, AccountId, ClientIp, EventOutcome, Factor, PasskeyKind, Time};
use crate::outbox::{Message, MessageState};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;
use crate::store::tables::audit::{AuditFilter, AuditRow, From};

/// How far back failures count as recent.
const LATELY: Duration = Duration::from_hours(7 * 24);
/// How many records of the account are read.
const RECORDS: i64 = 100;
/// How many of its messages are read.
const MESSAGES: i64 = 20;
/// How many kinds of recent failures are reported.
const FAILURES: usize = 5;

/// What an account logs in with, and what stands in the way.
#[derive(Debug, Clone)]
pub struct LoginCheck {
    pub account: Account,
    pub methods: LoginMethods,
    /// Those that refuse every login first.
    pub obstacles: Vec<Obstacle>,
}

/// What an account can log in with.
#[derive(Debug, Clone)]
pub struct LoginMethods {
    pub has_password: bool,
    pub passkeys: usize,
    pub security_keys: usize,
    /// Confirmed second factors.
    pub factors: Vec<Factor>,
    /// Backup codes that are left.
    pub backup_codes: i64,
    /// Providers with a connected account.
    pub providers: Vec<String>,
    /// Whether the server mails codes to log in with.
    pub has_mailed_codes: bool,
}

/// Something that stands in the way of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub kind: ObstacleKind,
    /// When it began, or happened last.
    pub since: Option<Time>,
    /// When it ends by itself.
    pub until: Option<Time>,
    /// The client IP that it concerns; `None` if it concerns all.
    pub client_ip: Option<String>,
    /// The reason in the audit log, or the answer of the mail server.
    pub detail: Option<String>,
    /// How often it happened.
    pub count: i64,
}

/// What stands in the way of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObstacleKind {
    Deleted,
    Suspended,
    /// The address is not verified, and the server requires it.
    AddressUnverified,
    /// There is no password, passkey or connected provider, and no mailed code.
    NoMethod,
    /// The account name is locked after failures.
    LockedOut,
    /// The password is accepted only from client IPs that have logged in lately.
    PasswordClosed,
    /// Second factors are accepted only from client IPs that have logged in lately.
    FactorsClosed,
    /// A client IP has to wait after wrong passwords.
    ClientWaits,
    /// Logins reach the server from a proxy that it does not trust, so all its users count as one.
    ProxyNotTrusted,
    /// The server has nothing to send mail with.
    MailNotConfigured,
    /// A message to the owner was given up.
    MailFailed,
    /// A message to the owner waits after a failed attempt.
    MailWaits,
    /// A limit refused requests.
    LimitHit,
    /// Logins were refused lately, without a success since.
    LoginRefused,
    /// Second factors were refused lately, without a success since.
    FactorRefused,
    /// Mailed codes were refused lately, without a success since.
    CodeRefused,
}

impl ObstacleKind {
    /// The name that the native API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Suspended => "suspended",
            Self::AddressUnverified => "address_unverified",
            Self::NoMethod => "no_method",
            Self::LockedOut => "locked_out",
            Self::PasswordClosed => "password_closed",
            Self::FactorsClosed => "factors_closed",
            Self::ClientWaits => "client_waits",
            Self::ProxyNotTrusted => "proxy_not_trusted",
            Self::MailNotConfigured => "mail_not_configured",
            Self::MailFailed => "mail_failed",
            Self::MailWaits => "mail_waits",
            Self::LimitHit => "limit_hit",
            Self::LoginRefused => "login_refused",
            Self::FactorRefused => "factor_refused",
            Self::CodeRefused => "code_refused",
        }
    }

    fn now(self) -> Obstacle {
        Obstacle { kind: self, since: None, until: None, client_ip: None, detail: None, count: 1 }
    }

    fn since(self, since: Option<Time>) -> Obstacle {
        Obstacle { since, ..self.now() }
    }

    fn until(self, until: Time) -> Obstacle {
        Obstacle { until: Some(until), ..self.now() }
    }
}

/// Explains what stands in the way of a login to the account with this id.
///
/// # Errors
/// `AccountNotFound`.
pub async fn explain(core: &Core, id: &str) -> Result<LoginCheck> {
    let (check, id) = (Check::of(core), AccountId::new(id));
    core.store.scan(move |db| check.run(db, &id)).await
}

/// What the check needs of the core.
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(super) struct Check {
    now: Time,
    verification: Verification,
    master: crate::seal::MasterKey,
    has_throttle: bool,
    has_lockout: bool,
    has_mailed_codes: bool,
    sends_mail: bool,
    /// The server has a public URL and does not say which proxies it trusts.
    may_be_behind_proxy: bool,
}

impl Check {
    pub(super) fn of(core: &Core) -> Self {
        let config = &core.config;
        Self {
            now: core.env.now(),
            verification: core.verification(),
            master: core.master.clone(),
            has_throttle: config.throttle.enabled,
            has_lockout: config.lockout.enabled,
            has_mailed_codes: config.login.passwordless,
            sends_mail: config.mail.smtp.is_some(),
            may_be_behind_proxy: config.server.public_url.is_some()
                && config.server.trusted_proxies.is_none(),
        }
    }

    fn run(&self, db: &mut dyn Db, id: &AccountId) -> Result<LoginCheck> {
        let account = store::tables::accounts::find(db, id)?.ok_or(Kind::AccountNotFound)?;
        let methods = self.methods(db, &account)?;
        let filter = AuditFilter { about: Some(id.clone()), ..AuditFilter::default() };
        let mut records = store::tables::audit::page(db, &filter, &From::Newest, RECORDS)?;
        records.retain(|record| record.at > self.now - LATELY);
        let failures = failures(&records);
        let mut obstacles = self.of_state(&account, &methods);
        obstacles.extend(self.of_failures(db, &account, &failures)?);
        obstacles.extend(self.of_mail(db, id)?);
        obstacles.extend(failures);
        obstacles.sort_by_key(|obstacle| obstacle.kind);
        Ok(LoginCheck { account, methods, obstacles })
    }

    fn methods(&self, db: &mut dyn Db, account: &Account) -> Result<LoginMethods> {
        let keys = store::tables::passkeys::of(db, &account.id)?;
        let count = |kind| keys.iter().filter(|key| key.kind == kind).count();
        let mut factors = store::tables::factors::of(db, &account.id)?;
        factors.retain(|factor| factor.confirmed_at.is_some());
        let identities = store::tables::identities::of(db, &account.id)?;
        Ok(LoginMethods {
            has_password: account.password_hash.is_some(),
            passkeys: count(PasskeyKind::Passkey),
            security_keys: count(PasskeyKind::SecurityKey),
            factors,
            backup_codes: store::tables::factors::count_backup_codes(db, &account.id)?,
            providers: identities.into_iter().map(|identity| identity.provider).collect(),
            has_mailed_codes: self.has_mailed_codes,
        })
    }

    fn of_state(&self, account: &Account, methods: &LoginMethods) -> Vec<Obstacle> {
        use ObstacleKind::{AddressUnverified, Deleted, MailNotConfigured, NoMethod, Suspended};
        let needs_proof = self.verification == Verification::Required;
        let has_method =
            methods.has_password || methods.passkeys > 0 || !methods.providers.is_empty();
        let found = [
            account.deleted_at.map(|at| Deleted.since(Some(at))),
            account.suspended_at.map(|at| Suspended.since(Some(at))),
            (needs_proof && account.is_unproved()).then(|| AddressUnverified.now()),
            (!has_method && !methods.has_mailed_codes).then(|| NoMethod.now()),
            (!self.sends_mail).then(|| MailNotConfigured.now()),
        ];
        found.into_iter().flatten().collect()
    }

    /// What failures have closed for all client IPs, or for all but those that have logged in lately.
    pub(super) fn locks(&self, db: &mut dyn Db, account: &Account) -> Result<Vec<Obstacle>> {
        let name = LoginTarget::of(account).key(&self.master);
        let mut found = Vec::new();
        if self.has_lockout {
            let until = self.blocked(db, Scope::Lockout, &name)?;
            found.extend(until.map(|until| ObstacleKind::LockedOut.until(until)));
        }
        if FactorLocks::keyed(&self.master, &account.id).are_closed(db, self.now)? {
            found.push(ObstacleKind::FactorsClosed.now());
        }
        if self.has_throttle {
            let until = self.blocked(db, Scope::Account, &name)?;
            found.extend(until.map(|until| ObstacleKind::PasswordClosed.until(until)));
        }
        Ok(found)
    }

    /// Until when a key is blocked, if it is.
    fn blocked(&self, db: &mut dyn Db, scope: Scope, key: &[u8; 32]) -> Result<Option<Time>> {
        let row = attempts::peek(db, scope, key, self.now)?;
        Ok(row.blocked_until.filter(|until| *until > self.now))
    }

    /// What failures have closed, for all or for the client IPs that failed lately.
    fn of_failures(
        &self,
        db: &mut dyn Db,
        account: &Account,
        failures: &[Obstacle],
    ) -> Result<Vec<Obstacle>> {
        let target = LoginTarget::of(account);
        let name = target.key(&self.master);
        let mut found = self.locks(db, account)?;
        let mut addresses: Vec<IpAddr> = failures
            .iter()
            .filter_map(|failure| failure.client_ip.as_deref()?.parse().ok())
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        if self.has_throttle {
            for address in &addresses {
                let pair = target.pair_key(&self.master, ClientIp::of(*address));
                let pair = guard::pair_since(db, &pair, &name, self.now)?;
                if let Some(until) = self.blocked(db, Scope::Pair, &pair)? {
                    let client_ip = Some(address.to_string());
                    let waits = ObstacleKind::ClientWaits.until(until);
                    found.push(Obstacle { client_ip, ..waits });
                }
            }
        }
        let proxy = addresses.iter().find(|address| self.may_be_behind_proxy && is_inside(address));
        found.extend(proxy.map(|address| Obstacle {
            client_ip: Some(address.to_string()),
            ..ObstacleKind::ProxyNotTrusted.now()
        }));
        Ok(found)
    }

    /// Messages to the owner that did not arrive.
    fn of_mail(&self, db: &mut dyn Db, id: &AccountId) -> Result<Vec<Obstacle>> {
        let mut messages = store::tables::outbox::list_of(db, id, None, None, MESSAGES)?;
        messages.retain(|message| message.created_at > self.now - LATELY);
        let of = |message: Message| {
            let kind = match message.state {
                MessageState::Failed => ObstacleKind::MailFailed,
                MessageState::Waiting | MessageState::Requested => ObstacleKind::MailWaits,
                MessageState::Delivered | MessageState::Dropped => return None,
            };
            let error = message.last_error?;
            let detail = Some(format!("{}: {error}", message.kind));
            Some(Obstacle { detail, ..kind.since(Some(message.created_at)) })
        };
        Ok(messages.into_iter().filter_map(of).take(FAILURES).collect())
    }
}

/// Whether an address is of this machine or of a private network.
fn is_inside(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// The failures since the last login, newest first, one for each reason and client IP.
fn failures(records: &[AuditRow]) -> Vec<Obstacle> {
    let is_login = |record: &AuditRow| record.event == What::Login.as_str() && !is_refused(record);
    let mut order = Vec::new();
    let mut found: BTreeMap<_, Obstacle> = BTreeMap::new();
    for record in records.iter().take_while(|record| !is_login(record)) {
        let Some(kind) = failure_of(record) else { continue };
        let key = (kind, record.client_ip.clone(), record.detail.clone());
        let obstacle = found.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Obstacle {
                client_ip: record.client_ip.clone(),
                detail: record.detail.clone(),
                count: 0,
                ..kind.since(Some(record.at))
            }
        });
        obstacle.count += record.count;
    }
    order.truncate(FAILURES);
    order.iter().filter_map(|key| found.remove(key)).collect()
}

fn is_refused(record: &AuditRow) -> bool {
    record.outcome == EventOutcome::Refused.as_str()
}

fn failure_of(record: &AuditRow) -> Option<ObstacleKind> {
    let what = What::ALL.iter().find(|what| what.as_str() == record.event)?;
    match what {
        What::LimitHit => Some(ObstacleKind::LimitHit),
        What::Login if is_refused(record) => Some(ObstacleKind::LoginRefused),
        What::FactorShown if is_refused(record) => Some(ObstacleKind::FactorRefused),
        What::CodeShown if is_refused(record) => Some(ObstacleKind::CodeRefused),
        _ => None,
    }
}
