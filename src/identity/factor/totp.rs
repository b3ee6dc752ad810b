//! Time-based one-time passwords: RFC 6238 on RFC 4226, SHA-1, six digits, steps of 30 seconds. The
//! store tracks which steps have been used.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use crate::config::Factors;
use crate::env::Env;
use crate::error::Result;
use crate::model::{Secret, Time, percent};

/// Length of a secret in bytes, the same as the digest (RFC 4226, section 4).
const SECRET: usize = 20;
const STEP: i64 = 30;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Makes a random secret.
pub fn new_secret(env: &Env) -> Result<Vec<u8>> {
    Ok(env.random::<SECRET>()?.to_vec())
}

/// Returns the newest step within the window whose code was typed.
#[must_use]
pub fn matching_step(secret: &[u8], typed: &str, wall: Time, rules: &Factors) -> Option<i64> {
    let now = wall.seconds().div_euclid(STEP);
    let window = now - i64::from(rules.totp_behind)..=now + i64::from(rules.totp_ahead);
    // Compute every code even after a match, so that the time reveals nothing.
    let matching: Vec<i64> = window
        .filter(|step| {
            verify_slices_are_equal(code(secret, *step).as_bytes(), typed.as_bytes()).is_ok()
        })
        .collect();
    matching.last().copied()
}

/// The code at a time.
#[must_use]
pub fn code_at(secret: &[u8], wall: Time) -> String {
    code(secret, wall.seconds().div_euclid(STEP))
}

/// The code of a step (RFC 4226, section 5.3).
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let offset = usize::from(digest.last().copied().unwrap_or(0) & 0x0f);
    let word =
        digest.iter().skip(offset).take(4).fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

/// Encodes base32 without padding (RFC 4648, section 6), as authenticator apps expect it.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    text
}

/// The `otpauth` URI that an authenticator app reads from a QR code.
#[must_use]
pub fn uri(service: &str, name: &str, secret: &str) -> Secret {
    let (service, name) = (percent::encode(service), percent::encode(name));
    Secret::new(format!(
        "otpauth://totp/{service}:{name}?secret={secret}&issuer={service}&algorithm=SHA1&digits=6&period=30"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const RFC: &[u8] = b"12345678901234567890";

    fn rules(behind: u8, ahead: u8) -> Factors {
        Factors {
            totp_behind: behind,
            totp_ahead: ahead,
            first_asks: true,
            enabled: true,
            issuer: None,
        }
    }

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(RFC, seconds / STEP), expected, "{seconds}");
        }
    }

    #[test]
    fn the_step_before_counts_and_the_step_after_does_not() {
        let at = |seconds| Time::from_seconds(seconds);
        assert_eq!(matching_step(RFC, "287082", at(59), &rules(1, 0)), Some(1));
        assert_eq!(matching_step(RFC, "287082", at(60), &rules(1, 0)), Some(1));
        assert_eq!(matching_step(RFC, "287082", at(90), &rules(1, 0)), None);
        assert_eq!(matching_step(RFC, "287082", at(29), &rules(1, 0)), None);
        assert_eq!(matching_step(RFC, "287082", at(29), &rules(1, 1)), Some(1));
        assert_eq!(matching_step(RFC, "287082", at(60), &rules(0, 0)), None);
        for typed in ["", "28708", "2870822", "ABCDEF"] {
            assert_eq!(matching_step(RFC, typed, at(59), &rules(1, 0)), None, "{typed}");
        }
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, encoded) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
        assert_eq!(base32(RFC), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn names_cannot_break_out_of_the_address() {
        let uri = uri("A & B", "x@y.example?secret=1", "AAAA");
        assert!(uri.reveal().starts_with(
            "otpauth://totp/A%20%26%20B:x%40y.example%3Fsecret%3D1?secret=AAAA&issuer="
        ));
    }
}
