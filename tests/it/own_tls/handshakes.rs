//! How many TLS handshakes one client network may make.

use super::*;

#[test]
fn a_network_that_makes_too_many_is_refused_and_others_are_not() {
    let folder = Folder::new();
    write_certificate(&folder, "a", HOST, [2020, 2096]);
    use_certificate(&folder, "a");
    let mut arguments = with_files();
    let figures = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for set in ["server.handshakes_client=3".to_owned(), format!("metrics.listen={figures}")] {
        arguments.extend(["--set".to_owned(), set]);
    }
    let server = SecureServer::start(&folder, &arguments);
    // One more is due after twenty seconds.
    let made = (0..8).filter(|_| server.shown().is_some()).count();
    assert!((3..=4).contains(&made), "{made}");
    let other = server.curl(&server.url("/livez"), &["--interface", "127.0.0.2"]);
    assert!(other.contains(" 200"), "{other}");
    let mut stream = TcpStream::connect(figures).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let refused = format!("authd_connections_closed_total{{reason=\"handshakes\"}} {}", 8 - made);
    assert!(text.contains(&refused), "{text}");
    let log = log_of(&folder);
    assert_eq!(log.matches("server.handshakes_client").count(), 1, "{log}");
}
