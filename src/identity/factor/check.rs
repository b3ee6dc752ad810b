//! Checks a code that the client enters for a second factor.
//!
//! The server works out before the write what the code may match. It counts and spends the code
//! inside the write.

use std::time::Duration;

use super::{backup, totp};
use crate::error::{Error, Kind, Limit, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::{CodeAttempt, CodePurpose, Trust};
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, ClientIp, Event, Factor, FactorKind, Method};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;
use crate::store::{self, Decision};

/// Attempts per day from client IPs that never logged in to the account.
const STRANGERS: (u32, Duration) = (50, Duration::from_hours(24));
/// Attempts per day from client IPs and sessions that the account knows.
const KNOWN: (u32, Duration) = (100, Duration::from_hours(24));

/// The attempts that an account has across all its challenges.
#[derive(Debug, Clone)]
pub struct Budget {
    owner: LoginTarget,
    limits: Vec<(Scope, [u8; 32], (u32, Duration))>,
}

impl Budget {
    /// The budget of an account, for a familiar or an unfamiliar client IP.
    #[must_use]
    pub fn new(core: &Core, account: &Account, is_stranger: bool) -> Self {
        // Both labels stay: they key stored counters.
        let key = core.master.mac("factor tries", account.id.as_str().as_bytes());
        let all = core
            .config
            .limits
            .factor_account
            .map(|rate| (Scope::Factor, key, (rate.count, rate.window)));
        let known = core.master.mac("factor tries of the known", account.id.as_str().as_bytes());
        let day = if is_stranger {
            (Scope::FactorDay, key, STRANGERS)
        } else {
            (Scope::FactorDay, known, KNOWN)
        };
        Self { owner: LoginTarget::of(account), limits: all.into_iter().chain([day]).collect() }
    }

    /// The budget of an account whose owner is logged in.
    #[must_use]
    pub fn of_owner(core: &Core, account: &Account) -> Self {
        Self { owner: LoginTarget::of_owner(&account.id), ..Self::new(core, account, false) }
    }

    /// Counts one attempt. Returns how long to wait if none are left.
    pub fn count(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Option<Duration>> {
        let wait = one_time_code::count_all(db, &self.limits, log.at())?;
        if wait.is_some() {
            log.refuse(Barrier::FactorAttempts, &self.owner);
        }
        Ok(wait)
    }

    /// Gives the attempt back after a right code.
    pub fn give_back(&self, db: &mut dyn Db) -> Result<()> {
        self.limits.iter().try_for_each(|(scope, key, _)| attempts::give_back(db, *scope, key))
    }
}

/// The error for an account or a client IP that has no attempts left at second factors.
#[must_use]
pub fn too_many(wait: Duration) -> Error {
    Error::new(Kind::TooMany(Limit::Factor)).retry_after(wait)
}

/// A typed code with everything that it may match.
#[derive(Debug, Clone)]
pub struct CodeCheck {
    account: AccountId,
    steps: Vec<(String, i64)>,
    sent: Option<SentCode>,
    backup: Option<[u8; 32]>,
    counting: CountedBy,
}

/// Where attempts at sent codes are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CountedBy {
    Here,
    Before,
}

/// A sent code and the targets that it may have been sent to.
#[derive(Debug, Clone)]
struct SentCode {
    attempt: CodeAttempt,
    targets: Vec<(FactorKind, String)>,
}

