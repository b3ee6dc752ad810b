//! Password columns of other systems: finds the hash behind a system's prefix, recognises accounts
//! without a password, and says why a hash is refused.

use super::scheme::{BCRYPT_COSTS, StoredHash};

/// What a password column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedPassword {
    /// A hash that passwords can be checked against.
    Hash(String),
    /// The account had no usable password.
    Unusable,
    /// A hash that passwords cannot be checked against.
    Refused(HashRefusal),
}

/// Why passwords cannot be checked against a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashRefusal {
    /// A hash of a scheme that is recognised but not supported.
    Scheme(UnsupportedScheme),
    /// A hash of an unknown scheme.
    UnknownScheme,
    /// Not a hash at all.
    PlainText,
    BcryptCost {
        cost: u32,
    },
    BcryptDamaged,
    /// Damaged, or too much work.
    Argon2,
    /// Damaged, or too many iterations.
    Pbkdf2,
}

/// A scheme that is recognised but not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsupportedScheme {
    /// As Django's `BCryptSHA256PasswordHasher` makes it.
    DjangoBcryptSha256,
    BcryptSha256,
    Pbkdf2Sha1,
    Pbkdf2Sha512,
    /// As Werkzeug writes it.
    WerkzeugPbkdf2,
    /// As Passlib writes it.
    PasslibPbkdf2,
    Scrypt,
    /// As Better Auth writes it.
    BetterAuthScrypt,
    Md5,
    Sha1,
    /// A bare digest in hexadecimal.
    HexDigest,
    Md5Crypt,
    Sha256Crypt,
    Sha512Crypt,
    Yescrypt,
    Phpass,
    /// bcrypt over SHA-384.
    WordPress,
}

/// Reads a password column.
#[must_use]
pub fn read(text: &str) -> ImportedPassword {
    // Django and Unix mark an unusable password so.
    if text.starts_with('!') || text.starts_with('*') {
        return ImportedPassword::Unusable;
    }
    let hash = without_prefix(text);
    if StoredHash::read(hash).is_some() {
        return ImportedPassword::Hash(hash.to_owned());
    }
    ImportedPassword::Refused(refusal(hash))
}

/// The hash behind the name that Django puts before it: `bcrypt$$2b$…`, `argon2$argon2id$…`.
fn without_prefix(text: &str) -> &str {
    let bcrypt = text.strip_prefix("bcrypt$").filter(|rest| rest.starts_with("$2"));
    let argon2 = text.strip_prefix("argon2").filter(|rest| rest.starts_with("$argon2"));
    bcrypt.or(argon2).unwrap_or(text)
}

/// How the hashes of other schemes begin.
const OTHER_SCHEMES: [(&str, UnsupportedScheme); 20] = [
    ("bcrypt_sha256$", UnsupportedScheme::DjangoBcryptSha256),
    ("$bcrypt-sha256$", UnsupportedScheme::BcryptSha256),
    ("pbkdf2_sha1$", UnsupportedScheme::Pbkdf2Sha1),
    ("pbkdf2_sha512$", UnsupportedScheme::Pbkdf2Sha512),
    ("pbkdf2:", UnsupportedScheme::WerkzeugPbkdf2),
    ("$pbkdf2", UnsupportedScheme::PasslibPbkdf2),
    ("scrypt", UnsupportedScheme::Scrypt),
    ("$scrypt$", UnsupportedScheme::Scrypt),
    ("$7$", UnsupportedScheme::Scrypt),
    ("md5$", UnsupportedScheme::Md5),
    ("unsalted_md5$", UnsupportedScheme::Md5),
    ("sha1$", UnsupportedScheme::Sha1),
    ("unsalted_sha1$", UnsupportedScheme::Sha1),
    ("$1$", UnsupportedScheme::Md5Crypt),
    ("$5$", UnsupportedScheme::Sha256Crypt),
    ("$6$", UnsupportedScheme::Sha512Crypt),
    ("$y$", UnsupportedScheme::Yescrypt),
    ("$P$", UnsupportedScheme::Phpass),
    ("$H$", UnsupportedScheme::Phpass),
    ("$wp$", UnsupportedScheme::WordPress),
];

