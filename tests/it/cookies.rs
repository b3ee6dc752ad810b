//! The refresh cookie: which mount it belongs to, which origins may use it, which token wins if a
//! request carries two, and its name over https.

use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, App, Call, PASSWORD, app, app_with};

const MOUNTS: [&str; 2] = ["/v1", "/api/v1"];

async fn login(app: &App, mount: &str) -> Answer {
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.post(&format!("{mount}/auth/login"), &body).send().await
}

fn refresh<'a>(app: &'a App, mount: &str, cookie: &str) -> Call<'a> {
    app.call(Method::POST, &format!("{mount}/auth/refresh")).header("cookie", cookie)
}

/// The cookie's name and value, as a client returns it.
fn jar(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|set| set.to_str().unwrap().to_owned()).collect()
}

/// All data that a refused request must not change.
fn sessions(app: &App) -> Vec<String> {
    app.database().texts(
        "select id || generation || hex(secret_hash) || coalesce(ended_at, '') from sessions",
    )
}

#[tokio::test]
async fn a_cookie_belongs_to_the_auth_routes_of_its_mount() {
    let app = app().await;
    app.join("ada").await;
    for mount in MOUNTS {
        let entered = login(&app, mount).await;
        let path = format!("; Path={mount}/auth; HttpOnly; SameSite=Strict");
        assert!(entered.header("set-cookie").ends_with(&path), "{}", entered.header("set-cookie"));
        assert_eq!(entered.headers.get_all("set-cookie").iter().count(), 1);
        let refreshed = refresh(&app, mount, &jar(&entered)).send().await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.text);
        assert!(refreshed.header("set-cookie").ends_with(&path));
        let out = app
            .call(Method::POST, &format!("{mount}/auth/logout"))
            .header("cookie", &jar(&refreshed))
            .send()
            .await;
        let cleared =
            format!("refreshToken=; Max-Age=0; Path={mount}/auth; HttpOnly; SameSite=Strict");
        assert_eq!((out.status.as_u16(), out.header("set-cookie")), (200, cleared.as_str()));
    }
}

#[tokio::test]
async fn when_cookie_and_body_bring_a_token_the_cookie_counts() {
    let app = app().await;
    app.join("ada").await;
    let (one, two) = (login(&app, "/v1").await, login(&app, "/v1").await);
    let body = json!({ "refreshToken": two.tokens().refresh });
    let refreshed = refresh(&app, "/v1", &jar(&one)).json(&body).send().await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(refreshed.body["data"].get("refreshToken"), None);
    assert_ne!(jar(&refreshed), jar(&one), "the cookie's token was rotated");
    assert_eq!(
        app.post("/v1/auth/refresh", &body).send().await.status,
        200,
        "the body's is as it was"
    );

    let worthless = refresh(&app, "/v1", "refreshToken=x").json(&body).send().await;
    assert_eq!((worthless.status.as_u16(), worthless.code()), (401, "INVALID_REFRESH_TOKEN"));
    let empty = refresh(&app, "/v1", "refreshToken=").json(&body).send().await;
    assert_eq!(empty.status, 200, "an empty cookie is none: {}", empty.text);
}

#[tokio::test]
async fn two_of_the_name_are_refused_on_every_call_that_reads_it() {
    let app = app().await;
    app.join("ada").await;
    let cookie = jar(&login(&app, "/v1").await);
    let before = sessions(&app);
    for path in ["/v1/auth/refresh", "/v1/auth/logout"] {
        let call = || app.call(Method::POST, path);
        for twice in [
            call().header("cookie", &format!("{cookie}; {cookie}")),
            call().header("cookie", &format!("refreshToken=x; {cookie}")),
            call().header("cookie", &cookie).header("cookie", "refreshToken="),
        ] {
            let answer = twice.send().await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (400, "VALIDATION_ERROR"),
                "{path}"
            );
            let own = "; Path=/v1/auth;";
            let cleared = set_cookies(&answer);
            assert!(!cleared.iter().any(|set| set.contains(own)), "{path}: ours is kept");
            assert!(cleared.iter().any(|set| set.contains("; Path=/;")), "{path}: {cleared:?}");
        }
    }
    assert_eq!(sessions(&app), before);
}

