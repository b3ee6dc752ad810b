//! The jobpsych wire, call by call as in its document, on the real program with its profile.

use std::time::Duration;

use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Call, app_with, token_in};

const PASSWORD: &str = "securePassword123";
const SECRET: &str = "6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d";
/// A caller from `server.service_networks`: the local host.
const HOME: &str = "127.0.0.1";

async fn jobpsych() -> App {
    app_with("jobpsych", &[]).await
}

fn example() -> Value {
    json!({ "name": "John Doe", "email": "john@example.com", "password": PASSWORD, "company_name": "Acme Corp" })
}

fn text(answer: &Answer, pointer: &str) -> String {
    let found = answer.body.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer}: {}", answer.text)).to_owned()
}

/// Signs up the example account; returns the access token and the refresh cookie.
async fn enter(app: &App) -> (String, String) {
    let answer = app.post("/api/auth/register", &example()).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    (text(&answer, "/accessToken"), answer.cookie().unwrap())
}

fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.body["success"], false, "{}", answer.text);
    assert!(answer.body["message"].is_string(), "{}", answer.text);
    (answer.status.as_u16(), text(answer, "/error"))
}

fn with_cookie<'a>(call: Call<'a>, cookie: &str) -> Call<'a> {
    call.header("cookie", &format!("refreshToken={cookie}"))
}

