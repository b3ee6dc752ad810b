//! Stored hashes: which schemes are accepted, how much work they may ask for, and how a password is
//! checked against one.
//!
//! argon2 in the PHC string format (RFC 9106 defines the function), bcrypt in its modular crypt
//! format, and PBKDF2 with SHA-256 (RFC 8018) as Django writes it. Every hash is parsed and checked against the bounds before memory is allocated for it.
//! For which thread does the work, see `pool`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{constant_time, pbkdf2};
use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD, STANDARD_NO_PAD};
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

/// The accepted iterations of PBKDF2. The most take about a second of CPU time.
pub const PBKDF2_ITERATIONS: std::ops::RangeInclusive<u32> = 1..=2_000_000;

const LONGEST_TEXT: usize = 512;
const SALT_LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;
const DIGEST_LENGTHS: std::ops::RangeInclusive<usize> = 16..=64;
const NEW_SALT: usize = 16;
const NEW_DIGEST: usize = 32;
const BCRYPT_KEY: usize = 72;
const BCRYPT_DIGEST: usize = 23;
const PBKDF2_DIGEST: usize = 32;

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

/// A scheme with its cost, without salt and digest. As text: `argon2id:19456:2:1`, `bcrypt:12`,
/// `pbkdf2-sha256:600000`.
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
    /// PBKDF2 with HMAC-SHA-256.
    Pbkdf2Sha256 {
        /// The number of iterations.
        iterations: u32,
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
            Self::Bcrypt { .. } | Self::Pbkdf2Sha256 { .. } => 0,
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
            Self::Pbkdf2Sha256 { iterations } => PBKDF2_ITERATIONS.contains(&iterations),
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
            Self::Pbkdf2Sha256 { iterations } => write!(f, "pbkdf2-sha256:{iterations}"),
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
            if name == "pbkdf2-sha256" {
                let iterations = decimal(parts.next()?)?;
                return parts.next().is_none().then_some(Self::Pbkdf2Sha256 { iterations });
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
        if let Some(rest) = text.strip_prefix("pbkdf2_sha256$") {
            return Self::read_pbkdf2(rest);
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
        let digest = match scheme {
            Scheme::Argon2 { .. } => NEW_DIGEST,
            Scheme::Bcrypt { .. } => BCRYPT_DIGEST,
            Scheme::Pbkdf2Sha256 { .. } => PBKDF2_DIGEST,
        };
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
            Scheme::Pbkdf2Sha256 { iterations } => {
                let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
                let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
                pbkdf2::derive(algorithm, iterations, &self.salt, password, digest);
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

    /// `600000$salt$digest`, as Django writes it: the salt is text, the digest is base64.
    fn read_pbkdf2(rest: &str) -> Option<Self> {
        let mut parts = rest.split('$');
        let (iterations, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        let scheme = Scheme::Pbkdf2Sha256 { iterations: decimal(iterations)? }.bounded()?;
        let (salt, digest) = (salt.as_bytes().to_vec(), STANDARD.decode(digest).ok()?);
        let fits = SALT_LENGTHS.contains(&salt.len()) && digest.len() == PBKDF2_DIGEST;
        (fits && parts.next().is_none()).then_some(Self {
            scheme,
            letters: Letters::Unsigned,
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
