//! What other machines can read or reach that they should not: logins sent without TLS, metrics
//! for all clients, networks that restrict nothing, access tokens that live long.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::values::span;
use crate::config::{AdminNetworks, Config, Network};
use crate::model::finding::{CheckReport, Severity};

/// Services that check tokens by themselves accept one until it expires, after a logout too.
const LONG_ACCESS: Duration = Duration::from_hours(1);
const LONGEST_ACCESS: Duration = Duration::from_hours(24);

pub(super) fn find(config: &Config, found: &mut CheckReport) {
    plain_text(config, found);
    networks(config, found);
    access_tokens(config, found);
}

/// Logins and codes that cross a network without TLS.
fn plain_text(config: &Config, found: &mut CheckReport) {
    if let Some(smtp) = config.mail.smtp.as_ref().filter(|smtp| smtp.is_exposed()) {
        let (level, message) = match smtp.login {
            Some(_) => (Severity::Error, "mail and the SMTP password are sent without TLS"),
            None => (Severity::Warning, "mail, with the links in it, is sent without TLS"),
        };
        found.add(level, "mail.smtp_url", message, "use smtp:// or smtps://");
    }
    if let Some(gateway) = config.sms.gateway.as_ref().filter(|gateway| gateway.is_exposed()) {
        let (level, message) = if gateway.has_login() {
            (Severity::Error, "text messages and the gateway's login are sent without TLS")
        } else {
            (Severity::Warning, "text messages, with the codes in them, are sent without TLS")
        };
        found.add(level, "sms.url", message, "use https://");
    }
}

fn networks(config: &Config, found: &mut CheckReport) {
    let every = |networks: &[Network]| networks.iter().any(|network| network.bits == 0);
    if config.metrics.listen.is_some_and(|listen| !is_private(listen.ip())) {
        found.warning(
            "metrics.listen",
            "other machines can read the metrics, without a login",
            "listen on a loopback or private address",
        );
    }
    if config.server.trusted_proxies.iter().flatten().any(is_wide) {
        found.warning(
            "server.trusted_proxies",
            "every host in so large a network can claim any client IP",
            "list the addresses of your proxies alone",
        );
    }
    if matches!(&config.admin.networks, AdminNetworks::These(these) if every(these)) {
        found.warning(
            "admin.networks",
            "it contains every address, so it restricts nothing",
            "list the networks of your administrators, or set \"any\"",
        );
    }
}

/// Larger than one subnet. The network of all addresses has a finding of its own.
fn is_wide(network: &Network) -> bool {
    let subnet = if network.address.is_ipv4() { 24 } else { 64 };
    (1..subnet).contains(&network.bits)
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

fn access_tokens(config: &Config, found: &mut CheckReport) {
    let access = config.tokens.access;
    if access > LONG_ACCESS {
        let level = if access > LONGEST_ACCESS { Severity::Error } else { Severity::Warning };
        let message = format!(
            "services that check tokens by themselves accept a stolen one for {}, after a logout \
             too",
            span::to_text(access)
        );
        found.add(level, "tokens.access", message, "set 15m; clients refresh their tokens");
    }
}
