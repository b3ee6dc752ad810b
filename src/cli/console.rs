//! Output of commands: data goes to standard output as tables or JSON, everything else to standard
//! error.
//!
//! Control characters are replaced in stored text, so that a user's name cannot control the
//! administrator's terminal.

use std::ffi::OsStr;
use std::io::{self, BufWriter, IsTerminal, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

use super::failure::Failure;

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// Tables and sentences for people.
    People,
    /// JSON: an object for one item, an array for a list.
    Json,
}

/// Whether escape sequences may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnsiMode {
    On,
    Off,
}

/// An item that a list can show.
pub trait ListRecord {
    /// The column headings of the table.
    const HEADINGS: &'static [&'static str];

    /// The cells of a table row, as many as there are headings.
    fn cells(&self) -> Vec<String>;

    /// The JSON object, which may contain more than the table row.
    fn json(&self) -> Value;
}

/// Standard output and standard error of one run.
pub struct Console {
    form: OutputFormat,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    err_colour: AnsiMode,
}

impl Console {
    /// Writes to the streams of the process. Colour is used on a terminal, unless `NO_COLOR` is
    /// set.
    #[must_use]
    pub fn of_process(form: OutputFormat) -> Self {
        #[allow(
            clippy::disallowed_methods,
            reason = "a convention of terminals, not our configuration"
        )]
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| value != OsStr::new(""));
        let err_colour =
            if io::stderr().is_terminal() && !unwanted { AnsiMode::On } else { AnsiMode::Off };
        Self {
            form,
            out: Box::new(BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            err_colour,
        }
    }

    /// The output format.
    #[must_use]
    pub fn form(&self) -> OutputFormat {
        self.form
    }

    /// True if standard error accepts escape sequences.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        self.err_colour == AnsiMode::On
    }

    /// Prints one line of data.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Prints one JSON value on one line.
    pub fn json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    /// Prints a whole document unchanged.
    pub fn document(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end_matches('\n'))
    }

    /// Prints one line of data and flushes it, so that it appears at once.
    pub fn step(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}", plain(text)).and_then(|()| self.out.flush());
    }

    /// Prints one item, as labelled lines or as a JSON object.
    pub fn details(&mut self, lines: &[(&str, String)], json: &Value) -> io::Result<()> {
        if self.form == OutputFormat::Json {
            return self.json(json);
        }
        let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
        for (label, value) in lines {
            writeln!(self.out, "{label:width$}  {}", plain(value))?;
        }
        Ok(())
    }

    /// Starts a list that is printed page by page.
    pub fn list(&mut self) -> ListOutput<'_> {
        ListOutput { console: self, written: 0 }
    }

    /// Prints a whole list at once.
    pub fn records<R: ListRecord>(&mut self, records: &[R]) -> io::Result<()> {
        let mut list = self.list();
        list.page(records)?;
        list.end()
    }

    /// Prints a note on standard error. Write errors are ignored, because there is no other place
    /// to report them.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Prints what went wrong, and a hint on how to fix it.
    pub fn failure(&mut self, failure: &Failure) {
        if !failure.message().is_empty() {
            let word = self.painted("error:", "1;31");
            let _ = writeln!(self.err, "{word} {}", lines(failure.message()));
        }
        if let Some(hint) = failure.advice() {
            let word = self.painted("hint:", "1;36");
            let _ = writeln!(self.err, "{word} {}", lines(hint));
        }
    }

    /// Prints a warning on standard error.
    pub fn warning(&mut self, text: &str) {
        let word = self.painted("warning:", "1;33");
        let _ = writeln!(self.err, "{word} {}", lines(text));
    }

    /// Flushes standard output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn painted(&self, word: &str, paint: &str) -> String {
        match self.err_colour {
            AnsiMode::On => format!("\x1b[{paint}m{word}\x1b[0m"),
            AnsiMode::Off => word.to_owned(),
        }
    }
}

/// A list that is written page by page.
pub struct ListOutput<'a> {
    console: &'a mut Console,
    written: usize,
}

