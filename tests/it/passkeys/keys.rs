//! Adding, listing, renaming and removing keys, and what voids them.

use std::time::Duration;

use poem::http::Method;
use serde_json::json;

use super::{add, creation_options, list, log_in, outcome, send_key, server, with_passkey};
use crate::authenticator::Device;
use crate::support::{PASSWORD, UNLIMITED, app_with, token_in};

#[tokio::test]
async fn the_options_to_add_a_key_are_those_of_its_kind() {
    let app = server().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    let passkey = creation_options(&app, &tokens, "passkey").await;
    assert_eq!(passkey["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(passkey["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(passkey["attestation"], "none");
    assert_eq!(passkey["extensions"]["credProps"], true);
    assert_eq!(passkey["user"]["name"], "ada");
    assert_eq!(passkey["user"]["displayName"], "Given Family");
    let algorithms: Vec<_> = passkey["pubKeyCredParams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["alg"].clone())
        .collect();
    assert_eq!(algorithms, [json!(-8), json!(-7), json!(-257)]);
    let key = creation_options(&app, &tokens, "security_key").await;
    assert_eq!(key["authenticatorSelection"]["residentKey"], "discouraged");
    assert_eq!(key["authenticatorSelection"]["userVerification"], "discouraged");
    assert_eq!(key["user"]["id"], passkey["user"]["id"], "one handle for the account");
    let listed = list(&app, &tokens).await;
    assert_eq!(listed["userId"], passkey["user"]["id"]);
    assert_eq!(listed["rpId"], passkey["rp"]["id"]);
    assert_eq!(listed["allAcceptedCredentialIds"][0], listed["passkeys"][0]["credentialId"]);
    assert_eq!(listed["passkeys"][0]["transports"], json!(["hybrid", "internal"]));
    assert_eq!(key["excludeCredentials"][0]["id"], listed["passkeys"][0]["credentialId"]);
    assert!(device.create(&key).is_none(), "the device has one already");
}

#[tokio::test]
async fn a_key_is_named_after_its_authenticator_and_renamed() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let mut device = Device::new();
    device.aaguid = 0xea9b_8d66_4d01_1d21_3ce4_b6b4_8cb5_75d4_u128.to_be_bytes();
    let added = add(&app, &tokens, &mut device, "passkey").await["passkey"].clone();
    assert_eq!(added["name"], "Google Password Manager");
    assert_eq!(added["aaguid"], "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4");
    let path = format!("/v1/users/me/passkeys/{}", added["id"].as_str().unwrap());
    let name = json!({ "name": "<b>Phone</b>" });
    let renamed = app.call(Method::PATCH, &path).json(&name).bearer(&tokens).send().await;
    assert_eq!(renamed.body["data"]["name"], "<b>Phone</b>");
    assert_eq!(renamed.body["data"]["authenticator"], "Google Password Manager");
    let bob = app.enter("bob").await;
    let others = app.call(Method::PATCH, &path).json(&name).bearer(&bob).send().await;
    assert_eq!(outcome(&others), (404, "NOT_FOUND"));
    app.call(Method::DELETE, &path).bearer(&bob).refused(404, "NOT_FOUND").await;
}

#[tokio::test]
async fn adding_and_removing_need_a_fresh_proof() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let tokens = log_in(&app, &mut device).await.tokens();
    let options = creation_options(&app, &tokens, "passkey").await;
    let credential = Device::new().create(&options).unwrap();
    let id = list(&app, &tokens).await["passkeys"][0]["id"].as_str().unwrap().to_owned();
    app.turn_clock(Duration::from_mins(14));
    let refreshed = app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh }));
    let access = refreshed.send().await.body["data"]["accessToken"].as_str().unwrap().to_owned();
    app.turn_clock(Duration::from_mins(2));
    let stale = (403, "REAUTHENTICATION_REQUIRED");
    let asked = app.post("/v1/users/me/passkeys/options", &json!({ "type": "passkey" }));
    assert_eq!(outcome(&asked.bearer(&access).send().await), stale);
    assert_eq!(outcome(&send_key(&app, &access, &credential).await), stale);
    let path = format!("/v1/users/me/passkeys/{id}");
    let removed = app.call(Method::DELETE, &path).bearer(&access).send().await;
    assert_eq!(outcome(&removed), stale);
}

