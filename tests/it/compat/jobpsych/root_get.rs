//! `GET /`: an overview of the API.

use super::{jobpsych, jobpsych_with};

#[tokio::test]
async fn it_needs_no_token_and_names_paths_that_exist() {
    let wire = jobpsych().await;
    let answer = wire.get("/").send().await;
    assert_eq!((answer.status.as_u16(), &answer.body["success"]), (200, &true.into()));
    assert_eq!(answer.body["version"], "2.0.0");
    for name in ["health", "files"] {
        let path = answer.body["endpoints"][name].as_str().unwrap();
        assert_ne!(wire.get(path).send().await.status, 404, "{path}");
    }
    let documentation = answer.body["documentation"].as_str().unwrap();
    assert_eq!(wire.get(documentation).send().await.status, 200);
}

#[tokio::test]
async fn the_general_limit_counts_it() {
    let keys = [
        ("limits.general.count", "2"),
        ("limits.general.window", "15m"),
        ("limits.general.shape", "window"),
    ];
    let wire = jobpsych_with(&keys).await;
    // The request for the document was not counted.
    let call = |_| wire.get("/");
    wire.is_limited(&call, 2, 900, "Too many requests. Try again in 15 minutes.").await;
}
