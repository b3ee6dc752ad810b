//! `authd config check`: what a production deployment still lacks. The findings do not stop the
//! server.

mod exposure;
mod guards;
mod providers;

use std::net::IpAddr;
use std::sync::Arc;

use super::sections::webauthn::own_origins;
use super::values::web_origin::WebOrigin;
use super::{Config, Loaded};
use crate::model::finding::{CheckReport, Finding, Severity};
use crate::model::{Color, Database, Email, Provider, color};

/// Checks what a production deployment still lacks. `of_wire` is what the API at the root lacks.
#[must_use]
pub fn check(config: &Config, of_wire: Vec<Finding>) -> CheckReport {
    let mut found = CheckReport::default();
    server(config, &mut found);
    found.findings.extend(of_wire);
    tokens(config, &mut found);
    mail(config, &mut found);
    passwords(config, &mut found);
    pages(config, &mut found);
    guards::find(config, &mut found);
    exposure::find(config, &mut found);
    passkeys(config, &mut found);
    providers::find(config, &mut found);
    backups(config, &mut found);
    origins(config, &mut found);
    for variable in config.ignored.iter() {
        let message =
            format!("{} ({}) is not honoured: {}", variable.name, variable.origin, variable.reason);
        found.add(
            Severity::Hint,
            &variable.name,
            message,
            "remove it, so that it does not look effective",
        );
    }
    found.sort();
    found
}

/// What is worth knowing about a provider that is not in the configuration, beside these others.
#[must_use]
pub fn provider_findings(provider: &Provider, others: &[Arc<Provider>]) -> Vec<Finding> {
    let mut found = CheckReport::default();
    providers::find_in(provider, &mut found);
    let others = others.iter().filter(|other| other.name != provider.name);
    others.for_each(|other| providers::find_between(provider, other, &mut found));
    found.findings
}

impl Loaded {
    /// What `serve` warns of at start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.notes.iter().cloned().chain(unguarded(&self.config)).collect()
    }
}

/// What is worth a warning in every environment: guards that are off, and logins that others can
/// read. [`check`] has all findings.
fn unguarded(config: &Config) -> Vec<String> {
    let mut found = CheckReport::default();
    exposure::find(config, &mut found);
    let mut warnings: Vec<String> = (found.findings.iter())
        .filter(|finding| finding.level == Severity::Error)
        .map(|finding| format!("{}: {}; {}", finding.key, finding.message, finding.remedy))
        .collect();
    if guards::is_open_to_guessing(config) {
        warnings.push(
            "passwords can be guessed without limit: neither throttle nor lockout slows it down"
                .to_owned(),
        );
    }
    let off = guards::limits_off(&config.limits);
    if !off.is_empty() {
        warnings.push(format!("rate limits are off: {}", off.join(", ")));
    }
    warnings
}

fn server(config: &Config, found: &mut CheckReport) {
    let server = &config.server;
    if !config.is_production() {
        found.error("server.environment", "it is development", "set it to \"production\"");
    }
    if server.public_url.is_none() {
        found.error(
            "server.public_url",
            "it is not set, so links in mail lead nowhere",
            "set it to the https origin that users open",
        );
    } else if !server.is_public() {
        found.error(
            "server.public_url",
            "only this machine can reach it",
            "set it to the https origin that users open",
        );
    } else if !server.is_https() {
        found.error(
            "server.public_url",
            "it is not https: passwords and tokens cross the network unencrypted",
            "put a TLS proxy in front of the server or set [tls], and set the https origin",
        );
    }
    if server.is_public() && server.trusted_proxies.is_none() {
        found.error(
            "server.trusted_proxies",
            "it is not set: behind a proxy all clients share one client IP and its limits",
            "list the addresses of the proxies, or set it to [] if clients connect directly",
        );
    }
    if server.trusted_proxies.iter().flatten().any(|network| network.bits == 0) {
        found.error(
            "server.trusted_proxies",
            "any client can forge its client IP",
            "list the addresses of the proxies",
        );
    }
    if server.cors_origins.iter().any(|origin| origin.starts_with("http://")) {
        found.warning(
            "server.cors_origins",
            "a page without TLS may call with credentials",
            "use https origins only",
        );
    }
    if config.alerts.mail.is_none() {
        found.hint(
            "alerts.mail",
            "it is not set: bursts of failed logins, stolen sessions, overdue backups, stuck mail and an expiring certificate are only logged",
            "set it to an address that the operators read",
        );
    }
    if config.log.format == super::LogFormat::Text {
        found.hint(
            "log.format",
            "log lines are plain text",
            "set \"json\" if a program collects them",
        );
    }
}

fn tokens(config: &Config, found: &mut CheckReport) {
    if !config.tokens.algorithm.is_shared() {
        return;
    }
    if config.tokens.secret.is_none() {
        found.hint(
            "tokens.secret",
            "tokens are signed with a secret that the server generates, so no other service can check tokens",
            "set a secret of at least 32 bytes if another service must check them",
        );
    } else if config.tokens.has_published_secret() {
        found.error(
            "tokens.secret",
            "it is printed in a public document",
            "generate one: openssl rand -hex 32",
        );
    }
}

