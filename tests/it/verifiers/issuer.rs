//! An issuer of the test: a server of public keys, which signs any header and any claims.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authd::env::Env;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The secret that the issuer publishes by mistake, as a key of type `oct`.
pub const SECRET: &[u8] = b"a secret that must not check a signature";

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub struct TestIssuer {
    pub url: String,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    rsa: RsaKeyPair,
    /// Not published.
    pub stranger: EcdsaKeyPair,
    fetches: Arc<AtomicUsize>,
}

fn new_ec() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

fn new_jti() -> [u8; 16] {
    Env::real().random().unwrap()
}

/// The public key of an elliptic pair as a JSON Web Key.
pub fn ec_jwk(pair: &EcdsaKeyPair) -> Value {
    let point = pair.public_key().as_ref();
    json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
}

impl TestIssuer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ec: new_ec(),
            ed: Ed25519KeyPair::generate().unwrap(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            stranger: new_ec(),
            fetches: Arc::default(),
        };
        let (jwks, fetches) = (issuer.jwks().to_string(), Arc::clone(&issuer.fetches));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let mut lines = lines.map_while(Result::ok);
                let Some(line) = lines.next() else { continue };
                let _ = lines.find(String::is_empty);
                assert!(line.starts_with("GET /.well-known/jwks.json "), "{line}");
                fetches.fetch_add(1, Ordering::SeqCst);
                let head =
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
                let about =
                    format!("cache-control: max-age=3600\r\ncontent-length: {}", jwks.len());
                let _ = write!(stream, "{head}{about}\r\n\r\n{jwks}");
            }
        });
        issuer
    }

    /// How often the keys were fetched.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn jwks(&self) -> Value {
        let with = |mut jwk: Value, members: Value| {
            jwk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            jwk
        };
        let (ec, ed) = (ec_jwk(&self.ec), encode(self.ed.public_key().as_ref()));
        let rsa = RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": ed });
        let rsa = json!({ "kty": "RSA", "n": encode(&rsa.n), "e": encode(&rsa.e) });
        json!({ "keys": [
            with(ec.clone(), json!({ "kid": "ec", "use": "sig", "alg": "ES256" })),
            with(ed, json!({ "kid": "ed", "use": "sig", "alg": "EdDSA" })),
            with(rsa.clone(), json!({ "kid": "rsa", "use": "sig", "alg": "RS256" })),
            // None of these may check a signature.
            with(ec.clone(), json!({ "kid": "for encryption", "use": "enc" })),
            with(ec, json!({ "kid": "of another algorithm", "alg": "RS256" })),
            with(rsa, json!({ "kid": "of PSS", "alg": "PS256" })),
            { "kty": "oct", "kid": "a secret", "alg": "HS256", "k": encode(SECRET) },
        ] })
    }

    /// The header of a good token.
    pub fn header() -> Value {
        json!({ "alg": "ES256", "kid": "ec", "typ": "JWT" })
    }

    /// The claims of a good token.
    pub fn claims(&self) -> Value {
        let now = Env::real().wall().seconds();
        json!({
            "iss": self.url, "sub": "a", "iat": now, "exp": now + 900, "jti": encode(new_jti()),
            "sid": "s", "roles": ["user"],
        })
    }

    /// A good token but for these claims; `null` stays, and an absent member is named by [`ABSENT`].
    pub fn token(&self, changes: &Value) -> String {
        self.sign(&Self::header(), &changed(self.claims(), changes))
    }

    /// Signs as the header says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_bytes(header, claims.to_string().as_bytes())
    }

    pub fn sign_bytes(&self, header: &Value, claims: &[u8]) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims));
        let random = SystemRandom::new();
        let signature = match header["kid"].as_str() {
            Some("ed") => self.ed.sign(signed.as_bytes()).as_ref().to_vec(),
            Some("rsa" | "of PSS") => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
            Some("a stranger") => {
                self.stranger.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            _ => self.ec.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{signed}.{}", encode(signature))
    }

    /// A good token whose signature is in DER.
    pub fn sign_in_der(&self) -> String {
        let pkcs8 = self.ec.to_pkcs8v1().unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
        let signed =
            format!("{}.{}", encode(Self::header().to_string()), encode(self.claims().to_string()));
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(signature))
    }

    /// A token with HS256 under this key.
    pub fn mac(&self, kid: &str, key: &[u8]) -> String {
        let header = json!({ "alg": "HS256", "kid": kid, "typ": "JWT" });
        let signed =
            format!("{}.{}", encode(header.to_string()), encode(self.claims().to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
        format!("{signed}.{}", encode(tag))
    }

    /// The public key in the forms that a verifier could take for a secret.
    pub fn public_forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let point = self.ec.public_key().as_ref().to_vec();
        // RFC 5480: the algorithm and the curve, then the point as a bit string.
        let prefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let bytes = (0..prefix.len()).step_by(2);
        let mut der: Vec<u8> =
            bytes.map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap()).collect();
        der.extend_from_slice(&point);
        let text = base64::engine::general_purpose::STANDARD.encode(&der);
        let (first, second) = text.split_at(64);
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
        let jwk = ec_jwk(&self.ec).to_string().into_bytes();
        vec![("point", point), ("DER", der), ("PEM", pem.into_bytes()), ("JWK", jwk)]
    }
}

/// In place of a value: the member is not there.
pub const ABSENT: &str = "\u{0}absent";

/// An object with other members.
pub fn changed(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value == ABSENT {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}
