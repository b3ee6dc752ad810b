//! The gate: the only place that issues sessions. Every way to log in ends here with a proof, and
//! only this module decides whether the proof is enough.

use std::time::Duration;

use crate::config::LoginOtp;
use crate::error::{Error, Extra, Kind, Result};
use crate::identity::Core;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard::Familiarity;
use crate::identity::login::new_device::NewDeviceCheck;
use crate::identity::login::pending::Completed;
use crate::identity::login::remember::Remember;
use crate::identity::passkey::assertion::UserVerifiedKey;
use crate::identity::provider::ProviderProof;
use crate::model::event::What;
use crate::model::session::{RotationHistory, SessionEnd};
use crate::model::{
    Account, AccountId, AuthMethod, AuthMethods, ClientIp, Event, Factor, FactorKind, Method,
    Secret, SessionId, Source, Time,
};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::sessions::SessionRow;
use crate::token::refresh::RefreshToken;
use crate::token::{AccessToken, Audience, Grant};

/// What a client that wants a session has proved.
#[derive(Debug, Clone)]
pub enum Proof {
    Password,
    /// A code that the server mailed to the account's address.
    MailedCode,
    /// A key whose authenticator checked who the person is: both factors in one.
    Passkey(UserVerifiedKey),
    /// A login at a provider whose account is connected.
    Provider(ProviderProof),
    /// A first proof followed by a second factor. Only a completed challenge provides one.
    Factor(Completed),
}

impl Proof {
    /// The methods that this proof consists of, except the one that completes a challenge.
    fn methods(&self) -> AuthMethods {
        match self {
            Proof::Password => AuthMethod::Password.into(),
            Proof::MailedCode => AuthMethod::Mail.into(),
            Proof::Passkey(key) => key.methods().clone(),
            Proof::Provider(login) => login.methods().clone(),
            Proof::Factor(completed) => completed.proved().clone(),
        }
    }

    /// When the login began, if it did before this proof. What the login itself added, such as an account
    /// at a provider, is no older.
    fn began_at(&self) -> Option<Time> {
        match self {
            Proof::Provider(login) => Some(login.began_at()),
            Proof::Factor(completed) => Some(completed.began_at()),
            Proof::Password | Proof::MailedCode | Proof::Passkey(_) => None,
        }
    }

    /// Which key or provider it was, for the audit log.
    fn key(&self) -> Option<String> {
        match self {
            Proof::Passkey(key) => Some(key.key().to_owned()),
            Proof::Provider(login) => Some(format!("provider {}", login.provider())),
            Proof::Password | Proof::MailedCode | Proof::Factor(_) => None,
        }
    }
}

/// What guards an account besides its password.
#[derive(Debug, Clone, Default)]
struct Guards {
    factors: Vec<Factor>,
    /// The number of passkeys, which a login with the password does not ask for.
    passkeys: i64,
    security_keys: i64,
    backup_codes: i64,
}

impl Guards {
    fn of(db: &mut dyn Db, account: &AccountId) -> Result<Self> {
        let (passkeys, security_keys) = store::tables::passkeys::count(db, account)?;
        Ok(Self {
            factors: store::tables::factors::of(db, account)?,
            passkeys,
            security_keys,
            backup_codes: store::tables::factors::count_backup_codes(db, account)?,
        })
    }
}

/// The result of a proof.
#[derive(Debug, Clone)]
pub enum GateOutcome {
    /// The proof was enough.
    Issued(Box<Issued>),
    /// A second factor is still required.
    Challenge(Extra),
}

impl GateOutcome {
    /// Returns the session.
    ///
    /// # Errors
    /// `MfaRequired` with the challenge.
    pub fn into_issued(self) -> Result<Issued> {
        match self {
            GateOutcome::Issued(issued) => Ok(*issued),
            GateOutcome::Challenge(challenge) => {
                Err(Error::new(Kind::MfaRequired).carrying(challenge))
            }
        }
    }
}

