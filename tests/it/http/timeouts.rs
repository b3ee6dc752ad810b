//! Clients that send or read too slowly.

use super::*;

#[tokio::test]
async fn a_head_that_trickles_is_cut_off_and_an_idle_connection_is_not() {
    let timeouts = Timeouts { head: Duration::from_millis(150), ..Timeouts::default() };
    let running = start_with(server(), limits(1000), timeouts).await;
    let mut idle = running.open().await;
    let mut used = running.open().await;
    used.write_all(b"GET /t/hello HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut half = running.open().await;
    half.write_all(b"GET /t/hello HTTP/1.1\r\nHo").await.unwrap();
    assert_eq!(rest(&mut half).await.0, "", "closed without an answer");
    for stream in [&mut idle, &mut used] {
        stream
            .write_all(b"GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(rest(stream).await.0.ends_with("hello"));
    }
}

#[tokio::test]
async fn the_second_head_on_a_connection_may_not_trickle_either() {
    let timeouts = Timeouts { head: Duration::from_millis(100), ..Timeouts::default() };
    let running = start_with(server(), limits(1000), timeouts).await;
    let mut stream = running.open().await;
    stream.write_all(b"GET /t/hello HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut first = [0; 1024];
    assert!(stream.read(&mut first).await.unwrap() > 0);
    stream.write_all(b"GET /t/hel").await.unwrap();
    assert_eq!(rest(&mut stream).await.0, "");
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_in_the_end() {
    let timeouts = Timeouts { idle: Duration::from_millis(50), ..Timeouts::default() };
    let running = start_with(server(), limits(1000), timeouts).await;
    assert_eq!(running.raw("").await.0, "");
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_and_cut_off() {
    let timeouts = Timeouts { body: Duration::from_millis(50), ..Timeouts::default() };
    let running = start_with(server(), limits(1000), timeouts).await;
    let answer =
        running.raw("POST /t/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").await;
    assert_eq!((answer.status(), answer.kind().as_str()), (400, "t MalformedBody"));
}

#[tokio::test]
async fn a_client_that_reads_nothing_loses_its_place() {
    let timeouts = Timeouts { write: Duration::from_millis(50), ..Timeouts::default() };
    let running = start_with(Server { connections: 1, ..server() }, limits(1000), timeouts).await;
    let mut deaf = running.open().await;
    deaf.write_all(b"GET /t/big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(running.ask("GET /t/hello", "").await.status(), 200);
}
