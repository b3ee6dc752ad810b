//! What any text from outside must be: free of control characters, not longer than its place.

/// True for what no field of ours may hold: control characters, NUL among them.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control()
}

/// Length as people count it: code points, not bytes.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// The form under which names are compared: NFKC, lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}
