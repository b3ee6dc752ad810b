//! The gate: the one place where sessions are issued. Every road to a session ends here, with a proof in hand; whether
//! the proof is enough is decided here alone.

use std::time::Duration;

use super::Core;
use super::alarm::Watch;
use super::audit::Log;
use super::challenge::{self, Completed};
use super::guard::Acquaintance;
use super::key;
use crate::config::LoginOtp;
use crate::error::{Error, Extra, Kind, Result};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Client, Event, Factor, FactorKind, Method, Secret, SessionId, Source, Time};
use crate::store;
use crate::store::db::Db;
use crate::store::sessions::Session;
use crate::token::refresh::RefreshToken;
use crate::token::{AccessToken, Grant};

/// How long a session is asked to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// As long as the policy allows.
    Long,
    /// Until the browser closes, 24 hours at most.
    Short,
}

/// What somebody has shown who wants a session.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The right password.
    Password,
    /// A code that was mailed to the account's address.
    MailedCode,
    /// A first proof, and after it a second factor; only a completed challenge gives one.
    Factor(Completed),
}

/// What came of a proof.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was enough.
    Issued(Box<Issued>),
    /// A second factor is waited for.
    Challenge(Extra),
}

impl Outcome {
    /// The session.
    ///
    /// # Errors
    /// `MfaRequired` with the challenge.
    pub fn into_issued(self) -> Result<Issued> {
        match self {
            Outcome::Issued(issued) => Ok(*issued),
            Outcome::Challenge(challenge) => Err(Error::new(Kind::MfaRequired).carrying(challenge)),
        }
    }
}

/// What must still be shown after this proof by the owner of these factors; nothing when it is enough.
fn still_due(proof: &Proof, factors: &[Factor], backup_codes: i64, otp: LoginOtp) -> Vec<Method> {
    let has = |kind: FactorKind| factors.iter().any(|factor| factor.kind == kind && factor.confirmed_at.is_some());
    let guards = FactorKind::ALL.into_iter().any(has);
    let mut kinds: Vec<FactorKind> = FactorKind::ALL.into_iter().filter(|kind| has(*kind)).collect();
    // A mailed code never stands in for an authenticator.
    if has(FactorKind::Totp) {
        kinds.retain(|kind| *kind != FactorKind::Email);
    }
    match proof {
        Proof::Factor(_) => return Vec::new(),
        Proof::MailedCode => kinds.retain(|kind| *kind != FactorKind::Email),
        Proof::Password if !guards && otp == LoginOtp::Email => kinds.push(FactorKind::Email),
        Proof::Password => {}
    }
    let is_due = !kinds.is_empty();
    let backup = (is_due && guards && backup_codes > 0).then_some(Method::BackupCode);
    kinds.into_iter().map(Method::Factor).chain(backup).collect()
}

/// A session that has just been issued or refreshed, with what its holder is given.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Whose it is.
    pub account: Account,
    /// Its account's roles, sorted.
    pub roles: Vec<String>,
    /// What they may do, sorted.
    pub permissions: Vec<String>,
    /// The session.
    pub session: SessionId,
    /// When the session ends whatever happens.
    pub session_ends: Option<Time>,
    /// When the refresh token dies if it is not used.
    pub refresh_until: Time,
    /// The refresh token.
    pub refresh: Secret,
    /// The refresh token is another than the one presented.
    pub turned: bool,
    /// How long a cookie with it lives; `None` until the browser closes.
    pub cookie_life: Option<Duration>,
}

/// The access token for an issued session, with the wire's own claims.
///
/// # Errors
/// When no key can sign.
pub fn access_token(
    core: &Core,
    issued: &Issued,
    claims: Vec<(&'static str, serde_json::Value)>,
) -> Result<AccessToken> {
    core.tokens.sign(&Grant {
        account: issued.account.id.clone(),
        session: issued.session.clone(),
        session_ends: issued.session_ends,
        claims,
    })
}

/// A session, or a challenge, that is about to be issued: made before the write, opened inside it.
#[derive(Clone)]
pub struct Opening {
    next: Next,
    account: Account,
    client: Client,
    source: Source,
    cap: u32,
    known_since: Time,
    log: Log,
}

#[derive(Clone)]
enum Next {
    Session(Box<Session>, RefreshToken, Box<Watch>),
    Challenge(Box<challenge::Pending>),
}

/// What the write says that opened a session or a challenge.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The account's roles, sorted.
    roles: Vec<String>,
    /// The epoch at which the session began; a challenge has none.
    epoch: Option<i64>,
}

