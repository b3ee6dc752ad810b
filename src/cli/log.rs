//! Logs on standard error, as text or JSON. Each event stays on one line, even if a value contains
//! line ends.
//!
//! Libraries log at most warnings, because their debug logs may contain passwords and mail.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::console::Console;
use crate::config::LogFormat;

/// Starts logging for this process. Panics are logged like all other events.
pub fn start(level: LevelFilter, format: LogFormat, console: &Console) {
    let libraries = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(libraries).with_target("authd", level);
    let layer =
        tracing_subscriber::fmt::layer().with_writer(StderrLines).with_ansi(console.is_coloured());
    let registry = tracing_subscriber::registry().with(filter);
    // It fails only if logging has already started, and it is started only once.
    let _ = match format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // A message formatted at run time may contain data that a client sent. A literal cannot.
        let said =
            panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("see the place");
        tracing::error!(place, said, "panic");
    }));
}

/// The configured level, raised by `-v`.
#[must_use]
pub fn level(configured: &str, raised: u8) -> LevelFilter {
    let configured = configured.parse().unwrap_or(LevelFilter::INFO);
    match raised {
        0 => configured,
        1 => configured.max(LevelFilter::DEBUG),
        _ => LevelFilter::TRACE,
    }
}

/// Standard error, with each event on one line.
struct StderrLines;

impl<'a> MakeWriter<'a> for StderrLines {
    type Writer = OneLine<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine(io::stderr())
    }
}

/// Writes each event as one line, with inner line ends escaped. Each call to `write` gets one whole
/// event.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (body, end) = match event.strip_suffix(b"\n") {
            Some(body) => (body, &b"\n"[..]),
            None => (event, &b""[..]),
        };
        if body.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            let mut line = Vec::with_capacity(event.len() + 8);
            for byte in body {
                match byte {
                    b'\n' => line.extend_from_slice(b"\\n"),
                    b'\r' => line.extend_from_slice(b"\\r"),
                    other => line.push(*other),
                }
            }
            line.extend_from_slice(end);
            self.0.write_all(&line)?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_line_ends_forges_no_line() {
        let mut written = Vec::new();
        let event = b"WARN login name=a\r\n2026-01-01 INFO admin logged in\n";
        assert_eq!(OneLine(&mut written).write(event).unwrap(), event.len());
        assert_eq!(written, b"WARN login name=a\\r\\n2026-01-01 INFO admin logged in\n");
    }

    #[test]
    fn verbose_only_raises_the_level() {
        assert_eq!(level("warn", 0), LevelFilter::WARN);
        assert_eq!(level("warn", 1), LevelFilter::DEBUG);
        assert_eq!(level("trace", 1), LevelFilter::TRACE);
        assert_eq!(level("info", 2), LevelFilter::TRACE);
    }
}
