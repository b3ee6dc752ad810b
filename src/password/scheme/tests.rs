//! Tests of stored hashes: known answers of other implementations, bounds, and arbitrary text.

use super::*;
use proptest::prelude::*;

fn opens(text: &str, password: &[u8]) -> bool {
    let stored = StoredHash::read(text).unwrap();
    let mut memory = vec![Block::new(); stored.scheme().memory() as usize];
    stored.matches(password, &mut memory).unwrap()
}

#[test]
fn bcrypt_other_variants_and_cheaper_hashes_are_outdated() {
    let scheme = |text: &str| text.parse::<Scheme>().unwrap();
    let today = scheme("argon2id:19456:2:1");
    for old in ["bcrypt:14", "argon2i:65536:4:1", "argon2d:65536:4:1", "argon2id:65536:4:1:v16"] {
        assert!(scheme(old).is_outdated(today), "{old}");
    }
    for cheaper in
        ["argon2id:19456:1:1", "argon2id:19455:3:1", "argon2id:9216:9:1", "argon2id:32768:1:4"]
    {
        assert!(scheme(cheaper).is_outdated(today), "{cheaper}");
    }
    for costlier in
        ["argon2id:19456:2:1", "argon2id:19456:3:1", "argon2id:47104:1:1", "argon2id:65536:3:4"]
    {
        assert!(!scheme(costlier).is_outdated(today), "{costlier}");
    }
}

const SALT: &str = "/OK.fbVrR/bpIqNJ5ianF.";

#[test]
fn bcrypt_of_every_letter_opens() {
    for letter in ["2a", "2b", "2y", "2x"] {
        let text = format!("${letter}$04${SALT}RYxan6GqoWFZ.Gvlr69TFErQfu72DzK");
        assert!(opens(&text, b"password"), "{text}");
        assert!(!opens(&text, b"Password"), "{text}");
    }
    assert!(opens("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", b"U*U"));
}

#[test]
fn bcrypt_2x_repeats_the_error_of_its_makers() {
    let accents = "pässwörd ✓".as_bytes();
    let right = format!("$2y$04${SALT}C.JLNOUwG8h7OP4ewFuVXKRDIHdDR2K");
    let wrong = format!("$2x$04${SALT}0/jC1eV8koXaCiJTsrOiCI1OfZ5Dqf.");
    assert!(opens(&right, accents) && opens(&wrong, accents));
    assert!(!opens(&right.replace("2y", "2x"), accents));
    let short = format!("$2x$04${SALT}79F7iyfPXU.AMPgYp2WOmvgKQ4Ez/5.");
    assert!(
        opens(&short, b"\xa3") && opens(&short, b"\xff\xff\xa3") && !opens(&short, b"\xff\xa4")
    );
}

#[test]
fn bcrypt_looks_at_72_bytes_as_its_makers_did() {
    let text = format!("$2b$04${SALT}sN11/lzpb5GU9j41HYJjV7Mu/n0isdC");
    assert!(opens(&text, &[b'x'; 72]) && opens(&text, &[b'x'; 200]));
    assert!(!opens(&text, &[b'x'; 71]));
}

#[test]
fn argon2_of_every_variant_and_version_opens() {
    for text in [
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    ] {
        assert!(opens(text, b"password"), "{text}");
        assert!(!opens(text, b"passwore"), "{text}");
    }
}

#[test]
fn a_new_hash_is_read_back_and_opens() {
    let scheme: Scheme = "argon2id:64:1:1".parse().unwrap();
    let mut memory = vec![Block::new(); 64];
    let made = hash(scheme, "pässword".as_bytes(), [9; 16], &mut memory).unwrap();
    assert!(made.text.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", made.text);
    assert_eq!(
        (made.scheme.as_str(), scheme_of(&made.text).as_str()),
        ("argon2id:64:1:1", "argon2id:64:1:1")
    );
    assert!(opens(&made.text, "pässword".as_bytes()) && !opens(&made.text, b"password"));
    assert!(!format!("{made:?} {:?}", StoredHash::read(&made.text)).contains("$argon2id$"));
}

#[test]
fn schemes_are_written_and_read_as_text() {
    let printed = |text| scheme_of(text).parse::<Scheme>().unwrap().to_string();
    assert_eq!(
        printed("$2x$10$/OK.fbVrR/bpIqNJ5ianF.RYxan6GqoWFZ.Gvlr69TFErQfu72DzK"),
        "bcrypt:10"
    );
    let digest = "c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";
    assert_eq!(printed(&format!("$argon2d$v=16$m=64,t=3,p=2${digest}")), "argon2d:64:3:2:v16");
    for bad in [
        "",
        "bcrypt",
        "bcrypt:15",
        "bcrypt:12:1",
        "argon2id:19456:2",
        "argon2id:19456:2:1:v17",
        "md5:1",
    ] {
        assert!(bad.parse::<Scheme>().is_err(), "{bad}");
    }
}

#[test]
fn hashes_that_ask_for_too_much_or_are_broken_are_not_read() {
    let (salt, digest) = ("c29tZXNhbHQ", "iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8");
    let argon2 = |costs: &str| format!("$argon2id$v=19${costs}${salt}${digest}");
    assert!(StoredHash::read(&argon2("m=65536,t=32,p=1")).is_some());
    let hostile = [
        "m=65537,t=1,p=1",
        "m=4294967295,t=1,p=1",
        "m=65536,t=33,p=1",
        "m=8,t=4294967295,p=1",
        "m=64,t=1,p=9",
        "m=64,t=1,p=16777216",
        "m=64,t=1,p=536870912",
        "m=0,t=1,p=1",
        "m=64,t=0,p=1",
        "m=64,t=1,p=0",
        "m=64,t=1",
        "m=99999999999,t=1,p=1",
        "m=-1,t=1,p=1",
        "m=064,t=1,p=1",
        "t=1,m=64,p=1",
        "m=64,t=1,p=1,data=AAAA",
        "",
    ];
    for costs in hostile {
        assert_eq!(StoredHash::read(&argon2(costs)), None, "{costs}");
    }
    let bcrypt = |cost: &str| format!("$2b${cost}${SALT}RYxan6GqoWFZ.Gvlr69TFErQfu72DzK");
    assert!(StoredHash::read(&bcrypt("14")).is_some());
    for text in [
        bcrypt("03"),
        bcrypt("15"),
        bcrypt("31"),
        bcrypt("4"),
        bcrypt("+4"),
        bcrypt("04").replace("2b", "2"),
        bcrypt("04").replace('K', "é"),
        bcrypt("04") + "x",
        String::new(),
        "$".into(),
        "$$".into(),
        "plain".into(),
        format!("$argon2id$v=18$m=64,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}$c29tZQ"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}="),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${}", "A".repeat(100_000)),
    ] {
        assert_eq!(StoredHash::read(&text), None, "{text:.80}");
        assert_eq!(scheme_of(&text), "unreadable");
    }
}

