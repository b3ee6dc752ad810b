//! Logins that wait for a second factor: how one is set, completed with a code, and sent its code again.
//!
//! A challenge rests on the account's stamp: any change of password, address, factors or state voids it. It dies after
//! five wrong codes or five minutes, and opens nothing but the login that it belongs to.

use std::time::Duration;

use super::Core;
use super::audit::Log;
use super::factor::check::{Budget, Check};
use super::gate::{Issued, Opening, Proof, Remember};
use super::guard::Bucket;
use super::one_time_code::{self, Dispatch, Purpose, Showing, Standing};
use crate::error::{Error, Extra, Kind, Limit, Result};
use crate::model::event::What;
use crate::model::{Account, Barrier, Client, Email, Event, Factor, FactorKind, Method, Secret, Source, Time, secret};
use crate::store;
use crate::store::challenges::Challenge;
use crate::store::db::Db;

/// How long a challenge lives.
pub const LIFE: Duration = Duration::from_mins(5);
/// For how long a right password may be completed where the wire hands out no token.
const LIFE_WITHOUT_TOKEN: Duration = Duration::from_mins(10);
/// How many wrong codes a challenge survives, and one.
const TRIES: i64 = 5;

/// The proof that a challenge was completed; only this file makes one.
#[derive(Debug, Clone)]
pub struct Completed(());

/// A challenge that is about to be set.
#[derive(Debug, Clone)]
pub struct Pending {
    row: Challenge,
    client: Client,
    token: Secret,
    dispatch: Option<Dispatch>,
}

impl Pending {
    /// A challenge by these methods, with the code that the first of them needs.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn prepare(
        core: &Core,
        account: &Account,
        factors: &[Factor],
        methods: Vec<Method>,
        remember: Remember,
        source: &Source,
    ) -> Result<Self> {
        let token = Secret::new(secret::encode(&core.env.random::<32>()?));
        let now = core.env.now();
        let dispatch = match methods.first() {
            Some(Method::Factor(kind)) => dispatch(core, account, factors, *kind)?,
            _ => None,
        };
        let row = Challenge {
            hash: secret::digest(token.reveal().as_bytes()),
            account: account.id.clone(),
            stamp: account.stamp,
            methods,
            remember: remember == Remember::Long,
            client: source.client().to_bytes(),
            tries: 0,
            created_at: now,
            expires_at: now + LIFE,
            spent_at: None,
        };
        Ok(Self { row, client: source.client(), token, dispatch })
    }

    /// Stores it, and sends its code, inside a write. Where the limit holds the code back, the one before lives on.
    ///
    /// # Errors
    /// `InvalidCredentials` when the account has changed since its proof was checked.
    pub(super) fn store(&self, db: &mut dyn Db, log: &Log, stamp: i64) -> Result<()> {
        let row = Challenge { stamp, ..self.row.clone() };
        if !store::challenges::insert(db, &row, self.client)? {
            return Err(Kind::InvalidCredentials.into());
        }
        if let Some(dispatch) = &self.dispatch {
            dispatch.send(db, log)?;
        }
        let event = Event::done(What::LoginChallenged).about(&row.account);
        log.record(db, &event.because(Method::join(&row.methods)))
    }

    /// What its holder is given.
    pub(super) fn into_extra(self) -> Extra {
        Extra::Challenge { token: self.token, methods: self.row.methods, expires_in: LIFE }
    }
}

/// The code that a kind of factor needs to be sent, if it needs one and can be sent it.
fn dispatch(core: &Core, account: &Account, factors: &[Factor], kind: FactorKind) -> Result<Option<Dispatch>> {
    match kind {
        FactorKind::Totp => Ok(None),
        FactorKind::Email => one_time_code::by_mail(core, account, Purpose::Factor, None).map(Some),
        FactorKind::Sms => match number_of(factors) {
            Some(number) => one_time_code::by_text(core, account, number, Purpose::Factor, None),
            None => Ok(None),
        },
    }
}

fn number_of(factors: &[Factor]) -> Option<&str> {
    factors.iter().rev().find(|f| f.kind == FactorKind::Sms && f.confirmed_at.is_some())?.target.as_deref()
}

/// A challenge with what its account has to complete it.
struct Found {
    row: Challenge,
    account: Account,
    factors: Vec<Factor>,
    is_stranger: bool,
}

