//! `Cookie` headers, one per input line: a value that is found contains only characters allowed in
//! a cookie, and a name that occurs twice is refused.
#![no_main]

use authd::http::extract::cookie::find;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "refreshToken";

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(COOKIE, value);
    }
    let Ok(Some(value)) = find(&headers, NAME) else { return };
    assert!(value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)), "{value:?}");
    if let Ok(twice) = HeaderValue::from_str(&format!("{NAME}={value}")) {
        headers.append(COOKIE, twice);
        assert!(find(&headers, NAME).is_err());
    }
});
