//! Attacks on access tokens, after RFC 8725: forged tokens, altered tokens, and tokens that name
//! the wrong key.

use aws_lc_rs::hmac;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ALL, SHARED, part, refusal};
use crate::config::Algorithm;
use crate::error::Kind;
use crate::model::Time;
use crate::model::secret::{decode as decode64, encode};
use crate::token::fixture::{ISSUER, Instance, START, grant, token};
use crate::token::{Audience, Grant};

/// A token signed by a party that has the shared secret.
fn sign_with_secret(secret: &[u8], header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", encode(tag.as_ref()))
}

#[test]
fn a_token_is_verified_until_its_exp_and_not_at_it() {
    for algorithm in ALL {
        let mut instance = Instance::new(algorithm);
        let mint = instance.start();
        let made = token(&mint);
        assert_eq!((made.expires_in, made.expires_at), (900, Time::from_seconds(START + 900)));
        let verified = mint.verify(&made.token).unwrap();
        assert_eq!((verified.account, verified.session), (grant().account, grant().session));
        assert_eq!(verified.issued_at, Time::from_seconds(START));
        instance.set_clock(START + 899);
        assert!(mint.verify(&made.token).is_ok());
        instance.set_clock(START + 900);
        assert_eq!(refusal(mint.verify(&made.token)), Kind::TokenExpired, "remembered");
        assert_eq!(refusal(mint.verify(&made.token)), Kind::TokenExpired, "forgotten");
    }
}

#[test]
fn a_token_says_what_it_should_and_aud_only_when_configured() {
    let mut instance = Instance::new(Algorithm::Es256);
    let made = token(&instance.start()).token;
    let names: Vec<_> = part(&made, 1).as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["iss", "sub", "iat", "exp", "jti", "sid", "role"]);
    assert_eq!(part(&made, 0)["typ"], "JWT");
    instance.config.audience = Some("app".to_owned());
    let mint = instance.start();
    assert_eq!(refusal(mint.verify(&made)), Kind::TokenInvalid);
    let with = token(&mint).token;
    assert_eq!(part(&with, 1)["aud"], "app");
    assert!(mint.verify(&with).is_ok());
    instance.config.audience = None;
    assert_eq!(refusal(instance.start().verify(&with)), Kind::TokenInvalid);
}

#[test]
fn a_token_for_a_resource_says_so_in_type_audience_and_scope_and_is_refused_here() {
    let mut instance = Instance::new(Algorithm::Es256);
    instance.config.audience = Some("app".to_owned());
    let mint = instance.start();
    for resource in ["https://files.example.org", "app"] {
        let for_resource = Grant {
            audience: Audience::Resource(resource.to_owned()),
            scope: Some("files.read files.write".to_owned()),
            ..grant()
        };
        let made = mint.sign(&for_resource).unwrap().token;
        assert_eq!(part(&made, 0)["typ"], "at+jwt");
        assert_eq!(part(&made, 1)["aud"], resource);
        assert_eq!(part(&made, 1)["scope"], "files.read files.write");
        assert_eq!(refusal(mint.verify(&made)), Kind::TokenInvalid, "{resource}");
        // Refused again, not found in the cache.
        assert_eq!(refusal(mint.verify(&made)), Kind::TokenInvalid, "{resource}");
    }
}

#[test]
fn no_token_outlives_its_session() {
    let mut instance = Instance::new(Algorithm::Es256);
    let mint = instance.start();
    let mut short = grant();
    short.session_ends = Some(Time::from_millis((START + 10) * 1000 + 999));
    let made = mint.sign(&short).unwrap();
    assert_eq!((made.expires_in, made.expires_at), (10, Time::from_seconds(START + 10)));
    short.session_ends = Some(Time::from_seconds(START - 5));
    assert_eq!(mint.sign(&short).unwrap().expires_in, 0);
}

#[test]
fn a_plain_library_verifies_our_tokens_with_our_published_keys() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let mut instance = Instance::new(algorithm);
        let made = token(&instance.start()).token;
        let published = instance.ring().unwrap().jwks(instance.env.now());
        let set: JwkSet = serde_json::from_value(published).unwrap();
        let header = decode_header(&made).unwrap();
        let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.set_issuer(&[ISSUER]);
        let read =
            decode::<Value>(&made, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap();
        assert_eq!(read.claims["sub"], grant().account.as_str());
    }
}

