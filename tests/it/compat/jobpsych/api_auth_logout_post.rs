//! `POST /api/auth/logout`: ends the sessions of the cookie and of the access token.

use poem::http::Method;

use crate::compat::EMAIL;

use super::{DEAD_TOKEN, FORBIDDEN, code, done, jobpsych};

const PATH: &str = "/api/auth/logout";

#[tokio::test]
async fn without_a_session_it_only_clears_the_cookie() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let mut calls = vec![
        wire.post(PATH),
        wire.post(PATH).body("text/plain", ""),
        wire.post(PATH).bearer("a.b.c"),
        wire.post(PATH).cookie("x"),
    ];
    assert_eq!(wire.post(PATH).bearer(&session.access).send().await.status, 200);
    calls.push(wire.post(PATH).cookie(&session.refresh).bearer(&session.access));
    for call in calls {
        let (answer, recorded) = wire.recorded(call).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &done("Logged out successfully")));
        let cleared = answer.header("set-cookie");
        assert!(
            cleared.starts_with("refreshToken=;") && cleared.contains("Max-Age=0"),
            "{cleared}"
        );
        assert!(cleared.contains("Path=/api/auth"), "{cleared}");
        assert!(recorded.is_empty(), "{recorded:?}");
    }
}

#[tokio::test]
async fn the_session_of_the_cookie_ends() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let (_, recorded) = wire.recorded(wire.post(PATH).cookie(&session.refresh)).await;
    assert_eq!(recorded, ["session_ended done logout"]);
    let profile = wire.get("/api/auth/profile").bearer(&session.access).send().await;
    assert_eq!(wire.refusal(&profile), DEAD_TOKEN);
}

#[tokio::test]
async fn the_session_of_the_access_token_ends() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let (_, recorded) = wire.recorded(wire.post(PATH).bearer(&session.access)).await;
    assert_eq!(recorded, ["session_ended done logout"]);
    let refreshed = wire.post("/api/auth/refresh").cookie(&session.refresh).send().await;
    assert_eq!(code(&wire, &refreshed), (401, "TOKEN_VERIFICATION_FAILED"));
}

#[tokio::test]
async fn two_sessions_that_come_together_both_end() {
    let wire = jobpsych().await;
    let (one, other) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let (_, recorded) =
        wire.recorded(wire.post(PATH).cookie(&one.refresh).bearer(&other.access)).await;
    assert_eq!(recorded, ["session_ended done logout"; 2]);
    for session in [one, other] {
        let profile = wire.get("/api/auth/profile").bearer(&session.access).send().await;
        assert_eq!(wire.refusal(&profile), DEAD_TOKEN);
    }
}

#[tokio::test]
async fn a_planted_second_cookie_does_not_keep_the_access_token_from_ending_its_session() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let twice = format!("refreshToken=planted; refreshToken={}", session.refresh);
    let bare = wire.app.call(Method::POST, PATH).header("cookie", &twice).send().await;
    assert_eq!(bare.status, 400, "nothing says which one to end: {}", bare.text);
    let call = wire.post(PATH).header("cookie", &twice).bearer(&session.access);
    let (answer, recorded) = wire.recorded(call).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &done("Logged out successfully")));
    assert_eq!(recorded, ["session_ended done logout"]);
    let profile = wire.get("/api/auth/profile").bearer(&session.access).send().await;
    assert_eq!(wire.refusal(&profile), DEAD_TOKEN);
}

#[tokio::test]
async fn a_page_of_another_site_logs_no_one_out() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    let answer = wire
        .post(PATH)
        .cookie(&session.refresh)
        .header("origin", "https://evil.example")
        .send()
        .await;
    assert_eq!(code(&wire, &answer), FORBIDDEN);
    assert!(!answer.headers.contains_key("set-cookie"));
    assert_eq!(wire.get("/api/auth/profile").bearer(&session.access).send().await.status, 200);
}