fn mail(config: &Config, found: &mut CheckReport) {
    match &config.mail.smtp {
        None if config.signup.verify_email => found.error(
            "mail.smtp_url",
            "it is not set: verification mails wait in the outbox, so no user can finish signing up",
            "set smtp://user:password@host:port",
        ),
        None => found.warning(
            "mail.smtp_url",
            "it is not set: mail waits in the outbox",
            "set smtp://user:password@host:port",
        ),
        Some(_) => {}
    }
    if config.mail.sender_address().is_none_or(|sender| is_example(&sender)) {
        found.error(
            "mail.from",
            "the sender is an example address: mail will be refused",
            "set an address of your own domain",
        );
    }
}

/// Reserved domains that cannot be registered (RFC 2606, RFC 6761).
fn is_example(sender: &Email) -> bool {
    let domain = sender.key().rsplit_once('@').map_or("", |(_, domain)| domain);
    let last_two: Vec<&str> = domain.rsplit('.').take(2).collect();
    match last_two.as_slice() {
        ["com" | "org" | "net", "example"] | [] => true,
        [top, ..] => ["example", "invalid", "test", "localhost", "local"].contains(top),
    }
}

fn backups(config: &Config, found: &mut CheckReport) {
    if matches!(config.database, Database::Postgres(_)) {
        return;
    }
    let backup = &config.backup;
    if backup.every.is_none() {
        found.hint(
            "backup.every",
            "it is not set: the server makes no backups",
            "set it to \"1 day\" and backup.to to a folder on another disk, unless another program runs authd backup",
        );
    }
    let database = config.database.key_file();
    let is_beside = backup.to.as_deref().is_some_and(|to| database.parent() == Some(to));
    if is_beside && backup.encrypt_to.is_empty() {
        found.warning(
            "backup.to",
            "it is the folder of the database and its master key: who gets it has everything, and a lost disk takes \
             the backups along",
            "set it to a folder on another disk, or encrypt the backups with backup.encrypt_to",
        );
    }
}

/// Browsers bind passkeys to domain names alone.
fn passkeys(config: &Config, found: &mut CheckReport) {
    if config.webauthn.enabled
        && config.passkey_domain().trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    {
        found.warning(
            "webauthn.rp_id",
            "the host of server.public_url is an address, and passkeys need a domain name",
            "set server.public_url to a domain name, or webauthn.enabled to false",
        );
    }
}

/// Pages of these origins use the client, so the server must let them call it.
fn origins(config: &Config, found: &mut CheckReport) {
    let pages: Vec<String> =
        if config.serves_pages() { config.pages.return_sources().collect() } else { Vec::new() };
    let keys = if config.webauthn.enabled { config.webauthn.origins.as_slice() } else { &[] };
    let own = own_origins(&config.public_url());
    let mut missing: Vec<String> = Vec::new();
    for origin in pages.iter().chain(keys).filter_map(|origin| WebOrigin::parse(origin)) {
        let origin = origin.to_string();
        let is_known = own.contains(&origin) || config.server.cors_origins.contains(&origin);
        if !is_known && !missing.contains(&origin) {
            missing.push(origin);
        }
    }
    if !missing.is_empty() {
        let those = missing.join(", ");
        found.add(
            Severity::Hint,
            "server.cors_origins",
            format!(
                "it lacks {those} of pages.return_to or webauthn.origins: scripts of these pages cannot call the server"
            ),
            "add what calls the server from its pages",
        );
    }
    if config.serves_pages() && config.pages.return_to.iter().any(|url| url.contains('*')) {
        found.error(
            "pages.return_to",
            "a URL contains *: URLs are compared byte for byte",
            "list each URL in full",
        );
    }
}

/// Links of the pages are shown in the accent colour on white.
fn pages(config: &Config, found: &mut CheckReport) {
    let accent = config.pages.accent;
    let contrast = accent.contrast(Color::WHITE);
    if config.serves_pages() && contrast < color::READABLE {
        found.add(
            Severity::Warning,
            "pages.accent",
            format!(
                "{accent} is hard to read on white: its contrast is {contrast:.1}:1, and WCAG asks for 4.5:1"
            ),
            format!("set a darker colour, such as {}", accent.readable_on(Color::WHITE)),
        );
    }
}

fn passwords(config: &Config, found: &mut CheckReport) {
    if config.password.min_length < 8 {
        found.warning(
            "password.min_length",
            "passwords may have fewer than 8 characters",
            "set 12 or more",
        );
    }
    if !config.password.blocklist {
        found.hint("password.blocklist", "common passwords are accepted", "set it to true");
    }
    if !config.hashing.is_strong() {
        found.error(
            "hashing.memory",
            "it is below OWASP's minimum",
            "set 19456 with hashing.passes = 2 or more",
        );
    }
}
