//! Uploads through v1: content, size, quota and ownership.

mod forms;
mod shares;

use std::time::Duration;

use authd::error::Kind;
use authd::http::limits::Limiter;
use authd::http::transport::listener::{EndpointSwap, Listener};
use authd::http::transport::pace::{PIECE, Timeouts};
use authd::identity::access::caller;
use authd::identity::account::file;
use authd::model::Source;
use poem::http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, App, PASSWORD, Server, app, app_with};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n";

async fn upload(app: &App, token: &str, name: &str, content: &[u8]) -> Answer {
    upload_to(app, "/v1/users/me/files", token, name, content).await
}

async fn upload_to(app: &App, path: &str, token: &str, name: &str, content: &[u8]) -> Answer {
    let head = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    );
    let body = [head.as_bytes(), content, b"\r\n--x--\r\n"].concat();
    app.call(Method::POST, path)
        .body("multipart/form-data; boundary=x", body)
        .bearer(token)
        .send()
        .await
}

#[tokio::test]
async fn a_file_goes_in_and_comes_out_and_its_deletion_gives_no_quota_back() {
    let app = app().await;
    let ada = app.enter("ada").await;
    let large = [PDF, &vec![b'x'; 700_000]].concat();
    let made = upload(&app, &ada.access, "../../cv.pdf", &large).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let file = &made.body["data"]["file"];
    assert_eq!(
        (&file["name"], &file["size"], &file["type"]),
        (&json!("cv.pdf"), &json!(700_017), &json!("application/pdf"))
    );
    assert_eq!(
        made.body["data"]["quota"],
        json!({ "filesUploaded": 1, "limit": 10, "remaining": 9, "percentage": 10 })
    );
    let path = format!("/v1/users/me/files/{}", file["id"].as_str().unwrap());

    let bob = app.enter("bob").await;
    assert_eq!(app.get(&path).bearer(&bob.access).send().await.code(), "NOT_FOUND");
    assert_eq!(
        app.call(Method::DELETE, &path).bearer(&bob.access).send().await.code(),
        "NOT_FOUND"
    );

    let back = app.get(&path).bearer(&ada.access).send().await;
    assert_eq!((back.text.len(), back.header("content-type")), (700_017, "application/pdf"));
    assert!(back.header("content-disposition").starts_with("attachment;"));
    assert_eq!(app.call(Method::DELETE, &path).bearer(&ada.access).send().await.status, 200);
    assert_eq!(app.get(&path).bearer(&ada.access).send().await.status, 404);
    let quota = app.get("/v1/users/me/quota").bearer(&ada.access).send().await;
    assert_eq!(quota.body["data"]["filesUploaded"], 1);
}

#[tokio::test]
async fn a_file_that_lies_about_its_type_or_size_leaves_nothing_behind() {
    let app = app_with("standard", &[("files.size", "1000")]).await;
    let ada = app.enter("ada").await;
    for (name, content) in [
        ("cv.pdf", b"MZ\x90\0\x03\0\0\0".as_slice()),
        ("cv.png", PDF),
        ("cv.docx", b"PK\x03\x04 just some archive"),
        ("cv", b"\x7fELF\x02\x01\x01\0"),
    ] {
        let refused = upload(&app, &ada.access, name, content).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code()),
            (415, "UNSUPPORTED_MEDIA_TYPE"),
            "{name}"
        );
    }
    let large = upload(&app, &ada.access, "cv.pdf", &[PDF, &[b'x'; 1000]].concat()).await;
    assert_eq!((large.status.as_u16(), large.code()), (413, "PAYLOAD_TOO_LARGE"));
    for (name, content) in [("", PDF), ("cv.pdf", b"".as_slice())] {
        assert_eq!(upload(&app, &ada.access, name, content).await.status, 400, "{name:?}");
    }
    let other = app
        .call(Method::POST, "/v1/users/me/files")
        .json(&json!({}))
        .bearer(&ada.access)
        .send()
        .await;
    assert_eq!(other.code(), "UNSUPPORTED_MEDIA_TYPE");
    let cut = app
        .call(Method::POST, "/v1/users/me/files")
        .body("multipart/form-data; boundary=x", "--x\r\nrubbish");
    assert_eq!(cut.bearer(&ada.access).send().await.status, 400);
    let listed = app.get("/v1/users/me/files").bearer(&ada.access).send().await;
    assert_eq!(listed.body["data"], json!([]));
    let quota = app.get("/v1/users/me/quota").bearer(&ada.access).send().await;
    assert_eq!(quota.body["data"]["filesUploaded"], 0);
}

