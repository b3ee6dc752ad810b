//! `POST /auth/reset-code/request`: a mailed code that sets a new password.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, assert_limit, limited};
use crate::v1::links::{assert_mails_live_accounts, assert_takes_an_address};

const REQUEST: Operation = Operation("POST", "/auth/reset-code/request");
const ON: [(&str, &str); 1] = [("password.reset_by_code", "true")];

#[tokio::test]
async fn it_is_not_found_where_the_policy_does_not_allow_it() {
    let app = app().await;
    let mut trail = Trail::begin(&app).await;
    REQUEST.on(&app).json(&json!({ "email": "ada@example.com" })).refused(404, "NOT_FOUND").await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn the_address_has_its_rule() {
    assert_takes_an_address(REQUEST, &ON).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("forgot", &ON).await;
    let body = json!({ "email": "ada@example.com" });
    let call = async |from: &str| REQUEST.on(&app).json(&body).from(from).send().await;
    let other = async || app.post("/v1/auth/forgot-password", &body).send().await;
    assert_limit(&app, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn only_a_live_account_gets_a_letter_and_neither_response_nor_record_says_so() {
    let message = "Password reset code sent if account exists";
    assert_mails_live_accounts(REQUEST, &ON, message, "password_reset_requested done code").await;
}
