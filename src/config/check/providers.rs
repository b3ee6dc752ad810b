//! Findings about the providers that people log in with.

use crate::config::Config;
use crate::model::HttpUrl;
use crate::model::finding::{CheckReport, Severity};
use crate::model::provider::{AddressProof, ClientKey, Provider};

pub(super) fn find(config: &Config, found: &mut CheckReport) {
    config.providers.all.iter().for_each(|provider| find_in(provider, found));
}

/// Finds what is worth knowing about one provider, wherever its settings are.
pub(super) fn find_in(provider: &Provider, found: &mut CheckReport) {
    address(provider, found);
    transport(provider, found);
    if matches!(provider.key, ClientKey::None) {
        found.add(
            Severity::Hint,
            &key(provider, "client_secret"),
            "there is no client secret: this is a public client at the provider",
            "set the secret, unless the provider issues none",
        );
    }
}

fn key(provider: &Provider, setting: &str) -> String {
    format!("providers.{}.{setting}", provider.name)
}

/// A person who states an address that counts as proved gets the accounts with it that nobody has proved.
fn address(provider: &Provider, found: &mut CheckReport) {
    let is_known = provider.preset.is_some();
    if provider.proof == AddressProof::Always && !is_known {
        found.add(
            Severity::Warning,
            &key(provider, "proved_by"),
            "every address that the provider states counts as proved",
            "name the claim that says so, unless nobody chooses an address there",
        );
    }
}

/// Codes and tokens that others can read.
fn transport(provider: &Provider, found: &mut CheckReport) {
    let is_plain = |url: &str| HttpUrl::parse(url).is_some_and(|url| !url.is_https());
    if is_plain(&provider.discovery_base) {
        found.add(
            Severity::Error,
            &key(provider, "issuer"),
            "the issuer is on this machine and without TLS, which is for tests alone",
            "use the issuer's https:// URL",
        );
    }
    if provider.redirect_uris.iter().any(|url| is_plain(url)) {
        found.add(
            Severity::Warning,
            &key(provider, "redirect_uris"),
            "a page on the user's machine, without TLS, may take the answer of the provider",
            "remove it in production",
        );
    }
}
