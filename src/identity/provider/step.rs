//! The step between a provider's answer and the session: a code that is mailed to an address proves
//! the address, and with it the existing account that has it.
//!
//! The answers do not depend on whether the address has an account. The code travels sealed with the
//! browser, so nothing is stored but the mail; it is long enough that guessing is pointless. What voids a
//! mailed link voids it too: it is sealed with the account that had the address, and is good only while
//! that account has it with the same credentials and state.

use std::time::Duration;

use super::establish;
use super::establish::ShownIdentity;
use super::flow::{self, ANSWER_LIFE, HolderMark, MailedCode, STEP_LIFE, WaitingIdentity};
use crate::error::{Kind, Limit, ProviderFault, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::audit::log::AuditLog;
use crate::identity::login::gate::Issued;
use crate::identity::system::mail_charge;
use crate::identity::system::mail_charge::MailLimit;
use crate::mail::Letter;
use crate::model::event::What;
use crate::model::identity::ProviderStep;
use crate::model::{Email, Event, Secret, Source, Time, secret};
use crate::outbox;
use crate::store::db::Db;
use crate::store::{self, Decision};

/// A code is on its way.
#[derive(Debug, Clone)]
pub struct CodeSent {
    /// Replaces the token of the step.
    pub token: Secret,
    pub email: Email,
    pub expires_in: Duration,
}

/// Letters that are not mistaken for each other and make no words (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters a code has: 43 bits.
const LENGTH: usize = 10;

fn new_code(core: &Core) -> Result<String> {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() < LENGTH {
        // Bytes above the last multiple of 20 would make some letters more likely.
        let drawn = core.env.random::<32>()?;
        let fair = drawn.iter().filter(|byte| **byte < 240).map(|byte| usize::from(*byte) % 20);
        code.extend(fair.take(LENGTH - code.len()).map(|at| char::from(LETTERS[at])));
    }
    code.insert(LENGTH / 2, '-');
    Ok(code)
}

/// A code as compared: without case, spaces and hyphens.
fn plain(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric).take(64);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// What a waiting login asks for.
#[derive(Debug, Clone)]
pub struct WaitingStep {
    pub step: ProviderStep,
    /// What people call the provider.
    pub label: String,
    /// The address that a code was mailed to.
    pub mailed: Option<Email>,
}

/// What a waiting login asks for.
///
/// # Errors
/// `ProviderRejected` if it is too old.
pub async fn step_of(core: &Core, token: &Secret) -> Result<WaitingStep> {
    let waiting: WaitingIdentity = flow::open(core, token)?;
    let provider = &super::find(core, &waiting.provider).await?;
    let email = waiting.about.as_deref().and_then(Email::parse);
    let step = match (waiting.step.as_str(), email) {
        ("existing_account", Some(email)) => ProviderStep::ExistingAccount(email),
        ("login", Some(email)) => ProviderStep::LogIn(email),
        (_, email) => ProviderStep::Address(email),
    };
    let mailed = waiting.mailed.as_ref().and_then(|mailed| Email::parse(&mailed.email));
    Ok(WaitingStep { step, label: provider.label.clone(), mailed })
}

/// Mails a code to the address of the step, or to another that the person gives. The answer never
/// depends on whether the address has an account.
///
/// # Errors
/// `ProviderRejected` if the step is too old or was completed, `Validation` if there is no address,
/// `Unavailable`.
pub async fn request_code(
    core: &Core,
    token: &Secret,
    email: Option<&Email>,
    _counted: &Counted<limit::ProviderCode>,
    source: &Source,
) -> Result<CodeSent> {
    let waiting: WaitingIdentity = flow::open(core, token)?;
    if core.env.now().since(Time::from_millis(waiting.answered_at)) >= ANSWER_LIFE {
        return Err(ProviderFault::Stale.into());
    }
    let provider = &super::find(core, &waiting.provider).await?;
    let about = waiting.about.as_deref().and_then(Email::parse);
    let email = email.cloned().or(about).ok_or(Kind::Validation)?;
    let key = email.key().to_owned();
    let holder = core.store.read(move |db| holder_of(db, &key)).await?;
    let code = new_code(core)?;
    let until = core.env.now() + STEP_LIFE;
    let letter = Letter::ProviderCode {
        code: Secret::new(code.clone()),
        provider: provider.label.clone(),
        until,
    };
    // A stranger may have typed the address: the letter is in the language of this browser.
    let language = core.words.pick([source.language]);
    let letter = core.mail.compose_for_nobody(&email, language, &letter)?;
    let limits = [MailLimit::of_source(core, source), MailLimit::of_address(core, &email)];
    let sent = WaitingIdentity {
        id: secret::encode(&core.env.random::<16>()?),
        mailed: Some(MailedCode { email: email.as_str().to_owned(), code, holder }),
        made_at: core.env.now().millis(),
        ..waiting
    };
    let sealed = flow::seal(core, &sent)?;
    let log = AuditLog::new(core, source);
    let event = Event::done(What::CodeRequested).because(format!("provider {}", provider.name));
    core.store
        .write(move |db| {
            log.record(db, &event)?;
            for limit in &limits {
                if !mail_charge::allows(limit.as_ref(), db, log.at())? {
                    return Ok(());
                }
            }
            outbox::enqueue(db, &letter)
        })
        .await?;
    Ok(CodeSent { token: sealed, email, expires_in: STEP_LIFE })
}

fn holder_of(db: &mut dyn Db, email_key: &str) -> Result<HolderMark> {
    let account = store::tables::accounts::find_by_email(db, email_key)?;
    Ok(HolderMark::of(account.as_ref()))
}

/// Completes the step with the mailed code.
///
/// # Errors
/// `CodeInvalid`, also when the account with the address has changed since the code was mailed;
/// `TooMany(ProviderStep)` after too many wrong ones; otherwise as [`complete`](super::complete).
pub async fn complete_step(
    core: &Core,
    token: &Secret,
    typed: &str,
    _counted: &Counted<limit::ProviderStep>,
    source: &Source,
) -> Result<Issued> {
    let waiting: WaitingIdentity = flow::open(core, token)?;
    let provider = &super::find(core, &waiting.provider).await?;
    let MailedCode { email, code, holder } = waiting.mailed.clone().ok_or(Kind::CodeInvalid)?;
    let email = Email::parse(&email).ok_or(Kind::CodeInvalid)?;
    let is_equal = aws_lc_rs::constant_time::verify_slices_are_equal(
        &secret::digest(plain(typed).as_bytes()),
        &secret::digest(plain(&code).as_bytes()),
    )
    .is_ok();
    let (log, attempt) = (AuditLog::new(core, source), waiting.clone());
    let (key, mark) = (email.key().to_owned(), holder.clone());
    let detail = format!("provider {}", provider.name);
    core.store
        .decide(move |db| {
            let now = log.at();
            if !attempt.count(db, now)? {
                let error = crate::error::Error::new(Kind::TooMany(Limit::ProviderStep));
                return Ok(Decision::CommitThenRefuse(error.retry_after(STEP_LIFE)));
            }
            let is_right = is_equal && mark == holder_of(db, &key)?;
            let event = if is_right {
                Event::done(What::CodeShown)
            } else {
                Event::refused(What::CodeShown)
            };
            log.record(db, &event.because(&detail))?;
            if !is_right {
                return Ok(Decision::CommitThenRefuse(Kind::CodeInvalid.into()));
            }
            attempt.spend(db, now)?;
            Ok(Decision::Commit(()))
        })
        .await?;
    let remember = waiting.remember();
    let mut shown = ShownIdentity::of(provider, waiting.account());
    // The write that acts on the code looks at the account again.
    shown.mailbox = Some((email, holder));
    establish::enter(core, &shown, remember, source).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_compared_without_case_and_separators() {
        assert_eq!(plain(" bcdfg - hjklm"), "BCDFGHJKLM");
        assert_eq!(plain("BCDFG-HJKLM"), plain("bcdfghjklm"));
        assert_ne!(plain("BCDFG-HJKLM"), plain("BCDFG-HJKLN"));
    }
}
