//! What browsers send in a passkey ceremony: any bytes as CBOR, authenticator data, client data,
//! attestation object and key are read or refused, and a key that is read is read again the same.
#![no_main]

use authd::webauthn::{PublicKey, parse_any};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    parse_any(data);
    if let Ok(key) = PublicKey::parse(data) {
        assert_eq!(PublicKey::parse(data), Ok(key));
        assert!(PublicKey::parse(&[data, &[0]].concat()).is_err(), "trailing bytes are refused");
    }
});
