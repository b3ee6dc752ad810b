//! Connecting an account at a provider with the caller's account.

use super::complete::{self, ProviderAnswer};
use super::establish::ShownIdentity;
use super::flow::{self, Flow, WaitingIdentity};
use super::removal::described;
use super::tokens;
use crate::error::{Detail, Kind, ProviderFault, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::access::fresh::Fresh;
use crate::identity::account::not_me::NotMeLink;
use crate::identity::audit::log::AuditLog;
use crate::mail::{AddedMethod, Letter};
use crate::model::event::What;
use crate::model::identity::Identity;
use crate::model::{Account, Event, Secret, Source};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::db::Db;

/// How many identities an account may have.
const MOST: usize = 20;

/// Refuses an account with an address that nobody has proved: what is connected to it could be another
/// party's way in.
pub(super) fn may_link(account: &Account) -> Result<()> {
    if account.is_unproved() { Err(Detail::AddressUnverified.into()) } else { Ok(()) }
}

/// Whether a flow began to connect an account, not to log in.
#[must_use]
pub fn is_link(core: &Core, flow: &Secret) -> bool {
    flow::open::<Flow>(core, flow).is_ok_and(|flow| flow.link.is_some())
}

/// Whether a flow began at this provider.
#[must_use]
pub fn is_of(core: &Core, flow: &Secret, provider: &str) -> bool {
    flow::open::<Flow>(core, flow).is_ok_and(|flow| flow.provider == provider)
}

/// Connects the account of a provider's answer. The flow must have begun in the caller's session.
///
/// # Errors
/// `ProviderRejected`, `AlreadyExists` if it is connected to another account or the account has too
/// many, `Forbidden`, `Conflict`, `Unavailable`.
pub async fn link(
    core: &Core,
    fresh: &Fresh,
    flow: &Secret,
    answer: &ProviderAnswer,
    _counted: &Counted<limit::Provider>,
    source: &Source,
) -> Result<Identity> {
    let (caller, flow) = (fresh.caller(), complete::open_flow(core, flow)?);
    if !flow.is_for(&caller.account.id, caller.session()) {
        complete::note_stale(&flow.provider, "the login began in another session");
        return Err(ProviderFault::Stale.into());
    }
    let shown = complete::redeem(core, &flow, answer, source).await?;
    store_link(core, fresh, &shown, None, source).await
}

/// Connects the account at the provider whose login waits for the caller to log in.
///
/// # Errors
/// As [`link`].
pub async fn connect(
    core: &Core,
    fresh: &Fresh,
    token: &Secret,
    _counted: &Counted<limit::Provider>,
    source: &Source,
) -> Result<Identity> {
    let waiting: WaitingIdentity = flow::open(core, token)?;
    let provider = &super::find(core, &waiting.provider).await?;
    let shown = ShownIdentity::of(provider, waiting.account());
    store_link(core, fresh, &shown, Some(waiting), source).await
}

async fn store_link(
    core: &Core,
    fresh: &Fresh,
    shown: &ShownIdentity,
    waiting: Option<WaitingIdentity>,
    source: &Source,
) -> Result<Identity> {
    let account = fresh.caller().account.clone();
    may_link(&account)?;
    let row = shown.row(core, &account.id, core.env.now())?;
    let (letter, not_me) = connection_letter(core, &account, shown)?;
    let (log, session) = (AuditLog::new(core, source), fresh.caller().session().clone());
    let (whole, brought) = (core.clone(), shown.clone());
    core.store
        .write(move |db| {
            if let Some(waiting) = &waiting {
                waiting.spend(db, log.at())?;
            }
            let known = store::tables::identities::find(db, &row.issuer, &row.subject)?;
            match known {
                Some(known) if known.account == account.id => {
                    tokens::keep(&whole, db, &brought, &known)?;
                    return Ok(known);
                }
                Some(_) => return Err(ProviderFault::Taken.into()),
                None => {}
            }
            let version = account.credential_version;
            if !store::tables::accounts::raise_credential_version(db, &account.id, version)? {
                return Err(Kind::Conflict.into());
            }
            insert(db, &row, &log)?;
            tokens::keep(&whole, db, &brought, &row)?;
            not_me.store_addition(db, &session, &log)?;
            outbox::enqueue_all(db, &letter)?;
            Ok(row.clone())
        })
        .await
}

/// The mail about an account at a provider that is connected, and the link in it that takes it back.
pub(super) fn connection_letter(
    core: &Core,
    account: &Account,
    shown: &ShownIdentity,
) -> Result<(Option<OutgoingMessage>, NotMeLink)> {
    let (not_me, link) = NotMeLink::new(core, account)?;
    let change = AddedMethod::Provider(shown.label.clone());
    let letter = Letter::LoginMethodAdded { change, link, until: not_me.until() };
    let language = core.language_of(account);
    Ok((core.mail.compose_for(account, language, &letter)?, not_me))
}

/// Stores and records an identity.
///
/// # Errors
/// `Conflict` if it is connected by now; `AlreadyExists` if the account has too many.
pub(super) fn insert(db: &mut dyn Db, row: &Identity, log: &AuditLog) -> Result<()> {
    if store::tables::identities::of(db, &row.account)?.len() >= MOST {
        return Err(ProviderFault::TooMany.into());
    }
    if !store::tables::identities::insert(db, row)? {
        return Err(Kind::Conflict.into());
    }
    let event = Event::done(What::IdentityLinked).about(&row.account).by(row.account.as_str());
    log.record(db, &event.because(described(row)))
}
