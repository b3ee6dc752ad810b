//! The job handler for requested mail. The outbox worker calls it to look an account up, make its
//! link, and store the letter (or nothing) in the write that ends the job.

use std::net::IpAddr;
use std::sync::Arc;

use crate::config::Rate;
use crate::env::Later;
use crate::error::{Error, Result};
use crate::identity::Core;
use crate::identity::access::login_target::LoginTarget;
use crate::identity::account::link::{LinkPurpose, NewLink};
use crate::identity::account::{change_email, link, proof};
use crate::identity::audit::log::AuditLog;
use crate::identity::login::one_time_code;
use crate::mail::Letter;
use crate::model::{Account, AccountId, Barrier, Email, Page, SessionId, Source, Time};
use crate::outbox::{self, Job, JobHandler, OutgoingMessage, RequestedBy};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::{AttemptRow, Scope};
use crate::store::tables::codes::Code;

/// Handles jobs that lead to mail.
pub struct MailJobs(pub Arc<Core>);

impl JobHandler for MailJobs {
    fn handle(&self, id: String, job: Job, by: RequestedBy) -> Later<'_, Result<()>> {
        Box::pin(async move {
            let core = &self.0;
            let planned = match find(core, &job).await? {
                Some(account) => plan(core, &account, &job, &by).await?,
                None => None,
            };
            let source = source_of(&by);
            let log = AuditLog::new(core, &source);
            let (to, from) = (core.config.limits.mail_address, core.config.limits.mail_client);
            core.store
                .write(move |db| {
                    if !store::tables::outbox::end_job(db, &id)? {
                        return Ok(());
                    }
                    planned.as_ref().map_or(Ok(()), |planned| planned.store(db, to, from, &log))
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
    Source { address, user_agent: None, request_id: None }
}

async fn find(core: &Core, job: &Job) -> Result<Option<Account>> {
    let job = job.clone();
    let account = core
        .store
        .read(move |db| match &job {
            Job::Verification { email_key }
            | Job::AlreadyRegistered { email_key }
            | Job::LoginCode { email_key }
            | Job::ResetCode { email_key }
            | Job::Reset { email_key } => store::tables::accounts::find_by_email(db, email_key),
            Job::Welcome { account_id }
            | Job::PasswordClosed { account_id }
            | Job::AccountLocked { account_id, .. }
            | Job::ChangeEmail { account_id, .. } => {
                store::tables::accounts::find(db, &AccountId::new(account_id.as_str()))
            }
        })
        .await?;
    Ok(account.filter(Account::is_reachable))
}

/// What a job leads to: letters, their links, and the limits that may hold all of it back.
struct PlannedMail {
    /// As read when the letters were written.
    account: Account,
    letters: Vec<OutgoingMessage>,
    links: Vec<NewLink>,
    code: Option<Code>,
    /// Rate-limit keys of the addresses that the letters are counted against.
    counted_to: Vec<[u8; 32]>,
    /// The rate-limit key of the client IP, except at sign-up.
    counted_from: Option<[u8; 32]>,
    /// The session in which a change was requested: the letters are dropped if it is distrusted by
    /// then.
    session: Option<SessionId>,
}

impl PlannedMail {
    fn of(core: &Core, account: &Account, letter: &Letter, link: Option<NewLink>) -> Result<Self> {
        let letters = vec![core.mail.compose(&account.email, account.id.as_str(), letter)?];
        Ok(Self {
            account: account.clone(),
            letters,
            links: link.into_iter().collect(),
            code: None,
            counted_to: Vec::new(),
            counted_from: None,
            session: None,
        })
    }

    /// Counts the letters against the address and the client IP of the request.
    fn counted(mut self, core: &Core, address: &Email, by: &RequestedBy) -> Self {
        self.counted_from = Some(core.master.mac("mail from", &by.client));
        self.counted_for(core, address)
    }

    /// Counts the letters against the address alone: sign-ups have their own limit per client IP.
    fn counted_for(mut self, core: &Core, address: &Email) -> Self {
        self.counted_to.push(core.master.mac("mail to", address.key().as_bytes()));
        self
    }

    fn store(
        &self,
        db: &mut dyn Db,
        to: Option<Rate>,
        from: Option<Rate>,
        log: &AuditLog,
    ) -> Result<()> {
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
        if let Some(barrier) = self.held_back(db, to, from, now)? {
            log.refuse(barrier, &LoginTarget::of(&self.account));
            return Ok(());
        }
        self.links.iter().try_for_each(|link| link.store(db, now))?;
        self.code.iter().try_for_each(|code| store::tables::codes::replace(db, code, now))?;
        self.letters.iter().try_for_each(|letter| outbox::enqueue(db, letter))
    }

    /// Counts the letters. Returns the limit that holds them back, if one does.
    fn held_back(
        &self,
        db: &mut dyn Db,
        to: Option<Rate>,
        from: Option<Rate>,
        now: Time,
    ) -> Result<Option<Barrier>> {
        // A client over its own limit must not use up the address's limit.
        if let Some(client) = &self.counted_from
            && !count(db, Scope::MailFrom, client, from, now)?
        {
            return Ok(Some(Barrier::MailClient));
        }
        for address in &self.counted_to {
            if !count(db, Scope::MailTo, address, to, now)? {
                return Ok(Some(Barrier::MailAddress));
            }
        }
        Ok(None)
    }
}

async fn plan(
    core: &Core,
    account: &Account,
    job: &Job,
    by: &RequestedBy,
) -> Result<Option<PlannedMail>> {
    let unproved = account.email_verified_at.is_none();
    let planned = match job {
        Job::Welcome { .. } | Job::Verification { .. } if !unproved => return Ok(None),
        Job::Welcome { .. } => {
            return Ok(Some(verification(core, account)?.counted_for(core, &account.email)));
        }
        // A sign-up with an address that still awaits verification gets the verification mail
        // again, because that is what helps the owner. Only a verified address gets this notice.
        Job::AlreadyRegistered { .. } if !unproved => {
            PlannedMail::of(core, account, &Letter::AlreadyRegistered, None)?
        }
        Job::Verification { .. } | Job::AlreadyRegistered { .. } => verification(core, account)?,
        Job::PasswordClosed { .. } => password_closed(core, account)?,
        Job::AccountLocked { until, .. } => PlannedMail::of(
            core,
            account,
            &Letter::AccountLocked { until: Time::from_millis(*until) },
            None,
        )?,
        Job::Reset { .. } => reset(core, account)?,
        Job::LoginCode { .. } => code_of(core, account, one_time_code::CodePurpose::Login)?,
        Job::ResetCode { .. } => code_of(core, account, one_time_code::CodePurpose::Reset)?,
        Job::ChangeEmail { stamp, email, session, .. } => {
            let new = Email::parse(email).filter(|_| account.credential_version == *stamp);
            let Some(new) = new else { return Ok(None) };
            let planned = change_of_address(core, account, &new, by).await?;
            let session = session.as_deref().map(SessionId::new);
            return Ok(planned.map(|planned| PlannedMail { session, ..planned }));
        }
    };
    Ok(Some(planned.counted(core, &account.email, by)))
}

fn verification(core: &Core, account: &Account) -> Result<PlannedMail> {
    let (token, until) = (core.env.new_token()?, core.env.now() + core.config.links.verify_life);
    let letter = Letter::VerifyEmail {
        link: link::to_verification(core, &token),
        disown: link::to_page(core, Page::DisownSignUp, &token),
        until,
    };
    PlannedMail::of(
        core,
        account,
        &letter,
        Some(NewLink::new(account, &token, LinkPurpose::Verify, until)),
    )
}

fn password_closed(core: &Core, account: &Account) -> Result<PlannedMail> {
    let (token, until) =
        (core.env.new_token()?, core.env.now() + core.config.throttle.account_window);
    let letter =
        Letter::PasswordClosed { link: link::to_page(core, Page::OpenLogin, &token), until };
    PlannedMail::of(
        core,
        account,
        &letter,
        Some(NewLink::new(account, &token, LinkPurpose::OpenLogin, until)),
    )
}

fn reset(core: &Core, account: &Account) -> Result<PlannedMail> {
    let (token, until) = (core.env.new_token()?, core.env.now() + core.config.links.reset_life);
    let letter = Letter::ResetPassword { link: link::to_reset(core, &token), until };
    PlannedMail::of(
        core,
        account,
        &letter,
        Some(NewLink::new(account, &token, LinkPurpose::Reset, until)),
    )
}

fn code_of(
    core: &Core,
    account: &Account,
    purpose: one_time_code::CodePurpose,
) -> Result<PlannedMail> {
    let (code, digits) = one_time_code::make(core, account, purpose, account.email.key())?;
    let letter = Letter::OneTimeCode { code: digits, until: code.expires_at };
    Ok(PlannedMail { code: Some(code), ..PlannedMail::of(core, account, &letter, None)? })
}

/// Mails the confirmation link to the new address, and to the old one a notice with a link that
/// undoes the change, whether the old one is verified or not. A taken address gets only a notice.
async fn change_of_address(
    core: &Core,
    account: &Account,
    new: &Email,
    by: &RequestedBy,
) -> Result<Option<PlannedMail>> {
    let (key, id, now) = (new.key().to_owned(), account.id.clone(), core.env.now());
    let verification = core.verification();
    let (holder, is_kept) = core
        .store
        .read(move |db| {
            let holder =
                store::tables::accounts::find_by_email(db, &key)?.filter(|holder| holder.id != id);
            Ok((holder, store::tables::links::is_address_kept(db, &key, &id, now)?))
        })
        .await?;
    match holder {
        Some(holder) if !proof::gives_way(&holder, verification) => {
            let planned = PlannedMail::of(core, &holder, &Letter::AddressTaken, None)?;
            return Ok(Some(planned.counted(core, new, by)).filter(|_| holder.is_reachable()));
        }
        _ if is_kept => return Ok(None),
        _ => {}
    }
    let (token, until) = (core.env.new_token()?, now + core.config.links.verify_life);
    let letter = Letter::ConfirmEmail { link: link::to_confirmation(core, &token), until };
    let confirm = NewLink::new(account, &token, LinkPurpose::ConfirmEmail, until).making_own(new);
    let mut planned = PlannedMail::of(core, account, &letter, Some(confirm))?;
    planned.letters = vec![core.mail.compose(new, account.id.as_str(), &letter)?];
    let (token, until) = (core.env.new_token()?, now + change_email::UNDO_FOR);
    let notice =
        Letter::EmailChanging { undo: link::to_page(core, Page::UndoEmail, &token), until };
    planned.letters.push(core.mail.compose(&account.email, account.id.as_str(), &notice)?);
    planned.links.push(
        NewLink::new(account, &token, LinkPurpose::UndoEmail, until).making_own(&account.email),
    );
    // An unverified address may belong to a stranger, who must not get more mail than from a
    // sign-up.
    if account.email_verified_at.is_none() {
        planned = planned.counted_for(core, &account.email);
    }
    Ok(Some(planned.counted(core, new, by)))
}

/// Counts one mail in a fixed window. Returns false if the limit is reached.
fn count(
    db: &mut dyn Db,
    scope: Scope,
    key: &[u8; 32],
    rate: Option<Rate>,
    now: Time,
) -> Result<bool> {
    let Some(rate) = rate else { return Ok(true) };
    let row = attempts::lock(db, scope, key, now)?;
    if row.count >= i64::from(rate.count) {
        return Ok(false);
    }
    let next = AttemptRow { count: row.count + 1, expires_at: row.started_at + rate.window, ..row };
    attempts::save(db, scope, key, &next)?;
    Ok(true)
}
