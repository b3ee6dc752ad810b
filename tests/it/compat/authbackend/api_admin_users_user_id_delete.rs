//! `DELETE /api/admin/users/{userId}`: deletes an account.

use std::time::Duration;

use serde_json::json;

use crate::compat::{EMAIL, WireApp, WireCall};
use crate::support::PASSWORD;

use super::{
    LAST_ADMIN, NO_USER, NOT_ALLOWED, authbackend, done, enter_as, is_alive, needs_permission,
    number,
};

fn delete(wire: &WireApp, number: i64) -> WireCall<'_> {
    wire.delete(&format!("/api/admin/users/{number}"))
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| delete(&wire, 1)).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_change_accounts() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| delete(&wire, 1), "admin.users.write").await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    assert_eq!(wire.refusal(&delete(&wire, 1).bearer(&moderator.access).send().await), NOT_ALLOWED);
}

#[tokio::test]
async fn the_account_is_gone_at_once_with_its_sessions() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let id = number(&wire, EMAIL).await;
    let (answer, recorded) = wire.recorded(delete(&wire, id).bearer(wire.root().await)).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("User deleted successfully")));
    assert_eq!(recorded, ["session_ended done admin", "deleted done"]);
    assert!(!is_alive(&wire, &session.access).await);
    let (again, recorded) = wire.recorded(delete(&wire, id).bearer(wire.root().await)).await;
    assert_eq!(wire.refusal(&again), NO_USER);
    assert!(recorded.is_empty(), "{recorded:?}");
}

#[tokio::test]
async fn a_verified_address_stays_taken_and_an_unverified_one_is_free_again() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    assert_eq!(wire.sign_up("new@example.com").send().await.status, 200);
    for (email, status) in [(EMAIL, 400), ("new@example.com", 200)] {
        let id = number(&wire, email).await;
        assert_eq!(delete(&wire, id).bearer(wire.root().await).send().await.status, 200);
        assert_eq!(wire.sign_up(email).send().await.status, status, "{email}");
    }
}

#[tokio::test]
async fn it_needs_a_login_in_the_last_quarter_of_an_hour() {
    let wire = WireApp::with("authbackend", &[("tokens.access", "1h")]).await;
    let session = wire.join_and_enter(EMAIL).await;
    let id = number(&wire, EMAIL).await;
    let root = wire.root().await;
    wire.app.turn_clock(Duration::from_mins(16));
    let (answer, recorded) = wire.recorded(delete(&wire, id).bearer(root)).await;
    let stale = (403, "AUTHORIZATION_ERROR", "Please log in again to confirm your identity");
    assert_eq!(wire.refusal(&answer), stale);
    assert_eq!(recorded, ["admin_refused refused admin.users.write"]);
    assert!(is_alive(&wire, &session.access).await);
    let again = json!({ "password": PASSWORD });
    let renewed = wire.app.post("/v1/auth/reauthenticate", &again).bearer(root).send().await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert_eq!(delete(&wire, id).bearer(root).send().await.status, 200);
}

#[tokio::test]
async fn the_last_admin_cannot_be_deleted() {
    let wire = authbackend().await;
    let root = number(&wire, "root@example.com").await;
    assert_eq!(
        wire.refusal(&delete(&wire, root).bearer(wire.root().await).send().await),
        LAST_ADMIN
    );
    assert!(is_alive(&wire, wire.root().await).await);
}
