//! Stored hashes: which schemes are accepted, how much work they may ask for, and how a password is
//! checked against one.
//!
//! argon2 in the PHC string format (RFC 9106 defines the function), bcrypt in its modular crypt
//! format. Every hash is parsed and checked against the bounds before memory is allocated for it.
//! For which thread does the work, see `pool`.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time;
use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::config;
use crate::error::{Error, Result};

/// The most memory that a hash may ask for, in KiB.
pub const MOST_MEMORY: u32 = 64 * 1024;
/// The most work that an argon2 hash may ask for, in KiB times passes: about one second of CPU
/// time.
pub const MOST_WORK: u64 = 2 * 1024 * 1024;
/// The accepted bcrypt costs.
pub const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;

const LONGEST_TEXT: usize = 512;
const SALT_LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;
const DIGEST_LENGTHS: std::ops::RangeInclusive<usize> = 16..=64;
const NEW_SALT: usize = 16;
const NEW_DIGEST: usize = 32;
const BCRYPT_KEY: usize = 72;
const BCRYPT_DIGEST: usize = 23;

/// bcrypt's base64. Implementations ignore the spare bits of the last character, and hashes exist
/// with some of them set.
const BCRYPT_BASE64: GeneralPurpose =
    GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// A finished hash, ready for the store.
#[derive(Clone)]
pub struct Hash {
    /// The PHC string.
    pub text: String,
    /// Scheme and cost only, such as `argon2id:19456:2:1`.
    pub scheme: String,
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.scheme)
    }
}

/// A scheme with its cost, without salt and digest. As text: `argon2id:19456:2:1`, `bcrypt:12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// argon2 in one of its variants.
    Argon2 {
        variant: Algorithm,
        /// 1.3, or 1.0 for old hashes.
        version: Version,
        /// In KiB.
        memory: u32,
        /// Passes over the memory.
        passes: u32,
        /// Degree of parallelism.
        lanes: u32,
    },
    /// bcrypt, whichever version letter the hash has.
    Bcrypt {
        /// Base-2 logarithm of the number of rounds.
        cost: u32,
    },
}

impl Scheme {
    /// The scheme for new hashes.
    pub fn today(hashing: &config::Hashing) -> Result<Self> {
        let (memory, passes) = (hashing.memory, hashing.passes);
        let scheme = Self::Argon2 {
            variant: Algorithm::Argon2id,
            version: Version::V0x13,
            memory,
            passes,
            lanes: 1,
        };
        scheme.bounded().ok_or_else(|| {
            Error::internal(format!(
                "hashing.memory = {memory} KiB with hashing.passes = {passes}: expected 8 to {MOST_MEMORY} KiB, \
                 at least one pass, and at most {MOST_WORK} as their product"
            ))
        })
    }

    /// KiB that one computation needs in addition to the stack.
    #[must_use]
    pub fn memory(self) -> u32 {
        match self {
            Self::Argon2 { memory, .. } => memory,
            Self::Bcrypt { .. } => 0,
        }
    }

    /// Whether to rehash a password with this scheme: it is another function than today's, or takes
    /// less memory or less work. More expensive hashes are kept.
    #[must_use]
    pub fn is_outdated(self, today: Self) -> bool {
        let (
            Self::Argon2 { variant, version, memory, passes, .. },
            Self::Argon2 { memory: least, passes: rounds, .. },
        ) = (self, today)
        else {
            return true;
        };
        let work = |memory: u32, passes: u32| u64::from(memory) * u64::from(passes);
        let is_the_same = variant == Algorithm::Argon2id && version == Version::V0x13;
        !is_the_same || memory < least || work(memory, passes) < work(least, rounds)
    }

    /// This scheme, if its cost is within the bounds.
    fn bounded(self) -> Option<Self> {
        let fits = match self {
            Self::Argon2 { memory, passes, lanes, .. } => {
                memory <= MOST_MEMORY
                    && u64::from(memory) * u64::from(passes) <= MOST_WORK
                    && Params::new(memory, passes, lanes, None).is_ok()
            }
            Self::Bcrypt { cost } => BCRYPT_COSTS.contains(&cost),
        };
        fits.then_some(self)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2 { variant, version, memory, passes, lanes } => {
                write!(f, "{variant}:{memory}:{passes}:{lanes}")?;
                if *version == Version::V0x10 { f.write_str(":v16") } else { Ok(()) }
            }
            Self::Bcrypt { cost } => write!(f, "bcrypt:{cost}"),
        }
    }
}

