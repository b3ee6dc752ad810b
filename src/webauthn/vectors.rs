//! The test vectors of the specification (section 16), byte for byte.

use serde_json::Value;

use super::{AssertionResponse, CeremonyError, PublicKey, RegistrationResponse, RelyingParty};

const VECTORS: &str = include_str!("../../tests/fixtures/webauthn.json");

fn bytes(of: &Value) -> Vec<u8> {
    let text = of.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn party() -> RelyingParty {
    RelyingParty { id: "example.org".to_owned(), origins: vec!["https://example.org".to_owned()] }
}

fn registration(of: &Value) -> RegistrationResponse {
    RegistrationResponse {
        id: bytes(&of["credential_id"]),
        client_data: bytes(&of["clientDataJSON"]),
        attestation_object: bytes(&of["attestationObject"]),
        transports: Vec::new(),
        discoverable: None,
    }
}

fn assertion(id: &Value, of: &Value) -> AssertionResponse {
    AssertionResponse {
        id: bytes(id),
        client_data: bytes(&of["clientDataJSON"]),
        authenticator_data: bytes(&of["authenticatorData"]),
        signature: bytes(&of["signature"]),
        user_handle: None,
    }
}

/// What our policy says of a vector: neither keys that were not asked for, nor frames of other
/// sites.
fn refusal(name: &str) -> Option<CeremonyError> {
    if name.contains("crossOrigin") || name.contains("topOrigin") {
        return Some(CeremonyError::CrossOrigin);
    }
    let is_other_key = ["ES384", "ES512", "Ed448"].into_iter().any(|key| name.contains(key));
    is_other_key.then_some(CeremonyError::UnsupportedKey)
}

#[test]
fn every_vector_of_the_specification_is_accepted_or_refused_by_policy() {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = all["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 15);
    let mut accepted = 0;
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let made = &vector["registration"];
        let response = registration(made);
        assert_eq!(response.challenge().unwrap(), bytes(&made["challenge"]), "{name}");
        let outcome = response.verify(&party(), &bytes(&made["challenge"]));
        if let Some(refusal) = refusal(name) {
            assert_eq!(outcome, Err(refusal), "{name}");
            continue;
        }
        let credential = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(credential.aaguid.to_vec(), bytes(&made["aaguid"]), "{name}");
        let key = PublicKey::parse(&credential.public_key).unwrap();
        let shown = &vector["authentication"];
        let response = assertion(&made["credential_id"], shown);
        let challenge = bytes(&shown["challenge"]);
        response
            .verify(&party(), &challenge, &key)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        refuses_every_change(name, &response, &challenge, &key);
        accepted += 1;
    }
    assert_eq!(accepted, 10);
}

/// The same assertion with one thing changed.
fn refuses_every_change(name: &str, good: &AssertionResponse, challenge: &[u8], key: &PublicKey) {
    let refused = |response: &AssertionResponse| response.verify(&party(), challenge, key).is_err();
    for at in 0..good.authenticator_data.len() {
        let mut changed = good.clone();
        changed.authenticator_data[at] ^= 1;
        assert!(refused(&changed), "{name}: authenticator data, byte {at}");
    }
    for at in (0..good.signature.len()).step_by(7) {
        let mut changed = good.clone();
        changed.signature[at] ^= 1;
        assert!(refused(&changed), "{name}: signature, byte {at}");
    }
    let other = RelyingParty { id: "example.com".to_owned(), ..party() };
    assert_eq!(
        good.verify(&other, challenge, key),
        Err(CeremonyError::WrongRelyingParty),
        "{name}"
    );
    let other = RelyingParty { origins: vec!["https://example.org:8443".to_owned()], ..party() };
    assert_eq!(good.verify(&other, challenge, key), Err(CeremonyError::WrongOrigin), "{name}");
    assert_eq!(
        good.verify(&party(), b"another", key),
        Err(CeremonyError::WrongChallenge),
        "{name}"
    );
}

/// A registration is no assertion, and the reverse.
#[test]
fn the_ceremonies_do_not_stand_for_each_other() {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    let (made, shown) = (&all["vectors"][0]["registration"], &all["vectors"][0]["authentication"]);
    let mut response = registration(made);
    response.client_data = bytes(&shown["clientDataJSON"]);
    let challenge = bytes(&shown["challenge"]);
    assert_eq!(response.verify(&party(), &challenge), Err(CeremonyError::WrongType));
    let mut response = registration(made);
    response.id.push(0);
    let challenge = bytes(&made["challenge"]);
    assert_eq!(response.verify(&party(), &challenge), Err(CeremonyError::CredentialId));
}

#[test]
fn a_backup_without_eligibility_is_refused() {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    let made = &all["vectors"][0]["registration"];
    let mut response = registration(made);
    let hash = crate::model::secret::digest(b"example.org");
    let at = response.attestation_object.windows(32).position(|part| part == hash).unwrap() + 32;
    let challenge = bytes(&made["challenge"]);
    for (flags, expected) in [
        (0b0101_0001, Err(CeremonyError::BackupState)),
        (0b0100_0000, Err(CeremonyError::UserNotPresent)),
        (0b0000_0001, Err(CeremonyError::Malformed)),
        (0b0101_1101, Ok((true, true, true))),
        (0b0100_0001, Ok((false, false, false))),
    ] {
        response.attestation_object[at] = flags;
        let found = response.verify(&party(), &challenge);
        let found = found.map(|new| (new.user_verified, new.backup_eligible, new.backed_up));
        assert_eq!(found, expected, "{flags:08b}");
    }
}
