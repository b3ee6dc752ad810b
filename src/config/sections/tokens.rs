//! `[tokens]`: how access tokens are signed and how long they are valid. The keys are in the
//! database.

use std::fmt::Write;
use std::time::Duration;

use crate::config::Environment;
use crate::config::reader::ConfigReader;
use crate::model::Secret;
use crate::model::secret::digest;

/// The shortest shared secret, in bytes (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;

/// A new key is published at least this long before it signs, because services may cache the public
/// keys for a minute.
const SHORTEST_LEAD: Duration = Duration::from_mins(1);
const LONGEST_LEAD: Duration = Duration::from_hours(72);
/// Longer than any lead, so that one rotation ends before the next begins.
const SHORTEST_TURN: Duration = Duration::from_hours(7 * 24);
const LONGEST_TURN: Duration = Duration::from_hours(3650 * 24);

/// SHA-256 of secrets that are printed in public documents: an attacker could sign tokens with
/// them.
const PUBLISHED: [&str; 8] = [
    "c0960f320f8818bc914cd1ef577cced96d5e7de8763387d2b4c414fb2d2eae21",
    "163244a09469b1637227e31ead67587253305768113cee41f531d93b7c1d7ab4",
    "4f49cc8a5d8bec238a681ddab23e26209fd3a1a260e29afdcf68dd2bc54a2dcb",
    "ad4e969b96e5e89bc7cb3e1995d749160be68b0302b038cfe009cf55dfaa17cf",
    "60ddff42e5c42385a41fe1bf38c1a245e22c274591a27f48cb3ac0db0a7394a9",
    "466069e980309daff26c0388ae00b2663ae2905decddf6ac02fa4090f419c265",
    "ee7679367c9704174c762926a0203a9ad9dddace76d65b5f58d329a4a5e80799",
    "048af2438891a89a3536ac09cc96ccbd34a1714e88cf8fdb63e6186dcc3ff89d",
];

/// The signature algorithm of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
}

impl Algorithm {
    /// The name in token headers (`alg`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Hs256 => "HS256",
        }
    }
}

section! {
    /// `[tokens]`: access tokens.
    pub struct TokensConfig = "tokens" {
        /// The signature algorithm.
        algorithm: Algorithm = choice(&[
            ("ES256", Algorithm::Es256),
            ("EdDSA", Algorithm::EdDsa),
            ("RS256", Algorithm::Rs256),
            ("HS256", Algorithm::Hs256),
        ]);
        /// How long access tokens are valid.
        access: Duration = duration(Duration::from_secs(1)..=Duration::from_hours(30 * 24));
        /// The claim `iss`. `None` means the public URL.
        issuer: Option<String> = optional_text(255);
        /// The claim `aud`, checked if set.
        audience: Option<String> = optional_text(255);
        /// The shared secret of HS256. `None` means that the server generates one.
        secret: Option<Secret> = secret("a secret of at least 32 bytes");
        /// How often the signing key is rotated automatically. `None` leaves rotation to the
        /// command line and administrators.
        rotate_every: Option<Duration> = optional_duration(SHORTEST_TURN..=LONGEST_TURN);
        /// How long a new key is published before it signs.
        lead: Duration = duration(SHORTEST_LEAD..=LONGEST_LEAD);
    }
}

impl TokensConfig {
    pub(in crate::config) fn validate(&self, environment: Environment, r: &mut ConfigReader) {
        let Some(secret) = &self.secret else { return };
        let length = secret.reveal().len();
        if self.algorithm != Algorithm::Hs256 {
            r.note("tokens.secret is not used: only HS256 uses a secret");
        } else if length < SHORTEST_SECRET {
            r.refuse(
                "tokens.secret",
                format!("expected at least {SHORTEST_SECRET} bytes, got {length}"),
            );
        } else if self.has_published_secret() {
            let message =
                "expected a secret of your own, got one that is printed in a public document";
            match environment {
                Environment::Production => r.refuse("tokens.secret", message),
                Environment::Development => {
                    r.note(format!("tokens.secret: {message}; production refuses it"));
                }
            }
        }
    }

    /// True if the shared secret is printed in a public document.
    #[must_use]
    pub fn has_published_secret(&self) -> bool {
        self.secret
            .as_ref()
            .is_some_and(|secret| PUBLISHED.contains(&hex(secret.reveal().trim()).as_str()))
    }
}

fn hex(text: &str) -> String {
    digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
