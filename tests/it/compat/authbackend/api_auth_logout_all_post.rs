//! `POST /api/auth/logout-all`: ends every session of the caller's account.

use crate::compat::EMAIL;

use super::{authbackend, done, is_alive};

const PATH: &str = "/api/auth/logout-all";

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.post(PATH)).await;
}

#[tokio::test]
async fn every_session_of_the_account_ends_and_each_is_recorded() {
    let wire = authbackend().await;
    let (here, there) = (wire.join_and_enter(EMAIL).await, wire.enter(EMAIL).await);
    let other = wire.join_and_enter("other@example.com").await;
    let (answer, recorded) = wire.recorded(wire.post(PATH).bearer(&here.access)).await;
    let expected = done("Logged out from all devices successfully");
    assert_eq!((answer.status.as_u16(), answer.body), (200, expected));
    assert_eq!(recorded, ["session_ended done logout_everywhere"; 2]);
    for (session, lives) in [(here, false), (there, false), (other, true)] {
        assert_eq!(is_alive(&wire, &session.access).await, lives);
    }
}
