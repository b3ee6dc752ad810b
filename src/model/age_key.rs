//! Keys of the age encryption format, as `age-keygen` writes them: a recipient encrypts, the identity
//! that belongs to it decrypts.

use std::fmt;

use zeroize::Zeroizing;

use super::bech32;

const LEN: usize = 32;

/// An X25519 public key: `age1…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeRecipient {
    text: String,
    key: [u8; LEN],
}

impl AgeRecipient {
    /// What is accepted, in words.
    pub const FORM: &'static str = "an age recipient like age1…, which `age-keygen` prints";

    /// Parses a recipient.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let key = bech32::decode("age", text)?.try_into().ok()?;
        Some(Self { text: text.to_owned(), key })
    }

    /// The public key.
    #[must_use]
    pub fn key(&self) -> &[u8; LEN] {
        &self.key
    }
}

impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An X25519 private key: `AGE-SECRET-KEY-1…`.
#[derive(Clone)]
pub struct AgeIdentity(Zeroizing<[u8; LEN]>);

impl AgeIdentity {
    /// Parses an identity.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(bech32::decode("AGE-SECRET-KEY-", text)?);
        let key: &[u8; LEN] = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(*key)))
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl fmt::Debug for AgeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgeIdentity(…)")
    }
}
