//! The pages that mailed links open. Mail scanners follow links, so opening a page changes nothing:
//! only its button does, with or without script. Forms posted by other sites are refused.

mod content;
mod form;

use std::sync::Arc;

use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
};
use poem::http::{HeaderMap, HeaderValue, StatusCode};
use poem::{Endpoint, FromRequest, Request, Response, RouteMethod, endpoint};

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::{body, origin};
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::identity::access::rate_key::RateKey;
use crate::identity::account::link::LinkPurpose;
use crate::identity::account::verify_email::Proved;
use crate::identity::account::{change_email, link, recover, verify_email};
use crate::identity::login::{new_device, open_login};
use crate::model::time::whole_seconds;
use crate::model::{Email, Password, secret};
use crate::web::pages::content::{Asks, Content, PageContext, escape};

const PAGE: &str = include_str!("../../../static/pages/page.html");
const STYLE: &str = include_str!("../../../static/pages/page.css");
const POST_AT_ONCE: &str = include_str!("../../../static/pages/post.js");

/// The paths of the pages. They are also served under each mount of the native API, so that they
/// work behind a proxy that forwards only the API.
pub const PATHS: [&str; 9] = [
    "/verify-email",
    "/verify-email/disown",
    "/resend-verification",
    "/open-login",
    "/forgot-password",
    "/reset-password",
    "/confirm-email",
    "/undo-email",
    "/not-me",
];

/// The path of the script that presses the button. Only the page that verifies an address loads it,
/// and only if the policy enables it.
pub const SCRIPT: &str = "/verify-email/post.js";

/// The mounts of the pages.
pub const MOUNTS: [&str; 3] = ["", "/v1", "/api/v1"];

/// Adds the routes.
#[must_use]
pub fn routes(mut route: Routes, core: &Arc<Core>) -> Routes {
    for mount in MOUNTS {
        route = route.at(format!("{mount}{SCRIPT}"), poem::get(endpoint::make_sync(|_| script())));
        for page in Page::ALL {
            let pages = Pages::new(core.clone(), page);
            let methods = RouteMethod::new().get(pages.clone().asking()).post(pages.deciding());
            route = route.at(format!("{mount}{}", page.path()), methods);
        }
    }
    route
}

/// One of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Verify,
    Disown,
    Resend,
    OpenLogin,
    Forgot,
    Reset,
    ConfirmEmail,
    UndoEmail,
    NotMe,
}

impl Page {
    /// In the order of [`PATHS`].
    const ALL: [Page; 9] = [
        Page::Verify,
        Page::Disown,
        Page::Resend,
        Page::OpenLogin,
        Page::Forgot,
        Page::Reset,
        Page::ConfirmEmail,
        Page::UndoEmail,
        Page::NotMe,
    ];

    fn path(self) -> &'static str {
        PATHS[self as usize]
    }

    /// Whether a mailed link opens the page. The other pages ask for an address.
    fn takes_token(self) -> bool {
        !matches!(self, Page::Resend | Page::Forgot)
    }

    /// Whether a script presses the button.
    fn posts_at_once(self, config: &Config) -> bool {
        self == Page::Verify && config.links.post_at_once
    }

    /// The purpose that its link must have; `None` for pages without a link, and for the link of a
    /// login alert, which is stored elsewhere.
    fn purpose(self) -> Option<LinkPurpose> {
        match self {
            Page::Verify | Page::Disown => Some(LinkPurpose::Verify),
            Page::OpenLogin => Some(LinkPurpose::OpenLogin),
            Page::Reset => Some(LinkPurpose::Reset),
            Page::ConfirmEmail => Some(LinkPurpose::ConfirmEmail),
            Page::UndoEmail => Some(LinkPurpose::UndoEmail),
            Page::Resend | Page::Forgot | Page::NotMe => None,
        }
    }
}

#[derive(Clone)]
struct Pages {
    core: Arc<Core>,
    page: Page,
    policy: HeaderValue,
}

impl Pages {
    fn new(core: Arc<Core>, page: Page) -> Self {
        let policy = HeaderValue::from_str(&policy(page, &core.config))
            .unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { core, page, policy }
    }

