//! Bounded before proof: whatever a client sends to whatever operation, the bytes that the server
//! takes before it answers are bounded, and requests that are malformed for every operation cost
//! none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream;
use poem::Body;
use poem::http::Method;
use serde_json::Value;

use crate::bad_input::filled;
use crate::bad_wires::Ground;
use crate::support::Answer;
use crate::v1::fixture::native_document;

/// The size of the pieces in which the bodies here come.
const PIECE: u64 = 4096;
const BODY_LIMIT: u64 = 64 * 1024;
/// The largest file, and what a form may have besides it.
const FORM_LIMIT: u64 = 100_000 + 64 * 1024;

/// A body without an end, which counts what is taken of it.
pub struct Endless {
    taken: Arc<AtomicU64>,
}

impl Endless {
    /// `start`, then `unit` again and again.
    pub fn new(start: &'static [u8], unit: &'static [u8]) -> (Self, Body) {
        let taken = Arc::new(AtomicU64::new(0));
        let count = taken.clone();
        let mut start = Some(start);
        let repeated: Vec<u8> =
            unit.iter().copied().cycle().take(usize::try_from(PIECE).unwrap()).collect();
        let pieces = stream::repeat_with(move || {
            let piece = match start.take() {
                Some(start) if !start.is_empty() => start.to_vec(),
                _ => repeated.clone(),
            };
            count.fetch_add(piece.len() as u64, Ordering::Relaxed);
            Ok::<_, std::io::Error>(piece)
        });
        (Self { taken }, Body::from_bytes_stream(pieces))
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Bodies without an end: content type, start, what follows.
const BODIES: [(&str, &[u8], &[u8]); 7] = [
    ("application/json", b"{\"email\":\"", b"a"),
    ("application/json", b"{\"email\":", b"["),
    ("application/json", b"", b" "),
    ("multipart/form-data; boundary=x", b"", b"\r\n--"),
    ("multipart/form-data; boundary=x", b"--x\r\n", b"a: b\r\n"),
    (
        "multipart/form-data; boundary=x",
        b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-",
        b"\r",
    ),
    ("text/plain", b"", b"a"),
];

/// An operation of a document.
struct Operation {
    method: Method,
    path: String,
    /// The most bytes of a body that it may take; 0 if it takes none.
    most: u64,
}

/// All operations of a document.
fn operations(document: &Value, mount: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if !operation["responses"].is_object() {
                continue;
            }
            let content = &operation["requestBody"]["content"];
            let most = if content["multipart/form-data"].is_object() {
                FORM_LIMIT
            } else if content.is_object() {
                BODY_LIMIT
            } else {
                0
            };
            found.push(Operation { method, path: format!("{mount}{}", filled(path)), most });
        }
    }
    assert!(!found.is_empty());
    found
}

/// Every document, with a server that serves it and its operations.
async fn every_document() -> Vec<(Ground, Vec<Operation>)> {
    let mut all = Vec::new();
    for name in ["siteworks", "jobpath", "jobpsych", "authbackend"] {
        let set = [("files.size", "100000"), ("files.free_space", "0"), ("pages.enabled", "true")];
        let ground = Ground::with(name, &set).await;
        let mut found = operations(&ground.document, "");
        if name == "jobpsych" {
            let native = native_document(&ground.app).await;
            found.extend(operations(&native, "/v1"));
            // Pages are in no document; those with a form take its fields.
            found.extend(authd::web::uncounted(&ground.app.core.config).map(|path| Operation {
                method: Method::POST,
                path,
                most: BODY_LIMIT,
            }));
        }
        all.push((ground, found));
    }
    all
}

/// What a client shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    /// The token of an account, and what else the wire asks for.
    Everything,
}

async fn send(
    ground: &Ground,
    operation: &Operation,
    shown: Shown,
    content_type: &str,
    more: &[(&'static str, &str)],
    body: Body,
) -> Answer {
    let mut call = ground.app.call(operation.method.clone(), &operation.path);
    call = call.set_header("content-type", content_type);
    for (name, value) in more {
        call = call.header(name, value);
    }
    if shown == Shown::Everything {
        call = call.bearer(&ground.bearer).from("127.0.0.1");
        if let Some((id, key)) = &ground.caller {
            call = call.header("x-app-id", id).header("x-service-key", key);
        }
    }
    let answer = tokio::time::timeout(Duration::from_mins(1), call.send_body(body)).await;
    answer.unwrap_or_else(|_| panic!("no answer: {} {}", operation.method, operation.path))
}

#[tokio::test]
async fn no_operation_takes_more_of_a_body_than_its_limit() {
    let mut wrong = Vec::new();
    for (ground, operations) in every_document().await {
        for operation in operations {
            // With proof only where the body is refused in any case, so that nothing is done.
            let shown = [Some(Shown::Nothing), (operation.most > 0).then_some(Shown::Everything)];
            for (shown, (content_type, start, unit)) in
                shown.into_iter().flatten().flat_map(|shown| BODIES.map(|body| (shown, body)))
            {
                let (endless, body) = Endless::new(start, unit);
                let answer = send(&ground, &operation, shown, content_type, &[], body).await;
                let most = if operation.most == 0 { 0 } else { operation.most + 2 * PIECE };
                let is_refused = operation.most == 0 || answer.status.is_client_error();
                if endless.taken() > most || !is_refused {
                    wrong.push(format!(
                        "{} {} {} {shown:?} {content_type}: {} bytes taken, {} {}",
                        ground.name,
                        operation.method,
                        operation.path,
                        endless.taken(),
                        answer.status,
                        answer.text
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_body_announced_as_too_large_and_a_malformed_request_cost_no_byte() {
    let many: Vec<(&'static str, &str)> = vec![("x-one", "1"); 65];
    let mut wrong = Vec::new();
    for (ground, operations) in every_document().await {
        for operation in operations {
            let taken = async |shown, content_type, more: &[(&'static str, &str)]| {
                let (endless, body) = Endless::new(b"", b"a");
                let answer = send(&ground, &operation, shown, content_type, more, body).await;
                (endless.taken(), answer.status.as_u16())
            };
            let mut check = |what: &str, found: (u64, u16), is_right: bool| {
                if found.0 > 0 || !is_right {
                    let Operation { method, path, .. } = &operation;
                    wrong.push(format!("{} {method} {path}: {what}: {found:?}", ground.name));
                }
            };
            let found = taken(Shown::Nothing, "application/json", &many).await;
            check("65 headers", found, found.1 == 400);
            if operation.most > 0 {
                let form = "multipart/form-data; boundary=x";
                let content_type =
                    if operation.most == FORM_LIMIT { form } else { "application/json" };
                let announced = [("content-length", "10000000000")];
                let found = taken(Shown::Everything, content_type, &announced).await;
                // A page without a form takes no POST at all.
                check("announced", found, [405, 413].contains(&found.1));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
