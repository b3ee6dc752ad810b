//! Logins that wait for a second factor: create a challenge, complete it with a code, send its code
//! again.
//!
//! A challenge is bound to the account's credential version: any change of password, address,
//! factors or state voids it. It dies after five wrong codes or five minutes, and completes only
//! the login that it belongs to.

use std::time::Duration;

use crate::error::limit;
use crate::error::{Error, Kind, Result};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::audit::log::AuditLog;
use crate::identity::factor::check::too_many;
use crate::identity::factor::check::{Budget, CodeCheck};
use crate::identity::factor::guesses::FactorGuesses;
use crate::identity::login::gate::Issued;
use crate::identity::login::gate::NewSession;
use crate::identity::login::gate::Proof;
use crate::identity::login::guard;
use crate::identity::login::guard::Familiarity;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::{CodeAttempt, CodeOrigin, CodePurpose, Trust};
use crate::identity::login::pending::{Completed, LIFE, dispatch};
use crate::identity::login::remember::Remember;
use crate::model::event::What;
use crate::model::{
    Account, AccountId, Barrier, ClientIp, Email, Event, Factor, FactorKind, Method, Source, Time,
    secret,
};
use crate::store::db::Db;
use crate::store::tables::challenges::Challenge;
use crate::store::{self, Decision};

/// How long after the right password a login can be completed where the API hands out no token.
const LIFE_WITHOUT_TOKEN: Duration = Duration::from_mins(10);
/// Number of wrong codes after which a challenge dies.
pub(super) const ATTEMPTS: i64 = 5;

/// A challenge with the account and factors that can complete it.
pub(super) struct ChallengeWithAccount {
    pub(super) row: Challenge,
    pub(super) account: Account,
    factors: Vec<Factor>,
    pub(super) familiarity: Familiarity,
}

impl ChallengeWithAccount {
    fn load(
        db: &mut dyn Db,
        row: Challenge,
        client: ClientIp,
        since: Time,
    ) -> Result<Option<Self>> {
        let Some(account) = store::tables::accounts::find(db, &row.account)? else {
            return Ok(None);
        };
        let factors = store::tables::factors::of(db, &row.account)?;
        let is_known = store::tables::known_ips::is_known(db, &row.account, client, since)?;
        let familiarity = if is_known { Familiarity::Known } else { Familiarity::Unknown };
        Ok((account.credential_version == row.credential_version).then_some(Self {
            row,
            account,
            factors,
            familiarity,
        }))
    }
}

/// Finds the live challenge of a token.
pub(super) async fn find(
    core: &Core,
    token: &str,
    source: &Source,
) -> Result<ChallengeWithAccount> {
    let (hash, client) = (secret::digest(token.as_bytes()), source.client());
    let since = core.env.now() - core.config.throttle.known_for;
    let found = core
        .store
        .read(move |db| match store::tables::challenges::find(db, &hash)? {
            Some(row) => ChallengeWithAccount::load(db, row, client, since),
            None => Ok(None),
        })
        .await?
        .ok_or_else(|| Error::new(Kind::TokenInvalid))?;
    note_used_up(&AuditLog::new(core, source), &found.row);
    if found.row.spent_at.is_some() || found.row.attempts >= ATTEMPTS {
        return Err(Kind::TokenInvalid.into());
    }
    if found.row.expires_at <= core.env.now() {
        return Err(Kind::TokenExpired.into());
    }
    Ok(found)
}

/// Notes that a challenge has no attempts left.
fn note_used_up(log: &AuditLog, row: &Challenge) {
    if row.spent_at.is_none() && row.attempts >= ATTEMPTS {
        log.refuse(Barrier::FactorAttempts, &LoginTarget::for_record(&row.account));
    }
}

/// The methods that can complete the login of a token.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`.
pub async fn methods(core: &Core, token: &str, source: &Source) -> Result<Vec<Method>> {
    Ok(find(core, token, source).await?.row.methods)
}

/// Completes a login with a code and issues its session.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `MfaCodeInvalid`, `BackupCodeUsed`, `TooMany(Factor)`.
pub async fn complete(
    core: &Core,
    token: &str,
    typed: &str,
    _counted: &Counted<limit::Factor>,
    source: &Source,
) -> Result<Issued> {
    let found = find(core, token, source).await?;
    finish(core, found, ChallengeLookup::ByToken, typed, source).await
}

