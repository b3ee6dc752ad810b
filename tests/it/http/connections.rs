//! How many connections there may be, and which one is closed for a new one.

use std::net::IpAddr;

use authd::metrics::MetricsSnapshot;
use tokio::net::TcpSocket;

use super::*;

const HELLO: &[u8] = b"GET /t/hello HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &[u8] = b"GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

async fn start_for(connections: usize, connections_client: usize) -> Running {
    let server = Server { connections, connections_client, ..server() };
    start_with(server, limits(1000), Timeouts::default()).await
}

impl Running {
    /// A connection from this loopback address.
    async fn open_from(&self, address: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address.parse::<IpAddr>().unwrap(), 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// A connection whose first request was answered, and which is idle now.
    async fn idle_from(&self, address: &str) -> TcpStream {
        let mut stream = self.open_from(address).await;
        greet(&mut stream).await;
        stream
    }

    fn figures(&self) -> String {
        self.metrics.text(MetricsSnapshot::default())
    }
}

/// Sends a request and reads its response; the connection stays open.
async fn greet(stream: &mut TcpStream) {
    stream.write_all(HELLO).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let read = timeout(Duration::from_secs(20), stream.read_buf(&mut answer)).await;
        assert!(read.unwrap().unwrap() > 0, "closed");
    }
}

/// Whether the server answers another request on this connection.
async fn is_served(stream: &mut TcpStream) -> bool {
    let _ = stream.write_all(LAST).await;
    rest(stream).await.0.ends_with("hello")
}

#[tokio::test]
async fn silent_connections_keep_no_client_out() {
    let running = start_for(4, 4).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(running.open_from("127.0.0.2").await);
    }
    assert_eq!(running.ask("GET /t/hello", "").await.status(), 200);
    let figures = running.figures();
    assert!(figures.contains("authd_connections_closed_total{reason=\"idle\"} 17"), "{figures}");
}

#[tokio::test]
async fn the_connection_that_has_been_idle_for_longest_is_closed_for_a_new_one() {
    let running = start_for(3, 3).await;
    let mut first = running.idle_from("127.0.0.2").await;
    let mut second = running.idle_from("127.0.0.3").await;
    let mut third = running.idle_from("127.0.0.4").await;
    greet(&mut first).await;
    let mut fourth = running.idle_from("127.0.0.5").await;
    assert!(!is_served(&mut second).await, "it has been idle for longest");
    for stream in [&mut first, &mut third, &mut fourth] {
        assert!(is_served(stream).await);
    }
}

#[tokio::test]
async fn a_network_at_its_limit_gives_up_its_own_connections_and_no_others() {
    let running = start_for(100, 2).await;
    let mut other = running.idle_from("127.0.0.3").await;
    let mut first = running.idle_from("127.0.0.2").await;
    let mut second = running.idle_from("127.0.0.2").await;
    let mut third = running.idle_from("127.0.0.2").await;
    assert!(!is_served(&mut first).await);
    for stream in [&mut other, &mut second, &mut third] {
        assert!(is_served(stream).await);
    }
    assert!(running.figures().contains("authd_connections_closed_total{reason=\"idle\"} 1"));
}

#[tokio::test]
async fn a_connection_with_a_request_in_progress_is_never_closed_for_another() {
    let head = "Host: a\r\nConnection: close\r\n";
    for (begun, rest_of_it, end) in [
        (
            format!("POST /t/echo HTTP/1.1\r\nContent-Length: 4\r\n{head}\r\nha"),
            "lf",
            "\r\n\r\nhalf",
        ),
        // Its response is larger than what the system keeps for a client that does not read.
        (format!("GET /t/big HTTP/1.1\r\n{head}\r\n"), "", &"x".repeat(32 * 1024 * 1024)),
    ] {
        let running = start_for(100, 1).await;
        let mut busy = running.open_from("127.0.0.2").await;
        busy.write_all(begun.as_bytes()).await.unwrap();
        // Another answered request shows that this one was read.
        assert!(is_served(&mut running.open_from("127.0.0.3").await).await);
        assert!(!is_served(&mut running.open_from("127.0.0.2").await).await);
        let figures = running.figures();
        let refused = "authd_connections_closed_total{reason=\"refused\"} 1";
        assert!(figures.contains(refused) && !figures.contains("idle"), "{figures}");
        busy.write_all(rest_of_it.as_bytes()).await.unwrap();
        assert!(rest(&mut busy).await.0.ends_with(end), "{begun}");
    }
}

#[tokio::test]
async fn trusted_proxies_are_not_counted_as_one_network_and_a_new_configuration_holds_at_once() {
    let proxy = Network { address: [127, 0, 0, 2].into(), bits: 32 };
    let trusting = Server {
        trusted_proxies: Some(vec![proxy]),
        connections: 100,
        connections_client: 1,
        ..server()
    };
    let running = start_with(trusting.clone(), limits(1000), Timeouts::default()).await;
    let mut first = running.idle_from("127.0.0.2").await;
    let mut second = running.idle_from("127.0.0.2").await;
    greet(&mut first).await;
    greet(&mut second).await;
    running.connections.configure(&Server { trusted_proxies: None, ..trusting });
    let mut third = running.idle_from("127.0.0.2").await;
    let _fourth = running.idle_from("127.0.0.2").await;
    assert!(!is_served(&mut third).await);
    assert!(running.figures().contains("authd_connections "), "{}", running.figures());
}
