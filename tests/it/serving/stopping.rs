//! How a server stops: requests in progress, a second signal, and mail that hangs.

use super::*;

#[test]
fn sigterm_lets_a_request_in_hand_end_and_a_second_one_does_not() {
    let folder = Folder::new();
    let body = sign_up("jo@example.com").to_string();
    let begin = |address: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = "POST /v1/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        let mut invitation = [0; 25];
        std::io::Read::read_exact(&mut stream, &mut invitation).unwrap();
        assert!(invitation.starts_with(b"HTTP/1.1 100"));
        stream
    };
    let mut server = folder.serve(&CHEAP);
    let mut stream = begin(&server.address);
    server.signal(Signal::TERM);
    until("no new connection is taken", || TcpStream::connect(&server.address).is_err());
    stream.write_all(body.as_bytes()).unwrap();
    let reply = read_reply(&mut stream).unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(server.child.wait().unwrap().code(), Some(0));

    let mut server = folder.serve(&CHEAP);
    let _stream = begin(&server.address);
    server.signal(Signal::TERM);
    until("no new connection is taken", || TcpStream::connect(&server.address).is_err());
    server.signal(Signal::TERM);
    assert_eq!(server.child.wait().unwrap().code(), Some(0), "at once");
}

/// A mail server that accepts every connection and never responds; returns its port and the
/// connections.
fn silent_mail_server() -> (u16, Receiver<TcpStream>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (take, taken) = channel();
    std::thread::spawn(move || {
        listener.incoming().flatten().try_for_each(|stream| take.send(stream))
    });
    (port, taken)
}

/// How long a server takes to stop after one or two signals while mail delivery hangs.
#[allow(clippy::disallowed_methods, reason = "how long an end takes is the question")]
fn time_to_the_end(signals: u32) -> Duration {
    let folder = Folder::new();
    let (port, taken) = silent_mail_server();
    let url = format!("mail.smtp_url=smtp://127.0.0.1:{port}");
    let mut server = folder.serve(&[&["--set", &url][..], &CHEAP].concat());
    assert_eq!(server.post("/v1/auth/register", &sign_up("jo@example.com")).unwrap().status, 201);
    let _waiting = taken.recv_timeout(Duration::from_secs(20)).unwrap();
    let began = std::time::Instant::now();
    server.signal(Signal::TERM);
    until("no new connection is taken", || TcpStream::connect(&server.address).is_err());
    if signals == 2 {
        server.signal(Signal::TERM);
    }
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let took = began.elapsed();
    assert_eq!(
        folder.run(&["mail", "list", "--json"]).out.matches("jo@example.com").count(),
        1,
        "the letter waits on"
    );
    took
}

#[test]
fn mail_that_does_not_get_ahead_holds_the_end_up_for_ten_seconds_at_most_and_not_at_a_second_signal()
 {
    let at_once = time_to_the_end(2);
    assert!(at_once < Duration::from_secs(5), "{at_once:?}");
    if is_long() {
        let in_time = time_to_the_end(1);
        assert!(in_time <= Duration::from_secs(10), "{in_time:?}");
    }
}
