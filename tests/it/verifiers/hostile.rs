//! The table of tokens that every verifier is given: few good ones, and many that look like one.

use serde_json::{Value, json};

use super::bearer;
use super::issuer::{ABSENT, SECRET, TestIssuer, changed, ec_jwk, encode};

/// A request, and how it is answered.
pub struct Attempt {
    pub name: String,
    /// The header line, or nothing.
    pub header: String,
    pub status: u16,
    /// The error code; empty if the request passes.
    pub code: &'static str,
}

/// The whole table.
pub fn attempts(issuer: &TestIssuer) -> Vec<Attempt> {
    let mut table = good(issuer);
    table.extend(headers_of_http(issuer));
    for (name, token) in
        [claims(issuer), times(issuer), headers(issuer), algorithms(issuer), forms(issuer)].concat()
    {
        let code = if name.starts_with("expired") { "TOKEN_EXPIRED" } else { "INVALID_TOKEN" };
        table.push(Attempt { name, header: bearer(&token), status: 401, code });
    }
    // The verifiers still work.
    table.extend(good(issuer));
    table
}

fn good(issuer: &TestIssuer) -> Vec<Attempt> {
    let now = issuer.claims()["iat"].as_i64().unwrap();
    let tokens = [
        ("ES256", issuer.token(&json!({}))),
        (
            "EdDSA",
            issuer.sign(&json!({ "alg": "EdDSA", "kid": "ed", "typ": "JWT" }), &issuer.claims()),
        ),
        (
            "RS256",
            issuer.sign(&json!({ "alg": "RS256", "kid": "rsa", "typ": "JWT" }), &issuer.claims()),
        ),
        ("within the skew", issuer.token(&json!({ "exp": now - 15, "iat": now - 900 }))),
        ("issued within the skew", issuer.token(&json!({ "iat": now + 15, "nbf": now + 15 }))),
        ("without roles", issuer.token(&json!({ "roles": ABSENT }))),
        ("with more claims", issuer.token(&json!({ "more": { "nested": [1, null] }, "é": "ü" }))),
    ];
    let pass = |(name, token): (&str, String)| Attempt {
        name: name.to_owned(),
        header: bearer(&token),
        status: 200,
        code: "",
    };
    tokens.into_iter().map(pass).collect()
}

fn headers_of_http(issuer: &TestIssuer) -> Vec<Attempt> {
    let token = issuer.token(&json!({}));
    let lines = [
        ("lower-case scheme", format!("authorization: bearer {token}\r\n"), ""),
        ("no header", String::new(), "MISSING_AUTH_HEADER"),
        ("no token", "Authorization: Bearer\r\n".to_owned(), "INVALID_TOKEN"),
        ("another scheme", format!("Authorization: Basic {token}\r\n"), "INVALID_TOKEN"),
        ("no scheme", format!("Authorization: {token}\r\n"), "INVALID_TOKEN"),
        (
            "two tokens",
            format!("Authorization: Bearer {token}, Bearer {token}\r\n"),
            "INVALID_TOKEN",
        ),
        ("text behind it", format!("Authorization: Bearer {token} x\r\n"), "INVALID_TOKEN"),
        ("a cookie", format!("Cookie: token={token}\r\n"), "MISSING_AUTH_HEADER"),
    ];
    let attempt = |(name, header, code): (&str, String, &'static str)| Attempt {
        name: name.to_owned(),
        header,
        status: if code.is_empty() { 200 } else { 401 },
        code,
    };
    lines.into_iter().map(attempt).collect()
}

type Tokens = Vec<(String, String)>;

/// Claims of the wrong kind, well signed.
fn claims(issuer: &TestIssuer) -> Tokens {
    let url = issuer.url.as_str();
    let table = [
        (
            "iss",
            vec![
                json!(ABSENT),
                json!("https://id.example.org"),
                json!(format!("{url}/")),
                json!([url]),
                json!(null),
            ],
        ),
        ("sub", vec![json!(ABSENT), json!(""), json!(7), json!(null)]),
        ("sid", vec![json!(ABSENT), json!(""), json!(["s"])]),
        ("jti", vec![json!(ABSENT), json!(""), json!(1)]),
        (
            "aud",
            vec![
                json!("https://app.example.org"),
                json!(url),
                json!([]),
                json!([url]),
                json!(null),
            ],
        ),
        ("roles", vec![json!("admin"), json!([1]), json!({ "admin": true }), json!(null)]),
        (
            "exp",
            vec![
                json!(ABSENT),
                json!("9999999999"),
                json!(9_999_999_999.5),
                json!(true),
                json!(null),
                json!(1e300),
            ],
        ),
        ("iat", vec![json!(ABSENT), json!("1"), json!(1.5), json!(false), json!([1])]),
        ("nbf", vec![json!("1"), json!(1.5), json!(null)]),
    ];
    let rows = table
        .into_iter()
        .flat_map(|(claim, values)| values.into_iter().map(move |value| (claim, value)));
    rows.map(|(claim, value)| (format!("{claim}: {value}"), issuer.token(&json!({ claim: value }))))
        .collect()
}

fn times(issuer: &TestIssuer) -> Tokens {
    let now = issuer.claims()["iat"].as_i64().unwrap();
    let table = [
        ("expired", json!({ "exp": now - 31, "iat": now - 900 })),
        ("expired long ago", json!({ "exp": 1, "iat": 0 })),
        ("expired before 1970", json!({ "exp": -1, "iat": -2 })),
        ("issued in the future", json!({ "iat": now + 120, "exp": now + 900 })),
        ("not yet good", json!({ "nbf": now + 120 })),
    ];
    table.map(|(name, changes)| (name.to_owned(), issuer.token(&changes))).into()
}

