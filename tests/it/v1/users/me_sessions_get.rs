//! `GET /users/me/sessions`: the caller's active sessions.

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{DAY, MINUTE, Operation, Trail, keys, person};

const LIST: Operation = Operation("GET", "/users/me/sessions");

#[tokio::test]
async fn a_session_has_the_documented_fields_and_no_token() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let list = LIST.on(&app).bearer(&ada).ok(200).await;
    let session = &list.body["data"][0];
    let fields = "id deviceInfo ipAddress lastActivity createdAt isCurrent";
    assert_eq!(keys(session), fields);
    assert_eq!(keys(&session["deviceInfo"]), "browser os device label");
    assert!(!list.text.contains(&ada.refresh) && !list.text.contains("hash"), "{}", list.text);
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn only_live_sessions_of_the_caller_are_listed_and_one_is_the_current() {
    let app = app().await;
    person(&app, "bob", &[]).await;
    let idle = person(&app, "ada", &[]).await;
    app.turn_clock(30 * DAY);
    let out = app.login("ada", PASSWORD).await.tokens();
    app.post("/v1/auth/logout", &serde_json::json!({})).bearer(&out).ok(200).await;
    let first = app.login("ada", PASSWORD).await.tokens();
    app.turn_clock(MINUTE);
    app.login("ada", PASSWORD).await.tokens();
    let list = LIST.on(&app).bearer(&first).ok(200).await;
    let current: Vec<_> = list.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["isCurrent"].as_bool().unwrap())
        .collect();
    assert_eq!(current, [false, true], "the most recently used first");
    drop(idle);
}