#[tokio::test]
async fn sign_up_and_login_answer_as_the_document_prints() {
    let app = jobpsych().await;
    let registered = app.post("/api/auth/register", &example()).send().await;
    let user = |uploaded: i64| json!({ "id": "1", "name": "John Doe", "email": "john@example.com", "company_name": "Acme Corp", "filesUploaded": uploaded });
    let expected = |message: &str, answer: &Answer| json!({ "success": true, "message": message, "accessToken": text(answer, "/accessToken"), "user": user(0) });
    assert_eq!(registered.status, 201);
    assert_eq!(registered.body, expected("User registered successfully", &registered));
    let cookie = registered.header("set-cookie").to_owned();
    assert!(cookie.starts_with("refreshToken="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Strict", "Max-Age=604800", "Path=/api/auth"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    let login = json!({ "email": "john@example.com", "password": PASSWORD });
    let login = app.post("/api/auth/login", &login).send().await;
    assert_eq!((login.status.as_u16(), &login.body), (200, &expected("Login successful", &login)));
    let profile = app.get("/api/auth/profile").bearer(&text(&login, "/accessToken")).send().await;
    assert_eq!(profile.body, json!({ "success": true, "user": user(0) }));
}

#[tokio::test]
async fn the_cookie_is_secure_under_its_own_name_in_production() {
    let production = [
        ("server.environment", "production"),
        ("tokens.secret", SECRET),
        ("hashing.memory", "19456"),
        ("hashing.passes", "2"),
    ];
    let app = app_with("jobpsych", &production).await;
    let registered = app.post("/api/auth/register", &example()).send().await;
    let cookie = registered.header("set-cookie");
    assert!(
        cookie.starts_with("refreshToken=") && cookie.contains("; Secure"),
        "{cookie} {}",
        registered.text
    );
    let weak = app.post("/api/auth/register", &json!({ "email": 5 })).send().await;
    assert!(weak.body.get("details").is_none(), "no details in production: {}", weak.text);
}

#[tokio::test]
async fn the_refresh_token_is_in_the_cookie_alone_and_is_rotated() {
    let app = jobpsych().await;
    let (_, first) = enter(&app).await;
    let none = app.post("/api/auth/refresh", &json!({ "refreshToken": first })).send().await;
    assert_eq!(
        refusal(&none),
        (401, "TOKEN_VERIFICATION_FAILED".to_owned()),
        "a body is not looked at"
    );
    let refreshed = with_cookie(app.call(Method::POST, "/api/auth/refresh"), &first).send().await;
    let message = "Token refreshed successfully";
    let expected = json!({ "success": true, "message": message, "accessToken": text(&refreshed, "/accessToken") });
    assert_eq!((refreshed.status.as_u16(), &refreshed.body), (200, &expected));
    assert_ne!(refreshed.cookie().unwrap(), first);
    let foreign =
        with_cookie(app.call(Method::POST, "/api/auth/refresh"), &refreshed.cookie().unwrap());
    let foreign = foreign.header("origin", "https://evil.example").send().await;
    assert_eq!(refusal(&foreign), (403, "FORBIDDEN".to_owned()));
}

#[tokio::test]
async fn logout_ends_the_session_and_its_access_token() {
    let app = jobpsych().await;
    let (access, cookie) = enter(&app).await;
    let out = with_cookie(app.call(Method::POST, "/api/auth/logout"), &cookie).send().await;
    assert_eq!(out.body, json!({ "success": true, "message": "Logged out successfully" }));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    let gone = app.get("/api/auth/profile").bearer(&access).send().await;
    assert_eq!(refusal(&gone), (401, "TOKEN_VERIFICATION_FAILED".to_owned()));
    assert_eq!(
        app.call(Method::POST, "/api/auth/logout").send().await.status,
        200,
        "no caller is refused"
    );
}

#[tokio::test]
async fn what_is_missing_is_400_and_what_is_not_acceptable_422() {
    let app = jobpsych().await;
    enter(&app).await;
    let with = |name: &str, value: Value| {
        let mut body = example();
        body[name] = value;
        body
    };
    for (body, status) in [
        (json!({}), 400),
        (with("email", json!("")), 400),
        (with("email", json!(7)), 400),
        (with("email", json!("not an address")), 422),
        (with("password", json!("short")), 422),
        (with("company_name", Value::Null), 400),
    ] {
        let answer = app.post("/api/auth/register", &body).send().await;
        assert_eq!(refusal(&answer), (status, "VALIDATION_ERROR".to_owned()), "{body}");
        assert!(answer.body["details"].is_string(), "{}", answer.text);
    }
    let taken = app.post("/api/auth/register", &example()).send().await;
    assert_eq!(refusal(&taken), (409, "EMAIL_EXISTS".to_owned()));
    let wrong = json!({ "email": "john@example.com", "password": "another one" });
    let wrong = app.post("/api/auth/login", &wrong).send().await;
    assert_eq!(refusal(&wrong), (401, "INVALID_CREDENTIALS".to_owned()));
    let broken =
        app.call(Method::POST, "/api/auth/login").body("application/json", "{").send().await;
    assert_eq!(refusal(&broken), (400, "VALIDATION_ERROR".to_owned()));
    assert_eq!(refusal(&app.get("/api/auth/nothing").send().await), (404, "NOT_FOUND".to_owned()));
    assert_eq!(
        refusal(&app.get("/api/auth/login").send().await),
        (405, "METHOD_NOT_ALLOWED".to_owned())
    );
    assert_eq!(
        refusal(&app.get("/api/auth/profile").send().await),
        (401, "TOKEN_VERIFICATION_FAILED".to_owned())
    );
}

#[tokio::test]
async fn a_second_service_asks_and_counts_and_thirty_at_once_leave_ten() {
    let app = jobpsych().await;
    enter(&app).await;
    let asked = app.get("/api/auth/user-uploads/john@example.com").from(HOME).send().await;
    let expected = json!({
        "success": true, "email": "john@example.com", "filesUploaded": 0, "limit": 10, "remaining": 10,
        "message": "Upload statistics retrieved successfully",
    });
    assert_eq!((asked.status.as_u16(), &asked.body), (200, &expected));
    let body = json!({ "email": "john@example.com" });
    let first = app.post("/api/auth/increment-upload", &body).from(HOME).send().await;
    let expected = json!({
        "success": true, "message": "Upload count incremented successfully", "email": "john@example.com",
        "filesUploaded": 1, "limit": 10, "remaining": 9,
    });
    assert_eq!((first.status.as_u16(), &first.body), (200, &expected));
    let calls = (0..30).map(|_| app.post("/api/auth/increment-upload", &body).from(HOME).send());
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 9);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refusal(refused), (429, "UPLOAD_LIMIT_REACHED".to_owned()));
    }
    let unknown = app.get("/api/auth/user-uploads/no@example.com").from(HOME).send().await;
    assert_eq!(
        (refusal(&unknown), &unknown.body["filesUploaded"]),
        ((404, "USER_NOT_FOUND".to_owned()), &json!(0))
    );
    assert_eq!(app.get("/api/auth/user-uploads/rubbish").from(HOME).send().await.status, 400);
}