/// Members of the header that are missing, of another type, or that would change how it is read.
fn headers(issuer: &TestIssuer) -> Tokens {
    let stranger = ec_jwk(&issuer.stranger);
    let table = [
        json!({ "typ": "at+jwt" }),
        json!({ "typ": "jwt" }),
        json!({ "typ": ABSENT }),
        json!({ "typ": ["JWT"] }),
        json!({ "kid": ABSENT }),
        json!({ "kid": 1 }),
        json!({ "kid": "" }),
        json!({ "kid": "../ec" }),
        json!({ "kid": "toString" }),
        json!({ "kid": "__proto__" }),
        json!({ "kid": "a stranger" }),
        json!({ "kid": "a stranger", "jwk": stranger }),
        json!({ "kid": "for encryption" }),
        json!({ "kid": "of another algorithm" }),
        json!({ "kid": "of another algorithm", "alg": "RS256" }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "jwk": stranger }),
        json!({ "jku": "http://127.0.0.1:1/keys" }),
        json!({ "x5c": [] }),
        json!({ "x5u": null }),
    ];
    let named = |changes: Value| {
        let header = changed(TestIssuer::header(), &changes);
        (changes.to_string(), issuer.sign(&header, &issuer.claims()))
    };
    table.into_iter().map(named).collect()
}

fn algorithms(issuer: &TestIssuer) -> Tokens {
    let mut table = Vec::new();
    for alg in ["none", "None", "NONE", "HS256", "ES384", "RS256", "EdDSA", "PS256", "es256", ""] {
        let header = changed(TestIssuer::header(), &json!({ "alg": alg }));
        let token = issuer.sign(&header, &issuer.claims());
        let unsigned = token.rsplit_once('.').unwrap().0.to_owned();
        table.push((format!("alg {alg:?} with the signature of ES256"), token));
        table.push((format!("alg {alg:?} without a signature"), format!("{unsigned}.")));
    }
    for (kid, alg) in [
        ("ed", "ES256"),
        ("rsa", "PS256"),
        ("rsa", "ES256"),
        ("of PSS", "RS256"),
        ("of PSS", "PS256"),
    ] {
        let header = json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        table.push((format!("alg {alg} with key {kid}"), issuer.sign(&header, &issuer.claims())));
    }
    for (form, key) in issuer.public_forms() {
        table.push((format!("HS256 with the public key as {form}"), issuer.mac("ec", &key)));
    }
    table.push(("HS256 with nothing".to_owned(), issuer.mac("ec", b"")));
    table.push(("HS256 with a published secret".to_owned(), issuer.mac("a secret", SECRET)));
    table
}

/// Good tokens that were cut, joined or written otherwise.
fn forms(issuer: &TestIssuer) -> Tokens {
    let (token, other) = (issuer.token(&json!({})), issuer.token(&json!({ "sub": "b" })));
    let part = |token: &str, at: usize| token.split('.').nth(at).unwrap().to_owned();
    let (header, body, signature) = (part(&token, 0), part(&token, 1), part(&token, 2));
    let edited = changed(issuer.claims(), &json!({ "sub": "b", "roles": ["admin"] }));
    let zero = encode([0; 64]);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(2000), "]".repeat(2000));
    let table = [
        ("edited claims", format!("{header}.{}.{signature}", encode(edited.to_string()))),
        ("claims of another token", format!("{header}.{}.{signature}", part(&other, 1))),
        ("signature of another token", format!("{header}.{body}.{}", part(&other, 2))),
        ("signature of zeros", format!("{header}.{body}.{zero}")),
        ("signature in DER", issuer.sign_in_der()),
        ("short signature", format!("{header}.{body}.{}", &signature[..43])),
        ("long signature", format!("{token}AAAA")),
        ("no signature", format!("{header}.{body}.")),
        ("two parts", format!("{header}.{body}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts", format!("{header}..{body}.{signature}.{signature}")),
        ("only dots", "..".to_owned()),
        ("not a token", "nonsense".to_owned()),
        ("padded", format!("{token}==")),
        ("padded header", format!("{header}=.{body}.{signature}")),
        ("other spelling of the same bytes", format!("{header}.{body}.{}", respelt(&signature))),
        ("a sign that is not base64url", format!("{header}.{body}.{}~", &signature[..85])),
        ("claims that are not JSON", issuer.sign_bytes(&TestIssuer::header(), b"claims")),
        ("claims that are a list", issuer.sign(&TestIssuer::header(), &json!([issuer.claims()]))),
        ("claims that are null", issuer.sign(&TestIssuer::header(), &Value::Null)),
        ("no claims", issuer.sign_bytes(&TestIssuer::header(), b"")),
        (
            "claims with a mark in front",
            issuer.sign_bytes(
                &TestIssuer::header(),
                format!("\u{feff}{}", issuer.claims()).as_bytes(),
            ),
        ),
        (
            "claims with text behind",
            issuer.sign_bytes(&TestIssuer::header(), format!("{} x", issuer.claims()).as_bytes()),
        ),
        (
            "claims that are not UTF-8",
            issuer.sign_bytes(&TestIssuer::header(), b"{\"sub\":\"\xff\"}"),
        ),
        ("deep claims", issuer.sign_bytes(&TestIssuer::header(), deep.as_bytes())),
        ("too long", issuer.token(&json!({ "more": "x".repeat(6_200) }))),
    ];
    table.map(|(name, token)| (name.to_owned(), token)).into()
}

/// The same bytes by another last character, whose unused bits are not zero.
fn respelt(signature: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = signature.split_at(signature.len() - 1);
    let value = ALPHABET.find(last).unwrap();
    format!("{start}{}", &ALPHABET[value + 1..value + 2])
}
