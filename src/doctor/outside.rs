//! Calls the server as its users do, through `server.public_url`, and as this machine does; and looks
//! at the certificate and the clock on the way.

use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822;

use super::DoctorScope;
use super::arrived::{self, FORGED, FORWARDED_FOR, TlsEnd};
use crate::config::AllowedHost;
use crate::identity::Core;
use crate::identity::system::operator_token::{self, OperatorQuestion, TokenPurpose};
use crate::model::arrival::Arrival;
use crate::model::finding::CheckReport;
use crate::model::{HttpUrl, Secret, Time};
use crate::outbound::{
    Authorities, CertificateRefusal, HttpClient, HttpRequest, HttpResponse, OutboundError,
    OutboundPolicy, RequestLimits, ShownCertificate, SystemConnector, UrlSchemes,
};
use crate::tls::OwnServer;

const LIMITS: RequestLimits = RequestLimits {
    connect: Duration::from_secs(10),
    total: Duration::from_secs(15),
    max_body: 64 * 1024,
};
/// Clocks may differ by this much, with the time that a response takes.
const CLOCK_DRIFT: Duration = Duration::from_secs(10);

const PUBLIC_URL: &str = "server.public_url";
const CERTIFICATE: &str = "certificate";

/// What became of a question to a server.
enum Asked {
    /// It is this server.
    Arrived(Arrival, Option<Time>),
    /// Another server, or not all of this one: it answered with this status.
    Other(u16),
    Failed(OutboundError),
}

/// Looks for the server on this machine.
pub(super) async fn find_here(core: &Core, found: &mut CheckReport) {
    let own = OwnServer::of(&core.config, &core.store, &core.master, &core.env).await;
    // A database that cannot be read is a finding of its own.
    let Ok(own) = own else { return };
    let (address, is_served) = (own.address(), core.store.is_served());
    let asked = ask(core, async |headers| own.get(operator_token::ARRIVAL, headers, LIMITS).await);
    match asked.await {
        Asked::Arrived(arrival, _) => {
            found.pass("server", format!("authd {} answers at {address}", arrival.version));
        }
        // Something listens there, and may speak TLS alone.
        Asked::Other(_) | Asked::Failed(OutboundError::Http(_)) if is_served => {}
        Asked::Failed(OutboundError::Tls(error)) if is_served => found.warning(
            "server.listen",
            format!("no TLS handshake succeeds at {address}: {error}"),
            "look at the log of the server: it says whether it has a certificate, and if not, why",
        ),
        Asked::Failed(error) if is_served => found.warning(
            "server.listen",
            format!("a server has the database open and does not answer at {address}: {error}"),
            "look at its log; if it was started with another address, set server.listen to that",
        ),
        Asked::Other(_) | Asked::Failed(_) => found.error(
            "server",
            "no server runs on this database",
            "start authd serve; the service manager should do so after a restart of the machine",
        ),
    }
}

/// Calls the public URL.
pub(super) async fn find(core: &Core, scope: &DoctorScope, found: &mut CheckReport) {
    let server = &core.config.server;
    // The checks of the configuration report a missing URL and one of this machine alone.
    let Some(text) = server.public_url.as_deref() else { return };
    let Some(public) = HttpUrl::parse(text) else { return };
    let mut client = client_for(&public, scope);
    if public.is_https() {
        // A certificate that is not accepted is one finding, and does not hide the others.
        let shown = certificate(core, &client, &public, found).await;
        client = client.pinned_to(shown.into_iter().collect());
    }
    let Some(url) = HttpUrl::parse(&format!("{text}{}", operator_token::ARRIVAL)) else { return };
    match ask(core, async |headers| get(&client, &url, headers).await).await {
        Asked::Arrived(arrival, date) => {
            found.pass(PUBLIC_URL, format!("{text} leads to this server"));
            let end = if core.config.tls.is_on() { TlsEnd::Server } else { TlsEnd::Proxy };
            arrived::judge(&arrival, &public, end, found);
            clock(core, &public, date, found);
            metrics(core, &client, &public, &arrival, found).await;
        }
        Asked::Other(status) if core.store.is_served() => found.error(
            PUBLIC_URL,
            format!("{text} does not lead to this server: it answers with {status}, and not as this server does"),
            "correct the URL, the DNS record or the proxy; the proxy must pass on all paths, \
             /.well-known/ included",
        ),
        Asked::Other(_) => {}
        Asked::Failed(error) => found.error(
            PUBLIC_URL,
            format!("{text} cannot be reached from here: {error}"),
            "check the URL, its DNS record, the firewall and the proxy; if only this machine cannot reach \
             it, run authd doctor where its name resolves",
        ),
    }
    if public.is_https() && public.port() == 443 {
        plain_port(&client, &public, found).await;
    }
}