#[tokio::test]
async fn service_calls_from_elsewhere_or_through_a_proxy_are_refused() {
    let app = jobpsych().await;
    enter(&app).await;
    let body = json!({ "email": "john@example.com" });
    let forbidden = (403, "FORBIDDEN".to_owned());
    for path in ["/api/auth/user-uploads/john@example.com", "/api/auth/jwt-info"] {
        assert_eq!(refusal(&app.get(path).send().await), forbidden, "{path}");
        let proxied = app.get(path).from(HOME).header("x-forwarded-for", "127.0.0.1").send().await;
        assert_eq!(refusal(&proxied), forbidden, "{path}");
        let rebound = app.get(path).from(HOME).set_header("host", "evil.example:5000").send().await;
        assert_eq!(refusal(&rebound), forbidden, "a page that points its own name here: {path}");
        let guessed = app.get(path).header("x-service-key", "guessed").send().await;
        assert_eq!(refusal(&guessed), forbidden, "{path}");
    }
    assert_eq!(refusal(&app.post("/api/auth/increment-upload", &body).send().await), forbidden);
}

#[tokio::test]
async fn a_token_is_verified_and_described_in_exactly_four_claims() {
    let set = [("tokens.secret", SECRET), ("server.reveal_secret_ends", "true")];
    let app = app_with("jobpsych", &set).await;
    let (access, _) = enter(&app).await;
    let verified = app.post("/api/auth/verify-token", &json!({ "token": access })).send().await;
    let decoded = verified.body["decoded"].as_object().unwrap();
    assert_eq!(decoded.keys().collect::<Vec<_>>(), ["userId", "email", "iat", "exp"]);
    assert_eq!((&decoded["userId"], &decoded["email"]), (&json!("1"), &json!("john@example.com")));
    assert_eq!(decoded["exp"].as_i64().unwrap() - decoded["iat"].as_i64().unwrap(), 900);

    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&access, &key, &rules).unwrap().claims;
    assert_eq!((&claims["userId"], &claims["email"]), (&json!("1"), &json!("john@example.com")));

    let forged = jsonwebtoken::encode(
        &jsonwebtoken::Header::default(),
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes()),
    );
    let forged =
        app.post("/api/auth/verify-token", &json!({ "token": forged.unwrap() })).send().await;
    assert_eq!(refusal(&forged), (401, "TOKEN_VERIFICATION_FAILED".to_owned()));
    let missing = app.post("/api/auth/verify-token", &json!({})).send().await;
    assert_eq!(refusal(&missing), (400, "VALIDATION_ERROR".to_owned()));

    let info = app.get("/api/auth/jwt-info").from(HOME).send().await;
    let info = &info.body["jwtInfo"];
    assert_eq!(
        (&info["algorithm"], &info["accessTokenExpiry"], &info["refreshTokenExpiry"]),
        (&json!("HS256"), &json!("15m"), &json!("7d"))
    );
    assert_eq!(
        (&info["secretLength"], &info["secretFirstChars"]),
        (&json!(64), &json!(&SECRET[..10]))
    );
    assert_eq!(
        (&info["secretLastChars"], info["secretFingerprint"].as_str().unwrap().len()),
        (&json!(&SECRET[55..]), 16)
    );
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_a_mailed_link() {
    let set = [
        ("limits.reset.count", "2"),
        ("limits.reset.shape", "window"),
        ("password.personal", "true"),
    ];
    let app = app_with("jobpsych", &set).await;
    enter(&app).await;
    let known =
        app.post("/api/auth/reset-password", &json!({ "email": "john@example.com" })).send().await;
    let unknown =
        app.post("/api/auth/reset-password", &json!({ "email": "no@example.com" })).send().await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let token = token_in(&app.mails().await, "reset-password?token=");
    // A password that breaks a rule uses up neither the link nor one of the hourly resets.
    for _ in 0..3 {
        let bad = json!({ "token": token, "newPassword": "john@example.com" });
        assert_eq!(
            refusal(&app.post("/api/auth/reset-password", &bad).send().await).1,
            "VALIDATION_ERROR"
        );
    }
    let set = json!({ "token": token, "newPassword": "anotherPassword456" });
    let done = app.post("/api/auth/reset-password", &set).send().await;
    assert_eq!(done.body, json!({ "success": true, "message": "Password reset successfully" }));
    assert_eq!(app.post("/api/auth/reset-password", &set).send().await.status, 400);
    let login = json!({ "email": "john@example.com", "password": "anotherPassword456" });
    assert_eq!(app.post("/api/auth/login", &login).send().await.status, 200);
    assert_eq!(refusal(&app.post("/api/auth/reset-password", &json!({})).send().await).0, 400);
}