impl Found {
    fn load(db: &mut dyn Db, row: Challenge, client: Client, since: Time) -> Result<Option<Self>> {
        let Some(account) = store::accounts::find(db, &row.account)? else { return Ok(None) };
        let factors = store::factors::of(db, &row.account)?;
        let is_stranger = !store::clients::is_known(db, &row.account, client, since)?;
        Ok((account.stamp == row.stamp).then_some(Self { row, account, factors, is_stranger }))
    }
}

/// The challenge behind a token, alive.
async fn find(core: &Core, token: &str, source: &Source) -> Result<Found> {
    let (hash, client) = (secret::digest(token.as_bytes()), source.client());
    let since = core.env.now() - core.config.throttle.known_for;
    let found = core
        .store
        .read(move |db| match store::challenges::find(db, &hash)? {
            Some(row) => Found::load(db, row, client, since),
            None => Ok(None),
        })
        .await?
        .ok_or_else(|| Error::new(Kind::TokenInvalid))?;
    note_used_up(&Log::new(core, source), &found.row);
    if found.row.spent_at.is_some() || found.row.tries >= TRIES {
        return Err(Kind::TokenInvalid.into());
    }
    if found.row.expires_at <= core.env.now() {
        return Err(Kind::TokenExpired.into());
    }
    Ok(found)
}

/// Notes that a challenge has no tries left.
fn note_used_up(log: &Log, row: &Challenge) {
    if row.spent_at.is_none() && row.tries >= TRIES {
        log.refuse(Barrier::FactorTries, &Bucket::of_id(&row.account));
    }
}

/// Completes a login with a code and issues its session at the gate.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `MfaCodeInvalid`, `BackupCodeUsed`, `TooMany(Factor)`.
pub async fn complete(core: &Core, token: &str, typed: &str, source: &Source) -> Result<Issued> {
    let found = find(core, token, source).await?;
    finish(core, found, Road::Token, typed, source).await
}

/// Completes the newest login of this address, where the wire hands out no token: its password was right within ten
/// minutes. An unknown address is answered like a wrong code, and counted as one.
///
/// # Errors
/// `MfaCodeInvalid`, `BackupCodeUsed`, `TooMany`.
pub async fn complete_newest(core: &Core, email: &Email, typed: &str, source: &Source) -> Result<Issued> {
    let (key, client, now) = (email.key().to_owned(), source.client(), core.env.now());
    let since = now - core.config.throttle.known_for;
    let (account, found) = core
        .store
        .read(move |db| {
            let Some(account) = store::accounts::find_by_email(db, &key)? else { return Ok((None, None)) };
            let newest = store::challenges::find_newest(db, &account.id, now - LIFE_WITHOUT_TOKEN)?;
            let found = match newest {
                Some(row) => Found::load(db, row, client, since)?,
                None => None,
            };
            Ok((Some(account), found))
        })
        .await?;
    if let Some(found) = found {
        // Who holds no token is told of the code alone: somebody else may have used it in the same moment.
        let finished = finish(core, found, Road::Address, typed, source).await;
        let by_code =
            |error: Error| if error.kind() == Kind::TokenInvalid { Kind::MfaCodeInvalid.into() } else { error };
        return finished.map_err(by_code);
    }
    let bucket = account.as_ref().map_or_else(|| Bucket::unknown(email.key()), Bucket::of);
    refuse_nothing(core, &bucket, typed, source).await
}

/// A code where no login waits: counted like one where it does.
async fn refuse_nothing(core: &Core, bucket: &Bucket, typed: &str, source: &Source) -> Result<Issued> {
    let showing = (source.client(), Standing::Other);
    let showing = Showing::new(core, bucket, None, Purpose::Factor, typed, showing);
    let log = Log::new(core, source);
    let wait = core
        .store
        .write(move |db| {
            let wait = showing.count(db, &log)?;
            if wait.is_none() {
                showing.spend(db, log.at())?;
                log.record(db, &Event::refused(What::FactorShown).because("no_login"))?;
            }
            Ok(wait)
        })
        .await?;
    Err(wait.map_or_else(|| Kind::MfaCodeInvalid.into(), one_time_code::too_many))
}

/// How a login that waits is named.
#[derive(Debug, Clone, Copy)]
enum Road {
    Token,
    Address,
}

