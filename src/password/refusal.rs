//! Why an imported password hash is refused, in words that repeat no part of it.

use super::scheme::{BCRYPT_COSTS, MOST_MEMORY, StoredHash};

/// The reason why passwords cannot be checked against this hash; `None` if they can.
#[must_use]
pub fn reason(hash: &str) -> Option<String> {
    if StoredHash::read(hash).is_some() {
        return None;
    }
    let name = hash.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    Some(match name {
        Some(("2a" | "2b" | "2x" | "2y", rest)) => {
            match rest.split_once('$').map(|(cost, _)| cost.parse::<u32>()) {
                Some(Ok(cost)) if !BCRYPT_COSTS.contains(&cost) => {
                    format!(
                        "the bcrypt hash has cost {cost}: expected {} to {}",
                        BCRYPT_COSTS.start(),
                        BCRYPT_COSTS.end()
                    )
                }
                _ => "the bcrypt hash is damaged".to_owned(),
            }
        }
        Some(("argon2i" | "argon2d" | "argon2id", _)) => format!(
            "the argon2 hash is damaged, or asks for more than {} MiB or about a second of work",
            MOST_MEMORY / 1024
        ),
        Some((name, _))
            if name.len() <= 12 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            "the password hash has another scheme than bcrypt or argon2".to_owned()
        }
        _ => "the password is not a bcrypt or argon2 hash: plain text is not accepted".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("$6$rounds=5000$canary".to_owned(), "another scheme"),
            ("pbkdf2:sha256:canary".to_owned(), "plain text"),
            ("canary-password".to_owned(), "plain text"),
        ] {
            let reason = reason(&hash).unwrap_or_else(|| panic!("{hash} is taken"));
            assert!(reason.contains(word) && !reason.contains("canary"), "{hash}: {reason}");
        }
        assert_eq!(reason("$2b$10$abcdefghijklmnopqrstuuK3F8Tz8F0XqB1u2q9pV7nJ5cXh3mD2s"), None);
        assert_eq!(reason("$argon2id$v=19$m=64,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"), None);
    }
}
