//! Public keys as JSON Web Keys (RFC 7517; RFC 7518, section 6; RFC 8037). A shared secret has no
//! public half and is never published.

use aws_lc_rs::signature::{KeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};

use super::keys::{KeyMaterial, name};
use crate::model::secret::encode;

/// Length of a P-256 coordinate in bytes.
const COORDINATE: usize = 32;

/// The public half of a key.
pub(super) fn public(kid: &str, key: &KeyMaterial) -> Option<Value> {
    match key {
        KeyMaterial::Rsa(pair, _) => {
            let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
            Some(json!({
                "kty": "RSA", "use": "sig", "alg": name(key.algorithm()), "kid": kid,
                "n": encode(&parts.n), "e": encode(&parts.e),
            }))
        }
        KeyMaterial::Ec(pair, _) => {
            // SEC 1, uncompressed point: 4, x, y.
            let (_, point) = pair.public_key().as_ref().split_first()?;
            let (x, y) = point.split_at_checked(COORDINATE)?;
            Some(json!({
                "kty": "EC", "use": "sig", "alg": name(key.algorithm()), "kid": kid,
                "crv": "P-256", "x": encode(x), "y": encode(y),
            }))
        }
        KeyMaterial::Ed(pair, _) => Some(json!({
            "kty": "OKP", "use": "sig", "alg": name(key.algorithm()), "kid": kid,
            "crv": "Ed25519", "x": encode(pair.public_key().as_ref()),
        })),
        KeyMaterial::Secret(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::generate;
    use super::*;
    use crate::config::Algorithm;
    use crate::env::Env;

    fn jwk(algorithm: Algorithm) -> Option<Value> {
        public(
            "k",
            &KeyMaterial::open(algorithm, &generate(algorithm, &Env::real()).unwrap()).unwrap(),
        )
    }

    #[test]
    fn an_elliptic_key_shows_its_point_and_nothing_private() {
        let jwk = jwk(Algorithm::Es256).unwrap();
        let members: Vec<_> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(members, ["kty", "use", "alg", "kid", "crv", "x", "y"]);
        assert_eq!(jwk["x"].as_str().unwrap().len(), 43);
    }

    #[test]
    fn an_edwards_key_shows_its_point_and_nothing_private() {
        let jwk = jwk(Algorithm::EdDsa).unwrap();
        let members: Vec<_> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(members, ["kty", "use", "alg", "kid", "crv", "x"]);
        assert_eq!(
            (&jwk["kty"], &jwk["crv"], jwk["x"].as_str().unwrap().len()),
            (&"OKP".into(), &"Ed25519".into(), 43)
        );
    }

    #[test]
    fn an_rsa_key_shows_modulus_and_exponent_and_nothing_private() {
        let jwk = jwk(Algorithm::Rs256).unwrap();
        let members: Vec<_> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(members, ["kty", "use", "alg", "kid", "n", "e"]);
        assert_eq!(jwk["e"], "AQAB");
        assert_eq!(jwk["n"].as_str().unwrap().len(), 512);
    }

    #[test]
    fn a_shared_secret_is_never_published() {
        assert_eq!(jwk(Algorithm::Hs256), None);
    }
}
