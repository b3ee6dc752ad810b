//! `[log]`: what is written to standard error.

use super::reader::{Read, Reader};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Readable text.
    Text,
    /// One JSON object per line.
    Json,
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The format of log lines.
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
