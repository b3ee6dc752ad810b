//! `PUT /users/me/mfa/{id}`: the same as `PATCH`, for clients that cannot send that.

use super::me_mfa_id_patch::{
    assert_field_has_its_rule, assert_not_found_by_others, assert_recorded,
};
use crate::v1::fixture::Operation;

const RENAME: Operation = Operation("PUT", "/users/me/mfa/{id}");

#[tokio::test]
async fn the_field_has_its_rule() {
    assert_field_has_its_rule(RENAME).await;
}

#[tokio::test]
async fn a_factor_of_another_account_is_not_found() {
    assert_not_found_by_others(RENAME).await;
}

#[tokio::test]
async fn it_is_recorded_and_the_response_has_the_documented_fields_and_no_secret() {
    assert_recorded(RENAME).await;
}