fn refusal(hash: &str) -> HashRefusal {
    if hash.starts_with("pbkdf2_sha256$") {
        return HashRefusal::Pbkdf2;
    }
    if let Some((_, scheme)) = OTHER_SCHEMES.iter().find(|(start, _)| hash.starts_with(start)) {
        return HashRefusal::Scheme(*scheme);
    }
    let name = hash.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    match name {
        Some(("2a" | "2b" | "2x" | "2y", rest)) => bcrypt_refusal(rest),
        Some(("argon2i" | "argon2d" | "argon2id", _)) => HashRefusal::Argon2,
        Some((name, _))
            if name.len() <= 12 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            HashRefusal::UnknownScheme
        }
        _ if is_hex_pair(hash) => HashRefusal::Scheme(UnsupportedScheme::BetterAuthScrypt),
        _ if [32, 40, 64, 128].contains(&hash.len()) && is_hex(hash) => {
            HashRefusal::Scheme(UnsupportedScheme::HexDigest)
        }
        _ => HashRefusal::PlainText,
    }
}

fn bcrypt_refusal(rest: &str) -> HashRefusal {
    match rest.split_once('$').map(|(cost, _)| cost.parse::<u32>()) {
        Some(Ok(cost)) if !BCRYPT_COSTS.contains(&cost) => HashRefusal::BcryptCost { cost },
        _ => HashRefusal::BcryptDamaged,
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `salt:key` in hexadecimal.
fn is_hex_pair(text: &str) -> bool {
    text.split_once(':').is_some_and(|(salt, key)| {
        salt.len() == 32 && key.len() == 128 && is_hex(salt) && is_hex(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuuK3F8Tz8F0XqB1u2q9pV7nJ5cXh3mD2s";
    const ARGON2: &str = "$argon2id$v=19$m=64,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";
    const PBKDF2: &str =
        "pbkdf2_sha256$10$lPAIfzoGcQMa$6wz1Hz6vZpQ93iHP93g9M4M9Exj+MytFUJXBXoloOlw=";

    #[test]
    fn a_hash_is_found_behind_the_name_that_django_puts_before_it() {
        for (text, hash) in [
            (BCRYPT.to_owned(), BCRYPT),
            (format!("bcrypt${BCRYPT}"), BCRYPT),
            (ARGON2.to_owned(), ARGON2),
            (format!("argon2{ARGON2}"), ARGON2),
            (PBKDF2.to_owned(), PBKDF2),
        ] {
            assert_eq!(read(&text), ImportedPassword::Hash(hash.to_owned()), "{text}");
        }
        for text in ["!", "!NFKBHhpThJLp1wVNBrTcSFJnhF2mtTWSx", "*", "*LK*"] {
            assert_eq!(read(text), ImportedPassword::Unusable, "{text}");
        }
    }

    #[test]
    fn each_refusal_has_its_reason() {
        let salt = "abcdefghijklmnopqrstuu";
        let digest = "K3F8Tz8F0XqB1u2q9pV7nJ5cXh3mD2s";
        let scheme = HashRefusal::Scheme;
        for (hash, refusal) in [
            (format!("$2b$15${salt}{digest}"), HashRefusal::BcryptCost { cost: 15 }),
            (format!("$2b$03${salt}{digest}"), HashRefusal::BcryptCost { cost: 3 }),
            ("$2b$10$short".to_owned(), HashRefusal::BcryptDamaged),
            (
                "$argon2id$v=19$m=4194304,t=3,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".to_owned(),
                HashRefusal::Argon2,
            ),
            ("argon2$argon2id$v=19$m=102400,t=2,p=8$canary$x".to_owned(), HashRefusal::Argon2),
            ("pbkdf2_sha256$9999999$canary$x".to_owned(), HashRefusal::Pbkdf2),
            (format!("bcrypt_sha256${BCRYPT}"), scheme(UnsupportedScheme::DjangoBcryptSha256)),
            ("$6$rounds=5000$canary".to_owned(), scheme(UnsupportedScheme::Sha512Crypt)),
            ("pbkdf2:sha256:canary".to_owned(), scheme(UnsupportedScheme::WerkzeugPbkdf2)),
            ("scrypt:32768:8:1$canary$00".to_owned(), scheme(UnsupportedScheme::Scrypt)),
            (
                format!("{}:{}", "0a".repeat(16), "0b".repeat(64)),
                scheme(UnsupportedScheme::BetterAuthScrypt),
            ),
            ("5f4dcc3b5aa765d61d8327deb882cf99".to_owned(), scheme(UnsupportedScheme::HexDigest)),
            ("$P$Bcanary".to_owned(), scheme(UnsupportedScheme::Phpass)),
            ("$canary$x".to_owned(), HashRefusal::UnknownScheme),
            ("canary-password".to_owned(), HashRefusal::PlainText),
        ] {
            assert_eq!(read(&hash), ImportedPassword::Refused(refusal), "{hash}");
        }
    }
}
