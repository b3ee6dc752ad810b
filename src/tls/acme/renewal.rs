//! When the authority wants a certificate to be replaced (ACME Renewal Information, RFC 9773). It may
//! ask for that earlier than usual, for instance before it revokes certificates. An authority that
//! says nothing about it is asked again the next day.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::directory::DirectoryClient;
use crate::env::Env;
use crate::error::Result;
use crate::model::der::element;
use crate::model::{Time, secret};

/// How soon the authority is asked again, within what it asks for itself.
const SOONEST: Duration = Duration::from_mins(1);
const LATEST: Duration = Duration::from_hours(24);
/// If it does not say, or cannot be reached (RFC 9773, section 4.3).
const USUAL: Duration = Duration::from_hours(6);

/// What the authority has said about the certificate in force.
#[derive(Default)]
pub(super) struct RenewalAdvice(Mutex<Advice>);

#[derive(Default)]
struct Advice {
    /// Identifies the certificate, if the authority issued it.
    certificate: Option<String>,
    window: Option<RenewalWindow>,
    /// A time in the window.
    renew_at: Option<Time>,
    next: Option<Time>,
}

/// What an answer says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenewalInfo {
    suggested_window: SuggestedWindow,
    #[serde(rename = "explanationURL")]
    explanation: Option<String>,
}

/// Times as in RFC 3339.
#[derive(Deserialize)]
struct SuggestedWindow {
    start: String,
    end: String,
}

/// The time within which a certificate is to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RenewalWindow {
    start: Time,
    end: Time,
}

impl RenewalAdvice {
    /// Forgets what was said about another certificate. `chain` is in PEM; `None` if it is not from
    /// the configured authority.
    pub(super) fn follow(&self, chain: Option<&str>) {
        let certificate = chain
            .and_then(|chain| CertificateDer::from_pem_slice(chain.as_bytes()).ok())
            .and_then(|certificate| certificate_id(&certificate));
        let mut advice = self.lock();
        if advice.certificate != certificate {
            *advice = Advice { certificate, ..Advice::default() };
        }
    }

    /// When the certificate is to be replaced, if the authority has said so.
    pub(super) fn renew_at(&self) -> Option<Time> {
        self.lock().renew_at
    }

    /// The certificate that an order replaces, if the authority wants to know.
    pub(super) fn replaces(&self) -> Option<String> {
        let advice = self.lock();
        advice.certificate.clone().filter(|_| advice.window.is_some())
    }

    /// Asks the authority, if that is due. A failure changes nothing about the advice.
    pub(super) async fn ask(&self, client: &DirectoryClient, directory: &str, env: &Env) {
        let now = env.wall();
        let Some(certificate) = self.begin(now) else { return };
        let asked = ask(client, directory, &certificate).await;
        let wait = match &asked {
            Ok(Some((_, wait))) => wait.unwrap_or(USUAL).clamp(SOONEST, LATEST),
            Ok(None) => LATEST,
            Err(error) => {
                tracing::debug!(%error, "the authority does not say when to renew");
                USUAL
            }
        };
        let chosen = match asked {
            Ok(Some((info, _))) => self.choose(&info, env),
            _ => Ok(()),
        };
        if let Err(error) = chosen {
            tracing::error!(error = error.chain(), "no time of renewal could be chosen");
        }
        let mut advice = self.lock();
        if advice.certificate.as_ref() == Some(&certificate) {
            advice.next = Some(now + wait);
        }
    }

    /// The certificate to ask about, if that is due. A clock that was set back does not delay it for
    /// longer than a day.
    fn begin(&self, now: Time) -> Option<String> {
        let advice = self.lock();
        let is_due = advice.next.is_none_or(|next| next <= now || next.since(now) > LATEST);
        advice.certificate.clone().filter(|_| is_due)
    }