/// The methods still required after this proof, given what guards the account. Empty if the proof is
/// enough. Where a second factor is due, any key of the account will do.
fn still_due(proof: &Proof, account: &Guards, otp: LoginOtp) -> Vec<Method> {
    let has = |kind: FactorKind| {
        account.factors.iter().any(|factor| factor.kind == kind && factor.confirmed_at.is_some())
    };
    let asks_for_key = account.security_keys > 0;
    let guards = asks_for_key || FactorKind::ALL.into_iter().any(has);
    let mut kinds: Vec<FactorKind> =
        FactorKind::ALL.into_iter().filter(|kind| has(*kind)).collect();
    // A mailed code never replaces an authenticator or a security key.
    if has(FactorKind::Totp) || asks_for_key {
        kinds.retain(|kind| *kind != FactorKind::Email);
    }
    match proof {
        Proof::Passkey(_) | Proof::Factor(_) => return Vec::new(),
        Proof::Provider(login) if login.is_trusted() => return Vec::new(),
        Proof::MailedCode => kinds.retain(|kind| *kind != FactorKind::Email),
        Proof::Password | Proof::Provider(_) if !guards && otp == LoginOtp::Email => {
            kinds.push(FactorKind::Email);
        }
        Proof::Password | Proof::Provider(_) => {}
    }
    let is_due = asks_for_key || !kinds.is_empty();
    let has_key = asks_for_key || account.passkeys > 0;
    let key = (is_due && has_key).then_some(Method::Passkey);
    let backup = (is_due && guards && account.backup_codes > 0).then_some(Method::BackupCode);
    kinds.into_iter().map(Method::Factor).chain(key).chain(backup).collect()
}

/// A session that was just issued or refreshed, with what the client receives.
#[derive(Debug, Clone)]
pub struct Issued {
    pub account: Account,
    /// In the order in which they were given.
    pub roles: Vec<String>,
    /// Everything the roles permit, sorted.
    pub permissions: Vec<String>,
    pub session: SessionId,
    /// When the session ends even if it is used.
    pub session_ends: Option<Time>,
    /// When the refresh token expires if it is not used.
    pub refresh_until: Time,
    pub refresh: Secret,
    /// Whether the refresh token differs from the one presented.
    pub rotated: bool,
    /// Lifetime of the refresh token's cookie; `None` means until the browser closes.
    pub cookie_life: Option<Duration>,
}