/// Completes the newest login of this address, where the API hands out no token. Its password must
/// have been right within the last ten minutes. An unknown address gets the same answer as a wrong
/// code, and counts as one.
///
/// # Errors
/// `MfaCodeInvalid`, `BackupCodeUsed`, `TooMany`.
pub async fn complete_newest(
    core: &Core,
    email: &Email,
    typed: &str,
    _counted: &Counted<limit::Factor>,
    source: &Source,
) -> Result<Issued> {
    let (key, client, now) = (email.key().to_owned(), source.client(), core.env.now());
    let since = now - core.config.throttle.known_for;
    let (account, found) = core
        .store
        .read(move |db| {
            let Some(account) = store::tables::accounts::find_by_email(db, &key)? else {
                return Ok((None, None));
            };
            let newest =
                store::tables::challenges::find_newest(db, &account.id, now - LIFE_WITHOUT_TOKEN)?;
            let found = match newest {
                Some(row) => ChallengeWithAccount::load(db, row, client, since)?,
                None => None,
            };
            Ok((Some(account), found))
        })
        .await?;
    if let Some(found) = found {
        // A client without a token learns only about the code: another client may have completed
        // the challenge at the same moment.
        let finished = finish(core, found, ChallengeLookup::ByEmail, typed, source).await;
        let by_code = |error: Error| {
            if error.kind() == Kind::TokenInvalid { Kind::MfaCodeInvalid.into() } else { error }
        };
        return finished.map_err(by_code);
    }
    let target =
        account.as_ref().map_or_else(|| LoginTarget::unknown(email.key()), LoginTarget::of);
    refuse_nothing(core, &target, typed, source).await
}

/// Counts and refuses a code where no login is pending, in the same way as where one is.
async fn refuse_nothing(
    core: &Core,
    target: &LoginTarget,
    typed: &str,
    source: &Source,
) -> Result<Issued> {
    let client = source.client();
    // An unknown name is looked up too, so that it costs the same.
    let id = target.account().cloned().unwrap_or_else(|| AccountId::new(""));
    let familiarity = guard::familiarity(core, &id, client).await?;
    let origin = CodeOrigin { client, trust: Trust::Unknown, familiarity };
    let attempt = CodeAttempt::new(core, target, None, CodePurpose::Factor, typed, origin);
    let log = AuditLog::new(core, source);
    core.store
        .decide(move |db| {
            if let Some(wait) = attempt.count(db, &log)? {
                return Ok(Decision::CommitThenRefuse(one_time_code::too_many(wait)));
            }
            attempt.spend(db, log.at())?;
            log.record(db, &Event::refused(What::FactorShown).because("no_login"))?;
            Ok(Decision::CommitThenRefuse(Kind::MfaCodeInvalid.into()))
        })
        .await
}

/// How the client names a pending login.
#[derive(Debug, Clone, Copy)]
enum ChallengeLookup {
    ByToken,
    ByEmail,
}

/// How attempts at a pending login are counted.
#[derive(Clone)]
enum ChallengeAttempts {
    /// The client that gave the first proof holds the token: five attempts for the token, within
    /// the account's budget.
    OfToken(Box<Budget>),
    /// Any client can name the address: counted like one-time codes, so that a stranger uses up
    /// only their own attempts.
    OfAddress(Box<CodeAttempt>, Box<FactorGuesses>),
}

impl ChallengeAttempts {
    /// Counts one attempt. Refuses it if none are left.
    fn count(&self, db: &mut dyn Db, row: &Challenge, log: &AuditLog) -> Result<Decision<()>> {
        match self {
            ChallengeAttempts::OfToken(budget) => {
                if let Decision::CommitThenRefuse(refusal) = budget.count(db, log)? {
                    return Ok(Decision::CommitThenRefuse(refusal));
                }
                if store::tables::challenges::count_attempt(
                    db,
                    &row.hash,
                    ATTEMPTS,
                    log.at() - LIFE,
                )? {
                    return Ok(Decision::Commit(()));
                }
                if let Some(row) = store::tables::challenges::find(db, &row.hash)? {
                    note_used_up(log, &row);
                }
                // No code was looked at, so none was guessed.
                budget.give_back(db)?;
                Ok(Decision::CommitThenRefuse(Kind::TokenInvalid.into()))
            }
            ChallengeAttempts::OfAddress(attempt, guesses) => {
                if let Some(wait) = attempt.count(db, log)? {
                    return Ok(Decision::CommitThenRefuse(one_time_code::too_many(wait)));
                }
                if !guesses.is_closed(db, log.at())? {
                    return Ok(Decision::Commit(()));
                }
                if attempt.trust() == Trust::RequestedHere {
                    return Ok(Decision::CommitThenRefuse(guesses.refuse(db, log)?));
                }
                // A client that knows only the address gets the answer that it gets while no login
                // is pending.
                let event = Event::refused(What::FactorShown).about(&row.account);
                log.record(db, &event.because("closed"))?;
                Ok(Decision::CommitThenRefuse(Kind::MfaCodeInvalid.into()))
            }
        }
    }

