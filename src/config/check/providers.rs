//! Findings about the providers that people log in with.

use crate::config::Config;
use crate::model::HttpUrl;
use crate::model::finding::{CheckReport, Severity};
use crate::model::provider::{AddressProof, ClientKey, Provider};

pub(super) fn find(config: &Config, found: &mut CheckReport) {
    let all = &config.providers.all;
    for (at, provider) in all.iter().enumerate() {
        find_in(provider, found);
        all[..at].iter().for_each(|other| find_between(provider, other, found));
    }
}

/// Finds what is worth knowing about one provider beside another.
pub(super) fn find_between(provider: &Provider, other: &Provider, found: &mut CheckReport) {
    shared_page(provider, other, found);
    shared_client(provider, other, found);
}

/// Two names for one client at one issuer: two buttons that open the same accounts.
fn shared_client(provider: &Provider, other: &Provider, found: &mut CheckReport) {
    if (&provider.issuer, &provider.client_id) == (&other.issuer, &other.client_id) {
        found.warning(
            &key(provider, "client_id"),
            format!(
                "{} is the same client of {}: users see two buttons, and both open the same accounts",
                other.name, provider.issuer
            ),
            "remove one of them",
        );
    }
}

/// A page that takes the answers of two providers cannot tell them apart, so one provider could take a
/// code of the other (mix-up; RFC 9700, section 4.4). The pages of this server are one for each.
fn shared_page(provider: &Provider, other: &Provider, found: &mut CheckReport) {
    let shared = provider.redirect_uris.iter().find(|url| other.redirect_uris.contains(url));
    if let Some(url) = shared {
        found.warning(
            &key(provider, "redirect_uris"),
            format!(
                "{url} takes the answers of {} too: one of these providers can get a code of the other, unless both \
                 name their issuer in their answers (iss, RFC 9207)",
                other.name
            ),
            "give each provider a page of its own",
        );
    }
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
