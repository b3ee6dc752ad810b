//! The refresh token: session id, generation, a 32-byte secret, and a MAC over them with a
//! versioned key.
//!
//! The first secret is random. Each further secret is a MAC of the previous one, so a client that
//! presents the parent always gets the identical successor, computed from the parent itself. A
//! forged token is refused without a database read. Whether a token is the current one of its
//! session is decided by the store.
//!
//! The text form is base64url of version (4 bytes), session (16), generation (4), secret (32), MAC
//! (16): 96 characters.

use aws_lc_rs::{constant_time, hmac};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::model::secret::{decode, encode};
use crate::model::{SessionId, Time};

const VERSION_LEN: usize = 4;
const SESSION_LEN: usize = 16;
const GENERATION_LEN: usize = 4;
const SECRET_LEN: usize = 32;
const MAC_LEN: usize = 16;
const SIGNED_LEN: usize = VERSION_LEN + SESSION_LEN + GENERATION_LEN + SECRET_LEN;
const TEXT_LEN: usize = (SIGNED_LEN + MAC_LEN) / 3 * 4;

/// The MAC keys in force, by version.
#[derive(Clone, Default)]
pub struct MacKeys {
    /// Oldest first.
    keys: Vec<VersionKey>,
}

#[derive(Clone)]
struct VersionKey {
    version: u32,
    key: hmac::Key,
    verifies_until: Option<Time>,
}

impl MacKeys {
    /// Adds a key. The key with the highest version makes new tokens.
    pub(super) fn add(
        &mut self,
        version: i64,
        key: &[u8],
        verifies_until: Option<Time>,
    ) -> Result<()> {
        let version = u32::try_from(version).map_err(|_| {
            Error::internal(format!(
                "a refresh key has version {version}, which is not a 32-bit number"
            ))
        })?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        self.keys.push(VersionKey { version, key, verifies_until });
        self.keys.sort_by_key(|one| one.version);
        Ok(())
    }

    /// Whether no key is in force.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether all keys are in force at this time.
    pub(super) fn all_live(&self, now: Time) -> bool {
        self.keys.iter().all(|one| one.is_live(now))
    }

    /// The keys that are in force at this time.
    pub(super) fn live(&self, now: Time) -> Self {
        Self { keys: self.keys.iter().filter(|one| one.is_live(now)).cloned().collect() }
    }

    fn current(&self) -> Result<u32> {
        self.keys
            .last()
            .map(|one| one.version)
            .ok_or_else(|| Error::internal("no refresh token key is in force"))
    }

    /// A MAC for one purpose with the key of this version; `RefreshInvalid` if that key has
    /// expired.
    fn mac(&self, version: u32, purpose: MacPurpose, bytes: &[u8]) -> Result<hmac::Tag> {
        let one =
            self.keys.iter().find(|one| one.version == version).ok_or(Kind::RefreshInvalid)?;
        let mut context = hmac::Context::with_key(&one.key);
        context.update(&[purpose as u8]);
        context.update(bytes);
        Ok(context.sign())
    }
}

impl VersionKey {
    fn is_live(&self, now: Time) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }
}

/// What a MAC is used for. It is the first byte of the covered text, so a MAC for one purpose is
/// never valid for the other.
#[derive(Clone, Copy)]
enum MacPurpose {
    Token = 1,
    Next = 2,
}

/// A refresh token whose MAC was verified.
#[derive(Clone)]
pub struct RefreshToken {
    pub session: SessionId,
    /// How often the session's token had rotated when this one was made.
    pub generation: i64,
    version: u32,
    secret: Zeroizing<[u8; SECRET_LEN]>,
}

impl RefreshToken {
    /// The first token of a new session.
    pub fn first(keys: &MacKeys, env: &Env, session: &SessionId) -> Result<Self> {
        let secret = Zeroizing::new(env.random()?);
        Ok(Self { session: session.clone(), generation: 0, version: keys.current()?, secret })
    }

    /// Parses a token that a client presents.
    ///
    /// # Errors
    /// `RefreshInvalid` when authd did not make it, or its key has expired.
    pub fn parse(keys: &MacKeys, text: &str) -> Result<Self> {
        if text.len() != TEXT_LEN {
            return Err(Kind::RefreshInvalid.into());
        }
        let bytes = Zeroizing::new(decode(text).ok_or(Kind::RefreshInvalid)?);
        let (signed, mac) = bytes.split_at_checked(SIGNED_LEN).ok_or(Kind::RefreshInvalid)?;
        let mut rest = signed;
        let version = u32::from_be_bytes(take(&mut rest)?);
        let expected = keys.mac(version, MacPurpose::Token, signed)?;
        constant_time::verify_slices_are_equal(&expected.as_ref()[..MAC_LEN], mac)
            .map_err(|_| Kind::RefreshInvalid)?;
        let session = Uuid::from_bytes(take::<SESSION_LEN>(&mut rest)?);
        let generation = u32::from_be_bytes(take(&mut rest)?);
        let secret = Zeroizing::new(take(&mut rest)?);
        Ok(Self {
            session: SessionId::new(session.to_string()),
            generation: generation.into(),
            version,
            secret,
        })
    }

