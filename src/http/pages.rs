//! The pages behind mailed links. Looking at one changes nothing, for mail scanners follow links: only its button does,
//! with or without script.

use std::sync::Arc;

use poem::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER};
use poem::http::{HeaderValue, StatusCode};
use poem::{Endpoint, FromRequest, Request, Response, Route, RouteMethod, endpoint};

use super::body;
use super::visit::Visit;
use crate::error::{Error, Kind, Limit, Result};
use crate::identity::Core;
use crate::identity::verify_email::{self, Proved};
use crate::identity::{alarm, open_login};
use crate::model::secret;

const PAGE: &str = include_str!("../../static/pages/page.html");
const STYLE: &str = include_str!("../../static/pages/page.css");

/// Where the pages are, besides under each mount of the native API, so that a proxy that forwards only that finds them.
pub const PATHS: [&str; 4] = ["/verify-email", "/verify-email/disown", "/open-login", "/not-me"];

/// Under what the pages are mounted.
pub const MOUNTS: [&str; 3] = ["", "/v1", "/api/v1"];

/// The longest token that a link of ours carries.
const MAX_TOKEN: usize = 512;

/// Adds the pages.
#[must_use]
pub fn routes(mut route: Route, core: &Arc<Core>) -> Route {
    for mount in MOUNTS {
        for (path, purpose) in
            PATHS.into_iter().zip([Purpose::Verify, Purpose::Disown, Purpose::OpenLogin, Purpose::NotMe])
        {
            let pages = Pages::new(core.clone(), purpose);
            let methods = RouteMethod::new().get(pages.clone().asking()).post(pages.deciding());
            route = route.at(format!("{mount}{path}"), methods);
        }
    }
    route
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Verify,
    Disown,
    OpenLogin,
    NotMe,
}

#[derive(Clone)]
struct Pages {
    core: Arc<Core>,
    purpose: Purpose,
    policy: HeaderValue,
}

impl Pages {
    fn new(core: Arc<Core>, purpose: Purpose) -> Self {
        let policy = HeaderValue::from_str(&policy()).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { core, purpose, policy }
    }

    /// The page that says what the link does and has the button.
    fn asking(self) -> impl Endpoint {
        endpoint::make_sync(move |request: Request| {
            let query = request.original_uri().query().unwrap_or("");
            match token_of(query) {
                Some(token) => self.page(StatusCode::OK, &question(self.purpose, request.original_uri().path(), token)),
                None => self.failure(&Error::new(Kind::MissingLinkToken)),
            }
        })
    }

    /// What the button does.
    fn deciding(self) -> impl Endpoint {
        endpoint::make(move |request: Request| {
            let pages = self.clone();
            async move {
                Ok::<_, poem::Error>(match pages.decide(request).await {
                    Ok(content) => pages.page(StatusCode::OK, &content),
                    Err(error) => pages.failure(&error),
                })
            }
        })
    }

    async fn decide(&self, request: Request) -> Result<Content> {
        let (request, mut body) = request.split();
        let visit = Visit::from_request(&request, &mut body).await.map_err(Error::internal)?;
        let form = body::bytes(&self.core.config, &mut body).await?;
        let form = std::str::from_utf8(&form).map_err(|_| Kind::LinkInvalid)?;
        let token = token_of(form).ok_or(Kind::MissingLinkToken)?;
        visit.meter.count(Limit::VerifyEmail)?;
        match self.purpose {
            Purpose::Verify => verify_email::prove(&self.core, token, &visit.source).await.map(|proved| match proved {
                Proved::Now => {
                    Content::saying("Email address verified", "Thank you. You can close this page and log in.")
                }
                Proved::Already => Content::saying(
                    "Already verified",
                    "This email address is verified already. You can close this page and log in.",
                ),
            }),
            Purpose::Disown => verify_email::disown(&self.core, token, &visit.source).await.map(|()| {
                Content::saying(
                    "Account removed",
                    "The account that was made with your email address is gone. There is nothing else to do.",
                )
            }),
            Purpose::OpenLogin => open_login::follow(&self.core, token, &visit.source)
                .await
                .map(|()| Content::saying("Login opened", "You can log in with your password from here now.")),
            Purpose::NotMe => alarm::disown(&self.core, token, &visit.source).await.map(|()| {
                Content::saying(
                    "Login ended",
                    "That login is ended. We have sent you an email with a link to set another password.",
                )
            }),
        }
    }

    fn failure(&self, error: &Error) -> Response {
        let (status, title, text) = refusal(error.kind());
        if status.is_server_error() {
            tracing::error!(cause = error.chain(), "a page failed");
        }
        let mut response = self.page(status, &Content::saying(title, text));
        if let Some(wait) = error.retry_delay() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        response
    }

