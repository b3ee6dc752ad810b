//! Forms that are broken, endless or too large: what the client is told, and how much of them is
//! taken.

use crate::properties::bounded::Endless;

use super::*;

const FORM: &str = "multipart/form-data; boundary=x";

#[tokio::test]
async fn a_form_that_is_none_is_told_so_in_the_envelope_of_the_wire() {
    for (profile, path, message, code) in [
        ("standard", "/v1/users/me/files", "/error/message", "/error/code"),
        ("jobpsych", "/api/files/upload", "/message", "/error"),
    ] {
        let app = app_with(profile, &[("files.free_space", "0")]).await;
        let ada = app.enter("ada").await;
        let no_form = "The request body is not a valid form (multipart/form-data)";
        for (content_type, body, expected) in [
            (FORM, "", no_form),
            (FORM, "rubbish", no_form),
            (FORM, "--x\r\nrubbish", no_form),
            (FORM, "--x\r\nrubbish\r\n\r\n", no_form),
            (FORM, "--xy\r\n\r\n", no_form),
            (FORM, "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nb", no_form),
            (
                "multipart/form-data",
                "--x--",
                "The content type multipart/form-data needs a boundary",
            ),
        ] {
            let call = app.call(Method::POST, path).body(content_type, body).bearer(&ada.access);
            let answer = call.send().await;
            let at = |pointer| answer.body.pointer(pointer).and_then(serde_json::Value::as_str);
            assert_eq!(answer.status.as_u16(), 400, "{body:?}: {}", answer.text);
            assert_eq!(at(code), Some("VALIDATION_ERROR"), "{body:?}: {}", answer.text);
            assert_eq!(at(message), Some(expected), "{body:?}");
        }
        let empty = app.call(Method::POST, path).body(FORM, "--x--").bearer(&ada.access);
        let empty = empty.send().await;
        assert_eq!(empty.status.as_u16(), 400, "{}", empty.text);
        assert!(!empty.text.contains("JSON"), "{}", empty.text);
    }
}

#[tokio::test]
async fn a_file_is_found_behind_other_fields_and_whatever_follows_it_is_ignored() {
    let app = app().await;
    let ada = app.enter("ada").await;
    let form = b"a preamble\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nno file\r\n\
        --x \r\nContent-Type: application/pdf\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n\
        %PDF-1.7\r\n--\r\n--y\r\n--x\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\n1\r\n--x--";
    let call = app.call(Method::POST, "/v1/users/me/files").body(FORM, &form[..]);
    let made = call.bearer(&ada.access).ok(201).await;
    assert_eq!(made.body["data"]["file"]["size"], "%PDF-1.7\r\n--\r\n--y".len());
}

/// Sends a form without an end; returns the response and how many bytes were taken.
async fn send_endless(
    app: &App,
    token: &str,
    (start, unit): (&'static [u8], &'static [u8]),
    length: Option<&str>,
) -> (Answer, u64) {
    let mut call = app.call(Method::POST, "/v1/users/me/files").body(FORM, "").bearer(token);
    if let Some(length) = length {
        call = call.header("content-length", length);
    }
    let (endless, body) = Endless::new(start, unit);
    (call.send_body(body).await, endless.taken())
}

const HEAD: &[u8] =
    b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n%PDF-";
const FIELD: &[u8] = b"--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n";

#[tokio::test]
async fn no_part_of_a_form_is_taken_without_bound() {
    let app = app_with("standard", &[("files.size", "100000"), ("files.free_space", "0")]).await;
    let ada = app.enter("ada").await;
    let kib = 1024;
    for (what, form, most) in [
        ("a preamble", (&b""[..], &b"a"[..]), 16 * kib),
        ("a preamble of almost boundaries", (b"", b"\r\n--"), 16 * kib),
        ("a head", (b"--x\r\n", b"a: b\r\n"), 16 * kib),
        ("parts", (b"", b"--x\r\n\r\n\r\n"), 16 * kib),
        ("another field", (FIELD, b"\r"), 80 * kib),
        ("the file", (HEAD, b"a"), 100_000 + 64 * kib),
    ] {
        let (answer, taken) = send_endless(&app, &ada.access, form, None).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (413, "PAYLOAD_TOO_LARGE"), "{what}");
        assert!(taken <= most + 3 * 4096, "{what}: {taken}");
    }
    until_sizes(&app, &[]).await;
    let (answer, taken) = send_endless(&app, &ada.access, (HEAD, b"a"), Some("165537")).await;
    assert_eq!((answer.code(), taken), ("PAYLOAD_TOO_LARGE", 0), "announced");
}

#[tokio::test]
async fn slot_quota_and_space_are_asked_for_before_a_byte_is_taken() {
    let set = [("files.free_space", "0"), ("files.size", "1000"), ("files.total", "10000")];
    let app = app_with("standard", &set).await;
    let ada = app.enter("ada").await;
    let caller = caller::authenticate(&app.core, &ada.access).await.unwrap();
    let source = Source::command_line();
    let held = file::permit(&app.core, &caller, &source).await.unwrap();
    let _other = file::permit(&app.core, &caller, &source).await.unwrap();
    let (answer, taken) = send_endless(&app, &ada.access, (b"", b"a"), None).await;
    assert_eq!((answer.code(), taken), ("RATE_LIMIT_EXCEEDED", 0));
    drop(held);
    app.database().tamper("update accounts set upload_limit = 0");
    let (answer, taken) = send_endless(&app, &ada.access, (b"", b"a"), None).await;
    assert_eq!((answer.code(), taken), ("UPLOAD_LIMIT_REACHED", 0));
}
