//! `[server]`: where the server listens, how it is reached, and which networks it trusts.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::Network;
use crate::config::reader::{ConfigReader, ReadResult};
use crate::config::values::web_origin::WebOrigin;

/// Development includes more detail in responses, production applies stricter checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// For a developer's machine.
    Development,
    /// For a server that untrusted clients can reach.
    Production,
}

impl Environment {
    /// The word used in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Production => "production",
        }
    }
}

/// The API served at the root. The native API is always served under `/v1` as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireName {
    /// No other API, only the native one.
    V1,
    /// `/api/auth/…`: a pair of tokens in the body.
    Siteworks,
    /// `/auth/…`: one token.
    Jobpath,
    /// `/api/auth/…`: a refresh cookie, files and their quota.
    Jobpsych,
    /// `/api/auth/…` and `/api/admin/…`: a mailed code at every login, apps with keys.
    Authbackend,
}

impl WireName {
    /// All APIs.
    pub const ALL: [WireName; 5] = [
        WireName::V1,
        WireName::Siteworks,
        WireName::Jobpath,
        WireName::Jobpsych,
        WireName::Authbackend,
    ];

    /// The word used in the configuration and in the path of the API's document.
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
}

/// What happens to a request in plain HTTP where the public URL promises https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpsPolicy {
    /// GET and HEAD are redirected, the others refused.
    Redirect,
    /// It is refused.
    Refuse,
    /// It is answered.
    Off,
}

/// `[server]`: where the server listens, how it is reached, and which networks it trusts.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address and port to listen on. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// The URL under which users reach the server, without a trailing slash. Links in mail begin
    /// with it. `None` means `http://` and `listen`.
    pub public_url: Option<String>,
    /// What happens to a request in plain HTTP if the public URL is https, in production.
    pub https: HttpsPolicy,
    /// The API served at the root.
    pub wire: WireName,
    /// Whether this is a development or a production server.
    pub environment: Environment,
    /// Proxies whose `X-Forwarded-For` header is trusted. `None` is unset, an empty list means that
    /// clients connect directly.
    pub trusted_proxies: Option<Vec<Network>>,
    /// Networks that may make service calls, compared with the peer address. `None` means the
    /// default of [`crate::config::Config::service_networks`].
    pub service_networks: Option<Vec<Network>>,
    /// Host names that service calls and `/metrics` may use, besides those of this machine and the
    /// public URL.
    pub service_hosts: Vec<String>,
    /// Whether `jwt-info` shows the first and last characters of the shared secret outside
    /// production.
    pub reveal_secret_ends: bool,
    /// Origins of web pages that may call with credentials.
    pub cors_origins: Vec<String>,
    /// The largest number of simultaneous connections.
    pub connections: usize,
    /// The largest number of simultaneous connections from one client network.
    pub connections_client: usize,
    /// The largest number of TLS handshakes in a minute from one client network.
    pub handshakes_client: u32,
    /// The largest JSON body, in bytes.
    pub body_limit: usize,
}

/// The address under which this machine reaches what listens at another: loopback in place of the
/// unspecified address.
#[must_use]
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The URL of a server that listens at this address. This machine is `localhost` there: browsers bind
/// no passkey to an address, and a cookie of one name is not sent to another.
pub(in crate::config) fn url_of(listen: SocketAddr) -> String {
    let at = reachable(listen);
    if [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&at.ip()) {
        format!("http://localhost:{}", at.port())
    } else {
        format!("http://{at}")
    }
}

