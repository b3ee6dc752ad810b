//! The caller's sessions, and logins from new devices.

use std::time::Duration;

use serde_json::{Value, json};

use super::{delete, get, make, said};
use crate::support::{App, PASSWORD, app, app_with, token_in};

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Version/17.1 Mobile/15E148 Safari/604.1";

async fn login_from(app: &App, name: &str, address: &str, agent: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    let answer =
        app.post("/v1/auth/login", &body).from(address).header("user-agent", agent).send().await;
    answer.tokens().access
}

#[tokio::test]
async fn a_session_is_listed_with_its_device_and_ended_from_another_one_is_refused_at_once() {
    let app = app().await;
    make(&app, "ada", &[]).await;
    let desk = login_from(&app, "ada", "192.0.2.1", CHROME).await;
    app.turn_clock(Duration::from_mins(1));
    let phone = login_from(&app, "ada", "198.51.100.7", IPHONE).await;

    let listed = get(&app, "/v1/users/me/sessions", &desk).await;
    let sessions = listed.body["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{}", listed.text);
    let expected =
        json!({ "browser": "Safari", "os": "iOS", "device": "Mobile", "label": "Safari on iOS" });
    assert_eq!(sessions[0]["deviceInfo"], expected);
    assert_eq!(
        (&sessions[0]["ipAddress"], &sessions[0]["isCurrent"]),
        (&json!("198.51.100.7"), &json!(false))
    );
    assert_eq!(
        (&sessions[1]["deviceInfo"]["label"], &sessions[1]["isCurrent"]),
        (&json!("Chrome on Windows"), &json!(true))
    );
    assert_eq!(sessions[0]["location"], Value::Null);

    let id = sessions[0]["id"].as_str().unwrap();
    let ended = delete(&app, &format!("/v1/users/me/sessions/{id}"), &desk).await;
    assert_eq!(
        ended.body,
        json!({ "success": true, "message": "Session terminated successfully" })
    );
    assert_eq!(said(&get(&app, "/v1/users/me", &phone).await), (401, "TOKEN_REVOKED"));
    assert_eq!(
        said(&delete(&app, &format!("/v1/users/me/sessions/{id}"), &desk).await),
        (404, "SESSION_NOT_FOUND")
    );
    assert_eq!(get(&app, "/v1/users/me", &desk).await.status, 200);
}

#[tokio::test]
async fn other_peoples_sessions_are_not_there() {
    let app = app().await;
    make(&app, "ada", &[]).await;
    make(&app, "bob", &[]).await;
    let ada = login_from(&app, "ada", "192.0.2.1", CHROME).await;
    let bob = login_from(&app, "bob", "192.0.2.2", CHROME).await;
    let listed = get(&app, "/v1/users/me/sessions", &ada).await;
    let id = listed.body["data"][0]["id"].as_str().unwrap();
    assert_eq!(
        said(&delete(&app, &format!("/v1/users/me/sessions/{id}"), &bob).await),
        (404, "SESSION_NOT_FOUND")
    );
    assert_eq!(get(&app, "/v1/users/me", &ada).await.status, 200);
}

#[tokio::test]
async fn all_other_sessions_end_and_this_one_stays() {
    let app = app().await;
    make(&app, "ada", &[]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(login_from(&app, "ada", "192.0.2.1", CHROME).await);
    }
    let here = login_from(&app, "ada", "192.0.2.1", CHROME).await;
    assert_eq!(delete(&app, "/v1/users/me/sessions", &here).await.status, 200);
    for other in others {
        assert_eq!(said(&get(&app, "/v1/users/me", &other).await), (401, "TOKEN_REVOKED"));
    }
    assert_eq!(get(&app, "/v1/users/me", &here).await.status, 200);
}

