//! The pages around a login: sign-in, mailed code, second factor, sign-up, sign-out.

mod code;
mod factor;
mod passkey;
pub(in crate::web) mod posted;
mod provider;
mod sign_in;
mod sign_up;

use poem::Response;

pub(in crate::web) use crate::web::entry::code::CODE as CODE_PAGE;
pub(in crate::web) use crate::web::entry::passkey::posted_credential;
pub(in crate::web) use crate::web::entry::provider::{flow_cookie, sentence as provider_sentence};

use crate::error::Result;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::identity::login::gate::Issued;
use crate::identity::session::holder::SessionHolder;
use crate::identity::session::{page_session, sign_out};
use crate::web::jar::PageCookie;
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::{ACCOUNT, Target};
use crate::web::visit::{Owner, PageHandler, PageRoute, Visit, add_cookie, anyone, go, owner};

/// The path that the refresh cookie is set for: that of the native API, whose client apps use.
const REFRESH_PATH: &str = "/v1/auth";

/// The pages with their handlers.
pub(in crate::web) fn page_routes() -> [PageRoute; 17] {
    let route = |path, get, post| PageRoute { path, get, post, back: None };
    [
        route("/sign-in", anyone!(sign_in::open), anyone!(sign_in::press)),
        route("/sign-in/continue", None, owner!(sign_in::go_on)),
        route(code::CODE, anyone!(code::open), anyone!(code::press)),
        route("/sign-in/code/send", None, anyone!(code::send)),
        route("/sign-in/factor", anyone!(factor::open), anyone!(factor::press)),
        route("/sign-in/passkey", None, anyone!(passkey::press)),
        route("/sign-in/passkey/options", None, anyone!(passkey::options)),
        route("/sign-in/factor/passkey", None, anyone!(passkey::step)),
        route("/sign-in/factor/passkey/options", None, anyone!(passkey::step_options)),
        route("/sign-in/factor/send", None, anyone!(factor::send)),
        route("/sign-in/provider/:name", anyone!(provider::begin), None),
        route(
            "/sign-in/provider/:name/callback",
            anyone!(provider::call_back),
            Some(PageHandler::PostedAnswer),
        ),
        route("/sign-in/connect", anyone!(provider::open), anyone!(provider::press)),
        route("/sign-in/connect/code", None, anyone!(provider::send)),
        route("/sign-up", anyone!(sign_up::open), anyone!(sign_up::press)),
        route("/sign-up/done", anyone!(sign_up::done), None),
        route("/sign-out", None, owner!(leave)),
    ]
}

/// Begins the browser's session after a login: the cookie of the pages, and the refresh cookie for
/// the app's client. Both belong to one session. The one that the browser had before ends.
async fn enter(visit: &Visit, issued: &Issued, target: Option<&Target>) -> Result<Response, Stop> {
    let core = visit.core();
    let secret = page_session::admit(core, issued).await?;
    if let Some(before) = visit.caller() {
        sign_out::here(core, &SessionHolder::from(before), visit.source()).await?;
    }
    let mut response = go(target.map_or(ACCOUNT, Target::as_str));
    let longest = issued.session_ends.map(|end| end.since(core.env.now()));
    // The server ends the session when it was not used for long; the cookie need not.
    let life = issued.cookie_life.map(|idle| longest.unwrap_or(idle * 12));
    let refresh = refresh_cookie::set(
        &core.config,
        Naming::Guarded,
        REFRESH_PATH,
        &issued.refresh,
        issued.cookie_life,
    );
    let jar = visit.jar;
    add_cookie(&mut response, &jar.set(PageCookie::Session, secret.reveal(), life));
    add_cookie(&mut response, &refresh);
    add_cookie(&mut response, &jar.clear(PageCookie::Visitor));
    add_cookie(&mut response, &jar.clear(PageCookie::Pending));
    Ok(response)
}

/// Leads to the sign-in page after the browser's session has ended, without its cookies.
pub(in crate::web) fn left(visit: &Visit, notice: Notice) -> Response {
    let mut response = visit.go_with("/sign-in", notice);
    let refresh = refresh_cookie::clear(&visit.core().config, Naming::Guarded, REFRESH_PATH);
    add_cookie(&mut response, &visit.jar.clear(PageCookie::Session));
    add_cookie(&mut response, &refresh);
    response
}

/// Ends the session.
async fn leave(owner: &Owner) -> Result<Response, Stop> {
    sign_out::here(owner.core(), &SessionHolder::from(&owner.caller), owner.source()).await?;
    Ok(left(owner, Notice::SignedOut))
}
