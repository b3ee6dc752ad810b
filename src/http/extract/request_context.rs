//! What a handler gets from a request besides its body: source, path and cookie.

use poem::http::header::ACCEPT_LANGUAGE;
use poem::{FromRequest, Request, RequestBody};

use crate::error::limit::NamedLimit;
use crate::http::extract::api_client;
use crate::http::extract::limited::Limited;
use crate::http::extract::refresh_cookie::{FoundCookie, Naming, OwnCookie};
use crate::http::limits::Meter;
use crate::http::server::carried;
use crate::http::server::reject::Reject;
use crate::identity::Core;
use crate::model::{LanguageTag, RequestSender, Source};

/// The parts of a request that handlers need.
pub struct RequestContext {
    /// The client that sent the request.
    pub source: Source,
    meter: Meter,
    /// The path as sent by the client.
    pub path: String,
    /// The language that the link or form wishes for (`lang` in the query), among those of the
    /// server. It is also that of `source`.
    pub wish: Option<LanguageTag>,
}

/// The name of the parameter that wishes for a language.
const WISH: &str = "lang";

impl RequestContext {
    /// A limit for this request, for pages. An operation declares its limit in its signature
    /// instead.
    #[must_use]
    pub fn limited<L: NamedLimit>(&self) -> Limited<L> {
        Limited::new(&self.meter)
    }
}

impl<'a> FromRequest<'a> for RequestContext {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let meter = carried::meter(request).map_err(Reject)?.clone();
        // Pages are for people, not for services, and do not pass the router's operations.
        let sender = match carried::core(request) {
            Ok(core) => api_client::sender_of(core, request.headers()).await,
            Err(_) => RequestSender::Client,
        };
        let language = carried::core(request).ok().and_then(|core| accepted(core, request));
        Ok(Self {
            source: Source { sender, language, ..meter.source().clone() },
            meter,
            wish: None,
            path: request.original_uri().path().to_owned(),
        })
    }
}

impl RequestContext {
    /// The context of a request for a page, which can wish for a language.
    pub async fn of_page(core: &Core, request: &Request) -> poem::Result<Self> {
        let mut context = Self::from_request_without_body(request).await?;
        context.wish = wish_of(core, request);
        context.source.language = context.wish.or_else(|| accepted(core, request));
        Ok(context)
    }
}

fn wish_of(core: &Core, request: &Request) -> Option<LanguageTag> {
    let pairs = request.original_uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    let asked = pairs.filter(|(name, _)| *name == WISH).map(|(_, tag)| tag).next()?;
    LanguageTag::parse(core.words.lookup(asked)?.tag)
}

/// The language that the browser prefers, where that counts.
fn accepted(core: &Core, request: &Request) -> Option<LanguageTag> {
    if !core.config.language.negotiate {
        return None;
    }
    core.words.accepted(request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?)
}

/// The refresh cookie of a request, if the page that sent it may use it.
pub struct RefreshCookie(FoundCookie);

impl RefreshCookie {
    /// The cookie as set for this path.
    #[must_use]
    pub fn at(self, path: &str) -> OwnCookie {
        OwnCookie::new(self.0, path)
    }
}

impl<'a> FromRequest<'a> for RefreshCookie {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(FoundCookie::of(request, Naming::Guarded).map_err(Reject)?))
    }
}

/// Like [`RefreshCookie`], for wires whose document fixes the cookie's name.
pub struct PlainRefreshCookie(FoundCookie);

impl PlainRefreshCookie {
    /// The cookie as set for this path.
    #[must_use]
    pub fn at(self, path: &str) -> OwnCookie {
        OwnCookie::new(self.0, path)
    }
}

impl<'a> FromRequest<'a> for PlainRefreshCookie {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(FoundCookie::of(request, Naming::AsDocumented).map_err(Reject)?))
    }
}
