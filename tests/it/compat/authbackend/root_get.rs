//! `GET /`: an overview of the API.

use super::{authbackend, authbackend_with};

#[tokio::test]
async fn neither_an_api_client_nor_a_token_is_required() {
    let wire = authbackend().await;
    let answer = wire.get("/").without("x-app-id").without("x-service-key").send().await;
    assert_eq!((answer.status.as_u16(), &answer.body["version"]), (200, &"1.0.0".into()));
}

#[tokio::test]
async fn the_general_limit_counts_it() {
    let keys = [
        ("limits.general.count", "2"),
        ("limits.general.window", "15m"),
        ("limits.general.shape", "window"),
    ];
    let wire = authbackend_with(&keys).await;
    let call = |_| wire.get("/");
    wire.is_limited(&call, 2, 900, "Too many requests. Try again in 15 minutes.").await;
}
