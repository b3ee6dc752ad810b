//! Tests of the whole token module: attacks on tokens, and keys over time.

mod attacks;
mod lives;

use serde_json::Value;

use crate::config::Algorithm;
use crate::error::{Kind, Result};
use crate::model::secret::decode;

const ALL: [Algorithm; 4] =
    [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256];
/// A shared secret that passes every check.
pub(super) const SHARED: &str = "4f1c9a7be0d2835664afc01b77e29d38";

fn refusal<T>(result: Result<T>) -> Kind {
    result.err().expect("it was accepted").kind()
}

/// One part of a token, decoded as JSON.
pub(super) fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}
