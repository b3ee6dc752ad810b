//! The first account page: what there is at a glance.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::session::list;
use crate::identity::{factor, passkey};
use crate::model::Account;
use crate::model::account::AddressState;
use crate::web::html::Layout;
use crate::web::stop::Stop;
use crate::web::target;
use crate::web::view::AccountFrame;
use crate::web::visit::Owner;
use crate::words::Text;

/// The overview.
#[derive(Template)]
#[template(path = "pages/account/overview.html")]
struct OverviewView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    tiles: Vec<Tile<'a>>,
}

/// One matter, and the page for it.
struct Tile<'a> {
    title: &'a str,
    text: String,
    /// A word about its state, and its class.
    tag: Option<(&'a str, &'static str)>,
    path: &'static str,
    /// Says where it leads, also to those who read only the links of a page.
    link: &'a str,
}

/// `GET /account`
pub(super) async fn open(owner: &Owner) -> Result<Response, Stop> {
    let (core, account) = (owner.core(), &owner.caller.account);
    let sessions = list::list(core, &account.id).await?.len();
    let has_factor = factor::list(core, &owner.caller).await?.is_due;
    let passkeys = passkey::list(core, &owner.caller).await?.passkeys.len();
    let text = &owner.words().words.account.overview;
    let view = OverviewView {
        layout: owner.layout(&text.title),
        frame: owner.account_frame(target::ACCOUNT, Some(&text.text), None),
        tiles: tiles(owner, has_factor, passkeys, sessions),
    };
    owner.render(&view, None)
}

fn tiles<'a>(
    owner: &'a Owner,
    has_factor: bool,
    passkeys: usize,
    sessions: usize,
) -> Vec<Tile<'a>> {
    let (words, account) = (&owner.words().words.account, &owner.caller.account);
    let text = &words.overview;
    let tile =
        |title, text, tag, (path, link): (_, &'a Text)| Tile { title, text, tag, path, link };
    let verified = match account.address_state() {
        AddressState::Verified => Some((text.verified.as_str(), "")),
        AddressState::Unverified => Some((text.unverified.as_str(), "bad")),
        AddressState::Absent => None,
    };
    let factor = if has_factor { (text.on.as_str(), "") } else { (text.off.as_str(), "off") };
    let has_password = account.password_hash.is_some();
    let password = if has_password { &text.password_text } else { &text.no_password_text };
    let second = if has_factor { &text.factor_text } else { &text.no_factor_text }.to_string();
    let email = account.email_text().unwrap_or_else(|| words.email.none.to_string());
    let add = if account.email.is_some() { &text.email_link } else { &text.add_email_link };
    let record = text.record_text.to_string();
    let data = text.data_text.to_string();
    let devices = if sessions == 1 {
        text.one_session_text.to_string()
    } else {
        text.sessions_text(sessions)
    };
    let choose = if has_password { &text.password_link } else { &text.choose_link };
    let keys = if passkeys == 0 { &words.passkeys.text } else { &text.passkeys_text };
    let keys = keys.to_string();
    let name = full_name(account).unwrap_or_else(|| text.profile_text.to_string());
    vec![
        tile(&words.profile.title, name, None, (target::PROFILE, &text.profile_link)),
        tile(&words.email.title, email, verified, (target::EMAIL, add)),
        tile(&words.password.title, password.to_string(), None, (target::PASSWORD, choose)),
        tile(&words.passkeys.title, keys, None, (target::PASSKEYS, &text.passkeys_link)),
        tile(
            &words.factors.title,
            second,
            Some(factor),
            (target::AUTHENTICATOR, &text.factor_link),
        ),
        tile(&words.sessions.title, devices, None, (target::SESSIONS, &text.sessions_link)),
        tile(&words.record.title, record, None, (target::RECORD, &text.record_link)),
        tile(&words.data.title, data, None, (target::DATA, &text.data_link)),
    ]
}

fn full_name(account: &Account) -> Option<String> {
    let parts = [account.first_name.as_deref(), account.last_name.as_deref()];
    let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(joined).filter(|name| !name.is_empty()).or_else(|| account.name.clone())
}
