//! Tests of the client on a scripted network.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs as provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::fixture::FakeNetwork;
use super::*;
use crate::config::AllowedHost;
use crate::model::UrlHost;

const PUBLIC: &str = "192.31.7.1";
const OTHER: &str = "2a00:1450::7";
const LIMITS: RequestLimits = RequestLimits {
    connect: Duration::from_mins(1),
    total: Duration::from_mins(1),
    max_body: 1000,
};
/// Short enough to wait for, used only where no answer ever comes.
const SHORT: Duration = Duration::from_millis(20);

type Reply = Result<HttpResponse, OutboundError>;

async fn get(client: &HttpClient, url: &str, limits: RequestLimits) -> Reply {
    let url = HttpUrl::parse(url).unwrap();
    client.send(&HttpRequest { method: "GET", url: &url, headers: &[], body: b"" }, limits).await
}

fn any_scheme(allow: &[&str]) -> OutboundPolicy {
    let allow = allow.iter().map(|host| AllowedHost::from(UrlHost::parse(host).unwrap())).collect();
    OutboundPolicy::new(UrlSchemes::HttpAndHttps, allow)
}

/// Requests a URL in a network, and returns the addresses that were connected to as well.
async fn fetch(network: FakeNetwork, policy: OutboundPolicy, url: &str) -> (Reply, Vec<String>) {
    let network = Arc::new(network);
    let sent = get(&HttpClient::with_connector(policy, network.clone()), url, LIMITS).await;
    (sent, network.dialled())
}

/// The response of a server that sends `answer`.
async fn response(answer: impl Into<Vec<u8>>) -> Reply {
    let network = FakeNetwork::resolving(&[PUBLIC]).answering(answer);
    fetch(network, any_scheme(&[]), "http://a.example/").await.0
}

#[tokio::test]
async fn a_request_is_sent_whole_and_its_response_is_read_whole() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";
    let network = Arc::new(FakeNetwork::resolving(&[PUBLIC]).answering(answer));
    let client = HttpClient::with_connector(any_scheme(&[]), network.clone());
    let url = HttpUrl::parse("http://A.example:8080/in?x=1").unwrap();
    let headers =
        [("x-key".to_owned(), Secret::new("k")), ("host".to_owned(), Secret::new("b.example"))];
    let request = HttpRequest { method: "POST", url: &url, headers: &headers, body: b"body" };
    let response = client.send(&request, LIMITS).await.unwrap();
    assert_eq!((response.status, response.header("Content-Type")), (200, Some("text/plain")));
    assert_eq!(response.body.unwrap(), b"hello");
    assert_eq!(network.dialled(), [format!("{PUBLIC}:8080")]);
    let sent = network.requests().pop().unwrap();
    let product = concat!("user-agent: authd/", env!("CARGO_PKG_VERSION"), "\r\n");
    for line in [
        "POST /in?x=1 HTTP/1.1\r\n",
        "host: a.example:8080\r\n",
        "x-key: k\r\n",
        "content-length: 4\r\n",
        product,
    ] {
        assert!(sent.contains(line), "{line}: {sent}");
    }
    assert!(!sent.contains("b.example"), "{sent}");
}

#[tokio::test]
async fn a_name_with_no_public_address_is_refused_before_connecting() {
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "fd00::1",
    ] {
        let (sent, dialled) =
            fetch(FakeNetwork::resolving(&[address]), any_scheme(&[]), "http://a.example/").await;
        assert!(matches!(sent, Err(OutboundError::NotAllowed)), "{address}: {sent:?}");
        assert_eq!(dialled, [""; 0], "{address}");
    }
}

#[tokio::test]
async fn a_private_address_in_the_url_is_refused_in_every_spelling() {
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1./",
        "http://[::1]/",
    ] {
        let network = FakeNetwork::resolving(&[PUBLIC]);
        let (sent, dialled) = fetch(network, any_scheme(&[]), url).await;
        assert!(matches!(sent, Err(OutboundError::NotAllowed)), "{url}: {sent:?}");
        assert_eq!(dialled, [""; 0], "{url}");
    }
}

#[tokio::test]
async fn of_mixed_addresses_only_the_public_ones_are_used() {
    let network = FakeNetwork::resolving(&["127.0.0.1", OTHER, "10.0.0.1", PUBLIC])
        .closed_at(&[OTHER, PUBLIC]);
    let (sent, dialled) = fetch(network, any_scheme(&[]), "http://a.example/").await;
    assert!(matches!(sent, Err(OutboundError::Connect(_))), "{sent:?}");
    assert_eq!(dialled, [format!("[{OTHER}]:80"), format!("{PUBLIC}:80")]);
}

