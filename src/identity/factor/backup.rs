//! Backup codes: 80 bits in groups of four, shown once, kept as MACs.

use super::totp::base32;
use crate::env::Env;
use crate::error::Result;
use crate::identity::Core;
use crate::model::{AccountId, Secret};

/// How many there are.
pub const COUNT: usize = 10;
const BYTES: usize = 10;
const LETTERS: usize = 16;

/// A new set: what is shown, and what is kept.
///
/// # Errors
/// When there is no randomness.
pub fn new_set(core: &Core, account: &AccountId) -> Result<(Vec<Secret>, Vec<[u8; 32]>)> {
    let codes = (0..COUNT).map(|_| new_code(&core.env)).collect::<Result<Vec<String>>>()?;
    let hashes = codes.iter().map(|code| mac(core, account, code)).collect();
    Ok((codes.iter().map(|code| shown(code)).collect(), hashes))
}

fn new_code(env: &Env) -> Result<String> {
    Ok(base32(&env.random::<BYTES>()?))
}

/// `ABCD-EFGH-IJKL-MNOP`
fn shown(code: &str) -> Secret {
    let letters: Vec<char> = code.chars().collect();
    Secret::new(letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

/// What is kept of a typed code; `None` when it has not the form of one. Spaces, dashes and case do not count.
#[must_use]
pub fn digest_of(core: &Core, account: &AccountId, typed: &str) -> Option<[u8; 32]> {
    let code: String =
        typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    let is_one = code.len() == LETTERS && code.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
    is_one.then(|| mac(core, account, &code))
}

fn mac(core: &Core, account: &AccountId, code: &str) -> [u8; 32] {
    core.master.mac("backup code", format!("{account}|{code}").as_bytes())
}