    /// Whether a text has the form of a token under a newer key than these. Another process may
    /// have made that key since these were loaded.
    #[must_use]
    pub fn names_unknown_key(keys: &MacKeys, text: &str) -> bool {
        let newest = keys.keys.last().map(|one| one.version);
        let version = |bytes: Vec<u8>| bytes.first_chunk().map(|head| u32::from_be_bytes(*head));
        text.len() == TEXT_LEN && decode(text).and_then(version) > newest
    }

    /// The token after this one, always the same.
    ///
    /// # Errors
    /// `RefreshInvalid` when this token's key has expired meanwhile.
    pub fn successor(&self, keys: &MacKeys) -> Result<Self> {
        let generation = self.generation.checked_add(1).ok_or(Kind::RefreshInvalid)?;
        u32::try_from(generation).map_err(|_| Kind::RefreshInvalid)?;
        let covered = self.covered()?;
        let next = keys.mac(self.version, MacPurpose::Next, &covered[VERSION_LEN..])?;
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        secret.copy_from_slice(next.as_ref());
        Ok(Self { session: self.session.clone(), generation, version: keys.current()?, secret })
    }

    /// The same token under the newest key. Its stored hash does not change.
    pub fn under_newest(&self, keys: &MacKeys) -> Result<Self> {
        Ok(Self { version: keys.current()?, ..self.clone() })
    }

    /// What the store keeps of the token: SHA-256 of the secret.
    #[must_use]
    pub fn secret_hash(&self) -> [u8; 32] {
        crate::model::secret::digest(&self.secret[..])
    }

    /// The text that the client holds.
    ///
    /// # Errors
    /// `RefreshInvalid` when the token's key has expired meanwhile.
    pub fn to_text(&self, keys: &MacKeys) -> Result<String> {
        let mut bytes = self.covered()?;
        let mac = keys.mac(self.version, MacPurpose::Token, &bytes)?;
        bytes.extend_from_slice(&mac.as_ref()[..MAC_LEN]);
        Ok(encode(&bytes))
    }

