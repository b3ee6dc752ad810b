//! `multipart/form-data`: a form is parsed alike however it is divided into pieces, and comes out
//! with no more bytes than went in.
#![no_main]

use authd::http::extract::multipart::{FormEvent, FormParser};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

/// What is found in a form: each field with its data, or the kind of the error.
fn parse(form: &[u8], size: usize) -> Result<Vec<(FormEvent, Vec<u8>)>, String> {
    let mut parser = FormParser::new("multipart/form-data; boundary=x").map_err(|error| format!("{:?}", error.kind()))?;
    let mut found: Vec<(FormEvent, Vec<u8>)> = Vec::new();
    for piece in form.chunks(size) {
        let mut piece = Bytes::copy_from_slice(piece);
        while let Some(event) = parser.next(&mut piece).map_err(|error| format!("{:?}", error.kind()))? {
            match (event, found.last_mut()) {
                (FormEvent::Data(data), Some((_, all))) => all.extend_from_slice(&data),
                (event, _) => found.push((event, Vec::new())),
            }
        }
    }
    Ok(found)
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, form)) = data.split_first() else { return };
    let whole = parse(form, form.len().max(1));
    assert_eq!(whole, parse(form, usize::from(size % 64) + 1));
    if let Ok(found) = whole {
        assert!(found.iter().map(|(_, data)| data.len()).sum::<usize>() <= form.len());
    }
});
