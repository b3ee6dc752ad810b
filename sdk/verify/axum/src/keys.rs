//! The public keys of authd (RFC 7517): fetched, kept as long as the server says, and fetched again
//! for an unknown key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde::Deserialize;
use serde_json::Value;

use crate::fetch::Fetcher;
use crate::jwt::decode;
use crate::refusal::Refusal;

const DEFAULT_AGE: Duration = Duration::from_secs(60);
const SHORTEST_AGE: Duration = Duration::from_secs(10);
const LONGEST_AGE: Duration = Duration::from_secs(3600);
const RETRY: Duration = Duration::from_secs(5);
/// At most one fetch for an unknown `kid` in this time, whatever tokens arrive.
const UNKNOWN_KEY: Duration = Duration::from_secs(60);
/// Length of a P-256 coordinate in bytes.
const COORDINATE: usize = 32;

/// A key that checks signatures.
enum Material {
    Parsed(ParsedPublicKey),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

/// A public key and its only algorithm.
pub(crate) struct PublicKey {
    pub(crate) alg: &'static str,
    material: Material,
}

impl PublicKey {
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Parsed(key) => key.verify_sig(signed, signature).is_ok(),
            Material::Rsa(key) => {
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
        }
    }
}

/// A JSON Web Key. Members of other types than these make it one that is left out.
#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

#[derive(Default)]
struct State {
    known: HashMap<String, Arc<PublicKey>>,
    /// When the keys are fetched again; `None` before the first fetch.
    due_at: Option<Instant>,
    unknown_allowed_at: Option<Instant>,
    has_failed: bool,
    /// How many fetches have ended.
    loads: u64,
}

/// The keys of one server.
pub(crate) struct Keys {
    url: String,
    fetcher: Arc<Fetcher>,
    state: Mutex<State>,
    /// Held during a fetch, so that all requests that wait share it.
    loading: tokio::sync::Mutex<()>,
}

impl Keys {
    pub(crate) fn new(base: &str, fetcher: Arc<Fetcher>) -> Self {
        let url = format!("{base}/.well-known/jwks.json");
        Self { url, fetcher, state: Mutex::default(), loading: tokio::sync::Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of this id; `None` if authd has none.
    pub(crate) async fn find(&self, kid: &str) -> Result<Option<Arc<PublicKey>>, Refusal> {
        let now = self.fetcher.clock.now();
        let (begun, is_due, may_go_on) = {
            let state = self.state();
            let is_due = state.due_at.is_none_or(|due| now >= due);
            (state.loads, is_due, state.has_failed && state.known.contains_key(kid))
        };
        if is_due && may_go_on {
            // While authd does not answer, one request waits for it and the others go on.
            if let Ok(_one) = self.loading.try_lock() {
                self.load_after(begun).await;
            }
        } else if is_due {
            let _one = self.loading.lock().await;
            self.load_after(begun).await;
        }
        if self.is_unknown(kid, begun) {
            let _one = self.loading.lock().await;
            if self.may_load_for_unknown(begun) {
                self.load_after(begun).await;
            }
        }
        let state = self.state();
        if state.known.is_empty() {
            return Err(Refusal::Unavailable);
        }
        Ok(state.known.get(kid).map(Arc::clone))
    }

    /// Whether a key is not there, and was not fetched since `begun`.
    fn is_unknown(&self, kid: &str, begun: u64) -> bool {
        let state = self.state();
        state.loads == begun && !state.known.contains_key(kid)
    }

    fn may_load_for_unknown(&self, begun: u64) -> bool {
        let now = self.fetcher.clock.now();
        let mut state = self.state();
        let may = state.loads == begun && state.unknown_allowed_at.is_none_or(|at| now >= at);
        if may {
            state.unknown_allowed_at = Some(now + UNKNOWN_KEY);
        }
        may
    }

    /// Fetches the keys, unless another request has done so since `begun`.
    async fn load_after(&self, begun: u64) {
        if self.state().loads != begun {
            return;
        }
        let answer = self.fetcher.get::<JwkSet>(&self.url, None).await.and_then(|answer| {
            let set = answer.body.ok_or_else(|| format!("status {}", answer.status))?;
            Ok((parse(set), age(&answer.cache_control)))
        });
        let now = self.fetcher.clock.now();
        let mut state = self.state();
        state.loads += 1;
        state.has_failed = answer.is_err();
        match answer {
            Ok((known, age)) => {
                state.known = known;
                state.due_at = Some(now + age);
            }
            // The keys at hand stay: authd may be restarting.
            Err(failure) => {
                state.due_at = Some(now + RETRY);
                drop(state);
                self.fetcher.report(&self.url, &failure);
            }
        }
    }
}

/// How long keys are good.
fn age(cache_control: &str) -> Duration {
    let seconds = cache_control.split(',').find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| value.parse().ok())?
    });
    seconds.map_or(DEFAULT_AGE, Duration::from_secs).clamp(SHORTEST_AGE, LONGEST_AGE)
}

/// The keys that check signatures, by id. Others are left out (RFC 7517, section 5).
fn parse(set: JwkSet) -> HashMap<String, Arc<PublicKey>> {
    let mut known = HashMap::new();
    for jwk in set.keys {
        let Ok(jwk) = serde_json::from_value::<Jwk>(jwk) else { continue };
        if let Some(key) = public_key(&jwk) {
            known.entry(jwk.kid).or_insert_with(|| Arc::new(key));
        }
    }
    known
}

/// The key type alone decides the algorithm. A shared secret (`oct`) has no place here.
fn public_key(jwk: &Jwk) -> Option<PublicKey> {
    let member = |value: &Option<String>| value.as_deref().and_then(decode);
    let (alg, material) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("EC", Some("P-256")) => {
            let (x, y) = (member(&jwk.x)?, member(&jwk.y)?);
            if x.len() != COORDINATE || y.len() != COORDINATE {
                return None;
            }
            // SEC 1, uncompressed point: 4, x, y.
            let point = [&[4], x.as_slice(), &y].concat();
            let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
            ("ES256", Material::Parsed(key))
        }
        ("OKP", Some("Ed25519")) => {
            let key = ParsedPublicKey::new(&ED25519, member(&jwk.x)?).ok()?;
            ("EdDSA", Material::Parsed(key))
        }
        ("RSA", None) => {
            let (n, e) = (member(&jwk.n)?, member(&jwk.e)?);
            ("RS256", Material::Rsa(RsaPublicKeyComponents { n, e }))
        }
        _ => return None,
    };
    let fits = jwk.alg.as_deref().is_none_or(|named| named == alg)
        && jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    fits.then_some(PublicKey { alg, material })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_held_between_ten_seconds_and_an_hour() {
        for (header, seconds) in [
            ("", 60),
            ("no-store", 60),
            ("max-age=0", 10),
            ("public, Max-Age=120", 120),
            ("s-maxage=9, max-age=86400", 3600),
            ("max-age=x", 60),
        ] {
            assert_eq!(age(header), Duration::from_secs(seconds), "{header}");
        }
    }
}
