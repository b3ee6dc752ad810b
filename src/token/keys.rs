//! One key that signs access tokens: generating, opening, signing, verifying. A key has one
//! algorithm and never serves another.
//!
//! Private keys are parsed once and kept parsed. For which key is in force, see `ring`.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use zeroize::Zeroizing;

use crate::config::Algorithm;
use crate::env::Env;
use crate::error::{Error, Kind, Result};

/// A secret with fewer distinct bytes than this was not drawn at random.
const SECRET_VARIETY: usize = 8;
const RSA_LEAST_BYTES: usize = 2048 / 8;

/// Private key bytes before they are sealed: PKCS #8, or the shared secret.
pub(super) type Private = Zeroizing<Vec<u8>>;

/// An opened key: its signing half and its verifying half.
pub(super) enum KeyMaterial {
    /// RS256
    Rsa(Box<RsaKeyPair>, DecodingKey),
    /// ES256
    Ec(Box<EcdsaKeyPair>, DecodingKey),
    /// EdDSA (RFC 8037)
    Ed(Box<Ed25519KeyPair>, DecodingKey),
    /// HS256, HS384 or HS512
    Secret(Algorithm, Box<hmac::Key>, DecodingKey),
}

/// The algorithm's name in token headers and in the store.
pub(super) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 => "RS256",
        Algorithm::Es256 => "ES256",
        Algorithm::EdDsa => "EdDSA",
        Algorithm::Hs256 => "HS256",
        Algorithm::Hs384 => "HS384",
        Algorithm::Hs512 => "HS512",
    }
}

/// The algorithm with this name.
pub(super) fn named(name: &str) -> Option<Algorithm> {
    Algorithm::ALL.into_iter().find(|one| self::name(*one) == name)
}

/// Generates a private key. An RSA key takes up to a second.
pub(super) fn generate(algorithm: Algorithm, env: &Env) -> Result<Private> {
    let failed = |_| Error::internal(format!("generating a {} key failed", name(algorithm)));
    Ok(Zeroizing::new(match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?.as_ref().to_vec()
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
        Algorithm::Hs256 => env.random::<32>()?.to_vec(),
        Algorithm::Hs384 => env.random::<48>()?.to_vec(),
        Algorithm::Hs512 => env.random::<64>()?.to_vec(),
    }))
}

/// Refuses a shared secret that can be guessed.
pub(super) fn check_secret(algorithm: Algorithm, secret: &[u8]) -> Result<()> {
    let mut seen = [false; 256];
    for byte in secret {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|seen| **seen).count();
    let least = algorithm.least_secret();
    let found = if secret.len() < least {
        format!("{}", secret.len())
    } else if different < SECRET_VARIETY {
        format!("only {different} distinct ones")
    } else {
        return Ok(());
    };
    Err(Error::with(
        Kind::Internal,
        format!(
            "tokens.secret: expected at least {least} bytes drawn at random, got {found}; generate one with \
             `openssl rand -base64 {}`",
            least.max(48)
        ),
    ))
}

