//! What the outbox worker asks the core to do: look an account up, make its link, and store the letter (or nothing)
//! together with the end of the request.

use std::sync::Arc;

use super::{Core, link, one_time_code};
use crate::config::Rate;
use crate::env::Later;
use crate::error::Result;
use crate::mail::{self, Fulfil, Letter, Prepared, Request, RequestedBy};
use crate::model::{Account, AccountId, Time, secret};
use crate::store;
use crate::store::codes::Code;
use crate::store::db::Db;
use crate::store::links::{Link, Purpose};
use crate::store::tries::{self, Scope, Tries};

/// Fulfils requests for mail.
pub struct Fulfiller(pub Arc<Core>);

impl Fulfil for Fulfiller {
    fn fulfil(&self, id: String, request: Request, by: RequestedBy) -> Later<'_, Result<()>> {
        Box::pin(async move {
            let core = &self.0;
            let errand = match find(core, &request).await? {
                Some(account) => errand(core, &account, &request, &by)?,
                None => None,
            };
            let now = core.env.now();
            let (to, from) = (core.config.limits.mail_address, core.config.limits.mail_client);
            core.store
                .write(move |db| {
                    if !store::outbox::end_request(db, &id, now)? {
                        return Ok(());
                    }
                    errand.as_ref().map_or(Ok(()), |errand| errand.run(db, to, from, now))
                })
                .await?;
            core.post.ring();
            Ok(())
        })
    }
}

async fn find(core: &Core, request: &Request) -> Result<Option<Account>> {
    let request = request.clone();
    let account = core
        .store
        .read(move |db| match &request {
            Request::Verification { email_key }
            | Request::AlreadyRegistered { email_key }
            | Request::LoginCode { email_key } => {
                store::accounts::find_by_email(db, email_key)
            }
            Request::Welcome { account_id } | Request::PasswordClosed { account_id } => {
                store::accounts::find(db, &AccountId::new(account_id.as_str()))
            }
        })
        .await?;
    Ok(account.filter(|account| account.deleted_at.is_none() && account.suspended_at.is_none()))
}

/// A letter that is due, with its link and the limits that may hold it back.
struct Errand {
    letter: Prepared,
    link: Option<([u8; 32], Purpose, Link)>,
    code: Option<Code>,
    counted: Option<([u8; 32], [u8; 32])>,
}

fn errand(core: &Core, account: &Account, request: &Request, by: &RequestedBy) -> Result<Option<Errand>> {
    if let Request::LoginCode { .. } = request {
        return login_code(core, account, by).map(Some);
    }
    let unproved = account.email_verified_at.is_none();
    let (letter, link) = match request {
        Request::Welcome { .. } | Request::Verification { .. } if !unproved => return Ok(None),
        // Somebody signs up again with an address that waits for its proof: that is what helps them.
        Request::AlreadyRegistered { .. } if !unproved => (Letter::AlreadyRegistered, None),
        Request::Welcome { .. } | Request::Verification { .. } | Request::AlreadyRegistered { .. } => {
            verification(core, account)?
        }
        Request::PasswordClosed { .. } => password_closed(core, account)?,
        Request::LoginCode { .. } => return Ok(None),
    };
    let counted = match request {
        Request::Welcome { .. } => None,
        _ => Some(counted(core, account, by)),
    };
    let letter = core.post.letter(&account.email, account.id.as_str(), &letter)?;
    Ok(Some(Errand { letter, link, code: None, counted }))
}

/// The keys of the limits on mail that anybody can cause.
fn counted(core: &Core, account: &Account, by: &RequestedBy) -> ([u8; 32], [u8; 32]) {
    (core.master.mac("mail to", account.email.key().as_bytes()), core.master.mac("mail from", &by.client))
}

fn login_code(core: &Core, account: &Account, by: &RequestedBy) -> Result<Errand> {
    let (code, digits) = one_time_code::make(core, account, one_time_code::Purpose::Login, account.email.key())?;
    let letter = Letter::OneTimeCode { code: digits, until: code.expires_at };
    let letter = core.post.letter(&account.email, account.id.as_str(), &letter)?;
    Ok(Errand { letter, link: None, code: Some(code), counted: Some(counted(core, account, by)) })
}

type LetterWithLink = (Letter, Option<([u8; 32], Purpose, Link)>);

fn verification(core: &Core, account: &Account) -> Result<LetterWithLink> {
    let token = secret::encode(&core.env.random::<32>()?);
    let until = core.env.now() + core.config.links.verify_life;
    let letter = Letter::VerifyEmail {
        link: link::to_verification(core, &token),
        disown: link::to_page(core, "verify-email/disown", &token),
        until,
    };
    Ok((letter, Some(row(account, &token, Purpose::Verify, until))))
}

fn password_closed(core: &Core, account: &Account) -> Result<LetterWithLink> {
    let token = secret::encode(&core.env.random::<32>()?);
    let until = core.env.now() + core.config.throttle.account_window;
    let letter = Letter::PasswordClosed { link: link::to_page(core, "open-login", &token), until };
    Ok((letter, Some(row(account, &token, Purpose::OpenLogin, until))))
}

fn row(account: &Account, token: &str, purpose: Purpose, expires_at: Time) -> ([u8; 32], Purpose, Link) {
    let email_key = account.email.key().to_owned();
    let link = Link { account: account.id.clone(), email_key, expires_at, spent_at: None };
    (secret::digest(token.as_bytes()), purpose, link)
}

impl Errand {
    fn run(&self, db: &mut dyn Db, to: Option<Rate>, from: Option<Rate>, now: Time) -> Result<()> {
        if let Some((address, client)) = &self.counted {
            let fits_address = count(db, Scope::MailTo, address, to, now)?;
            let fits_client = count(db, Scope::MailFrom, client, from, now)?;
            if !(fits_address && fits_client) {
                return Ok(());
            }
        }
        if let Some((hash, purpose, link)) = &self.link {
            store::links::insert(db, hash, *purpose, link, now)?;
        }
        if let Some(code) = &self.code {
            store::codes::replace(db, code, now)?;
        }
        mail::enqueue(db, &self.letter)
    }
}

/// Counts one mail in a fixed window; false when there have been enough.
fn count(db: &mut dyn Db, scope: Scope, key: &[u8; 32], rate: Option<Rate>, now: Time) -> Result<bool> {
    let Some(rate) = rate else { return Ok(true) };
    let row = tries::lock(db, scope, key, now)?;
    if row.count >= i64::from(rate.count) {
        return Ok(false);
    }
    let next = Tries { count: row.count + 1, forget_at: row.started_at + rate.window, ..row };
    tries::save(db, scope, key, &next)?;
    Ok(true)
}