impl FromStr for Scheme {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let mut parts = text.split(':');
            let name = parts.next()?;
            if name == "bcrypt" {
                let cost = decimal(parts.next()?)?;
                return parts.next().is_none().then_some(Self::Bcrypt { cost });
            }
            let variant = name.parse().ok()?;
            let (memory, passes) = (decimal(parts.next()?)?, decimal(parts.next()?)?);
            let lanes = decimal(parts.next()?)?;
            let version = match parts.next() {
                None => Version::V0x13,
                Some("v16") => Version::V0x10,
                Some(_) => return None,
            };
            parts.next().is_none().then_some(Self::Argon2 {
                variant,
                version,
                memory,
                passes,
                lanes,
            })
        };
        read().and_then(Self::bounded).ok_or_else(|| {
            Error::internal(format!(
                "expected a password scheme like argon2id:19456:2:1 or bcrypt:12, got {text:?}"
            ))
        })
    }
}

/// The scheme of a stored hash as text; `unreadable` for a hash that no password can match.
#[must_use]
pub fn scheme_of(stored: &str) -> String {
    StoredHash::read(stored)
        .map_or_else(|| "unreadable".to_owned(), |stored| stored.scheme.to_string())
}

/// How bcrypt converts a password into its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letters {
    /// As specified: `2a`, `2b`, `2y`.
    Unsigned,
    /// `2x`: made by an old library that treated bytes beyond ASCII as negative numbers.
    Signed,
}

/// A stored hash that was parsed and is within the bounds.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHash {
    scheme: Scheme,
    letters: Letters,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({})", self.scheme)
    }
}

impl StoredHash {
    /// Parses a stored hash. Returns `None` if its form is unknown or it asks for too much work.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST_TEXT || !text.is_ascii() {
            return None;
        }
        let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
        match name {
            "2a" | "2b" | "2y" => Self::read_bcrypt(rest, Letters::Unsigned),
            "2x" => Self::read_bcrypt(rest, Letters::Signed),
            _ => Self::read_argon2(name.parse().ok()?, rest),
        }
    }

    /// A hash of this scheme that no password made: checking it takes the same work and never
    /// matches.
    #[must_use]
    pub fn stand_in(scheme: Scheme) -> Self {
        let digest =
            if matches!(scheme, Scheme::Bcrypt { .. }) { BCRYPT_DIGEST } else { NEW_DIGEST };
        Self {
            scheme,
            letters: Letters::Unsigned,
            salt: vec![0; NEW_SALT],
            digest: vec![0; digest],
        }
    }

    /// The scheme and cost of the hash.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether these bytes made the hash. `memory` must hold as many blocks as the scheme asks for
    /// KiB.
    pub fn matches(&self, password: &[u8], memory: &mut [Block]) -> Result<bool> {
        let mut digest = [0; *DIGEST_LENGTHS.end()];
        let digest = digest.get_mut(..self.digest.len()).unwrap_or_default();
        match self.scheme {
            Scheme::Argon2 { .. } => argon2(self.scheme, password, &self.salt, digest, memory)?,
            Scheme::Bcrypt { cost } => {
                let mut salt = [0; 16];
                salt.copy_from_slice(self.salt.get(..16).unwrap_or(&[0; 16]));
                let (key, length) = self.letters.key(password);
                let made = Zeroizing::new(bcrypt::bcrypt(cost, salt, &key[..length]));
                digest.copy_from_slice(&made[..BCRYPT_DIGEST]);
            }
        }
        Ok(constant_time::verify_slices_are_equal(digest, &self.digest).is_ok())
    }

    /// `$10$`, then 22 characters of salt and 31 of digest.
    fn read_bcrypt(rest: &str, letters: Letters) -> Option<Self> {
        let (cost, rest) = rest.split_once('$')?;
        if cost.len() != 2 || rest.len() != 53 {
            return None;
        }
        let cost = cost.bytes().all(|b| b.is_ascii_digit()).then(|| cost.parse().ok())??;
        let scheme = Scheme::Bcrypt { cost }.bounded()?;
        let (salt, digest) = rest.split_at(22);
        let salt = BCRYPT_BASE64.decode(salt).ok()?;
        let digest = BCRYPT_BASE64.decode(digest).ok()?;
        (salt.len() == 16 && digest.len() == BCRYPT_DIGEST).then_some(Self {
            scheme,
            letters,
            salt,
            digest,
        })
    }

    /// `v=19$m=19456,t=2,p=1$salt$digest`. Without `v` it is version 1.0, which is older than that
    /// field.
    fn read_argon2(variant: Algorithm, rest: &str) -> Option<Self> {
        let (version, rest) = match rest.strip_prefix("v=") {
            None => (Version::V0x10, rest),
            Some(rest) => {
                let (version, rest) = rest.split_once('$')?;
                (Version::try_from(decimal(version)?).ok()?, rest)
            }
        };
        let mut parts = rest.split('$');
        let (costs, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        let mut costs = costs.split(',');
        let mut cost = |name| decimal(costs.next()?.strip_prefix(name)?);
        let (memory, passes, lanes) = (cost("m=")?, cost("t=")?, cost("p=")?);
        if costs.next().is_some() || parts.next().is_some() {
            return None;
        }
        let scheme = Scheme::Argon2 { variant, version, memory, passes, lanes }.bounded()?;
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let digest = STANDARD_NO_PAD.decode(digest).ok()?;
        let fits = SALT_LENGTHS.contains(&salt.len()) && DIGEST_LENGTHS.contains(&digest.len());
        fits.then_some(Self { scheme, letters: Letters::Unsigned, salt, digest })
    }
}

