//! Errors for each field of each request body, as the extractor reports them.

use serde_json::{Value, json};

use super::super::fixture::config;
use super::*;
use crate::http::extract::body;
use crate::http::extract::schema::Schemas;
use crate::http::server::error_text::field_name;

/// The error kind and the broken rules of a body, as `field: Rule`.
fn said<T: Payload>(body: &Value) -> (Option<Kind>, Vec<String>) {
    match body::check::<T>(&Schemas::default(), body.as_object().unwrap(), &config()) {
        Ok(()) => (None, Vec::new()),
        Err(error) => {
            let row = |row: &FieldError| {
                let rule = format!("{:?}", row.rule);
                let word = rule.split([' ', '(']).next().unwrap_or_default();
                format!("{}: {word}", field_name(&row.field))
            };
            (Some(error.kind()), error.fields().iter().map(row).collect())
        }
    }
}

/// A valid sign-up with one field changed.
fn sign_up(field: &str, value: Value) -> Value {
    let mut body = json!({
        "email": "user@example.com", "username": "johndoe", "password": "correct horse battery",
        "firstName": "John", "lastName": "Doe", "phone": "+1234567890",
    });
    body[field] = value;
    body
}

#[test]
fn a_good_sign_up_passes_with_and_without_its_optional_fields() {
    assert_eq!(
        said::<RegisterRequest>(&sign_up("other", json!({"isAdmin": true}))),
        (None, vec![])
    );
    for field in ["firstName", "lastName", "phone"] {
        assert_eq!(
            said::<RegisterRequest>(&sign_up(field, Value::Null)),
            (None, vec![]),
            "{field}"
        );
    }
    assert_eq!(
        said::<RegisterRequest>(&sign_up("email", json!("O'Brien+x@Bücher.example"))),
        (None, vec![])
    );
    assert_eq!(said::<RegisterRequest>(&sign_up("username", json!("first.last"))), (None, vec![]));
    assert_eq!(
        said::<RegisterRequest>(&sign_up("firstName", json!("é".repeat(100)))),
        (None, vec![])
    );
}

#[test]
fn every_bad_value_of_every_field_of_a_sign_up_is_named() {
    let long = |length: usize| json!("a".repeat(length));
    let cases = [
        ("email", Value::Null, "Required"),
        ("email", json!(""), "Required"),
        ("email", json!(7), "WrongType"),
        ("email", json!(["user@example.com"]), "WrongType"),
        ("email", json!("nobody"), "Email"),
        ("email", json!("a@b.com\r\nBcc: c@d.com"), "ControlCharacters"),
        ("email", json!("a\u{0}@b.com"), "ControlCharacters"),
        ("email", json!("a@b.com, c@d.com"), "Email"),
        ("email", json!("ä@b.com"), "Email"),
        ("email", long(300), "TooLong"),
        ("username", Value::Null, "Required"),
        ("username", json!(" "), "TooShort"),
        ("username", json!("ab"), "TooShort"),
        ("username", long(51), "TooLong"),
        ("username", json!("joe@example.com"), "Username"),
        ("username", json!("j\u{43e}e_doe"), "Username"),
        ("username", json!(true), "WrongType"),
        ("password", Value::Null, "Required"),
        ("password", json!(""), "Required"),
        ("password", json!("short"), "TooShort"),
        ("password", long(257), "TooLong"),
        ("password", json!({}), "WrongType"),
        ("password", json!("correct\u{0}horse battery"), "ControlCharacters"),
        ("firstName", long(101), "TooLong"),
        ("firstName", json!(1.5), "WrongType"),
        ("firstName", json!("a\u{7}"), "ControlCharacters"),
        ("lastName", long(101), "TooLong"),
        ("lastName", json!([]), "WrongType"),
        ("phone", long(21), "TooLong"),
        ("phone", json!(491_234), "WrongType"),
    ];
    for (field, value, rule) in cases {
        let row = format!("{field}: {rule}");
        let (kind, rows) = said::<RegisterRequest>(&sign_up(field, value.clone()));
        assert_eq!(kind, Some(Kind::Validation), "{field} {value}");
        assert_eq!(
            rows.iter().filter(|found| **found == row).count(),
            1,
            "{field} {value}: {rows:?}"
        );
        assert!(rows.iter().all(|row| row.starts_with(field)), "{field} {value}: {rows:?}");
    }
}