#[tokio::test]
async fn a_password_change_keeps_the_session_that_made_it() {
    let app = jobpsych().await;
    let (access, _) = enter(&app).await;
    let wrong = json!({ "currentPassword": "not the one", "newPassword": "anotherPassword456" });
    let wrong = app.post("/api/auth/change-password", &wrong).bearer(&access).send().await;
    assert_eq!(refusal(&wrong), (400, "INVALID_CREDENTIALS".to_owned()));
    let right = json!({ "currentPassword": PASSWORD, "newPassword": "anotherPassword456" });
    let right = app.post("/api/auth/change-password", &right).bearer(&access).send().await;
    assert_eq!(right.body, json!({ "success": true, "message": "Password changed successfully" }));
    assert_eq!(app.get("/api/auth/profile").bearer(&access).send().await.status, 200);
}

#[tokio::test]
async fn files_are_uploaded_counted_listed_fetched_and_deleted() {
    let app = jobpsych().await;
    let (access, _) = enter(&app).await;
    let body = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n%PDF-1.7 hello\r\n--x--\r\n";
    let upload =
        app.call(Method::POST, "/api/files/upload").body("multipart/form-data; boundary=x", body);
    let uploaded = upload.bearer(&access).send().await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.text);
    let expected = json!({
        "success": true, "message": "File uploaded successfully",
        "file": {
            "id": text(&uploaded, "/file/id"), "name": "cv.pdf", "size": 14, "type": "application/pdf",
            "uploadedAt": text(&uploaded, "/file/uploadedAt"),
        },
        "filesUploaded": 1, "limit": 10, "remaining": 9,
    });
    assert_eq!(uploaded.body, expected);
    let path = format!("/api/files/{}", text(&uploaded, "/file/id"));
    assert_eq!(app.get(&path).bearer(&access).send().await.text, "%PDF-1.7 hello");
    let stats = app.get("/api/files/stats").bearer(&access).send().await;
    let figures =
        json!({ "totalFiles": 1, "totalSize": 14, "limit": 10, "remaining": 9, "percentage": 10 });
    assert_eq!(stats.body, json!({ "success": true, "stats": figures }));
    assert_eq!(app.call(Method::DELETE, &path).bearer(&access).send().await.status, 200);
    assert_eq!(
        app.get("/api/files").bearer(&access).send().await.body,
        json!({ "success": true, "files": [] })
    );
    let stats = app.get("/api/auth/upload-stats").bearer(&access).send().await;
    let figures = json!({
        "email": "john@example.com", "name": "John Doe", "totalUploads": 1, "limit": 10, "remaining": 9,
        "percentage": 10, "canUpload": true,
    });
    assert_eq!(stats.body, json!({ "success": true, "stats": figures }));
    let lying = app
        .call(Method::POST, "/api/files/upload")
        .body("multipart/form-data; boundary=x", body.replace("%PDF", "MZ\0\0"));
    assert_eq!(
        refusal(&lying.bearer(&access).send().await),
        (415, "UNSUPPORTED_MEDIA_TYPE".to_owned())
    );
}

#[tokio::test]
async fn the_root_and_the_health_check_are_as_documented() {
    let app = jobpsych().await;
    let health = app.get("/health").send().await;
    let names: Vec<&String> = health.body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "status",
            "service",
            "uptime",
            "timestamp",
            "version",
            "environment",
            "database",
            "features"
        ]
    );
    assert_eq!(
        (&health.body["status"], &health.body["service"]),
        (&json!("OK"), &json!("jobpsych-auth-api"))
    );
    app.turn_clock(Duration::from_secs(90));
    let later = app.get("/health").send().await;
    assert_eq!(later.body["uptime"].as_f64(), Some(90.0));
    assert_eq!(
        (&health.body["database"], health.body["uptime"].is_f64()),
        (&json!("connected"), true)
    );
    assert_eq!(app.get("/").send().await.body["success"], true);
}

#[tokio::test]
async fn a_token_is_verified_however_long_it_is() {
    for set in [&[][..], &[("tokens.algorithm", "RS256")]] {
        let app = app_with("jobpsych", set).await;
        let mut body = example();
        body["email"] = format!("{}@{}.example.com", "a".repeat(64), "b".repeat(63)).into();
        let made = app.post("/api/auth/register", &body).send().await;
        let token = text(&made, "/accessToken");
        assert!(token.len() > 512, "{}", token.len());
        let verified = app.post("/api/auth/verify-token", &json!({ "token": token })).send().await;
        assert_eq!(
            (verified.status.as_u16(), &verified.body["decoded"]["email"]),
            (200, &body["email"])
        );
    }
}