impl Opening {
    /// Prepares what an account gets for this proof: a session, or a challenge when it is not enough.
    ///
    /// # Errors
    /// When there is no randomness, or the account's factors cannot be read.
    pub async fn prepare(
        core: &Core,
        account: Account,
        proof: Proof,
        remember: Remember,
        source: &Source,
    ) -> Result<Self> {
        let id = account.id.clone();
        // Read in this request; a change since the account was read has raised its stamp, and the write refuses it.
        let (factors, backup_codes) = core
            .store
            .read(move |db| Ok((store::factors::of(db, &id)?, store::factors::count_backup_codes(db, &id)?)))
            .await?;
        let due = still_due(&proof, &factors, backup_codes, core.config.login.otp);
        let next = if due.is_empty() {
            let (session, refresh) = Self::session(core, &account, remember)?;
            Next::Session(Box::new(session), refresh, Box::new(Watch::prepare(core, &account, source)?))
        } else {
            Next::Challenge(Box::new(challenge::Pending::prepare(core, &account, &factors, due, remember, source)?))
        };
        let (client, cap) = (source.client(), core.config.sessions.max);
        let known_since = core.env.now() - core.config.throttle.known_for;
        Ok(Self { next, account, client, source: source.clone(), cap, known_since, log: Log::new(core, source) })
    }

    fn session(core: &Core, account: &Account, remember: Remember) -> Result<(Session, RefreshToken)> {
        let (rules, now) = (&core.config.sessions, core.env.now());
        let id = SessionId::new(core.env.new_id()?);
        let token = RefreshToken::first(&core.tokens.refresh_keys(), &core.env, &id)?;
        let (idle_for, longest) = match remember {
            Remember::Long => (rules.idle, rules.absolute),
            Remember::Short => (rules.short.min(rules.idle), Some(rules.short)),
        };
        let expires_at = longest.map(|life| now + life);
        let session = Session {
            id,
            account: account.id.clone(),
            generation: token.generation,
            secret_hash: token.secret_hash().to_vec(),
            turned_at: None,
            idle_for,
            idle_until: expires_at.map_or(now + idle_for, |end| end.min(now + idle_for)),
            remember: remember == Remember::Long,
            expires_at,
            proved_at: now,
            last_active_at: now,
            ended_at: None,
        };
        Ok((session, token))
    }

