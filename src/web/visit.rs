//! One request to a sign-in or account page: what every handler may use, and the checks that no
//! handler can forget. A form is accepted only from our own pages and with the token that they
//! showed to this browser; an account page is opened only for the owner of a live session.

use std::ops::Deref;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use poem::http::header::{CACHE_CONTROL, HOST, LOCATION, SET_COOKIE};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Request, Response};

use crate::config::Config;
use crate::error::{Kind, Result, limit};
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::{body, client_ip, origin};
use crate::identity::access::actor::Locality;
use crate::identity::session::page_session;
use crate::identity::{Caller, Core, provider};
use crate::model::{LanguageTag, Secret, Source};
use crate::web::form;
use crate::web::jar::{Jar, PageCookie};
use crate::web::language;
use crate::web::notice::Notice;
use crate::web::site::Site;
use crate::web::stop::Stop;
use crate::web::target::Target;
use crate::words::Translation;

/// The result of a handler.
pub(in crate::web) type Shown<'a> = BoxFuture<'a, Result<Response, Stop>>;

/// What a path does with a method.
#[derive(Clone, Copy)]
pub(in crate::web) enum PageHandler {
    /// For every visitor.
    Anyone(for<'a> fn(&'a Visit) -> Shown<'a>),
    /// For the owner of a live session. Others are sent to the sign-in page.
    Owner(for<'a> fn(&'a Owner) -> Shown<'a>),
    /// For the owner of a live session, as far as this page lets them in.
    Page(&'static dyn OwnerPage),
    /// For an answer that the site of a provider posts: nothing of the browser is read.
    PostedAnswer,
}

/// A page that decides itself which owners it lets in.
pub(in crate::web) trait OwnerPage: Sync {
    /// Checks whether this owner may open the page, or post to it, and answers.
    fn open(&'static self, owner: Owner) -> Shown<'static>;
}

/// A path, and what it does with each method.
pub(in crate::web) struct PageRoute {
    pub(in crate::web) path: &'static str,
    pub(in crate::web) get: Option<PageHandler>,
    pub(in crate::web) post: Option<PageHandler>,
    /// The page to come back to after a login.
    pub(in crate::web) back: Option<&'static str>,
}

impl PageRoute {
    pub(in crate::web) fn methods(&self) -> Vec<Method> {
        let get = self.get.map(|_| Method::GET);
        get.into_iter().chain(self.post.map(|_| Method::POST)).collect()
    }
}

/// One request.
pub(in crate::web) struct Visit {
    pub(in crate::web) site: Arc<Site>,
    pub(in crate::web) context: RequestContext,
    pub(in crate::web) jar: Jar,
    pub(in crate::web) notice: Option<Notice>,
    /// Whether the request comes from this machine.
    pub(in crate::web) locality: Locality,
    /// Whether this browser can use passkeys on this page.
    pub(in crate::web) takes_passkey: bool,
    query: String,
    pub(in crate::web) is_post: bool,
    /// The posted fields; empty for a GET.
    form: Secret,
    /// The session cookie, and whose it is if the session is alive.
    session: Option<Secret>,
    caller: Option<Caller>,
    visitor: Option<Secret>,
    pub(in crate::web) pending: Option<Secret>,
    /// A login at a provider that has begun, and one that needs another step.
    pub(in crate::web) provider_flow: Option<Secret>,
    pub(in crate::web) provider_step: Option<Secret>,
    /// The token for the forms of this page.
    pub(in crate::web) token: String,
    /// The visitor cookie to set.
    new_visitor: Option<Secret>,
}

/// A visit by the owner of a live session. Only [`answer`] makes one.
pub(in crate::web) struct Owner {
    visit: Visit,
    pub(in crate::web) caller: Caller,
    /// Whether there are providers to log in with.
    pub(in crate::web) has_providers: bool,
}

impl Deref for Owner {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.visit
    }
}

/// Checks a request and lets the handler answer it.
pub(in crate::web) async fn answer(
    site: &Arc<Site>,
    handler: PageHandler,
    back: Option<&'static str>,
    request: Request,
) -> poem::Result<Response> {
    let context = language::context_of(&site.core, &request).await?;
    let source = context.source.clone();
    let wish = context.wish;
    let mut locale = None;
    let shown = match Visit::receive(site, context, request).await {
        Ok(visit) => {
            locale = visit.locale();
            visit.handle(handler, back).await
        }
        Err(stop) => Err(stop),
    };
    let mut response = shown
        .or_else(|stop| {
            site.stop(&stop, site.core.words.pick([wish, locale, source.language]), &source)
        })
        .map_err(crate::http::server::reject::Reject)?;
    language::keep(&site.core, wish, &mut response);
    Ok(response)
}

impl Visit {
    async fn receive(
        site: &Arc<Site>,
        context: RequestContext,
        request: Request,
    ) -> Result<Self, Stop> {
        let core = &site.core;
        context.limited::<limit::General>().count().await?;
        origin::check_own(&request, &core.config)?;
        let jar = Jar::of(&core.config.server, request.headers()).ok_or(Stop::WithoutTls)?;
        let is_post = request.method() == Method::POST;
        body::refuse_announced(&request, &core.config)?;
        let query = request.original_uri().query().unwrap_or_default().to_owned();
        let locality = client_ip::locality(&core.config.server, &request);
        let (request, mut body) = request.split();
        let form = if is_post {
            let bytes = body::bytes(&core.config, &mut body).await?;
            Secret::new(String::from_utf8(bytes.into()).map_err(|_| Kind::MalformedBody)?)
        } else {
            Secret::new("")
        };
        let headers = request.headers();
        let cookie = |cookie| jar.find(headers, cookie);
        let session = cookie(PageCookie::Session);
        let caller = match &session {
            Some(secret) => known(page_session::caller(core, secret).await)?,
            None => None,
        };
        let notice = cookie(PageCookie::Notice).and_then(|word| Notice::parse(word.reveal()));
        let mut visit = Self {
            site: site.clone(),
            context,
            jar,
            notice: notice.filter(|_| !is_post),
            locality,
            takes_passkey: takes_passkey(&core.config, headers),
            query,
            is_post,
            form,
            session,
            caller,
            visitor: cookie(PageCookie::Visitor),
            pending: cookie(PageCookie::Pending),
            provider_flow: cookie(PageCookie::ProviderFlow),
            provider_step: cookie(PageCookie::ProviderStep),
            token: String::new(),
            new_visitor: None,
        };
        visit.bind_forms()?;
        Ok(visit)
    }

