//! The profile `perfect21`: the flow of its document, with its numbers and messages.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app_with, registration, token_in};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The profile with keys that are fast to generate, for scenarios that are not about keys.
async fn perfect21() -> App {
    app_with("perfect21", &[("tokens.algorithm", "ES256")]).await
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn part(token: &str, index: usize) -> Value {
    use base64::Engine;
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap())
        .unwrap()
}

async fn login_from(app: &App, address: &str, body: &Value) -> Answer {
    app.post("/v1/auth/login", body).from(address).send().await
}

#[tokio::test]
async fn the_documented_story_matches_word_for_word() {
    let app = app_with("perfect21", &[]).await;
    let body = json!({
        "email": "user@example.com", "username": "johndoe", "password": "SecurePass123!",
        "firstName": "John", "lastName": "Doe", "phone": "+1234567890",
    });
    let registered = app.post("/v1/auth/register", &body).send().await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let id = registered.body["data"]["userId"].clone();
    let documented = json!({
        "success": true,
        "message": "User registered successfully. Please check your email for verification.",
        "data": {
            "userId": id, "email": "user@example.com", "username": "johndoe", "status": "pending",
            "emailVerified": false, "createdAt": "2027-01-15T08:00:00Z",
        },
    });
    assert_eq!(registered.body, documented);

    let credentials =
        json!({ "email": "user@example.com", "password": "SecurePass123!", "rememberMe": true });
    let early = app.post("/v1/auth/login", &credentials).send().await;
    assert_eq!((early.status.as_u16(), early.code()), (401, "EMAIL_NOT_VERIFIED"));
    assert!(!early.headers.contains_key("www-authenticate"), "no token was shown");

    let token = json!({ "token": token_in(&app.mails().await, "verify-email?token=") });
    let verified = app.post("/v1/auth/verify-email", &token).send().await;
    assert_eq!(verified.body, json!({ "success": true, "message": "Email verified successfully" }));

    let login = app.post("/v1/auth/login", &credentials).send().await;
    assert_eq!(
        (login.status.as_u16(), &login.body["message"]),
        (200, &json!("Login successful")),
        "{}",
        login.text
    );
    let data = &login.body["data"];
    assert_eq!(keys(data), ["accessToken", "refreshToken", "expiresIn", "tokenType", "user"]);
    assert_eq!((&data["expiresIn"], &data["tokenType"]), (&json!(900), &json!("Bearer")));
    let user = json!({
        "id": id, "email": "user@example.com", "username": "johndoe", "firstName": "John", "lastName": "Doe",
        "status": "active", "emailVerified": true, "roles": ["user"], "permissions": ["users.read"],
        "lastLogin": "2027-01-15T08:00:00Z",
    });
    assert_eq!(data["user"], user);
    let access = data["accessToken"].as_str().unwrap();
    let header = part(access, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    let claims = part(access, 1);
    assert_eq!(claims["sub"], id);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    assert!(
        login
            .header("set-cookie")
            .contains("; Max-Age=604800; Path=/v1/auth; HttpOnly; SameSite=Strict")
    );

    profile_and_logout(&app, access, &id).await;
}

/// The rest of the flow: show and change the profile, then log out.
async fn profile_and_logout(app: &App, access: &str, id: &Value) {
    let me = app.get("/v1/users/me").bearer(access).send().await;
    let shown = json!({ "success": true, "data": {
        "id": id, "email": "user@example.com", "username": "johndoe", "firstName": "John", "lastName": "Doe",
        "phone": "+1234567890", "status": "active", "emailVerified": true, "phoneVerified": false,
        "lastLogin": "2027-01-15T08:00:00Z", "createdAt": "2027-01-15T08:00:00Z",
        "updatedAt": me.body["data"]["updatedAt"], "roles": ["user"], "permissions": ["users.read"],
    }});
    assert_eq!(me.body, shown);
    app.turn_clock(MINUTE);
    let change = json!({ "firstName": "John", "lastName": "Smith", "phone": "+1234567890" });
    let changed = app.put("/v1/users/me", &change).bearer(access).send().await;
    let documented = json!({ "success": true, "message": "Profile updated successfully", "data": {
        "id": id, "email": "user@example.com", "username": "johndoe", "firstName": "John", "lastName": "Smith",
        "phone": "+1234567890", "updatedAt": "2027-01-15T08:01:00Z",
    }});
    assert_eq!(changed.body, documented);
    let emptied = app.put("/v1/users/me", &json!({ "firstName": "" })).bearer(access).send().await;
    assert_eq!(
        emptied.body["error"]["details"][0]["code"], "REQUIRED_FIELD_MISSING",
        "it was asked for at sign-up"
    );

    let out = app
        .post("/v1/auth/logout", &json!({ "logoutAllDevices": false }))
        .bearer(access)
        .send()
        .await;
    assert_eq!(out.body, json!({ "success": true, "message": "Logged out successfully" }));
    assert!(out.header("set-cookie").starts_with("refreshToken=; Max-Age=0; Path=/v1/auth"));
    assert_eq!(app.get("/v1/users/me").bearer(access).send().await.code(), "TOKEN_REVOKED");

    let health = app.get("/api/v1/health").send().await.body;
    assert_eq!(keys(&health), ["status", "timestamp", "version", "uptime", "services"]);
}

#[tokio::test]
async fn what_a_sign_up_must_bring_is_said_all_at_once() {
    let app = perfect21().await;
    let bare = app.post("/v1/auth/register", &json!({ "password": "weak" })).send().await;
    assert_eq!((bare.status.as_u16(), bare.code()), (400, "VALIDATION_ERROR"));
    let rows = bare.body["error"]["details"].as_array().unwrap().clone();
    let has = |field: &str, code: &str| {
        rows.iter().any(|row| row["field"] == field && row["code"] == code)
    };
    for field in ["email", "username", "firstName", "lastName"] {
        assert!(has(field, "REQUIRED_FIELD_MISSING"), "{field}: {}", bare.text);
    }
    assert!(
        has("password", "FIELD_TOO_SHORT") && has("password", "INVALID_PASSWORD_STRENGTH"),
        "{}",
        bare.text
    );
    assert_eq!(
        rows.iter().filter(|row| row["field"] == "password").count(),
        4,
        "short, no capital, digit, sign"
    );

    let mut body = registration("johndoe");
    body["password"] = json!("Short1!");
    let short = app.post("/v1/auth/register", &body).send().await.body;
    assert_eq!(short["error"]["message"], "Password must be at least 12 characters");
    let row = json!([{ "field": "password", "message": "Too short", "code": "FIELD_TOO_SHORT" }]);
    assert_eq!(short["error"]["details"], row);
    for (weak, word) in [
        ("alllowercase1!", "uppercase"),
        ("ALLUPPERCASE1!", "lowercase"),
        ("NoDigitsHere!!", "number"),
        ("NoSignsHere123", "special"),
    ] {
        body["password"] = json!(weak);
        let answer = app.post("/v1/auth/register", &body).send().await.body;
        assert_eq!(answer["error"]["details"][0]["code"], "INVALID_PASSWORD_STRENGTH", "{weak}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(word), "{answer}");
    }
    body["username"] = json!("has.dot");
    body["password"] = json!("SecurePass123!");
    assert_eq!(
        app.post("/v1/auth/register", &body).send().await.status,
        201,
        "common clients make dotted names"
    );
}

#[tokio::test]
async fn a_taken_address_and_a_taken_name_are_reported() {
    let app = perfect21().await;
    app.register("johndoe").await;
    let mut address = registration("other");
    address["email"] = json!("JohnDoe@EXAMPLE.com");
    let taken = app.post("/v1/auth/register", &address).send().await;
    assert_eq!((taken.status.as_u16(), taken.code()), (409, "EMAIL_EXISTS"));
    assert_eq!(taken.body["error"]["message"], "Email address is already registered");
    let mut name = registration("second");
    name["username"] = json!("JOHNDOE");
    let taken = app.post("/v1/auth/register", &name).send().await;
    assert_eq!((taken.status.as_u16(), taken.code()), (409, "USERNAME_EXISTS"));
    assert_eq!(taken.body["error"]["message"], "Username is already taken");
    assert_eq!(app.mails().await.len(), 1, "only the first gets a mail");
}

#[tokio::test]
async fn three_sign_ups_an_hour_come_from_one_client_address() {
    let app = perfect21().await;
    for (n, left) in ["2", "1", "0"].iter().enumerate() {
        let made = app.register(&format!("user{n}")).await;
        assert_eq!((made.status.as_u16(), made.header("x-ratelimit-remaining")), (201, *left));
        assert_eq!(made.header("x-ratelimit-limit"), "3");
    }
    app.turn_clock(10 * MINUTE);
    let fourth = app.register("user4").await;
    assert_eq!((fourth.status.as_u16(), fourth.code()), (429, "RATE_LIMIT_EXCEEDED"));
    assert_eq!(
        fourth.body["error"]["message"],
        "Too many registration attempts. Try again in 50 minutes."
    );
    assert_eq!(
        (fourth.header("retry-after"), &fourth.body["error"]["retryAfter"]),
        ("3000", &json!(3000))
    );
    assert_eq!(fourth.header("x-ratelimit-reset"), (1_800_000_000 + 3600).to_string());
    assert_eq!(
        app.post("/v1/auth/register", &registration("user5"))
            .from("198.51.100.7")
            .send()
            .await
            .status,
        201
    );
    app.turn_clock(50 * MINUTE);
    assert_eq!(app.register("user4").await.status, 201);
}

#[tokio::test]
async fn five_logins_in_a_quarter_of_an_hour_come_from_one_client_address() {
    let app = perfect21().await;
    app.join("johndoe").await;
    for left in ["4", "3", "2", "1", "0"] {
        let login = app.login("johndoe", PASSWORD).await;
        assert_eq!((login.status.as_u16(), login.header("x-ratelimit-remaining")), (200, left));
    }
    let sixth = app.login("johndoe", PASSWORD).await;
    assert_eq!((sixth.status.as_u16(), sixth.code()), (429, "RATE_LIMIT_EXCEEDED"));
    assert_eq!(sixth.body["error"]["message"], "Too many requests. Try again in 15 minutes.");
    assert_eq!((sixth.header("retry-after"), sixth.header("x-ratelimit-remaining")), ("900", "0"));
    let body = json!({ "username": "johndoe", "password": PASSWORD });
    assert_eq!(
        app.post("/api/v1/auth/login", &body).send().await.status,
        429,
        "one limit for both mounts"
    );
    assert_eq!(login_from(&app, "198.51.100.7", &body).await.status, 200);
    app.turn_clock(15 * MINUTE);
    assert_eq!(app.login("johndoe", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn five_failures_lock_a_name_whether_or_not_it_is_an_account() {
    let app = perfect21().await;
    app.join("johndoe").await;
    let body = |name: &str, password: &str| json!({ "email": format!("{name}@example.com"), "password": password });
    let mut answers = Vec::new();
    for name in ["johndoe", "nobody"] {
        let from = format!("198.51.100.{}", name.len());
        for _ in 0..5 {
            let wrong = login_from(&app, &from, &body(name, "Wrong-Password-1")).await;
            assert_eq!(
                (wrong.status.as_u16(), wrong.code()),
                (401, "INVALID_CREDENTIALS"),
                "{name}"
            );
        }
        let right = login_from(&app, &from, &body(name, PASSWORD)).await;
        assert_eq!(
            (right.status.as_u16(), right.code()),
            (423, "ACCOUNT_LOCKED"),
            "before the login limit"
        );
        let wrong = login_from(&app, &from, &body(name, "Wrong-Password-1")).await;
        assert_eq!(wrong.status, 423);
        assert_eq!(wrong.body["error"], right.body["error"]);
        let other = login_from(&app, &from, &body("another", PASSWORD)).await;
        assert_eq!(
            (other.status.as_u16(), other.code()),
            (429, "RATE_LIMIT_EXCEEDED"),
            "any other name"
        );
        let elsewhere = login_from(&app, "203.0.113.77", &body(name, PASSWORD)).await;
        assert_eq!(elsewhere.status, 423, "from wherever");
        answers.push((right.body["error"].clone(), right.header("retry-after").to_owned()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].1, "1800");
    let by_name = json!({ "username": "JohnDoe", "password": PASSWORD });
    assert_eq!(
        login_from(&app, "203.0.113.78", &by_name).await.status,
        423,
        "one limit for all names of the account"
    );
    app.turn_clock(30 * MINUTE);
    assert_eq!(login_from(&app, "203.0.113.79", &body("johndoe", PASSWORD)).await.status, 200);
    assert_eq!(login_from(&app, "203.0.113.79", &body("nobody", PASSWORD)).await.status, 401);
}

#[tokio::test]
async fn a_success_forgives_the_failures_before_it() {
    let app = perfect21().await;
    app.join("johndoe").await;
    for n in 0..4 {
        let body = json!({ "email": "johndoe@example.com", "password": "Wrong-Password-1" });
        assert_eq!(login_from(&app, &format!("203.0.113.{n}"), &body).await.status, 401);
    }
    assert_eq!(app.login("johndoe", PASSWORD).await.status, 200);
    for _ in 0..4 {
        assert_eq!(app.login("johndoe", "Wrong-Password-1").await.status, 401);
    }
    let fifth = json!({ "email": "johndoe@example.com", "password": PASSWORD });
    assert_eq!(login_from(&app, "203.0.113.9", &fifth).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_in_the_body_is_kept_and_one_in_a_cookie_is_rotated() {
    let app = perfect21().await;
    let tokens = app.enter("johndoe").await;
    let body = json!({ "refreshToken": tokens.refresh });
    for _ in 0..3 {
        app.turn_clock(HOUR);
        let refreshed = app.post("/v1/auth/refresh", &body).send().await;
        assert_eq!(keys(&refreshed.body), ["success", "data"], "{}", refreshed.text);
        assert_eq!(keys(&refreshed.body["data"]), ["accessToken", "expiresIn", "tokenType"]);
        assert!(refreshed.cookie().is_none());
        let access = refreshed.tokens().access;
        assert_eq!(app.get("/v1/users/me").bearer(&access).send().await.status, 200);
    }
    let cookie = |token: &str| {
        app.post("/v1/auth/refresh", &json!({})).header("cookie", &format!("refreshToken={token}"))
    };
    let refreshed = cookie(&tokens.refresh).send().await;
    let successor = refreshed.cookie().unwrap();
    assert_ne!(successor, tokens.refresh);
    assert_eq!(keys(&refreshed.body["data"]), ["accessToken", "expiresIn", "tokenType"]);
    for token in [&successor, &tokens.refresh] {
        let by_body = app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await;
        assert_eq!(
            keys(&by_body.body["data"]),
            ["accessToken", "expiresIn", "tokenType"],
            "however often it was rotated"
        );
    }
    app.turn_clock(MINUTE);
    assert_eq!(
        cookie(&tokens.refresh).send().await.code(),
        "TOKEN_REVOKED",
        "the parent after the grace"
    );
    assert_eq!(cookie(&successor).send().await.code(), "TOKEN_REVOKED", "its session has ended");
}

#[tokio::test]
async fn a_session_idles_for_seven_days_and_has_no_other_end() {
    let app = perfect21().await;
    let tokens = app.enter("johndoe").await;
    let refresh =
        || app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send();
    for _ in 0..20 {
        app.turn_clock(6 * 24 * HOUR);
        assert_eq!(refresh().await.status, 200);
    }
    app.turn_clock(7 * 24 * HOUR);
    assert_eq!(refresh().await.code(), "INVALID_REFRESH_TOKEN");
}

#[tokio::test]
async fn a_login_not_to_be_remembered_ends_with_the_browser_or_after_a_day() {
    let app = perfect21().await;
    app.join("johndoe").await;
    let body = json!({ "username": "johndoe", "password": PASSWORD, "rememberMe": false });
    let login = app.post("/v1/auth/login", &body).send().await;
    assert!(!login.header("set-cookie").contains("Max-Age"), "{}", login.header("set-cookie"));
    let tokens = login.tokens();
    let refresh =
        || app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send();
    app.turn_clock(23 * HOUR);
    assert_eq!(refresh().await.status, 200);
    app.turn_clock(HOUR);
    assert_eq!(
        refresh().await.code(),
        "INVALID_REFRESH_TOKEN",
        "a refresh does not make the day longer"
    );
}

#[tokio::test]
async fn the_sixth_session_ends_the_oldest() {
    let app = perfect21().await;
    app.join("johndoe").await;
    let body = json!({ "username": "johndoe", "password": PASSWORD });
    let mut sessions = Vec::new();
    for n in 0..6 {
        sessions.push(login_from(&app, &format!("203.0.113.{n}"), &body).await.tokens().access);
        app.turn_clock(Duration::from_secs(1));
    }
    for (n, access) in sessions.iter().enumerate() {
        let code = app.get("/v1/users/me").bearer(access).send().await.code().to_owned();
        assert_eq!(code, if n == 0 { "TOKEN_REVOKED" } else { "" }, "session {n}");
    }
}

#[tokio::test]
async fn a_hundred_calls_in_a_quarter_of_an_hour_come_from_one_client_address() {
    let app = perfect21().await;
    let access = app.enter("johndoe").await.access;
    let path = "/v1/nothing";
    let first = app.get(path).from("203.0.113.1").send().await;
    assert_eq!(
        (first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")),
        ("100", "99")
    );
    for _ in 0..99 {
        assert_eq!(app.get(path).from("203.0.113.1").send().await.status, 404);
    }
    let over = app.get(path).from("203.0.113.1").send().await;
    assert_eq!(over.status, 429);
    let error = json!({
        "code": "RATE_LIMIT_EXCEEDED", "message": "Too many requests. Try again in 15 minutes.", "retryAfter": 900,
    });
    assert_eq!(over.body["error"], error);
    assert_eq!(over.header("x-ratelimit-reset"), (1_800_000_000 + 900).to_string());
    assert_eq!(
        app.get("/v1/health").from("203.0.113.1").send().await.status,
        200,
        "health is not counted"
    );
    let with_token = app.get("/v1/users/me").bearer(&access).from("203.0.113.1").send().await;
    assert_eq!((with_token.status.as_u16(), with_token.header("x-ratelimit-limit")), (200, "1000"));
}

#[tokio::test]
async fn the_documented_security_headers_are_on_every_answer() {
    let app = app_with(
        "perfect21",
        &[("tokens.algorithm", "ES256"), ("server.public_url", "https://a.example.com")],
    )
    .await;
    for path in ["/v1/health", "/v1/users/me", "/nothing", "/docs", "/v1/verify-email"] {
        let answer = app.get(path).send().await;
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-xss-protection", "1; mode=block"),
            ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src '") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(
            answer.headers.contains_key("referrer-policy")
                && answer.headers.contains_key("x-request-id"),
            "{path}"
        );
    }
    assert_eq!(
        app.get("/v1/health").send().await.header("content-security-policy"),
        "default-src 'self'"
    );
}

#[tokio::test]
async fn the_owner_alone_gets_one_mail_about_a_locked_account() {
    let app = perfect21().await;
    app.join("johndoe").await;
    app.mails().await;
    for name in ["johndoe", "nobody"] {
        let body =
            json!({ "email": format!("{name}@example.com"), "password": "Wrong-Password-1" });
        for _ in 0..7 {
            login_from(&app, &format!("198.51.100.{}", name.len()), &body).await;
        }
    }
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(
        mails[0].to.contains("johndoe@example.com") && mails[0].subject.contains("locked"),
        "{mails:?}"
    );
    // The sentence may go on in the next line.
    let text = mails[0].text.replace('\n', " ");
    assert!(text.contains("until 15 January 2027, 08:30 UTC"), "{text}");
}
