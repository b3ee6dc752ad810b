//! `[sms]`: the HTTP gateway that sends text messages. Off until a gateway and countries are set.

use crate::config::AllowedHost;
use crate::config::problem::Problem;
use crate::config::reader::{ConfigReader, ReadResult, Reported};
use crate::model::{HttpUrl, Secret};

/// `[sms]`: text messages.
#[derive(Debug, Clone)]
pub struct Sms {
    /// The gateway. `None` sends nothing.
    pub gateway: Option<Gateway>,
    /// The country calling codes that may get messages, without the plus sign.
    pub countries: Vec<String>,
    /// The largest number of messages per day, to all recipients together.
    pub daily: u32,
}

/// The HTTP request that sends a message.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The URL, which may contain `{to}`, `{text}` and `{from}`.
    pub url: Secret,
    /// `POST`, `PUT` or `GET`.
    pub method: String,
    /// Request headers.
    pub headers: Vec<(String, Secret)>,
    /// The body, which may contain `{to}`, `{text}` and `{from}`.
    pub body: Secret,
    /// The sender, which replaces `{from}`.
    pub from: String,
    /// The hosts that may have addresses that are not public: those of `outbound.allow`, and the
    /// host of `sms.url`, because the operator named it.
    pub allow: Vec<AllowedHost>,
}

impl Gateway {
    /// True if messages would cross a network unencrypted.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        HttpUrl::parse(self.url.reveal())
            .is_some_and(|url| !url.is_https() && !url.host().is_loopback())
    }

    /// True if the request identifies the caller: by a header or by a parameter of the URL.
    #[must_use]
    pub fn has_login(&self) -> bool {
        let is_login = |name: &str| !["content-type", "accept", "user-agent"].contains(&name);
        self.headers.iter().any(|(name, _)| is_login(name)) || self.url.reveal().contains('?')
    }
}

const TWILIO: &str = "https://api.twilio.com";

impl Sms {
    pub(in crate::config) fn read(r: &mut ConfigReader, allow: &[AllowedHost]) -> ReadResult<Self> {
        let preset = r.option("sms.preset", "\"twilio\"", |raw| {
            (raw.to_text().trim() == "twilio").then_some(())
        });
        let url = r.url("sms.url", "an http:// or https:// URL", |text| {
            is_url(text).then(|| text.trim().to_owned())
        });
        let method = r.choice("sms.method", &[("POST", "POST"), ("PUT", "PUT"), ("GET", "GET")]);
        let headers = r.secret("sms.headers", "lines of `name: value`");
        let body = r.secret("sms.body", "a text that contains {to} and {text}");
        let account = r.optional_text("sms.account", 200);
        let secret = r.secret("sms.secret", "the gateway's token");
        let from = r.optional_text("sms.from", 40);
        let countries = r.list("sms.countries", "calling codes like \"49\"", |item| {
            let digits = item.trim().trim_start_matches('+');
            let is_code =
                (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            (is_code && !digits.starts_with('0')).then(|| digits.to_owned())
        });
        let daily = r.whole("sms.daily", 0..=10_000_000);
        let (url, headers, body) = (url?, headers?, body?);
        let named = url
            .as_deref()
            .and_then(HttpUrl::parse)
            .map(|url| AllowedHost::from(url.host().clone()));
        let allow = allow.iter().cloned().chain(named).collect();
        let own = Own { url, method: method?, headers, body, allow };
        let login = account?.zip(secret?);
        let gateway = match (preset?, own.url.is_some()) {
            (Some(()), _) => Some(twilio(r, own, login, from?)?),
            (None, true) => Some(custom(r, own, login.as_ref(), from?)?),
            (None, false) => None,
        };
        Ok(Self { gateway, countries: countries?, daily: daily? })
    }

    /// The largest number of messages per day that set up factors, so that logins have the rest.
    #[must_use]
    pub fn daily_setups(&self) -> u32 {
        self.part_of_daily(2)
    }

    /// The largest number of messages per day that set up factors at the request of one client IP.
    #[must_use]
    pub fn daily_setups_client(&self) -> u32 {
        self.part_of_daily(10)
    }

    /// A part of all messages: at least one, so that a small number does not turn set-ups off.
    fn part_of_daily(&self, divisor: u32) -> u32 {
        (self.daily / divisor).max(1).min(self.daily)
    }

    /// Whether messages may be sent to a number in E.164 form.
    #[must_use]
    pub fn may_reach(&self, number: &str) -> bool {
        let digits = number.strip_prefix('+').unwrap_or("");
        self.countries.iter().any(|code| digits.starts_with(code.as_str()))
    }

    /// Whether text messages can be sent at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.gateway.is_some() && !self.countries.is_empty()
    }
}