/// How the tries of a login that waits are counted.
#[derive(Clone)]
enum Tries {
    /// Its token is in the hands of who showed the first proof: five for the token, and the account's budget.
    OfToken(Budget),
    /// Anybody may name the address: as one-time codes are, so that a stranger uses up nobody's tries but their own.
    OfAddress(Box<Showing>),
}

impl Tries {
    /// Counts one; the refusal when there are none left.
    fn count(&self, db: &mut dyn Db, row: &Challenge, log: &Log) -> Result<Option<Error>> {
        match self {
            Tries::OfToken(budget) => {
                if let Some(wait) = budget.count(db, log)? {
                    return Ok(Some(Error::new(Kind::TooMany(Limit::Factor)).retry_after(wait)));
                }
                if store::challenges::count_try(db, &row.hash, TRIES, log.at() - LIFE)? {
                    return Ok(None);
                }
                if let Some(row) = store::challenges::find(db, &row.hash)? {
                    note_used_up(log, &row);
                }
                Ok(Some(Kind::TokenInvalid.into()))
            }
            Tries::OfAddress(showing) => Ok(showing.count(db, log)?.map(one_time_code::too_many)),
        }
    }

    fn give_back(&self, db: &mut dyn Db) -> Result<()> {
        match self {
            Tries::OfToken(budget) => budget.give_back(db),
            Tries::OfAddress(showing) => showing.forgive(db),
        }
    }
}

async fn finish(core: &Core, found: Found, road: Road, typed: &str, source: &Source) -> Result<Issued> {
    let Found { row, account, factors, is_stranger } = found;
    let remember = if row.remember { Remember::Long } else { Remember::Short };
    let standing = if row.client == source.client().to_bytes() { Standing::Earned } else { Standing::Other };
    let from = (source.client(), standing);
    let check = Check::prepare(core, &account, &factors, &row.methods, typed, from)?;
    let (tries, check) = match road {
        Road::Token => (Tries::OfToken(Budget::new(core, &account, is_stranger)), check),
        Road::Address => {
            let bucket = Bucket::of(&account);
            let showing = Showing::new(core, &bucket, Some(&account), Purpose::Factor, typed, from);
            (Tries::OfAddress(Box::new(showing)), check.counted_before())
        }
    };
    let proof = Proof::Factor(Completed(()));
    let opening = Opening::prepare(core, account, proof, remember, source).await?;
    let (inside, log) = (opening.clone(), Log::new(core, source));
    let verdict = core
        .store
        .write(move |db| {
            if let Some(refusal) = tries.count(db, &row, &log)? {
                return Ok(Err(refusal));
            }
            if let Err(refusal) = check.run(db, &log)? {
                return Ok(Err(refusal));
            }
            tries.give_back(db)?;
            if !store::challenges::spend(db, &row.hash, log.at())? {
                return Ok(Err(Kind::TokenInvalid.into()));
            }
            inside.open(db).map(Ok)
        })
        .await
        .map_err(|error| if error.kind() == Kind::InvalidCredentials { Kind::TokenInvalid.into() } else { error })?;
    opening.outcome(core, verdict?).await?.into_issued()
}

/// Sends the code of a login that waits, again or by another of its methods; says by which.
///
/// # Errors
/// `TokenInvalid`, `TokenExpired`, `Validation` for a method that sends nothing or is not one of the login's,
/// `TooMany(Factor)`.
pub async fn send(core: &Core, token: &str, wanted: Option<FactorKind>, source: &Source) -> Result<FactorKind> {
    let found = find(core, token, source).await?;
    let mut offered = found.row.methods.iter().filter_map(|method| match method {
        Method::Factor(kind) if *kind != FactorKind::Totp => Some(*kind),
        _ => None,
    });
    let kind = offered.find(|kind| wanted.is_none_or(|wanted| wanted == *kind));
    let Some(kind) = kind else { return Err(super::factor::no_such_method()) };
    let Some(dispatch) = dispatch(core, &found.account, &found.factors, kind)? else {
        return Err(super::factor::no_such_method());
    };
    let log = Log::new(core, source);
    let wait = core
        .store
        .write(move |db| {
            let wait = dispatch.send(db, &log)?;
            if wait.is_none() {
                log.record(db, &Event::done(What::CodeRequested).about(&found.account.id).because(kind.as_str()))?;
            }
            Ok(wait)
        })
        .await?;
    core.post.ring();
    wait.map_or(Ok(kind), |wait| Err(Error::new(Kind::TooMany(Limit::Factor)).retry_after(wait)))
}
