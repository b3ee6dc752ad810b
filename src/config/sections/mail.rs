//! `[mail]`: how mail is sent. The mail server is one URL, or separate host, port, user and
//! password as container platforms set them.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::config::problem::Problem;
use crate::config::reader::{ConfigReader, ReadResult, Reported};
use crate::config::values::web_origin::split_port;
use crate::model::{Email, Secret, percent};

/// `[mail]`: how mail is sent.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The mail server. `None` keeps all mail in the outbox.
    pub smtp: Option<Smtp>,
    /// The sender, `Name <address>` or a bare address.
    pub from: String,
    /// A folder with templates that replace the embedded ones.
    pub templates: Option<PathBuf>,
}

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte (`smtps://`).
    Tls,
    /// STARTTLS, required (`smtp://` to anywhere but loopback).
    StartTls,
    /// Unencrypted (`smtp://` to loopback, or `smtp+insecure://`).
    None,
}

/// A mail server and how to log in to it.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether and how the connection uses TLS.
    pub protection: Protection,
    /// User name and password.
    pub login: Option<(String, Secret)>,
}

/// The keys that name a mail server.
const URL: &str = "mail.smtp_url";
const HOST: &str = "mail.smtp_host";

/// The default ports for submitting mail (RFC 8314, section 3; RFC 6409; RFC 5321 for loopback).
const TLS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;
const PLAIN_PORT: u16 = 25;

impl MailConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let url = r.url(
            URL,
            "smtp://user:password@host:port, or smtps:// for TLS from the first byte",
            Smtp::parse,
        );
        let host = r.option(HOST, "a host name or address", |raw| host_name(&raw.to_text()));
        let port = r.optional_whole::<u16>("mail.smtp_port", 1..=65_535);
        let user = r.optional_text("mail.smtp_user", 255);
        let password = r.secret("mail.smtp_password", "a password");
        let from = r.value("mail.from", "an address, or \"Name <address>\"", |raw| {
            let text = raw.to_text().trim().to_owned();
            sender(&text).map(|_| text)
        });
        let name = r.option("mail.sender_name", "a name without < and >", |raw| {
            let text = raw.to_text().trim().to_owned();
            let is_name =
                !text.is_empty() && !text.contains(|c: char| c.is_control() || "<>".contains(c));
            is_name.then_some(text)
        });
        let templates = r.optional_folder("mail.templates");
        let parts = SmtpUrlParts { host: host?, port: port?, user: user?, password: password? };
        let smtp = server(r, url?, parts)?;
        let from = match (from?, name?) {
            (from, Some(name)) if !from.ends_with('>') => format!("{name} <{from}>"),
            (from, _) => from,
        };
        Ok(Self { smtp, from, templates: templates? })
    }

    /// The address of the sender, without the name.
    #[must_use]
    pub fn sender_address(&self) -> Option<Email> {
        // `mail.sender_name` may contain what a name in `mail.from` must not.
        match self.from.rsplit_once('<') {
            Some((_, address)) => sender(address.trim_end_matches('>')),
            None => sender(&self.from),
        }
    }
}

struct SmtpUrlParts {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<Secret>,
}

/// Chooses between URL and host: the one from the higher layer wins, and both in the same layer are
/// refused.
fn server(
    r: &mut ConfigReader,
    url: Option<Smtp>,
    parts: SmtpUrlParts,
) -> ReadResult<Option<Smtp>> {
    let rank = |key: &str| r.origin(key).map(crate::config::Origin::rank);
    let smtp = match (url, parts.host) {
        (Some(_), Some(_)) if rank(URL) == rank(HOST) => {
            let origin = r.origin(HOST).cloned();
            let message = format!("expected a host or {URL}, got both");
            r.problems.push(Problem::new(HOST, origin, message));
            return Err(Reported);
        }
        (Some(url), Some(_)) if rank(URL) > rank(HOST) => Some(url),
        (_, Some(host)) => {
            let protection = match parts.port {
                _ if is_loopback(&host) => Protection::None,
                Some(TLS_PORT) => Protection::Tls,
                _ => Protection::StartTls,
            };
            let port = parts.port.unwrap_or_else(|| default_port(protection));
            Some(Smtp { host, port, protection, login: None })
        }
        (url, None) => url,
    };
    let Some(mut smtp) = smtp else {
        if parts.user.is_some() || parts.password.is_some() {
            r.note(format!(
                "a mail server login is set, but neither {URL} nor {HOST}: mail waits in the outbox"
            ));
        }
        return Ok(None);
    };
    match (parts.user, parts.password) {
        (Some(_), Some(_)) if smtp.login.is_some() => {
            r.refuse("mail.smtp_user", format!("expected a login here or in {URL}, got both"));
            return Err(Reported);
        }
        (Some(user), Some(password)) => smtp.login = Some((user, password)),
        (Some(_), None) => {
            r.refuse("mail.smtp_user", "expected mail.smtp_password to be set too, got nothing");
            return Err(Reported);
        }
        (None, Some(_)) => {
            r.refuse("mail.smtp_password", "expected mail.smtp_user to be set too, got nothing");
            return Err(Reported);
        }
        (None, None) => {}
    }
    Ok(Some(smtp))
}

