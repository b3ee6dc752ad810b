//! The page with the devices that are logged in.

use askama::Template;
use poem::Response;

use crate::error::{Kind, Result};
use crate::identity::session::list;
use crate::identity::session::list::SessionView;
use crate::identity::session::location::GeoLocation;
use crate::model::Device;
use crate::web::entry::left;
use crate::web::html::Layout;
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::SESSIONS;
use crate::web::time::{Moment, moment};
use crate::web::view::AccountFrame;
use crate::web::visit::Owner;
use crate::words::Words;

/// The devices.
#[derive(Template)]
#[template(path = "pages/account/sessions.html")]
struct SessionsView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    sessions: Vec<DeviceLine>,
}

/// A device.
struct DeviceLine {
    id: String,
    device: String,
    place: String,
    since: Moment,
    active: Moment,
    is_this: bool,
}

/// `GET /account/sessions`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    let words = owner.words().words;
    let text = &words.account.sessions;
    let found = list::list(owner.core(), &owner.caller.account.id).await?;
    let line = |session: SessionView| DeviceLine {
        device: device(words, session.device),
        place: place(words, session.place.as_ref(), &session.address),
        since: moment(words, session.created_at),
        active: moment(words, session.last_active_at),
        is_this: session.id == *owner.caller.session(),
        id: session.id.to_string(),
    };
    let mut sessions: Vec<_> = found.into_iter().map(line).collect();
    sessions.sort_by_key(|session| !session.is_this);
    let view = SessionsView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(SESSIONS, Some(&text.text), None),
        sessions,
    };
    owner.render(&view, None)
}

/// `POST /account/sessions/end`
pub(super) async fn end(owner: &Owner) -> Result<Response, Stop> {
    let id = owner.text("id");
    let ended = list::end(owner.core(), &owner.caller, &id, owner.source()).await;
    match ended {
        Ok(()) if id == owner.caller.session().as_str() => Ok(left(owner, Notice::SignedOut)),
        Ok(()) => Ok(owner.go_with(SESSIONS, Notice::DeviceEnded)),
        Err(error) if error.kind() == Kind::SessionNotFound => {
            Ok(owner.go_with(SESSIONS, Notice::DeviceGone))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/sessions/end-others`
pub(super) async fn end_others(owner: &Owner) -> Result<Response, Stop> {
    list::end_others(owner.core(), &owner.caller, owner.source()).await?;
    Ok(owner.go_with(SESSIONS, Notice::DevicesEnded))
}

/// The name of a device.
pub(super) fn device(words: &Words, device: Device) -> String {
    const UNKNOWN: &str = "Unknown";
    match (device.browser, device.os) {
        (UNKNOWN, UNKNOWN) => words.shell.unknown_device.to_string(),
        (browser, UNKNOWN) => browser.to_owned(),
        (UNKNOWN, system) => system.to_owned(),
        (browser, system) => words.shell.device(browser, system),
    }
}

fn place(words: &Words, place: Option<&GeoLocation>, address: &str) -> String {
    let text = &words.account.sessions;
    let known = place.map(|place| {
        let parts = [place.city.as_deref(), place.country.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    match (known, address) {
        (Some(known), _) if !known.is_empty() => text.place(address, known),
        (_, "") => text.unknown_place.to_string(),
        (_, address) => address.to_owned(),
    }
}
