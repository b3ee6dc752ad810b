//! Detects suspicious logins: from a device or place that the account has not used before, and
//! bursts of failures from one client IP. For a new device or place, the server mails the owner a
//! link that ends the login.

use crate::error::{Error, Kind, Result, limit};
use crate::identity::Core;
use crate::identity::access::counted::Counted;
use crate::identity::account::not_me::NotMeLink;
use crate::identity::account::takeover::Rescue;
use crate::identity::account::{change_email, takeover};
use crate::identity::audit::log::AuditLog;
use crate::mail::{Letter, LoginPlace};
use crate::model::event::What;
use crate::model::session::SessionEnd;
use crate::model::{Account, Device, Event, SessionId, Source, secret};
use crate::outbox::{self, OutgoingMessage};
use crate::store;
use crate::store::db::Db;
use crate::store::tables::anomalies::LoginAlert;

/// The mail for a login from a new device or place: prepared before the write, used inside it.
#[derive(Clone)]
pub struct NewDeviceCheck {
    device: String,
    country: Option<String>,
    letter: Option<OutgoingMessage>,
    link: NotMeLink,
    is_first: bool,
}

impl NewDeviceCheck {
    /// Prepares the mail for a login that is about to complete.
    pub fn prepare(core: &Core, account: &Account, source: &Source) -> Result<Self> {
        let device = Device::of(source.user_agent.as_deref());
        let place = source.address.and_then(|address| core.places.find(address));
        let country = place.as_ref().and_then(|place| place.country.clone());
        let words = place.map(|place| {
            [place.city, place.country].into_iter().flatten().collect::<Vec<_>>().join(", ")
        });
        let place = source.address.map_or(LoginPlace::ThisMachine, |address| {
            let client = address.to_canonical();
            LoginPlace::Address(match words {
                Some(words) => format!("{words} ({client})"),
                None => client.to_string(),
            })
        });
        let (link, shown) = NotMeLink::new(core, account)?;
        let language = core.language_of(account);
        let (at, until) = (core.env.now(), link.until());
        let letter = Letter::NewDevice { link: shown, device, place, at, until };
        Ok(Self {
            device: device.label(),
            country,
            letter: core.mail.compose_for(account, language, &letter)?,
            link,
            is_first: account.last_login_at.is_none(),
        })
    }

    /// Records the device and place of this login, inside the write that completes it. Mails the
    /// owner about anything new, except at the account's first login. Where the country is not
    /// known, an unfamiliar client IP counts as a new place.
    pub fn look(
        &self,
        db: &mut dyn Db,
        log: &AuditLog,
        account: &Account,
        session: &SessionId,
        familiarity: crate::identity::login::guard::Familiarity,
    ) -> Result<()> {
        let is_new_device = store::tables::anomalies::note_trait(
            db,
            &account.id,
            &format!("device:{}", self.device),
            log.at(),
        )?;
        let is_new_place = match &self.country {
            Some(country) => store::tables::anomalies::note_trait(
                db,
                &account.id,
                &format!("country:{country}"),
                log.at(),
            )?,
            None => familiarity == crate::identity::login::guard::Familiarity::Unknown,
        };
        if self.is_first || !(is_new_device || is_new_place) {
            return Ok(());
        }
        let what = match (is_new_device, is_new_place, &self.country) {
            (true, _, _) => "device",
            (false, _, Some(_)) => "country",
            _ => "address",
        };
        let event = Event::done(What::NewDevice)
            .about(&account.id)
            .in_session(session)
            .by(account.id.as_str());
        log.record(db, &event.because(what))?;
        let Some(letter) = self.letter.as_ref().filter(|_| !account.is_unproved()) else {
            return Ok(());
        };
        self.link.store(db, session, log)?;
        outbox::enqueue(db, letter)
    }
}

/// Checks that a link still works, without using it up.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn look(core: &Core, token: &str) -> Result<()> {
    let (hash, now) = (secret::digest(token.as_bytes()), core.env.now());
    core.store
        .read(move |db| {
            store::tables::anomalies::find_alert(db, &hash)?
                .ok_or_else(|| Error::new(Kind::LinkInvalid))?;
            if store::tables::anomalies::is_alert_live(db, &hash, now)? {
                Ok(())
            } else {
                Err(Kind::LinkExpired.into())
            }
        })
        .await
}

/// Handles the owner's report that a login, or what a session added, was not theirs. The attacker may
/// know the password, so the server ends all sessions, removes the passkeys, accounts at providers,
/// second factors and backup codes added since the login of that session began, and mails a link to set a
/// new password. If the account was deleted since in one of its own sessions, it is restored.
///
/// The mail goes to the address that the report's link was mailed to. If the account has another address
/// since, it gets the old one back, as by the link that undoes the change.
///
/// # Errors
/// `LinkInvalid`, also when the account can no longer take the address back; `LinkExpired`.
pub async fn disown(
    core: &Core,
    token: &str,
    _counted: &Counted<limit::NotMe>,
    source: &Source,
) -> Result<()> {
    let (hash, log) = (secret::digest(token.as_bytes()), AuditLog::new(core, source));
    let now = log.at();
    let (alert, owner, email) = core
        .store
        .read(move |db| {
            let (alert, owner) = raised(db, &hash)?;
            let email = change_email::reachable_at(db, &owner, &alert.email_key, now)?;
            Ok((alert, owner, email))
        })
        .await?;
    let rescue = Rescue::prepare(core, &owner, &email, alert.since, source)?;
    core.store
        .write(move |db| {
            let (LoginAlert { account, email_key, session, .. }, owner) = raised(db, &hash)?;
            if !store::tables::anomalies::spend_alert(db, &hash, log.at())? {
                return Err(Kind::LinkExpired.into());
            }
            let by = account.as_str();
            let disowned = Event::done(What::LoginDisowned).about(&account).by(by);
            log.record(db, &Event { session, ..disowned })?;
            let owner = takeover::bring_back(db, owner, &log)?;
            change_email::restore_address(db, &owner, &email_key, &log)?;
            rescue.store(db, SessionEnd::Disowned)
        })
        .await
}

/// The alert of a link, and the account as it is now.
fn raised(db: &mut dyn Db, hash: &[u8; 32]) -> Result<(LoginAlert, Account)> {
    let alert = store::tables::anomalies::find_alert(db, hash)?.ok_or(Kind::LinkInvalid)?;
    let owner =
        store::tables::accounts::find(db, &alert.account)?.filter(takeover::is_within_reach);
    Ok((alert, owner.ok_or(Kind::LinkInvalid)?))
}
