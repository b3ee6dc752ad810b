//! Password columns of other systems: finds the hash behind a system's prefix, recognises accounts
//! without a password, and says why a hash is refused, in words that repeat no part of it.

use super::scheme::{BCRYPT_COSTS, MOST_MEMORY, PBKDF2_ITERATIONS, StoredHash};

/// What a password column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedPassword {
    /// A hash that passwords can be checked against.
    Hash(String),
    /// The account had no usable password.
    Unusable,
    /// A hash that passwords cannot be checked against, with the reason.
    Refused(String),
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
    ImportedPassword::Refused(reason(hash))
}

/// The hash behind the name that Django puts before it: `bcrypt$$2b$…`, `argon2$argon2id$…`.
fn without_prefix(text: &str) -> &str {
    let bcrypt = text.strip_prefix("bcrypt$").filter(|rest| rest.starts_with("$2"));
    let argon2 = text.strip_prefix("argon2").filter(|rest| rest.starts_with("$argon2"));
    bcrypt.or(argon2).unwrap_or(text)
}

/// How the hashes of other schemes begin, and what they are.
const OTHER_SCHEMES: [(&str, &str); 20] = [
    ("bcrypt_sha256$", "bcrypt over SHA-256, as Django's BCryptSHA256PasswordHasher makes it"),
    ("$bcrypt-sha256$", "bcrypt over SHA-256"),
    ("pbkdf2_sha1$", "PBKDF2 with SHA-1"),
    ("pbkdf2_sha512$", "PBKDF2 with SHA-512"),
    ("pbkdf2:", "PBKDF2 as Werkzeug writes it"),
    ("$pbkdf2", "PBKDF2 as Passlib writes it"),
    ("scrypt", "scrypt"),
    ("$scrypt$", "scrypt"),
    ("$7$", "scrypt"),
    ("md5$", "MD5"),
    ("unsalted_md5$", "MD5"),
    ("sha1$", "SHA-1"),
    ("unsalted_sha1$", "SHA-1"),
    ("$1$", "MD5-crypt"),
    ("$5$", "SHA-256-crypt"),
    ("$6$", "SHA-512-crypt"),
    ("$y$", "yescrypt"),
    ("$P$", "phpass"),
    ("$H$", "phpass"),
    ("$wp$", "bcrypt over SHA-384, as WordPress makes it"),
];

fn reason(hash: &str) -> String {
    let most = PBKDF2_ITERATIONS.end();
    if hash.starts_with("pbkdf2_sha256$") {
        return format!("the PBKDF2 hash is damaged, or has more than {most} iterations");
    }
    if let Some((_, scheme)) = OTHER_SCHEMES.iter().find(|(start, _)| hash.starts_with(start)) {
        return format!("the password hash is {scheme}, which is not supported");
    }
    let name = hash.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    match name {
        Some(("2a" | "2b" | "2x" | "2y", rest)) => bcrypt_reason(rest),
        Some(("argon2i" | "argon2d" | "argon2id", _)) => format!(
            "the argon2 hash is damaged, or asks for more than {} MiB or about a second of work",
            MOST_MEMORY / 1024
        ),
        Some((name, _))
            if name.len() <= 12 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            "the password hash has another scheme than bcrypt, argon2 or PBKDF2-SHA256".to_owned()
        }
        _ if is_hex_pair(hash) => {
            "the password hash is scrypt as Better Auth writes it, which is not supported"
                .to_owned()
        }
        _ if [32, 40, 64, 128].contains(&hash.len()) && is_hex(hash) => {
            "the password hash is a digest in hexadecimal, which is not supported".to_owned()
        }
        _ => "the password is not a bcrypt, argon2 or PBKDF2-SHA256 hash: plain text is not \
              accepted"
            .to_owned(),
    }
}

fn bcrypt_reason(rest: &str) -> String {
    match rest.split_once('$').map(|(cost, _)| cost.parse::<u32>()) {
        Some(Ok(cost)) if !BCRYPT_COSTS.contains(&cost) => format!(
            "the bcrypt hash has cost {cost}: expected {} to {}",
            BCRYPT_COSTS.start(),
            BCRYPT_COSTS.end()
        ),
        _ => "the bcrypt hash is damaged".to_owned(),
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
    fn each_refusal_has_its_reason_and_repeats_nothing() {
        let salt = "abcdefghijklmnopqrstuu";
        let digest = "K3F8Tz8F0XqB1u2q9pV7nJ5cXh3mD2s";
        for (hash, word) in [
            (format!("$2b$15${salt}{digest}"), "cost 15"),
            (format!("$2b$03${salt}{digest}"), "cost 3"),
            ("$2b$10$short".to_owned(), "damaged"),
            (
                "$argon2id$v=19$m=4194304,t=3,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA".to_owned(),
                "64 MiB",
            ),
            ("argon2$argon2id$v=19$m=102400,t=2,p=8$canary$x".to_owned(), "64 MiB"),
            ("pbkdf2_sha256$9999999$canary$x".to_owned(), "2000000 iterations"),
            (format!("bcrypt_sha256${BCRYPT}"), "BCryptSHA256"),
            ("$6$rounds=5000$canary".to_owned(), "SHA-512-crypt"),
            ("pbkdf2:sha256:canary".to_owned(), "Werkzeug"),
            ("scrypt:32768:8:1$canary$00".to_owned(), "scrypt"),
            (format!("{}:{}", "0a".repeat(16), "0b".repeat(64)), "Better Auth"),
            ("5f4dcc3b5aa765d61d8327deb882cf99".to_owned(), "hexadecimal"),
            ("$P$Bcanary".to_owned(), "phpass"),
            ("$canary$x".to_owned(), "another scheme"),
            ("canary-password".to_owned(), "plain text"),
        ] {
            let ImportedPassword::Refused(reason) = read(&hash) else { panic!("{hash} is taken") };
            assert!(reason.contains(word) && !reason.contains("canary"), "{hash}: {reason}");
        }
    }
}
