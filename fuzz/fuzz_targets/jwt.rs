//! An HS256 access token, checked by the server that issued it. A party that knows only the shared
//! secret can verify tokens, but cannot create them.
//!
//! The first byte selects the format of the rest: a token, claims under the right header and
//! signature, a header and claims under a right signature, or changes to bytes of a real token.
#![no_main]

use std::sync::{Arc, LazyLock};

use authd::config::{Inputs, load};
use authd::env::Env;
use authd::model::{AccountId, SessionId};
use authd::store::ProcessRole;
use authd::token::{Audience, Grant, Tokens};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d";

struct Issuer {
    tokens: Tokens,
    real: String,
}

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("authd.db").display().to_string();
    let flags = [("db", db.as_str()), ("tokens.algorithm", "HS256"), ("tokens.secret", SECRET)];
    let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let inputs = Inputs { flags, dir: folder.path().to_owned(), ..Inputs::default() };
    let config = load(&inputs).unwrap_or_else(|problems| panic!("{problems}")).config;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let core = runtime.block_on(authd::app::open(Arc::new(config), None, ProcessRole::Server, Env::real())).expect("a core");
    let grant = Grant {
        account: AccountId::new("0190a5b0-0000-7000-8000-000000000001"),
        session: SessionId::new("0190a5b0-0000-7000-8000-000000000002"),
        session_ends: None,
        audience: Audience::Instance,
        scope: None,
        claims: Vec::new(),
    };
    let real = core.tokens.sign(&grant).expect("a token").token;
    Issuer { tokens: core.tokens.clone(), real }
});

fn signed(header: &str, claims: &[u8]) -> String {
    let signed = format!("{header}.{}", BASE64.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(tag))
}

fuzz_target!(|data: &[u8]| {
    let Issuer { tokens, real } = &*ISSUER;
    let Some((way, rest)) = data.split_first() else { return };
    let own_header = real.split('.').next().unwrap_or_default();
    let token = match way % 4 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        1 => signed(own_header, rest),
        2 => {
            let split = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
            signed(&BASE64.encode(&rest[..split]), rest.get(split + 1..).unwrap_or_default())
        }
        _ => {
            let mut bytes = real.clone().into_bytes();
            for change in rest.chunks_exact(3) {
                let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
                bytes[at] = change[2];
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    assert!(tokens.verify(&token).is_err() || token == *real, "{token}");
});