#[tokio::test]
async fn a_login_from_a_new_device_is_mailed_to_the_owner_who_can_end_it() {
    let app = app().await;
    make(&app, "ada", &[]).await;
    login_from(&app, "ada", "192.0.2.1", CHROME).await;
    assert_eq!(app.mails().await.len(), 0, "the first login tells nothing new");
    login_from(&app, "ada", "192.0.2.1", CHROME).await;
    assert_eq!(app.mails().await.len(), 0, "nor does the same again");
    let strange = login_from(&app, "ada", "203.0.113.9", IPHONE).await;
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].text.contains("Safari on iOS") && mails[0].text.contains("203.0.113.9"),
        "{}",
        mails[0].text
    );
    let token = token_in(&mails, "/v1/not-me?token=");

    let page = app.get(&format!("/v1/not-me?token={token}")).send().await;
    assert!(page.status == 200 && page.text.contains("Sign out all devices"), "{}", page.text);
    assert_eq!(get(&app, "/v1/users/me", &strange).await.status, 200, "looking changes nothing");

    let press = || {
        app.call(poem::http::Method::POST, "/v1/not-me")
            .body("application/x-www-form-urlencoded", format!("token={token}"))
            .send()
    };
    assert_eq!(press().await.status, 200);
    assert_eq!(said(&get(&app, "/v1/users/me", &strange).await), (401, "TOKEN_REVOKED"));
    let reset = app.mails().await;
    assert!(reset.iter().any(|mail| mail.text.contains("reset-password?token=")), "{reset:?}");
    assert_eq!(press().await.status, 410, "once is enough");
    let log = app.audit().await;
    for line in ["new_device done device", "login_disowned done", "session_ended done disowned"] {
        assert!(log.iter().any(|entry| entry == line), "{line} in {log:?}");
    }
}

#[tokio::test]
async fn a_burst_of_failures_from_one_address_is_one_record() {
    let app = app_with("standard", &[("limits.sign_in", "off"), ("limits.general", "off")]).await;
    for attempt in 0..45 {
        app.login(&format!("unknown{attempt}"), "wrong").await;
    }
    let bursts =
        app.audit().await.into_iter().filter(|line| line.starts_with("failure_burst")).count();
    assert_eq!(bursts, 1);
}

/// A file in the `MaxMind` format that knows two halves of the IPv4 addresses: below 128.0.0.0 is
/// New York, above is London.
fn location_file() -> Vec<u8> {
    fn text(text: &str) -> Vec<u8> {
        [&[0x40 | u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
    }
    fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![0xe0 | u8::try_from(pairs.len()).unwrap()];
        for (name, value) in pairs {
            bytes.extend([text(name), value.clone()].concat());
        }
        bytes
    }
    let number = |value: u8| vec![0xc1, value];
    let record = |country: &str, city: &str| {
        map(&[
            ("country", map(&[("iso_code", text(country))])),
            ("city", map(&[("names", map(&[("en", text(city))]))])),
        ])
    };
    let (below, above) = (record("US", "New York"), record("GB", "London"));
    // One node of two 24-bit records: data begins 16 bytes after the nodes, and a pointer to it is
    // greater than the number of nodes.
    let pointer =
        |offset: usize| u32::try_from(1 + 16 + offset).unwrap().to_be_bytes()[1..].to_vec();
    let mut file = [pointer(0), pointer(below.len()), vec![0; 16], below, above].concat();
    file.extend(b"\xab\xcd\xefMaxMind.com");
    let small = |value: u8| vec![0xa1, value];
    file.extend(map(&[
        ("binary_format_major_version", small(2)),
        ("binary_format_minor_version", small(0)),
        ("build_epoch", vec![0x01, 0x02, 1]),
        ("database_type", text("GeoLite2-City")),
        ("description", map(&[("en", text("made by hand"))])),
        ("ip_version", small(4)),
        ("languages", vec![0x01, 0x04, 0x42, b'e', b'n']),
        ("node_count", number(1)),
        ("record_size", small(24)),
    ]));
    file
}

#[tokio::test]
async fn a_location_file_says_where_a_session_is_and_another_country_is_news() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("city.mmdb");
    std::fs::write(&file, location_file()).unwrap();
    let app = app_with("standard", &[("location.file", file.to_str().unwrap())]).await;
    make(&app, "ada", &[]).await;
    let token = login_from(&app, "ada", "8.8.8.8", CHROME).await;
    login_from(&app, "ada", "9.9.9.9", CHROME).await;
    assert_eq!(app.mails().await.len(), 0, "another address in the same country is no news");
    app.turn_clock(Duration::from_secs(1));
    login_from(&app, "ada", "192.0.2.1", CHROME).await;
    let mails = app.mails().await;
    assert!(mails.len() == 1 && mails[0].text.contains("London, GB (192.0.2.1)"), "{mails:?}");
    let listed = get(&app, "/v1/users/me/sessions", &token).await;
    assert_eq!(listed.body["data"][0]["location"], json!({ "country": "GB", "city": "London" }));
    assert_eq!(listed.body["data"][2]["location"], json!({ "country": "US", "city": "New York" }));
}
