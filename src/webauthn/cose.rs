//! COSE keys (RFC 9052, RFC 9053, RFC 8230) of the three algorithms that are asked for, and their
//! signatures.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};

use super::CeremonyError;
use super::cbor::{self, Item};

/// The algorithms, by their numbers in the COSE registry, the preferred first.
pub(super) const ALGORITHMS: [i64; 3] = [EDDSA, ES256, RS256];
const EDDSA: i64 = -8;
const ES256: i64 = -7;
const RS256: i64 = -257;

// Labels of COSE_Key, and values of `kty` and `crv`.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const N: i64 = -1;
const E: i64 = -2;
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P256: i64 = 1;
const CURVE_25519: i64 = 6;
/// The largest modulus of an RSA key, in bytes.
const LARGEST_MODULUS: usize = 1024;

/// A public key with its algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(CoseKeyMaterial);

#[derive(Debug, Clone, PartialEq, Eq)]
enum CoseKeyMaterial {
    Ed25519([u8; 32]),
    /// The uncompressed point.
    P256([u8; 65]),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a `COSE_Key`, and checks that it is a key of its algorithm.
    ///
    /// # Errors
    /// `Malformed`, `UnsupportedKey`.
    pub fn parse(bytes: &[u8]) -> Result<Self, CeremonyError> {
        Self::of(&cbor::parse(bytes)?)
    }

    pub(super) fn of(item: &Item<'_>) -> Result<Self, CeremonyError> {
        let int = |label| item.at(label).and_then(Item::as_int);
        let material = match (int(ALG), int(KTY)) {
            (Some(EDDSA), Some(OKP)) if int(CRV) == Some(CURVE_25519) => {
                CoseKeyMaterial::Ed25519(fixed(item, X)?)
            }
            (Some(ES256), Some(EC2)) if int(CRV) == Some(P256) => {
                CoseKeyMaterial::P256(point(item)?)
            }
            (Some(RS256), Some(RSA)) => rsa(item)?,
            _ => return Err(CeremonyError::UnsupportedKey),
        };
        let is_valid = match &material {
            CoseKeyMaterial::Ed25519(key) => ParsedPublicKey::new(&ED25519, key).is_ok(),
            CoseKeyMaterial::P256(point) => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok()
            }
            CoseKeyMaterial::Rsa { .. } => true,
        };
        if is_valid { Ok(Self(material)) } else { Err(CeremonyError::UnsupportedKey) }
    }

    /// Checks a signature over the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CeremonyError> {
        let checked = match &self.0 {
            CoseKeyMaterial::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            CoseKeyMaterial::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            CoseKeyMaterial::Rsa { modulus, exponent } => {
                PublicKeyComponents { n: modulus, e: exponent }.verify(
                    &RSA_PKCS1_2048_8192_SHA256,
                    message,
                    signature,
                )
            }
        };
        checked.map_err(|_| CeremonyError::BadSignature)
    }
}

fn fixed<const LENGTH: usize>(item: &Item<'_>, label: i64) -> Result<[u8; LENGTH], CeremonyError> {
    let bytes = item.at(label).and_then(Item::as_bytes);
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(CeremonyError::UnsupportedKey)
}

fn point(item: &Item<'_>) -> Result<[u8; 65], CeremonyError> {
    let (x, y): ([u8; 32], [u8; 32]) = (fixed(item, X)?, fixed(item, Y)?);
    let mut point = [4; 65];
    point[1..33].copy_from_slice(&x);
    point[33..].copy_from_slice(&y);
    Ok(point)
}

/// A modulus of 2048 to 8192 bits and an exponent of 3 to 2³³ - 1, both odd and without leading zeros:
/// what a signature can be checked with.
fn rsa(item: &Item<'_>) -> Result<CoseKeyMaterial, CeremonyError> {
    let bytes = |label| item.at(label).and_then(Item::as_bytes);
    let (Some(modulus), Some(exponent)) = (bytes(N), bytes(E)) else {
        return Err(CeremonyError::UnsupportedKey);
    };
    let is_modulus = (256..=LARGEST_MODULUS).contains(&modulus.len())
        && modulus
            .first()
            .is_some_and(|first| *first >= if modulus.len() == 256 { 0x80 } else { 1 })
        && modulus.last().is_some_and(|last| last % 2 == 1);
    let is_exponent = (1..=5).contains(&exponent.len())
        && exponent.first().is_some_and(|first| *first != 0 && (exponent.len() < 5 || *first == 1))
        && exponent.last().is_some_and(|last| last % 2 == 1)
        && exponent != [1];
    if !is_modulus || !is_exponent {
        return Err(CeremonyError::UnsupportedKey);
    }
    Ok(CoseKeyMaterial::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, CeremonyError> {
        let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59];
        let length = u16::try_from(modulus.len()).unwrap().to_be_bytes();
        let short = [0x21, 0x40 + u8::try_from(exponent.len()).unwrap()];
        PublicKey::parse(&[&head[..], &length, modulus, &short, exponent].concat())
    }

    #[test]
    fn an_rsa_key_is_one_that_a_signature_can_be_checked_with() {
        let modulus = |first: u8, length: usize| {
            let mut bytes = vec![1; length];
            bytes[0] = first;
            bytes
        };
        let usual = [1, 0, 1];
        for (first, length) in [(0x80, 256), (0xff, 256), (1, 257), (0xff, 1024)] {
            assert!(rsa_key(&modulus(first, length), &usual).is_ok(), "{first} {length}");
        }
        for (first, length) in [(0x7f, 256), (0, 257), (0xff, 255), (1, 1025)] {
            assert!(rsa_key(&modulus(first, length), &usual).is_err(), "{first} {length}");
        }
        let good = modulus(0x80, 256);
        for exponent in [&[3][..], &[0xff, 0xff, 0xff, 0xff], &[1, 0xff, 0xff, 0xff, 0xff]] {
            assert!(rsa_key(&good, exponent).is_ok(), "{exponent:?}");
        }
        for exponent in [&[1][..], &[2], &[0, 3], &[2, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 1]] {
            assert!(rsa_key(&good, exponent).is_err(), "{exponent:?}");
        }
    }
}