#[tokio::test]
async fn a_cookie_that_another_sites_page_sends_changes_nothing() {
    let set = [
        ("server.public_url", "https://auth.example.com"),
        ("server.cors_origins", "https://app.example.com"),
    ];
    let app = app_with("standard", &set).await;
    app.join("ada").await;
    let cookie = jar(&login(&app, "/v1").await);
    let before = sessions(&app);
    let foreign: [&[(&'static str, &str)]; 7] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://auth.example.com")],
        &[("origin", "https://auth.example.com.evil.example")],
        &[("origin", "https://auth.example.com:444")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://app.example.com"), ("origin", "https://evil.example")],
    ];
    for path in
        ["/v1/auth/refresh", "/v1/auth/logout", "/api/v1/auth/refresh", "/api/v1/auth/logout"]
    {
        for headers in foreign {
            for body in [None, Some(json!({ "logoutAllDevices": true }))] {
                let mut call = app.call(Method::POST, path).header("cookie", &cookie);
                for (name, value) in headers {
                    call = call.header(name, value);
                }
                let answer =
                    body.iter().fold(call, |call, body: &Value| call.json(body)).send().await;
                assert_eq!(
                    (answer.status.as_u16(), answer.code()),
                    (403, "ORIGIN_NOT_ALLOWED"),
                    "{path} {headers:?}"
                );
                assert!(!answer.headers.contains_key("set-cookie"), "{path} {headers:?}");
            }
        }
    }
    assert_eq!(sessions(&app), before);
    let ours: [&[(&'static str, &str)]; 4] = [
        &[],
        &[("origin", "https://auth.example.com"), ("sec-fetch-site", "same-origin")],
        &[("origin", "https://app.example.com"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ];
    for headers in ours {
        let mut call = refresh(&app, "/v1", &cookie);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        assert_eq!(call.send().await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn an_answer_to_another_sites_page_neither_sets_nor_clears_a_cookie() {
    // Browsers send no cookie with such a form, but would accept one from the response.
    let app = app_with("jobpsych", &[("server.public_url", "https://auth.example.com")]).await;
    let account = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD, "company_name": "A" });
    assert!(
        app.post("/api/auth/register", &account).send().await.headers.contains_key("set-cookie")
    );
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let access = app.post("/v1/auth/login", &login).send().await.tokens().access;
    let calls: [(&str, Option<&Value>, bool); 6] = [
        ("/api/auth/logout", None, false),
        ("/api/auth/logout", None, true),
        ("/api/auth/login", Some(&login), false),
        ("/v1/auth/login", Some(&login), false),
        ("/v1/auth/logout", None, true),
        ("/v1/auth/logout-all", None, true),
    ];
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        for (path, body, is_bearer) in calls {
            let call = app.call(Method::POST, path).header(name, value);
            let call = body.iter().fold(call, |call, body| call.json(body));
            let answer = if is_bearer { call.bearer(&access) } else { call }.send().await;
            assert!(
                !answer.headers.contains_key("set-cookie"),
                "{path} {value}: {}",
                answer.header("set-cookie")
            );
        }
    }
    let ours = app
        .call(Method::POST, "/api/auth/logout")
        .header("origin", "https://auth.example.com")
        .send()
        .await;
    assert!(ours.header("set-cookie").contains("Max-Age=0"), "{}", ours.text);
}

#[tokio::test]
async fn over_https_and_in_production_the_cookie_is_secure_and_says_so_in_its_name() {
    let in_production = [
        ("server.environment", "production"),
        ("hashing.memory", "19456"),
        ("hashing.passes", "2"),
    ];
    for set in [&[("server.public_url", "https://auth.example.com")][..], &in_production] {
        let app = app_with("standard", set).await;
        app.join("ada").await;
        let entered = login(&app, "/v1").await;
        let cookie = jar(&entered);
        assert!(cookie.starts_with("__Secure-refreshToken="), "{set:?}: {cookie}");
        let attributes = "; Max-Age=2592000; Path=/v1/auth; HttpOnly; SameSite=Strict; Secure";
        assert!(
            entered.header("set-cookie").ends_with(attributes),
            "{}",
            entered.header("set-cookie")
        );
        let plain = cookie.replace("__Secure-", "");
        assert_eq!(
            refresh(&app, "/v1", &plain).send().await.code(),
            "MISSING_REFRESH_TOKEN",
            "set by no page of ours"
        );
        let both = refresh(&app, "/v1", &format!("{plain}x; {cookie}")).send().await;
        assert_eq!(both.status, 200, "the other name is another cookie: {}", both.text);
        let out =
            app.call(Method::POST, "/v1/auth/logout").header("cookie", &jar(&both)).send().await;
        assert!(out.header("set-cookie").starts_with("__Secure-refreshToken=; Max-Age=0;"));
    }
}

#[tokio::test]
async fn only_listed_origins_may_read_the_answers() {
    let app = app_with("standard", &[("server.cors_origins", "https://app.example.com")]).await;
    for (origin, is_listed) in [
        ("https://app.example.com", true),
        ("https://app.example.com.evil.example", false),
        ("http://app.example.com", false),
        ("https://APP.example.com/", false),
        ("null", false),
        ("*", false),
    ] {
        let answer = app.get("/v1/users/me").header("origin", origin).send().await;
        assert_eq!(
            answer.headers.contains_key("access-control-allow-origin"),
            is_listed,
            "{origin}"
        );
        assert!(varies(&answer), "{origin}");
        let ask = app.call(Method::OPTIONS, "/v1/auth/login").header("origin", origin);
        let preflight = ask.header("access-control-request-method", "POST").send().await;
        assert_eq!(
            preflight.header("access-control-allow-credentials") == "true",
            is_listed,
            "{origin}"
        );
        assert!(varies(&preflight), "{origin}");
    }
}

fn varies(answer: &Answer) -> bool {
    answer.headers.get_all("vary").iter().any(|value| value == "Origin")
}

#[tokio::test]
async fn a_planted_cookie_stops_no_logout_with_an_access_token_and_is_cleared() {
    let app = app_with("standard", &[("server.public_url", "https://auth.example.com")]).await;
    app.join("ada").await;
    for mount in MOUNTS {
        let entered = login(&app, mount).await;
        let twice = format!("__Secure-refreshToken=planted; {}", jar(&entered));
        let refused = refresh(&app, mount, &twice).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "VALIDATION_ERROR"));
        let cleared = set_cookies(&refused);
        let expected = |path: &str, domain: &str| {
            format!(
                "__Secure-refreshToken=; Max-Age=0; Path={path}; HttpOnly; SameSite=Strict; Secure{domain}"
            )
        };
        let own = expected(&format!("{mount}/auth"), "");
        for path in ["/", mount, &format!("{mount}/auth")] {
            for domain in ["", "; Domain=example.com"] {
                let one = expected(path, domain);
                assert_eq!(cleared.contains(&one), one != own, "{one}: {cleared:#?}");
            }
        }
        let access = entered.tokens().access;
        let out = app
            .call(Method::POST, &format!("{mount}/auth/logout"))
            .header("cookie", &twice)
            .bearer(&access)
            .send()
            .await;
        assert_eq!(out.status, 200, "{}", out.text);
        let cleared = set_cookies(&out);
        for one in [&own, &expected("/", "; Domain=example.com")] {
            assert!(cleared.contains(one), "{one}: {cleared:#?}");
        }
        let me = app.get("/v1/users/me").bearer(&access).send().await;
        assert_eq!(me.code(), "TOKEN_REVOKED", "{mount}");
    }
}

#[tokio::test]
async fn a_dead_cookie_is_cleared_and_does_not_use_up_the_limit_of_its_network() {
    let set = [("limits.refresh.count", "2"), ("limits.refresh.shape", "window")];
    for (profile, mount, cleared) in [
        ("standard", "/v1", "refreshToken=; Max-Age=0; Path=/v1/auth; HttpOnly; SameSite=Strict"),
        ("jobpsych", "/api", "refreshToken=; Max-Age=0; Path=/api/auth; HttpOnly; SameSite=Strict"),
    ] {
        let app = app_with(profile, &set).await;
        app.join("ada").await;
        let (ended, lives) = (login(&app, mount).await, login(&app, mount).await);
        let out = app.call(Method::POST, &format!("{mount}/auth/logout"));
        out.header("cookie", &jar(&ended)).send().await.ok(200);
        for _ in 0..10 {
            let dead = refresh(&app, mount, &jar(&ended)).send().await;
            assert_eq!((dead.status.as_u16(), set_cookies(&dead)), (401, vec![cleared.to_owned()]));
        }
        refresh(&app, mount, &jar(&lives)).send().await.ok(200);
        for status in [401, 401, 429] {
            let forged = refresh(&app, mount, "refreshToken=forged").send().await;
            assert_eq!(forged.status, status, "a guess counts: {}", forged.text);
            let told = if status == 401 { vec![cleared.to_owned()] } else { Vec::new() };
            assert_eq!(set_cookies(&forged), told);
        }
    }
}

#[tokio::test]
async fn a_slow_tab_does_not_clear_the_newer_cookie_of_another() {
    let app = app().await;
    app.join("ada").await;
    let old = login(&app, "/v1").await;
    let newer = refresh(&app, "/v1", &jar(&old)).send().await;
    let newest = refresh(&app, "/v1", &jar(&newer)).send().await;
    let late = refresh(&app, "/v1", &jar(&old)).send().await;
    assert_eq!((late.code(), set_cookies(&late)), ("INVALID_REFRESH_TOKEN", vec![]));
    assert_eq!(refresh(&app, "/v1", &jar(&newest)).send().await.status, 200);
}

#[tokio::test]
async fn a_logout_with_a_dead_cookie_clears_it() {
    let app = app().await;
    app.join("ada").await;
    let cookie = jar(&login(&app, "/v1").await);
    let logout = || app.call(Method::POST, "/v1/auth/logout").header("cookie", &cookie).send();
    logout().await.ok(200);
    let again = logout().await;
    assert_eq!((again.status.as_u16(), again.code()), (401, "TOKEN_REVOKED"));
    assert!(set_cookies(&again).iter().any(|set| set.starts_with("refreshToken=; Max-Age=0")));
}
