//! `PUT /api/admin/users/{userId}/lock`: locks an account, or unlocks a locked one.

use serde_json::json;

use crate::compat::{EMAIL, PASSWORD, WireApp, WireCall};

use super::{
    LAST_ADMIN, NO_USER, NOT_ALLOWED, authbackend, done, enter_as, is_alive, needs_permission,
    number,
};

fn toggle(wire: &WireApp, number: i64) -> WireCall<'_> {
    wire.put(&format!("/api/admin/users/{number}/lock"))
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| toggle(&wire, 1)).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_suspend() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| toggle(&wire, 1), "admin.users.suspend").await;
}

#[tokio::test]
async fn a_lock_ends_every_session_and_its_end_revives_none() {
    let wire = authbackend().await;
    let session = wire.join_and_enter(EMAIL).await;
    let id = number(&wire, EMAIL).await;
    for (expected, status) in
        [(vec!["suspended done", "session_ended done admin"], 403), (vec!["unsuspended done"], 200)]
    {
        let (answer, recorded) = wire.recorded(toggle(&wire, id).bearer(wire.root().await)).await;
        assert_eq!((answer.status.as_u16(), answer.body), (200, done("User lock status updated")));
        assert_eq!(recorded, expected);
        assert_eq!(wire.login(EMAIL, PASSWORD).send().await.status, status);
        assert!(!is_alive(&wire, &session.access).await);
        let refresh = json!({ "refreshToken": session.refresh });
        assert_eq!(wire.post("/api/auth/refresh-token").json(&refresh).send().await.status, 401);
    }
}

#[tokio::test]
async fn a_moderator_locks_a_user_and_no_administrator() {
    let wire = authbackend().await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    wire.join(EMAIL).await;
    enter_as(&wire, "admin@example.com", "admin").await;
    let (user, admin) = (number(&wire, EMAIL).await, number(&wire, "admin@example.com").await);
    assert_eq!(toggle(&wire, user).bearer(&moderator.access).send().await.status, 200);
    let answer = toggle(&wire, admin).bearer(&moderator.access).send().await;
    assert_eq!((answer.status.as_u16(), wire.refusal(&answer).1), (403, NOT_ALLOWED.1));
}

#[tokio::test]
async fn the_last_admin_cannot_be_locked() {
    let wire = authbackend().await;
    let root = number(&wire, "root@example.com").await;
    let answer = toggle(&wire, root).bearer(wire.root().await).send().await;
    assert_eq!(wire.refusal(&answer), LAST_ADMIN);
}

#[tokio::test]
async fn an_unknown_number_is_not_found() {
    let wire = authbackend().await;
    let answer = toggle(&wire, 999).bearer(wire.root().await).send().await;
    assert_eq!(wire.refusal(&answer), NO_USER);
}
