//! Sizes such as `10MB`, in bytes.

/// The units: decimal ones as in `10MB`, binary ones as in `10MiB`.
const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// Parses a whole number with an optional unit.
pub(in crate::config) fn parse(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, factor) = UNITS.iter().find(|(word, _)| *word == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_a_unit_or_none() {
        for (text, bytes) in
            [("10MB", 10_000_000), ("10 mb", 10_000_000), ("1MiB", 1_048_576), ("77", 77)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for bad in ["", "MB", "-1", "1.5MB", "10 apples", "99999999999GB"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