#[test]
fn all_bad_fields_are_reported_at_once_and_in_order() {
    let body = json!({"email": "x", "password": "short", "firstName": 7});
    let (_, rows) = said::<RegisterRequest>(&body);
    assert_eq!(rows[..2], ["email: Email", "firstName: WrongType"]);
    assert!(
        rows.contains(&"username: Required".into()) && rows.contains(&"password: TooShort".into()),
        "{rows:?}"
    );
}

#[test]
fn a_login_without_name_or_password_has_a_word_of_its_own() {
    for body in [
        json!({}),
        json!({"email": "user@example.com"}),
        json!({"password": "x"}),
        json!({"email": "", "password": "x"}),
        json!({"email": null, "username": null, "password": "x"}),
        json!({"username": "joe", "password": ""}),
    ] {
        assert_eq!(said::<LoginRequest>(&body).0, Some(Kind::MissingCredentials), "{body}");
    }
    assert_eq!(said::<LoginRequest>(&json!({"username": "j", "password": "x"})), (None, vec![]));
    assert_eq!(
        said::<LoginRequest>(&json!({"email": "no address", "password": "x"})),
        (None, vec![])
    );
}

#[test]
fn a_login_of_wrong_types_is_a_validation_error() {
    let cases = [
        (json!({"email": 7, "password": "x"}), "email: WrongType"),
        (json!({"email": "a@b.co", "password": 7}), "password: WrongType"),
        (json!({"email": "a@b.co", "password": "x", "rememberMe": "yes"}), "rememberMe: WrongType"),
        (json!({"email": "a@b.co", "password": "a".repeat(257)}), "password: TooLong"),
        (json!({"email": "a".repeat(256), "password": "x"}), "email: TooLong"),
        (json!({"username": "a\u{0}b", "password": "x"}), "username: ControlCharacters"),
    ];
    for (body, row) in cases {
        assert_eq!(
            said::<LoginRequest>(&body),
            (Some(Kind::Validation), vec![row.to_owned()]),
            "{body}"
        );
    }
}

#[test]
fn the_other_bodies_are_held_against_their_schemas() {
    assert_eq!(said::<LinkRequest>(&json!({})).0, Some(Kind::MissingLinkToken));
    assert_eq!(said::<LinkRequest>(&json!({"token": 7})).1, ["token: WrongType"]);
    assert_eq!(said::<LinkRequest>(&json!({"token": "a".repeat(513)})).1, ["token: TooLong"]);
    assert_eq!(said::<RefreshRequest>(&json!({})), (None, vec![]));
    assert_eq!(said::<RefreshRequest>(&json!({"refreshToken": []})).1, ["refreshToken: WrongType"]);
    assert_eq!(
        said::<LogoutRequest>(&json!({"logoutAllDevices": 1})).1,
        ["logoutAllDevices: WrongType"]
    );
    assert_eq!(said::<ResendRequest>(&json!({"email": "x"})).1, ["email: Email"]);
}

#[test]
fn a_profile_can_be_emptied_but_not_of_what_is_asked_for() {
    let mut config = config();
    config.signup.require.insert(SignUpField::FirstName);
    let rows = |body: Value| UpdateProfileRequest::rules(body.as_object().unwrap(), &config).len();
    assert_eq!(rows(json!({})), 0);
    assert_eq!(rows(json!({"firstName": "Jo", "lastName": null, "phone": ""})), 0);
    for empty in [Value::Null, json!(""), json!("  ")] {
        assert_eq!(rows(json!({ "firstName": empty })), 1);
    }
}
