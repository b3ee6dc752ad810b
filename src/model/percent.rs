//! Percent-encoding (RFC 3986, section 2.1): the one place that encodes and decodes it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes all but the unreserved characters.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Decodes text; `None` if an escape is incomplete or the result is not UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let is_escape = |tail: &str| {
        tail.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay_as_they_are() {
        assert_eq!(encode("Az09-._~"), "Az09-._~");
        assert_eq!(encode("a b+c&é/\u{0}"), "a%20b%2Bc%26%C3%A9%2F%00");
    }

    #[test]
    fn text_is_decoded_whole_or_not_at_all() {
        for text in ["", "plain", "a b+c&é🔑/%", "\u{0}"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("a+b%c3%A9").as_deref(), Some("a+bé"));
        for bad in ["%", "a%4", "%zz", "%+4", "%4é", "%ff", "%%41"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