#[tokio::test]
async fn the_next_address_is_used_if_one_refuses_or_never_answers() {
    let limits = RequestLimits { connect: 2 * SHORT, ..LIMITS };
    for network in [
        FakeNetwork::resolving(&[OTHER, PUBLIC]).closed_at(&[OTHER]),
        FakeNetwork::resolving(&[OTHER, PUBLIC]).silent_at(&[OTHER]),
    ] {
        let network = Arc::new(network);
        let sent = get(
            &HttpClient::with_connector(any_scheme(&[]), network.clone()),
            "http://a.example/",
            limits,
        )
        .await;
        assert_eq!(sent.unwrap().status, 204);
        assert_eq!(network.dialled().len(), 2);
    }
}

#[tokio::test]
async fn a_name_that_resolves_differently_later_changes_nothing() {
    let network = Arc::new(FakeNetwork::resolving(&[PUBLIC]).then_resolving(&["127.0.0.1"]));
    let client = HttpClient::with_connector(any_scheme(&[]), network.clone());
    assert_eq!(get(&client, "http://a.example/", LIMITS).await.unwrap().status, 204);
    assert_eq!((network.looked_up(), network.dialled()), (1, vec![format!("{PUBLIC}:80")]));
    let later = get(&client, "http://a.example/", LIMITS).await;
    assert!(matches!(later, Err(OutboundError::NotAllowed)), "each request is checked: {later:?}");
    assert_eq!(network.dialled().len(), 1);
}

#[tokio::test]
async fn an_allowed_host_may_be_private_and_no_other() {
    let policy = || any_scheme(&["gateway.internal", "127.0.0.1"]);
    let private = || FakeNetwork::resolving(&["10.0.0.1"]);
    assert!(fetch(private(), policy(), "http://gateway.internal/").await.0.is_ok());
    assert!(fetch(private(), policy(), "http://GATEWAY.internal./").await.0.is_ok());
    assert!(fetch(private(), policy(), "http://127.0.0.1/").await.0.is_ok());
    for url in [
        "http://other.internal/",
        "http://10.0.0.1/",
        "http://127.0.0.2/",
        "http://a.gateway.internal/",
    ] {
        assert!(
            matches!(fetch(private(), policy(), url).await.0, Err(OutboundError::NotAllowed)),
            "{url}"
        );
    }
}

#[tokio::test]
async fn http_is_refused_where_the_policy_requires_https() {
    let policy = OutboundPolicy::new(UrlSchemes::Https, Vec::new());
    let network = Arc::new(FakeNetwork::resolving(&[PUBLIC]));
    let sent =
        get(&HttpClient::with_connector(policy, network.clone()), "http://a.example/", LIMITS)
            .await;
    assert!(matches!(sent, Err(OutboundError::HttpsRequired)), "{sent:?}");
    assert_eq!((network.looked_up(), network.dialled().len()), (0, 0));
}

#[tokio::test]
async fn a_name_without_an_address_is_not_resolved() {
    let (sent, _) = fetch(FakeNetwork::resolving(&[]), any_scheme(&[]), "http://a.example/").await;
    assert!(matches!(sent, Err(OutboundError::Resolve(_))), "{sent:?}");
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://b.example/\r\ncontent-length: 0\r\n\r\n";
    let network = FakeNetwork::resolving(&[PUBLIC]).answering(answer);
    let (sent, dialled) = fetch(network, any_scheme(&[]), "http://a.example/").await;
    let response = sent.unwrap();
    assert_eq!((response.status, response.header("location")), (302, Some("http://b.example/")));
    assert_eq!(dialled.len(), 1);
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_and_a_larger_one_is_not() {
    let chunked = |size: usize| {
        let chunks = format!("1\r\nb\r\n{:x}\r\n{}\r\n0\r\n\r\n", size - 1, "b".repeat(size - 1));
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")
    };
    let counted = |size: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n{}", "b".repeat(size))
    };
    let until_close = |size: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", "b".repeat(size));
    for (form, answer) in [
        ("chunked", &chunked as &dyn Fn(usize) -> String),
        ("content-length", &counted),
        ("until the connection closes", &until_close),
    ] {
        assert_eq!(response(answer(1000)).await.unwrap().body.unwrap().len(), 1000, "{form}");
        let larger = response(answer(1001)).await.unwrap();
        assert_eq!(larger.status, 200, "{form}");
        assert!(matches!(larger.body, Err(OutboundError::TooLarge)), "{form}: {:?}", larger.body);
    }
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_is_not_waited_for() {
    let network = FakeNetwork::resolving(&[PUBLIC])
        .stalling_after("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n");
    let (sent, _) = fetch(network, any_scheme(&[]), "http://a.example/").await;
    assert!(matches!(sent.unwrap().body, Err(OutboundError::TooLarge)));
}

#[tokio::test]
async fn an_endless_header_is_cut_off() {
    let head = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(20_000));
    let network = FakeNetwork::resolving(&[PUBLIC]).stalling_after(head);
    let (sent, _) = fetch(network, any_scheme(&[]), "http://a.example/").await;
    assert!(matches!(sent, Err(OutboundError::TooLarge)), "{sent:?}");
    let many = "x: y\r\n".repeat(200);
    let sent = response(format!("HTTP/1.1 200 OK\r\n{many}\r\n")).await;
    assert!(matches!(sent, Err(OutboundError::TooLarge)), "{sent:?}");
}

