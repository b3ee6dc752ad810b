//! `[hashing]`: the cost of password hashes (argon2id with one lane).

use crate::config::Environment;
use crate::config::reader::{ConfigReader, ReadResult};

/// `[hashing]`: the cost of password hashes.
#[derive(Debug, Clone)]
pub struct Hashing {
    /// Memory per hash, in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// How many hashes are computed at a time. `None` means one per processor.
    pub threads: Option<usize>,
    /// How many hashes may wait.
    pub queue: usize,
}

impl Hashing {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let memory = r.whole("hashing.memory", 8..=4 * 1024 * 1024);
        let passes = r.whole("hashing.passes", 1..=100);
        let threads = r.optional_whole("hashing.threads", 1..=1024);
        let queue = r.whole("hashing.queue", 1..=100_000);
        Ok(Self { memory: memory?, passes: passes?, threads: threads?, queue: queue? })
    }

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