#[tokio::test]
async fn a_removed_key_logs_in_no_more_and_the_owner_is_told() {
    let app = server().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    let listed = list(&app, &tokens).await;
    let path = format!("/v1/users/me/passkeys/{}", listed["passkeys"][0]["id"].as_str().unwrap());
    app.mails().await;
    app.call(Method::DELETE, &path).bearer(&tokens).ok(200).await;
    app.call(Method::DELETE, &path).bearer(&tokens).refused(404, "NOT_FOUND").await;
    let mails = app.mails().await;
    assert!(mails[0].text.contains("A passkey was removed"), "{mails:?}");
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
    assert_eq!(list(&app, &tokens).await["allAcceptedCredentialIds"], json!([]));
}

#[tokio::test]
async fn an_unproved_address_has_no_keys() {
    let set = [&UNLIMITED[..], &[("signup.verify_email", "false")]].concat();
    let app = app_with("standard", &set).await;
    app.register("ada").await;
    let tokens = app.login("ada", PASSWORD).await.tokens();
    let asked = app.post("/v1/users/me/passkeys/options", &json!({ "type": "passkey" }));
    let refused = asked.bearer(&tokens).send().await;
    assert_eq!(outcome(&refused), (403, "INSUFFICIENT_PERMISSIONS"));
    assert!(refused.text.contains("Verify the email address first"), "{}", refused.text);
}

#[tokio::test]
async fn a_suspended_account_is_not_let_in() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    app.database().tamper("update accounts set suspended_at = 1");
    assert_eq!(outcome(&log_in(&app, &mut device).await), (403, "ACCOUNT_SUSPENDED"));
    app.database().tamper("update accounts set suspended_at = null, deleted_at = 1");
    assert_eq!(outcome(&log_in(&app, &mut device).await), (403, "ACCOUNT_DELETED"));
}

#[tokio::test]
async fn an_owner_who_disowns_a_login_loses_the_keys_of_the_intruder_alone() {
    let app = server().await;
    let (_, mut own) = with_passkey(&app, "ada").await;
    app.turn_clock(Duration::from_hours(1));
    app.mails().await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let call = app.post("/v1/auth/login", &login).from("198.51.100.7");
    let intruder = call.set_header("user-agent", agent).send().await.tokens();
    let token = token_in(&app.mails().await, "not-me?token=");
    app.turn_clock(Duration::from_mins(1));
    let mut theirs = Device::new();
    let options = creation_options(&app, &intruder, "passkey").await;
    let credential = theirs.create(&options).unwrap();
    assert_eq!(send_key(&app, &intruder, &credential).await.status, 201);
    let form = format!("token={token}");
    let call = app.call(Method::POST, "/v1/not-me");
    call.body("application/x-www-form-urlencoded", form).ok(200).await;
    assert_eq!(outcome(&log_in(&app, &mut theirs).await), (401, "INVALID_PASSKEY"));
    assert_eq!(log_in(&app, &mut own).await.status, 200, "the owner keeps theirs");
}

#[tokio::test]
async fn a_reset_by_mail_removes_no_key() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    app.mails().await;
    let asked = json!({ "email": "ada@example.com" });
    app.post("/v1/auth/forgot-password", &asked).ok(200).await;
    let token = token_in(&app.mails().await, "reset-password?token=");
    let body = json!({ "token": token, "newPassword": "another-Passphrase-7" });
    app.post("/v1/auth/reset-password", &body).ok(200).await;
    assert_eq!(log_in(&app, &mut device).await.status, 200);
}

#[tokio::test]
async fn the_export_has_the_keys_without_secrets() {
    let app = server().await;
    let (tokens, _) = with_passkey(&app, "ada").await;
    let export = app.get("/v1/users/me/export").bearer(&tokens).send().await;
    let keys = &export.body["data"]["passkeys"];
    assert_eq!(keys[0]["type"], "passkey");
    assert_eq!(keys[0]["authenticator"], "Passkey");
    assert!(!export.text.contains("publicKey"), "{}", export.text);
}
