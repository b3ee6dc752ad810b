//! The job handler for requested mail. The outbox worker calls it to look an account up, make its
//! link, and store the letter (or nothing) in the write that ends the job.

use std::net::IpAddr;
use std::sync::Arc;

use crate::env::Later;
use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::account::link::{LinkPurpose, NewLink};
use crate::identity::account::{change_email, link, proved_address};
use crate::identity::audit::log::AuditLog;
use crate::identity::factor::guesses;
use crate::identity::login::one_time_code;
use crate::identity::system::mail_charge;
use crate::identity::system::mail_charge::MailLimit;
use crate::mail::Letter;
use crate::model::{
    Account, AccountId, Barrier, Email, LanguageTag, Page, SessionId, Source, Time,
};
use crate::outbox::{self, Job, JobHandler, OutgoingMessage, RequestedBy};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::codes::Code;
use crate::words::Translation;

/// Handles jobs that lead to mail.
pub struct MailJobs(pub Arc<Core>);

impl JobHandler for MailJobs {
    fn handle(&self, id: String, job: Job, by: RequestedBy) -> Later<'_, Result<()>> {
        Box::pin(async move {
            let core = &self.0;
            let source = source_of(&by);
            let account = find(core, &job).await?;
            let planned = match &account {
                Some(account) => plan(core, account, &job, &source).await?,
                None => None,
            };
            let client = MailLimit::of_client(core, &job, &by);
            let is_first = matches!(job, Job::Welcome { .. });
            let log = AuditLog::new(core, &source);
            core.store
                .write(move |db| {
                    if !store::tables::outbox::end_job(db, &id)? {
                        return Ok(());
                    }
                    let allowed = mail_charge::allows(client.as_ref(), db, log.at())?;
                    match &planned {
                        // Sign-ups have their own limit, so an account always gets its first mail.
                        Some(planned) if allowed || is_first => planned.store(db, &log),
                        Some(planned) => {
                            planned.refuse(Barrier::MailClient, &log);
                            Ok(())
                        }
                        None => Ok(()),
                    }
                })
                .await?;
            Ok(())
        })
    }
}

/// The source of the request behind a job, as far as the outbox stores it.
fn source_of(by: &RequestedBy) -> Source {
    let v4 = <[u8; 4]>::try_from(by.client.as_slice()).map(IpAddr::from);
    let address = v4.or_else(|_| <[u8; 16]>::try_from(by.client.as_slice()).map(IpAddr::from)).ok();
    let language = by.language.as_deref().and_then(LanguageTag::parse);
    Source { address, sender: by.sender, language, ..Source::command_line() }
}

async fn find(core: &Core, job: &Job) -> Result<Option<Account>> {
    let job = job.clone();
    let account = core
        .store
        .read(move |db| match &job {
            Job::Verification { email_key }
            | Job::VerificationAtLogin { email_key }
            | Job::AlreadyRegistered { email_key }
            | Job::LoginCode { email_key }
            | Job::ResetCode { email_key }
            | Job::Reset { email_key } => store::tables::accounts::find_by_email(db, email_key),
            Job::Welcome { account_id }
            | Job::PasswordClosed { account_id }
            | Job::AccountLocked { account_id, .. }
            | Job::FactorGuesses { account_id, .. }
            | Job::ChangeEmail { account_id, .. } => {
                store::tables::accounts::find(db, &AccountId::new(account_id.as_str()))
            }
        })
        .await?;
    Ok(account.filter(Account::is_reachable))
}

/// What a job leads to: letters, and the links and codes in them.
struct PlannedMail {
    /// As read when the letters were written.
    account: Account,
    letters: Vec<OutgoingMessage>,
    links: Vec<NewLink>,
    code: Option<Code>,
    /// Holds all of it back when it is reached.
    limit: Option<MailLimit>,
    /// A letter to another address than the account's, with that address's limit.
    to_other: Option<(OutgoingMessage, Option<MailLimit>)>,
    /// The session in which a change was requested: nothing is sent if it is distrusted by then.
    session: Option<SessionId>,
}

impl PlannedMail {
    fn of(
        core: &Core,
        account: &Account,
        language: Translation<'_>,
        letter: &Letter,
        link: Option<NewLink>,
    ) -> Result<Self> {
        let letter = core.mail.compose_for(account, language, letter)?;
        Ok(Self {
            account: account.clone(),
            letters: letter.into_iter().collect(),
            links: link.into_iter().collect(),
            code: None,
            limit: None,
            to_other: None,
            session: None,
        })
    }

    /// Counts it against the limit of the account's address.
    fn limited(mut self, core: &Core) -> Self {
        let email = self.account.email.as_ref();
        self.limit = email.and_then(|email| MailLimit::of_address(core, email));
        self
    }

