//! Wrong methods, unknown paths, and headers of arbitrary bytes.

use std::collections::BTreeMap;

use poem::http::Method;

use super::{Ground, assert_envelope, filled};

#[tokio::test]
async fn a_wrong_method_names_exactly_the_right_ones_on_every_path_and_mount() {
    let ground = Ground::new().await;
    let before = ground.state();
    let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in ground.operations() {
        let known = methods.entry(filled(&operation.path)).or_default();
        known.push(operation.method.to_string());
        if operation.method == Method::GET {
            known.push("HEAD".into());
        }
    }
    for (path, known) in &mut methods {
        known.sort();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
        {
            if known.iter().any(|known| known == method) {
                continue;
            }
            for mount in ["/v1", "/api/v1"] {
                let answer = ground
                    .app
                    .call(method.parse().unwrap(), &format!("{mount}{path}"))
                    .send()
                    .await;
                let about = format!("{method} {mount}{path}");
                assert_eq!(
                    (answer.status.as_u16(), answer.code()),
                    (405, "METHOD_NOT_ALLOWED"),
                    "{about}"
                );
                assert_eq!(answer.header("allow"), known.join(", "), "{about}");
                assert_envelope(&about, &answer);
            }
        }
    }
    assert_eq!(ground.state(), before);
}

#[tokio::test]
async fn an_unknown_path_is_said_in_the_envelope() {
    let ground = Ground::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/auth/login",
        "/v1/auth",
        "/v1/auth/login/",
        "/v1//auth/login",
        "//v1/auth/login",
        "/v1/auth/%6cogin%00",
        "/v1/auth/%ff",
        "/V1/auth/login",
        "/v1/Auth/login",
        "/v1/auth/login/x",
        "/api",
        "/api/v1",
        "/api/v1/auth/../auth/nothing",
        "/v1/users/me/nothing",
        "/v1/users/%2e%2e/x",
        "/.env",
        "/authd.db",
        "/static/../authd.key",
        "/docs/../authd.key",
        "/docs/nothing.js",
        "/openapi/nothing.json",
        "/v1/auth/login;x=1",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = ground.app.call(method.clone(), path).send().await;
            let about = format!("{method} {path}");
            let code = answer.code();
            assert!(
                matches!(
                    (answer.status.as_u16(), code),
                    (404, "NOT_FOUND") | (405, "METHOD_NOT_ALLOWED")
                ),
                "{about}"
            );
            assert_envelope(&about, &answer);
        }
    }
}

#[tokio::test]
async fn a_header_of_arbitrary_bytes_causes_no_internal_error() {
    let ground = Ground::new().await;
    let long = "a".repeat(9000);
    for value in [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "bearer x",
        "Bearer x y",
        "Bearer a.b.c",
        "\u{ff}\u{fe}",
        "\t",
        &long,
    ] {
        for name in [
            "authorization",
            "cookie",
            "origin",
            "x-forwarded-for",
            "x-request-id",
            "user-agent",
            "accept",
        ] {
            for (method, path) in
                [(Method::GET, "/v1/users/me"), (Method::POST, "/v1/auth/refresh")]
            {
                let answer = ground.app.call(method, path).header(name, value).send().await;
                assert!(
                    (400..=403).contains(&answer.status.as_u16()),
                    "{name}: {value:?}: {}",
                    answer.text
                );
                assert_envelope(&format!("{path} {name}: {value:?}"), &answer);
            }
        }
    }
}
