//! Answers that are not genuine, late, of another ceremony or another account.

use std::time::Duration;

use authd::model::secret::{decode, encode};
use serde_json::{Value, json};

use super::{
    add, creation_options, list, log_in, log_in_with, login_options, outcome, send_key, server,
    with_passkey,
};
use crate::authenticator::Device;

/// A change of the device, and the reason in the audit log.
type Change = (fn(&mut Device), &'static str);

#[tokio::test]
async fn a_login_that_is_not_genuine_is_refused_and_recorded() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let changes: [Change; 7] = [
        (|device| device.origin = "https://evil.example".to_owned(), "wrong_origin"),
        (|device| device.origin = "http://localhost:3001".to_owned(), "wrong_origin"),
        (|device| device.rp_id = Some("evil.example".to_owned()), "wrong_rp_id"),
        (|device| device.cross_origin = true, "cross_origin"),
        (|device| device.top_origin = Some("https://evil.example".to_owned()), "cross_origin"),
        (|device| device.verifies_user = false, "user_not_verified"),
        (|device| device.backed_up = true, "backup_state"),
    ];
    for (change, why) in changes {
        let mut other =
            Device { credentials: std::mem::take(&mut device.credentials), ..Device::new() };
        change(&mut other);
        let answer = log_in(&app, &mut other).await;
        assert_eq!(outcome(&answer), (401, "INVALID_PASSKEY"), "{why}: {}", answer.text);
        assert!(answer.cookie().is_none());
        let last = app.audit().await.pop().unwrap();
        assert!(last.starts_with(&format!("login refused {why}: passkey")), "{why}: {last}");
        device.credentials = other.credentials;
    }
    assert_eq!(log_in(&app, &mut device).await.status, 200);
}

/// Replaces the bytes of a field in a credential.
fn with(credential: &Value, field: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Value {
    let mut changed = credential.clone();
    let bytes = decode(credential["response"][field].as_str().unwrap()).unwrap();
    changed["response"][field] = encode(&change(bytes)).into();
    changed
}

#[tokio::test]
async fn an_answer_that_was_tampered_with_is_refused() {
    let app = server().await;
    let (_, mut device) = with_passkey(&app, "ada").await;
    let (_, other) = with_passkey(&app, "bob").await;
    let good = device.get(&login_options(&app).await).unwrap();
    let flip = |mut bytes: Vec<u8>| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes
    };
    let mut strange = good.clone();
    strange["id"] = encode(&other.credentials[0].id).into();
    let mut unknown = good.clone();
    unknown["id"] = encode(&[7; 32]).into();
    let mut nameless = good.clone();
    nameless["response"]["userHandle"] = Value::Null;
    for (credential, why) in [
        (with(&good, "signature", flip), "signature"),
        (with(&good, "authenticatorData", flip), "authenticator data"),
        (with(&good, "authenticatorData", |data| data[..36].to_vec()), "cut"),
        (with(&good, "authenticatorData", |data| [data, vec![0]].concat()), "trailing byte"),
        (with(&good, "clientDataJSON", |_| b"{}".to_vec()), "empty client data"),
        (with(&good, "clientDataJSON", |_| vec![0xff; 40]), "rubbish"),
        (with(&good, "userHandle", flip), "user handle"),
        (strange, "another account's key"),
        (unknown, "an unknown key"),
        (nameless, "no user handle where the person chose the account"),
    ] {
        let answer = log_in_with(&app, &credential).await;
        assert_eq!(outcome(&answer), (401, "INVALID_PASSKEY"), "{why}: {}", answer.text);
    }
    assert_eq!(log_in_with(&app, &good).await.status, 200, "none of them spent the challenge");
}

