//! A password longer than the maximum, for every call that takes one.

use super::*;

/// The response to a password of more than 256 characters: the document states the maximum, so every
/// call refuses it before anything else.
const TOO_LONG: [(&str, &str, (u16, &str)); 8] = [
    ("/auth/register", "password", (400, "VALIDATION_ERROR")),
    ("/auth/login", "password", (400, "VALIDATION_ERROR")),
    ("/auth/change-password", "newPassword", (400, "VALIDATION_ERROR")),
    ("/admin/users", "password", (400, "VALIDATION_ERROR")),
    ("/auth/change-password", "currentPassword", (400, "VALIDATION_ERROR")),
    ("/auth/reauthenticate", "password", (400, "VALIDATION_ERROR")),
    ("/auth/reset-password", "newPassword", (400, "VALIDATION_ERROR")),
    ("/auth/reset-code/confirm", "newPassword", (400, "VALIDATION_ERROR")),
];

#[tokio::test]
async fn a_password_above_the_maximum_is_refused_by_every_call() {
    let ground = Ground::new().await;
    let (mut wrong, mut tried) = (Wrong::default(), 0);
    for operation in ground.with_body() {
        let schema = ground.schema(&operation).clone();
        for (field, _) in schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, of)| of["format"] == "password")
        {
            let (_, _, expected) = TOO_LONG
                .iter()
                .find(|row| (row.0, row.1) == (&operation.path, field))
                .expect("a row for each");
            let mut body = good(&operation);
            body.insert(field.clone(), "a".repeat(257).into());
            let answer = ground
                .send(&operation, &["application/json"], Value::Object(body).to_string())
                .await;
            wrong.expect(*expected, &answer, &format!("{}: {field}", operation.name()));
            tried += 1;
        }
    }
    wrong.assert_none();
    assert_eq!(tried, TOO_LONG.len());
}
