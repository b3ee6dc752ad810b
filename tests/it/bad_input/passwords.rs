//! A password longer than the maximum, for every call that takes one.

use super::*;

/// The response to a password of more than 256 characters, for calls that give another response
/// before they check the rule. No account can have such a password, so a login treats it as a wrong
/// one; an invalid link or code is reported first, because only its owner learns the password
/// rules.
const TOO_LONG: [(&str, &str, (u16, &str)); 8] = [
    ("/auth/register", "password", (400, "VALIDATION_ERROR")),
    ("/auth/login", "password", (400, "VALIDATION_ERROR")),
    ("/auth/change-password", "newPassword", (400, "VALIDATION_ERROR")),
    ("/admin/users", "password", (400, "VALIDATION_ERROR")),
    ("/auth/change-password", "currentPassword", (400, "INVALID_CREDENTIALS")),
    ("/auth/reauthenticate", "password", (400, "INVALID_CREDENTIALS")),
    ("/auth/reset-password", "newPassword", (404, "INVALID_TOKEN")),
    ("/auth/reset-code/confirm", "newPassword", (400, "INVALID_CODE")),
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