    fn page(&self, status: StatusCode, content: &Content) -> Response {
        let html = PAGE
            .replace("{style}", STYLE)
            .replace("{title}", content.title)
            .replace("{text}", content.text)
            .replace("{actions}", &content.actions)
            .replace("{service}", &escape(&self.core.config.service.name));
        Response::builder()
            .status(status)
            .header(CONTENT_TYPE, "text/html; charset=utf-8")
            .header(CACHE_CONTROL, "no-store")
            .header(REFERRER_POLICY, "no-referrer")
            .header(CONTENT_SECURITY_POLICY, self.policy.clone())
            .body(html)
    }
}

/// What a page says.
struct Content {
    title: &'static str,
    text: &'static str,
    actions: String,
}

impl Content {
    fn saying(title: &'static str, text: &'static str) -> Self {
        Self { title, text, actions: String::new() }
    }
}

/// The page's question with its button, which posts to the page's own path.
fn question(purpose: Purpose, path: &str, token: &str) -> Content {
    let (path, token) = (escape(path), escape(token));
    let form = |button: &str| {
        format!(
            "<form method=\"post\" action=\"{path}\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
             <button>{button}</button></form>"
        )
    };
    match purpose {
        Purpose::Verify => Content {
            title: "Verify your email address",
            text: "Press the button to confirm that this email address is yours. Your account can be used then.",
            actions: format!(
                "{}<a class=\"other\" href=\"{path}/disown?token={token}\">This was not me</a>",
                form("Verify email address")
            ),
        },
        Purpose::Disown => Content {
            title: "This was not you?",
            text: "Somebody made an account with your email address. Press the button to remove it. \
                   An account whose address is verified already stays.",
            actions: form("Remove the account"),
        },
        Purpose::OpenLogin => Content {
            title: "Open the login",
            text: "After many wrong passwords your account takes its password only from places it knows. \
                   Press the button where you want to log in.",
            actions: form("Let me log in from here"),
        },
        Purpose::NotMe => Content {
            title: "This was not you?",
            text: "Press the button to end that login. You get an email with a link to set another password.",
            actions: form("End that login"),
        },
    }
}

/// What a person is told; the same statuses as the native API's.
fn refusal(kind: Kind) -> (StatusCode, &'static str, &'static str) {
    let again = "Please wait a moment, then open the link again.";
    match kind {
        Kind::MissingLinkToken => (
            StatusCode::BAD_REQUEST,
            "This link is not complete",
            "Please open the whole link from the email, or copy all of it into the address bar.",
        ),
        Kind::LinkExpired => {
            (StatusCode::GONE, "This link has expired", "Please ask for a new verification email where you signed up.")
        }
        Kind::LinkInvalid => (
            StatusCode::NOT_FOUND,
            "This link does not work",
            "It may have been used already, or a newer email has replaced it.",
        ),
        Kind::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "This link does not work", again),
        Kind::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many attempts", again),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not possible right now", again),
        Kind::MalformedBody => (StatusCode::BAD_REQUEST, "Something went wrong", again),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", again),
    }
}

/// The token in a query or a form. Ours need no decoding: what has an escape in it is none.
fn token_of(pairs: &str) -> Option<&str> {
    let token = pairs.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    let well_formed = token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    (well_formed && (1..=MAX_TOKEN).contains(&token.len())).then_some(token)
}

/// The one style sheet is named by its digest, so that nothing else may be inline.
fn policy() -> String {
    use base64::Engine;
    let digest = base64::engine::general_purpose::STANDARD.encode(secret::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_as_it_is_or_not_at_all() {
        assert_eq!(token_of("token=ab-c_1"), Some("ab-c_1"));
        assert_eq!(token_of("utm=x&token=abc&y=z"), Some("abc"));
        let long = format!("token={}", "a".repeat(513));
        for bad in ["", "token=", "tokens=abc", "token=a%20b", "token=<b>", "token=a+b", &long] {
            assert_eq!(token_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_shown_is_escaped() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        let content = question(Purpose::Verify, "/v1/verify-email", "abc");
        assert!(content.actions.contains("method=\"post\" action=\"/v1/verify-email\""));
        assert!(content.actions.contains("href=\"/v1/verify-email/disown?token=abc\""));
    }

    #[test]
    fn nothing_on_the_page_needs_script_or_another_host() {
        assert!(!PAGE.contains("<script") && !PAGE.contains("http"));
        assert!(!policy().contains("unsafe"));
    }
}