#[tokio::test]
async fn thirty_parallel_uploads_at_a_quota_of_ten_leave_exactly_ten() {
    let app = app_with(
        "standard",
        &[("files.in_flight", "60"), ("files.in_flight_account", "30"), ("files.free_space", "0")],
    )
    .await;
    let ada = app.enter("ada").await;
    let calls = (0..30).map(|n| {
        let (app, token) = (&app, ada.access.as_str());
        async move { upload(app, token, &format!("{n}.pdf"), PDF).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
    assert_eq!(answers.iter().filter(|answer| answer.code() == "UPLOAD_LIMIT_REACHED").count(), 20);
    let listed = app.get("/v1/users/me/files").bearer(&ada.access).send().await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 10);
}

/// The total bytes of all files, complete or partial.
fn sizes(app: &App) -> Vec<i64> {
    app.database().numbers("select size from files order by size")
}

/// Lets the server run until the condition holds.
async fn until_sizes(app: &App, expected: &[i64]) {
    for _ in 0..100_000 {
        if sizes(app) == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("expected files of {expected:?} bytes, there are {:?}", sizes(app));
}

/// An upload over a real connection, whose file is sent piece by piece.
struct Slow(TcpStream);

impl Slow {
    /// Starts uploading a file of this size.
    async fn begin(server: &Server, token: &str, size: usize) -> Self {
        let part =
            "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n";
        let length = part.len() + size + "\r\n--x--\r\n".len();
        let head = format!(
            "POST /v1/users/me/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: multipart/form-data; boundary=x\r\ncontent-length: {length}\r\n\r\n{part}"
        );
        let address = server.url("").replace("http://", "");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(PDF).await.unwrap();
        Self(stream)
    }

    async fn send(&mut self, bytes: &[u8]) {
        // If the upload was refused meanwhile, the server has closed the connection; the response
        // can still be read.
        let _ = self.0.write_all(bytes).await;
    }

    /// Ends the body and returns the status of the response.
    async fn end(mut self) -> u16 {
        self.send(b"\r\n--x--\r\n").await;
        let mut answer = Vec::new();
        let _ = self.0.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer)
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap()
    }
}

/// Sends an upload of 20 pieces to this address, one per tick, and returns the response.
async fn send_slowly(address: std::net::SocketAddr, token: &str, tick: Duration) -> String {
    let form = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n";
    let length = form.len() + PDF.len() + 20 * PIECE + "\r\n--x--\r\n".len();
    let head = format!(
        "POST /v1/users/me/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n{form}"
    );
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let sending = async {
        writing.write_all(&[head.as_bytes(), PDF].concat()).await.unwrap();
        let mut ticks = tokio::time::interval(tick);
        for _ in 0..20 {
            ticks.tick().await;
            // A client that is cut off still reads the response.
            let _ = writing.write_all(&vec![b'x'; PIECE]).await;
        }
        let _ = writing.write_all(b"\r\n--x--\r\n").await;
    };
    let answered = async {
        let mut answer = Vec::new();
        let _ = reading.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::select! {
        answer = answered => answer,
        () = async { sending.await; std::future::pending().await } => String::new(),
    }
}

#[tokio::test]
async fn a_file_that_no_room_is_left_for_is_refused_for_now() {
    let total = [("files.total", "1000"), ("files.size", "800"), ("files.free_space", "0")];
    let app = app_with("standard", &total).await;
    let ada = app.enter("ada").await;
    assert_eq!(
        upload(&app, &ada.access, "cv.pdf", &[PDF, &[b'x'; 300]].concat()).await.status,
        201
    );
    let refused = upload(&app, &ada.access, "cv.pdf", PDF).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (503, "SERVICE_UNAVAILABLE"),
        "{}",
        refused.text
    );
    assert!(!refused.header("retry-after").is_empty() && !refused.text.contains("files.total"));
    let list = app.get("/v1/users/me/files").bearer(&ada.access).send().await;
    let path = format!("/v1/users/me/files/{}", list.body["data"][0]["id"].as_str().unwrap());
    assert_eq!(app.call(Method::DELETE, &path).bearer(&ada.access).send().await.status, 200);
    assert_eq!(upload(&app, &ada.access, "cv.pdf", PDF).await.status, 201, "there is room again");

    let app = app_with("standard", &[("files.free_space", "1000000000000")]).await;
    let ada = app.enter("ada").await;
    assert_eq!(
        upload(&app, &ada.access, "cv.pdf", PDF).await.status,
        503,
        "the disk's room is not ours"
    );
    assert_eq!(sizes(&app), [0_i64; 0]);
}

#[tokio::test]
async fn files_that_come_together_have_no_more_room_than_one_by_one() {
    let set = [("files.total", "1000000"), ("files.size", "900000"), ("files.free_space", "0")];
    let app = app_with("standard", &set).await;
    let (ada, server) = (app.enter("ada").await, app.listen().await);
    let size = 700_000;
    let mut first = Slow::begin(&server, &ada.access, size).await;
    let mut second = Slow::begin(&server, &ada.access, size).await;
    until_sizes(&app, &[0, 0]).await;
    let rest = vec![b'x'; size - PDF.len()];
    first.send(&rest[..600_000]).await;
    until_sizes(&app, &[0, 524_288]).await;
    second.send(&rest).await;
    assert_eq!(second.end().await, 503);
    until_sizes(&app, &[524_288]).await;
    first.send(&rest[600_000..]).await;
    assert_eq!(first.end().await, 201);
    assert_eq!(sizes(&app), [700_000]);
}

#[tokio::test]
async fn few_uploads_are_under_way_at_a_time_and_one_that_breaks_off_is_gone_at_once() {
    let app = app_with("standard", &[("files.in_flight", "1"), ("files.free_space", "0")]).await;
    let (ada, server) = (app.enter("ada").await, app.listen().await);
    let mut slow = Slow::begin(&server, &ada.access, 600_000).await;
    slow.send(&vec![b'x'; 300_000]).await;
    until_sizes(&app, &[262_144]).await;
    let refused = upload(&app, &ada.access, "cv.pdf", PDF).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (503, "SERVICE_UNAVAILABLE"),
        "{}",
        refused.text
    );
    drop(slow);
    until_sizes(&app, &[]).await;
    assert_eq!(app.database().number("select count(*) from file_pieces"), 0);
    assert_eq!(upload(&app, &ada.access, "cv.pdf", PDF).await.status, 201);
}

#[tokio::test]
async fn a_file_left_unfinished_by_an_end_in_between_is_purged_after_an_hour() {
    let app = app_with("standard", &[("files.free_space", "0")]).await;
    let ada = app.enter("ada").await;
    assert_eq!(upload(&app, &ada.access, "cv.pdf", PDF).await.status, 201);
    let left = "insert into files (id, account_id, name, type, size, created_at) \
                select 'left', account_id, name, '', 4, created_at from files";
    assert_eq!(app.database().tamper(left), 1);
    app.database().tamper(
        "insert into file_pieces (file_id, position, bytes) values ('left', 0, x'25504446')",
    );
    app.turn_clock(Duration::from_mins(59));
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    assert_eq!(sizes(&app).len(), 2, "a client may still be sending it");
    app.turn_clock(Duration::from_mins(1));
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    assert_eq!(sizes(&app), [i64::try_from(PDF.len()).unwrap()], "what is whole stays");
}

/// Serves on its own port with these timeouts.
async fn serve_within(
    app: &App,
    timeouts: Timeouts,
) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let at = authd::config::Server {
        listen: ([127, 0, 0, 1], 0).into(),
        ..app.core.config.server.clone()
    };
    let listener = Listener::bind(&at, timeouts, &app.core.env, &app.core.metrics).await.unwrap();
    let address = listener.local_addr();
    let forever = std::future::pending::<()>;
    let limiter = Limiter::new(app.core.config.limits.clone(), app.core.env.clone());
    let swap = EndpointSwap::new(authd::app::endpoint(&app.core, &limiter));
    (address, tokio::spawn(listener.serve(swap, forever(), forever())))
}

