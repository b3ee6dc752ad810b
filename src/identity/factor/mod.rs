//! Second factors: set up, confirm, list, rename and remove them; backup codes.
//!
//! For completing a login with a factor, see `challenge`. Every change except a rename raises the
//! account's credential version, which voids everything that rests on the previous factors, and the
//! server mails the owner.

pub mod backup;
pub mod check;
mod grant;
pub mod guesses;
mod manage;
mod qr;
pub mod totp;

pub use grant::{GrantedAuthenticator, grant_authenticator};
pub use manage::{Overview, list, remove, rename, renew_backup_codes, reset_all};

use self::check::{Budget, CodeCheck, place, step_of, too_many};
use super::{Caller, Core};
use crate::env::Env;
use crate::error::{Detail, Error, FactorRule, Field, Kind, Limit, Result, Rule, limit};
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh::Fresh;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::account::not_me::NotMeLink;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::guard;
use crate::identity::login::one_time_code;
use crate::identity::login::one_time_code::{
    CodeAttempt, CodeDelivery, CodeOrigin, CodePurpose, Trust,
};
use crate::mail::{AddedMethod, FactorChange, Letter};
use crate::model::event::What;
use crate::model::{Account, AccountId, Event, Factor, FactorKind, Method, Secret, Source};
use crate::outbox::{self, OutgoingMessage};
use crate::seal::MasterKey;
use crate::store::db::Db;
use crate::store::{self, Decision};

/// The refusal when too many codes were sent or were wrong for one account.
pub const USED_UP: Kind = Kind::TooMany(Limit::Factor);
/// The most confirmed factors that an account can have.
const MOST: usize = 10;

/// An unconfirmed factor, with the secrets that the server shows only this once.
#[derive(Debug, Clone)]
pub struct Started {
    pub factor: Factor,
    /// `None` for other kinds of factors.
    pub authenticator: Option<Authenticator>,
    /// They work once the factor is confirmed; the previous codes stop working then.
    pub backup_codes: Vec<Secret>,
}

/// The secret of an authenticator, in the forms that apps accept.
#[derive(Debug, Clone)]
pub struct Authenticator {
    /// In base32.
    pub secret: Secret,
    /// As an `otpauth` URI.
    pub uri: Secret,
    /// The URI as a QR code: a PNG in a data URL.
    pub qr_code: Secret,
}

/// The error for a method that the login does not offer, or that sends no code.
pub(in crate::identity) fn no_such_method() -> Error {
    Error::invalid_field(Field::Method, Rule::Factor(FactorRule::MethodNotOffered))
}

async fn factors_of(core: &Core, account: &AccountId) -> Result<Vec<Factor>> {
    let id = account.clone();
    core.store.read(move |db| store::tables::factors::of(db, &id)).await
}

fn letter(core: &Core, account: &Account, change: FactorChange) -> Result<Option<OutgoingMessage>> {
    let language = core.language_of(account);
    let letter = Letter::FactorChanged { change };
    core.mail.compose_for(account, language, &letter)
}

/// The mail about what a session adds, and the link in it that takes it back.
fn addition_letter(
    core: &Core,
    account: &Account,
    change: AddedMethod,
) -> Result<(Option<OutgoingMessage>, NotMeLink)> {
    let (not_me, link) = NotMeLink::new(core, account)?;
    let letter = Letter::LoginMethodAdded { change, link, until: not_me.until() };
    let language = core.language_of(account);
    Ok((core.mail.compose_for(account, language, &letter)?, not_me))
}

