//! An email address: one mailbox has one key, the key is itself a valid address, and it contains no
//! line break.
#![no_main]

use authd::model::Email;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(email) = Email::parse(text) else { return };
    let (key, mailbox) = (email.key(), email.mailbox());
    assert_eq!(email.as_str(), text);
    for spelling in [key, &mailbox, &key.to_ascii_uppercase()] {
        assert_eq!(Email::parse(spelling).as_ref().map(Email::key), Some(key), "{spelling:?} of {text:?}");
    }
    assert!(key.len() <= 254 && key.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
    assert!(mailbox.bytes().filter(|&byte| byte == b'@').count() == 1 && !mailbox.contains([',', ';', '<', '>', '"']));
});
