//! Writes an event as one JSON object: time, level, its fields, its target, and the request that it
//! belongs to.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// The format of an event.
pub struct JsonEvent;

/// The format of a span's fields: members of an object, each with a comma before it.
pub struct JsonMembers;

impl<S, N> FormatEvent<S, N> for JsonEvent
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        line.write_str("\",\"level\":\"")?;
        line.write_str(event.metadata().level().as_str())?;
        line.write_char('"')?;
        write_members(&mut line, event)?;
        line.write_str(",\"target\":\"")?;
        line.write_str(event.metadata().target())?;
        line.write_char('"')?;
        if let Some(span) = context.lookup_current() {
            line.write_str(",\"span\":{\"name\":\"")?;
            line.write_str(span.name())?;
            line.write_char('"')?;
            if let Some(members) = span.extensions().get::<FormattedFields<N>>() {
                line.write_str(members)?;
            }
            line.write_char('}')?;
        }
        line.write_str("}\n")
    }
}

impl<'writer> FormatFields<'writer> for JsonMembers {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        write_members(&mut writer, fields)
    }
}

fn write_members(line: &mut Writer<'_>, fields: impl RecordFields) -> fmt::Result {
    let mut members = Members { line, written: Ok(()) };
    fields.record(&mut members);
    members.written
}

/// Writes each field as a member of an object.
struct Members<'a, 'writer> {
    line: &'a mut Writer<'writer>,
    written: fmt::Result,
}

impl Members<'_, '_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.written.is_ok() {
            self.written = self.name(field).and_then(|()| value(self.line));
        }
    }

    fn name(&mut self, field: &Field) -> fmt::Result {
        self.line.write_str(",\"")?;
        self.line.write_str(field.name())?;
        self.line.write_str("\":")
    }
}

impl Visit for Members<'_, '_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |line| line.write_str(if value { "true" } else { "false" }));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        self.write(field, |line| {
            if value.is_finite() { write!(line, "{value}") } else { write!(line, "\"{value}\"") }
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, |line| {
            line.write_char('"')?;
            Escaped(line).write_str(value)?;
            line.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |line| {
            line.write_char('"')?;
            write!(Escaped(line), "{value:?}")?;
            line.write_char('"')
        });
    }
}

/// Writes text into a JSON string.
struct Escaped<'a, 'writer>(&'a mut Writer<'writer>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(needs_escape) {
            let (plain, special) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut chars = special.chars();
            match chars.next() {
                Some('"') => self.0.write_str("\\\"")?,
                Some('\\') => self.0.write_str("\\\\")?,
                Some('\n') => self.0.write_str("\\n")?,
                Some('\r') => self.0.write_str("\\r")?,
                Some('\t') => self.0.write_str("\\t")?,
                Some(control) => write!(self.0, "\\u{:04x}", u32::from(control))?,
                None => {}
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

fn needs_escape(char: char) -> bool {
    matches!(char, '"' | '\\' | '\0'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `act` logs.
    fn logged(act: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(JsonEvent)
            .fmt_fields(JsonMembers)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        let bytes = lines.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_is_an_object_of_its_fields() {
        let line = logged(|| {
            tracing::warn!(
                target: "authd::test",
                text = "a\"b\\c\nd\u{1}ü",
                shown = %"x\"y",
                yes = true,
                below = -1,
                above = 1_u64,
                half = 0.5,
                endless = f64::INFINITY,
                "it {}", "happened\r"
            );
        });
        let mut line = line.into_iter().next().unwrap();
        let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
        let expected = json!({
            "level": "WARN", "message": "it happened\r", "text": "a\"b\\c\nd\u{1}ü",
            "shown": "x\"y", "yes": true, "below": -1, "above": 1, "half": 0.5, "endless": "inf",
            "target": "authd::test",
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn an_event_within_a_request_names_it() {
        let lines = logged(|| {
            let span = tracing::error_span!("request", id = %"a\"b", late = tracing::field::Empty);
            span.record("late", 2);
            span.in_scope(|| tracing::info!("within"));
            tracing::info!("outside");
        });
        assert_eq!(lines[0]["span"], json!({ "name": "request", "id": "a\"b", "late": 2 }));
        assert_eq!(lines[1]["span"], Value::Null);
    }
}
