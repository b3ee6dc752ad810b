//! Checks a code that the client enters for a second factor.
//!
//! The server works out before the write what the code may match. It counts and spends the code
//! inside the write.

use std::time::Duration;

use super::{backup, totp};
use crate::error::{Error, Kind, Limit, Result};
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::factor::guesses;
use crate::identity::factor::guesses::FactorGuesses;
use crate::identity::login::guard::Familiarity;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::{CodeAttempt, CodeOrigin, CodePurpose};
use crate::identity::{Caller, Core};
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier, Event, Factor, FactorKind, Method, Source};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;
use crate::store::{self, Decision};

/// The attempts that an account has across all its challenges: each client IP that has logged in to
/// it and each session has its own, all other client IPs share theirs.
#[derive(Debug, Clone)]
pub struct Budget {
    owner: LoginTarget,
    limits: Vec<(Scope, [u8; 32], (u32, Duration))>,
    /// `None` for a code that no account is guarded by yet.
    guesses: Option<FactorGuesses>,
}

impl Budget {
    /// The budget of a login that passed its first factor.
    pub fn at_login(
        core: &Core,
        account: &Account,
        familiarity: Familiarity,
        source: &Source,
    ) -> Result<Self> {
        let (key, day) = match familiarity {
            Familiarity::Known => {
                let client = source.client().to_bytes();
                (own_key(core, account, "client", &client), one_time_code::KNOWN_DAY)
            }
            Familiarity::Unknown => {
                (guesses::strangers_key(core, &account.id), one_time_code::STRANGERS_DAY)
            }
        };
        Ok(Self {
            owner: LoginTarget::of(account),
            limits: limits(core, key, day),
            guesses: Some(FactorGuesses::new(core, account, familiarity, source)?),
        })
    }

    /// The budget of a session that proves its owner's identity again.
    pub fn in_session(
        core: &Core,
        caller: &Caller,
        familiarity: Familiarity,
        source: &Source,
    ) -> Result<Self> {
        let guesses = FactorGuesses::new(core, &caller.account, familiarity, source)?;
        Ok(Self { guesses: Some(guesses), ..Self::of_setup(core, caller) })
    }

    /// The budget of a session that confirms a new factor. Its wrong codes guess at nothing, and a
    /// right one proves no factor that guards the account.
    #[must_use]
    pub fn of_setup(core: &Core, caller: &Caller) -> Self {
        let (account, session) = (&caller.account, caller.session().as_str().as_bytes());
        Self {
            owner: LoginTarget::of_owner(account),
            limits: limits(
                core,
                own_key(core, account, "session", session),
                one_time_code::KNOWN_DAY,
            ),
            guesses: None,
        }
    }

    /// Counts one attempt. Refuses it if none are left.
    pub fn count(&self, db: &mut dyn Db, log: &AuditLog) -> Result<Decision<()>> {
        if let Some(guesses) = &self.guesses
            && guesses.is_closed(db, log.at())?
        {
            return Ok(Decision::CommitThenRefuse(guesses.refuse(db, log)?));
        }
        let wait = one_time_code::count_all(db, &self.limits, log.at())?;
        Ok(match wait {
            Some(wait) => {
                log.refuse(Barrier::FactorAttempts, &self.owner);
                Decision::CommitThenRefuse(too_many(wait))
            }
            None => Decision::Commit(()),
        })
    }

    /// Checks a code that was counted here, and settles the attempt: a right code gives it back, a
    /// wrong one counts towards those in a row.
    pub fn run(
        &self,
        db: &mut dyn Db,
        log: &AuditLog,
        check: &CodeCheck,
    ) -> Result<Decision<Method>> {
        let came = check.run(db, log)?;
        if let Some(guesses) = &self.guesses {
            guesses.settle(db, log, &came)?;
        }
        if matches!(came, Decision::Commit(_)) {
            self.give_back(db)?;
        }
        Ok(came)
    }

    /// Gives the attempt back after a right code.
    pub fn give_back(&self, db: &mut dyn Db) -> Result<()> {
        self.limits.iter().try_for_each(|(scope, key, _)| attempts::give_back(db, *scope, key))
    }
}

/// The key of the attempts that a client IP or a session has for itself.
fn own_key(core: &Core, account: &Account, what: &str, own: &[u8]) -> [u8; 32] {
    let name = format!("{}|{what}|", account.id);
    core.master.mac("factor tries", &[name.as_bytes(), own].concat())
}

/// The limits of the attempts that are counted under this key.
fn limits(
    core: &Core,
    key: [u8; 32],
    day: (u32, Duration),
) -> Vec<(Scope, [u8; 32], (u32, Duration))> {
    let rate = core.config.limits.factor_account;
    let now = rate.map(|rate| (Scope::Factor, key, (rate.count, rate.window)));
    now.into_iter().chain([(Scope::FactorDay, key, day)]).collect()
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
        from: CodeOrigin,
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
            targets.extend(account.email_key().map(|key| (FactorKind::Email, key.to_owned())));
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
    /// by the limit itself. Called by what counted the attempt, which settles it.
    pub(in crate::identity) fn run(
        &self,
        db: &mut dyn Db,
        log: &AuditLog,
    ) -> Result<Decision<Method>> {
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
