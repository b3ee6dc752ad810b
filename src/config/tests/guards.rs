//! What `config check` and `serve` say about guards that are off and logins that others can read.

use super::*;

/// A configuration that production lacks nothing of.
const READY: [(&str, &str); 5] = [
    ("AUTHD_SERVER__ENVIRONMENT", "production"),
    ("AUTHD_PUBLIC_URL", "https://id.mydomain.org"),
    ("AUTHD_SERVER__TRUSTED_PROXIES", "127.0.0.1"),
    ("AUTHD_MAIL__SMTP_URL", "smtps://user:password@mail.mydomain.org"),
    ("AUTHD_MAIL__FROM", "noreply@mydomain.org"),
];

fn with(more: &[(&str, &str)]) -> Loaded {
    let mut all: BTreeMap<_, _> = READY.into_iter().collect();
    all.extend(more.iter().copied());
    loaded(&all.into_iter().collect::<Vec<_>>())
}

/// The findings that are no hints, as `level key`.
fn findings(more: &[(&str, &str)]) -> Vec<String> {
    let found = check(&with(more).config, Vec::new()).findings;
    let serious = found.iter().filter(|finding| finding.level != Severity::Hint);
    serious.map(|finding| format!("{} {}", finding.level, finding.key)).collect()
}

#[test]
fn every_profile_has_its_guards_and_starts_without_a_warning_about_them() {
    for profile in ProfileName::all() {
        let found = findings(&[("AUTHD_PROFILE", profile.name)]);
        let about_guards = |found: &String| {
            ["limits", "throttle", "lockout", "tokens.access", "metrics", "admin"]
                .iter()
                .any(|section| found.contains(section))
        };
        assert!(!found.iter().any(about_guards), "{}: {found:?}", profile.name);
        assert_eq!(with(&[("AUTHD_PROFILE", profile.name)]).warnings(), Vec::<String>::new());
    }
}

#[test]
fn each_limit_that_is_off_or_as_good_as_off_is_a_finding() {
    let limits = loaded(&[]).config.limits;
    assert!(limits.all().len() >= 13);
    for (key, rate) in limits.all() {
        assert!(rate.is_some(), "{key}");
        let variable = format!("AUTHD_{}", key.to_uppercase().replace('.', "__"));
        let count = format!("{variable}__COUNT");
        let window = format!("{variable}__WINDOW");
        for set in [
            &[(variable.as_str(), "off")][..],
            &[(&count, "0")],
            &[(&count, "1000000"), (&window, "1s")],
        ] {
            let found = findings(set);
            assert!(found.iter().any(|found| found.ends_with(key)), "{set:?}: {found:?}");
        }
        let warned = with(&[(&variable, "off")]).warnings();
        assert!(warned.iter().any(|line| line.contains(key)), "{key}: {warned:?}");
    }
    // Mail to others and second factors have no other guard that a stranger would meet.
    assert_eq!(findings(&[("AUTHD_LIMITS__MAIL_CLIENT", "off")]), ["error limits.mail_client"]);
    assert_eq!(findings(&[("AUTHD_LIMITS__RESEND", "off")]), ["warning limits.resend"]);
}

#[test]
fn a_throttle_or_lockout_that_slows_nothing_down_is_as_good_as_none() {
    let off = ("AUTHD_THROTTLE__ENABLED", "false");
    assert_eq!(findings(&[off]), ["error throttle.enabled"]);
    for (key, value) in [
        ("AUTHD_THROTTLE__FAILURES", "100000"),
        ("AUTHD_THROTTLE__ACCOUNT_FAILURES", "1000000"),
        ("AUTHD_THROTTLE__WINDOW", "1s"),
    ] {
        assert_eq!(findings(&[(key, value)]), ["error throttle.failures"], "{key}");
        assert_eq!(with(&[(key, value)]).warnings().len(), 1, "{key}");
        let locked = ("AUTHD_LOCKOUT__ENABLED", "true");
        assert_eq!(findings(&[(key, value), locked]), ["warning throttle.failures"], "{key}");
        assert!(with(&[(key, value), locked]).warnings().is_empty(), "{key}");
    }
    let waits = [("AUTHD_THROTTLE__FIRST_WAIT", "1s"), ("AUTHD_THROTTLE__LONGEST_WAIT", "1s")];
    assert_eq!(findings(&waits), ["error throttle.failures"]);
    let lockout = [("AUTHD_LOCKOUT__ENABLED", "true"), ("AUTHD_LOCKOUT__FAILURES", "100000")];
    assert_eq!(findings(&lockout), ["warning lockout.failures"]);
    assert_eq!(findings(&[off, lockout[0], lockout[1]]), ["error lockout.failures"]);
}