    /// Whether the posted form was shown to this browser, in this session if there is one.
    fn is_own_form(&self) -> bool {
        let Some(token) = self.field("form") else { return false };
        let is_of = |secret: &Secret| page_session::is_form_token(&self.site.core, secret, &token);
        match (&self.session, &self.caller) {
            (Some(session), Some(_)) => is_of(session),
            (session, _) => session.iter().chain(&self.visitor).any(is_of),
        }
    }

    /// Makes the token for the forms of the page.
    fn bind_forms(&mut self) -> Result<()> {
        let core = &self.site.core;
        let secret = match (&self.session, &self.caller, &self.visitor) {
            (Some(session), Some(_), _) => session,
            (_, _, Some(visitor)) => visitor,
            _ => &*self.new_visitor.insert(page_session::visitor_secret(core)?),
        };
        self.token = page_session::form_token(core, secret);
        Ok(())
    }

    async fn handle(
        self,
        handler: PageHandler,
        back: Option<&'static str>,
    ) -> Result<Response, Stop> {
        if self.is_post && !self.is_own_form() {
            return Err(Stop::ForeignForm);
        }
        let (jar, has_notice) = (self.jar, self.notice.is_some());
        let new_visitor = self.new_visitor.clone();
        let has_dead_session = self.session.is_some() && self.caller.is_none();
        let mut response = match handler {
            PageHandler::Anyone(handler) => handler(&self).await?,
            PageHandler::PostedAnswer => return Err(Stop::ForeignForm),
            PageHandler::Owner(handler) => {
                let Some(caller) = self.caller.clone() else { return Err(Stop::LoggedOut(back)) };
                let has_providers = provider::has_any(self.core()).await?;
                handler(&Owner { visit: self, caller, has_providers }).await?
            }
            PageHandler::Page(page) => {
                let Some(caller) = self.caller.clone() else { return Err(Stop::LoggedOut(back)) };
                let has_providers = provider::has_any(self.core()).await?;
                page.open(Owner { visit: self, caller, has_providers }).await?
            }
        };
        // A handler that sets cookies has begun or ended a session.
        if has_dead_session && !response.headers().contains_key(SET_COOKIE) {
            add_cookie(&mut response, &jar.clear(PageCookie::Session));
        }
        if let Some(secret) = new_visitor {
            add_cookie(&mut response, &jar.set(PageCookie::Visitor, secret.reveal(), None));
        }
        if has_notice {
            add_cookie(&mut response, &jar.clear(PageCookie::Notice));
        }
        Ok(response)
    }

    pub(in crate::web) fn core(&self) -> &Arc<Core> {
        &self.site.core
    }

