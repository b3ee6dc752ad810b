//! `GET /api/admin/stats`: totals of accounts, logins and sessions.

use serde_json::{Value, json};

use crate::compat::{EMAIL, WireApp};

use super::{NOT_ALLOWED, authbackend, enter_as, needs_permission};

const PATH: &str = "/api/admin/stats";

async fn figures(wire: &WireApp) -> Value {
    let answer = wire.get(PATH).bearer(wire.root().await).send().await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["success"]),
        (200, &json!(true)),
        "{}",
        answer.text
    );
    answer.body["data"].clone()
}

fn expected(users: i64, verified: i64, logins: i64, sessions: i64) -> Value {
    json!({
        "totalUsers": users, "verifiedUsers": verified, "totalLogins": logins, "activeSessions": sessions,
    })
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_read_statistics() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| wire.get(PATH), "admin.stats").await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    assert_eq!(wire.refusal(&wire.get(PATH).bearer(&moderator.access).send().await), NOT_ALLOWED);
}

#[tokio::test]
async fn a_login_counts_once_it_is_completed_and_a_session_while_it_lives() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    assert_eq!(figures(&wire).await, expected(2, 2, 2, 2), "with the administrator");
    assert_eq!(wire.login(EMAIL, crate::compat::PASSWORD).send().await.status, 200);
    assert_eq!(wire.post("/api/auth/logout").bearer(&session.access).send().await.status, 200);
    wire.app.turn_clock(crate::compat::MINUTE);
    assert_eq!(figures(&wire).await, expected(2, 2, 2, 1));
}

#[tokio::test]
async fn deleted_accounts_are_not_counted_and_unverified_ones_are() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    assert_eq!(wire.sign_up("new@example.com").send().await.status, 200);
    wire.remove(EMAIL).await;
    assert_eq!(figures(&wire).await, expected(2, 1, 1, 1));
}
