//! A JSON body: one object, no duplicate name at any depth, nothing after it. The result equals
//! that of another parser.
#![no_main]

use authd::http::extract::strict_json::parse_object;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(read) = parse_object(data) else { return };
    let read = Value::Object(read);
    assert_eq!(serde_json::from_slice::<Value>(data).ok().as_ref(), Some(&read));
    let again = parse_object(read.to_string().as_bytes()).map(Value::Object).ok();
    assert_eq!(again.as_ref(), Some(&read));
});
