//! Passkeys and security keys.

use serde_json::{Value, json};

use super::{ID, done, login_answer};
use crate::error::Kind;
use crate::http::docs::openapi::Described;

const MADE: &str = "2023-12-01T10:30:00Z";
const CHALLENGE: &str = "q80xUiF1...";
const CREDENTIAL: &str = "-R85HbTJ...";
const HANDLE: &str = "b2o4Vt6w...";
const CLIENT_DATA: &str = "eyJ0eXBl...";
const AUTHENTICATOR_DATA: &str = "v6vDdDKV...";

pub(super) fn operations() -> Vec<Described> {
    own().into_iter().chain(of_others()).collect()
}

/// The operations of the caller's own keys.
fn own() -> Vec<Described> {
    let log_in = [
        Kind::PasskeyInvalid,
        Kind::EmailUnverified,
        Kind::AccountSuspended,
        Kind::AccountDeleted,
        Kind::Forbidden,
    ];
    let add_options = [Kind::Forbidden, Kind::ReauthenticationRequired, Kind::Conflict];
    let add = [
        Kind::Forbidden,
        Kind::ReauthenticationRequired,
        Kind::PasskeyRejected,
        Kind::AlreadyExists,
        Kind::Conflict,
    ];
    let remove =
        [Kind::ReauthenticationRequired, Kind::NotFound, Kind::Conflict, Kind::LastLoginMethod];
    let options = json!({ "success": true, "data": request_options() });
    let proof = json!({ "credential": assertion() });
    vec![
        Described::new("passkeyOptions", &[Kind::Forbidden], options.clone()),
        Described::new("passkeyLogin", &log_in, login_answer())
            .taking("credential", json!({ "credential": assertion(), "rememberMe": true })),
        Described::new("mfaPasskeyOptions", &[Kind::Validation], options.clone()),
        Described::new("mfaPasskey", &[Kind::PasskeyInvalid], login_answer())
            .taking("credential", proof.clone()),
        Described::new("reauthenticatePasskeyOptions", &[Kind::NotFound], options),
        Described::new(
            "reauthenticatePasskey",
            &[Kind::PasskeyInvalid],
            done("Authentication renewed"),
        )
        .taking("credential", proof),
        Described::new(
            "addPasskeyOptions",
            &add_options,
            json!({ "success": true, "data": creation_options() }),
        )
        .taking("passkey", json!({ "type": "passkey" })),
        Described::new("addPasskey", &add, added())
            .taking("credential", json!({ "credential": attestation(), "name": "My phone" })),
        Described::new("listPasskeys", &[], json!({ "success": true, "data": overview() })),
        Described::new(
            "renamePasskey",
            &[Kind::NotFound],
            json!({ "success": true, "data": passkey("My new phone") }),
        )
        .taking("name", json!({ "name": "My new phone" })),
        Described::new("removePasskey", &remove, done("Passkey removed")),
    ]
}

/// The operations of administrators.
fn of_others() -> Vec<Described> {
    vec![
        Described::new(
            "listUserPasskeys",
            &[Kind::AccountNotFound],
            json!({ "success": true, "data": [passkey("My phone")] }),
        ),
        Described::new(
            "removeUserPasskey",
            &[Kind::AccountNotFound, Kind::NotFound, Kind::ReauthenticationRequired],
            done("Passkey removed"),
        ),
    ]
}

fn descriptor() -> Value {
    json!({ "type": "public-key", "id": CREDENTIAL, "transports": ["internal"] })
}

fn request_options() -> Value {
    json!({
        "challenge": CHALLENGE, "timeout": 300_000, "rpId": "example.com",
        "allowCredentials": [descriptor()], "userVerification": "required",
    })
}

fn creation_options() -> Value {
    let algorithm = |number: i64| json!({ "type": "public-key", "alg": number });
    json!({
        "rp": { "id": "example.com", "name": "Example" },
        "user": { "id": HANDLE, "name": "johndoe", "displayName": "John Doe" },
        "challenge": CHALLENGE, "pubKeyCredParams": [algorithm(-8), algorithm(-7), algorithm(-257)],
        "timeout": 300_000, "excludeCredentials": [descriptor()],
        "authenticatorSelection": {
            "residentKey": "required", "userVerification": "required",
        },
        "attestation": "none", "extensions": { "credProps": true },
    })
}

fn assertion() -> Value {
    json!({
        "id": CREDENTIAL, "type": "public-key",
        "response": {
            "clientDataJSON": CLIENT_DATA, "authenticatorData": AUTHENTICATOR_DATA,
            "signature": "MEYCIQD1...", "userHandle": HANDLE,
        },
    })
}

fn attestation() -> Value {
    json!({
        "id": CREDENTIAL, "type": "public-key",
        "response": {
            "clientDataJSON": CLIENT_DATA, "attestationObject": "o2NmbXRk...",
            "transports": ["internal", "hybrid"],
        },
        "clientExtensionResults": { "credProps": { "rk": true } },
    })
}

fn passkey(name: &str) -> Value {
    json!({
        "id": ID, "type": "passkey", "name": name, "authenticator": "Google Password Manager",
        "aaguid": "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "credentialId": CREDENTIAL,
        "transports": ["internal", "hybrid"], "discoverable": true, "userVerified": true,
        "backupEligible": true, "backedUp": true, "suspectSince": null, "createdAt": MADE, "lastUsed": null,
    })
}

fn overview() -> Value {
    json!({
        "passkeys": [passkey("My phone")], "rpId": "example.com", "userId": HANDLE,
        "allAcceptedCredentialIds": [CREDENTIAL],
    })
}

fn added() -> Value {
    json!({
        "success": true, "message": "Passkey added successfully",
        "data": { "passkey": passkey("My phone"), "backupCodes": [] },
    })
}
