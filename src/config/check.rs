//! `authd config check`: what a production deployment still lacks. The findings do not stop the
//! server.

use std::fmt;

use super::{Algorithm, Config, Loaded, WireName};
use crate::model::Email;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Not fit for production.
    Error,
    /// Fit for production, with a risk that the administrator should accept knowingly.
    Warning,
    /// Worth knowing.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        })
    }
}

/// Something that a production deployment lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub level: Severity,
    /// The key, or the name of a variable.
    pub key: String,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// The outcome of [`check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigReport {
    /// All findings, the most severe first.
    pub findings: Vec<Finding>,
}

impl ConfigReport {
    /// True if no finding is an error.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.findings.iter().all(|finding| finding.level != Severity::Error)
    }

    fn add(
        &mut self,
        level: Severity,
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.findings.push(Finding {
            level,
            key: key.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    fn error(&mut self, key: &str, message: &str, remedy: &str) {
        self.add(Severity::Error, key, message, remedy);
    }

    fn warning(&mut self, key: &str, message: &str, remedy: &str) {
        self.add(Severity::Warning, key, message, remedy);
    }

    fn hint(&mut self, key: &str, message: &str, remedy: &str) {
        self.add(Severity::Hint, key, message, remedy);
    }
}

/// Checks what a production deployment still lacks.
#[must_use]
pub fn check(loaded: &Loaded) -> ConfigReport {
    let mut found = ConfigReport { findings: Vec::new() };
    let config = &loaded.config;
    server(config, &mut found);
    services(config, &mut found);
    tokens(config, &mut found);
    mail(config, &mut found);
    guessing(config, &mut found);
    for variable in &loaded.ignored {
        let message =
            format!("{} ({}) is not honoured: {}", variable.name, variable.origin, variable.reason);
        found.add(
            Severity::Hint,
            &variable.name,
            message,
            "remove it, so that it does not look effective",
        );
    }
    found.findings.sort_by_key(|finding| finding.level);
    found
}

fn server(config: &Config, found: &mut ConfigReport) {
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
            "put a TLS proxy in front of the server and set the https origin",
        );
    }
    if server.is_public() && server.trusted_proxies.is_none() {
        found.error(
            "server.trusted_proxies",
            "it is not set: behind a proxy all clients share one client IP and its limits",
            "set it to the proxy's address or network, or to [] if clients connect directly",
        );
    }
    if server.trusted_proxies.iter().flatten().any(|network| network.bits == 0) {
        found.error(
            "server.trusted_proxies",
            "any client can forge its client IP",
            "set it to the proxy's network",
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
            "it is not set: bursts of failed logins and stolen sessions are only logged",
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

/// Jobpsych has calls for a second service, which is not trusted unless its network is configured.
fn services(config: &Config, found: &mut ConfigReport) {
    if config.server.wire == WireName::Jobpsych
        && config.server.service_networks.is_none()
        && config.service_networks().is_empty()
    {
        found.hint(
            "server.service_networks",
            "it is not set: a second service gets 403, even on this machine, unless it sends a key",
            "set it to the service's network (127.0.0.1/32 only if no proxy on this machine forwards calls), or create \
             a key: authd app create --kind service",
        );
    }
}

fn tokens(config: &Config, found: &mut ConfigReport) {
    if config.tokens.algorithm != Algorithm::Hs256 {
        return;
    }
    if config.tokens.secret.is_none() {
        found.hint(
            "tokens.secret",
            "HS256 signs with a secret that the server generates, so no other service can check tokens",
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

fn mail(config: &Config, found: &mut ConfigReport) {
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
        Some(smtp) if smtp.is_exposed() => {
            found.warning(
                "mail.smtp_url",
                "mail and the SMTP password are sent without TLS",
                "use smtp:// or smtps://",
            );
        }
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

fn guessing(config: &Config, found: &mut ConfigReport) {
    if !config.throttle.enabled && !config.lockout.enabled {
        found.error(
            "throttle.enabled",
            "neither throttle nor lockout is enabled: passwords can be guessed without limit",
            "set throttle.enabled = true",
        );
    }
    if config.limits.sign_in.is_none() {
        found.warning(
            "limits.sign_in",
            "it is off",
            "set a rate, so that one client cannot keep all hashing threads busy",
        );
    }
    if config.limits.general.is_none() {
        found.warning("limits.general", "it is off", "set a rate");
    }
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