#[tokio::test]
async fn broken_responses_are_errors() {
    for answer in [
        "",
        "HTTP/1.1",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: y\r\n",
    ] {
        let sent = response(answer).await;
        assert!(matches!(sent, Err(OutboundError::Http(_))), "{answer:?}: {sent:?}");
    }
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhell",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
    ] {
        let cut = response(answer).await.unwrap();
        assert_eq!(cut.status, 200, "{answer:?}");
        assert!(matches!(cut.body, Err(OutboundError::Http(_))), "{answer:?}: {:?}", cut.body);
    }
}

#[tokio::test]
async fn malformed_requests_are_not_sent() {
    let network = Arc::new(FakeNetwork::resolving(&[PUBLIC]));
    let client = HttpClient::with_connector(any_scheme(&[]), network.clone());
    let url = HttpUrl::parse("http://a.example/").unwrap();
    for (method, name, value) in
        [("GET X", "x", "y"), ("GET", "x y", "z"), ("GET", "x", "y\r\nz: 1")]
    {
        let headers = [(name.to_owned(), Secret::new(value))];
        let sent = client
            .send(&HttpRequest { method, url: &url, headers: &headers, body: b"" }, LIMITS)
            .await;
        assert!(
            matches!(sent, Err(OutboundError::InvalidRequest)),
            "{method} {name} {value:?}: {sent:?}"
        );
    }
    assert_eq!(network.dialled(), [""; 0]);
}

#[tokio::test]
async fn connecting_has_a_time_limit() {
    let network = Arc::new(FakeNetwork::resolving(&[PUBLIC]).silent_at(&[PUBLIC]));
    let client = HttpClient::with_connector(any_scheme(&[]), network.clone());
    let sent = get(&client, "http://a.example/", RequestLimits { connect: SHORT, ..LIMITS }).await;
    assert!(matches!(sent, Err(OutboundError::Timeout(SHORT))), "{sent:?}");
}

