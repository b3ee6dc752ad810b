//! Signing and checking access tokens with the keys in force (RFC 8725). This module does not use
//! the database: the caller passes the rows in.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use aws_lc_rs::constant_time;

use super::jwt::{self, Claims};
use super::memory::{Remembered, VerifiedTokenCache};
use super::ring::{LiveKey, Ring};
use super::{AccessToken, Audience, Grant, VerifiedToken};
use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::model::secret::{decode, encode};
use crate::model::{AccountId, SessionId, Time};
use crate::seal::MasterKey;

/// How far the clocks of two machines that serve one database may differ: a token issued slightly
/// in the future is accepted. The expiry is exact, because authd sets it.
const LEEWAY: Duration = Duration::from_mins(1);
const NONCE_LEN: usize = 16;
const PROOF_LEN: usize = 16;

/// Claims that every token carries and is checked for.
pub(super) struct ClaimRules {
    /// `iss`
    pub(super) issuer: String,
    /// `aud`
    pub(super) audience: Option<String>,
    /// How long tokens live.
    pub(super) life: Duration,
}

impl ClaimRules {
    /// Whether a token of this server has this issuer. Where it is one of this machine, tokens from
    /// before an upgrade name it by its address.
    fn names(&self, issuer: &str) -> bool {
        let by_address = issuer.strip_prefix("http://127.0.0.1:");
        issuer == self.issuer
            || by_address.is_some_and(|port| {
                self.issuer.strip_prefix("http://localhost:").is_some_and(|own| own == port)
            })
    }
}

/// Makes and checks access tokens.
pub(super) struct Mint {
    rules: ClaimRules,
    env: Env,
    master: MasterKey,
    ring: RwLock<Arc<Ring>>,
    memory: VerifiedTokenCache,
    /// The latest second of the wall clock that any check has seen. A token that expired by then
    /// stays expired, even if the clock is set back.
    latest: AtomicI64,
}

impl Mint {
    pub(super) fn new(rules: ClaimRules, env: Env, master: MasterKey, ring: Ring) -> Self {
        let (ring, memory) = (RwLock::new(Arc::new(ring)), VerifiedTokenCache::default());
        Self { rules, env, master, ring, memory, latest: AtomicI64::new(i64::MIN) }
    }

