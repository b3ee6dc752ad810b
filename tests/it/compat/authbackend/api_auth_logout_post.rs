//! `POST /api/auth/logout`: ends the caller's session.

use serde_json::json;

use crate::compat::EMAIL;

use super::{authbackend, done, is_alive};

const PATH: &str = "/api/auth/logout";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.post(PATH)).await;
}

#[tokio::test]
async fn the_session_ends_with_its_refresh_token_and_the_others_stay() {
    let wire = authbackend().await;
    let (here, there) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let (answer, recorded) = wire.recorded(wire.post(PATH).bearer(&here.access)).await;
    assert_eq!((answer.status.as_u16(), answer.body), (200, done("Logged out successfully")));
    assert_eq!(recorded, ["session_ended done logout"]);
    assert_eq!(
        (is_alive(&wire, &here.access).await, is_alive(&wire, &there.access).await),
        (false, true)
    );
    let refresh = async |token: &str| {
        wire.post("/api/auth/refresh-token")
            .json(&json!({ "refreshToken": token }))
            .send()
            .await
            .status
            .as_u16()
    };
    assert_eq!((refresh(&here.refresh).await, refresh(&there.refresh).await), (401, 200));
}

#[tokio::test]
async fn neither_an_api_client_nor_a_body_is_required() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    for content_type in ["application/json", "text/plain"] {
        let session = wire.enter(EMAIL).await;
        let call =
            wire.post(PATH).without("x-app-id").without("x-service-key").body(content_type, "");
        assert_eq!(call.bearer(&session.access).send().await.status, 200);
    }
}
