//! The page at `/` and at each mount of the native API, for people who open the server's address in
//! a browser: it leads to the documentation and to the pages that ask for an address. Programs get
//! the 404 of an unknown path. A wire that has a call at `/` answers everyone with that call.

use std::sync::Arc;

use askama::Template;
use poem::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use poem::http::{HeaderValue, Method, StatusCode};
use poem::{Endpoint, Request, Response, endpoint};

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::http::extract::accept;
use crate::http::server::paths::Paths;
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::model::Page;
use crate::model::page::MOUNTS;
use crate::web::brand::Brand;
use crate::web::html::{self, Layout, Scripts};
use crate::web::language;
use crate::words::{Text, Translation, Words};

const ICON: &[u8] = include_bytes!("../../static/pages/favicon.ico");

/// Browsers ask for it when the page names no icon of its own.
const ICON_PATH: &str = "/favicon.ico";

/// The page with its links.
#[derive(Template)]
#[template(path = "pages/front.html")]
pub(in crate::web) struct FrontView<'a> {
    pub(in crate::web) layout: Layout<'a>,
    pub(in crate::web) links: &'a [FrontLink<'a>],
}

/// A link of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct FrontLink<'a> {
    pub(in crate::web) path: String,
    pub(in crate::web) words: &'a str,
}

/// Adds the routes. They come after those of the wires, whose own call at `/` wins.
#[must_use]
pub(in crate::web) fn routes(mut route: Routes, core: &Arc<Core>, brand: &Arc<Brand>) -> Routes {
    for mount in MOUNTS {
        let path = if mount.is_empty() { "/" } else { mount };
        route = route.at(path, front(core.clone(), brand.clone()));
    }
    route.at(ICON_PATH, poem::get(endpoint::make_sync(|_| icon())))
}

/// The paths that accept GET from any caller.
#[must_use]
pub(in crate::web) fn paths() -> Paths {
    Paths::default().with([ICON_PATH.to_owned()], &[Method::GET])
}

fn front(core: Arc<Core>, brand: Arc<Brand>) -> impl Endpoint {
    let policy = html::policy(Scripts::None);
    endpoint::make(move |request: Request| {
        let (core, brand, policy) = (core.clone(), brand.clone(), policy.clone());
        async move {
            if request.method() != Method::GET || !accept::is_browser(request.headers()) {
                return Err(Reject(Error::new(Kind::NotFound)).into());
            }
            let visit = language::context_of(&core, &request).await?;
            let words = core.words.pick([visit.wish, visit.source.language]);
            Ok::<_, poem::Error>(page(&core.config, &brand, words, &policy).map_err(Reject)?)
        }
    })
}

fn page(
    config: &Config,
    brand: &Brand,
    words: Translation<'_>,
    policy: &HeaderValue,
) -> Result<Response> {
    let text = &words.words.pages.front;
    let layout = Layout::new(brand, words, &text.title, &text.text);
    let view = FrontView { layout, links: &links(config, words.words) };
    let mut response = html::page(StatusCode::OK, policy, brand, &view)?;
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Accept-Language"));
    Ok(response)
}

/// Only links to pages that work under this configuration.
fn links<'a>(config: &Config, words: &'a Words) -> Vec<FrontLink<'a>> {
    let text = &words.pages.front;
    let mut links = Vec::new();
    if config.serves_pages() {
        links.push(FrontLink { path: "/sign-in".to_owned(), words: &words.shell.sign_in });
        links.push(FrontLink { path: "/account".to_owned(), words: &words.shell.home });
    }
    links.extend([
        FrontLink { path: "/docs".to_owned(), words: &text.try_out },
        FrontLink { path: "/redoc".to_owned(), words: &text.reference },
        FrontLink { path: "/v1/health".to_owned(), words: &text.health },
    ]);
    let page =
        |page: Page, words: &'a Text| FrontLink { path: format!("/v1{}", page.path()), words };
    // With `apps.required` the page needs headers that no browser sends.
    if !config.apps.required {
        links.push(page(Page::ForgotPassword, &text.forgot_password));
    }
    if config.signup.verify_email {
        links.push(page(Page::ResendVerification, &text.resend_verification));
    }
    links
}

fn icon() -> Response {
    Response::builder()
        .header(CONTENT_TYPE, "image/x-icon")
        .header(CACHE_CONTROL, "public, max-age=86400")
        .body(ICON)
}