/// Hashes an NFC password.
pub fn hash(
    scheme: Scheme,
    password: &[u8],
    salt: [u8; NEW_SALT],
    memory: &mut [Block],
) -> Result<Hash> {
    let Scheme::Argon2 { variant, version, memory: kib, passes, lanes } = scheme else {
        return Err(Error::internal(format!("new hashes are argon2, not {scheme}")));
    };
    let mut digest = [0; NEW_DIGEST];
    argon2(scheme, password, &salt, &mut digest, memory)?;
    let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(digest));
    let version = u32::from(version);
    let text = format!("${variant}$v={version}$m={kib},t={passes},p={lanes}${salt}${digest}");
    Ok(Hash { text, scheme: scheme.to_string() })
}

fn argon2(
    scheme: Scheme,
    password: &[u8],
    salt: &[u8],
    digest: &mut [u8],
    memory: &mut [Block],
) -> Result<()> {
    let Scheme::Argon2 { variant, version, memory: kib, passes, lanes } = scheme else {
        return Err(Error::internal(format!("{scheme} is not argon2")));
    };
    Params::new(kib, passes, lanes, None)
        .and_then(|params| {
            Argon2::new(variant, version, params)
                .hash_password_into_with_memory(password, salt, digest, memory)
        })
        .map_err(|cause| Error::internal(format!("hashing with {scheme} failed: {cause}")))
}

impl Letters {
    /// The key and its length: the password with its terminating NUL, cut at 72 bytes as in every
    /// bcrypt.
    fn key(self, password: &[u8]) -> (Zeroizing<[u8; BCRYPT_KEY]>, usize) {
        let mut key = Zeroizing::new([0; BCRYPT_KEY]);
        let kept = password.len().min(BCRYPT_KEY);
        key[..kept].copy_from_slice(&password[..kept]);
        let length = (kept + 1).min(BCRYPT_KEY);
        match self {
            Self::Unsigned => (key, length),
            Self::Signed => (signed_key(&key[..length]), BCRYPT_KEY),
        }
    }
}

/// The 18 words that the old library made of a key: a negative byte sets every bit before it in its
/// word.
fn signed_key(key: &[u8]) -> Zeroizing<[u8; BCRYPT_KEY]> {
    let mut words = Zeroizing::new([0; BCRYPT_KEY]);
    let mut letters = key.iter().cycle();
    for four in words.chunks_exact_mut(4) {
        let word = letters.by_ref().take(4).fold(0_u32, |word, &letter| {
            word << 8 | i32::from(letter.cast_signed()).cast_unsigned()
        });
        four.copy_from_slice(&word.to_be_bytes());
    }
    words
}