/// Begins to set up a factor.
///
/// # Errors
/// `Forbidden` until the address is verified and where `factors.enabled` is false, `ReauthenticationRequired`, `Validation` if the
/// server cannot send text messages to the profile's number, `AlreadyExists`, `TooMany(Factor)`.
pub async fn set_up(
    core: &Core,
    caller: &Caller,
    kind: FactorKind,
    name: &str,
    source: &Source,
) -> Result<Started> {
    let account = &caller.account;
    if !core.config.factors.enabled {
        return Err(Detail::FactorsOff.into());
    }
    if account.is_unproved() {
        return Err(Detail::AddressUnverified.into());
    }
    let confirmed = confirmed(factors_of(core, &account.id).await?);
    if core.config.factors.first_asks || is_guarded(core, &account.id).await? {
        Fresh::check(core, caller).await?;
    }
    let target = target(core, account, kind)?;
    has_room(&confirmed, kind, target.as_deref())?;
    let id = core.env.new_id()?;
    let (sealed, authenticator) = if kind == FactorKind::Totp {
        let (sealed, shown) = authenticator(core, account, &id)?;
        (Some(sealed), Some(shown))
    } else {
        (None, None)
    };
    let dispatch = dispatch(core, account, kind, target.as_deref(), &id, source)?;
    let log = AuditLog::new(core, source);
    let name = if name.is_empty() { kind.as_str() } else { name };
    let factor = Factor {
        id,
        account: account.id.clone(),
        kind,
        name: name.to_owned(),
        sealed,
        target,
        last_step: None,
        created_at: log.at(),
        confirmed_at: None,
        last_used_at: None,
    };
    let (backup_codes, hashes) = backup::new_set(core, &account.id)?;
    store_new(core, caller, &factor, hashes, dispatch, log).await?;
    Ok(Started { factor, authenticator, backup_codes })
}

/// Whether logins with the password ask for a second factor.
async fn is_guarded(core: &Core, account: &AccountId) -> Result<bool> {
    let id = account.clone();
    core.store.read(move |db| store::tables::factors::has_second_factor(db, &id)).await
}

fn confirmed(factors: Vec<Factor>) -> Vec<Factor> {
    factors.into_iter().filter(|factor| factor.confirmed_at.is_some()).collect()
}

/// Refuses a factor beyond the maximum, and one that already guards the account.
fn has_room(confirmed: &[Factor], kind: FactorKind, target: Option<&str>) -> Result<()> {
    let is_there = |factor: &Factor| factor.kind == kind && factor.target.as_deref() == target;
    if confirmed.len() >= MOST || kind != FactorKind::Totp && confirmed.iter().any(is_there) {
        return Err(Detail::FactorExists.into());
    }
    Ok(())
}

async fn store_new(
    core: &Core,
    caller: &Caller,
    factor: &Factor,
    hashes: Vec<[u8; 32]>,
    dispatch: Option<CodeDelivery>,
    log: AuditLog,
) -> Result<()> {
    let (new, was_fresh) = (factor.clone(), Fresh::check(core, caller).await.is_ok());
    let version = caller.account.credential_version;
    core.store
        .write(move |db| {
            // Another call may have confirmed a factor since this one looked.
            store::tables::accounts::hold(db, &new.account)?;
            let account = store::tables::accounts::find(db, &new.account)?;
            let is_unchanged = account.is_some_and(|found| found.credential_version == version);
            let is_fresh = was_fresh && is_unchanged;
            let confirmed = confirmed(store::tables::factors::of(db, &new.account)?);
            if store::tables::factors::has_second_factor(db, &new.account)? && !is_fresh {
                return Err(Kind::ReauthenticationRequired.into());
            }
            has_room(&confirmed, new.kind, new.target.as_deref())?;
            store::tables::factors::drop_unconfirmed(db, &new.account, new.kind)?;
            store::tables::factors::insert(db, &new)?;
            store::tables::factors::insert_backup_codes(
                db,
                &new.account,
                &hashes,
                Some(&new.id),
                log.at(),
            )?;
            match dispatch.as_ref().map(|dispatch| dispatch.send(db, &log)).transpose()?.flatten() {
                Some(wait) => Err(too_many(wait)),
                None => Ok(()),
            }
        })
        .await
}

