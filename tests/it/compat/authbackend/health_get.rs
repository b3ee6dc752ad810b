//! `GET /health`: whether the service works.

use super::authbackend_with;

const PATH: &str = "/health";

#[tokio::test]
async fn neither_an_api_client_nor_a_valid_token_is_required() {
    let wire = authbackend_with(&[]).await;
    let call = || wire.get(PATH).without("x-app-id").without("x-service-key");
    assert_eq!(call().send().await.status, 200);
    assert_eq!(call().bearer("a.b.c").send().await.status, 200);
}

#[tokio::test]
async fn no_limit_counts_it() {
    let wire =
        authbackend_with(&[("limits.general.count", "1"), ("limits.general.shape", "window")])
            .await;
    for _ in 0..3 {
        let answer = wire.get(PATH).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-limit")), (200, ""));
    }
}