/// Signs the access token for an issued session, with the API's own claims.
pub fn access_token(
    core: &Core,
    issued: &Issued,
    claims: Vec<(&'static str, serde_json::Value)>,
) -> Result<AccessToken> {
    core.tokens.sign(&Grant {
        account: issued.account.id.clone(),
        session: issued.session.clone(),
        session_ends: issued.session_ends,
        audience: Audience::Instance,
        scope: None,
        claims,
    })
}

/// A session or a challenge that is about to be issued: prepared before the write, inserted inside
/// it.
#[derive(Clone)]
pub struct NewSession {
    next: NextStep,
    proved: AuthMethods,
    /// Which key it was, for the audit log.
    key: Option<String>,
    account: Account,
    client: ClientIp,
    source: Source,
    cap: u32,
    known_since: Time,
    log: AuditLog,
}

#[derive(Clone)]
enum NextStep {
    Session(Box<SessionRow>, RefreshToken, Box<NewDeviceCheck>),
    Challenge(Box<crate::identity::login::pending::Pending>),
}

/// The result of the write that inserted a session or a challenge.
#[derive(Debug, Clone)]
pub struct SessionGrant {
    /// Sorted.
    roles: Vec<String>,
    /// The key epoch in which the session began; `None` for a challenge.
    epoch: Option<i64>,
}

impl NewSession {
    /// Prepares what an account gets for this proof: a session, or a challenge if the proof is not
    /// enough.
    pub async fn prepare(
        core: &Core,
        account: Account,
        proof: Proof,
        remember: Remember,
        source: &Source,
    ) -> Result<Self> {
        let id = account.id.clone();
        // Reading outside the write is safe: a later change raises the account's credential
        // version, and the write then refuses.
        let guards = core.store.read(move |db| Guards::of(db, &id)).await?;
        let due = still_due(&proof, &guards, core.config.login.otp);
        let (proved, key) = (proof.methods(), proof.key());
        let began_at = proof.began_at().unwrap_or_else(|| core.env.now());
        let next = if due.is_empty() {
            let (session, refresh) = Self::session(core, &account, began_at, remember)?;
            NextStep::Session(
                Box::new(session),
                refresh,
                Box::new(NewDeviceCheck::prepare(core, &account, source)?),
            )
        } else {
            NextStep::Challenge(Box::new(crate::identity::login::pending::Pending::prepare(
                core,
                &account,
                &guards.factors,
                (proved.clone(), due),
                began_at,
                remember,
                source,
            )?))
        };
        let (client, cap) = (source.client(), core.config.sessions.max);
        let known_since = core.env.now() - core.config.throttle.known_for;
        Ok(Self {
            next,
            proved,
            key,
            account,
            client,
            source: source.clone(),
            cap,
            known_since,
            log: AuditLog::new(core, source),
        })
    }

    fn session(
        core: &Core,
        account: &Account,
        began_at: Time,
        remember: Remember,
    ) -> Result<(SessionRow, RefreshToken)> {
        let (rules, now) = (&core.config.sessions, core.env.now());
        let id = SessionId::new(core.env.new_id()?);
        let token = RefreshToken::first(&core.tokens.refresh_keys(), &core.env, &id)?;
        let (idle_for, longest) = match remember {
            Remember::Long => (rules.idle, rules.absolute),
            Remember::Short => (rules.short.min(rules.idle), Some(rules.short)),
        };
        let expires_at = longest.map(|life| now + life);
        let session = SessionRow {
            id,
            account: account.id.clone(),
            generation: token.generation,
            secret_hash: token.secret_hash().to_vec(),
            rotated_at: None,
            idle_for,
            idle_until: expires_at.map_or(now + idle_for, |end| end.min(now + idle_for)),
            remember: remember == Remember::Long,
            expires_at,
            created_at: began_at,
            proved_at: now,
            last_active_at: now,
            ended_at: None,
            rotations: RotationHistory::default(),
            refresh_day: None,
        };
        Ok((session, token))
    }

    /// Uses the account as it is after a change in the same write.
    #[must_use]
    pub fn renewed(mut self, account: Account) -> Self {
        self.account = account;
        self
    }

    /// Adds the methods that completed a challenge. Those of a code are known only inside the write.
    #[must_use]
    pub fn completed_by(mut self, methods: &AuthMethods) -> Self {
        self.proved = self.proved.and(methods);
        self
    }

    /// Issues the session or the challenge inside a write, if the account is active and unchanged
    /// since its proof was checked. A new session ends the oldest ones above the cap, and never itself,
    /// although its login may have begun before theirs.
    ///
    /// # Errors
    /// `InvalidCredentials` if the account has changed since.
    pub fn open(&self, db: &mut dyn Db) -> Result<SessionGrant> {
        let now = self.log.at();
        let (session, watch) = match &self.next {
            NextStep::Session(session, _, watch) => (session, watch),
            NextStep::Challenge(pending) => {
                pending.store(db, &self.log, self.account.credential_version)?;
                return Ok(SessionGrant { roles: Vec::new(), epoch: None });
            }
        };
        if !store::tables::accounts::note_login(
            db,
            &self.account.id,
            self.account.credential_version,
            now,
        )? {
            return Err(Kind::InvalidCredentials.into());
        }
        let others = self.cap.saturating_sub(1);
        for ended in store::tables::sessions::end_oldest(db, &self.account.id, others, now)? {
            let event = Event::done(What::SessionEnded).about(&self.account.id).in_session(&ended);
            self.log.record(db, &event.because(SessionEnd::Cap.as_str()))?;
        }
        store::tables::sessions::insert(db, session, &self.proved, &self.source)?;
        let is_known = store::tables::known_ips::is_known(
            db,
            &self.account.id,
            self.client,
            self.known_since,
        )?;
        let familiarity = if is_known { Familiarity::Known } else { Familiarity::Unknown };
        store::tables::known_ips::note(db, &self.account.id, self.client, now)?;
        store::tables::stats::count_login(db, now)?;
        self.log.note_active(db, &self.account.id)?;
        let event = Event::done(What::Login).about(&self.account.id).in_session(&session.id);
        let event = Event { detail: self.key.clone(), ..event.by(self.account.id.as_str()) };
        self.log.record(db, &event)?;
        watch.look(db, &self.log, &self.account, &session.id, familiarity)?;
        Ok(SessionGrant {
            roles: store::tables::roles::of(db, &self.account.id)?,
            epoch: Some(store::tables::keys::epoch(db)?),
        })
    }

    /// Returns what the client receives, once the write is committed. It uses the keys in force
    /// when the session began: another process may have rotated them since this one loaded its
    /// keys.
    pub async fn outcome(self, core: &Core, opened: SessionGrant) -> Result<GateOutcome> {
        let now = self.log.at();
        let (session, refresh) = match self.next {
            NextStep::Session(session, refresh, _) => (session, refresh),
            NextStep::Challenge(pending) => {
                return Ok(GateOutcome::Challenge(pending.into_extra()));
            }
        };
        crate::identity::system::key_reload::reach(core, opened.epoch).await?;
        let keys = core.tokens.refresh_keys();
        Ok(GateOutcome::Issued(Box::new(Issued {
            permissions: core.roles.permissions(&opened.roles),
            roles: opened.roles,
            session: session.id.clone(),
            session_ends: session.expires_at,
            refresh_until: session.idle_until,
            refresh: Secret::new(refresh.under_newest(&keys)?.to_text(&keys)?),
            rotated: true,
            cookie_life: session.remember.then(|| session.idle_until.since(now)),
            account: Account { last_login_at: Some(now), ..self.account },
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(proof: &Proof, kinds: &[FactorKind], backup_codes: i64, otp: LoginOtp) -> String {
        let factors: Vec<Factor> =
            kinds.iter().map(|kind| Factor::fixture(*kind, Some(Time::from_millis(1)))).collect();
        let guards = Guards { factors, backup_codes, ..Guards::default() };
        Method::join(&still_due(proof, &guards, otp))
    }

    #[test]
    fn a_security_key_is_asked_for_and_a_passkey_will_do_where_a_factor_is() {
        use FactorKind::{Email, Totp};
        let due = |proof: &Proof, kinds: &[FactorKind], (passkeys, security_keys), otp| {
            let factors = kinds
                .iter()
                .map(|kind| Factor::fixture(*kind, Some(Time::from_millis(1))))
                .collect();
            let guards = Guards { factors, passkeys, security_keys, backup_codes: 1 };
            Method::join(&still_due(proof, &guards, otp))
        };
        for (proof, kinds, keys, otp, expected) in [
            (Proof::Password, &[][..], (1, 0), LoginOtp::Off, ""),
            (Proof::Password, &[], (1, 0), LoginOtp::Email, "email,passkey"),
            (Proof::Password, &[], (0, 1), LoginOtp::Off, "passkey,backup_code"),
            (Proof::Password, &[], (0, 1), LoginOtp::Email, "passkey,backup_code"),
            (Proof::MailedCode, &[], (0, 1), LoginOtp::Off, "passkey,backup_code"),
            (Proof::Password, &[Email], (0, 1), LoginOtp::Off, "passkey,backup_code"),
            (Proof::Password, &[Totp], (1, 0), LoginOtp::Off, "totp,passkey,backup_code"),
            (Proof::MailedCode, &[], (1, 0), LoginOtp::Off, ""),
        ] {
            assert_eq!(due(&proof, kinds, keys, otp), expected, "{proof:?} {kinds:?} {keys:?}");
        }
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
            assert_eq!(
                due(proof, kinds, backup_codes, otp),
                expected,
                "{proof:?} {kinds:?} {otp:?}"
            );
        }
    }

    #[test]
    fn a_factor_guards_nothing_until_it_is_confirmed() {
        let factors = [Factor::fixture(FactorKind::Totp, None)];
        let guards = Guards { factors: factors.to_vec(), ..Guards::default() };
        assert_eq!(still_due(&Proof::Password, &guards, LoginOtp::Off), []);
    }
}