/// The phone number for text messages; `None` for other kinds.
fn target(core: &Core, account: &Account, kind: FactorKind) -> Result<Option<String>> {
    let refuse = |field, rule| Err(Error::invalid_field(field, Rule::Factor(rule)));
    match kind {
        FactorKind::Email if account.email.is_none() => {
            return refuse(Field::FactorKind, FactorRule::MethodNotOffered);
        }
        FactorKind::Email | FactorKind::Totp => return Ok(None),
        FactorKind::Sms => {}
    }
    if !core.config.sms.is_on() {
        return refuse(Field::FactorKind, FactorRule::NoTextMessages);
    }
    let number = account.phone.as_deref().filter(|phone| is_e164(phone));
    let Some(number) = number else {
        return refuse(Field::Phone, FactorRule::InternationalNumber);
    };
    if !core.config.sms.may_reach(number) {
        return refuse(Field::Phone, FactorRule::CountryNotServed);
    }
    Ok(Some(number.to_owned()))
}

/// Whether this is a number by ITU-T E.164: a plus sign, then at most fifteen digits that do not
/// begin with zero.
fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or("");
    (8..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Seals a secret that nobody knows, for an authenticator whose own cannot be opened: it stays a second
/// factor that accepts no code.
pub fn seal_unknown_secret(master: &MasterKey, env: &Env, id: &str) -> Result<Vec<u8>> {
    let secret = zeroize::Zeroizing::new(totp::new_secret(env)?);
    master.seal(env, &place(id), &secret)
}

fn authenticator(core: &Core, account: &Account, id: &str) -> Result<(Vec<u8>, Authenticator)> {
    let bytes = zeroize::Zeroizing::new(totp::new_secret(&core.env)?);
    let sealed = core.master.seal(&core.env, &place(id), &bytes)?;
    let secret = totp::base32(&bytes);
    let issuer = core.config.factors.issuer.as_ref().unwrap_or(&core.config.service.name);
    let uri = totp::uri(issuer, &account.label(), &secret);
    Ok((sealed, Authenticator { secret: Secret::new(secret), qr_code: qr::data_url(&uri)?, uri }))
}

/// The code that confirms a factor, for kinds that need one sent.
fn dispatch(
    core: &Core,
    account: &Account,
    kind: FactorKind,
    number: Option<&str>,
    id: &str,
    source: &Source,
) -> Result<Option<CodeDelivery>> {
    match (kind, number) {
        (FactorKind::Email, _) => {
            one_time_code::by_mail(core, account, CodePurpose::Setup, Some(id))
        }
        (FactorKind::Sms, Some(number)) => {
            one_time_code::setup_by_text(core, account, number, id, source)
        }
        _ => Ok(None),
    }
}

/// What a code did that came with an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeConfirmation {
    Confirmed,
    /// No factor awaited confirmation: the code matched a confirmed factor, and the session's proof
    /// is fresh again.
    Shown,
}

/// Accepts a code with an access token. Confirms the pending factor (the named one, or else the
/// newest). Without a pending factor, checks the code against the confirmed ones.
///
/// # Errors
/// `MfaNotEnabled`, `MfaCodeInvalid`, `BackupCodeUsed`, `TooMany(Factor)`, `AlreadyExists`;
/// `ReauthenticationRequired` to confirm a factor that was begun before another was confirmed.
pub async fn verify(
    core: &Core,
    caller: &Caller,
    typed: &str,
    device: Option<&str>,
    _counted: &Counted<limit::Factor>,
    source: &Source,
) -> Result<CodeConfirmation> {
    let factors = factors_of(core, &caller.account.id).await?;
    let is_pending = |factor: &&Factor| factor.confirmed_at.is_none();
    // A client may send an id of its own for the device: only the id of a factor chooses one.
    let named = factors.iter().find(|factor| device.is_some_and(|id| factor.id == id));
    let pending = match named {
        Some(factor) => Some(factor).filter(is_pending),
        None => factors.iter().rev().find(is_pending),
    };
    match pending {
        Some(factor) => {
            confirm(core, caller, factor, typed, source).await.map(|()| CodeConfirmation::Confirmed)
        }
        None => show(core, caller, typed, source).await.map(|()| CodeConfirmation::Shown),
    }
}

