//! `[server]`: where it listens, how it is reached and whom it believes.

use std::net::SocketAddr;

use super::Network;
use super::reader::{Read, Reader};
use super::web_origin::WebOrigin;

/// Development shows more, production checks more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On somebody's own machine.
    Development,
    /// In front of strangers.
    Production,
}

impl Environment {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Production => "production",
        }
    }
}

/// The API that is served at the root, besides the native one on its own mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireName {
    /// No other: the native API alone.
    V1,
    /// `/api/auth/…`, a pair of tokens in the body.
    Siteworks,
    /// `/auth/…`, one token.
    Jobpath,
    /// `/api/auth/…`, a refresh cookie, files and their quota.
    Jobpsych,
    /// `/api/auth/…` and `/api/admin/…`, a mailed code at every login, apps with keys.
    Authbackend,
}

impl WireName {
    /// Every API that there is.
    pub const ALL: [WireName; 5] =
        [WireName::V1, WireName::Siteworks, WireName::Jobpath, WireName::Jobpsych, WireName::Authbackend];

    /// The word for it, which also names its document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WireName::V1 => "v1",
            WireName::Siteworks => "siteworks",
            WireName::Jobpath => "jobpath",
            WireName::Jobpsych => "jobpsych",
            WireName::Authbackend => "authbackend",
        }
    }

    /// Whether its sign-up answers with a session.
    pub(super) fn enters_at_sign_up(self) -> bool {
        match self {
            WireName::Siteworks | WireName::Jobpsych => true,
            WireName::V1 | WireName::Jobpath | WireName::Authbackend => false,
        }
    }

    /// Whether its login is completed with a code, and its sign-up names the account by its number.
    pub(super) fn asks_for_code(self) -> bool {
        self == WireName::Authbackend
    }
}

/// `[server]`: where it listens and whom it believes.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How people reach it, without a slash at the end; links in mail begin with it. `None`: `http://` and `listen`.
    pub public_url: Option<String>,
    /// The API at the root.
    pub wire: WireName,
    /// Development or production.
    pub environment: Environment,
    /// Proxies whose `X-Forwarded-For` is believed; `None` is unset, an empty list says that clients connect directly.
    pub trusted_proxies: Option<Vec<Network>>,
    /// Callers of service calls, by the peer itself; `None` is the default rule of `service_networks`.
    pub service_networks: Option<Vec<Network>>,
    /// Names besides the machine's own and the public one by which services and figures may be asked for.
    pub service_hosts: Vec<String>,
    /// Pages of other origins that may call with credentials.
    pub cors_origins: Vec<String>,
    /// The most connections at a time.
    pub connections: usize,
    /// The largest JSON body in bytes.
    pub body_limit: usize,
}

impl Server {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let listen = r.value("server.listen", "an address and port like 127.0.0.1:3000", |raw| {
            raw.to_text().trim().replace("localhost:", "127.0.0.1:").parse().ok()
        });
        let public_url =
            r.option("server.public_url", "an origin like https://auth.example.com, without a path", |raw| {
                let text = raw.to_text();
                WebOrigin::parse(text.trim().trim_end_matches('/')).map(|origin| origin.to_string())
            });
        let wire = r.choice("server.wire", &WireName::ALL.map(|wire| (wire.as_str(), wire)));
        let environment = r.choice(
            "server.environment",
            &[("development", Environment::Development), ("production", Environment::Production)],
        );
        let trusted_proxies = r.optional_networks("server.trusted_proxies");
        let service_networks = r.optional_networks("server.service_networks");
        let service_hosts = r.list("server.service_hosts", "names of this server like authd.internal", |item| {
            let origin = WebOrigin::parse(&format!("http://{item}")).filter(|_| !item.contains(':'))?;
            Some(origin.host().to_owned())
        });
        let cors_origins = r.list("server.cors_origins", "exact origins like https://app.example.com", |item| {
            WebOrigin::parse(item).map(|origin| origin.to_string())
        });
        let connections = r.whole("server.connections", 1..=1_000_000);
        let body_limit = r.whole("server.body_limit", 1024..=16 * 1024 * 1024);
        Ok(Self {
            listen: listen?,
            public_url: public_url?,
            wire: wire?,
            environment: environment?,
            trusted_proxies: trusted_proxies?,
            service_networks: service_networks?,
            service_hosts: service_hosts?,
            cors_origins: cors_origins?,
            connections: connections?,
            body_limit: body_limit?,
        })
    }

    pub(super) fn validate(&self, r: &mut Reader) {
        if self.is_public() && self.trusted_proxies.is_none() {
            r.note(
                "server.public_url is public but server.trusted_proxies is not set: behind a proxy every caller would \
                 share one client address. Name the proxy's network, or say [] when clients connect directly",
            );
        }
        if self.public_url.is_none() && !self.listen.ip().is_loopback() {
            r.note(
                "server.listen is open to other machines but server.public_url is not set: links in mail lead to this \
                 machine only",
            );
        }
        let believes_all = |network: &Network| network.bits == 0;
        if self.service_networks.iter().flatten().any(believes_all) {
            r.refuse("server.service_networks", "expected networks of services, got one that holds every address");
        }
        if self.trusted_proxies.iter().flatten().any(believes_all) {
            r.note("server.trusted_proxies holds every address: anybody can claim any client address");
        }
    }

    /// True when people reach it under an address that is not the machine's own.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.origin().is_some_and(|origin| !origin.is_loopback())
    }

    /// True when people reach it over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin().is_some_and(|origin| origin.is_https())
    }

    fn origin(&self) -> Option<WebOrigin> {
        self.public_url.as_deref().and_then(WebOrigin::parse)
    }
}
