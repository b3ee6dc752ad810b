//! The cookies of the sign-in and account pages. Over HTTPS their names have the `__Host-` prefix,
//! so that no other host, not even a sibling domain, can set them; without TLS the pages work only
//! on this machine.

use std::time::Duration;

use poem::http::HeaderMap;
use poem::http::header::HOST;

use crate::config::Server;
use crate::http::extract::{cookie, origin};
use crate::http::server::headers::Transport;
use crate::model::Secret;
use crate::model::time::whole_seconds;
use crate::web::notice::Notice;

/// How long a notice waits for the page that shows it.
const NOTICE_LIFE: Duration = Duration::from_mins(1);

/// One of the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum PageCookie {
    /// The session.
    Session,
    /// Binds the forms before a login to the browser.
    Visitor,
    /// A login that waits for its second factor.
    Pending,
    /// What the next page says.
    Notice,
    /// A login at a provider that has begun.
    ProviderFlow,
    /// A login with a provider that needs another step.
    ProviderStep,
    /// The language that a link wished for (`lang`).
    Language,
}

/// How the cookies are named and set for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Jar {
    transport: Transport,
}

impl Jar {
    /// The jar of a request; `None` if its cookies would cross a network without TLS.
    pub(in crate::web) fn of(server: &Server, headers: &HeaderMap) -> Option<Self> {
        let transport = Transport::of(server);
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_local = || origin::is_loopback(&format!("http://{host}"));
        (transport == Transport::Https || is_local()).then_some(Self { transport })
    }

    /// The jar as configured, for responses that only lead elsewhere.
    pub(in crate::web) fn configured(server: &Server) -> Self {
        Self { transport: Transport::of(server) }
    }

    fn name(self, cookie: PageCookie) -> &'static str {
        match (self.transport, cookie) {
            (Transport::Https, PageCookie::Session) => "__Host-authd",
            (Transport::Https, PageCookie::Visitor) => "__Host-authd-visitor",
            (Transport::Https, PageCookie::Pending) => "__Host-authd-login",
            (Transport::Https, PageCookie::Notice) => "__Host-authd-notice",
            (Transport::Https, PageCookie::ProviderFlow) => "__Host-authd-provider",
            (Transport::Https, PageCookie::ProviderStep) => "__Host-authd-provider-step",
            (Transport::Https, PageCookie::Language) => "__Host-authd-language",
            (Transport::Plain, PageCookie::Session) => "authd",
            (Transport::Plain, PageCookie::Visitor) => "authd-visitor",
            (Transport::Plain, PageCookie::Pending) => "authd-login",
            (Transport::Plain, PageCookie::Notice) => "authd-notice",
            (Transport::Plain, PageCookie::ProviderFlow) => "authd-provider",
            (Transport::Plain, PageCookie::ProviderStep) => "authd-provider-step",
            (Transport::Plain, PageCookie::Language) => "authd-language",
        }
    }

    /// The value of a cookie. One that occurs twice or is malformed counts as absent.
    pub(in crate::web) fn find(self, headers: &HeaderMap, cookie: PageCookie) -> Option<Secret> {
        let found = cookie::find(headers, self.name(cookie)).ok().flatten();
        found.filter(|value| !value.is_empty()).map(Secret::new)
    }

    /// The `Set-Cookie` value. Without a lifetime the cookie ends when the browser closes.
    pub(in crate::web) fn set(
        self,
        cookie: PageCookie,
        value: &str,
        life: Option<Duration>,
    ) -> String {
        let life = life.map(|life| format!("; Max-Age={}", whole_seconds(life)));
        let secure = if self.transport == Transport::Https { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{}",
            self.name(cookie),
            life.unwrap_or_default()
        )
    }

    /// The `Set-Cookie` value for what the next page says.
    pub(in crate::web) fn notice(self, notice: Notice) -> String {
        self.set(PageCookie::Notice, notice.as_str(), Some(NOTICE_LIFE))
    }

    /// The `Set-Cookie` value that deletes the cookie.
    pub(in crate::web) fn clear(self, cookie: PageCookie) -> String {
        self.set(cookie, "", Some(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_over_https_can_be_set_by_this_host_alone() {
        let jar = Jar { transport: Transport::Https };
        assert_eq!(
            jar.set(PageCookie::Session, "abc", Some(Duration::from_mins(1))),
            "__Host-authd=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        let plain = Jar { transport: Transport::Plain };
        assert_eq!(
            plain.set(PageCookie::Visitor, "abc", None),
            "authd-visitor=abc; Path=/; HttpOnly; SameSite=Lax"
        );
    }
}
