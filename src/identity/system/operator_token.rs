//! Tokens with which the command line asks the server: `authd doctor` how its request arrived, `authd
//! top` for the metrics. Only a holder of the master key can make one. Each is good for one request
//! within a minute, so who reads it on the way learns nothing with it. Only where several servers share a
//! database is its use written down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::env::Env;
use crate::error::Result;
use crate::model::{Time, secret};
use crate::seal::MasterKey;

/// The path that tells the doctor how its request arrived. Without a token it answers like a path that
/// does not exist.
pub const ARRIVAL: &str = "/.well-known/authd/arrival";
/// The header that carries a token.
pub const HEADER: &str = "x-authd-operator";

/// How long a token is good for, before and after the server's own time.
const LIFE: Duration = Duration::from_mins(1);
/// How long a token is remembered that was used.
pub const REMEMBERED: Duration = Duration::from_mins(2);
const ANSWER: &str = "operator answer";

/// Random bytes and the time in milliseconds, both of a token.
const NONCE: usize = 16;
const TIME: usize = 8;
const MAC: usize = 32;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPurpose {
    /// How the request arrived.
    Arrival,
    /// The metrics.
    Metrics,
}

impl TokenPurpose {
    fn as_str(self) -> &'static str {
        match self {
            TokenPurpose::Arrival => "operator arrival",
            TokenPurpose::Metrics => "operator metrics",
        }
    }
}

/// A question of the command line.
pub struct OperatorQuestion {
    /// The value of [`HEADER`].
    pub token: String,
    /// What the server with the same master key answers.
    pub proof: String,
}

/// Makes a token.
///
/// # Errors
/// `Internal` if the operating system has no randomness.
pub fn ask(master: &MasterKey, env: &Env, purpose: TokenPurpose) -> Result<OperatorQuestion> {
    let mut body = env.random::<NONCE>()?.to_vec();
    body.extend(env.wall().millis().to_be_bytes());
    let proof = secret::encode(&master.mac(ANSWER, &body));
    let mac = master.mac(purpose.as_str(), &body);
    body.extend(mac);
    Ok(OperatorQuestion { token: secret::encode(&body), proof })
}

/// The tokens that were used. Only valid ones are remembered, and those for two minutes.
#[derive(Default)]
pub struct OperatorTokens(Mutex<HashMap<[u8; NONCE], Time>>);

impl OperatorTokens {
    /// Uses a token up. Returns the proof for its holder, or `None` if it is not valid, too old, or
    /// was used.
    #[must_use]
    pub fn take(
        &self,
        master: &MasterKey,
        env: &Env,
        purpose: TokenPurpose,
        token: &str,
    ) -> Option<String> {
        // No token of ours is longer.
        let bytes = secret::decode(token.get(..100).unwrap_or(token))?;
        let (body, mac) =
            bytes.split_at_checked(NONCE + TIME).filter(|(_, mac)| mac.len() == MAC)?;
        verify_slices_are_equal(&master.mac(purpose.as_str(), body), mac).ok()?;
        let (nonce, time) = (body.first_chunk::<NONCE>()?, body.last_chunk::<TIME>()?);
        let (made, now) = (Time::from_millis(i64::from_be_bytes(*time)), env.wall());
        if made.since(now) > LIFE || now.since(made) > LIFE {
            return None;
        }
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, used| now.since(*used) <= REMEMBERED);
        spent
            .insert(*nonce, made.max(now))
            .is_none()
            .then(|| secret::encode(&master.mac(ANSWER, body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{FixedRandom, HandClock};
    use std::sync::Arc;

    fn world() -> (Arc<HandClock>, Env, MasterKey, tempfile::TempDir) {
        let clock = Arc::new(HandClock::at(Time::from_seconds(1_800_000_000)));
        let env = Env::new(clock.clone(), Arc::new(FixedRandom::default()));
        let dir = tempfile::tempdir().unwrap();
        let master = MasterKey::create(&dir.path().join("key"), &env).unwrap();
        (clock, env, master, dir)
    }

    #[test]
    fn a_token_is_good_once_within_its_minute_and_only_under_its_key() {
        let (clock, env, master, dir) = world();
        let other = MasterKey::create(&dir.path().join("other"), &Env::real()).unwrap();
        let tokens = OperatorTokens::default();
        let OperatorQuestion { token, proof } = ask(&master, &env, TokenPurpose::Arrival).unwrap();
        assert_eq!(tokens.take(&master, &env, TokenPurpose::Metrics, &token), None);
        assert_eq!(tokens.take(&other, &env, TokenPurpose::Arrival, &token), None);
        assert_eq!(tokens.take(&master, &env, TokenPurpose::Arrival, &token), Some(proof));
        assert_eq!(tokens.take(&master, &env, TokenPurpose::Arrival, &token), None, "it was used");
        let late = ask(&master, &env, TokenPurpose::Arrival).unwrap().token;
        clock.advance(LIFE + Duration::from_millis(1));
        assert_eq!(tokens.take(&master, &env, TokenPurpose::Arrival, &late), None);
        for garbage in ["", "x", "=", "é", &"a".repeat(99), &"é".repeat(99), &token[..20]] {
            assert_eq!(
                tokens.take(&master, &env, TokenPurpose::Arrival, garbage),
                None,
                "{garbage}"
            );
        }
    }

    #[test]
    fn used_tokens_are_forgotten_when_they_are_too_old_to_be_used_again() {
        let (clock, env, master, _dir) = world();
        let tokens = OperatorTokens::default();
        for _ in 0..10 {
            let _ = tokens.take(
                &master,
                &env,
                TokenPurpose::Arrival,
                &ask(&master, &env, TokenPurpose::Arrival).unwrap().token,
            );
            clock.advance(3 * LIFE);
        }
        assert_eq!(tokens.0.lock().unwrap().len(), 1);
    }
}
