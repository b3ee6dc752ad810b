//! `[log]`: what is written to standard error.

use super::reader::{Read, Reader};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

impl Log {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
        let level = r.choice("log.level", &levels);
        let format = r.choice("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]);
        Ok(Self { level: level?.to_owned(), format: format? })
    }
}