    /// The same for the account as it is after a change of this very write.
    #[must_use]
    pub fn renewed(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// Issues the session or the challenge inside a write, where the account is active and still what it was when its
    /// proof was checked. A session ends the oldest ones above the cap.
    ///
    /// # Errors
    /// `InvalidCredentials` when the account has changed since; what the database says.
    pub fn open(&self, db: &mut dyn Db) -> Result<Opened> {
        let now = self.log.at();
        let (session, watch) = match &self.next {
            Next::Session(session, _, watch) => (session, watch),
            Next::Challenge(pending) => {
                pending.store(db, &self.log, self.account.stamp)?;
                return Ok(Opened { roles: Vec::new(), epoch: None });
            }
        };
        if !store::accounts::note_login(db, &self.account.id, self.account.stamp, now)? {
            return Err(Kind::InvalidCredentials.into());
        }
        store::sessions::insert(db, session, &self.source)?;
        for ended in store::sessions::end_oldest(db, &self.account.id, self.cap, now)? {
            let event = Event::done(What::SessionEnded).about(&self.account.id).in_session(&ended);
            self.log.record(db, &event.because(End::Cap.as_str()))?;
        }
        let is_known = store::clients::is_known(db, &self.account.id, self.client, self.known_since)?;
        let met = if is_known { Acquaintance::Known } else { Acquaintance::Stranger };
        store::clients::note(db, &self.account.id, self.client, now)?;
        store::stats::count_login(db, now)?;
        let event = Event::done(What::Login).about(&self.account.id).in_session(&session.id);
        self.log.record(db, &event.by(self.account.id.as_str()))?;
        watch.look(db, &self.log, &self.account, &session.id, met)?;
        Ok(Opened { roles: store::roles::of(db, &self.account.id)?, epoch: Some(store::keys::epoch(db)?) })
    }

    /// What the holder is given, once the write is on disk: under the keys that were in force when the session began,
    /// which another process may have turned since these were loaded.
    ///
    /// # Errors
    /// When newer keys cannot be loaded.
    pub async fn outcome(self, core: &Core, opened: Opened) -> Result<Outcome> {
        let now = self.log.at();
        let (session, refresh) = match self.next {
            Next::Session(session, refresh, _) => (session, refresh),
            Next::Challenge(pending) => {
                core.post.ring();
                return Ok(Outcome::Challenge(pending.into_extra()));
            }
        };
        key::reach(core, opened.epoch).await?;
        let keys = core.tokens.refresh_keys();
        Ok(Outcome::Issued(Box::new(Issued {
            permissions: core.roles.permissions(&opened.roles),
            roles: opened.roles,
            session: session.id.clone(),
            session_ends: session.expires_at,
            refresh_until: session.idle_until,
            refresh: Secret::new(refresh.under_newest(&keys)?.to_text(&keys)?),
            turned: true,
            cookie_life: session.remember.then(|| session.idle_until.since(now)),
            account: Account { last_login_at: Some(now), ..self.account },
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountId;

    fn factor(kind: FactorKind, confirmed: Option<i64>) -> Factor {
        Factor {
            id: kind.as_str().into(),
            account: AccountId::new("a"),
            kind,
            name: String::new(),
            sealed: None,
            target: None,
            last_step: None,
            created_at: Time::default(),
            confirmed_at: confirmed.map(Time::from_millis),
            last_used_at: None,
        }
    }

    fn due(proof: &Proof, kinds: &[FactorKind], backup_codes: i64, otp: LoginOtp) -> String {
        let factors: Vec<Factor> = kinds.iter().map(|kind| factor(*kind, Some(1))).collect();
        Method::join(&still_due(proof, &factors, backup_codes, otp))
    }

    #[test]
    fn what_is_due_depends_on_the_proof_the_factors_and_the_policy() {
        use FactorKind::{Email, Sms, Totp};
        let (password, mailed) = (Proof::Password, Proof::MailedCode);
        for (proof, kinds, backup_codes, otp, expected) in [
            (&password, &[][..], 0, LoginOtp::Off, ""),
            (&password, &[], 0, LoginOtp::Email, "email"),
            (&mailed, &[], 0, LoginOtp::Email, ""),
            (&password, &[Totp], 10, LoginOtp::Email, "totp,backup_code"),
            (&mailed, &[Totp], 0, LoginOtp::Off, "totp"),
            (&password, &[Totp, Email], 1, LoginOtp::Off, "totp,backup_code"),
            (&password, &[Email], 1, LoginOtp::Email, "email,backup_code"),
            (&mailed, &[Email], 1, LoginOtp::Off, ""),
            (&mailed, &[Email, Sms], 1, LoginOtp::Off, "sms,backup_code"),
            (&password, &[Email, Sms], 0, LoginOtp::Off, "email,sms"),
        ] {
            assert_eq!(due(proof, kinds, backup_codes, otp), expected, "{proof:?} {kinds:?} {otp:?}");
        }
    }

    #[test]
    fn a_factor_guards_nothing_until_it_is_confirmed() {
        let factors = [factor(FactorKind::Totp, None)];
        assert_eq!(still_due(&Proof::Password, &factors, 0, LoginOtp::Off), []);
    }
}
