//! `GET /api/auth/profile`: the caller's account.

use crate::compat::{EMAIL, names};

use super::siteworks;

const PATH: &str = "/api/auth/profile";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = siteworks().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn the_response_has_the_account_and_no_secret() {
    let wire = siteworks().await;
    let session = wire.join_and_enter(EMAIL).await;
    let (answer, recorded) = wire.recorded(wire.get(PATH).bearer(&session.access)).await;
    assert_eq!(names(&answer.body), ["success", "user"]);
    let fields =
        ["id", "email", "name", "isVerified", "isActive", "lastLoginAt", "createdAt", "updatedAt"];
    assert_eq!(names(&answer.body["user"]), fields);
    assert!(recorded.is_empty(), "{recorded:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
}