#[test]
fn logins_that_cross_a_network_without_tls_are_found_and_warned_of() {
    let gateway = |url: &'static str| [("AUTHD_SMS__URL", url), ("AUTHD_SMS__BODY", "{to} {text}")];
    let plain = gateway("http://sms.mydomain.org/send");
    assert_eq!(findings(&plain), ["warning sms.url"]);
    assert!(with(&plain).warnings().is_empty());
    let login = ("AUTHD_SMS__HEADERS", "authorization: Bearer abc");
    for exposed in [
        [plain[0], plain[1], login],
        [("AUTHD_SMS__URL", "http://10.0.0.9/send?key=abc"), plain[1], plain[1]],
    ] {
        assert_eq!(findings(&exposed), ["error sms.url"], "{exposed:?}");
        assert_eq!(with(&exposed).warnings().len(), 1, "{exposed:?}");
    }
    for private in ["https://sms.mydomain.org/send", "http://127.0.0.1:9/", "http://localhost/"] {
        assert!(findings(&[("AUTHD_SMS__URL", private), plain[1], login]).is_empty(), "{private}");
    }
    let mail = |url| findings(&[("AUTHD_MAIL__SMTP_URL", url)]);
    assert_eq!(mail("smtp+insecure://user:password@mx.mydomain.org"), ["error mail.smtp_url"]);
    assert_eq!(mail("smtp+insecure://mx.mydomain.org"), ["warning mail.smtp_url"]);
}

#[test]
fn metrics_for_everyone_and_networks_that_restrict_nothing_are_found() {
    for listen in ["0.0.0.0:9464", "[::]:9464", "203.0.113.7:9464"] {
        assert_eq!(findings(&[("AUTHD_METRICS__LISTEN", listen)]), ["warning metrics.listen"]);
    }
    for listen in ["127.0.0.1:9464", "10.1.2.3:9464", "[fd00::1]:9464"] {
        assert!(findings(&[("AUTHD_METRICS__LISTEN", listen)]).is_empty(), "{listen}");
    }
    for (proxies, expected) in [
        ("10.0.0.5", None),
        ("10.0.0.0/24, fd00::/64", None),
        ("10.0.0.5, 172.17.0.0/16", Some("warning")),
        ("fd00::/8", Some("warning")),
        ("0.0.0.0/0", Some("error")),
    ] {
        let found = findings(&[("AUTHD_SERVER__TRUSTED_PROXIES", proxies)]);
        let expected: Vec<_> =
            expected.iter().map(|level| format!("{level} server.trusted_proxies")).collect();
        assert_eq!(found, expected, "{proxies}");
    }
    for every in ["0.0.0.0/0", "10.0.0.0/8, ::/0"] {
        assert_eq!(findings(&[("AUTHD_ADMIN__NETWORKS", every)]), ["warning admin.networks"]);
    }
}

#[test]
fn access_tokens_that_live_long_are_found() {
    assert!(findings(&[("AUTHD_TOKENS__ACCESS", "1h")]).is_empty());
    assert_eq!(findings(&[("AUTHD_TOKENS__ACCESS", "2h")]), ["warning tokens.access"]);
    assert_eq!(findings(&[("AUTHD_TOKENS__ACCESS", "30 days")]), ["error tokens.access"]);
}

#[test]
fn zero_in_a_documents_variable_is_refused_instead_of_switching_a_limit_off() {
    for name in ["RATE_LIMIT_MAX", "AUTH_RATE_LIMIT_MAX"] {
        for zero in ["0", "00", "\"0\""] {
            let text = refused(&[("AUTHD_PROFILE", "perfect21"), (name, zero)]);
            assert!(text.contains(&format!("env {name}")) && text.contains("got 0"), "{text}");
        }
    }
    let off = refused(&[("AUTHD_PROFILE", "perfect21"), ("AUTH_RATE_LIMIT_MAX", "0")]);
    assert!(off.contains("AUTHD_LIMITS__SIGN_IN=off"), "{off}");
    let lockout = with(&[("AUTHD_PROFILE", "perfect21"), ("ENABLE_ACCOUNT_LOCKOUT", "false")]);
    assert!(lockout.warnings()[0].contains("guessed"), "{:?}", lockout.warnings());
}