    fn refuse(&self, barrier: Barrier, log: &AuditLog) {
        log.refuse(barrier, &LoginTarget::of(&self.account));
    }

    fn store(&self, db: &mut dyn Db, log: &AuditLog) -> Result<()> {
        let now = log.at();
        let is_as_read = |current: &Account| {
            current.credential_version == self.account.credential_version && current.is_reachable()
        };
        if !store::tables::accounts::find(db, &self.account.id)?.as_ref().is_some_and(is_as_read) {
            // The worker retries and reads the changed account.
            return Err(Error::unavailable("the account changed while its mail was prepared"));
        }
        if let Some(session) = &self.session
            && store::tables::sessions::is_distrusted(db, session)?
        {
            return Ok(());
        }
        if !mail_charge::allows(self.limit.as_ref(), db, now)? {
            self.refuse(Barrier::MailAddress, log);
            return Ok(());
        }
        if let Some((letter, limit)) = &self.to_other {
            if mail_charge::allows(limit.as_ref(), db, now)? {
                outbox::enqueue(db, letter)?;
            } else {
                self.refuse(Barrier::MailAddress, log);
            }
        }
        self.links.iter().try_for_each(|link| link.store(db, now))?;
        self.code.iter().try_for_each(|code| store::tables::codes::replace(db, code, now))?;
        self.letters.iter().try_for_each(|letter| outbox::enqueue(db, letter))
    }
}

async fn plan(
    core: &Core,
    account: &Account,
    job: &Job,
    source: &Source,
) -> Result<Option<PlannedMail>> {
    let unproved = account.is_unproved();
    // A stranger chooses no language for a letter that the owner did not ask for.
    let (own, wished) = (core.language_of(account), core.language_for(account, source));
    let planned = match job {
        Job::Welcome { .. } | Job::Verification { .. } | Job::VerificationAtLogin { .. }
            if !unproved =>
        {
            return Ok(None);
        }
        // A sign-up with an address that still awaits verification gets the verification mail
        // again, because that is what helps the owner. Only a verified address gets this notice.
        Job::AlreadyRegistered { .. } if !unproved => {
            PlannedMail::of(core, account, own, &Letter::AlreadyRegistered, None)?
        }
        Job::Welcome { .. }
        | Job::Verification { .. }
        | Job::VerificationAtLogin { .. }
        | Job::AlreadyRegistered { .. } => verification(core, account, wished)?,
        // What the server tells the owner of an attack is held back by no limit that the attacker
        // could use up before.
        Job::PasswordClosed { .. } => return password_closed(core, account, own).map(Some),
        Job::AccountLocked { until, .. } => {
            let letter = Letter::AccountLocked { until: Time::from_millis(*until) };
            return PlannedMail::of(core, account, own, &letter, None).map(Some);
        }
        Job::FactorGuesses { count, .. } => {
            return factor_guesses(core, account, own, *count).map(Some);
        }
        Job::Reset { .. } => reset(core, account, wished)?,
        Job::LoginCode { .. } => code_of(core, account, wished, one_time_code::CodePurpose::Login)?,
        Job::ResetCode { .. } => code_of(core, account, wished, one_time_code::CodePurpose::Reset)?,
        Job::ChangeEmail { stamp, email, session, .. } => {
            let new = Email::parse(email).filter(|_| account.credential_version == *stamp);
            let Some(new) = new else { return Ok(None) };
            let session = session.as_deref().map(SessionId::new);
            let since = match session.clone() {
                Some(id) => {
                    core.store.read(move |db| store::tables::sessions::begun_at(db, &id)).await?
                }
                None => None,
            };
            let planned = change_of_address(core, account, wished, &new, since).await?;
            return Ok(Some(PlannedMail { session, ..planned }));
        }
    };
    Ok(Some(planned.limited(core)))
}

fn verification(core: &Core, account: &Account, language: Translation<'_>) -> Result<PlannedMail> {
    let (token, until) = (core.env.new_token()?, core.env.now() + core.config.links.verify_life);
    let letter = Letter::VerifyEmail {
        link: link::to_verification(core, language, &token),
        disown: link::to_page(core, language, Page::DisownSignUp, &token),
        until,
    };
    PlannedMail::of(
        core,
        account,
        language,
        &letter,
        Some(NewLink::new(account, &token, LinkPurpose::Verify, until)),
    )
}

fn password_closed(
    core: &Core,
    account: &Account,
    language: Translation<'_>,
) -> Result<PlannedMail> {
    let (token, until) =
        (core.env.new_token()?, core.env.now() + core.config.throttle.account_window);
    let letter = Letter::PasswordClosed {
        link: link::to_page(core, language, Page::OpenLogin, &token),
        until,
    };
    PlannedMail::of(
        core,
        account,
        language,
        &letter,
        Some(NewLink::new(account, &token, LinkPurpose::OpenLogin, until)),
    )
}

