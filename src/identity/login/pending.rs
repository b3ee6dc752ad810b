//! A login whose first factor was right and that waits for a second one.

use std::time::Duration;

use crate::error::{Extra, Kind, Result};
use crate::identity::Core;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::CodeDelivery;
use crate::identity::login::one_time_code::CodePurpose;
use crate::identity::login::remember::Remember;
use crate::model::event::What;
use crate::model::{
    Account, AuthMethods, ClientIp, Event, Factor, FactorKind, Method, Secret, Source, Time, secret,
};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::challenges::Challenge;

/// Lifetime of a challenge.
pub const LIFE: Duration = Duration::from_mins(5);

/// Proof that a challenge was completed. Only `challenge` creates one.
#[derive(Debug, Clone)]
pub struct Completed {
    proved: AuthMethods,
    began_at: Time,
}

impl Completed {
    /// The proof, for the write that spends the challenge.
    pub(in crate::identity::login) fn of(challenge: &Challenge) -> Self {
        Self { proved: challenge.proved.clone(), began_at: challenge.created_at }
    }

    /// How the first factor was proved.
    pub(in crate::identity::login) fn proved(&self) -> &AuthMethods {
        &self.proved
    }

    /// When the login began.
    pub(in crate::identity::login) fn began_at(&self) -> Time {
        self.began_at
    }
}

/// A challenge that is about to be stored.
#[derive(Debug, Clone)]
pub struct Pending {
    row: Challenge,
    client: ClientIp,
    token: Secret,
    dispatch: Option<CodeDelivery>,
}

impl Pending {
    /// Prepares a challenge that these methods complete, after the first factor was proved. Prepares
    /// the code that the first of them needs.
    pub(in crate::identity) fn prepare(
        core: &Core,
        account: &Account,
        factors: &[Factor],
        (proved, methods): (AuthMethods, Vec<Method>),
        began_at: Time,
        remember: Remember,
        source: &Source,
    ) -> Result<Self> {
        let token = Secret::new(core.env.new_token()?);
        let now = core.env.now();
        let dispatch = match methods.first() {
            Some(Method::Factor(kind)) => dispatch(core, account, factors, *kind)?,
            _ => None,
        };
        let row = Challenge {
            hash: secret::digest(token.reveal().as_bytes()),
            account: account.id.clone(),
            credential_version: account.credential_version,
            proved,
            methods,
            remember: remember == Remember::Long,
            client_ip: source.client().to_bytes(),
            attempts: 0,
            created_at: began_at,
            expires_at: now + LIFE,
            spent_at: None,
        };
        Ok(Self { row, client: source.client(), token, dispatch })
    }

    /// Stores the challenge and sends its code, inside a write. If a rate limit holds the code
    /// back, the previous code stays valid.
    ///
    /// # Errors
    /// `InvalidCredentials` when the account has changed since its proof was checked.
    pub(in crate::identity) fn store(
        &self,
        db: &mut dyn Db,
        log: &AuditLog,
        credential_version: i64,
    ) -> Result<()> {
        let row = Challenge { credential_version, ..self.row.clone() };
        if !store::tables::challenges::insert(db, &row, self.client)? {
            return Err(Kind::InvalidCredentials.into());
        }
        if let Some(dispatch) = &self.dispatch {
            dispatch.send(db, log)?;
        }
        let event = Event::done(What::LoginChallenged).about(&row.account);
        log.record(db, &event.because(Method::join(&row.methods)))
    }

    /// What the client receives.
    pub(in crate::identity) fn into_extra(self) -> Extra {
        Extra::Challenge { token: self.token, methods: self.row.methods, expires_in: LIFE }
    }
}

/// Prepares the code to send for a kind of factor; `None` if it needs none or none can be sent.
pub(in crate::identity::login) fn dispatch(
    core: &Core,
    account: &Account,
    factors: &[Factor],
    kind: FactorKind,
) -> Result<Option<CodeDelivery>> {
    match kind {
        FactorKind::Totp => Ok(None),
        FactorKind::Email => one_time_code::by_mail(core, account, CodePurpose::Factor, None),
        FactorKind::Sms => match number_of(factors) {
            Some(number) => one_time_code::by_text(core, account, number),
            None => Ok(None),
        },
    }
}

fn number_of(factors: &[Factor]) -> Option<&str> {
    factors
        .iter()
        .rev()
        .find(|f| f.kind == FactorKind::Sms && f.confirmed_at.is_some())?
        .target
        .as_deref()
}