impl CodeCheck {
    /// Works out what a typed code may match among these methods.
    pub fn prepare(
        core: &Core,
        account: &Account,
        factors: &[Factor],
        methods: &[Method],
        typed: &str,
        from: (ClientIp, Trust),
    ) -> Result<Self> {
        let allows = |kind: FactorKind| methods.contains(&Method::Factor(kind));
        let plain: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let guards = |kind: FactorKind| {
            factors.iter().filter(move |f| f.kind == kind && f.confirmed_at.is_some())
        };
        let mut steps = Vec::new();
        for factor in guards(FactorKind::Totp).filter(|_| allows(FactorKind::Totp)) {
            steps.extend(step_of(core, factor, &plain)?.map(|step| (factor.id.clone(), step)));
        }
        let mut targets = Vec::new();
        if allows(FactorKind::Email) {
            targets.push((FactorKind::Email, account.email.key().to_owned()));
        }
        if allows(FactorKind::Sms) {
            targets
                .extend(guards(FactorKind::Sms).filter_map(|f| Some((f.kind, f.target.clone()?))));
        }
        let sent = (!targets.is_empty()).then(|| {
            let owner = LoginTarget::of(account);
            SentCode {
                attempt: CodeAttempt::new(
                    core,
                    &owner,
                    Some(account),
                    CodePurpose::Factor,
                    &plain,
                    from,
                ),
                targets,
            }
        });
        let backup = methods
            .contains(&Method::BackupCode)
            .then(|| backup::digest_of(core, &account.id, typed));
        Ok(Self {
            account: account.id.clone(),
            steps,
            sent,
            backup: backup.flatten(),
            counting: CountedBy::Here,
        })
    }

    /// The same check for an attempt that the caller has already counted.
    #[must_use]
    pub fn counted_before(self) -> Self {
        Self { counting: CountedBy::Before, ..self }
    }

    /// Spends the code inside a write and records the result. A refusal by a rate limit is recorded
    /// by the limit itself.
    pub fn run(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Decision<Method>> {
        let decision = self.spend(db, log)?;
        let event = match &decision {
            Decision::Commit(method) => {
                Event::done(What::FactorShown).by(self.account.as_str()).because(method.as_str())
            }
            Decision::CommitThenRefuse(refusal) => {
                let why = match refusal.kind() {
                    Kind::TooMany(_) => return Ok(decision),
                    Kind::BackupCodeUsed => "used_backup_code",
                    _ => "wrong_code",
                };
                Event::refused(What::FactorShown).because(why)
            }
        };
        log.record(db, &event.about(&self.account))?;
        Ok(decision)
    }

    fn spend(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Decision<Method>> {
        let refuse = |kind: Kind| Ok(Decision::CommitThenRefuse(kind.into()));
        let now = log.at();
        for (factor, step) in &self.steps {
            if store::tables::factors::take_step(db, factor, *step, now)? {
                return Ok(Decision::Commit(Method::Factor(FactorKind::Totp)));
            }
        }
        if let Some(hash) = &self.backup {
            if store::tables::factors::spend_backup_code(db, &self.account, hash, now)? {
                return Ok(Decision::Commit(Method::BackupCode));
            }
            if store::tables::factors::is_backup_code_used(db, &self.account, hash)? {
                return refuse(Kind::BackupCodeUsed);
            }
        }
        let Some(sent) = &self.sent else { return refuse(Kind::MfaCodeInvalid) };
        if self.counting == CountedBy::Here
            && let Some(wait) = sent.attempt.count(db, log)?
        {
            return Ok(Decision::CommitThenRefuse(too_many(wait)));
        }
        let found = sent.attempt.look(db, now)?;
        let target =
            found.and_then(|code| sent.targets.iter().find(|(_, target)| *target == code.target));
        let Some((kind, target)) = target else { return refuse(Kind::MfaCodeInvalid) };
        if sent.attempt.spend(db, now)?.is_none() {
            return refuse(Kind::MfaCodeInvalid);
        }
        if self.counting == CountedBy::Here {
            sent.attempt.forgive(db)?;
        }
        store::tables::factors::note_use(db, &self.account, *kind, target, now)?;
        Ok(Decision::Commit(Method::Factor(*kind)))
    }
}

/// Returns the time step whose code was typed, whether it was used before or not.
pub fn step_of(core: &Core, factor: &Factor, typed: &str) -> Result<Option<i64>> {
    let sealed = factor
        .sealed
        .as_deref()
        .ok_or_else(|| Error::internal("authenticator has no stored secret"))?;
    let secret = zeroize::Zeroizing::new(core.master.open(&place(&factor.id), sealed)?);
    Ok(totp::matching_step(&secret, typed, core.env.wall(), &core.config.factors))
}

/// The sealing context of an authenticator's secret.
pub(super) fn place(id: &str) -> String {
    format!("factors.sealed.{id}")
}
