//! Logging in with a mailed code instead of the password, where the policy allows it.

use crate::error::{Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::proved_address;
use crate::identity::account::proved_address::Brought;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::Issued;
use crate::identity::login::gate::NewSession;
use crate::identity::login::gate::Proof;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::{CodePurpose, CodeRequested};
use crate::identity::login::remember::Remember;
use crate::model::event::What;
use crate::model::{Account, Email, Event, Source};
use crate::outbox::{self, Job};
use crate::store;
use crate::store::db::Db;

fn refuse_where_off(core: &Core) -> Result<()> {
    if core.config.login.passwordless { Ok(()) } else { Err(Kind::NotFound.into()) }
}

/// Requests a code. The response never depends on whether the account exists.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `Unavailable`.
pub async fn request(
    core: &Core,
    email: &Email,
    _counted: &Counted<limit::CodeRequest>,
    source: &Source,
) -> Result<()> {
    refuse_where_off(core)?;
    let prepared =
        core.outbox.job(&Job::LoginCode { email_key: email.key().to_owned() }, source)?;
    let asking = CodeRequested::new(core, email, CodePurpose::Login, source.client());
    let log = AuditLog::new(core, source);
    core.store
        .write(move |db| {
            asking.note(db, log.at())?;
            outbox::enqueue(db, &prepared)?;
            log.record(db, &Event::done(What::CodeRequested).because(CodePurpose::Login.as_str()))
        })
        .await
}

/// Logs in with a code. The gate may ask for a second factor afterwards.
///
/// If the address was not verified before, this verifies it, and voids the password, all sessions
/// and all links: another party may have created the account with this address.
///
/// # Errors
/// `NotFound` where the policy does not allow it, `CodeInvalid`, `TooMany(Code)`, `MfaRequired`
/// with a challenge.
pub async fn verify(
    core: &Core,
    email: &Email,
    typed: &str,
    remember: Remember,
    _counted: &Counted<limit::Code>,
    source: &Source,
) -> Result<Issued> {
    refuse_where_off(core)?;
    let (attempt, account) =
        one_time_code::show(core, email, CodePurpose::Login, typed, source).await?;
    let new_session =
        NewSession::prepare(core, account.clone(), Proof::MailedCode, remember, source).await?;
    let (inside, log) = (new_session.clone(), AuditLog::new(core, source));
    let (account, opened) = core
        .store
        .write(move |db| {
            if attempt.spend(db, log.at())?.is_none_or(|code| !account.has_address(&code.target)) {
                return Err(Kind::CodeInvalid.into());
            }
            let account = prove(db, &account, &log)?;
            let opened = inside.clone().renewed(account.clone()).open(db)?;
            Ok((account, opened))
        })
        .await
        .map_err(|error| {
            if error.kind() == Kind::InvalidCredentials { Kind::CodeInvalid.into() } else { error }
        })?;
    new_session.renewed(account).outcome(core, opened).await?.into_issued()
}

/// Returns the account with its address verified.
fn prove(db: &mut dyn Db, account: &Account, log: &AuditLog) -> Result<Account> {
    let (id, key) = (&account.id, account.email_key().ok_or(Kind::CodeInvalid)?);
    proved_address::prove(db, id, key, Brought::Mailbox, id.as_str(), log)?;
    store::tables::accounts::find(db, id)?.ok_or_else(|| Kind::CodeInvalid.into())
}
