//! Values that must not be printed: passwords, tokens, keys. Their memory is wiped on drop.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A text that `Debug` never prints; code must call [`Secret::reveal`] to read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for code that sends, stores or checks it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A password as typed: never trimmed, case-folded or truncated.
#[derive(Clone, Debug)]
pub struct Password(Secret);

impl Password {
    /// Wraps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// The password as typed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The form that is hashed: NFC, so that accents typed on different keyboards match.
    #[must_use]
    pub fn normalised(&self) -> Zeroizing<String> {
        Zeroizing::new(self.reveal().nfc().collect())
    }
}

/// Encodes bytes for links, tokens and key ids: base64url without padding (RFC 4648, section 5).
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes the output of [`encode`]. Strict: refuses padding, stray bits and other alphabets.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The SHA-256 digest.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let printed = format!("{:?} {:?}", Secret::new("hush"), Password::new("hush"));
        assert!(!printed.contains("hush"), "{printed}");
    }

    #[test]
    fn passwords_are_normalised_but_not_folded() {
        assert_eq!(Password::new(" Cafe\u{301} ").normalised().as_str(), " Caf\u{e9} ");
    }
}
