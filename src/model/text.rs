//! Rules for every text from outside: no control characters, no more than the maximum length;
//! and how texts are written where a program would interpret them.

use std::borrow::Cow;

/// True for control characters, including NUL, which no text field may contain.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control()
}

/// The length in code points, not bytes.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// What begins a formula in a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A value for a CSV file. An apostrophe keeps spreadsheets from reading it as a formula.
#[must_use]
pub fn guard_formula(value: &str) -> Cow<'_, str> {
    // Values that look guarded are guarded too, so that `unguard_formula` returns every value.
    if value.trim_start_matches('\'').starts_with(FORMULA) {
        format!("'{value}").into()
    } else {
        value.into()
    }
}

/// The value that [`guard_formula`] was given.
#[must_use]
pub fn unguard_formula(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(value) if value.trim_start_matches('\'').starts_with(FORMULA) => value,
        _ => cell,
    }
}

/// A line of a CSV file (RFC 4180) for spreadsheets: every value is quoted, and none is a formula.
#[must_use]
pub fn csv_line(values: impl IntoIterator<Item = String>) -> String {
    let quoted = values
        .into_iter()
        .map(|value| format!("\"{}\"", guard_formula(&value).replace('"', "\"\"")))
        .collect::<Vec<_>>();
    format!("{}\r\n", quoted.join(","))
}

/// The form in which names are compared: NFKC, lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_csv_line_cannot_end_its_cell_or_be_a_formula() {
        let values = ["a,b", "say \"hi\"", "=1+1", ""].map(str::to_owned);
        assert_eq!(csv_line(values), "\"a,b\",\"say \"\"hi\"\"\",\"'=1+1\",\"\"\r\n");
    }

    #[test]
    fn a_formula_is_guarded_and_every_value_comes_back() {
        for (value, guarded) in [
            ("=1+1", "'=1+1"),
            ("+49 151", "'+49 151"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("O'Neill", "O'Neill"),
            ("'quoted'", "'quoted'"),
            ("", ""),
        ] {
            assert_eq!(guard_formula(value), guarded);
            assert_eq!(unguard_formula(guarded), value);
        }
    }
}
