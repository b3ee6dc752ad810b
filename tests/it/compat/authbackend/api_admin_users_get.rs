//! `GET /api/admin/users`: all accounts.

use serde_json::Value;

use crate::compat::{EMAIL, WireApp, names};

use super::{authbackend, enter_as, needs_permission};

const PATH: &str = "/api/admin/users";

async fn listed(wire: &WireApp, query: &str) -> Vec<Value> {
    let answer = wire.get(&format!("{PATH}{query}")).bearer(wire.root().await).send().await;
    assert_eq!(names(&answer.body), ["success", "data"], "{}", answer.text);
    answer.body["data"]["users"].as_array().unwrap().clone()
}

fn emails(users: &[Value]) -> Vec<&str> {
    users.iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn it_needs_a_session() {
    let wire = authbackend().await;
    wire.needs_a_session(&|| wire.get(PATH)).await;
}

#[tokio::test]
async fn it_needs_the_permission_to_read_accounts() {
    let wire = authbackend().await;
    needs_permission(&wire, &|| wire.get(PATH), "admin.users.read").await;
    let moderator = enter_as(&wire, "mod@example.com", "moderator").await;
    assert_eq!(wire.get(PATH).bearer(&moderator.access).send().await.status, 200);
}

#[tokio::test]
async fn a_row_has_the_document_s_fields_and_no_secret() {
    let wire = authbackend().await;
    wire.join(EMAIL).await;
    let users = listed(&wire, "").await;
    let fields = ["id", "email", "firstName", "lastName", "role", "isEmailVerified", "createdAt"];
    assert!(users.iter().all(|user| names(user) == fields), "{users:?}");
}

#[tokio::test]
async fn accounts_come_in_the_order_of_their_ids_without_the_deleted() {
    let wire = authbackend().await;
    for email in ["c@example.com", "a@example.com", "b@example.com"] {
        wire.join(email).await;
    }
    wire.remove("a@example.com").await;
    assert_eq!(
        emails(&listed(&wire, "").await),
        ["c@example.com", "b@example.com", "root@example.com"]
    );
}

#[tokio::test]
async fn pages_are_cut_where_the_query_says() {
    let wire = authbackend().await;
    for email in ["a@example.com", "b@example.com"] {
        wire.join(email).await;
    }
    for (query, expected) in [
        ("?page=1&limit=2", vec!["a@example.com", "b@example.com"]),
        ("?page=2&limit=2", vec!["root@example.com"]),
        ("?page=3&limit=2", vec![]),
        ("?limit=1", vec!["a@example.com"]),
        ("?limit=1000", vec!["a@example.com", "b@example.com", "root@example.com"]),
    ] {
        assert_eq!(emails(&listed(&wire, query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn a_page_below_one_or_a_limit_out_of_range_is_refused() {
    let wire = authbackend().await;
    for (query, field) in [
        ("?page=0", "page"),
        ("?page=-1", "page"),
        ("?page=x", "page"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=1.5", "limit"),
    ] {
        let answer = wire.get(&format!("{PATH}{query}")).bearer(wire.root().await).send().await;
        let (status, code, _) = wire.refusal(&answer);
        assert_eq!((status, code), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(
            wire.rows(&answer).iter().map(|row| row.0).collect::<Vec<_>>(),
            [field],
            "{query}"
        );
    }
}