#[test]
fn who_shares_the_secret_verifies_with_a_plain_library() {
    let mut instance = Instance::with_secret(SHARED);
    let made = token(&instance.start()).token;
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.validate_exp = false;
    assert!(
        decode::<Value>(&made, &DecodingKey::from_secret(SHARED.as_bytes()), &validation).is_ok()
    );
    assert_eq!(instance.ring().unwrap().jwks(instance.env.now()), json!({ "keys": [] }));
}

#[test]
fn who_shares_the_secret_cannot_make_or_change_a_token() {
    let mut instance = Instance::with_secret(SHARED);
    let mint = instance.start();
    let made = token(&mint).token;
    let (header, claims) = (part(&made, 0).to_string(), part(&made, 1));
    let sign = |claims: &Value| sign_with_secret(SHARED.as_bytes(), &header, &claims.to_string());
    assert_eq!(sign(&claims), made, "this test signs as authd does");
    for (name, value) in [
        ("sub", json!("somebody-else")),
        ("sid", json!("another")),
        ("exp", json!(START + 90_000)),
        ("iat", json!(START - 1)),
        ("jti", json!("forged")),
        ("jti", json!("")),
        ("jti", json!(encode(&[0; 32]))),
        ("jti", json!(encode(&[0; 16]))),
    ] {
        let mut forged = claims.clone();
        forged[name] = value;
        assert_eq!(refusal(mint.verify(&sign(&forged))), Kind::TokenInvalid, "{name}");
    }
    let mut cut = claims.clone();
    cut["sub"] = json!("01942f3c-6c00-7000-8000-00000000000");
    cut["sid"] = json!("a01942f3c-6c00-7000-8000-00000000000b");
    assert_eq!(refusal(mint.verify(&sign(&cut))), Kind::TokenInvalid, "sub and sid cut elsewhere");
    let plain = json!({ "sub": claims["sub"], "iat": START, "exp": START + 900 });
    assert_eq!(refusal(mint.verify(&sign(&plain))), Kind::TokenInvalid);
}

