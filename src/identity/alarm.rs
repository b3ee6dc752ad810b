//! What looks strange: a login from a device or place that an account has not been used from, and a burst of failures
//! from one client address. The owner is told by mail, with a link that ends the login after a click.

use std::time::Duration;

use super::audit::Log;
use super::rescue::Rescue;
use super::{Core, change_email, link};
use crate::error::{Error, Kind, Result};
use crate::mail::{self, Letter, Prepared};
use crate::model::event::What;
use crate::model::session::End;
use crate::model::{Account, Device, Event, SessionId, Source, Time, secret};
use crate::store;
use crate::store::anomalies::Alarm;
use crate::store::db::Db;
use crate::store::tries::{self, Scope, Tries};

/// How long the link of a new-device mail lives.
const LINK_LIFE: Duration = Duration::from_hours(168);
/// So many failures of one client address in [`BURST_WINDOW`] are worth a record.
const BURST: i64 = 20;
/// See [`BURST`].
const BURST_WINDOW: Duration = Duration::from_mins(15);

/// What is to be said when a login turns out to come from something new: made before the write, used inside it.
#[derive(Clone)]
pub struct Watch {
    device: String,
    country: Option<String>,
    letter: Prepared,
    email_key: String,
    hash: [u8; 32],
    until: Time,
    is_first: bool,
}

impl Watch {
    /// Prepares the letter about a login that is about to be completed.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn prepare(core: &Core, account: &Account, source: &Source) -> Result<Self> {
        let device = Device::of(source.user_agent.as_deref()).label();
        let place = source.address.and_then(|address| core.places.find(address));
        let country = place.as_ref().and_then(|place| place.country.clone());
        let words = place.map(|place| [place.city, place.country].into_iter().flatten().collect::<Vec<_>>().join(", "));
        let client =
            source.address.map_or_else(|| "this machine".to_owned(), |address| address.to_canonical().to_string());
        let token = secret::encode(&core.env.random::<32>()?);
        let until = core.env.now() + LINK_LIFE;
        let letter = Letter::NewDevice {
            link: link::to_page(core, "not-me", &token),
            device: device.clone(),
            place: words.map_or_else(|| client.clone(), |words| format!("{words} ({client})")),
            at: core.env.now(),
            until,
        };
        Ok(Self {
            device,
            country,
            letter: core.post.letter(&account.email, account.id.as_str(), &letter)?,
            email_key: account.email.key().to_owned(),
            hash: secret::digest(token.as_bytes()),
            until,
            is_first: account.last_login_at.is_none(),
        })
    }

    /// Notes what this login came from, inside the write that completes it; `is_known` says whether its client address
    /// had logged in before. Tells the owner of anything new, but for the account's first login.
    ///
    /// # Errors
    /// What the database says.
    pub fn look(
        &self,
        db: &mut dyn Db,
        log: &Log,
        account: &Account,
        session: &SessionId,
        met: super::guard::Acquaintance,
    ) -> Result<()> {
        let is_new_device =
            store::anomalies::note_trait(db, &account.id, &format!("device:{}", self.device), log.at())?;
        let is_new_place = match &self.country {
            Some(country) => store::anomalies::note_trait(db, &account.id, &format!("country:{country}"), log.at())?,
            None => met == super::guard::Acquaintance::Stranger,
        };
        if self.is_first || !(is_new_device || is_new_place) {
            return Ok(());
        }
        let what = match (is_new_device, is_new_place, &self.country) {
            (true, _, _) => "device",
            (false, _, Some(_)) => "country",
            _ => "address",
        };
        let event = Event::done(What::NewDevice).about(&account.id).in_session(session).by(account.id.as_str());
        log.record(db, &event.because(what))?;
        if account.email_verified_at.is_none() {
            return Ok(());
        }
        let alarm = Alarm { account: account.id.clone(), email_key: self.email_key.clone(), session: session.clone() };
        store::anomalies::insert_alarm(db, &self.hash, &alarm, self.until)?;
        mail::enqueue(db, &self.letter)
    }
}

/// Whether a link still works, without using it.
///
/// # Errors
/// `LinkInvalid`, `LinkExpired`.
pub async fn look(core: &Core, token: &str) -> Result<()> {
    let (hash, now) = (secret::digest(token.as_bytes()), core.env.now());
    core.store
        .read(move |db| {
            store::anomalies::find_alarm(db, &hash)?.ok_or_else(|| Error::new(Kind::LinkInvalid))?;
            if store::anomalies::is_alarm_live(db, &hash, now)? { Ok(()) } else { Err(Kind::LinkExpired.into()) }
        })
        .await
}

/// The owner says that a login was not theirs: whoever it was knows the password, so it ends with all sessions, and a
/// mail that sets another is on its way. It goes to the address that the alarm was mailed to: where the account has
/// another one since, it is given that one back, as by the link that undoes the change.
///
/// # Errors
/// `LinkInvalid`, also when the address cannot be taken back any more; `LinkExpired`.
pub async fn disown(core: &Core, token: &str, source: &Source) -> Result<()> {
    let (hash, log) = (secret::digest(token.as_bytes()), Log::new(core, source));
    let now = log.at();
    let (owner, email) = core
        .store
        .read(move |db| {
            let (alarm, owner) = raised(db, &hash)?;
            let email = change_email::reachable_at(db, &owner, &alarm.email_key, now)?;
            Ok((owner, email))
        })
        .await?;
    let rescue = Rescue::prepare(core, &owner, &email, source)?;
    core.store
        .write(move |db| {
            let (Alarm { account, email_key, session }, owner) = raised(db, &hash)?;
            if !store::anomalies::spend_alarm(db, &hash, log.at())? {
                return Err(Kind::LinkExpired.into());
            }
            let by = account.as_str();
            log.record(db, &Event::done(What::LoginDisowned).about(&account).in_session(&session).by(by))?;
            change_email::lead_back(db, &owner, &email_key, &log)?;
            rescue.store(db, End::Disowned)
        })
        .await?;
    core.post.ring();
    Ok(())
}

/// What a link speaks of, and the account as it is now.
fn raised(db: &mut dyn Db, hash: &[u8; 32]) -> Result<(Alarm, Account)> {
    let alarm = store::anomalies::find_alarm(db, hash)?.ok_or(Kind::LinkInvalid)?;
    let owner = store::accounts::find(db, &alarm.account)?.filter(|owner| owner.deleted_at.is_none());
    Ok((alarm, owner.ok_or(Kind::LinkInvalid)?))
}

/// Counts a failed login of a client address; the one that makes it a burst is recorded, once in a window.
///
/// # Errors
/// What the database says.
pub fn note_failure(db: &mut dyn Db, log: &Log, client_key: &[u8; 32]) -> Result<()> {
    let row = tries::lock(db, Scope::Burst, client_key, log.at())?;
    let next = Tries { count: row.count + 1, forget_at: row.started_at + BURST_WINDOW, ..row };
    tries::save(db, Scope::Burst, client_key, &next)?;
    if next.count == BURST {
        log.record(db, &Event::done(What::FailureBurst).because(BURST.to_string()))
    } else {
        Ok(())
    }
}