#[test]
fn a_stand_in_does_the_work_and_matches_nothing() {
    for scheme in ["argon2id:64:1:1", "argon2i:64:1:2:v16", "bcrypt:4"] {
        let stored = StoredHash::stand_in(scheme.parse().unwrap());
        assert!(!stored.matches(b"", &mut vec![Block::new(); 64]).unwrap(), "{scheme}");
    }
}

#[test]
fn too_little_memory_is_an_error_and_no_panic() {
    let stored = StoredHash::stand_in("argon2id:64:1:1".parse().unwrap());
    assert!(stored.matches(b"password", &mut [Block::new(); 8]).is_err());
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,120}") {
        let _ = StoredHash::read(&text);
        let _ = text.parse::<Scheme>();
    }

    #[test]
    fn reading_something_like_a_hash_never_panics(
        text in concat!(
            "\\$(2[abxy]|argon2(id|i|d))\\$(v=[0-9]{1,3}\\$)?",
            "([0-9]{2}|m=[0-9]{0,12},t=[0-9]{0,12},p=[0-9]{0,12})\\$[./A-Za-z0-9+$]{0,80}",
        ),
    ) {
        if let Some(stored) = StoredHash::read(&text) {
            prop_assert!(stored.scheme().memory() <= MOST_MEMORY);
            prop_assert_eq!(stored.scheme().to_string().parse::<Scheme>().unwrap(), stored.scheme());
        }
    }

    #[test]
    fn a_password_that_was_hashed_opens(password in "\\PC{0,40}") {
        let mut memory = vec![Block::new(); 8];
        let made = hash("argon2id:8:1:1".parse().unwrap(), password.as_bytes(), [1; 16], &mut memory).unwrap();
        prop_assert!(opens(&made.text, password.as_bytes()));
    }
}

/// Made by Python's `hashlib.pbkdf2_hmac`.
#[test]
fn pbkdf2_as_django_writes_it_is_read_and_checked() {
    for (text, password) in [
        (
            "pbkdf2_sha256$1$seasalt2seasalt$xmpB7a7yP95O985LUwGT0LMndN++KtnPiGDK3EdRkzM=",
            "password",
        ),
        (
            "pbkdf2_sha256$1000$seasalt2seasalt$MLEb4DKiVM2njbYrcTLoqIlgMFISpG7mS5crjG6uAmc=",
            "password",
        ),
        ("pbkdf2_sha256$10$lPAIfzoGcQMa$6wz1Hz6vZpQ93iHP93g9M4M9Exj+MytFUJXBXoloOlw=", "pässwörd"),
    ] {
        assert!(opens(text, password.as_bytes()), "{text}");
        assert!(!opens(text, b"passwore"), "{text}");
        let scheme = StoredHash::read(text).unwrap().scheme();
        assert_eq!(scheme.to_string().parse::<Scheme>().unwrap(), scheme);
        assert!(scheme.is_outdated("argon2id:19456:2:1".parse().unwrap()) && scheme.memory() == 0);
    }
    assert!(
        !StoredHash::stand_in("pbkdf2-sha256:10".parse().unwrap()).matches(b"", &mut []).unwrap()
    );
    let digest = "6wz1Hz6vZpQ93iHP93g9M4M9Exj+MytFUJXBXoloOlw=";
    for text in [
        format!("pbkdf2_sha256$0$lPAIfzoGcQMa${digest}"),
        format!("pbkdf2_sha256$2000001$lPAIfzoGcQMa${digest}"),
        format!("pbkdf2_sha256$-1$lPAIfzoGcQMa${digest}"),
        format!("pbkdf2_sha256$10$short${digest}"),
        format!("pbkdf2_sha256$10$lPAIfzoGcQMa${digest}$x"),
        "pbkdf2_sha256$10$lPAIfzoGcQMa$6wz1Hz6vZg==".to_owned(),
        format!("pbkdf2_sha1$10$lPAIfzoGcQMa${digest}"),
    ] {
        assert_eq!(StoredHash::read(&text), None, "{text}");
    }
}