#[test]
fn a_provider_that_takes_any_address_or_sends_codes_in_clear_is_found() {
    let acme = [
        ("AUTHD_PROVIDERS__ACME__ISSUER", "https://login.acme.example"),
        ("AUTHD_PROVIDERS__ACME__CLIENT_ID", "c"),
        ("AUTHD_PROVIDERS__ACME__CLIENT_SECRET", "s"),
    ];
    assert_eq!(findings(&acme), [""; 0]);
    let found = |more: &[(&str, &str)]| {
        let mut all: BTreeMap<_, _> = acme.into_iter().collect();
        all.extend(more.iter().copied());
        findings(&all.into_iter().collect::<Vec<_>>())
    };
    let always = found(&[("AUTHD_PROVIDERS__ACME__PROVED_BY", "always")]);
    assert_eq!(always, ["warning providers.acme.proved_by"]);
    let here = found(&[("AUTHD_PROVIDERS__ACME__ISSUER", "http://localhost:9000")]);
    assert_eq!(here, ["error providers.acme.issuer"]);
    let page = found(&[("AUTHD_PROVIDERS__ACME__REDIRECT_URIS", "http://localhost:3000/back")]);
    assert_eq!(page, ["warning providers.acme.redirect_uris"]);
    let twin = found(&[
        ("AUTHD_PROVIDERS__TWIN__ISSUER", "https://login.acme.example"),
        ("AUTHD_PROVIDERS__TWIN__CLIENT_ID", "c"),
        ("AUTHD_PROVIDERS__TWIN__CLIENT_SECRET", "s"),
    ]);
    assert_eq!(twin, ["warning providers.twin.client_id"]);
    let other = found(&[
        ("AUTHD_PROVIDERS__OTHER__ISSUER", "https://login.acme.example"),
        ("AUTHD_PROVIDERS__OTHER__CLIENT_ID", "d"),
        ("AUTHD_PROVIDERS__OTHER__CLIENT_SECRET", "s"),
    ]);
    assert_eq!(other, [""; 0]);
}

#[test]
fn an_accent_that_is_hard_to_read_on_white_is_found_and_a_readable_one_is_named() {
    let of_accent = |accent: &str, enabled: &str| {
        let set = [("AUTHD_PAGES__ACCENT", accent), ("AUTHD_PAGES__ENABLED", enabled)];
        let found = check(&with(&set).config, Vec::new()).findings;
        found.into_iter().find(|finding| finding.key == "pages.accent")
    };
    let found = of_accent("#ffd400", "true").unwrap();
    assert_eq!(found.level, Severity::Warning);
    assert!(found.message.starts_with("#ffd400 is hard to read on white"), "{}", found.message);
    assert!(found.message.contains("1.4:1") && found.message.contains("4.5:1"), "{found:?}");
    let named = found.remedy.split_whitespace().find(|word| word.starts_with('#')).unwrap();
    assert!(of_accent(named, "true").is_none(), "{named} was recommended");
    assert!(of_accent("#ffd400", "false").is_none(), "no page shows it");
    assert!(of_accent("#767676", "true").is_none(), "4.54:1");
    assert!(of_accent("#777777", "true").is_some(), "4.48:1");
}

#[test]
fn a_page_that_the_server_leads_to_and_that_cannot_call_it_is_named() {
    let of = |key: &str, more: &[(&str, &str)]| {
        let found = check(&with(more).config, Vec::new()).findings;
        found.into_iter().find(|finding| finding.key == key)
    };
    let back = ("AUTHD_PAGES__RETURN_TO", "https://app.mydomain.org/in,com.example.app://in");
    let related = ("AUTHD_WEBAUTHN__ORIGINS", "https://shop.mydomain.org");
    let found = of("server.cors_origins", &[back, related]).unwrap();
    assert_eq!(found.level, Severity::Hint);
    let both = "it lacks https://app.mydomain.org, https://shop.mydomain.org of";
    assert!(found.message.starts_with(both), "{}", found.message);
    let listed =
        ("AUTHD_SERVER__CORS_ORIGINS", "https://app.mydomain.org,https://shop.mydomain.org");
    assert_eq!(of("server.cors_origins", &[back, related, listed]), None);
    let own = ("AUTHD_PAGES__RETURN_TO", "https://id.mydomain.org/app");
    assert_eq!(of("server.cors_origins", &[own]), None);

    assert_eq!(of("pages.return_to", &[back]), None);
    let any = ("AUTHD_PAGES__RETURN_TO", "https://app.mydomain.org/*");
    let found = of("pages.return_to", &[any]).unwrap();
    assert_eq!(found.level, Severity::Error);
    assert!(found.message.contains("byte for byte"), "{}", found.message);
    assert_eq!(of("pages.return_to", &[any, ("AUTHD_PAGES__ENABLED", "false")]), None);
}

#[test]
fn a_value_with_quotes_that_would_do_without_them_is_refused_with_that_advice() {
    let refused = |value| refused(&[("AUTHD_PAGES__ACCENT", value)]);
    assert!(refused("\"#ffff00\"").contains("; leave out the quotes"));
    assert!(!refused("\"yellow\"").contains("quotes"));
    assert!(!refused("yellow").contains("quotes"));
}