    /// The bytes that the MAC covers.
    fn covered(&self) -> Result<Zeroizing<Vec<u8>>> {
        let session = Uuid::parse_str(self.session.as_str())
            .ok()
            .filter(|id| id.to_string() == self.session.as_str())
            .ok_or_else(|| Error::internal("a session id is not a UUID"))?;
        let generation = u32::try_from(self.generation).map_err(|_| {
            Error::internal(format!(
                "a session has generation {}, which is not a 32-bit number",
                self.generation
            ))
        })?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(SIGNED_LEN + MAC_LEN));
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(session.as_bytes());
        bytes.extend_from_slice(&generation.to_be_bytes());
        bytes.extend_from_slice(&self.secret[..]);
        Ok(bytes)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Kind::RefreshInvalid)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(versions: &[i64]) -> MacKeys {
        let mut keys = MacKeys::default();
        for version in versions {
            keys.add(*version, &[u8::try_from(*version).unwrap(); 32], None).unwrap();
        }
        keys
    }

    fn first(keys: &MacKeys) -> RefreshToken {
        RefreshToken::first(
            keys,
            &Env::real(),
            &SessionId::new("01942f3c-6c00-7000-8000-000000000001"),
        )
        .unwrap()
    }

    fn refusal<T>(result: Result<T>) -> Kind {
        result.err().unwrap().kind()
    }

    #[test]
    fn a_token_comes_back_as_it_went() {
        let keys = keys(&[1]);
        let token = first(&keys);
        let text = token.to_text(&keys).unwrap();
        assert_eq!(text.len(), 96);
        let back = RefreshToken::parse(&keys, &text).unwrap();
        assert_eq!((&back.session, back.generation), (&token.session, 0));
        assert_eq!(back.secret_hash(), token.secret_hash());
        assert_eq!(back.to_text(&keys).unwrap(), text);
    }

    #[test]
    fn presenting_the_parent_yields_the_identical_successor() {
        let keys = keys(&[1]);
        let text = first(&keys).to_text(&keys).unwrap();
        let next = |text: &str| RefreshToken::parse(&keys, text).unwrap().successor(&keys).unwrap();
        let (one, two) = (next(&text), next(&text));
        assert_eq!(one.to_text(&keys).unwrap(), two.to_text(&keys).unwrap());
        assert_eq!(one.generation, 1);
        assert_ne!(one.secret_hash(), RefreshToken::parse(&keys, &text).unwrap().secret_hash());
    }

    #[test]
    fn a_new_key_makes_the_next_token_with_the_same_secret() {
        let (before, after) = (keys(&[1]), keys(&[1, 2]));
        let parent = first(&before);
        let (one, two) = (parent.successor(&before).unwrap(), parent.successor(&after).unwrap());
        assert_eq!(one.secret_hash(), two.secret_hash());
        assert_eq!((one.version, two.version), (1, 2));
        assert!(RefreshToken::parse(&after, &one.to_text(&before).unwrap()).is_ok());
    }

    #[test]
    fn a_token_dies_with_its_key() {
        let (before, after) = (keys(&[1]), keys(&[2]));
        let token = first(&before);
        let text = token.to_text(&before).unwrap();
        assert_eq!(refusal(RefreshToken::parse(&after, &text)), Kind::RefreshInvalid);
        assert_eq!(refusal(token.successor(&after)), Kind::RefreshInvalid);
        assert_eq!(refusal(token.to_text(&after)), Kind::RefreshInvalid);
    }

    #[test]
    fn only_a_newer_key_than_ours_is_unknown() {
        let newer = keys(&[1, 3]);
        let text = |keys: &MacKeys| first(keys).to_text(keys).unwrap();
        assert!(RefreshToken::names_unknown_key(&keys(&[2]), &text(&newer)));
        assert!(RefreshToken::names_unknown_key(&MacKeys::default(), &text(&newer)));
        for known in [
            text(&keys(&[1])),
            text(&keys(&[2])),
            "x".repeat(96) + "=",
            "?".repeat(96),
            String::new(),
        ] {
            assert!(!RefreshToken::names_unknown_key(&keys(&[2]), &known), "{known}");
        }
    }

    #[test]
    fn a_key_is_in_force_until_its_last_millisecond() {
        let mut both = keys(&[2]);
        both.add(1, &[1; 32], Some(Time::from_millis(10))).unwrap();
        assert!(both.all_live(Time::from_millis(9)) && !both.all_live(Time::from_millis(10)));
        assert_eq!(both.live(Time::from_millis(10)).keys.len(), 1);
        assert_eq!(both.current().unwrap(), 2);
        assert!(both.live(Time::from_millis(10)).all_live(Time::from_millis(10)));
        assert!(both.add(1 << 32, &[0; 32], None).is_err());
    }

    #[test]
    fn a_token_changed_anywhere_is_refused() {
        let keys = keys(&[1]);
        let text = first(&keys).to_text(&keys).unwrap();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(
                refusal(RefreshToken::parse(&keys, &forged)),
                Kind::RefreshInvalid,
                "character {at}"
            );
        }
        for forged in [
            format!("{text}="),
            format!("{text}A"),
            text[..95].to_owned(),
            format!(" {text}"),
            String::new(),
        ] {
            assert_eq!(
                refusal(RefreshToken::parse(&keys, &forged)),
                Kind::RefreshInvalid,
                "{forged}"
            );
        }
    }

    #[test]
    fn the_mac_of_a_successor_is_no_mac_of_a_token() {
        let keys = keys(&[1]);
        let tag = |purpose| keys.mac(1, purpose, b"x").unwrap().as_ref().to_vec();
        assert_ne!(tag(MacPurpose::Token), tag(MacPurpose::Next));
    }

    #[test]
    fn the_last_generation_has_no_successor() {
        let keys = keys(&[1]);
        let mut token = first(&keys);
        token.generation = u32::MAX.into();
        assert!(token.to_text(&keys).is_ok());
        assert_eq!(refusal(token.successor(&keys)), Kind::RefreshInvalid);
        token.generation = -1;
        assert!(token.to_text(&keys).is_err());
    }

    #[test]
    fn without_a_key_there_is_no_token() {
        assert!(MacKeys::default().is_empty());
        assert!(
            RefreshToken::first(&MacKeys::default(), &Env::real(), &SessionId::new("x")).is_err()
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,120}", body in "[A-Za-z0-9_-]{96}") {
            let keys = keys(&[1]);
            prop_assert!(RefreshToken::parse(&keys, &text).is_err());
            prop_assert!(RefreshToken::parse(&keys, &body).is_err());
        }
    }
}