impl Smtp {
    /// Parses `smtp://`, `smtps://` or `smtp+insecure://` with an optional login, a host and an
    /// optional port.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, address) = match rest.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, rest),
        };
        let (host, port) = split_port(address)?;
        let host = host_name(host)?;
        let protection = match scheme {
            "smtps" => Protection::Tls,
            "smtp" if is_loopback(&host) => Protection::None,
            "smtp" => Protection::StartTls,
            "smtp+insecure" => Protection::None,
            _ => return None,
        };
        let login = match login {
            Some(login) => {
                let (user, password) = login.split_once(':')?;
                Some((percent_decoded(user)?, Secret::new(percent_decoded(password)?)))
            }
            None => None,
        };
        Some(Self {
            host,
            port: port.unwrap_or_else(|| default_port(protection)),
            protection,
            login,
        })
    }

    /// True if mail and password would cross a network unencrypted.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.protection == Protection::None && !is_loopback(&self.host)
    }
}

fn default_port(protection: Protection) -> u16 {
    match protection {
        Protection::Tls => TLS_PORT,
        Protection::StartTls => SUBMISSION_PORT,
        Protection::None => PLAIN_PORT,
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|a| a.to_canonical().is_loopback())
}

/// A host name, or an IP address without brackets.
fn host_name(text: &str) -> Option<String> {
    let bare = text.trim();
    let bare = bare.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(bare);
    let is_name =
        !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    (is_name || bare.parse::<IpAddr>().is_ok()).then(|| bare.to_owned())
}

/// Decodes a user name or password of the URL.
fn percent_decoded(text: &str) -> Option<String> {
    percent::decode(text).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

/// Parses `Name <address>` or a bare address. Control characters are refused, because they could
/// begin another header.
fn sender(text: &str) -> Option<Email> {
    if text.contains(char::is_control) {
        return None;
    }
    match text.strip_suffix('>') {
        Some(rest) => {
            let (name, address) = rest.split_once('<')?;
            (!name.contains(['>', '@', ','])).then_some(())?;
            Email::parse(address)
        }
        None => Email::parse(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (String, u16, Protection, Option<(String, String)>) {
        let smtp = Smtp::parse(url).unwrap();
        (
            smtp.host,
            smtp.port,
            smtp.protection,
            smtp.login.map(|(user, pass)| (user, pass.reveal().to_owned())),
        )
    }

    #[test]
    fn the_scheme_and_the_host_decide_how_mail_is_protected() {
        assert_eq!(
            read("smtp://mx.example.com"),
            ("mx.example.com".into(), 587, Protection::StartTls, None)
        );
        assert_eq!(
            read("smtps://mx.example.com/"),
            ("mx.example.com".into(), 465, Protection::Tls, None)
        );
        assert_eq!(
            read("smtp://localhost:1025"),
            ("localhost".into(), 1025, Protection::None, None)
        );
        assert_eq!(read("smtp://[::1]"), ("::1".into(), 25, Protection::None, None));
        assert_eq!(read("smtp+insecure://mx.example.com:2525").2, Protection::None);
    }

    #[test]
    fn a_login_is_percent_decoded() {
        let (_, _, _, login) = read("smtps://me%40example.com:p%3Aw%2F%40@mx.example.com:2465");
        assert_eq!(login, Some(("me@example.com".into(), "p:w/@".into())));
        assert_eq!(read("smtp://a:b@c@mx.example.com").3, Some(("a".into(), "b@c".into())));
    }

    #[test]
    fn what_is_no_mail_server_is_refused() {
        for bad in [
            "",
            "mx.example.com",
            "http://mx",
            "smtp://",
            "smtp://user@mx",
            "smtp://a:%zz@mx",
            "smtp://mx:0",
            "smtp://m x",
            "smtp://mx/path",
            "smtp://a:%0a@mx",
        ] {
            assert!(Smtp::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_sender_is_one_address_with_or_without_a_name() {
        assert_eq!(sender("Our App <noreply@example.org>").unwrap().key(), "noreply@example.org");
        assert_eq!(sender("noreply@example.org").unwrap().key(), "noreply@example.org");
        for bad in
            ["", "Name", "A <b>", "A <a@b.c>, B <c@d.e>", "A <a@b.c>\r\nBcc: x@y.z", "<a@b.c> A"]
        {
            assert!(sender(bad).is_none(), "{bad:?}");
        }
    }
}
