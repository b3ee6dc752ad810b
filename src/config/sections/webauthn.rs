//! `[webauthn]`: passkeys and security keys, and the domain that they are bound to.

use std::cell::RefCell;

use super::server::Server;
use crate::config::reader::{ConfigReader, ReadResult};
use crate::config::values::web_origin::WebOrigin;

/// `[webauthn]`: passkeys and security keys, and the domain that they are bound to.
#[derive(Debug, Clone)]
pub struct Webauthn {
    /// Owners may add keys, and log in with a passkey. A security key guards its account in any case.
    pub enabled: bool,
    /// The domain. `None` means the host of the public URL.
    pub rp_id: Option<String>,
    /// Origins of pages that may use the keys, besides that of the public URL.
    pub origins: Vec<String>,
}

impl Webauthn {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let enabled = r.truth("webauthn.enabled");
        let rp_id = r.option("webauthn.rp_id", "a domain like example.com", |raw| {
            let text = raw.to_text();
            let origin = WebOrigin::parse(&format!("https://{}", text.trim()))?;
            let is_name = !origin.is_address() && !text.contains(':');
            is_name.then(|| origin.host().to_owned())
        });
        let before = RefCell::new(String::new());
        let origins =
            r.list("webauthn.origins", "exact origins like https://app.example.com", |item| {
                let origin = WebOrigin::listed(item, &before.borrow())?.to_string();
                before.replace(origin.clone());
                Some(origin)
            });
        Ok(Self { enabled: enabled?, rp_id: rp_id?, origins: origins? })
    }

    /// The pages of the public URL must be able to use the keys: its host is the domain or under it,
    /// or its origin is listed as a related one.
    pub(in crate::config) fn validate(&self, server: &Server, r: &mut ConfigReader) {
        let (Some(domain), Some(url)) = (&self.rp_id, &server.public_url) else { return };
        if self.enabled && !self.may_use(domain, url) {
            r.refuse(
                "webauthn.rp_id",
                format!(
                    "expected the host of server.public_url ({url}) or a domain above it, got {domain}; \
                     list that URL in webauthn.origins if it is a related origin"
                ),
            );
        }
    }

    /// Whether pages of this origin may use keys that are bound to this domain.
    #[must_use]
    pub fn may_use(&self, domain: &str, origin: &str) -> bool {
        is_under(domain, origin) || self.origins.iter().any(|listed| listed == origin)
    }
}

/// Whether the host of an origin is this domain or under it.
fn is_under(domain: &str, origin: &str) -> bool {
    let Some(origin) = WebOrigin::parse(origin) else { return false };
    if domain == LOCAL && origin.is_loopback() {
        return true;
    }
    origin.host().strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The domain of this machine. Keys cannot be bound to an address.
const LOCAL: &str = "localhost";

/// The domain of a public URL: its host, or `localhost` for an address of this machine.
#[must_use]
pub fn domain_of(public_url: &str) -> String {
    match WebOrigin::parse(public_url) {
        Some(origin) if origin.is_address() && origin.is_loopback() => LOCAL.to_owned(),
        Some(origin) => origin.host().to_owned(),
        None => LOCAL.to_owned(),
    }
}

/// The origins of the server's own pages: that of the public URL and, where that is an address of
/// this machine, its name too.
pub(in crate::config) fn own_origins(public_url: &str) -> Vec<String> {
    let Some(origin) = WebOrigin::parse(public_url) else { return Vec::new() };
    let mut origins = vec![origin.to_string()];
    if origin.is_address() && origin.is_loopback() {
        origins.push(origin.at_host(LOCAL).to_string());
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_use_the_keys_of_its_own_domain_and_of_those_above_it() {
        let none = Webauthn { enabled: true, rp_id: None, origins: Vec::new() };
        for (domain, origin, expected) in [
            ("example.com", "https://example.com", true),
            ("example.com", "https://auth.example.com:8443", true),
            ("example.com", "https://badexample.com", false),
            ("auth.example.com", "https://example.com", false),
            ("example.com", "https://example.com.evil.net", false),
            ("localhost", "http://localhost:3000", true),
            ("localhost", "http://127.0.0.1:3000", true),
            ("localhost", "https://example.com", false),
        ] {
            assert_eq!(none.may_use(domain, origin), expected, "{domain} {origin}");
        }
        let related = Webauthn { origins: vec!["https://example.net".to_owned()], ..none };
        assert!(related.may_use("example.com", "https://example.net"));
    }

    #[test]
    fn the_domain_is_the_host_and_this_machine_has_its_name() {
        assert_eq!(domain_of("https://auth.example.com:8443"), "auth.example.com");
        assert_eq!(domain_of("http://127.0.0.1:3000"), "localhost");
        assert_eq!(domain_of("http://localhost:3000"), "localhost");
        let origins = own_origins("http://127.0.0.1:3000");
        assert_eq!(origins, ["http://127.0.0.1:3000", "http://localhost:3000"]);
        assert_eq!(own_origins("https://auth.example.com"), ["https://auth.example.com"]);
    }
}
