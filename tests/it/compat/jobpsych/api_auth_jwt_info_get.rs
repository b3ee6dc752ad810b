//! `GET /api/auth/jwt-info`: how tokens are signed, for a second service.

use crate::compat::{LOOPBACK, names};

use super::{is_for_services_alone, jobpsych, jobpsych_with};

const PATH: &str = "/api/auth/jwt-info";
const SECRET: &str = "6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d";

#[tokio::test]
async fn it_is_for_services_alone() {
    let wire = jobpsych().await;
    is_for_services_alone(&wire, &|| wire.get(PATH)).await;
}

#[tokio::test]
async fn the_response_has_the_document_s_fields_and_never_the_whole_secret() {
    let keys = [("tokens.secret", SECRET), ("server.reveal_secret_ends", "true")];
    let wire = jobpsych_with(&keys).await;
    let answer = wire.get(PATH).from(LOOPBACK).send().await;
    assert_eq!(names(&answer.body), ["success", "message", "jwtInfo", "note"]);
    assert_eq!(answer.body["message"], "JWT configuration information");
    assert_eq!(
        answer.body["note"],
        "Share this info with FastAPI team to ensure JWT secrets match"
    );
    for field in [
        "algorithm",
        "accessTokenExpiry",
        "refreshTokenExpiry",
        "secretLength",
        "secretFirstChars",
        "secretLastChars",
        "environment",
        "timestamp",
    ] {
        assert!(answer.body["jwtInfo"].get(field).is_some(), "{field}");
    }
    assert!(
        !answer.text.contains(&SECRET[..11]) && !answer.text.contains(&SECRET[54..]),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn without_the_setting_and_behind_a_bare_proxy_no_character_of_the_secret_is_shown() {
    let wire = jobpsych_with(&[("tokens.secret", SECRET)]).await;
    let answer = wire.get(PATH).from(LOOPBACK).send().await;
    let info = &answer.body["jwtInfo"];
    assert_eq!(info["secretFingerprint"].as_str().unwrap().len(), 16, "{}", answer.text);
    assert!(info.get("secretFirstChars").is_none(), "{}", answer.text);
    assert!(!answer.text.contains(&SECRET[..4]), "{}", answer.text);
    let keys = [("tokens.secret", SECRET), ("server.reveal_secret_ends", "true")];
    let wire = jobpsych_with(&keys).await;
    let old = wire.get(PATH).from(LOOPBACK).version(poem::http::Version::HTTP_10);
    assert_eq!(old.send().await.status, 403);
    for header in ["client-ip", "x-azure-clientip", "x-envoy-external-address", "x-remote-addr"] {
        let proxied = wire.get(PATH).from(LOOPBACK).header(header, "127.0.0.1").send().await;
        assert_eq!(proxied.status, 403, "{header}");
    }
}

#[tokio::test]
async fn in_production_no_character_of_the_secret_is_shown() {
    let keys = [
        ("server.environment", "production"),
        ("server.service_networks", "127.0.0.1/32"),
        ("server.reveal_secret_ends", "true"),
        ("tokens.secret", SECRET),
        ("hashing.memory", "19456"),
        ("hashing.passes", "2"),
    ];
    let wire = jobpsych_with(&keys).await;
    let answer = wire.get(PATH).from(LOOPBACK).send().await;
    let info = &answer.body["jwtInfo"];
    assert_eq!(
        (answer.status.as_u16(), &info["environment"]),
        (200, &"production".into()),
        "{}",
        answer.text
    );
    assert_eq!(info["secretFingerprint"].as_str().unwrap().len(), 16);
    assert!(
        info.get("secretFirstChars").is_none() && info.get("secretLastChars").is_none(),
        "{}",
        answer.text
    );
    assert!(!answer.text.contains(&SECRET[..4]), "{}", answer.text);
}