fn factor_guesses(
    core: &Core,
    account: &Account,
    language: Translation<'_>,
    count: i64,
) -> Result<PlannedMail> {
    let (token, until) = (core.env.new_token()?, core.env.now() + guesses::LINK_LIFE);
    let link = link::to_page(core, language, Page::OpenLogin, &token);
    let letter = Letter::FactorGuesses { count, link, until };
    let link = NewLink::new(account, &token, LinkPurpose::OpenLogin, until);
    PlannedMail::of(core, account, language, &letter, Some(link))
}

fn reset(core: &Core, account: &Account, language: Translation<'_>) -> Result<PlannedMail> {
    let (token, until) = (core.env.new_token()?, core.env.now() + core.config.links.reset_life);
    let letter = Letter::ResetPassword { link: link::to_reset(core, language, &token), until };
    PlannedMail::of(
        core,
        account,
        language,
        &letter,
        Some(NewLink::new(account, &token, LinkPurpose::Reset, until)),
    )
}

fn code_of(
    core: &Core,
    account: &Account,
    language: Translation<'_>,
    purpose: one_time_code::CodePurpose,
) -> Result<PlannedMail> {
    let target = account.email_key().unwrap_or_default();
    let (code, digits) = one_time_code::make(core, account, purpose, target)?;
    let until = code.expires_at;
    let letter = if purpose == one_time_code::CodePurpose::Reset {
        Letter::ResetCode { code: digits, until }
    } else {
        Letter::OneTimeCode { code: digits, until }
    };
    Ok(PlannedMail { code: Some(code), ..PlannedMail::of(core, account, language, &letter, None)? })
}

/// Mails the confirmation link to the new address; a taken address gets a notice instead. The old
/// one gets a notice with a link that undoes the change, whether it is verified or not.
///
/// The client sees the old address's mail and the links of the account, so both are the same in
/// either case: the notice is sent, the links are stored, and earlier links stop working. They do not
/// depend on the limit of the new address either. `since` is when the session began that asked.
async fn change_of_address(
    core: &Core,
    account: &Account,
    language: Translation<'_>,
    new: &Email,
    since: Option<Time>,
) -> Result<PlannedMail> {
    let now = core.env.now();
    let (token, until) = (core.env.new_token()?, now + core.config.links.verify_life);
    let to_new = match holder_of(core, account, new).await? {
        NewAddress::Free => {
            let proof =
                Letter::ConfirmEmail { link: link::to_confirmation(core, language, &token), until };
            Some(core.mail.compose(new, account.id.as_str(), language, &proof)?)
        }
        NewAddress::Taken(holder) if holder.is_reachable() => {
            core.mail.compose_for(&holder, core.language_of(&holder), &Letter::AddressTaken)?
        }
        NewAddress::Taken(_) | NewAddress::Kept => None,
    };
    let confirm = NewLink::new(account, &token, LinkPurpose::ConfirmEmail, until).making_own(new);
    let (token, until) = (core.env.new_token()?, now + change_email::UNDO_FOR);
    let undo = account.email.as_ref().map(|old| {
        let undo = NewLink::new(account, &token, LinkPurpose::UndoEmail, until).making_own(old);
        undo.counting_from(since)
    });
    let notice = Letter::EmailChanging {
        undo: link::to_page(core, language, Page::UndoEmail, &token),
        until,
    };
    // The limit of the account was counted when it asked.
    Ok(PlannedMail {
        links: std::iter::once(confirm).chain(undo).collect(),
        to_other: to_new.map(|letter| (letter, MailLimit::of_address(core, new))),
        ..PlannedMail::of(core, account, language, &notice, None)?
    })
}

/// Who has an address that an account wants to change to.
enum NewAddress {
    Free,
    Taken(Box<Account>),
    /// Reserved for an account that can still take it back.
    Kept,
}

async fn holder_of(core: &Core, account: &Account, new: &Email) -> Result<NewAddress> {
    let (key, id, now) = (new.key().to_owned(), account.id.clone(), core.env.now());
    let verification = core.verification();
    core.store
        .read(move |db| {
            let holder = store::tables::accounts::find_by_email(db, &key)?
                .filter(|holder| holder.id != id)
                .filter(|holder| !proved_address::gives_way(holder, verification));
            let is_kept = store::tables::links::is_address_kept(db, &key, &id, now)?;
            Ok(match holder {
                Some(holder) => NewAddress::Taken(Box::new(holder)),
                None if is_kept => NewAddress::Kept,
                None => NewAddress::Free,
            })
        })
        .await
}
