//! The keys with which providers sign ID tokens (RFC 7517).

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::failure::{ExchangeFailure, ExchangeStep};
use super::fetch::Fetch;
use super::{KnownProvider, ProviderClient, ProviderMetadata};
use crate::model::provider::Provider;

/// How long keys are used before they are read again.
const LIFE: Duration = Duration::from_hours(1);
/// How often an unknown key ID may cause another request.
const REFETCH_AFTER: Duration = Duration::from_mins(1);
/// How many keys of a provider are used.
const MAX_KEYS: usize = 64;

/// The algorithms that ID tokens may have. Secrets that are shared sign none.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// The algorithm with this name, if ID tokens may have it.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

/// The keys of a provider.
pub(super) struct ProviderKeySet(Vec<ProviderKey>);

struct ProviderKey {
    kid: Option<String>,
    /// The algorithms that it serves.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl ProviderKeySet {
    /// Reads a key set. Keys of other kinds are left out.
    pub(super) fn parse(document: &Value) -> Option<Self> {
        let keys = document.get("keys")?.as_array()?;
        Some(Self(keys.iter().filter_map(ProviderKey::parse).take(MAX_KEYS).collect()))
    }

    /// The key that signed a token with this header. Without a key ID there must be only one that
    /// fits.
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| {
            key.algorithms.contains(&algorithm)
                && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        let first = fitting.next()?;
        (kid.is_some() || fitting.next().is_none()).then_some(&first.key)
    }

    /// Checks a signature; `None` if there is no such key.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let key = self.find(kid, algorithm)?;
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, key);
        Some(verifier.is_ok_and(|one| one.verify(signed, &signature.to_vec()).is_ok()))
    }
}

impl ProviderKey {
    fn parse(value: &Value) -> Option<Self> {
        if value.get("use").is_some_and(|word| word != "sig") {
            return None;
        }
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => ALGORITHMS[..6].iter().map(|(_, one)| *one).collect(),
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => vec![Algorithm::ES256],
                EllipticCurve::P384 => vec![Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                vec![Algorithm::EdDSA]
            }
            _ => return None,
        };
        // A key that names its algorithm serves no other.
        if let Some(named) = value.get("alg").and_then(Value::as_str) {
            let named = algorithm(named);
            algorithms.retain(|one| Some(*one) == named);
        }
        let kid = jwk.common.key_id.clone();
        DecodingKey::from_jwk(&jwk).ok().map(|key| Self { kid, algorithms, key })
    }
}

/// Whether keys are read again although they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refetch {
    No,
    /// A token names a key that is not among them.
    UnknownKey,
}

impl ProviderClient {
    /// The keys of a provider.
    pub(super) async fn keys(
        &self,
        provider: &Provider,
        metadata: &Arc<ProviderMetadata>,
        refetch: Refetch,
    ) -> Result<Arc<ProviderKeySet>, ExchangeFailure> {
        let (now, base) = (self.env.now(), &provider.discovery_base);
        let life = if refetch == Refetch::No { LIFE } else { REFETCH_AFTER };
        let known = self.known(base);
        if let Some((keys, read_at)) = known.as_ref().and_then(|known| known.keys.clone())
            && now.since(read_at) < life
        {
            return Ok(keys);
        }
        let refused = |reason: &str| ExchangeFailure::refused(ExchangeStep::Keys, reason);
        let url = metadata.jwks_uri.as_ref();
        let url = url.ok_or_else(|| refused("the discovery document has no jwks_uri"))?;
        let document = self.fetch(Fetch::get(ExchangeStep::Keys, url)).await?;
        let keys = ProviderKeySet::parse(&document).ok_or_else(|| refused("not a set of keys"))?;
        let keys = Arc::new(keys);
        let read_at = known.map_or(now, |known| known.read_at);
        let known =
            KnownProvider { metadata: metadata.clone(), read_at, keys: Some((keys.clone(), now)) };
        self.remember(base, known);
        Ok(keys)
    }

    /// How many keys of a provider can check its ID tokens.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn count_keys(
        &self,
        provider: &Provider,
        metadata: &Arc<ProviderMetadata>,
    ) -> Result<usize, ExchangeFailure> {
        Ok(self.keys(provider, metadata, Refetch::No).await?.0.len())
    }
}
