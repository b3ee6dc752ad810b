//! Unauthorized callers: service calls from other networks, tokens of another issuer, and uploads
//! whose content does not match their type. All on the wire with the upload quota.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use authd::identity::access::api_client as apps;
use authd::identity::admin::accounts;
use authd::identity::{By, FreshBy};
use authd::model::app::ApiClientKind;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use poem::http::Method;
use serde_json::{Value, json};

use crate::process::read_reply;
use crate::support::{Answer, App, Call, app_with};

const SECRET: &str = "6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d";
const HOME: &str = "127.0.0.1";
const EMAIL: &str = "john@example.com";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n";

async fn jobpsych(more: &[(&str, &str)]) -> App {
    app_with("jobpsych", &[&[("tokens.secret", SECRET)], more].concat()).await
}

/// Signs up the example account; returns the access token.
async fn enter(app: &App) -> String {
    let body = json!({ "name": "John", "email": EMAIL, "password": "securePassword123", "company_name": "Acme" });
    let answer = app.post("/api/auth/register", &body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["accessToken"].as_str().unwrap().to_owned()
}

fn refusal(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.body["success"], false, "{}", answer.text);
    (answer.status.as_u16(), answer.body["error"].as_str().unwrap())
}

/// The three calls that only services may make.
fn service_calls(app: &App) -> [Call<'_>; 3] {
    [
        app.get("/api/auth/user-uploads/john@example.com"),
        app.post("/api/auth/increment-upload", &json!({ "email": EMAIL })),
        app.get("/api/auth/jwt-info"),
    ]
}