    /// Chooses a time in the window at random, and keeps it while the window stays the same
    /// (RFC 9773, section 4.2).
    fn choose(&self, info: &RenewalInfo, env: &Env) -> Result<()> {
        let at = |text: &str| text.parse().ok().map(|at: Timestamp| at.as_millisecond());
        let SuggestedWindow { start, end } = &info.suggested_window;
        let Some((start, end)) = at(start).zip(at(end)) else { return Ok(()) };
        let window = RenewalWindow { start: Time::from_millis(start), end: Time::from_millis(end) };
        if window.end <= window.start || self.lock().window == Some(window) {
            return Ok(());
        }
        let length = window.end.since(window.start);
        let part = f64::from(u32::from_be_bytes(env.random()?)) / f64::from(u32::MAX);
        let renew_at = window.start + length.mul_f64(part);
        let reason = info.explanation.as_deref().unwrap_or("no reason given");
        tracing::info!(at = %renew_at, reason, "the authority says when to renew the certificate");
        let mut advice = self.lock();
        (advice.window, advice.renew_at) = (Some(window), Some(renew_at));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Advice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an authority says about a certificate, and how soon it is to be asked again; `None` if it says
/// nothing about any.
async fn ask(
    client: &DirectoryClient,
    directory: &str,
    certificate: &str,
) -> std::result::Result<Option<(RenewalInfo, Option<Duration>)>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Directory {
        renewal_info: Option<String>,
    }
    let (directory, _) = client.json::<Directory>(directory).await?;
    let Some(url) = directory.renewal_info else { return Ok(None) };
    client.json(&format!("{url}/{certificate}")).await.map(Some)
}

/// Identifies a certificate to its authority: the key identifier of the authority and the serial
/// number (RFC 9773, section 4.1).
fn certificate_id(certificate: &[u8]) -> Option<String> {
    const VERSION: u8 = 0xa0;
    const EXTENSIONS: u8 = 0xa3;
    const KEY_IDENTIFIER: u8 = 0x80;
    /// `id-ce-authorityKeyIdentifier` (RFC 5280, section 4.2.1.1).
    const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 0x23];
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        (_, _, fields) = element(fields)?;
    }
    let (_, serial, mut rest) = element(fields)?;
    let extensions = loop {
        let (tag, content, after) = element(rest)?;
        if tag == EXTENSIONS {
            break content;
        }
        rest = after;
    };
    let (_, mut extensions, _) = element(extensions)?;
    loop {
        let (_, extension, after) = element(extensions)?;
        let (_, name, mut value) = element(extension)?;
        if name == AUTHORITY_KEY {
            // It may be preceded by whether it is critical.
            while !element(value)?.2.is_empty() {
                value = element(value)?.2;
            }
            let (_, value, _) = element(value)?;
            let (_, value, _) = element(value)?;
            let (KEY_IDENTIFIER, key, _) = element(value)? else { return None };
            return Some(format!("{}.{}", secret::encode(key), secret::encode(serial)));
        }
        extensions = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The certificate of RFC 9773, appendix A.
    const EXAMPLE: &str = "-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
";

    #[test]
    fn a_certificate_is_identified_as_the_standard_says() {
        let certificate = CertificateDer::from_pem_slice(EXAMPLE.as_bytes()).unwrap();
        let id = certificate_id(&certificate);
        assert_eq!(id.as_deref(), Some("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"));
        for length in 0..certificate.len() {
            let _ = certificate_id(&certificate[..length]);
        }
    }

    fn window(start: &str, end: &str) -> RenewalInfo {
        let [start, end] = [start, end].map(str::to_owned);
        RenewalInfo { suggested_window: SuggestedWindow { start, end }, explanation: None }
    }

    #[test]
    fn the_time_is_in_the_window_and_stays_while_the_window_does() {
        let (advice, env) = (RenewalAdvice::default(), Env::real());
        advice.choose(&window("2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z"), &env).unwrap();
        assert_eq!(advice.renew_at(), None, "a window that ends before it begins is none");
        let days = |from: &str, to: &str| window(from, to);
        advice.choose(&days("2027-01-01T00:00:00Z", "2027-01-03T00:00:00Z"), &env).unwrap();
        let first = advice.renew_at().unwrap();
        let text = first.to_seconds_text();
        assert!(text.starts_with("2027-01-01T") || text.starts_with("2027-01-02T"), "{text}");
        advice.choose(&days("2027-01-01T00:00:00Z", "2027-01-03T00:00:00Z"), &env).unwrap();
        assert_eq!(advice.renew_at(), Some(first));
        advice.choose(&days("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"), &env).unwrap();
        assert!(advice.renew_at().unwrap() < first, "the authority has changed its mind");
        advice.follow(Some(EXAMPLE));
        assert_eq!((advice.renew_at(), advice.replaces()), (None, None), "another certificate");
    }
}
