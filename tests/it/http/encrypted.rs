//! The port over TLS: handshakes within limits, and HTTP/2.

use authd::tls::Certificate;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

const HOST: &str = "id.example.com";

/// A certificate for [`HOST`], and its text.
fn certificate() -> (Certificate, String) {
    let made = rcgen::generate_simple_self_signed(vec![HOST.to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    (Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap(), chain)
}

/// A listener over TLS, and what its clients trust.
struct Encrypted {
    running: Running,
    served: ServedCertificate,
    roots: RootCertStore,
}

async fn encrypted_with(server: Server, timeouts: Timeouts) -> Encrypted {
    let served = ServedCertificate::none(&Metrics::default()).unwrap();
    let (certificate, text) = certificate();
    served.show(certificate);
    let running = start_showing(server, limits(1000), timeouts, Some(served.clone())).await;
    let mut encrypted = Encrypted { running, served, roots: RootCertStore::empty() };
    encrypted.trust(&text);
    encrypted
}

async fn encrypted() -> Encrypted {
    encrypted_with(server(), Timeouts::default()).await
}

impl Encrypted {
    fn trust(&mut self, certificate: &str) {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        self.roots.add(certificate).unwrap();
    }

    async fn shake_hands(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from(HOST).unwrap();
        let stream = self.running.open().await;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// A client of HTTP/2, and its connection.
    async fn http2(
        &self,
        window: u32,
    ) -> (SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
        let stream = self.shake_hands(b"h2").await;
        let (client, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        (client, tokio::spawn(connection))
    }

    async fn raw_http1(&self, request: &str) -> Answer {
        let mut stream = self.shake_hands(b"http/1.1").await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
        read.unwrap().unwrap();
        Answer(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn request(method: Method, path: &str, body: &'static str) -> hyper::Request<Full<Bytes>> {
    let url = format!("https://{HOST}{path}");
    hyper::Request::builder().method(method).uri(url).body(Full::from(body)).unwrap()
}

async fn answer(
    client: &mut SendRequest<Full<Bytes>>,
    request: hyper::Request<Full<Bytes>>,
) -> (u16, String) {
    let response = client.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

const LAST: &str = "GET /t/hello HTTP/1.1\r\nHost: id.example.com\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn both_versions_of_http_are_served_over_tls() {
    let encrypted = encrypted().await;
    let first = encrypted.raw_http1(LAST).await;
    assert_eq!((first.status(), first.body()), (200, "hello"));
    let (mut client, _connection) = encrypted.http2(65_535).await;
    for (method, path, body, expected) in [
        (Method::GET, "/t/hello", "", (200, "hello")),
        (Method::POST, "/t/echo", "body", (200, "body")),
        (Method::GET, "/t/slow", "", (200, "slow but whole")),
    ] {
        let (status, text) = answer(&mut client, request(method, path, body)).await;
        assert_eq!((status, text.as_str()), expected, "{path}");
    }
    let (status, text) = answer(&mut client, request(Method::GET, "/t/nothing", "")).await;
    assert!(status == 404 && text.contains("NotFound"), "{status} {text}");
    let (_, text) = answer(&mut client, request(Method::GET, "/t/who", "")).await;
    assert!(text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn many_requests_of_one_connection_are_answered_at_the_same_time() {
    let encrypted = encrypted().await;
    let (mut client, _connection) = encrypted.http2(65_535).await;
    // With this answer the client knows how many it may send at a time.
    assert_eq!(answer(&mut client, request(Method::GET, "/t/hello", "")).await.0, 200);
    let answers = (0..100).map(|_| {
        let mut client = client.clone();
        async move { answer(&mut client, request(Method::GET, "/t/slow", "")).await }
    });
    for (status, text) in futures_util::future::join_all(answers).await {
        assert_eq!((status, text.as_str()), (200, "slow but whole"));
    }
}

#[tokio::test]
async fn a_request_of_http2_that_names_two_hosts_is_refused() {
    let encrypted = encrypted().await;
    let (mut client, _connection) = encrypted.http2(65_535).await;
    for (host, expected) in [(HOST, 200), ("other.example.com", 400)] {
        let mut request = request(Method::GET, "/t/hello", "");
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(answer(&mut client, request).await.0, expected, "{host}");
    }
}

#[tokio::test]
async fn handshakes_that_trickle_hold_no_place_and_are_cut_off() {
    let one = Server { connections: 1, ..server() };
    let encrypted = encrypted_with(one, Timeouts::default()).await;
    let mut slow = encrypted.running.open().await;
    slow.write_all(&[22, 3, 1]).await.unwrap();
    assert_eq!(encrypted.raw_http1(LAST).await.status(), 200);
    assert_eq!(rest(&mut slow).await.0, "");
    let timeouts = Timeouts { handshake: Duration::from_millis(50), ..Timeouts::default() };
    let encrypted = encrypted_with(server(), timeouts).await;
    for begin in [&[][..], &[22, 3, 1]] {
        let mut slow = encrypted.running.open().await;
        slow.write_all(begin).await.unwrap();
        assert_eq!(rest(&mut slow).await.0, "");
    }
}

#[tokio::test]
async fn connections_are_counted_for_their_network_before_the_handshake() {
    let two = Server { connections_client: 2, ..server() };
    let encrypted = encrypted_with(two, Timeouts::default()).await;
    let (mut first, _first_connection) = encrypted.http2(65_535).await;
    let (mut second, _second_connection) = encrypted.http2(65_535).await;
    let busy = [&mut first, &mut second]
        .map(|client| client.send_request(request(Method::GET, "/t/slow", "")));
    let busy = tokio::spawn(futures_util::future::join_all(busy));
    // Both have begun when the third is refused; before, it takes the place of an idle one.
    let third = async {
        loop {
            let mut third = encrypted.running.open().await;
            third.write_all(b"X").await.unwrap();
            if rest(&mut third).await.0.is_empty() {
                break;
            }
        }
    };
    tokio::select! {
        () = third => {}
        _ = busy => {}
    }
}

#[tokio::test]
async fn plain_http_on_the_encrypted_port_learns_what_is_wrong() {
    let encrypted = encrypted().await;
    let answer = encrypted.running.ask("GET /t/hello", "").await;
    assert_eq!((answer.status(), answer.body()), (400, "This port expects https only"));
    assert_eq!(encrypted.running.raw("\0\0\0").await.0, "");
}

#[tokio::test]
async fn an_idle_connection_of_http2_is_closed_in_the_end() {
    let [idle, write] = [Duration::from_millis(40); 2];
    let encrypted = encrypted_with(server(), Timeouts { idle, write, ..Timeouts::default() }).await;
    let (mut client, connection) = encrypted.http2(65_535).await;
    assert_eq!(answer(&mut client, request(Method::GET, "/t/hello", "")).await.0, 200);
    timeout(Duration::from_secs(20), connection).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_client_of_http2_that_reads_nothing_loses_its_place() {
    let timeouts = Timeouts { write: Duration::from_millis(50), ..Timeouts::default() };
    let one = Server { connections: 1, ..server() };
    let encrypted = encrypted_with(one, timeouts).await;
    let (mut deaf, _connection) = encrypted.http2(1024).await;
    let response = deaf.send_request(request(Method::GET, "/t/big", "")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(encrypted.raw_http1(LAST).await.status(), 200);
    drop(response);
}

#[tokio::test]
async fn a_drain_lets_requests_of_http2_finish() {
    let encrypted = encrypted().await;
    let (mut client, connection) = encrypted.http2(65_535).await;
    let (mut idle, idle_connection) = encrypted.http2(65_535).await;
    assert_eq!(answer(&mut idle, request(Method::GET, "/t/hello", "")).await.0, 200);
    let slow = client.send_request(request(Method::GET, "/t/slow", ""));
    let slow = tokio::spawn(slow);
    // The request has been read once another one on its connection is answered.
    assert_eq!(answer(&mut client, request(Method::GET, "/t/hello", "")).await.0, 200);
    let Running { drain, task, .. } = encrypted.running;
    drain.send(()).unwrap();
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    for ended in [connection, idle_connection] {
        timeout(Duration::from_secs(20), ended).await.unwrap().unwrap().unwrap();
    }
    timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections_alone() {
    let mut encrypted = encrypted().await;
    let (mut client, _connection) = encrypted.http2(65_535).await;
    assert_eq!(answer(&mut client, request(Method::GET, "/t/hello", "")).await.0, 200);
    let before = encrypted.shake_hands(b"h2").await;
    let (second, text) = certificate();
    encrypted.served.show(second);
    encrypted.trust(&text);
    let after = encrypted.shake_hands(b"h2").await;
    let shown = |of: &TlsStream<TcpStream>| of.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    assert_ne!(shown(&before), shown(&after));
    assert_eq!(shown(&after), CertificateDer::from_pem_slice(text.as_bytes()).unwrap().to_vec());
    assert_eq!(answer(&mut client, request(Method::GET, "/t/hello", "")).await.0, 200);
}