#[tokio::test]
async fn an_upload_that_keeps_coming_still_ends_in_the_time_that_its_size_is_given() {
    let app = app().await;
    let ada = app.enter("ada").await;
    let body = Duration::from_millis(400);
    for timeouts in [
        Timeouts { body, piece: Duration::from_millis(1), ..Timeouts::default() },
        // The deadline allows for the largest file, no matter what length the client announces.
        Timeouts { body, upload: 0, ..Timeouts::default() },
    ] {
        let (address, serving) = serve_within(&app, timeouts).await;
        let late = send_slowly(address, &ada.access, Duration::from_millis(80)).await;
        assert!(late.starts_with("HTTP/1.1 400"), "{late}");
        until_sizes(&app, &[]).await;
        serving.abort();
    }
}

#[tokio::test]
async fn an_upload_has_its_time_again_with_each_piece_that_comes() {
    let app = app().await;
    let ada = app.enter("ada").await;
    let (address, serving) =
        serve_within(&app, Timeouts { body: Duration::from_millis(400), ..Timeouts::default() })
            .await;
    // Longer in total than the body timeout, but never idle for that long.
    let slow = send_slowly(address, &ada.access, Duration::from_millis(40)).await;
    assert!(slow.starts_with("HTTP/1.1 201"), "{slow}");
    let still = send_slowly(address, &ada.access, Duration::from_secs(1)).await;
    assert!(still.starts_with("HTTP/1.1 400"), "{still}");
    serving.abort();
}

