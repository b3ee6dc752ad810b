//! Tests of what the configuration prints: the check, the reference of all keys, the profiles.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_check_says_what_production_lacks_and_is_content_when_nothing_does() {
    insta::assert_snapshot!(report::check_text(&check(&loaded(&[]).config, Vec::new())));
    let ready = loaded(&[
        ("AUTHD_SERVER__ENVIRONMENT", "production"),
        ("AUTHD_PUBLIC_URL", "https://auth.our-app.org"),
        ("AUTHD_SERVER__TRUSTED_PROXIES", "127.0.0.1"),
        ("AUTHD_MAIL__SMTP_URL", "smtp://u:p@mx.our-app.org"),
        ("AUTHD_MAIL__FROM", "noreply@our-app.org"),
        ("AUTHD_LOG__FORMAT", "json"),
        ("AUTHD_ALERTS__MAIL", "ops@our-app.org"),
        ("AUTHD_BACKUP__EVERY", "1 day"),
        ("AUTHD_BACKUP__TO", "/backup"),
    ]);
    let check = check(&ready.config, Vec::new());
    assert_eq!((check.has_error(), check.findings), (false, Vec::new()));
}

#[test]
fn the_check_finds_what_is_allowed_but_unwise() {
    let found = |pairs: &[(&str, &str)]| -> Vec<String> {
        let loaded = loaded(pairs);
        check(&loaded.config, crate::api::needs::findings(&loaded.config))
            .findings
            .into_iter()
            .map(|f| format!("{} {}", f.level, f.key))
            .collect()
    };
    let has = |pairs: &[(&str, &str)], finding: &str| {
        let found = found(pairs);
        assert!(found.iter().any(|f| f == finding), "{finding} is not among {found:?}");
    };
    has(&[("AUTHD_PUBLIC_URL", "https://a.example.org")], "error server.trusted_proxies");
    has(&[("AUTHD_PUBLIC_URL", "http://a.example.org")], "error server.public_url");
    has(&[("AUTHD_SERVER__TRUSTED_PROXIES", "0.0.0.0/0")], "error server.trusted_proxies");
    has(&[("AUTHD_SERVER__CORS_ORIGINS", "http://a.example.org")], "warning server.cors_origins");
    has(&[("AUTHD_TOKENS__ALGORITHM", "HS256")], "hint tokens.secret");
    has(&[], "hint backup.every");
    let beside = [("AUTHD_DB", "/data/authd.db"), ("AUTHD_BACKUP__TO", "/data")];
    has(&beside, "warning backup.to");
    let age = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    let encrypted = [&beside[..], &[("AUTHD_BACKUP__ENCRYPT_TO", age)]].concat();
    assert!(!found(&encrypted).contains(&"warning backup.to".to_owned()));
    let production = [("AUTHD_PROFILE", "jobpsych"), ("NODE_ENV", "production")];
    let service = "hint server.service_networks";
    has(&production, service);
    let set = [&production[..], &[("AUTHD_SERVER__SERVICE_NETWORKS", "127.0.0.1/32")]].concat();
    assert!(
        !found(&set).contains(&service.to_owned())
            && !found(&production[..1]).contains(&service.to_owned())
    );
    has(&[("AUTHD_MAIL__SMTP_URL", "smtp+insecure://mx.example.org")], "warning mail.smtp_url");
    has(&[("AUTHD_THROTTLE__ENABLED", "false")], "error throttle.enabled");
    has(&[("AUTHD_LIMITS__SIGN_IN", "off")], "warning limits.sign_in");
    has(&[("AUTHD_HASHING__MEMORY", "64")], "error hashing.memory");
    has(&[("AUTHD_PASSWORD__MIN_LENGTH", "4")], "warning password.min_length");
}

#[test]
fn every_key_of_every_profile_is_known_and_every_honoured_variable_sets_one() {
    for profile in ProfileName::all() {
        let first = loaded(&[("AUTHD_PROFILE", profile.name)]);
        let keys: Vec<&str> = first.config.entries.iter().map(|entry| &*entry.key).collect();
        for (name, meaning) in profile.environment().unwrap().honoured {
            for key in meaning.keys {
                assert!(keys.contains(&key.as_str()), "{name} sets {key}");
            }
        }
    }
}

/// The keys that a profile's text sets, or shows in a comment.
fn keys_in(text: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = format!("{name}.");
        } else if let Some((key, value)) = line.trim_start_matches(['#', ' ']).split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            keys.insert(format!("{section}{key}"));
            // An inline table: `sign_up = { count = 10, window = "1 minute" }`.
            let table = value.trim_start().strip_prefix('{').unwrap_or_default();
            for (inner, _) in table.split([',', '}']).filter_map(|part| part.split_once('=')) {
                keys.insert(format!("{section}{key}.{}", inner.trim()));
            }
        }
    }
    keys
}

#[test]
fn the_standard_profile_names_every_key() {
    let named = keys_in(ProfileName::standard().text);
    let loaded = loaded(&[]);
    let missing: Vec<&str> = loaded
        .config
        .entries
        .iter()
        .map(|entry| &*entry.key)
        .filter(|key| !named.contains(*key))
        .collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn the_reference_of_all_keys_is_as_agreed() {
    insta::assert_snapshot!(report::reference());
}

#[test]
fn the_configuration_prints_as_agreed() {
    let mut inputs = from_env(&[("AUTHD_PROFILE", "perfect21"), ("PORT", "8080")]);
    inputs.flags = vec![("db".into(), "/var/lib/authd.db".into())];
    insta::assert_snapshot!(report::show_text(report::show(&load(&inputs).unwrap())));
}

#[test]
fn profiles_are_listed_and_shown() {
    let names: Vec<&str> = report::profiles().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["standard", "perfect21", "siteworks", "jobpath", "jobpsych", "authbackend"]);
    assert!(report::profile("perfect21").unwrap().contains("RS256"));
    assert_eq!(report::profile("other"), None);
}

#[test]
fn a_printed_profile_is_a_configuration_file() {
    for (name, _) in report::profiles() {
        let text = report::profile(name).unwrap();
        from_file(&text).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        assert!(text.contains("\n# [env"), "{name}: what it says of variables is a comment");
    }
}
