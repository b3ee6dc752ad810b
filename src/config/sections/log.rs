//! `[log]`: what is written to standard error.

use crate::config::reader::{ConfigReader, ReadResult};

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
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The format of log lines.
    pub format: LogFormat,
}

impl LogConfig {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
        let level = r.choice("log.level", &levels);
        let format =
            r.choice("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]);
        Ok(Self { level: level?.to_owned(), format: format? })
    }
}
