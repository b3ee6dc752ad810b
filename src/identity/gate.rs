//! The gate: the one place where sessions are issued. Every road to a session ends here.

use std::time::Duration;

use super::Core;
use super::alarm::Watch;
use super::audit::Log;
use super::guard::Acquaintance;
use crate::error::{Kind, Result};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Client, Event, Secret, SessionId, Source, Time};
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

/// A session that is about to be issued: made before the write, opened inside it.
#[derive(Clone)]
pub struct Opening {
    session: Session,
    refresh: Secret,
    account: Account,
    client: Client,
    source: Source,
    cap: u32,
    known_since: Time,
    watch: Watch,
    log: Log,
}

impl Opening {
    /// Prepares a session for an account that has proved who it is.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn prepare(core: &Core, account: Account, remember: Remember, source: &Source) -> Result<Self> {
        let (rules, now) = (&core.config.sessions, core.env.now());
        let id = SessionId::new(core.env.new_id()?);
        let keys = core.tokens.refresh_keys();
        let token = RefreshToken::first(&keys, &core.env, &id)?;
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
        Ok(Self {
            watch: Watch::prepare(core, &account, source)?,
            known_since: now - core.config.throttle.known_for,
            session,
            refresh: Secret::new(token.to_text(&keys)?),
            account,
            client: source.client(),
            source: source.clone(),
            cap: rules.max,
            log: Log::new(core, source),
        })
    }

    /// Issues the session inside a write, where the account is active and still what it was when its proof was
    /// checked. Ends the oldest sessions above the cap. Says which roles the account has.
    ///
    /// # Errors
    /// `InvalidCredentials` when the account has changed since; what the database says.
    pub fn open(&self, db: &mut dyn Db) -> Result<Vec<String>> {
        let now = self.log.at();
        if !store::accounts::note_login(db, &self.account.id, self.account.stamp, now)? {
            return Err(Kind::InvalidCredentials.into());
        }
        store::sessions::insert(db, &self.session, &self.source)?;
        for ended in store::sessions::end_oldest(db, &self.account.id, self.cap, now)? {
            let event = Event::done(What::SessionEnded).about(&self.account.id).in_session(&ended);
            self.log.record(db, &event.because(End::Cap.as_str()))?;
        }
        let is_known = store::clients::is_known(db, &self.account.id, self.client, self.known_since)?;
        let met = if is_known { Acquaintance::Known } else { Acquaintance::Stranger };
        store::clients::note(db, &self.account.id, self.client, now)?;
        store::stats::count_login(db, now)?;
        let event = Event::done(What::Login).about(&self.account.id).in_session(&self.session.id);
        self.log.record(db, &event.by(self.account.id.as_str()))?;
        self.watch.look(db, &self.log, &self.account, &self.session.id, met)?;
        store::roles::of(db, &self.account.id)
    }

    /// What the holder is given, once the write is on disk.
    #[must_use]
    pub fn issued(self, core: &Core, roles: Vec<String>) -> Issued {
        let now = self.log.at();
        Issued {
            permissions: core.roles.permissions(&roles),
            roles,
            session: self.session.id.clone(),
            session_ends: self.session.expires_at,
            refresh_until: self.session.idle_until,
            refresh: self.refresh,
            turned: true,
            cookie_life: self.session.remember.then(|| self.session.idle_until.since(now)),
            account: Account { last_login_at: Some(now), ..self.account },
        }
    }
}
