//! What each key is for: the comments of the profile `standard`, which is the reference of all keys.

use std::collections::BTreeMap;

use super::profile::ProfileName;

/// What the keys of the configuration are for, each in one sentence.
pub struct KeyDescriptions(BTreeMap<String, String>);

impl KeyDescriptions {
    /// Reads them from the reference of all keys.
    #[must_use]
    pub fn read() -> Self {
        let (mut section, mut comment, mut is_used) = (String::new(), String::new(), false);
        let mut found = BTreeMap::new();
        for line in ProfileName::standard().text.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = format!("{name}.");
                comment.clear();
            } else if let Some(key) = key_in(line) {
                if !comment.is_empty() {
                    found.insert(format!("{section}{key}"), first_sentence(&comment));
                }
                is_used = true;
            } else if let Some(text) = line.strip_prefix("# ") {
                if std::mem::take(&mut is_used) {
                    comment.clear();
                }
                comment.push_str(text);
                comment.push(' ');
            } else {
                comment.clear();
            }
        }
        Self(found)
    }

    /// What a key is for. The parts of a rate share the sentence of the rate.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&str> {
        let whole = key.rsplit_once('.').map(|(whole, _)| whole);
        self.0.get(key).or_else(|| self.0.get(whole?)).map(String::as_str)
    }
}

/// The key of a line that sets one, or shows how it would be set.
fn key_in(line: &str) -> Option<&str> {
    let (key, _) = line.strip_prefix("# ").unwrap_or(line).split_once(" = ")?;
    let is_key = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    (is_key && !key.is_empty()).then_some(key)
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, load};

    #[test]
    fn every_key_is_described_in_one_sentence() {
        let descriptions = KeyDescriptions::read();
        let loaded = load(&Inputs { dir: "/nowhere".into(), ..Inputs::default() });
        for entry in loaded.unwrap_or_else(|problems| panic!("{problems}")).config.entries.iter() {
            let about = descriptions.of(&entry.key);
            let about = about.unwrap_or_else(|| panic!("{} has no description", entry.key));
            assert!(about.len() > 5 && !about.contains('\n'), "{}: {about}", entry.key);
        }
        assert_eq!(descriptions.of("limits.sign_in.count"), Some("Logins."));
        assert_eq!(descriptions.of("password.max_length"), descriptions.of("password.min_length"));
        assert_eq!(descriptions.of("server.nothing"), None);
    }
}
