//! How this server proves at a token endpoint who it is (RFC 6749, section 2.3), with Apple's
//! signed client secret.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use zeroize::Zeroizing;

use super::ProviderMetadata;
use super::authorize::form;
use super::failure::{ExchangeFailure, ExchangeStep};
use crate::model::provider::{ClientKey, Provider, TokenAuth};
use crate::model::{Secret, Time, percent, secret};

/// How long a signed client secret is valid.
const LIFE: Duration = Duration::from_mins(5);

/// What a request to the token endpoint carries to name the client.
pub(super) struct ClientProof {
    pub(super) authorization: Option<Secret>,
    /// Fields to add to the form.
    pub(super) fields: Secret,
}

/// Proves who the client is.
pub(super) fn prove(
    provider: &Provider,
    metadata: &ProviderMetadata,
    wall: Time,
) -> Result<ClientProof, ExchangeFailure> {
    let id = provider.client_id.as_str();
    let (key, auth) = match &provider.key {
        ClientKey::None => {
            let fields = Secret::new(form(&[("client_id", id)]));
            return Ok(ClientProof { authorization: None, fields });
        }
        ClientKey::Secret(key) => (key.clone(), provider.token_auth),
        ClientKey::Signed { team_id, key_id, private_key } => {
            let signed = sign(provider, (team_id, key_id), private_key, wall);
            let signed = signed.ok_or_else(|| {
                let reason = "the private key is not a P-256 key in PEM form (PKCS #8)";
                ExchangeFailure::refused(ExchangeStep::Token, reason)
            })?;
            (signed, Some(TokenAuth::Post))
        }
    };
    let named = &metadata.token_endpoint_auth_methods_supported;
    let takes_basic = named.is_empty() || named.iter().any(|one| one == "client_secret_basic");
    let by_default = if takes_basic { TokenAuth::Basic } else { TokenAuth::Post };
    Ok(match auth.unwrap_or(by_default) {
        TokenAuth::Basic => {
            let pair = format!("{}:{}", percent::encode(id), percent::encode(key.reveal()));
            let pair = Zeroizing::new(pair);
            let basic = format!("Basic {}", STANDARD.encode(pair.as_bytes()));
            ClientProof { authorization: Some(Secret::new(basic)), fields: Secret::new("") }
        }
        TokenAuth::Post => ClientProof {
            authorization: None,
            fields: Secret::new(form(&[("client_id", id), ("client_secret", key.reveal())])),
        },
    })
}

/// Whether a text is a private key that can sign client secrets.
#[must_use]
pub fn is_signing_key(pem: &Secret) -> bool {
    open(pem).is_some()
}

fn open(pem: &Secret) -> Option<EcdsaKeyPair> {
    let lines = pem.reveal().trim().lines().map(str::trim);
    let body: Zeroizing<String> =
        Zeroizing::new(lines.filter(|line| !line.starts_with("-----")).collect());
    let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()
}

fn sign(
    provider: &Provider,
    (team_id, key_id): (&str, &str),
    private_key: &Secret,
    wall: Time,
) -> Option<Secret> {
    let key = open(private_key)?;
    let seconds = |time: Time| time.millis().div_euclid(1000);
    let part = |value: serde_json::Value| secret::encode(value.to_string().as_bytes());
    let header = part(json!({ "alg": "ES256", "kid": key_id }));
    let claims = part(json!({
        "iss": team_id, "iat": seconds(wall), "exp": seconds(wall + LIFE),
        "aud": provider.issuer, "sub": provider.client_id,
    }));
    let signed = format!("{header}.{claims}");
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
    Some(Secret::new(format!("{signed}.{}", secret::encode(signature.as_ref()))))
}