/// A number in a PHC string: only digits, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opens(text: &str, password: &[u8]) -> bool {
        let stored = StoredHash::read(text).unwrap();
        let mut memory = vec![Block::new(); stored.scheme().memory() as usize];
        stored.matches(password, &mut memory).unwrap()
    }

    #[test]
    fn bcrypt_other_variants_and_cheaper_hashes_are_outdated() {
        let scheme = |text: &str| text.parse::<Scheme>().unwrap();
        let today = scheme("argon2id:19456:2:1");
        for old in ["bcrypt:14", "argon2i:65536:4:1", "argon2d:65536:4:1", "argon2id:65536:4:1:v16"]
        {
            assert!(scheme(old).is_outdated(today), "{old}");
        }
        for cheaper in
            ["argon2id:19456:1:1", "argon2id:19455:3:1", "argon2id:9216:9:1", "argon2id:32768:1:4"]
        {
            assert!(scheme(cheaper).is_outdated(today), "{cheaper}");
        }
        for costlier in
            ["argon2id:19456:2:1", "argon2id:19456:3:1", "argon2id:47104:1:1", "argon2id:65536:3:4"]
        {
            assert!(!scheme(costlier).is_outdated(today), "{costlier}");
        }
    }

    const SALT: &str = "/OK.fbVrR/bpIqNJ5ianF.";

    #[test]
    fn bcrypt_of_every_letter_opens() {
        for letter in ["2a", "2b", "2y", "2x"] {
            let text = format!("${letter}$04${SALT}RYxan6GqoWFZ.Gvlr69TFErQfu72DzK");
            assert!(opens(&text, b"password"), "{text}");
            assert!(!opens(&text, b"Password"), "{text}");
        }
        assert!(opens("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", b"U*U"));
    }

    #[test]
    fn bcrypt_2x_repeats_the_error_of_its_makers() {
        let accents = "pässwörd ✓".as_bytes();
        let right = format!("$2y$04${SALT}C.JLNOUwG8h7OP4ewFuVXKRDIHdDR2K");
        let wrong = format!("$2x$04${SALT}0/jC1eV8koXaCiJTsrOiCI1OfZ5Dqf.");
        assert!(opens(&right, accents) && opens(&wrong, accents));
        assert!(!opens(&right.replace("2y", "2x"), accents));
        let short = format!("$2x$04${SALT}79F7iyfPXU.AMPgYp2WOmvgKQ4Ez/5.");
        assert!(
            opens(&short, b"\xa3") && opens(&short, b"\xff\xff\xa3") && !opens(&short, b"\xff\xa4")
        );
    }

    #[test]
    fn bcrypt_looks_at_72_bytes_as_its_makers_did() {
        let text = format!("$2b$04${SALT}sN11/lzpb5GU9j41HYJjV7Mu/n0isdC");
        assert!(opens(&text, &[b'x'; 72]) && opens(&text, &[b'x'; 200]));
        assert!(!opens(&text, &[b'x'; 71]));
    }

    #[test]
    fn argon2_of_every_variant_and_version_opens() {
        for text in [
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        ] {
            assert!(opens(text, b"password"), "{text}");
            assert!(!opens(text, b"passwore"), "{text}");
        }
    }

    #[test]
    fn a_new_hash_is_read_back_and_opens() {
        let scheme: Scheme = "argon2id:64:1:1".parse().unwrap();
        let mut memory = vec![Block::new(); 64];
        let made = hash(scheme, "pässword".as_bytes(), [9; 16], &mut memory).unwrap();
        assert!(made.text.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", made.text);
        assert_eq!(
            (made.scheme.as_str(), scheme_of(&made.text).as_str()),
            ("argon2id:64:1:1", "argon2id:64:1:1")
        );
        assert!(opens(&made.text, "pässword".as_bytes()) && !opens(&made.text, b"password"));
        assert!(!format!("{made:?} {:?}", StoredHash::read(&made.text)).contains("$argon2id$"));
    }

    #[test]
    fn schemes_are_written_and_read_as_text() {
        let printed = |text| scheme_of(text).parse::<Scheme>().unwrap().to_string();
        assert_eq!(
            printed("$2x$10$/OK.fbVrR/bpIqNJ5ianF.RYxan6GqoWFZ.Gvlr69TFErQfu72DzK"),
            "bcrypt:10"
        );
        let digest = "c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";
        assert_eq!(printed(&format!("$argon2d$v=16$m=64,t=3,p=2${digest}")), "argon2d:64:3:2:v16");
        for bad in [
            "",
            "bcrypt",
            "bcrypt:15",
            "bcrypt:12:1",
            "argon2id:19456:2",
            "argon2id:19456:2:1:v17",
            "md5:1",
        ] {
            assert!(bad.parse::<Scheme>().is_err(), "{bad}");
        }
    }

    #[test]
    fn hashes_that_ask_for_too_much_or_are_broken_are_not_read() {
        let (salt, digest) = ("c29tZXNhbHQ", "iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8");
        let argon2 = |costs: &str| format!("$argon2id$v=19${costs}${salt}${digest}");
        assert!(StoredHash::read(&argon2("m=65536,t=32,p=1")).is_some());
        let hostile = [
            "m=65537,t=1,p=1",
            "m=4294967295,t=1,p=1",
            "m=65536,t=33,p=1",
            "m=8,t=4294967295,p=1",
            "m=64,t=1,p=9",
            "m=64,t=1,p=16777216",
            "m=64,t=1,p=536870912",
            "m=0,t=1,p=1",
            "m=64,t=0,p=1",
            "m=64,t=1,p=0",
            "m=64,t=1",
            "m=99999999999,t=1,p=1",
            "m=-1,t=1,p=1",
            "m=064,t=1,p=1",
            "t=1,m=64,p=1",
            "m=64,t=1,p=1,data=AAAA",
            "",
        ];
        for costs in hostile {
            assert_eq!(StoredHash::read(&argon2(costs)), None, "{costs}");
        }
        let bcrypt = |cost: &str| format!("$2b${cost}${SALT}RYxan6GqoWFZ.Gvlr69TFErQfu72DzK");
        assert!(StoredHash::read(&bcrypt("14")).is_some());
        for text in [
            bcrypt("03"),
            bcrypt("15"),
            bcrypt("31"),
            bcrypt("4"),
            bcrypt("+4"),
            bcrypt("04").replace("2b", "2"),
            bcrypt("04").replace('K', "é"),
            bcrypt("04") + "x",
            String::new(),
            "$".into(),
            "$$".into(),
            "plain".into(),
            format!("$argon2id$v=18$m=64,t=1,p=1${salt}${digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA${digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}$c29tZQ"),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}="),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${}", "A".repeat(100_000)),
        ] {
            assert_eq!(StoredHash::read(&text), None, "{text:.80}");
            assert_eq!(scheme_of(&text), "unreadable");
        }
    }

    #[test]
    fn a_stand_in_does_the_work_and_matches_nothing() {
        for scheme in ["argon2id:64:1:1", "argon2i:64:1:2:v16", "bcrypt:4"] {
            let stored = StoredHash::stand_in(scheme.parse().unwrap());
            assert!(!stored.matches(b"", &mut vec![Block::new(); 64]).unwrap(), "{scheme}");
        }
    }

    #[test]
    fn too_little_memory_is_an_error_and_no_panic() {
        let stored = StoredHash::stand_in("argon2id:64:1:1".parse().unwrap());
        assert!(stored.matches(b"password", &mut [Block::new(); 8]).is_err());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,120}") {
            let _ = StoredHash::read(&text);
            let _ = text.parse::<Scheme>();
        }

        #[test]
        fn reading_something_like_a_hash_never_panics(
            text in concat!(
                "\\$(2[abxy]|argon2(id|i|d))\\$(v=[0-9]{1,3}\\$)?",
                "([0-9]{2}|m=[0-9]{0,12},t=[0-9]{0,12},p=[0-9]{0,12})\\$[./A-Za-z0-9+$]{0,80}",
            ),
        ) {
            if let Some(stored) = StoredHash::read(&text) {
                prop_assert!(stored.scheme().memory() <= MOST_MEMORY);
                prop_assert_eq!(stored.scheme().to_string().parse::<Scheme>().unwrap(), stored.scheme());
            }
        }

        #[test]
        fn a_password_that_was_hashed_opens(password in "\\PC{0,40}") {
            let mut memory = vec![Block::new(); 8];
            let made = hash("argon2id:8:1:1".parse().unwrap(), password.as_bytes(), [1; 16], &mut memory).unwrap();
            prop_assert!(opens(&made.text, password.as_bytes()));
        }
    }
}