#[tokio::test]
async fn a_challenge_counts_for_its_own_ceremony_and_session() {
    let app = server().await;
    let (ada, mut device) = with_passkey(&app, "ada").await;
    let bob = app.enter("bob").await;
    // The challenge of a registration answers no login.
    let created = creation_options(&app, &ada, "passkey").await;
    let swapped = json!({
        "challenge": created["challenge"], "rpId": "localhost", "allowCredentials": [],
    });
    let answer = log_in_with(&app, &device.get(&swapped).unwrap()).await;
    assert_eq!(outcome(&answer), (401, "INVALID_PASSKEY"));
    // A challenge of a login, of another account, of another session, made up: none adds a key.
    let mut created = creation_options(&app, &ada, "passkey").await;
    created["excludeCredentials"] = json!([]);
    let other_session = app.login("ada", crate::support::PASSWORD).await.tokens();
    let login = login_options(&app).await["challenge"].clone();
    let of_bob = creation_options(&app, &bob, "passkey").await["challenge"].clone();
    let of_session = creation_options(&app, &other_session, "passkey").await["challenge"].clone();
    for challenge in [login, of_bob, of_session, json!(encode(&[3; 57]))] {
        let mut options = created.clone();
        options["challenge"] = challenge;
        let credential = Device::new().create(&options).unwrap();
        let answer = send_key(&app, &ada, &credential).await;
        assert_eq!(outcome(&answer), (400, "PASSKEY_REJECTED"), "{}", answer.text);
    }
    let credential = Device::new().create(&created).unwrap();
    assert_eq!(send_key(&app, &ada, &credential).await.status, 201);
    let again = send_key(&app, &ada, &credential).await;
    assert_eq!(outcome(&again), (400, "PASSKEY_REJECTED"), "it was answered");
}

#[tokio::test]
async fn a_registration_that_is_not_genuine_is_refused() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let changes: [Change; 7] = [
        (|device| device.origin = "https://evil.example".to_owned(), "wrong_origin"),
        (|device| device.rp_id = Some("evil.example".to_owned()), "wrong_rp_id"),
        (|device| device.cross_origin = true, "cross_origin"),
        (|device| device.top_origin = Some("https://a.example".to_owned()), "cross_origin"),
        (|device| device.verifies_user = false, "user_not_verified"),
        (|device| device.backed_up = true, "backup_state"),
        (|device| device.aaguid = [0; 16], ""),
    ];
    for (change, why) in changes {
        let mut device = Device::new();
        change(&mut device);
        let options = creation_options(&app, &tokens, "passkey").await;
        let credential = device.create(&options).unwrap();
        let answer = send_key(&app, &tokens, &credential).await;
        if why.is_empty() {
            assert_eq!(answer.status, 201, "{}", answer.text);
            continue;
        }
        assert_eq!(outcome(&answer), (400, "PASSKEY_REJECTED"), "{why}: {}", answer.text);
        let last = app.audit().await.pop().unwrap();
        assert_eq!(last, format!("passkey_added refused {why}"));
    }
    assert_eq!(list(&app, &tokens).await["passkeys"].as_array().unwrap().len(), 1);
}

/// Each is one call under the general limit alone, and writes no row of its own.
#[tokio::test]
async fn refused_registrations_share_a_record_of_their_minute() {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let refused = async || {
        let mut device = Device::new();
        device.origin = "https://evil.example".to_owned();
        let options = creation_options(&app, &tokens, "passkey").await;
        let credential = device.create(&options).unwrap();
        assert_eq!(send_key(&app, &tokens, &credential).await.status, 400);
    };
    let counts = || {
        let rows = "select count from audit where event = 'passkey_added' order by id";
        app.database().numbers(rows)
    };
    for _ in 0..5 {
        refused().await;
    }
    assert_eq!(counts(), [5]);
    app.turn_clock(Duration::from_secs(61));
    refused().await;
    assert_eq!(counts(), [5, 1]);
}

#[tokio::test]
async fn a_key_belongs_to_one_account() {
    let app = server().await;
    let ada = app.enter("ada").await;
    let bob = app.enter("bob").await;
    let mut device = Device::new();
    add(&app, &ada, &mut device, "passkey").await;
    // Bob sends a registration with the credential of Ada, whose key he does not have.
    let options = creation_options(&app, &bob, "passkey").await;
    let own = Device::new().create(&options).unwrap();
    let theirs = device.credentials[0].id.clone();
    let id = decode(own["id"].as_str().unwrap()).unwrap();
    let forged = with(&own, "attestationObject", |object| {
        let at = object.windows(32).position(|part| part == id).unwrap();
        [&object[..at], &theirs, &object[at + 32..]].concat()
    });
    let mut forged = forged;
    forged["id"] = encode(&theirs).into();
    assert_eq!(outcome(&send_key(&app, &bob, &forged).await), (409, "ALREADY_EXISTS"));
    assert_eq!(log_in(&app, &mut device).await.body["data"]["user"]["username"], "ada");
}
