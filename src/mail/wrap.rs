//! Breaks a line of a plain-text letter so that it can be read without scrolling.

/// The maximum number of columns of a line (RFC 5322, section 2.1.1, advises 78).
const COLUMNS: usize = 78;

/// Appends the line, broken at spaces, and between the characters of scripts that have none.
/// A word that is longer than a line stays whole.
pub(super) fn push_wrapped(line: &str, out: &mut String) {
    let (mut column, mut rest) = (0, line);
    while !rest.is_empty() {
        let piece = piece_of(rest);
        let (word, gap) = piece.split_at(piece.trim_end_matches(' ').len());
        let width: usize = word.chars().map(width).sum();
        if column > 0 && column + width > COLUMNS {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            column = 0;
        }
        out.push_str(piece);
        column += width + gap.len();
        rest = &rest[piece.len()..];
    }
    out.truncate(out.trim_end_matches(' ').len());
}

/// The text up to the first place at which a line may be broken.
fn piece_of(text: &str) -> &str {
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let may_break = before.is_some_and(|before| {
            (before == ' ' && c != ' ')
                || (is_wide(before) && is_wide(c) && !opens(before) && !closes(c))
        });
        if may_break && text[..at].trim_start() != "" {
            return &text[..at];
        }
        before = Some(c);
    }
    text
}

fn width(c: char) -> usize {
    if is_wide(c) { 2 } else { 1 }
}

/// Whether a character takes two columns (Unicode Standard Annex 11: the blocks of Chinese and
/// Japanese, and full-width forms).
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}')
}

/// Punctuation that must not end a line.
fn opens(c: char) -> bool {
    "「『（【《〈“‘".contains(c)
}

/// Punctuation and small letters that must not begin a line.
fn closes(c: char) -> bool {
    "、。，．！？：；」』）】》〉”’ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(line: &str) -> String {
        let mut out = String::new();
        push_wrapped(line, &mut out);
        out
    }

    #[test]
    fn a_line_is_broken_at_spaces_and_keeps_its_words() {
        let line = "word ".repeat(40);
        let out = wrapped(line.trim_end());
        assert_eq!(out.replace('\n', " "), line.trim_end());
        assert!(out.lines().all(|line| line.len() <= COLUMNS && !line.ends_with(' ')), "{out}");
        assert_eq!(out.lines().count(), 3);
        let long = "x".repeat(100);
        assert_eq!(wrapped(&format!("a {long} b")), format!("a\n{long}\nb"));
        assert_eq!(wrapped("  From: 192.0.2.1"), "  From: 192.0.2.1");
    }

    #[test]
    fn a_line_without_spaces_is_broken_between_its_characters_but_not_before_punctuation() {
        let line = "新".repeat(39) + "。" + &"新".repeat(5);
        let out = wrapped(&line);
        assert_eq!(out.replace('\n', ""), line);
        let first = out.lines().next().unwrap();
        assert_eq!(first, "新".repeat(38));
    }
}