impl Server {
    /// The address under which this machine reaches the server.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        reachable(self.listen)
    }

    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let listen = r.value("server.listen", "an address and port like 127.0.0.1:3000", |raw| {
            raw.to_text().trim().replace("localhost:", "127.0.0.1:").parse().ok()
        });
        let public_url = r.option(
            "server.public_url",
            "an origin like https://auth.example.com, without a path",
            |raw| {
                let text = raw.to_text();
                WebOrigin::parse(text.trim().trim_end_matches('/')).map(|origin| origin.to_string())
            },
        );
        let https = r.choice(
            "server.https",
            &[
                ("redirect", HttpsPolicy::Redirect),
                ("refuse", HttpsPolicy::Refuse),
                ("off", HttpsPolicy::Off),
            ],
        );
        let wire = r.choice("server.wire", &WireName::ALL.map(|wire| (wire.as_str(), wire)));
        let environment = r.choice(
            "server.environment",
            &[("development", Environment::Development), ("production", Environment::Production)],
        );
        let trusted_proxies = r.optional_networks("server.trusted_proxies");
        let service_networks = r.optional_networks("server.service_networks");
        let service_hosts =
            r.list("server.service_hosts", "names of this server like authd.internal", |item| {
                let origin =
                    WebOrigin::parse(&format!("http://{item}")).filter(|_| !item.contains(':'))?;
                Some(origin.host().to_owned())
            });
        let reveal_secret_ends = r.truth("server.reveal_secret_ends");
        let before = RefCell::new(String::new());
        let cors_origins =
            r.list("server.cors_origins", "exact origins like https://app.example.com", |item| {
                let origin = WebOrigin::listed(item, &before.borrow())?.to_string();
                before.replace(origin.clone());
                Some(origin)
            });
        let connections = r.whole("server.connections", 1..=1_000_000);
        let connections_client = r.whole("server.connections_client", 1..=1_000_000);
        let handshakes_client = r.whole("server.handshakes_client", 1..=1_000_000);
        let body_limit = r.whole("server.body_limit", 1024..=16 * 1024 * 1024);
        Ok(Self {
            listen: listen?,
            public_url: public_url?,
            https: https?,
            wire: wire?,
            environment: environment?,
            trusted_proxies: trusted_proxies?,
            service_networks: service_networks?,
            service_hosts: service_hosts?,
            reveal_secret_ends: reveal_secret_ends?,
            cors_origins: cors_origins?,
            connections: connections?,
            connections_client: connections_client?,
            handshakes_client: handshakes_client?,
            body_limit: body_limit?,
        })
    }

    pub(in crate::config) fn validate(&self, r: &mut ConfigReader) {
        if self.is_public() && self.trusted_proxies.is_none() {
            r.note(
                "server.public_url is public but server.trusted_proxies is not set: behind a proxy all clients would \
                 share one client IP. Set it to the proxy's network, or to [] if clients connect directly",
            );
        }
        if self.public_url.is_none() && !self.listen.ip().is_loopback() {
            r.note(
                "server.listen is open to other machines but server.public_url is not set: links in mail work on this \
                 machine only",
            );
        }
        let believes_all = |network: &Network| network.bits == 0;
        if self.service_networks.iter().flatten().any(believes_all) {
            r.refuse(
                "server.service_networks",
                "expected networks of services, got one that contains every address",
            );
        }
        if self.trusted_proxies.iter().flatten().any(believes_all) {
            r.note(
                "server.trusted_proxies contains every address: any client can forge its client IP",
            );
        }
    }

    /// True if the public URL is set and is not a loopback address.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.origin().is_some_and(|origin| !origin.is_loopback())
    }

    /// True if the public URL uses `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin().is_some_and(|origin| origin.is_https())
    }

    /// True if it runs in production.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }

    /// The host of the public URL, an IPv6 address without brackets.
    #[must_use]
    pub fn public_host(&self) -> Option<String> {
        self.origin().map(|origin| origin.host().trim_matches(['[', ']']).to_owned())
    }

    /// The port of the public URL.
    #[must_use]
    pub fn public_port(&self) -> Option<u16> {
        self.origin().map(|origin| origin.port())
    }

    fn origin(&self) -> Option<WebOrigin> {
        self.public_url.as_deref().and_then(WebOrigin::parse)
    }
}
