//! Other relying parties as judges: what our options ask for and what the authenticator in software
//! answers is accepted by `@simplewebauthn/server` and by the Python package `webauthn` too, with the
//! same key.

use std::io::Write as _;
use std::process::{Command, Stdio};

use authd::model::secret::encode;
use authd::store::Value as Cell;
use serde_json::{Value, json};

use super::{creation_options, log_in_with, login_options, send_key, server};
use crate::authenticator::{Algorithm, Device};
use crate::tools::{installed, is_here, missing};

/// One ceremony that the server accepted, and the key that it stored.
async fn ceremony(algorithm: Algorithm) -> (Value, String) {
    let app = server().await;
    let tokens = app.enter("ada").await;
    let mut device = Device { algorithm, counter: Some(1), ..Device::new() };
    let created = creation_options(&app, &tokens, "passkey").await;
    let registration = device.create(&created).unwrap();
    device.counter = Some(2);
    assert_eq!(send_key(&app, &tokens, &registration).await.status, 201);
    let asked = login_options(&app).await;
    let login = device.get(&asked).unwrap();
    assert_eq!(log_in_with(&app, &login).await.status, 200);
    let mut found = app.database().query("select public_key from passkeys");
    let Some(Cell::Bytes(key)) = found.rows.pop().and_then(|mut row| row.pop()) else {
        panic!("expected a key");
    };
    let ceremony = json!({
        "origin": device.origin,
        "registration": { "options": created, "response": registration },
        "login": { "options": asked, "response": login },
    });
    (ceremony, encode(&key))
}

fn judge(command: &mut Command, ceremony: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(ceremony.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn judged(command: impl Fn() -> Command) {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let (ceremony, key) = ceremony(algorithm).await;
        let verdict = judge(&mut command(), &ceremony);
        let id = &ceremony["registration"]["response"]["id"];
        let expected = json!({ "verified": true, "id": id, "publicKey": key, "counter": 2 });
        assert_eq!(verdict, expected, "{algorithm:?}");
    }
}

fn script(name: &str) -> String {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn simplewebauthn_accepts_the_same_ceremonies() {
    let Some(folder) = installed("webauthn-node").filter(|_| is_here("node")) else {
        missing("a judge of passkeys", "@simplewebauthn/server");
        return;
    };
    judged(|| {
        let mut command = Command::new("node");
        command.arg(script("passkeys.mjs")).arg(&folder);
        command
    })
    .await;
}

#[tokio::test]
async fn the_python_package_accepts_the_same_ceremonies() {
    let Some(folder) = installed("webauthn-python") else {
        missing("a judge of passkeys", "the Python package webauthn");
        return;
    };
    judged(|| {
        let mut command = Command::new(folder.join("bin/python"));
        command.arg(script("passkeys.py"));
        command
    })
    .await;
}
