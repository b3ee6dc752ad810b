//! `GET /api/auth/user-uploads/{email}`: the upload quota of an account, for a second service.

use serde_json::json;

use crate::compat::{EMAIL, LOOPBACK};

use super::{is_for_services_alone, jobpsych, jobpsych_with, uploaded};

const PATH: &str = "/api/auth/user-uploads/user@example.com";

#[tokio::test]
async fn it_is_for_services_alone() {
    let wire = jobpsych().await;
    is_for_services_alone(&wire, &|| wire.get(PATH)).await;
}

#[tokio::test]
async fn an_unknown_or_deleted_account_is_a_404_with_a_count_of_zero() {
    let wire = jobpsych().await;
    wire.join(EMAIL).await;
    wire.remove(EMAIL).await;
    let expected = json!({
        "success": false, "message": "User not found", "error": "USER_NOT_FOUND", "filesUploaded": 0,
    });
    for email in [EMAIL, "nobody@example.com"] {
        let answer =
            wire.get(&format!("/api/auth/user-uploads/{email}")).from(LOOPBACK).send().await;
        assert_eq!((answer.status.as_u16(), &answer.body), (404, &expected));
    }
}

#[tokio::test]
async fn an_address_is_found_in_any_case_and_encoding() {
    let wire = jobpsych().await;
    wire.join("o'hara+1@example.com").await;
    for path in ["O'Hara+1@EXAMPLE.com", "o%27hara%2B1%40example.com"] {
        let answer =
            wire.get(&format!("/api/auth/user-uploads/{path}")).from(LOOPBACK).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn asking_counts_nothing_and_is_not_recorded() {
    let wire = jobpsych().await;
    let session = wire.join_and_enter(EMAIL).await;
    uploaded(&wire, &session, "cv.pdf").await;
    let expected = json!({
        "success": true, "email": EMAIL, "filesUploaded": 1, "limit": 10, "remaining": 9,
        "message": "Upload statistics retrieved successfully",
    });
    for _ in 0..2 {
        let (answer, recorded) = wire.recorded(wire.get(PATH).from(LOOPBACK)).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &expected));
        assert!(recorded.is_empty(), "{recorded:?}");
    }
}

#[tokio::test]
async fn the_limit_is_the_configured_one() {
    let wire = jobpsych_with(&[("files.limit", "3")]).await;
    wire.join(EMAIL).await;
    let answer = wire.get(PATH).from(LOOPBACK).send().await;
    assert_eq!((&answer.body["limit"], &answer.body["remaining"]), (&json!(3), &json!(3)));
}