/// A client that may connect to this host alone, wherever it is: the operator named it.
fn client_for(url: &HttpUrl, scope: &DoctorScope) -> HttpClient {
    let allowed = vec![AllowedHost::from(url.host().clone())];
    let policy = OutboundPolicy::new(UrlSchemes::HttpAndHttps, allowed);
    let trusted = scope.authorities.as_ref();
    let trusted = trusted.map_or_else(Authorities::public, Authorities::with_public);
    HttpClient::trusting(policy, Arc::new(SystemConnector), trusted)
}

async fn get(
    client: &HttpClient,
    url: &HttpUrl,
    headers: &[(String, Secret)],
) -> Result<HttpResponse, OutboundError> {
    let request = HttpRequest { method: "GET", url, headers, body: b"" };
    client.send(&request, LIMITS).await
}

/// Asks a server how the request arrived; `send` sends it with these headers.
async fn ask(
    core: &Core,
    send: impl AsyncFnOnce(&[(String, Secret)]) -> Result<HttpResponse, OutboundError>,
) -> Asked {
    let question = operator_token::ask(&core.master, &core.env, TokenPurpose::Arrival);
    let Ok(OperatorQuestion { token, proof }) = question else { return Asked::Other(0) };
    let headers = [
        (operator_token::HEADER.to_owned(), Secret::new(token)),
        (FORWARDED_FOR.to_owned(), Secret::new(FORGED.to_string())),
    ];
    let answer = match send(&headers).await {
        Ok(answer) => answer,
        Err(error) => return Asked::Failed(error),
    };
    let date = answer.header("date").and_then(date_of);
    let arrival = answer.body.as_deref().ok().and_then(Arrival::from_json);
    match arrival.filter(|arrival| arrival.proof == proof) {
        Some(arrival) => Asked::Arrived(arrival, date),
        None => Asked::Other(answer.status),
    }
}

fn date_of(text: &str) -> Option<Time> {
    let date = rfc2822::parse(text).ok()?;
    Some(Time::from_millis(date.timestamp().as_millisecond()))
}

/// Looks at the certificate at the public URL. Returns it in DER, if it can be read.
async fn certificate(
    core: &Core,
    client: &HttpClient,
    public: &HttpUrl,
    found: &mut CheckReport,
) -> Option<Vec<u8>> {
    match client.certificate(public, LIMITS.connect).await {
        Ok(shown) => {
            judge_certificate(&shown, core.env.wall(), found);
            return Some(shown.certificate);
        }
        // What cannot be connected to is a finding of its own.
        Err(OutboundError::Resolve(_) | OutboundError::Connect(_) | OutboundError::Timeout(_)) => {}
        Err(error) => found.error(
            CERTIFICATE,
            format!("no certificate can be read: {error}"),
            "let the server or the proxy at the public URL speak TLS 1.2 or 1.3 there",
        ),
    }
    None
}

fn judge_certificate(shown: &ShownCertificate, now: Time, found: &mut CheckReport) {
    let ShownCertificate { validity, chain, refusal, .. } = shown;
    let expires = validity.expires;
    let (life, left) = (expires.since(validity.begins), expires.since(now));
    let days = left.as_secs() / 86_400;
    if expires <= now {
        found.error(CERTIFICATE, format!("it expired at {expires}"), "renew it now");
    } else if let Some(CertificateRefusal::Other(refusal)) = refusal {
        found.error(
            CERTIFICATE,
            format!("browsers do not accept it: {refusal} (certificates sent: {chain})"),
            "use a certificate of a public authority for the host of server.public_url, and send the \
             intermediate certificates with it (fullchain.pem)",
        );
    } else if left < life / 20 {
        found.error(
            CERTIFICATE,
            format!("it expires in {days} days, at {expires}"),
            "its renewal has failed: look at the log of what renews it",
        );
    } else if validity.ends_soon(now) {
        found.warning(
            CERTIFICATE,
            format!("it expires in {days} days, at {expires}"),
            "it should have been renewed by now: look at the log of what renews it",
        );
    } else if refusal.is_some() {
        found.warning(
            CERTIFICATE,
            format!(
                "no public authority vouches for it (certificates sent: {chain}): clients accept it only if \
                 they know its authority"
            ),
            "if a public authority issued it, send the intermediate certificates with it (fullchain.pem); if \
             your own did, install that on every client, and name its file with authd doctor --root",
        );
    } else {
        found.pass(
            CERTIFICATE,
            format!("it is accepted, and valid until {expires}, for {days} days"),
        );
    }
}