    /// The words in the visitor's language: as the link wishes, as the account says, as an earlier
    /// link wished, or as the browser prefers.
    pub(in crate::web) fn words(&self) -> Translation<'_> {
        self.core().words.pick([self.context.wish, self.locale(), self.context.source.language])
    }

    /// The language of the account.
    fn locale(&self) -> Option<LanguageTag> {
        self.caller.as_ref().and_then(|caller| caller.account.locale)
    }

    pub(in crate::web) fn source(&self) -> &Source {
        &self.context.source
    }

    /// The value of a field of the form, if it occurs exactly once.
    pub(in crate::web) fn field(&self, name: &str) -> Option<String> {
        form::field(self.form.reveal(), name)
    }

    /// The values of a field that may occur several times.
    pub(in crate::web) fn fields(&self, name: &str) -> Vec<String> {
        form::fields(self.form.reveal(), name)
    }

    /// The value of a field, without spaces around it; empty if it is absent.
    pub(in crate::web) fn text(&self, name: &str) -> String {
        self.field(name).unwrap_or_default().trim().to_owned()
    }

    /// The value of a parameter of the query, if it occurs exactly once.
    pub(in crate::web) fn parameter(&self, name: &str) -> Option<String> {
        form::field(&self.query, name)
    }

    /// The values of a parameter that may occur several times.
    pub(in crate::web) fn parameters(&self, name: &str) -> Vec<String> {
        form::fields(&self.query, name)
    }

    /// A part of the path, counted from 1.
    pub(in crate::web) fn segment(&self, number: usize) -> Option<&str> {
        self.context.path.split('/').nth(number)
    }

    /// Whether the query has this word.
    pub(in crate::web) fn asks(&self, word: &str) -> bool {
        self.query.split('&').any(|pair| pair == word)
    }

    /// Where to go after a login, from the form or the query.
    ///
    /// # Errors
    /// [`Stop::UnknownTarget`].
    pub(in crate::web) fn target(&self) -> Result<Option<Target>, Stop> {
        let named = self.field("return_to").or_else(|| self.parameter("return_to"));
        let is_given =
            form::has(&self.query, "return_to") || form::has(self.form.reveal(), "return_to");
        if is_given && named.is_none() {
            return Err(Stop::UnknownTarget(String::new()));
        }
        Target::admit(named, &self.core().config.pages)
    }

    /// The owner of the browser's session, on pages for every visitor.
    pub(in crate::web) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The caller again, after their proof was renewed.
    pub(in crate::web) async fn read_again(&self) -> Result<Caller, Stop> {
        let secret = self.session.as_ref().ok_or(Stop::LoggedOut(None))?;
        Ok(page_session::caller(self.core(), secret).await?)
    }

    /// Leads to another page, which shows this notice.
    pub(in crate::web) fn go_with(&self, place: &str, notice: Notice) -> Response {
        let mut response = go(place);
        add_cookie(&mut response, &self.jar.notice(notice));
        response
    }
}

/// Whether a browser can use passkeys: its page must be at their domain or below it. Behind a public
/// URL the browser is there, even if the proxy sends another host.
fn takes_passkey(config: &Config, headers: &HeaderMap) -> bool {
    if !config.webauthn.enabled || config.server.public_url.is_some() {
        return config.webauthn.enabled;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let rest = host.strip_suffix(config.passkey_domain().as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The caller, or `None` for a session that has ended.
fn known(found: Result<Caller>) -> Result<Option<Caller>> {
    match found {
        Ok(caller) => Ok(Some(caller)),
        Err(error) if error.kind() == Kind::SessionEnded => Ok(None),
        Err(error) => Err(error),
    }
}

/// Leads to another page, with GET.
pub(in crate::web) fn go(place: &str) -> Response {
    let mut response = Response::builder().status(StatusCode::SEE_OTHER).finish();
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// An answer for the script of a page.
pub(in crate::web) fn json(value: &serde_json::Value) -> Response {
    Response::builder()
        .content_type("application/json; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .body(value.to_string())
}

pub(in crate::web) fn add_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Writes a handler for every visitor as a [`PageHandler`].
macro_rules! anyone {
    ($handler:path) => {
        Some(crate::web::visit::PageHandler::Anyone(|visit| Box::pin($handler(visit))))
    };
}
pub(in crate::web) use anyone;

/// Writes a handler for owners as a [`PageHandler`].
macro_rules! owner {
    ($handler:path) => {
        Some(crate::web::visit::PageHandler::Owner(|owner| Box::pin($handler(owner))))
    };
}
pub(in crate::web) use owner;
