//! A listener in operation: a new endpoint, a drain, and the maximum number of connections.

use super::*;

#[tokio::test]
async fn a_new_endpoint_answers_the_next_request_of_an_open_connection() {
    let running = start().await;
    let mut stream = running.open().await;
    stream.write_all(b"GET /t/hello HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 1024];
    assert!(stream.read(&mut first).await.unwrap() > 0);
    running
        .swap
        .replace(app(Server { environment: Environment::Production, ..server() }, limits(1000)));
    stream
        .write_all(b"GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(&mut stream).await.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn a_drain_lets_requests_end_and_takes_no_new_ones() {
    let running = start().await;
    let mut idle = running.open().await;
    idle.write_all(b"GET /t/hello HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 1024];
    assert!(idle.read(&mut first).await.unwrap() > 0);
    let mut busy = running.open().await;
    busy.write_all(b"GET /t/slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    // Another answered request proves that the listener has accepted the slow one.
    assert_eq!(running.ask("GET /t/hello", "").await.status(), 200);
    running.drain.send(()).unwrap();
    assert!(rest(&mut busy).await.0.ends_with("slow but whole"));
    assert_eq!(rest(&mut idle).await.0, "");
    running.task.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_drain_ends_in_time_and_at_once_on_the_second_signal() {
    let stuck = b"POST /t/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";
    let short = Timeouts { drain: Duration::from_millis(50), ..Timeouts::default() };
    for (timeouts, twice) in [(short, false), (Timeouts::default(), true)] {
        let running = start_with(server(), limits(1000), timeouts).await;
        let mut stream = running.open().await;
        stream.write_all(stuck).await.unwrap();
        assert_eq!(running.ask("GET /t/hello", "").await.status(), 200);
        running.drain.send(()).unwrap();
        let kept =
            if twice { running.abort.send(()).map(|()| None) } else { Ok(Some(running.abort)) };
        timeout(Duration::from_secs(5), running.task).await.unwrap().unwrap();
        drop(kept);
    }
}

#[tokio::test]
async fn at_the_connection_limit_a_closed_connection_admits_the_next() {
    let timeouts = Timeouts { head: Duration::from_millis(100), ..Timeouts::default() };
    let running = start_with(Server { connections: 2, ..server() }, limits(1000), timeouts).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = running.open().await;
        stream.write_all(b"GET /").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(running.ask("GET /t/hello", "").await.status(), 200);
}