impl ListOutput<'_> {
    /// Prints the next page.
    pub fn page<R: ListRecord>(&mut self, records: &[R]) -> io::Result<()> {
        match self.console.form {
            OutputFormat::People => self.table(records)?,
            OutputFormat::Json => self.array(records)?,
        }
        self.written += records.len();
        Ok(())
    }

    /// Ends the list.
    pub fn end(self) -> io::Result<()> {
        match (self.console.form, self.written) {
            (OutputFormat::Json, 0) => self.console.line("[]"),
            (OutputFormat::Json, _) => self.console.line("\n]"),
            (OutputFormat::People, 0) => {
                self.console.note("nothing to show");
                Ok(())
            }
            (OutputFormat::People, _) => Ok(()),
        }
    }

    fn array<R: ListRecord>(&mut self, records: &[R]) -> io::Result<()> {
        for (at, record) in records.iter().enumerate() {
            let before = if self.written + at == 0 { "[\n  " } else { ",\n  " };
            write!(self.console.out, "{before}{}", record.json())?;
        }
        Ok(())
    }

    fn table<R: ListRecord>(&mut self, records: &[R]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        if self.written == 0 {
            table.set_header(R::HEADINGS.iter().copied());
        }
        for record in records {
            table.add_row(record.cells().iter().map(|cell| plain(cell)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        writeln!(self.console.out, "{}", table.trim_fmt())
    }
}

/// Replaces all control characters, so that the text stays on one line.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Replaces control characters other than line ends.
#[must_use]
pub fn lines(text: &str) -> String {
    let kept = |c: char| c == '\n' || !c.is_control();
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if kept(c) { c } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn console(form: OutputFormat) -> (Console, Paper, Paper) {
        let (out, err) = (Paper::default(), Paper::default());
        let boxed = |paper: &Paper| Box::new(paper.clone());
        (Console { form, out: boxed(&out), err: boxed(&err), err_colour: AnsiMode::Off }, out, err)
    }

    struct Fruit(&'static str, u32);

    impl ListRecord for Fruit {
        const HEADINGS: &'static [&'static str] = &["NAME", "COUNT"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_owned(), self.1.to_string()]
        }

        fn json(&self) -> Value {
            json!({ "name": self.0, "count": self.1 })
        }
    }

    #[test]
    fn a_list_is_a_table_for_people() {
        let (mut console, out, _) = console(OutputFormat::People);
        console.records(&[Fruit("apple", 3), Fruit("fig", 12)]).unwrap();
        assert_eq!(out.text(), "NAME   COUNT\napple  3\nfig    12\n");
    }

    #[test]
    fn a_list_of_several_pages_is_one_json_array() {
        let (mut console, out, _) = console(OutputFormat::Json);
        let mut list = console.list();
        list.page(&[Fruit("apple", 3)]).unwrap();
        list.page(&[Fruit("fig", 12), Fruit("plum", 1)]).unwrap();
        list.end().unwrap();
        let read: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(read[2]["name"], "plum");
    }

    #[test]
    fn an_empty_list_is_an_empty_array_or_a_word_aside() {
        let (mut json, out, _) = console(OutputFormat::Json);
        json.records::<Fruit>(&[]).unwrap();
        assert_eq!(out.text(), "[]\n");
        let (mut people, out, err) = console(OutputFormat::People);
        people.records::<Fruit>(&[]).unwrap();
        assert_eq!((out.text().as_str(), err.text().as_str()), ("", "nothing to show\n"));
    }

    #[test]
    fn stored_text_cannot_steer_the_terminal() {
        let (mut console, out, err) = console(OutputFormat::People);
        console.records(&[Fruit("\x1b[2Jgone\r\n", 1)]).unwrap();
        console.details(&[("name", "a\u{7}b".to_owned())], &Value::Null).unwrap();
        console.failure(&Failure::failed("no \x1b[31mred").hint("look\nhere"));
        let said = out.text() + &err.text();
        assert!(!said.contains(['\x1b', '\r', '\u{7}']), "{said:?}");
        assert!(said.ends_with("hint: look\nhere\n"), "{said:?}");
    }
}
