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
async fn a_half_head_behind_another_request_may_not_trickle_either() {
    let timeouts = Timeouts { head: Duration::from_millis(100), ..Timeouts::default() };
    let running = start_with(server(), limits(1000), timeouts).await;
    for before in [
        "GET /t/hello HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /t/slow HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /t/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
        "POST /t/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ] {
        let both = format!("{before}GET /t/hello HTTP/1.1\r\nHo");
        let answer = running.raw(both).await;
        assert_eq!(answer.status(), 200, "{before}");
        assert_eq!(answer.0.matches("HTTP/1.1").count(), 1, "closed without a second answer");
        // With nothing behind it, the connection may wait for its next request.
        let mut waiting = running.open().await;
        waiting.write_all(before.as_bytes()).await.unwrap();
        let mut half = running.open().await;
        half.write_all(b"GET /t/hello HTTP/1.1\r\nHo").await.unwrap();
        assert_eq!(rest(&mut half).await.0, "");
        let next = "GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        waiting.write_all(next.as_bytes()).await.unwrap();
        assert_eq!(rest(&mut waiting).await.0.matches("HTTP/1.1 200").count(), 2, "{before}");
    }
}

#[tokio::test]
async fn requests_that_come_all_at_once_are_all_answered() {
    let running = start().await;
    let post = "POST /t/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbody0";
    let chunked = "POST /t/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbody1\r\n0\r\n\r\n";
    let last = "GET /t/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let all = [post, chunked, post, last].concat();
    let whole = running.raw(&all).await.0;
    assert_eq!(whole.matches("HTTP/1.1 200").count(), 4, "{whole}");
    assert!(whole.contains("body1") && whole.ends_with("hello"), "{whole}");
    let mut stream = running.open().await;
    stream.set_nodelay(true).unwrap();
    for piece in all.as_bytes().chunks(7) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(rest(&mut stream).await.0.matches("HTTP/1.1 200").count(), 4);
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