    /// The keys in force.
    pub(super) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.held())
    }

    /// The keys in force, which cannot be replaced while the guard is held.
    fn held(&self) -> RwLockReadGuard<'_, Arc<Ring>> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts other keys in force and drops cached tokens whose key is gone.
    pub(super) fn replace(&self, ring: Ring) {
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        let now = self.env.now();
        self.memory.retain(|kid| ring.find(kid, now).is_some());
    }

    /// Signs an access token.
    pub(super) fn sign(&self, grant: &Grant) -> Result<AccessToken> {
        let ring = self.ring();
        let held = ring
            .signer(self.env.now())
            .ok_or_else(|| Error::internal("no signing key is in force"))?;
        let now = self.env.wall();
        let iat = now.seconds();
        let exp = Time::from_seconds(iat) + self.rules.life;
        let exp = grant.session_ends.map_or(exp, |ends| exp.min(ends)).seconds();
        let mut claims = Claims {
            iss: self.rules.issuer.clone(),
            sub: grant.account.to_string(),
            iat,
            exp,
            nbf: None,
            jti: String::new(),
            sid: grant.session.to_string(),
            aud: match &grant.audience {
                Audience::Instance => self.rules.audience.clone(),
                Audience::Resource(resource) => Some(resource.clone()),
            },
            scope: grant.scope.clone(),
        };
        claims.jti = self.new_jti(held, &claims)?;
        let mut token = match grant.audience {
            Audience::Instance => jwt::compose(&held.header, &claims, &grant.claims)?,
            Audience::Resource(_) => {
                let algorithm = super::keys::name(held.key.algorithm());
                let header = jwt::encode_header(algorithm, &held.kid, jwt::FOR_A_RESOURCE);
                jwt::compose(&header, &claims, &grant.claims)?
            }
        };
        let signature = held.key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&encode(&signature));
        if token.len() > jwt::LONGEST {
            let length = token.len();
            return Err(Error::internal(format!(
                "expected a token of at most {} characters, got {length}",
                jwt::LONGEST
            )));
        }
        if exp <= self.latest.load(Ordering::Relaxed) && grant.audience == Audience::Instance {
            // Made after the wall clock was set back: only the cache tells it from a token that has
            // expired before.
            let verified = verified(claims, ring.epoch);
            self.memory.keep(
                VerifiedTokenCache::digest(&token),
                Remembered { kid: Arc::clone(&held.kid), verified },
            );
        }
        Ok(AccessToken {
            token,
            expires_at: Time::from_seconds(exp),
            expires_in: exp.saturating_sub(iat).max(0),
        })
    }

    /// Checks an access token, or finds it among those checked before.
    pub(super) fn verify(&self, token: &str) -> Result<VerifiedToken> {
        if token.len() > jwt::LONGEST {
            return Err(Kind::TokenInvalid.into());
        }
        let digest = VerifiedTokenCache::digest(token);
        // Held to the end, so that no token is cached whose key is gone.
        let ring = self.held();
        if let Some(checked) =
            self.memory.find(&digest, |found| self.check_remembered(&ring, found))
        {
            return checked.inspect_err(|_| self.memory.forget(&digest));
        }
        let (kid, claims) = self.check(&ring, token).ok_or(Kind::TokenInvalid)?;
        let verified = verified(claims, ring.epoch);
        let has_ended = || self.latest_after(self.env.wall()) >= verified.expires_at.seconds();
        if has_ended() {
            return Err(Kind::TokenExpired.into());
        }
        self.memory.keep(digest, Remembered { kid, verified: verified.clone() });
        if has_ended() {
            // A concurrent check refused the token before there was an entry to remove.
            self.memory.forget(&digest);
            return Err(Kind::TokenExpired.into());
        }
        Ok(verified)
    }

    /// Checks a cached token. A token refused here is removed from the cache, and from then on the
    /// latest second refuses it permanently.
    fn check_remembered(&self, ring: &Ring, found: &Remembered) -> Result<VerifiedToken> {
        ring.find(&found.kid, self.env.now()).ok_or(Kind::TokenInvalid)?;
        // RFC 7519, section 4.1.4: a token expires at its `exp`, not after it.
        let wall = self.env.wall();
        if wall < found.verified.expires_at {
            return Ok(VerifiedToken { epoch: ring.epoch, ..found.verified.clone() });
        }
        self.latest_after(wall);
        Err(Kind::TokenExpired.into())
    }

    /// The latest second that the wall clock has shown, including this one.
    fn latest_after(&self, wall: Time) -> i64 {
        let (seconds, latest) = (wall.seconds(), self.latest.load(Ordering::Relaxed));
        // Written at most once a second, so that concurrent readers do not wait for each other.
        if seconds > latest {
            self.latest.fetch_max(seconds, Ordering::Relaxed).max(seconds)
        } else {
            latest
        }
    }

    /// Checks everything but the expiry. Returns `None` for a token that authd did not issue.
    fn check(&self, ring: &Ring, token: &str) -> Option<(Arc<str>, Claims)> {
        let parts = jwt::take_apart(token)?;
        // The header selects the key, and the key determines the algorithm; the `alg` of the header
        // must agree.
        let held = ring.find(&parts.header.kid, self.env.now())?;
        let agrees = parts.header.alg == super::keys::name(held.key.algorithm())
            && parts.header.typ == jwt::FIRST_PARTY;
        if !agrees || !held.key.verifies(parts.signed.as_bytes(), &parts.signature) {
            return None;
        }
        let claims = parts.claims()?;
        let believed_until = self.env.wall() + LEEWAY;
        let is_ours = self.rules.names(&claims.iss)
            && claims.aud == self.rules.audience
            && !claims.sub.is_empty()
            && !claims.sid.is_empty()
            && Time::from_seconds(claims.iat) <= believed_until
            && claims.nbf.is_none_or(|nbf| Time::from_seconds(nbf) <= believed_until)
            && self.has_our_jti(held, &claims);
        is_ours.then(|| (Arc::clone(&held.kid), claims))
    }

    /// A random id. Under a shared secret it also contains a proof that authd made the token, and
    /// not another party that has the secret.
    fn new_jti(&self, held: &LiveKey, claims: &Claims) -> Result<String> {
        let mut jti = self.env.random::<NONCE_LEN>()?.to_vec();
        if held.key.algorithm().is_shared() {
            let proof = self.proof(held, claims, &jti);
            jti.extend_from_slice(&proof[..PROOF_LEN]);
        }
        Ok(encode(&jti))
    }

    fn has_our_jti(&self, held: &LiveKey, claims: &Claims) -> bool {
        if !held.key.algorithm().is_shared() {
            return true;
        }
        let jti = decode(&claims.jti)
            .filter(|jti| jti.len() == NONCE_LEN + PROOF_LEN)
            .unwrap_or_default();
        let Some((nonce, proof)) = jti.split_at_checked(NONCE_LEN) else { return false };
        let expected = self.proof(held, claims, nonce);
        constant_time::verify_slices_are_equal(&expected[..PROOF_LEN], proof).is_ok()
    }

    /// A MAC over the claims that grant access, with a key that never leaves authd.
    fn proof(&self, held: &LiveKey, claims: &Claims, nonce: &[u8]) -> [u8; 32] {
        let mut covered = nonce.to_vec();
        for text in [&*held.kid, &claims.sub, &claims.sid] {
            // Length-prefixed, so that adjacent fields cannot be split differently.
            covered.extend_from_slice(&(text.len() as u64).to_be_bytes());
            covered.extend_from_slice(text.as_bytes());
        }
        covered.extend_from_slice(&claims.iat.to_be_bytes());
        covered.extend_from_slice(&claims.exp.to_be_bytes());
        self.master.mac("access-token-jti", &covered)
    }
}

fn verified(claims: Claims, epoch: i64) -> VerifiedToken {
    VerifiedToken {
        account: AccountId::new(claims.sub),
        session: SessionId::new(claims.sid),
        issued_at: Time::from_seconds(claims.iat),
        expires_at: Time::from_seconds(claims.exp),
        epoch,
    }
}
