//! A lost master key: what goes on working with another one, and what does not.

use super::*;
use crate::process::CHEAP;
use crate::upgrade::{put_into, value};

#[test]
fn another_master_key_keeps_accounts_and_the_need_of_their_second_factors() {
    let here = folder();
    put_into(&here.path(""));
    assert_eq!(here.serve(&CHEAP).end(), Some(0));
    assert!(fails(&here, &["key", "replace-master", "--yes"]).contains("there is a master key"));
    let lost = fs::read_to_string(here.path("authd.key")).unwrap();
    fs::remove_file(here.path("authd.key")).unwrap();
    assert!(fails(&here, &["serve"]).contains("authd key replace-master"));
    assert_eq!(here.run(&["key", "replace-master"]).code, Some(2), "it asks");

    let replaced = done(&here, &["key", "replace-master", "--yes"]);
    assert_eq!(
        (&replaced["lost"]["authenticators"], &replaced["lost"]["backupCodes"]),
        (&json!(1), &json!(19))
    );
    assert!(replaced["ended"]["sessions"].as_i64().unwrap() > 3, "{replaced}");
    assert_eq!(mode(&here.path("authd.key")), 0o600);
    assert_ne!(fs::read_to_string(here.path("authd.key")).unwrap(), lost);
    let left: Vec<_> = names_in(&here).into_iter().filter(|name| name.contains(".new")).collect();
    assert_eq!(left, Vec::<String>::new());

    let server = here.serve(&CHEAP);
    let log_in = |email: &str, password: &str| {
        server.post("/v1/auth/login", &credentials(email, password)).unwrap()
    };
    assert_eq!(log_in("bob@example.com", value("bob.password")).status, 200);
    let waiting = log_in("ada@example.com", value("password"));
    assert_eq!(waiting.code(), "MFA_REQUIRED", "{}", waiting.body);
    let token = waiting.body["error"]["mfaToken"].as_str().unwrap();
    for code in [value("ada.backup"), "123456"] {
        let (bearer, body) =
            (format!("Authorization: Bearer {token}\r\n"), json!({ "code": code }));
        let answer =
            server.client().ask("POST", "/v1/auth/mfa/verify", &bearer, Some(&body)).unwrap();
        assert!((400..500).contains(&answer.status), "{}", answer.body);
    }
    done(&here, &["user", "mfa-reset", "ada@example.com"]);
    assert_eq!(log_in("ada@example.com", value("password")).status, 200);
    let audit = here.run(&["audit", "--event", "master_key_replaced"]).out;
    assert!(audit.contains("master_key_replaced"), "{audit}");
    assert_eq!(server.end(), Some(0));

    // The key is found: the database from before is still there.
    let aside = replaced["setAside"][0].as_str().unwrap();
    let there = folder();
    fs::write(there.path("found.key"), lost).unwrap();
    fs::set_permissions(there.path("found.key"), fs::Permissions::from_mode(0o600)).unwrap();
    done(&there, &["restore", aside, "--key-file", "found.key"]);
}
