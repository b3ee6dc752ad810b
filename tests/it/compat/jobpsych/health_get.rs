//! `GET /health`: whether the service works.

use super::jobpsych_with;

const PATH: &str = "/health";

#[tokio::test]
async fn no_limit_counts_it() {
    let wire =
        jobpsych_with(&[("limits.general.count", "1"), ("limits.general.shape", "window")]).await;
    for _ in 0..3 {
        let answer = wire.get(PATH).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-limit")), (200, ""));
    }
    assert_eq!(wire.get("/").send().await.status, 200);
    assert_eq!(wire.get("/").send().await.status, 429);
    assert_eq!(wire.get(PATH).send().await.status, 200);
}