#[tokio::test]
async fn an_upload_below_the_minimum_pace_is_cut_off_although_its_pieces_keep_coming() {
    let app = app().await;
    let ada = app.enter("ada").await;
    let (body, piece) = (Duration::from_millis(140), Duration::from_millis(100));
    let timeouts = Timeouts { body, piece, ..Timeouts::default() };
    let (address, serving) = serve_within(&app, timeouts).await;
    // Each piece comes within the time of a piece, and all 20 within the time of so many, but they
    // fall behind the pace long before.
    let slow = send_slowly(address, &ada.access, Duration::from_millis(110)).await;
    assert!(slow.starts_with("HTTP/1.1 400"), "{slow}");
    let paced = Timeouts { body: Duration::from_secs(2), piece, ..timeouts };
    serving.abort();
    let (address, serving) = serve_within(&app, paced).await;
    let honest = send_slowly(address, &ada.access, Duration::from_millis(110)).await;
    assert!(honest.starts_with("HTTP/1.1 201"), "{honest}");
    serving.abort();
}

#[tokio::test]
async fn one_account_never_holds_all_the_room_for_uploads_under_way() {
    for (profile, code) in [("standard", "/error/code"), ("jobpsych", "/error")] {
        let app = app_with(profile, &[("files.free_space", "0")]).await;
        let (ada, bob) = (app.enter("ada").await, app.enter("bob").await);
        let caller = caller::authenticate(&app.core, &ada.access).await.unwrap();
        let source = Source::command_line();
        let begin = || file::permit(&app.core, &caller, &source);
        let (first, second) = (begin().await.unwrap(), begin().await.unwrap());
        let path = if profile == "jobpsych" { "/api/files/upload" } else { "/v1/users/me/files" };
        let third = upload_to(&app, path, &ada.access, "cv.pdf", PDF).await;
        assert_eq!(
            (third.status.as_u16(), third.header("retry-after")),
            (429, "1"),
            "{}",
            third.text
        );
        assert_eq!(third.body.pointer(code), Some(&json!("RATE_LIMIT_EXCEEDED")), "{}", third.text);
        assert_eq!(upload(&app, &bob.access, "cv.pdf", PDF).await.status, 201, "others have room");
        drop(first);
        assert_eq!(upload(&app, &ada.access, "cv.pdf", PDF).await.status, 201);
        drop(second);
    }
}

#[tokio::test]
async fn an_upload_of_a_session_that_ends_meanwhile_stores_nothing() {
    let app = app().await;
    let ada = app.enter("ada").await;
    let caller = caller::authenticate(&app.core, &ada.access).await.unwrap();
    let source = Source::command_line();
    let begin = async || {
        let permit = file::permit(&app.core, &caller, &source).await.unwrap();
        let mut upload = permit.begin("cv.pdf").await.unwrap();
        upload.push(PDF).await.unwrap();
        upload
    };
    let (early, late) = (begin().await, begin().await);
    early.finish().await.unwrap();
    app.post("/v1/auth/logout", &json!({})).bearer(&ada.access).ok(200).await;
    assert_eq!(late.finish().await.map(drop).unwrap_err().kind(), Kind::SessionEnded);
    let again = app.login("ada", PASSWORD).await.tokens().access;
    let listed = app.get("/v1/users/me/files").bearer(&again).ok(200).await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1), "{}", listed.text);
}
