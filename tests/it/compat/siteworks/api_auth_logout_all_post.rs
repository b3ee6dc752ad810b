//! `POST /api/auth/logout-all`: ends every session of the caller's account.

use serde_json::json;

use crate::compat::EMAIL;

use super::{done, siteworks};

const PATH: &str = "/api/auth/logout-all";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = siteworks().await;
    wire.needs_a_session(&|| wire.post(PATH)).await;
}

#[tokio::test]
async fn every_session_of_the_account_ends_and_each_is_recorded() {
    let wire = siteworks().await;
    wire.join(EMAIL).await;
    let sessions = [wire.enter(EMAIL).await, wire.enter(EMAIL).await, wire.enter(EMAIL).await];
    let (answer, recorded) = wire.recorded(wire.post(PATH).bearer(&sessions[1].access)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (200, done("Logged out from all devices successfully"))
    );
    // The sign-up began a fourth session.
    assert_eq!(recorded, ["session_ended done logout_everywhere"; 4]);
    for session in sessions {
        let profile = wire.get("/api/auth/profile").bearer(&session.access).send().await;
        assert_eq!(wire.refusal(&profile), (401, "INVALID_TOKEN", "Invalid token"));
        let refreshed = wire
            .post("/api/auth/refresh")
            .json(&json!({ "refreshToken": session.refresh }))
            .send()
            .await;
        assert_eq!(wire.refusal(&refreshed).1, "INVALID_REFRESH_TOKEN");
    }
}

#[tokio::test]
async fn other_accounts_stay_logged_in() {
    let wire = siteworks().await;
    let (own, other) =
        (wire.join_and_enter(EMAIL).await, wire.join_and_enter("other@example.com").await);
    assert_eq!(wire.post(PATH).bearer(&own.access).send().await.status, 200);
    assert_eq!(wire.get("/api/auth/profile").bearer(&other.access).send().await.status, 200);
}
