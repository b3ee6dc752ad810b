//! Email addresses (RFC 5321, section 4.1.2), without the rare forms that are mostly used for
//! abuse.

use std::fmt;

/// The address of one mailbox. It is kept as typed and compared by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: String,
}

/// The maximum length of an address (RFC 5321 allows 254; the API documents say 255).
pub const MAX_LENGTH: usize = 254;

const MAX_LOCAL_LENGTH: usize = 64;

impl Email {
    /// Parses one bare address: an ASCII local part and a domain with a dot. Quotes, comments and
    /// lists are refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH * 4 {
            return None;
        }
        let (local, domain) = text.rsplit_once('@')?;
        if !is_local(local) || domain.chars().any(is_unseen) {
            return None;
        }
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        if !is_domain(&domain) || local.len() + 1 + domain.len() > MAX_LENGTH {
            return None;
        }
        let key = format!("{}@{domain}", local.to_ascii_lowercase());
        Some(Self { typed: text.to_owned(), key })
    }

    /// Rebuilds an address from the store, which holds only parsed addresses.
    #[must_use]
    pub fn stored(typed: String, key: String) -> Self {
        Self { typed, key }
    }

    /// The address as its owner typed it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The lower-case form with an ASCII domain: each mailbox has exactly one key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The form for a mail server: the local part as typed, the domain in ASCII.
    #[must_use]
    pub fn mailbox(&self) -> String {
        let local = self.typed.rsplit_once('@').map_or("", |(local, _)| local);
        let domain = self.key.rsplit_once('@').map_or("", |(_, domain)| domain);
        format!("{local}@{domain}")
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

/// A dot-atom as in RFC 5322, section 3.2.3.
fn is_local(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.len() <= MAX_LOCAL_LENGTH && local.split('.').all(is_atom)
}

/// True for characters that the IDNA mapping drops silently or treats as a dot. Without this check,
/// two addresses that look alike could become one mailbox.
fn is_unseen(c: char) -> bool {
    let is_selector = matches!(c, '\u{34f}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..);
    let is_mark = unicode_normalization::char::is_combining_mark(c) && !is_selector;
    !(c.is_alphanumeric() || is_mark || c == '-' || c == '.')
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let last = domain.rsplit('.').next().unwrap_or("");
    domain.contains('.')
        && domain.split('.').all(is_label)
        && !last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_key_and_keeps_its_spelling() {
        let email = Email::parse("John.Doe@Example.COM").unwrap();
        assert_eq!((email.as_str(), email.key()), ("John.Doe@Example.COM", "john.doe@example.com"));
        let umlaut = Email::parse("a@Bücher.example").unwrap();
        assert_eq!(umlaut.key(), "a@xn--bcher-kva.example");
        assert_eq!(umlaut.mailbox(), "a@xn--bcher-kva.example");
    }

    #[test]
    fn what_is_not_one_plain_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", "b.".repeat(130));
        for bad in [
            "",
            "@",
            "a@",
            "@b.com",
            "a@b",
            "a b@c.com",
            "a@b..com",
            ".a@b.com",
            "a.@b.com",
            "a..b@c.com",
            "a@b.com,c@d.com",
            "a@b.com;c@d.com",
            "\"a b\"@c.com",
            "a@b.com\r\nBcc: x@y.com",
            "a\0@b.com",
            "<a@b.com>",
            "A <a@b.com>",
            "a@[1.2.3.4]",
            "a@1.2.3.4",
            "ä@b.com",
            "a@-b.com",
            "a@b-.com",
            " a@b.com",
            "a@b.com ",
            "a@b_c.com",
            "a@b@c.com",
            "a@b\u{200b}c.com",
            "a@bc\u{ad}.com",
            "a@bc.com\u{202e}",
            "a@b\u{fe0f}c.com",
            "a@bc\u{3002}com",
            &long_local,
            &long_domain,
        ] {
            assert_eq!(Email::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn unusual_but_real_addresses_pass() {
        for good in [
            "o'brien+tag@mail.example.co.uk",
            "a@b.co",
            "x_y-z=1@xn--bcher-kva.example",
            "1@2.ch",
            "a@उदाहरण.example",
        ] {
            assert!(Email::parse(good).is_some(), "{good}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_accepted_address_is_one_mailbox_on_one_line(text in "\\PC{0,12}@\\PC{0,12}|[ -~]{0,12}@[a-z.ü\u{200d}]{1,12}|.{0,24}") {
            if let Some(email) = Email::parse(&text) {
                let mailbox = email.mailbox();
                proptest::prop_assert!(mailbox.bytes().all(|b| b.is_ascii_graphic()), "{mailbox:?}");
                proptest::prop_assert_eq!(mailbox.matches('@').count(), 1);
                let again = Email::parse(&mailbox);
                proptest::prop_assert_eq!(again.as_ref().map(Email::key), Some(email.key()));
            }
        }
    }
}
