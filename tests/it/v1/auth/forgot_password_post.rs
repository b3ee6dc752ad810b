//! `POST /auth/forgot-password`: a mailed link that sets a new password.

use serde_json::json;

use crate::v1::fixture::{Operation, assert_limit, limited};
use crate::v1::links::{assert_mails_live_accounts, assert_takes_an_address};

const FORGOT: Operation = Operation("POST", "/auth/forgot-password");

#[tokio::test]
async fn the_address_has_its_rule() {
    assert_takes_an_address(FORGOT, &[]).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("forgot", &[("password.reset_by_code", "true")]).await;
    let body = json!({ "email": "ada@example.com" });
    let call = async |from: &str| FORGOT.on(&app).json(&body).from(from).send().await;
    let other = async || app.post("/v1/auth/reset-code/request", &body).send().await;
    assert_limit(&app, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn only_a_live_account_gets_a_letter_and_neither_response_nor_record_says_so() {
    let message = "Password reset email sent if account exists";
    assert_mails_live_accounts(FORGOT, &[], message, "password_reset_requested done").await;
}