/// The origin of a code that comes with an access token.
async fn own_code(core: &Core, account: &Account, source: &Source) -> Result<CodeOrigin> {
    let client = source.client();
    let familiarity = guard::familiarity(core, &account.id, client).await?;
    Ok(CodeOrigin { client, trust: Trust::RequestedHere, familiarity })
}

/// How a pending factor is confirmed.
enum Confirmation {
    /// The step of the authenticator whose code was typed, if any.
    Step(Option<i64>),
    /// A code that the server sent.
    Sent(Box<CodeAttempt>),
}

async fn confirm(
    core: &Core,
    caller: &Caller,
    factor: &Factor,
    typed: &str,
    source: &Source,
) -> Result<()> {
    let (account, is_fresh) = (&caller.account, Fresh::check(core, caller).await.is_ok());
    let plain: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let how = match factor.kind {
        FactorKind::Totp => Confirmation::Step(step_of(core, factor, &plain)?),
        FactorKind::Email | FactorKind::Sms => {
            let from = own_code(core, account, source).await?;
            let owner = LoginTarget::of_owner(account);
            Confirmation::Sent(Box::new(CodeAttempt::new(
                core,
                &owner,
                Some(account),
                CodePurpose::Setup,
                &plain,
                from,
            )))
        }
    };
    let (letter, not_me) = addition_letter(core, account, AddedMethod::Factor(factor.kind))?;
    let (budget, session) = (Budget::of_setup(core, caller), caller.session().clone());
    let (log, account, factor) = (AuditLog::new(core, source), account.clone(), factor.clone());
    core.store
        .decide(move |db| {
            if let Decision::CommitThenRefuse(refusal) = budget.count(db, &log)? {
                return Ok(Decision::CommitThenRefuse(refusal));
            }
            let step = match confirmation(db, &how, &factor, &log)? {
                Decision::Commit(step) => step,
                Decision::CommitThenRefuse(refusal) => {
                    // A refusal by a rate limit is recorded by the limit itself.
                    if !matches!(refusal.kind(), Kind::TooMany(_)) {
                        let event = Event::refused(What::FactorAdded).about(&account.id);
                        let event = event.by(account.id.as_str()).because("wrong_code");
                        log.record(db, &event)?;
                    }
                    return Ok(Decision::CommitThenRefuse(refusal));
                }
            };
            budget.give_back(db)?;
            if !store::tables::factors::has_second_factor(db, &account.id)? {
                store::tables::sessions::forget_factors_shown(db, &account.id, &session)?;
            }
            let before = put_in_force(db, &log, &account, &factor, step)?;
            let since = factor.created_at;
            let keys = store::tables::passkeys::of(db, &account.id)?;
            if !is_fresh
                && (before.iter().any(|other| other.confirmed_at >= Some(since))
                    || keys.iter().any(|key| key.created_at >= since))
            {
                return Err(Kind::ReauthenticationRequired.into());
            }
            // The code was right, so this session has shown the factor that guards it from now on.
            store::tables::sessions::add_methods(
                db,
                &session,
                &Method::Factor(factor.kind).into(),
            )?;
            not_me.store_addition(db, &session, &log)?;
            outbox::enqueue_all(db, &letter).map(Decision::Commit)
        })
        .await
}

