//! The challenges of passkey ceremonies. The server keeps nothing of a challenge that it has given
//! out, so asking for one costs no row: it authenticates itself by a MAC. What is stored is the
//! digest of one that was answered, so that no answer counts twice.

use std::time::Duration;

use crate::error::Result;
use crate::identity::Core;
use crate::model::{Time, secret};
use crate::store::db::Db;
use crate::store::tables::attempts;
use crate::store::tables::attempts::Scope;

/// How long a challenge can be answered.
pub(in crate::identity) const LIFE: Duration = Duration::from_mins(10);
/// How long a browser waits for the person.
pub(in crate::identity) const TIMEOUT: Duration = Duration::from_mins(5);

const RANDOM: usize = 16;
const TIME: usize = 8;

/// What a challenge was given out for. An answer to one counts for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum ChallengePurpose {
    /// A login for which the person chooses the account.
    Login,
    SecondFactor,
    Reauthentication,
    NewPasskey,
    NewSecurityKey,
}

impl ChallengePurpose {
    const ALL: [ChallengePurpose; 5] = [
        Self::Login,
        Self::SecondFactor,
        Self::Reauthentication,
        Self::NewPasskey,
        Self::NewSecurityKey,
    ];

    fn byte(self) -> u8 {
        match self {
            Self::Login => 1,
            Self::SecondFactor => 2,
            Self::Reauthentication => 3,
            Self::NewPasskey => 4,
            Self::NewSecurityKey => 5,
        }
    }
}

/// Makes a challenge. `bound_to` is what it holds for besides its purpose: a session, a pending
/// login.
pub(in crate::identity) fn new(
    core: &Core,
    purpose: ChallengePurpose,
    bound_to: &[u8],
) -> Result<Vec<u8>> {
    let mut bytes = core.env.random::<RANDOM>()?.to_vec();
    bytes.extend_from_slice(&core.env.now().millis().to_be_bytes());
    bytes.push(purpose.byte());
    let mac = mac(core, &bytes, bound_to);
    bytes.extend_from_slice(&mac);
    Ok(bytes)
}

/// The MAC covers what precedes it, whose length is fixed, and what the challenge is bound to.
fn mac(core: &Core, head: &[u8], bound_to: &[u8]) -> [u8; 32] {
    core.master.mac("passkey challenge", &[head, bound_to].concat())
}

/// A challenge of ours that came back in time, and may not have been answered before.
#[derive(Debug, Clone)]
pub(in crate::identity) struct OpenChallenge {
    digest: [u8; 32],
    pub(in crate::identity) purpose: ChallengePurpose,
}

/// Checks a challenge that came back. Returns `None` if it was not made here for one of these
/// purposes and for what it must be bound to, or too long ago.
pub(in crate::identity) fn open(
    core: &Core,
    bytes: &[u8],
    purposes: &[ChallengePurpose],
    bound_to: &[u8],
) -> Option<OpenChallenge> {
    let (head, given) = bytes.split_at_checked(RANDOM + TIME + 1)?;
    let expected = mac(core, head, bound_to);
    aws_lc_rs::constant_time::verify_slices_are_equal(given, &expected).ok()?;
    let purpose =
        ChallengePurpose::ALL.into_iter().find(|purpose| purpose.byte() == head[RANDOM + TIME])?;
    let made_at = Time::from_millis(i64::from_be_bytes(*head[RANDOM..].first_chunk()?));
    let now = core.env.now();
    let is_in_time = made_at <= now && now.since(made_at) < LIFE;
    (is_in_time && purposes.contains(&purpose))
        .then(|| OpenChallenge { digest: secret::digest(bytes), purpose })
}

impl OpenChallenge {
    /// Spends the challenge. Returns false if it was answered before.
    pub(in crate::identity) fn spend(&self, db: &mut dyn Db, now: Time) -> Result<bool> {
        let once = (1, LIFE);
        Ok(attempts::count(db, Scope::PasskeyChallenge, &self.digest, once, now)?.is_none())
    }
}