    /// Checks the code of a counted attempt, and settles the attempt.
    fn run(&self, db: &mut dyn Db, log: &AuditLog, check: &CodeCheck) -> Result<Decision<Method>> {
        match self {
            ChallengeAttempts::OfToken(budget) => budget.run(db, log, check),
            ChallengeAttempts::OfAddress(attempt, guesses) => {
                let came = check.run(db, log)?;
                guesses.settle(db, log, &came)?;
                if matches!(came, Decision::Commit(_)) {
                    attempt.forgive(db)?;
                }
                Ok(came)
            }
        }
    }
}

async fn finish(
    core: &Core,
    found: ChallengeWithAccount,
    lookup: ChallengeLookup,
    typed: &str,
    source: &Source,
) -> Result<Issued> {
    let ChallengeWithAccount { row, account, factors, familiarity } = found;
    let remember = if row.remember { Remember::Long } else { Remember::Short };
    let client = source.client();
    let is_same = row.client_ip == client.to_bytes();
    let trust = if is_same { Trust::RequestedHere } else { Trust::Unknown };
    let from = CodeOrigin { client, trust, familiarity };
    let check = CodeCheck::prepare(core, &account, &factors, &row.methods, typed, from)?;
    let (attempts, check) = match lookup {
        ChallengeLookup::ByToken => {
            let budget = Budget::at_login(core, &account, familiarity, source)?;
            (ChallengeAttempts::OfToken(Box::new(budget)), check)
        }
        ChallengeLookup::ByEmail => {
            let target = LoginTarget::of(&account);
            let attempt =
                CodeAttempt::new(core, &target, Some(&account), CodePurpose::Factor, typed, from);
            let guesses = FactorGuesses::new(core, &account, familiarity, source)?;
            let attempts = ChallengeAttempts::OfAddress(Box::new(attempt), Box::new(guesses));
            (attempts, check.counted_before())
        }
    };
    let proof = Proof::Factor(Completed::of(&row));
    let new_session = NewSession::prepare(core, account, proof, remember, source).await?;
    let (inside, log) = (new_session.clone(), AuditLog::new(core, source));
    let opened = core
        .store
        .decide(move |db| {
            if let Decision::CommitThenRefuse(refusal) = attempts.count(db, &row, &log)? {
                return Ok(Decision::CommitThenRefuse(refusal));
            }
            let method = match attempts.run(db, &log, &check)? {
                Decision::Commit(method) => method,
                Decision::CommitThenRefuse(refusal) => {
                    return Ok(Decision::CommitThenRefuse(refusal));
                }
            };
            if !store::tables::challenges::spend(db, &row.hash, log.at())? {
                return Ok(Decision::CommitThenRefuse(Kind::TokenInvalid.into()));
            }
            inside.clone().completed_by(&method.into()).open(db).map(Decision::Commit)
        })
        .await
        .map_err(|error| {
            if error.kind() == Kind::InvalidCredentials { Kind::TokenInvalid.into() } else { error }
        })?;
    new_session.outcome(core, opened).await?.into_issued()
}

/// Sends the code of a pending login again, or by another of its methods. Returns the method.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `Validation` for a method that sends no code or that the login
/// does not offer, `TooMany(Factor)`.
pub async fn send(
    core: &Core,
    token: &str,
    wanted: Option<FactorKind>,
    _counted: &Counted<limit::FactorSent>,
    source: &Source,
) -> Result<FactorKind> {
    let found = find(core, token, source).await?;
    let mut offered = found.row.methods.iter().filter_map(|method| match method {
        Method::Factor(kind) if *kind != FactorKind::Totp => Some(*kind),
        _ => None,
    });
    let kind = offered.find(|kind| wanted.is_none_or(|wanted| wanted == *kind));
    let Some(kind) = kind else { return Err(crate::identity::factor::no_such_method()) };
    let Some(dispatch) = dispatch(core, &found.account, &found.factors, kind)? else {
        return Err(crate::identity::factor::no_such_method());
    };
    let log = AuditLog::new(core, source);
    core.store
        .decide(move |db| {
            if let Some(wait) = dispatch.send(db, &log)? {
                return Ok(Decision::CommitThenRefuse(too_many(wait)));
            }
            let event = Event::done(What::CodeRequested).about(&found.account.id);
            log.record(db, &event.because(kind.as_str()))?;
            Ok(Decision::Commit(()))
        })
        .await?;
    Ok(kind)
}