/// Checks the code that confirms a factor. Returns the authenticator's step, if there is one.
fn confirmation(
    db: &mut dyn Db,
    how: &Confirmation,
    factor: &Factor,
    log: &AuditLog,
) -> Result<Decision<Option<i64>>> {
    let wrong = || Ok(Decision::CommitThenRefuse(Kind::MfaCodeInvalid.into()));
    let attempt = match how {
        Confirmation::Step(Some(step)) => return Ok(Decision::Commit(Some(*step))),
        Confirmation::Step(None) => return wrong(),
        Confirmation::Sent(attempt) => attempt,
    };
    if let Some(wait) = attempt.count(db, log)? {
        return Ok(Decision::CommitThenRefuse(too_many(wait)));
    }
    let found = attempt.look(db, log.at())?;
    if found.is_none_or(|code| code.factor.as_deref() != Some(factor.id.as_str())) {
        return wrong();
    }
    attempt.forgive(db)?;
    match attempt.spend(db, log.at())? {
        Some(_) => Ok(Decision::Commit(None)),
        None => wrong(),
    }
}

/// Activates a factor and the backup codes made with it. Returns the factors that were active
/// before.
fn put_in_force(
    db: &mut dyn Db,
    log: &AuditLog,
    account: &Account,
    factor: &Factor,
    step: Option<i64>,
) -> Result<Vec<Factor>> {
    let gone = || Error::new(Kind::MfaCodeInvalid);
    if !store::tables::accounts::raise_credential_version(
        db,
        &account.id,
        account.credential_version,
    )? {
        return Err(gone());
    }
    let before = confirmed(store::tables::factors::of(db, &account.id)?);
    has_room(&before, factor.kind, factor.target.as_deref())?;
    if !store::tables::factors::confirm(db, &account.id, &factor.id, step, log.at())? {
        return Err(gone());
    }
    store::tables::factors::drop_backup_codes(db, &account.id)?;
    store::tables::factors::release_backup_codes(db, &account.id, &factor.id)?;
    if let Some(number) = &factor.target {
        store::tables::accounts::prove_phone(db, &account.id, number, log.at())?;
    }
    let event = Event::done(What::FactorAdded).about(&account.id).by(account.id.as_str());
    log.record(db, &event.because(factor.kind.as_str()))?;
    Ok(before)
}

/// Checks a second factor within a session. The session's proof is fresh again afterwards.
///
/// # Errors
/// `MfaNotEnabled`, `MfaCodeInvalid`, `BackupCodeUsed`, `TooMany(Factor)`.
pub async fn show(core: &Core, caller: &Caller, typed: &str, source: &Source) -> Result<()> {
    let account = &caller.account;
    let factors = factors_of(core, &account.id).await?;
    let mut methods: Vec<Method> = factors
        .iter()
        .filter(|f| f.confirmed_at.is_some())
        .map(|f| Method::Factor(f.kind))
        .collect();
    if methods.is_empty() && !is_guarded(core, &account.id).await? {
        return Err(Kind::MfaNotEnabled.into());
    }
    // A mailed code never replaces an authenticator.
    if methods.contains(&Method::Factor(FactorKind::Totp)) {
        methods.retain(|method| *method != Method::Factor(FactorKind::Email));
    }
    methods.push(Method::BackupCode);
    let from = own_code(core, account, source).await?;
    let check = CodeCheck::prepare(core, account, &factors, &methods, typed, from)?;
    let budget = Budget::in_session(core, caller, from.familiarity, source)?;
    let (log, session) = (AuditLog::new(core, source), caller.session().clone());
    core.store
        .decide(move |db| {
            if let Decision::CommitThenRefuse(refusal) = budget.count(db, &log)? {
                return Ok(Decision::CommitThenRefuse(refusal));
            }
            let method = match budget.run(db, &log, &check)? {
                Decision::Commit(method) => method,
                Decision::CommitThenRefuse(refusal) => {
                    return Ok(Decision::CommitThenRefuse(refusal));
                }
            };
            if !store::tables::sessions::renew_proof(db, &session, &method.into(), log.at())? {
                return Err(Kind::SessionEnded.into());
            }
            Ok(Decision::Commit(()))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_international_or_none() {
        for good in ["+491701234567", "+12025550123"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in [
            "",
            "+",
            "491701234567",
            "+0491701234567",
            "+49 170 1234567",
            "+1234567890123456",
            "+49x701234567",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
    }
}