    /// `GET`: explains the link and shows the button, or shows that the link no longer works.
    fn asking(self) -> impl Endpoint {
        endpoint::make(move |request: Request| {
            let pages = self.clone();
            async move {
                let place = PageContext { page: pages.page, path: request.original_uri().path() };
                let query = request.original_uri().query().unwrap_or("");
                Ok::<_, poem::Error>(match pages.ask(place, query, request.headers()).await {
                    Ok(content) => pages.render(StatusCode::OK, &content),
                    Err(error) => pages.failure(place, &error),
                })
            }
        })
    }

    async fn ask(
        &self,
        place: PageContext<'_>,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Content> {
        if !self.page.takes_token() {
            self.admit(headers).await?;
            return Ok(content::ask_for_link(place, "", None));
        }
        let token = form::token_of(query).ok_or(Kind::MissingLinkToken)?;
        match self.page.purpose() {
            Some(purpose) => link::look(&self.core, purpose, token).await.map(drop)?,
            None => new_device::look(&self.core, token).await?,
        }
        let question = content::question(place, token, &self.core.config.password, &[]);
        let at_once = self.page.posts_at_once(&self.core.config);
        Ok(if at_once { content::posting_at_once(place, question) } else { question })
    }

    /// `POST`: does what the button says.
    fn deciding(self) -> impl Endpoint {
        endpoint::make(move |request: Request| {
            let pages = self.clone();
            async move {
                let path = request.original_uri().path().to_owned();
                let place = PageContext { page: pages.page, path: &path };
                Ok::<_, poem::Error>(match pages.decide(place, request).await {
                    Ok((status, content)) => pages.render(status, &content),
                    Err(error) => pages.failure(place, &error),
                })
            }
        })
    }

    async fn decide(
        &self,
        place: PageContext<'_>,
        request: Request,
    ) -> Result<(StatusCode, Content)> {
        origin::check_form(&request, &self.core.config)?;
        let (request, mut body) = request.split();
        let visit =
            RequestContext::from_request(&request, &mut body).await.map_err(Error::internal)?;
        let form = body::bytes(&self.core.config, &mut body).await?;
        let form = std::str::from_utf8(&form).map_err(|_| Kind::MalformedBody)?;
        if !self.page.takes_token() {
            let app = self.admit(request.headers()).await?;
            return self.send_link(place, form, &visit, app).await;
        }
        let token = form::token_of(form).ok_or(Kind::MissingLinkToken)?;
        match self.follow(place, token, form, &visit).await {
            Ok(content) => Ok((StatusCode::OK, content)),
            Err(error) if !error.fields().is_empty() => {
                let reasons: Vec<_> =
                    error.fields().iter().map(|row| row.sentence.clone().into_owned()).collect();
                let content = content::question(place, token, &self.core.config.password, &reasons);
                Ok((StatusCode::BAD_REQUEST, content))
            }
            Err(error) => Err(error),
        }
    }

    /// Counts the call and follows the link.
    async fn follow(
        &self,
        place: PageContext<'_>,
        token: &str,
        form: &str,
        visit: &RequestContext,
    ) -> Result<Content> {
        let (core, source) = (&self.core, &visit.source);
        match self.page {
            Page::Verify => {
                let counted = visit.limited().count()?;
                if verify_email::prove(core, token, &counted, source).await? == Proved::Already {
                    return Ok(content::verified_already());
                }
            }
            Page::Disown => {
                verify_email::disown(core, token, &visit.limited().count()?, source).await?;
            }
            Page::OpenLogin => {
                open_login::follow(core, token, &visit.limited().count()?, source).await?;
            }
            Page::Reset => {
                let counted = visit.limited().count()?;
                let new = Password::new(form::field(form, "newPassword").unwrap_or_default());
                recover::reset(core, token, new, &counted, source).await?;
            }
            Page::ConfirmEmail => {
                change_email::confirm(core, token, &visit.limited().count()?, source).await?;
            }
            Page::UndoEmail => {
                change_email::undo(core, token, &visit.limited().count()?, source).await?;
            }
            Page::NotMe => {
                new_device::disown(core, token, &visit.limited().count()?, source).await?;
            }
            Page::Forgot | Page::Resend => {}
        }
        Ok(content::done(place))
    }