fn clock(core: &Core, public: &HttpUrl, date: Option<Time>, found: &mut CheckReport) {
    let (Some(date), now) = (date, core.env.wall()) else { return };
    let drift = now.since(date).max(date.since(now));
    if drift > CLOCK_DRIFT {
        found.error(
            "clock",
            format!("it differs by {} seconds from the clock of {}", drift.as_secs(), public.host()),
            "synchronize both clocks with NTP: codes of authenticator apps and tokens depend on them",
        );
    } else {
        let host = public.host();
        found.pass(
            "clock",
            format!("it agrees with the clock of {host}, which may be this machine's"),
        );
    }
}

/// Anyone may ask what the public URL answers. A URL of this machine alone says nothing about others.
async fn metrics(
    core: &Core,
    client: &HttpClient,
    public: &HttpUrl,
    arrival: &Arrival,
    found: &mut CheckReport,
) {
    if !core.config.metrics.enabled || public.host().is_loopback() {
        return;
    }
    let text = core.config.public_url();
    let Some(url) = HttpUrl::parse(&format!("{text}/metrics")) else { return };
    let Ok(answer) = get(client, &url, &[]).await else { return };
    let is_ours = answer.body.is_ok_and(|body| String::from_utf8_lossy(&body).contains("authd_"));
    if answer.status != 200 || !is_ours {
        found.pass("metrics", "they cannot be read from here through the public URL");
    } else if arrived::is_proxied(arrival) || arrival.peer.is_loopback() {
        found.error(
            "metrics",
            format!("{text}/metrics can be read from here through the public URL"),
            "hide /metrics at the proxy, and list the scraper alone in server.service_networks",
        );
    } else {
        found.hint(
            "metrics",
            format!(
                "{} may read {text}/metrics, because it is in server.service_networks; whether others may cannot \
                 be seen from here",
                arrival.peer
            ),
            "run authd doctor on a machine that is not in server.service_networks",
        );
    }
}

/// Checks port 80: users who type the name without a scheme arrive by plain HTTP first.
async fn plain_port(client: &HttpClient, public: &HttpUrl, found: &mut CheckReport) {
    let Some(url) = HttpUrl::parse(&format!("http://{}/", public.host())) else { return };
    // Nothing there is fine.
    let Ok(answer) = get(client, &url, &[]).await else { return };
    let leads_to_https = answer.header("location").is_some_and(|to| to.starts_with("https://"));
    match answer.status {
        300..400 if leads_to_https => found.pass("http", "plain HTTP is redirected to https"),
        200..400 => found.warning(
            "http",
            "plain HTTP on port 80 is answered without a redirect to https",
            "let port 80 only redirect: passwords that are typed there cross the network unencrypted",
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Validity;
    use crate::model::finding::Severity;

    fn judged(days_left: u64, refusal: Option<CertificateRefusal>) -> Option<Severity> {
        let (now, day) = (Time::from_seconds(1_800_000_000), Duration::from_hours(24));
        let expires = now + day * u32::try_from(days_left).unwrap();
        let shown = ShownCertificate {
            validity: Validity { begins: expires - 90 * day, expires },
            certificate: Vec::new(),
            chain: 2,
            refusal,
        };
        let mut found = CheckReport::default();
        judge_certificate(&shown, now, &mut found);
        assert_eq!(found.findings.len() + found.passed.len(), 1);
        found.findings.first().map(|finding| finding.level)
    }

    #[test]
    fn a_certificate_is_a_finding_the_sooner_it_ends() {
        assert_eq!(judged(60, None), None);
        assert_eq!(judged(14, None), Some(Severity::Warning));
        assert_eq!(judged(4, None), Some(Severity::Error));
        assert_eq!(judged(0, None), Some(Severity::Error));
        let refused = CertificateRefusal::Other("another name".to_owned());
        assert_eq!(judged(60, Some(refused)), Some(Severity::Error));
        // Of an authority of the operator's own.
        let private = Some(CertificateRefusal::UnknownAuthority);
        assert_eq!(judged(60, private.clone()), Some(Severity::Warning));
        assert_eq!(judged(4, private), Some(Severity::Error));
    }

    #[test]
    fn the_date_of_a_response_is_read() {
        let date = date_of("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.map(Time::to_seconds_text).as_deref(), Some("1994-11-06T08:49:37Z"));
        assert_eq!(date_of("yesterday"), None);
    }
}
