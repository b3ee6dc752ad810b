//! Backup codes: 80 random bits each, in groups of four characters, shown once and stored as MACs.

use super::totp::base32;
use crate::env::Env;
use crate::error::Result;
use crate::identity::Core;
use crate::model::{AccountId, Secret};

/// Number of codes in a set.
pub const COUNT: usize = 10;
const BYTES: usize = 10;
const LETTERS: usize = 16;

/// Makes a new set: the codes to show and the MACs to store.
pub fn new_set(core: &Core, account: &AccountId) -> Result<(Vec<Secret>, Vec<[u8; 32]>)> {
    let codes = (0..COUNT).map(|_| new_code(&core.env)).collect::<Result<Vec<String>>>()?;
    let hashes = codes.iter().map(|code| mac(core, account, code)).collect();
    Ok((codes.iter().map(|code| shown(code)).collect(), hashes))
}

fn new_code(env: &Env) -> Result<String> {
    Ok(base32(&env.random::<BYTES>()?))
}

/// Formats a code as `ABCD-EFGH-IJKL-MNOP`.
fn shown(code: &str) -> Secret {
    let letters: Vec<char> = code.chars().collect();
    Secret::new(
        letters
            .chunks(4)
            .map(|group| group.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join("-"),
    )
}

/// Returns the MAC of a typed code, or `None` if it does not have the form of a backup code.
/// Spaces, dashes and case are ignored.
#[must_use]
pub fn digest_of(core: &Core, account: &AccountId, typed: &str) -> Option<[u8; 32]> {
    let code: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let is_one = code.len() == LETTERS
        && code.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
    is_one.then(|| mac(core, account, &code))
}

fn mac(core: &Core, account: &AccountId, code: &str) -> [u8; 32] {
    core.master.mac("backup code", format!("{account}|{code}").as_bytes())
}