async fn assert_refused(app: &App, what: &str, change: impl Fn(Call<'_>) -> Call<'_>) {
    for call in service_calls(app) {
        assert_eq!(refusal(&change(call).send().await), (403, "FORBIDDEN"), "{what}");
    }
}

fn multipart(content: &[u8], name: &str) -> Vec<u8> {
    let head = format!(
        "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: image/png\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--x--\r\n"].concat()
}

async fn upload(app: &App, token: &str, body: Vec<u8>) -> Answer {
    let call =
        app.call(Method::POST, "/api/files/upload").body("multipart/form-data; boundary=x", body);
    call.bearer(token).send().await
}

/// The counted uploads, and the stored files.
async fn counted(app: &App, token: &str) -> (Value, Value) {
    let stats = app.get("/api/auth/upload-stats").bearer(token).send().await;
    let files = app.get("/api/files/stats").bearer(token).send().await;
    (stats.body["stats"]["totalUploads"].clone(), files.body["stats"]["totalFiles"].clone())
}

#[tokio::test]
async fn a_local_proxy_makes_no_remote_client_a_service() {
    let app = jobpsych(&[]).await;
    enter(&app).await;
    for header in [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "forwarded",
        "via",
        "x-real-ip",
    ] {
        assert_refused(&app, header, |call| call.from(HOME).header(header, HOME)).await;
    }
    assert_refused(&app, "from elsewhere", |call| call.from("198.51.100.7")).await;

    // A proxy that adds no header is detected by the server's public address, by the environment,
    // or by the address of the proxy.
    let production = [
        ("server.environment", "production"),
        ("hashing.memory", "19456"),
        ("hashing.passes", "2"),
    ];
    for set in [
        &[("server.public_url", "https://auth.example.com")][..],
        &production,
        &[("server.trusted_proxies", "127.0.0.0/8")],
        &[("server.service_networks", "10.0.0.0/8")],
    ] {
        let app = jobpsych(set).await;
        enter(&app).await;
        assert_refused(&app, set[0].0, |call| call.from(HOME)).await;
    }
}

#[tokio::test]
async fn a_service_s_key_opens_its_calls_from_anywhere_and_no_other_key_does() {
    let app = jobpsych(&[("server.public_url", "https://auth.example.com")]).await;
    let token = enter(&app).await;
    let by = By::command_line();
    let (_, client) = apps::create(&app.core, &by, "web", ApiClientKind::Client).await.unwrap();
    let (service, key) =
        apps::create(&app.core, &by, "second", ApiClientKind::Service).await.unwrap();
    assert_refused(&app, "a client's key", |call| call.header("x-service-key", client.reveal()))
        .await;
    assert_refused(&app, "a user's token", |call| call.bearer(&token)).await;
    assert_refused(&app, "two keys", |call| {
        call.header("x-service-key", key.reveal()).header("x-service-key", "x")
    })
    .await;
    for call in service_calls(&app) {
        let answer = call
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-service-key", key.reveal())
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    apps::delete(&app.core, &FreshBy::command_line(), &service.id).await.unwrap();
    assert_refused(&app, "a deleted service's key", |call| {
        call.header("x-service-key", key.reveal())
    })
    .await;
    assert_eq!(counted(&app, &token).await.0, 1);
}

#[tokio::test]
async fn a_token_of_another_algorithm_secret_or_maker_opens_nothing() {
    let app = jobpsych(&[]).await;
    let good = enter(&app).await;
    let [head, payload, _] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let kid = jsonwebtoken::decode_header(&good).unwrap().kid;
    let mut longer = claims.clone();
    longer["exp"] = (claims["exp"].as_i64().unwrap() + 3600).into();
    let signed = |algorithm: Algorithm, secret: &str, claims: &Value| {
        let header = Header { kid: kid.clone(), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let headed = |text: &str| format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(text));
    let rs256 = app_with("jobpsych", &[("tokens.algorithm", "RS256")]).await;
    let other = app_with("jobpsych", &[("tokens.secret", &SECRET.replace('6', "7"))]).await;
    for (what, token) in [
        ("another secret", signed(Algorithm::HS256, &SECRET.replace('6', "7"), &claims)),
        ("HS384", signed(Algorithm::HS384, SECRET, &claims)),
        ("HS512", signed(Algorithm::HS512, SECRET, &claims)),
        ("made longer by who shares the secret", signed(Algorithm::HS256, SECRET, &longer)),
        ("none", headed(r#"{"alg":"none","typ":"JWT"}"#)),
        ("None", headed(r#"{"alg":"None","typ":"JWT"}"#)),
        ("no signature", format!("{head}.{payload}.")),
        ("RS256", enter(&rs256).await),
        ("another server", enter(&other).await),
        ("rubbish", "a.b.c".to_owned()),
    ] {
        let refused = (401, "TOKEN_VERIFICATION_FAILED");
        assert_eq!(
            refusal(&app.get("/api/auth/profile").bearer(&token).send().await),
            refused,
            "{what}"
        );
        let verified = app.post("/api/auth/verify-token", &json!({ "token": token })).send().await;
        assert_eq!(refusal(&verified), refused, "{what}");
        assert_eq!(
            refusal(&upload(&app, &token, multipart(PDF, "cv.pdf")).await),
            refused,
            "{what}"
        );
    }
    assert_eq!(counted(&app, &good).await, (json!(0), json!(0)));
}

#[tokio::test]
async fn a_file_that_lies_about_its_type_or_size_is_refused_and_counts_nothing() {
    let app = jobpsych(&[("files.size", "1000")]).await;
    let token = enter(&app).await;
    for (name, content, expected) in [
        ("cv.png", PDF, (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cv.pdf", b"\x89PNG\r\n\x1a\n", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cv.pdf", b"#!/bin/sh\n", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cv.txt", b"\x7fELF\x02\x01\x01\0", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("cv.pdf", &[PDF, &[b'x'; 1000]].concat(), (413, "PAYLOAD_TOO_LARGE")),
        ("cv.pdf", b"", (400, "VALIDATION_ERROR")),
    ] {
        assert_eq!(
            refusal(&upload(&app, &token, multipart(content, name)).await),
            expected,
            "{name}"
        );
    }
    assert_eq!(counted(&app, &token).await, (json!(0), json!(0)));
    // The declared type of the part is ignored: this one is declared as an image and is a document.
    assert_eq!(
        upload(&app, &token, multipart(PDF, "cv.pdf")).await.body["file"]["type"],
        "application/pdf"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_than_it_says_leaves_no_file() {
    let app = jobpsych(&[]).await;
    let token = enter(&app).await;
    let server = app.listen().await;
    let address = server.url("").replace("http://", "");
    let body = multipart(PDF, "cv.pdf");
    for said in [body.len() + 1000, body.len() - 5, PDF.len()] {
        let head = format!(
            "POST /api/files/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {said}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let reply = tokio::task::block_in_place(|| read_reply(&mut stream));
        assert!(reply.as_ref().is_none_or(|reply| reply.status == 400), "{said}: {reply:?}");
    }
    assert_eq!(counted(&app, &token).await, (json!(0), json!(0)));
}

#[tokio::test]
async fn uploads_here_and_counts_from_the_second_service_share_one_quota() {
    let app = jobpsych(&[
        // One client IP has at most half of all.
        ("files.in_flight", "60"),
        ("files.in_flight_account", "30"),
        ("files.free_space", "0"),
    ])
    .await;
    let token = enter(&app).await;
    // Unverified accounts upload one file at a time.
    accounts::verify(&app.core, &By::command_line(), EMAIL).await.unwrap();
    let uploads = (0..30).map(|_| upload(&app, &token, multipart(PDF, "cv.pdf")));
    let body = json!({ "email": EMAIL });
    let counts = (0..30).map(|_| app.post("/api/auth/increment-upload", &body).from(HOME).send());
    let (uploads, counts) = futures_util::future::join(
        futures_util::future::join_all(uploads),
        futures_util::future::join_all(counts),
    )
    .await;
    let taken = uploads.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken + counts.iter().filter(|answer| answer.status == 200).count(), 10);
    for refused in uploads.iter().chain(&counts).filter(|answer| !answer.status.is_success()) {
        assert_eq!(refusal(refused), (429, "UPLOAD_LIMIT_REACHED"));
    }
    assert_eq!(counted(&app, &token).await, (json!(10), json!(taken)));
}

#[tokio::test]
async fn two_refresh_cookies_and_those_of_another_site_s_page_change_nothing() {
    let app = jobpsych(&[]).await;
    enter(&app).await;
    let login = json!({ "email": EMAIL, "password": "securePassword123" });
    let entered = app.post("/api/auth/login", &login).send().await;
    let cookie = format!("refreshToken={}", entered.cookie().unwrap());
    for path in ["/api/auth/refresh", "/api/auth/logout"] {
        let call = || app.call(Method::POST, path);
        for (call, expected) in [
            (call().header("cookie", &format!("{cookie}; {cookie}")), (400, "VALIDATION_ERROR")),
            (
                call().header("cookie", &cookie).header("cookie", "refreshToken=x"),
                (400, "VALIDATION_ERROR"),
            ),
            (
                call().header("cookie", &cookie).header("sec-fetch-site", "cross-site"),
                (403, "FORBIDDEN"),
            ),
            (call().header("cookie", &cookie).header("origin", "null"), (403, "FORBIDDEN")),
        ] {
            let answer = call.send().await;
            assert_eq!(refusal(&answer), expected, "{path}");
            // Planted cookies are cleared, and ours is kept.
            let set = answer.headers.get_all("set-cookie").iter();
            let ours = set.filter(|set| set.to_str().unwrap().contains("; Path=/api/auth;"));
            assert_eq!(ours.count(), 0, "{path}");
        }
    }
    let refreshed =
        app.call(Method::POST, "/api/auth/refresh").header("cookie", &cookie).send().await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
}