#[tokio::test]
async fn a_request_has_a_time_limit_with_its_body() {
    let limits = RequestLimits { total: SHORT, ..LIMITS };
    let silent = Arc::new(FakeNetwork::resolving(&[PUBLIC]).stalling_after(""));
    let sent =
        get(&HttpClient::with_connector(any_scheme(&[]), silent), "http://a.example/", limits)
            .await;
    assert!(matches!(sent, Err(OutboundError::Timeout(SHORT))), "{sent:?}");
    let head = "HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\nhe";
    let slow = Arc::new(FakeNetwork::resolving(&[PUBLIC]).stalling_after(head));
    let response =
        get(&HttpClient::with_connector(any_scheme(&[]), slow), "http://a.example/", limits)
            .await
            .unwrap();
    assert_eq!(response.status, 201, "the status is known");
    assert!(matches!(response.body, Err(OutboundError::Timeout(SHORT))), "{:?}", response.body);
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_have_the_name_of_the_host() {
    let (certificate, key) = certificate("a.example");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let roots = Authorities(Arc::new(roots));
    let known = certificate.to_vec();
    let tls = tls_acceptor(certificate, key);
    let network = || Arc::new(FakeNetwork::resolving(&[PUBLIC]).with_tls(tls.clone()));
    let policy = || OutboundPolicy::new(UrlSchemes::Https, Vec::new());
    let trusting = HttpClient::trusting(policy(), network(), roots);
    assert_eq!(get(&trusting, "https://a.example/", LIMITS).await.unwrap().status, 204);
    for url in ["https://b.example/", "https://192.31.7.1/"] {
        let sent = get(&trusting, url, LIMITS).await;
        assert!(matches!(sent, Err(OutboundError::Tls(_))), "{url}: {sent:?}");
    }
    let sent =
        get(&HttpClient::with_connector(policy(), network()), "https://a.example/", LIMITS).await;
    assert!(matches!(sent, Err(OutboundError::Tls(_))), "self-signed: {sent:?}");
    let knowing =
        |known: Vec<u8>| HttpClient::with_connector(policy(), network()).pinned_to(vec![known]);
    let sent = get(&knowing(known.clone()), "https://b.example/", LIMITS).await;
    assert_eq!(sent.unwrap().status, 204, "it is known, under any name");
    let sent = get(&knowing(known[1..].to_vec()), "https://a.example/", LIMITS).await;
    assert!(matches!(sent, Err(OutboundError::Tls(_))), "another one: {sent:?}");
}

#[tokio::test]
async fn a_certificate_is_shown_whether_it_is_accepted_or_not() {
    let (certificate, key) = certificate("a.example");
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let roots = Authorities(Arc::new(roots));
    let tls = tls_acceptor(certificate, key);
    let network = || Arc::new(FakeNetwork::resolving(&[PUBLIC]).with_tls(tls.clone()));
    let trusting = HttpClient::trusting(any_scheme(&[]), network(), roots);
    let look = async |client: &HttpClient, url: &str| {
        client.certificate(&HttpUrl::parse(url).unwrap(), LIMITS.total).await
    };
    let shown = look(&trusting, "https://a.example/").await.unwrap();
    assert_eq!((shown.chain, shown.refusal), (1, None));
    assert_eq!(shown.validity.begins.to_seconds_text(), "2020-01-01T00:00:00Z");
    assert!(
        shown.validity.expires.to_seconds_text().starts_with("9999-12-30"),
        "{}",
        shown.validity.expires
    );
    let named = look(&trusting, "https://b.example/").await.unwrap().refusal;
    let is_other = |refusal: Option<CertificateRefusal>| matches!(refusal, Some(CertificateRefusal::Other(why)) if why.contains("b.example"));
    assert!(is_other(named));
    let strict = HttpClient::with_connector(any_scheme(&[]), network());
    let unknown = look(&strict, "https://a.example/").await.unwrap();
    assert_eq!(unknown.refusal, Some(CertificateRefusal::UnknownAuthority));
    let of_another_name = look(&strict, "https://b.example/").await.unwrap().refusal;
    assert!(is_other(of_another_name), "an unknown authority does not hide another name");
    let plain = Arc::new(FakeNetwork::resolving(&[PUBLIC]));
    let plain = HttpClient::with_connector(any_scheme(&[]), plain);
    let url = HttpUrl::parse("https://a.example/").unwrap();
    assert!(plain.certificate(&url, SHORT).await.is_err());
}

#[tokio::test]
async fn errors_say_nothing_of_the_request() {
    let url = HttpUrl::parse("http://a.example/hush?hush=hush").unwrap();
    let headers = [("x-key".to_owned(), Secret::new("hush"))];
    let request = HttpRequest { method: "POST", url: &url, headers: &headers, body: b"hush" };
    let public = || FakeNetwork::resolving(&[PUBLIC]);
    for network in [
        FakeNetwork::resolving(&[]),
        FakeNetwork::resolving(&["10.0.0.1"]),
        public().closed_at(&[PUBLIC]),
        public().answering("no HTTP: hush\r\n\r\n"),
    ] {
        let client = HttpClient::with_connector(any_scheme(&[]), Arc::new(network));
        let error = client.send(&request, LIMITS).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error} {error:?}");
    }
}

fn tls_acceptor(
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> TlsAcceptor {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key.into()).unwrap()))
}

/// A self-signed certificate for one host name (RFC 5280), with its key.
fn certificate(name: &str) -> (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>) {
    const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
    const ALTERNATIVE_NAME: &[u8] = &[6, 3, 0x55, 0x1d, 0x11];
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let bits = |bytes: &[u8]| der(3, &[&[0], bytes]);
    let subject =
        der(0x30, &[&der(0x31, &[&der(0x30, &[COMMON_NAME, &der(0x0c, &[name.as_bytes()])])])]);
    let validity = der(0x30, &[&der(0x17, &[b"200101000000Z"]), &der(0x18, &[b"99991231235959Z"])]);
    let names = der(4, &[&der(0x30, &[&der(0x82, &[name.as_bytes()])])]);
    let extensions = der(0xa3, &[&der(0x30, &[&der(0x30, &[ALTERNATIVE_NAME, &names])])]);
    let public = der(0x30, &[ED25519, &bits(pair.public_key().as_ref())]);
    let version = der(0xa0, &[&der(2, &[&[2]])]);
    let serial = der(2, &[&[1]]);
    let content = der(
        0x30,
        &[&version, &serial, ED25519, &subject, &validity, &subject, &public, &extensions],
    );
    let signature = bits(pair.sign(&content).as_ref());
    let whole = der(0x30, &[&content, ED25519, &signature]);
    (CertificateDer::from(whole), PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec()))
}

/// A DER element of these parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = vec![tag];
    match length {
        [0, short] if short < 0x80 => out.push(short),
        [0, byte] => out.extend([0x81, byte]),
        long => out.extend([0x82, long[0], long[1]]),
    }
    out.extend(content);
    out
}