struct Own {
    url: Option<String>,
    method: &'static str,
    headers: Option<Secret>,
    body: Option<Secret>,
    allow: Vec<AllowedHost>,
}

fn lacks(r: &mut ConfigReader, key: &'static str, expected: &str) -> Reported {
    r.problems.push(Problem::new(key, None, format!("expected {expected}, got nothing")));
    Reported
}

fn basic((account, secret): &(String, Secret)) -> (String, Secret) {
    use base64::Engine;
    let pair = zeroize::Zeroizing::new(format!("{account}:{}", secret.reveal()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
    ("authorization".to_owned(), Secret::new(format!("Basic {encoded}")))
}

/// The request that Twilio expects: the account in the path, basic authentication, three form
/// fields.
fn twilio(
    r: &mut ConfigReader,
    own: Own,
    login: Option<(String, Secret)>,
    from: Option<String>,
) -> ReadResult<Gateway> {
    let Some(login) = login else {
        return Err(lacks(r, "sms.account", "sms.account and sms.secret with the preset"));
    };
    let Some(from) = from else { return Err(lacks(r, "sms.from", "the sender with the preset")) };
    let base = own.url.unwrap_or_else(|| TWILIO.to_owned());
    Ok(Gateway {
        url: Secret::new(format!(
            "{}/2010-04-01/Accounts/{}/Messages.json",
            base.trim_end_matches('/'),
            login.0
        )),
        method: "POST".to_owned(),
        headers: vec![
            ("content-type".to_owned(), Secret::new("application/x-www-form-urlencoded")),
            basic(&login),
        ],
        body: Secret::new("To={to}&From={from}&Body={text}"),
        from,
        allow: own.allow,
    })
}

fn custom(
    r: &mut ConfigReader,
    own: Own,
    login: Option<&(String, Secret)>,
    from: Option<String>,
) -> ReadResult<Gateway> {
    let url = own.url.unwrap_or_default();
    let mut headers = Vec::new();
    for line in own
        .headers
        .iter()
        .flat_map(|text| text.reveal().lines())
        .filter(|line| !line.trim().is_empty())
    {
        let pair = line
            .split_once(':')
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()));
        let Some((name, value)) =
            pair.filter(|(name, value)| is_header(name) && !value.contains(char::is_control))
        else {
            r.refuse(
                "sms.headers",
                "expected lines of `name: value`, got something else (not shown)",
            );
            return Err(Reported);
        };
        headers.push((name, Secret::new(value)));
    }
    headers.extend(login.map(basic));
    let body = own.body.unwrap_or_else(|| Secret::new(""));
    let whole = format!("{url}{}", body.reveal());
    if !(whole.contains("{to}") && whole.contains("{text}")) {
        r.refuse(
            "sms.body",
            "expected {to} and {text} here or in sms.url, got something else (not shown)",
        );
        return Err(Reported);
    }
    Ok(Gateway {
        url: Secret::new(url),
        method: own.method.to_owned(),
        headers,
        body,
        from: from.unwrap_or_default(),
        allow: own.allow,
    })
}

fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_url(text: &str) -> bool {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_graphic()) && HttpUrl::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_ups_have_parts_of_all_messages_and_never_more() {
        for (daily, all, client) in [(0, 0, 0), (1, 1, 1), (9, 4, 1), (10, 5, 1), (500, 250, 50)] {
            let sms = Sms { gateway: None, countries: Vec::new(), daily };
            assert_eq!((sms.daily_setups(), sms.daily_setups_client()), (all, client), "{daily}");
        }
    }
}