/// Headers that must be refused, over valid claims.
fn bad_headers(kid: &str, alg: &str) -> Vec<(&'static str, String)> {
    let with = |name: &str, value: Value| {
        let mut header = json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        header[name] = value;
        header.to_string()
    };
    let without = |name: &str| {
        let mut header = json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        header.as_object_mut().unwrap().remove(name);
        header.to_string()
    };
    vec![
        ("alg none", with("alg", json!("none"))),
        ("alg None", with("alg", json!("None"))),
        (
            "alg of another family",
            with("alg", json!(if alg == "HS256" { "ES256" } else { "HS256" })),
        ),
        ("alg HS512", with("alg", json!("HS512"))),
        ("alg in small letters", with("alg", json!(alg.to_lowercase()))),
        ("alg empty", with("alg", json!(""))),
        ("alg missing", without("alg")),
        ("kid missing", without("kid")),
        ("kid unknown", with("kid", json!("other"))),
        ("kid a number", with("kid", json!(1))),
        ("kid a path", with("kid", json!("../../dev/null"))),
        ("typ missing", without("typ")),
        ("typ another", with("typ", json!("at+jwt"))),
        ("crit", with("crit", json!(["exp"]))),
        ("crit empty", with("crit", json!([]))),
        ("b64", with("b64", json!(false))),
        ("jwk", with("jwk", json!({ "kty": "oct", "k": "AAAA" }))),
        ("jku", with("jku", json!("https://attacker.example/jwks.json"))),
        ("x5u", with("x5u", json!("https://attacker.example/chain.pem"))),
        ("x5c", with("x5c", json!(["AAAA"]))),
        ("x5t", with("x5t", json!("AAAA"))),
        ("zip", with("zip", json!("DEF"))),
        ("alg twice", format!(r#"{{"alg":"{alg}","alg":"{alg}","kid":"{kid}","typ":"JWT"}}"#)),
        ("kid twice", format!(r#"{{"alg":"{alg}","kid":"x","kid":"{kid}","typ":"JWT"}}"#)),
        ("text after it", format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"JWT"}}x"#)),
        ("a list", "[]".to_owned()),
        ("not JSON", "hello".to_owned()),
    ]
}

#[test]
fn a_header_that_must_not_be_followed_is_refused_even_under_a_right_signature() {
    let mut instance = Instance::with_secret(SHARED);
    let mint = instance.start();
    let made = token(&mint).token;
    let (header, claims) = (part(&made, 0), part(&made, 1).to_string());
    for (what, bad) in bad_headers(header["kid"].as_str().unwrap(), "HS256") {
        let forged = sign_with_secret(SHARED.as_bytes(), &bad, &claims);
        assert_eq!(refusal(mint.verify(&forged)), Kind::TokenInvalid, "{what}");
        let unsigned = forged.rsplit_once('.').unwrap().0;
        assert_eq!(
            refusal(mint.verify(&format!("{unsigned}."))),
            Kind::TokenInvalid,
            "{what}, unsigned"
        );
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let mut instance = Instance::new(algorithm);
        let mint = instance.start();
        let made = token(&mint).token;
        let jwk = instance.ring().unwrap().jwks(instance.env.now())["keys"][0].clone();
        let (kid, claims) = (jwk["kid"].as_str().unwrap(), part(&made, 1).to_string());
        let member = |name: &str| decode64(jwk[name].as_str().unwrap_or_default()).unwrap();
        let point = [vec![4], member("x"), member("y")].concat();
        for secret in [member("n"), member("x"), point, jwk.to_string().into_bytes(), Vec::new()] {
            for alg in ["HS256", "ES256", "RS256"] {
                let header = json!({ "alg": alg, "kid": kid, "typ": "JWT" }).to_string();
                let forged = sign_with_secret(&secret, &header, &claims);
                assert_eq!(refusal(mint.verify(&forged)), Kind::TokenInvalid, "{alg}");
            }
        }
    }
}

#[test]
fn a_token_that_names_another_key_than_its_own_is_refused() {
    let mut instance = Instance::new(Algorithm::Es256);
    let old = token(&instance.start()).token;
    instance.config.algorithm = Algorithm::Hs256;
    let mint = instance.start();
    let new = token(&mint).token;
    assert!(mint.verify(&old).is_ok() && mint.verify(&new).is_ok());
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (parts(&old), parts(&new));
    for mixed in
        [[&new[0], &old[1], &old[2]], [&old[0], &new[1], &new[2]], [&old[0], &new[1], &old[2]]]
    {
        let mixed = format!("{}.{}.{}", mixed[0], mixed[1], mixed[2]);
        assert_eq!(refusal(mint.verify(&mixed)), Kind::TokenInvalid);
    }
}

#[test]
fn bad_claims_are_refused_even_under_a_right_signature() {
    let mut instance = Instance::with_secret(SHARED);
    let mint = instance.start();
    let made = token(&mint).token;
    let (header, claims) = (part(&made, 0).to_string(), part(&made, 1).to_string());
    let exp = format!(r#""exp":{}"#, START + 900);
    let iat = format!(r#""iat":{START}"#);
    let changes = [
        ("exp a float", exp.as_str(), format!("{exp}.0")),
        ("exp a text", &exp, format!(r#""exp":"{}""#, START + 900)),
        ("exp twice", &exp, format!("{exp},{exp}")),
        ("exp missing", &exp, r#""exq":1"#.to_owned()),
        ("iat a text", &iat, r#""iat":"1""#.to_owned()),
        ("iat missing", &iat, r#""iax":1"#.to_owned()),
        ("another claim twice", r#""role":"user""#, r#""role":"user","role":"admin""#.to_owned()),
        ("nbf to come", &exp, format!(r#"{exp},"nbf":{}"#, START + 61)),
        ("nbf a text", &exp, format!(r#"{exp},"nbf":"1""#)),
        ("aud unasked for", &exp, format!(r#"{exp},"aud":"app""#)),
        ("iss another", ISSUER, "http://127.0.0.1:3001".to_owned()),
        ("iss elsewhere", ISSUER, "http://127.0.0.2:3000".to_owned()),
        ("text after it", "}", "} x".to_owned()),
    ];
    for (what, from, to) in changes {
        let forged = sign_with_secret(SHARED.as_bytes(), &header, &claims.replacen(from, &to, 1));
        assert_eq!(refusal(mint.verify(&forged)), Kind::TokenInvalid, "{what}");
    }
    let nbf = claims.replacen(&exp, &format!(r#"{exp},"nbf":{}"#, START + 60), 1);
    assert!(
        mint.verify(&sign_with_secret(SHARED.as_bytes(), &header, &nbf)).is_ok(),
        "nbf within the leeway"
    );
}

#[test]
fn a_token_from_further_ahead_than_the_leeway_is_refused() {
    let mut instance = Instance::new(Algorithm::Es256);
    let mint = instance.start();
    instance.set_clock(START + 61);
    let made = token(&mint).token;
    instance.set_clock(START + 1);
    assert!(instance.start().verify(&made).is_ok());
    instance.set_clock(START);
    assert_eq!(refusal(instance.start().verify(&made)), Kind::TokenInvalid);
}

#[test]
fn only_the_exact_text_is_a_token() {
    for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
        let mut instance = Instance::new(algorithm);
        let mint = instance.start();
        let made = token(&mint).token;
        let (signed, signature) = made.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        // Base64url of 32 and of 64 bytes has unused bits in its last character: every spelling but
        // the canonical one is refused.
        let spellings = ('A'..='Z').chain('a'..='z').chain('0'..='9');
        let others = spellings
            .map(|last| format!("{}{last}", &made[..made.len() - 1]))
            .filter(|one| *one != made);
        let others = others.chain([
            format!("{made}="),
            format!("{made}=="),
            format!(" {made}"),
            format!("{made}\n"),
            format!("{made}."),
            format!("{made}.{signature}"),
            format!(".{made}"),
            format!("{signed}."),
            signed.to_owned(),
            format!("{header}..{signature}"),
            format!(".{claims}.{signature}"),
            format!("{}.{claims}.{signature}", header.replace(|_| true, "+")),
            made.replacen('.', "..", 1),
            made[..made.len() - 2].to_owned(),
            "..".to_owned(),
            String::new(),
        ]);
        for other in others {
            assert_eq!(refusal(mint.verify(&other)), Kind::TokenInvalid, "{other}");
        }
    }
}

#[test]
fn an_oversize_token_is_neither_read_nor_made() {
    let mut instance = Instance::with_secret(SHARED);
    let mint = instance.start();
    let mut large = grant();
    large.claims = vec![("role", json!("x".repeat(8000)))];
    assert_eq!(refusal(mint.sign(&large)), Kind::Internal);
    let made = token(&mint).token;
    let mut claims = part(&made, 1);
    claims["role"] = json!("x".repeat(8000));
    let forged =
        sign_with_secret(SHARED.as_bytes(), &part(&made, 0).to_string(), &claims.to_string());
    assert_eq!(refusal(mint.verify(&forged)), Kind::TokenInvalid);
}

#[test]
fn a_wire_cannot_replace_a_claim_of_ours() {
    let mint = Instance::new(Algorithm::Es256).start();
    let mut sly = grant();
    sly.claims = vec![("sub", json!("somebody-else"))];
    assert_eq!(refusal(mint.sign(&sly)), Kind::Internal);
}

proptest! {
    #[test]
    fn verifying_never_panics(text in "\\PC{0,200}", cut in 0_usize..300, change in any::<u8>()) {
        let mut instance = Instance::with_secret(SHARED);
        let mint = instance.start();
        prop_assert!(mint.verify(&text).is_err());
        let mut bytes = token(&mint).token.into_bytes();
        let at = cut % bytes.len();
        bytes[at] = change;
        let whole = String::from_utf8_lossy(&bytes).into_owned();
        let _ = mint.verify(&whole);
        let kept: String = whole.chars().take(cut).collect();
        prop_assert!(kept.len() == whole.len() || mint.verify(&kept).is_err());
    }
}
