//! Rules for every text from outside: no control characters, no more than the maximum length.

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

/// The form in which names are compared: NFKC, lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}
