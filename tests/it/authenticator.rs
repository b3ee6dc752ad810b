//! An authenticator and the browser before it, in software. It shares no code with the server's side
//! of the ceremonies.

use authd::model::secret::{decode, digest, encode};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};

/// The algorithms of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

enum Signer {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EdDsa => Self::EdDsa(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Es256 => {
                Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
            }
            Algorithm::Rs256 => Self::Rs256(RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap()),
        }
    }

    /// The public key as a `COSE_Key`.
    fn cose(&self) -> Vec<u8> {
        match self {
            Self::EdDsa(pair) => {
                let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];
                [&head[..], pair.public_key().as_ref()].concat()
            }
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
                [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat()
            }
            Self::Rs256(pair) => {
                let modulus = pair.public_key().modulus();
                let head = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0];
                let exponent = [0x21, 0x43, 1, 0, 1];
                [&head[..], modulus.big_endian_without_leading_zero(), &exponent].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A credential on the device.
pub struct Credential {
    pub id: Vec<u8>,
    rp_id: String,
    handle: Vec<u8>,
    signer: Signer,
}

/// A device with its browser. Its fields can be set to what a browser or an authenticator would not
/// do.
#[allow(clippy::struct_excessive_bools, reason = "flags of the specification")]
pub struct Device {
    pub algorithm: Algorithm,
    pub origin: String,
    /// The domain that it signs for; `None`: the one that it is asked for.
    pub rp_id: Option<String>,
    pub cross_origin: bool,
    pub top_origin: Option<String>,
    /// Whether it checks who the person is.
    pub verifies_user: bool,
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// The counter that it sends next; `None`: it does not count.
    pub counter: Option<u32>,
    pub aaguid: [u8; 16],
    /// Whether it tells whom a credential belongs to.
    pub tells_handle: bool,
    pub credentials: Vec<Credential>,
}

impl Device {
    /// A device of this machine that checks who the person is, with keys that stay on it.
    pub fn new() -> Self {
        Self {
            algorithm: Algorithm::Es256,
            origin: "http://localhost:3000".to_owned(),
            rp_id: None,
            cross_origin: false,
            top_origin: None,
            verifies_user: true,
            backup_eligible: false,
            backed_up: false,
            counter: None,
            aaguid: [0; 16],
            tells_handle: true,
            credentials: Vec::new(),
        }
    }

    /// A key without PIN or biometrics that counts.
    pub fn security_key() -> Self {
        Self { verifies_user: false, counter: Some(1), tells_handle: false, ..Self::new() }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let mut data = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin,
            "crossOrigin": self.cross_origin,
        });
        if let Some(origin) = &self.top_origin {
            data["topOrigin"] = origin.as_str().into();
        }
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, rp_id: &str, others: u8) -> Vec<u8> {
        let domain = self.rp_id.as_deref().unwrap_or(rp_id);
        let flag = |set: bool, bit: u8| if set { 1 << bit } else { 0 };
        let flags = 1
            | flag(self.verifies_user, 2)
            | flag(self.backup_eligible, 3)
            | flag(self.backed_up, 4)
            | others;
        let counter = self.counter.unwrap_or(0).to_be_bytes();
        [&digest(domain.as_bytes())[..], &[flags], &counter].concat()
    }

    /// `navigator.credentials.create()`. `None` if the device has a credential of the account.
    pub fn create(&mut self, options: &Value) -> Option<Value> {
        let excluded = options["excludeCredentials"].as_array().unwrap();
        let has = |id: &Value| {
            self.credentials.iter().any(|own| encode(&own.id) == id["id"].as_str().unwrap())
        };
        if excluded.iter().any(has) {
            return None;
        }
        let rp_id = options["rp"]["id"].as_str().unwrap().to_owned();
        let signer = Signer::new(self.algorithm);
        let mut id = vec![0; 32];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        let mut data = self.authenticator_data(&rp_id, 1 << 6);
        data.extend_from_slice(&self.aaguid);
        data.extend_from_slice(&[0, 32]);
        data.extend_from_slice(&id);
        data.extend_from_slice(&signer.cose());
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let head = match length {
            [0, short] => vec![0x58, short],
            long => vec![0x59, long[0], long[1]],
        };
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData", &head[..], &data].concat();
        let client_data = self.client_data("webauthn.create", options);
        let is_resident = options["authenticatorSelection"]["residentKey"] == "required";
        let handle = decode(options["user"]["id"].as_str().unwrap()).unwrap();
        self.credentials.push(Credential { id: id.clone(), rp_id, handle, signer });
        self.counter = self.counter.map(|counter| counter + 1);
        Some(json!({
            "id": encode(&id), "rawId": encode(&id), "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": encode(&client_data), "attestationObject": encode(&object),
                "transports": ["internal", "hybrid", "cable"],
            },
            "clientExtensionResults": { "credProps": { "rk": is_resident } },
        }))
    }

    /// `navigator.credentials.get()` with the last credential that may answer.
    pub fn get(&mut self, options: &Value) -> Option<Value> {
        let allowed = options["allowCredentials"].as_array().unwrap();
        let may = |own: &&Credential| {
            let id = encode(&own.id);
            own.rp_id == options["rpId"]
                && (allowed.is_empty() || allowed.iter().any(|one| one["id"] == id.as_str()))
        };
        let own = self.credentials.iter().rev().find(may)?;
        let data = self.authenticator_data(&own.rp_id, 0);
        let client_data = self.client_data("webauthn.get", options);
        let signature = own.signer.sign(&[&data[..], &digest(&client_data)].concat());
        let handle = self.tells_handle.then(|| encode(&own.handle));
        let answer = json!({
            "id": encode(&own.id), "rawId": encode(&own.id), "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": encode(&client_data), "authenticatorData": encode(&data),
                "signature": encode(&signature), "userHandle": handle,
            },
            "clientExtensionResults": {},
        });
        self.counter = self.counter.map(|counter| counter + 1);
        Some(answer)
    }
}
