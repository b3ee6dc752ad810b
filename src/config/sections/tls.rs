//! `[tls]`: a certificate of the server's own, so that it needs no proxy in front of it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::Server;
use crate::config::reader::ConfigReader;
use crate::model::{Email, HttpUrl, Secret, secret};

/// A shorter key of a customer account is not what an authority shows.
const SHORTEST_KEY: usize = 16;

/// The directory of Let's Encrypt.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

section! {
    /// `[tls]`: the certificate that the server itself shows, if it does.
    pub struct TlsConfig = "tls" {
        /// The file with the certificate and those that link it to an authority, in PEM.
        cert: Option<PathBuf> = optional_path("a file in PEM with the certificate and its chain");
        /// The file with its private key, in PEM.
        key: Option<PathBuf> = optional_path("a file in PEM with the private key");
        /// The address under which the server is known to a certificate authority, if it gets its
        /// certificates from one by ACME.
        acme: Option<Email> =
            option("an e-mail address", |raw| Email::parse(raw.to_text().trim()));
        /// The directory of the authority; `None` is that of Let's Encrypt.
        acme_directory: Option<String> = option("the https URL of an ACME directory", |raw| {
            let text = raw.to_text().trim().to_owned();
            HttpUrl::parse(&text).filter(HttpUrl::is_https).map(|_| text)
        });
        /// What the authority's own server is verified with, if it is not a public one.
        acme_root: Option<PathBuf> = optional_path("a file of certificates in PEM");
        /// The customer account with the authority that a new account is bound to.
        acme_eab_kid: Option<String> = optional_text(1024);
        /// The key of that customer account, in base64url.
        acme_eab_key: Option<Secret> = secret("the key that the authority shows, in base64url");
        /// Whether the name must lead to this server before anything is ordered.
        acme_check: bool = truth();
        /// A port for plain HTTP that only redirects to https.
        redirect: Option<SocketAddr> = option("an address and port like 0.0.0.0:80", |raw| {
            raw.to_text().trim().replace("localhost:", "127.0.0.1:").parse().ok()
        });
    }
}

impl TlsConfig {
    /// True if the server itself speaks TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.cert.is_some() || self.acme.is_some()
    }

    /// The URL of the authority's directory.
    #[must_use]
    pub fn directory(&self) -> &str {
        self.acme_directory.as_deref().unwrap_or(LETS_ENCRYPT)
    }

    /// What certificates by ACME depend on.
    #[must_use]
    pub fn of_acme(&self) -> impl std::fmt::Debug + use<> {
        let contact = self.acme.as_ref().map(|contact| contact.as_str().to_owned());
        let customer = self.acme_eab_kid.clone();
        let directory = self.acme_directory.clone();
        (contact, directory, self.acme_root.clone(), customer, self.acme_check)
    }

    /// The key identifier and the key of the customer account with the authority (RFC 8555, section
    /// 7.3.4).
    #[must_use]
    pub fn binding(&self) -> Option<(String, Zeroizing<Vec<u8>>)> {
        let key = self.acme_eab_key.as_ref()?.reveal().trim_end_matches('=');
        let key = Zeroizing::new(secret::decode(key)?);
        Some((self.acme_eab_kid.clone()?, key)).filter(|(_, key)| key.len() >= SHORTEST_KEY)
    }

    /// Refuses half a customer account.
    fn validate_binding(&self, r: &mut ConfigReader) {
        match (&self.acme_eab_kid, &self.acme_eab_key) {
            (Some(_), None) => r.refuse("tls.acme_eab_key", "expected the key of tls.acme_eab_kid"),
            (None, Some(_)) => {
                r.refuse("tls.acme_eab_kid", "expected the key identifier of tls.acme_eab_key");
            }
            (Some(_), Some(_)) if self.binding().is_none() => r.refuse(
                "tls.acme_eab_key",
                "expected the key as the authority shows it: at least 16 bytes in base64url",
            ),
            _ => {}
        }
    }

    pub(in crate::config) fn validate(&self, server: &Server, r: &mut ConfigReader) {
        for (key, other, lacks) in [
            ("tls.key", "tls.cert", self.cert.is_some() && self.key.is_none()),
            ("tls.cert", "tls.key", self.key.is_some() && self.cert.is_none()),
        ] {
            if lacks {
                r.refuse(key, format!("expected a file because {other} is set, got nothing"));
            }
        }
        self.validate_binding(r);
        if self.cert.is_some() && self.acme.is_some() {
            r.refuse("tls.acme", "expected nothing because tls.cert is set: choose one of them");
        }
        let is_name = |host: &String| host.parse::<IpAddr>().is_err();
        if self.acme.is_some()
            && server.is_https()
            && !server.public_host().is_some_and(|host| is_name(&host))
        {
            r.refuse(
                "server.public_url",
                "expected a URL with a name because tls.acme is set: certificates are not issued for addresses",
            );
        }
        if self.is_on() && !server.is_https() {
            r.refuse(
                "server.public_url",
                "expected the https URL that the certificate is for because [tls] is set",
            );
        }
        if self.redirect.is_some() && !self.is_on() {
            r.refuse("tls.redirect", "expected no address because the server has no certificate");
        }
        if self.redirect.is_some_and(|redirect| redirect == server.listen && redirect.port() != 0) {
            r.refuse("tls.redirect", "expected another address than server.listen");
        }
    }
}