impl KeyMaterial {
    /// Parses a key made by [`generate`], or imported.
    pub(super) fn open(algorithm: Algorithm, private: &[u8]) -> Result<Self> {
        let refused = |_| {
            Error::internal(format!("a stored key is not a private key for {}", name(algorithm)))
        };
        match algorithm {
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(private).map_err(refused)?;
                if pair.public_modulus_len() < RSA_LEAST_BYTES {
                    let bits = pair.public_modulus_len() * 8;
                    return Err(Error::internal(format!(
                        "expected an RSA key of at least 2048 bits, got {bits}"
                    )));
                }
                let public = DecodingKey::from_rsa_der(pair.public_key().as_ref());
                Ok(Self::Rsa(Box::new(pair), public))
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private)
                    .map_err(refused)?;
                let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
                Ok(Self::Ec(Box::new(pair), public))
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(private).map_err(refused)?;
                let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
                Ok(Self::Ed(Box::new(pair), public))
            }
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                if private.len() < algorithm.least_secret() {
                    return Err(Error::internal(format!(
                        "a stored shared secret is shorter than {} bytes",
                        algorithm.least_secret()
                    )));
                }
                let mac = match algorithm {
                    Algorithm::Hs384 => hmac::HMAC_SHA384,
                    Algorithm::Hs512 => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                let key = hmac::Key::new(mac, private);
                Ok(Self::Secret(algorithm, Box::new(key), DecodingKey::from_secret(private)))
            }
        }
    }

    /// The only algorithm that this key serves.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(..) => Algorithm::Rs256,
            Self::Ec(..) => Algorithm::Es256,
            Self::Ed(..) => Algorithm::EdDsa,
            Self::Secret(algorithm, ..) => *algorithm,
        }
    }

    /// A signature in the JWS encoding (RFC 7518).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        // Not with jsonwebtoken: it parses the private key for each signature, which costs a third
        // to two thirds of the signatures per second.
        let failed = |_| Error::internal("signing a token failed");
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, _) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Self::Ec(pair, _) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Self::Ed(pair, _) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Secret(_, key, _) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }

    /// Whether this key made the signature.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key) = match self {
            Self::Rsa(_, key) => (jsonwebtoken::Algorithm::RS256, key),
            Self::Ec(_, key) => (jsonwebtoken::Algorithm::ES256, key),
            Self::Ed(_, key) => (jsonwebtoken::Algorithm::EdDSA, key),
            Self::Secret(Algorithm::Hs384, _, key) => (jsonwebtoken::Algorithm::HS384, key),
            Self::Secret(Algorithm::Hs512, _, key) => (jsonwebtoken::Algorithm::HS512, key),
            Self::Secret(_, _, key) => (jsonwebtoken::Algorithm::HS256, key),
        };
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key);
        verifier.is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", name(self.algorithm()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_signs_what_it_verifies_and_nothing_else() {
        let quick = Algorithm::ALL.into_iter().filter(|one| *one != Algorithm::Rs256);
        for algorithm in quick {
            let env = Env::real();
            let private = generate(algorithm, &env).unwrap();
            let key = KeyMaterial::open(algorithm, &private).unwrap();
            let signature = key.sign(b"message").unwrap();
            assert!(key.verifies(b"message", &signature));
            assert!(!key.verifies(b"massage", &signature));
            assert!(!key.verifies(b"message", &signature[..signature.len() - 1]));
            assert!(!key.verifies(b"message", b""));
            let other = KeyMaterial::open(algorithm, &generate(algorithm, &env).unwrap()).unwrap();
            assert!(!other.verifies(b"message", &signature));
            assert_eq!(named(name(algorithm)), Some(algorithm));
        }
        assert_eq!(named("none"), None);
    }

    #[test]
    fn an_rsa_key_made_here_has_3072_bits() {
        let private = generate(Algorithm::Rs256, &Env::real()).unwrap();
        let key = KeyMaterial::open(Algorithm::Rs256, &private).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature.len() * 8, 3072);
        assert!(key.verifies(b"message", &signature));
    }

    #[test]
    fn a_key_is_not_opened_as_one_of_another_algorithm() {
        let private = generate(Algorithm::Es256, &Env::real()).unwrap();
        assert!(KeyMaterial::open(Algorithm::Rs256, &private).is_err());
        assert!(KeyMaterial::open(Algorithm::Es256, &[0; 32]).is_err());
        assert!(KeyMaterial::open(Algorithm::EdDsa, &private).is_err());
        assert!(KeyMaterial::open(Algorithm::Hs256, &[0; 31]).is_err());
    }

    #[test]
    fn a_weak_secret_is_refused_without_being_shown() {
        for weak in ["hush-hush", "abababababababababababababababababababab"] {
            let error = check_secret(Algorithm::Hs256, weak.as_bytes()).unwrap_err();
            assert!(
                error.message().starts_with("tokens.secret") && !error.chain().contains(weak),
                "{error}"
            );
        }
        check_secret(Algorithm::Hs256, b"4f1c9a7be0d2835664afc01b77e29d38").unwrap();
        // RFC 7518, section 3.2: the key is at least as long as the hash.
        assert!(check_secret(Algorithm::Hs512, b"4f1c9a7be0d2835664afc01b77e29d38").is_err());
    }

    #[test]
    fn a_key_does_not_print() {
        let key = KeyMaterial::open(Algorithm::Hs256, &[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "Key(HS256, …)");
    }
}
