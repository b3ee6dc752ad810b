//! Logs on standard error, as text or JSON. Each event stays on one line, even if a value contains
//! line ends.
//!
//! Libraries log at most warnings, because their debug logs may contain passwords and mail.

mod batch;
mod json;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::console::Console;
use crate::config::LogFormat;
use json::{JsonEvent, JsonMembers};

/// What each line of the log says about the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineMark {
    /// Nothing.
    None,
    /// That the server is in test mode.
    TestMode,
}

/// How each line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    Text,
    Json,
}

impl LineFormat {
    /// Of the server: its log is read by a person at a terminal, or collected by a program.
    #[must_use]
    pub fn of_server(configured: LogFormat) -> Self {
        match configured {
            LogFormat::Auto if io::stderr().is_terminal() => Self::Text,
            LogFormat::Auto | LogFormat::Json => Self::Json,
            LogFormat::Text => Self::Text,
        }
    }

    /// Of any other command: its lines stand among the command's own messages, which are text.
    #[must_use]
    pub fn of_command(configured: LogFormat) -> Self {
        match configured {
            LogFormat::Auto | LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// Starts logging for this process, until the guard is dropped. Panics are logged like all other
/// events.
///
/// # Errors
///
/// The system's, if the thread that writes the lines could not start.
pub fn start(
    level: LevelFilter,
    format: LineFormat,
    mark: LineMark,
    console: &Console,
) -> io::Result<batch::Flusher> {
    let (lines, flusher) = batch::start(io::stderr())?;
    let libraries = level.min(LevelFilter::WARN);
    let filter = Targets::new().with_default(libraries).with_target("authd", level);
    let mark = match (mark, format) {
        (LineMark::None, _) => "",
        (LineMark::TestMode, LineFormat::Text) => "test=true ",
        (LineMark::TestMode, LineFormat::Json) => "{\"test\":true,",
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(LogLines { lines, mark })
        .with_ansi(console.is_coloured());
    let registry = tracing_subscriber::registry().with(filter);
    // It fails only if logging has already started, and it is started only once.
    let _ = match format {
        LineFormat::Text => registry.with(layer).try_init(),
        LineFormat::Json => {
            registry.with(layer.event_format(JsonEvent).fmt_fields(JsonMembers)).try_init()
        }
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // A message formatted at run time may contain data that a client sent. A literal cannot.
        let said =
            panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("see the place");
        tracing::error!(place, said, "panic");
    }));
    Ok(flusher)
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

/// Makes each event one line of the log.
struct LogLines {
    lines: batch::BatchWriter,
    /// Begins each line; replaces the opening brace of a JSON object.
    mark: &'static str,
}

/// The writer of one event. Each call to `write` gets one whole event.
struct LogLine<'a> {
    of: &'a LogLines,
    level: Level,
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LogLine { of: self, level: Level::INFO }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        LogLine { of: self, level: *event.level() }
    }
}

impl Write for LogLine<'_> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.of.lines.add(&marked(&one_line(event), self.of.mark));
        // The process may end after an error, so the line is written first.
        if self.level == Level::ERROR {
            self.of.lines.flush();
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line with the mark.
fn marked<'a>(line: &'a [u8], mark: &str) -> Cow<'a, [u8]> {
    if mark.is_empty() {
        return Cow::Borrowed(line);
    }
    let rest = if mark.starts_with('{') { line.strip_prefix(b"{").unwrap_or(line) } else { line };
    Cow::Owned([mark.as_bytes(), rest].concat())
}

/// An event as one line, with inner line ends escaped.
fn one_line(event: &[u8]) -> Cow<'_, [u8]> {
    let (body, end) = match event.strip_suffix(b"\n") {
        Some(body) => (body, &b"\n"[..]),
        None => (event, &b""[..]),
    };
    if memchr::memchr2(b'\n', b'\r', body).is_none() {
        return Cow::Borrowed(event);
    }
    let mut line = Vec::with_capacity(event.len() + 8);
    for byte in body {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            other => line.push(*other),
        }
    }
    line.extend_from_slice(end);
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_line_ends_forges_no_line() {
        let event = b"WARN login name=a\r\n2026-01-01 INFO admin logged in\n";
        let expected = b"WARN login name=a\\r\\n2026-01-01 INFO admin logged in\n";
        assert_eq!(&*one_line(event), expected);
    }

    #[test]
    fn a_mark_begins_the_line_or_is_its_first_field() {
        assert_eq!(&*marked(b"INFO a\n", "test=true "), b"test=true INFO a\n");
        assert_eq!(&*marked(b"{\"a\":1}\n", "{\"test\":true,"), b"{\"test\":true,\"a\":1}\n");
        assert_eq!(&*marked(b"{\"a\":1}\n", ""), b"{\"a\":1}\n");
    }

    #[test]
    fn verbose_only_raises_the_level() {
        assert_eq!(level("warn", 0), LevelFilter::WARN);
        assert_eq!(level("warn", 1), LevelFilter::DEBUG);
        assert_eq!(level("trace", 1), LevelFilter::TRACE);
        assert_eq!(level("info", 2), LevelFilter::TRACE);
    }
}