    /// If the policy requires an API client for a password reset, this page does too, as every API
    /// does: it then works only behind a proxy that sends the credentials of an API client.
    async fn admit(&self, headers: &HeaderMap) -> Result<Option<FromApp>> {
        match self.page {
            Page::Forgot => FromApp::of(&self.core, headers).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Requests a new link. The response never depends on whether the account exists.
    async fn send_link(
        &self,
        place: PageContext<'_>,
        form: &str,
        visit: &RequestContext,
        app: Option<FromApp>,
    ) -> Result<(StatusCode, Content)> {
        let typed = form::field(form, "email").unwrap_or_default();
        let Some(email) = Email::parse(typed.trim()) else {
            let reason = "Please type an email address, like jo@example.com.";
            return Ok((
                StatusCode::BAD_REQUEST,
                content::ask_for_link(place, &typed, Some(reason)),
            ));
        };
        let (core, source) = (&self.core, &visit.source);
        match app {
            Some(app) => {
                let counted = visit.limited().count_for(&app, RateKey::Email(&email)).await?;
                recover::request(core, &email, &counted, source).await?;
            }
            None => verify_email::request(core, &email, &visit.limited().count()?, source).await?,
        }
        Ok((StatusCode::OK, content::link_asked_for(self.page)))
    }

    fn failure(&self, place: PageContext<'_>, error: &Error) -> Response {
        let (status, content) =
            content::refusal(place, error.kind(), Asks::under(&self.core.config));
        if status.is_server_error() {
            tracing::error!(cause = error.chain(), "page request failed");
        }
        let mut response = self.render(status, &content);
        if let Some(wait) = error.retry_delay() {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait).max(1)));
        }
        response
    }

    fn render(&self, status: StatusCode, content: &Content) -> Response {
        // The actions come last: they contain user input, whose text must not be treated as a
        // placeholder.
        let html = PAGE
            .replace("{style}", STYLE)
            .replace("{service}", &escape(&self.core.config.service.name))
            .replace("{title}", content.title)
            .replace("{text}", content.text)
            .replace("{actions}", &content.actions);
        Response::builder()
            .status(status)
            .header(CONTENT_TYPE, "text/html; charset=utf-8")
            .header(CACHE_CONTROL, "no-store")
            // With `no-referrer`, browsers send `Origin: null` and the form would look like another
            // site's. `strict-origin` still hides the path with the token.
            .header(REFERRER_POLICY, "strict-origin")
            .header(CONTENT_SECURITY_POLICY, self.policy.clone())
            .body(html)
    }
}

fn script() -> Response {
    Response::builder()
        .header(CONTENT_TYPE, "text/javascript; charset=utf-8")
        .header(CACHE_CONTROL, "public, max-age=3600")
        .body(POST_AT_ONCE)
}

/// Allows the style sheet by its hash, so that no other inline code can run.
fn policy(page: Page, config: &Config) -> String {
    use base64::Engine;
    let scripts = if page.posts_at_once(config) { "script-src 'self'; " } else { "" };
    let digest = base64::engine::general_purpose::STANDARD.encode(secret::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; {scripts}img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, load};

    #[test]
    fn every_page_has_its_path() {
        assert_eq!(Page::ALL.map(Page::path), PATHS);
        assert_eq!(Page::Reset.path(), "/reset-password");
        assert_eq!(Page::UndoEmail.path(), "/undo-email");
    }

    #[test]
    fn nothing_on_a_page_needs_another_host_and_script_only_where_the_policy_says_so() {
        assert!(!PAGE.contains("<script") && !PAGE.contains("http"));
        let inputs = |profile: &str| Inputs {
            flags: vec![("profile".into(), profile.into())],
            ..Inputs::default()
        };
        for (profile, scripted) in [("standard", 0), ("authbackend", 1)] {
            let config =
                load(&inputs(profile)).unwrap_or_else(|problems| panic!("{problems}")).config;
            let policies = Page::ALL.map(|page| policy(page, &config));
            assert!(policies.iter().all(|policy| !policy.contains("unsafe")));
            assert_eq!(
                policies.iter().filter(|policy| policy.contains("script-src 'self'")).count(),
                scripted
            );
        }
    }
}
