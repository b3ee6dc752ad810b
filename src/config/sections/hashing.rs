//! `[hashing]`: the cost of password hashes (argon2id with one lane).

use crate::config::Environment;
use crate::config::reader::ConfigReader;

section! {
    /// `[hashing]`: the cost of password hashes.
    pub struct Hashing = "hashing" {
        /// Memory per hash, in KiB.
        memory: u32 = whole(8..=4 * 1024 * 1024);
        /// Passes over the memory.
        passes: u32 = whole(1..=100);
        /// How many hashes are computed at a time. `None` means one per processor.
        threads: Option<usize> = optional_whole(1..=1024);
        /// How many hashes may wait.
        queue: usize = whole(1..=100_000);
    }
}

impl Hashing {
    pub(in crate::config) fn validate(&self, environment: Environment, r: &mut ConfigReader) {
        if self.is_strong() {
            return;
        }
        let came = format!("{} KiB and {} passes", self.memory, self.passes);
        match environment {
            Environment::Production => r.refuse(
                "hashing.memory",
                format!(
                    "expected at least 19456 KiB with 2 passes, or 47104 KiB with 1, got {came}"
                ),
            ),
            Environment::Development => {
                r.note(format!(
                    "hashing cost ({came}) is below OWASP's minimum; production refuses it"
                ));
            }
        }
    }

    /// True if the cost reaches the minimum of OWASP's password storage advice for argon2id.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        (self.memory >= 19_456 && self.passes >= 2) || self.memory >= 47_104
    }
}
