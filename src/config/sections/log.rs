//! `[log]`: what is written to standard error.

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Readable text.
    Text,
    /// One JSON object per line.
    Json,
}

const FORMATS: [(&str, LogFormat); 3] =
    [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

section! {
    /// `[log]`: what is written to standard error.
    pub struct LogConfig = "log" {
        /// `error`, `warn`, `info`, `debug` or `trace`.
        level: String = choice(&LEVELS.map(|level| (level, level))) => str::to_owned;
        /// The format of log lines.
        format: LogFormat = choice(&FORMATS);
    }
}
