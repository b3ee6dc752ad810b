//! Writes a language as a file of words: in the order and with the comments of the reference.

use std::collections::BTreeMap;

use super::check::REFERENCE;
use super::generated::Words;
use super::source;

/// The tag of the language for tests: English, with every text doubled and written from right to
/// left. What is cut off, overlaps or was never put into the catalogue shows at once.
pub const PSEUDO: &str = "en-XA";

/// How a written file begins. The reference begins with what its readers need.
const HEAD: &str = "\
# Translate the text on the right of each `=`. Keep what stands in braces, such as {service}: it is replaced.
# Texts are plain text, without HTML. `authd words check FILE` says what is missing.
";

/// The file of this language.
#[must_use]
pub fn export(words: &Words) -> String {
    write(|path, _| words.get(path).map(ToString::to_string).unwrap_or_default())
}

/// The file of the language for tests.
#[must_use]
pub fn export_pseudo() -> String {
    write(|path, text| match path {
        "language.direction" => "rtl".to_owned(),
        _ if ["lists.", "dates.", "numbers."].iter().any(|section| path.starts_with(section)) => {
            text.to_owned()
        }
        _ => doubled(text),
    })
}

fn write(value: impl Fn(&str, &str) -> String) -> String {
    let entries = source::parse(REFERENCE).unwrap_or_default();
    let by_line: BTreeMap<usize, _> = entries.iter().map(|entry| (entry.line, entry)).collect();
    let own_head = REFERENCE.lines().take_while(|line| line.starts_with('#')).count();
    let lines = REFERENCE.lines().enumerate().skip(own_head).map(|(index, line)| {
        match by_line.get(&(index + 1)) {
            Some(entry) => {
                let key = entry.path.rsplit('.').next().unwrap_or_default();
                format!("{key} = {}\n", quoted(&value(&entry.path, &entry.text)))
            }
            None => format!("{line}\n"),
        }
    });
    HEAD.to_owned() + &lines.collect::<String>()
}

/// A basic string (TOML 1.0).
fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// The text twice, with marks around it. The placeholders stay in the first half.
fn doubled(text: &str) -> String {
    let (mut again, mut is_name) = (String::new(), false);
    for c in text.chars() {
        match c {
            '{' => is_name = true,
            '}' => is_name = false,
            c if !is_name => again.push(c),
            _ => {}
        }
    }
    format!("⟦{text} {}⟧", again.trim())
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::super::{built_in, english};
    use super::*;

    #[test]
    fn the_reference_is_exported_as_it_is() {
        let after_head = |text: &str| text.split_once("\n\n").unwrap().1.to_owned();
        assert_eq!(after_head(&export(&english())), after_head(REFERENCE));
        assert!(export(&english()).starts_with("# Translate the text"));
    }

    #[test]
    fn every_language_is_exported_to_a_file_that_says_the_same() {
        for language in built_in() {
            let file = export(&language);
            assert_eq!(check(&file), [], "{}", language.tag);
            let entries = source::parse(&file).unwrap();
            for entry in entries {
                assert_eq!(
                    language.get(&entry.path).unwrap().as_str(),
                    entry.text,
                    "{}",
                    entry.path
                );
            }
        }
    }

    #[test]
    fn the_language_for_tests_is_doubled_and_mirrored() {
        assert_eq!(doubled("Hello {name}, hi"), "⟦Hello {name}, hi Hello , hi⟧");
        let file = export_pseudo();
        let entries = source::parse(&file).unwrap();
        let reference = source::parse(REFERENCE).unwrap();
        assert_eq!(source::differences(&reference, &entries), []);
        let direction = entries.iter().find(|entry| entry.path == "language.direction").unwrap();
        assert_eq!(direction.text, "rtl");
        assert_eq!(quoted("a \"b\" \\ \n"), "\"a \\\"b\\\" \\\\ \\u000A\"");
    }
}
