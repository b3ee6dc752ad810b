//! Tests of the configuration as a whole: precedence, origins, errors, profiles, checks.

mod guards;
mod place;
mod printed;
mod providers;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::error::Limit;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_env(pairs: &[(&str, &str)]) -> Inputs {
    Inputs { env: env(pairs), dir: "/nowhere".into(), ..Inputs::default() }
}

fn loaded(pairs: &[(&str, &str)]) -> Loaded {
    load(&from_env(pairs)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(pairs: &[(&str, &str)]) -> String {
    load(&from_env(pairs)).err().unwrap().to_string()
}

/// A folder with these files in it.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Inputs) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let inputs = Inputs { dir: dir.path().to_owned(), ..Inputs::default() };
    (dir, inputs)
}

fn from_file(text: &str) -> Result<Loaded, String> {
    let (_dir, inputs) = folder(&[("authd.toml", text)]);
    load(&inputs).map_err(|problems| problems.to_string())
}

fn shown<'a>(loaded: &'a Loaded, key: &str) -> (&'a str, String) {
    let entry = loaded.config.entries.iter().find(|entry| entry.key == key).unwrap();
    (entry.value.as_deref().unwrap_or("-"), entry.origin.to_string())
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

#[test]
fn flags_lie_over_environment_over_env_file_over_file_over_profile_over_built_in() {
    let (_dir, mut inputs) = folder(&[
        (
            "authd.toml",
            "profile = \"perfect21\"\n[tokens]\naccess = \"11m\"\n[sessions]\nmax = 7\n[log]\nlevel = \"warn\"\n",
        ),
        (
            "box.env",
            "# ours\nAUTHD_TOKENS__ACCESS=12m\nAUTHD_LOG__LEVEL=debug\nAUTHD_SERVICE__NAME=\"My App\"\n",
        ),
    ]);
    inputs.env_file = Some("box.env".into());
    inputs.env = env(&[("AUTHD_LISTEN", "127.0.0.1:4000"), ("AUTHD_TOKENS__ACCESS", "13m")]);
    inputs.flags =
        vec![("listen".into(), "127.0.0.1:5000".into()), ("lockout.failures".into(), "9".into())];
    let loaded = load(&inputs).unwrap();
    assert_eq!(shown(&loaded, "server.listen"), ("127.0.0.1:5000", "flag --listen".into()));
    assert_eq!(shown(&loaded, "lockout.failures"), ("9", "flag --set lockout.failures".into()));
    assert_eq!(shown(&loaded, "tokens.access"), ("13m", "env AUTHD_TOKENS__ACCESS".into()));
    assert_eq!(shown(&loaded, "log.level"), ("debug", "box.env line 3".into()));
    assert_eq!(shown(&loaded, "sessions.max"), ("7", "authd.toml line 5".into()));
    assert_eq!(shown(&loaded, "tokens.algorithm"), ("RS256", "profile perfect21".into()));
    assert_eq!(shown(&loaded, "sessions.grace"), ("30s", "built-in".into()));
    assert_eq!(shown(&loaded, "profile"), ("perfect21", "authd.toml line 1".into()));
    assert_eq!(loaded.config.tokens.access, minutes(13));
    assert_eq!(loaded.config.service.name, "My App");
    assert_eq!(loaded.config.database, Database::File(inputs.dir.join("authd.db")));
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let (_dir, mut inputs) = folder(&[("other.toml", "db = \"x.db\"")]);
    assert!(load(&inputs).is_ok());
    inputs.file = Some("other.toml".into());
    assert_eq!(load(&inputs).unwrap().config.database, Database::File(inputs.dir.join("x.db")));
    inputs.file = Some("gone.toml".into());
    inputs.env_file = Some("gone.env".into());
    let text = load(&inputs).err().unwrap().to_string();
    assert!(text.contains("gone.toml: ") && text.contains("gone.env: "), "{text}");
}

#[test]
fn the_standard_profile_has_its_figures() {
    let config = loaded(&[]).config;
    assert_eq!(
        (config.profile.as_str(), config.public_url().as_str()),
        ("standard", "http://localhost:3000")
    );
    assert_eq!((config.tokens.algorithm, config.tokens.access), (Algorithm::Es256, minutes(15)));
    let days = |count: u64| Duration::from_hours(24 * count);
    let sessions = &config.sessions;
    assert_eq!(
        (sessions.idle, sessions.absolute, sessions.short),
        (days(30), Some(days(90)), days(1))
    );
    assert_eq!(
        (sessions.rotate, sessions.grace, sessions.max),
        (RotationPolicy::Always, Duration::from_secs(30), 20)
    );
    let rules = &config.password;
    assert_eq!(
        (rules.min_length, rules.max_length, rules.blocklist, rules.personal),
        (12, 256, true, true)
    );
    assert!(!rules.upper && !rules.lower && !rules.digit && !rules.symbol);
    assert!(
        config.signup.verify_email
            && !config.signup.reveal_existing
            && config.signup.require.is_empty()
    );
    assert_eq!((config.signup.remove_unproved, config.links.verify_life), (days(7), days(1)));
    assert_eq!((config.links.reset_life, &config.links.reset), (Duration::from_hours(1), &None));
    assert!(config.throttle.enabled && !config.lockout.enabled);
    assert_eq!((config.throttle.failures, config.throttle.window), (10, minutes(15)));
    assert_eq!((config.throttle.longest_wait, config.throttle.known_for), (minutes(60), days(90)));
    assert_eq!((config.throttle.account_failures, config.throttle.account_window), (100, days(1)));
    let smooth = |count, minutes| {
        Some(Rate { count, window: Duration::from_mins(minutes), shape: Shape::Smooth })
    };
    let limits = &config.limits;
    assert_eq!((limits.rate(Limit::General), limits.token_factor), (smooth(600, 1), 10));
    assert_eq!(
        (limits.rate(Limit::SignIn), limits.rate(Limit::SignUp)),
        (smooth(30, 1), smooth(10, 1))
    );
    assert_eq!(
        (limits.rate(Limit::Refresh), limits.rate(Limit::Resend)),
        (smooth(30, 1), smooth(10, 60))
    );
    assert_eq!(limits.rate(Limit::VerifyEmail), smooth(60, 1));
    let window =
        |count| Some(Rate { count, window: Duration::from_hours(1), shape: Shape::Window });
    assert_eq!((limits.mail_address, limits.mail_client), (window(5), window(20)));
    assert_eq!(
        (config.hashing.memory, config.hashing.passes, config.hashing.threads),
        (19_456, 2, None)
    );
    assert!(config.mail.smtp.is_none() && config.server.trusted_proxies.is_none());
}

#[test]
fn the_perfect21_profile_has_its_documents_figures() {
    let config = loaded(&[("AUTHD_PROFILE", "perfect21")]).config;
    assert_eq!((config.tokens.algorithm, config.tokens.access), (Algorithm::Rs256, minutes(15)));
    let sessions = &config.sessions;
    assert_eq!((sessions.idle, sessions.absolute), (Duration::from_hours(7 * 24), None));
    assert_eq!(
        (sessions.short, sessions.rotate, sessions.max),
        (Duration::from_hours(24), RotationPolicy::Cookie, 5)
    );
    let rules = &config.password;
    assert_eq!(
        (rules.min_length, rules.max_length, rules.blocklist, rules.personal),
        (12, 256, false, false)
    );
    assert!(rules.upper && rules.lower && rules.digit && rules.symbol);
    assert!(config.signup.verify_email && config.signup.reveal_existing);
    let required: Vec<SignUpField> = config.signup.require.into_iter().collect();
    assert_eq!(required, [SignUpField::Username, SignUpField::FirstName, SignUpField::LastName]);
    assert!(!config.throttle.enabled && config.lockout.enabled);
    assert_eq!((config.lockout.failures, config.lockout.duration), (5, minutes(30)));
    let window = |count, span| Some(Rate { count, window: minutes(span), shape: Shape::Window });
    let limits = &config.limits;
    assert_eq!((limits.general, limits.sign_in), (window(100, 15), window(5, 15)));
    assert_eq!(
        (limits.sign_up, limits.resend, limits.refresh),
        (window(3, 60), window(3, 60), window(5, 15))
    );
}

#[test]
fn a_document_variable_counts_under_its_profile_and_nowhere_else() {
    let variables = [
        ("NODE_ENV", "test"),
        ("PORT", "8080"),
        ("JWT_ACCESS_EXPIRY", "5m"),
        ("JWT_REFRESH_EXPIRY", "3d"),
        ("RATE_LIMIT_WINDOW", "10"),
        ("RATE_LIMIT_MAX", "50"),
        ("AUTH_RATE_LIMIT_MAX", "4"),
        ("ALLOWED_ORIGINS", "https://a.example.org, https://b.example.org/"),
        ("SMTP_HOST", "mx.example.org"),
        ("SMTP_PORT", "465"),
        ("SMTP_USER", "me"),
        ("SMTP_PASSWORD", "canary-1"),
        ("SMTP_FROM", "Our App <noreply@example.org>"),
        ("LOG_LEVEL", "verbose"),
        ("ENABLE_ACCOUNT_LOCKOUT", "false"),
        ("LOCKOUT_DURATION", "45"),
        ("MAX_FAILED_ATTEMPTS", "3"),
        ("SESSION_TIMEOUT", "12h"),
        ("MAX_CONCURRENT_SESSIONS", "2"),
    ];
    let mut under: Vec<(&str, &str)> = vec![("AUTHD_PROFILE", "perfect21")];
    under.extend(variables);
    let first = loaded(&under);
    let config = &first.config;
    assert_eq!(config.server.environment, Environment::Development);
    assert_eq!(config.server.listen, "0.0.0.0:8080".parse().unwrap());
    assert_eq!(config.public_url(), "http://localhost:8080");
    assert_eq!(
        (config.tokens.access, config.sessions.idle),
        (minutes(5), Duration::from_hours(72))
    );
    let general = config.limits.general.unwrap();
    assert_eq!((general.count, general.window), (50, minutes(10)));
    let (sign_in, refresh) = (config.limits.sign_in.unwrap(), config.limits.refresh.unwrap());
    assert_eq!((sign_in.count, refresh.count, sign_in.window), (4, 4, minutes(15)));
    assert_eq!(config.server.cors_origins, ["https://a.example.org", "https://b.example.org"]);
    let smtp = config.mail.smtp.as_ref().unwrap();
    assert_eq!(
        (smtp.host.as_str(), smtp.port, smtp.protection),
        ("mx.example.org", 465, Protection::Tls)
    );
    assert_eq!(smtp.login.as_ref().unwrap().1.reveal(), "canary-1");
    assert_eq!(
        (config.mail.from.as_str(), config.log.level.as_str()),
        ("Our App <noreply@example.org>", "debug")
    );
    assert!(!config.lockout.enabled);
    assert_eq!((config.lockout.failures, config.lockout.duration), (3, minutes(45)));
    assert_eq!((config.sessions.short, config.sessions.max), (Duration::from_hours(12), 2));
    assert_eq!(shown(&first, "server.listen").1, "env PORT");

    let standard = loaded(&variables).config;
    assert_eq!(standard.server.listen, "127.0.0.1:3000".parse().unwrap());
    assert!(standard.mail.smtp.is_none());
}

#[test]
fn two_variables_that_contradict_each_other_are_refused_and_two_that_agree_are_not() {
    let text =
        refused(&[("AUTHD_PROFILE", "perfect21"), ("PORT", "1"), ("AUTHD_LISTEN", "127.0.0.1:2")]);
    assert!(
        text.contains("server.listen") && text.contains("PORT") && text.contains("AUTHD_LISTEN"),
        "{text}"
    );
    let text = refused(&[("AUTHD_LISTEN", "127.0.0.1:1"), ("AUTHD_SERVER__LISTEN", "127.0.0.1:2")]);
    assert!(text.contains("AUTHD_SERVER__LISTEN"), "{text}");
    loaded(&[("AUTHD_PROFILE", "perfect21"), ("PORT", "81"), ("AUTHD_LISTEN", "0.0.0.0:81")]);
    loaded(&[
        ("AUTHD_PROFILE", "perfect21"),
        ("JWT_ACCESS_EXPIRY", "900s"),
        ("AUTHD_TOKENS__ACCESS", "15m"),
    ]);
}

#[test]
fn variables_without_a_meaning_are_reported_and_never_honoured() {
    let (_dir, mut inputs) =
        folder(&[("box.env", "DB_HOST=old\nSOMETHING=1\nAUTHD_MASTER_KEY=canary\n")]);
    inputs.env_file = Some("box.env".into());
    inputs.env = env(&[
        ("AUTHD_PROFILE", "perfect21"),
        ("DATABASE_URL", "postgres://x"),
        ("REDIS_PORT", "1"),
        ("HOME", "/"),
    ]);
    let first = load(&inputs).unwrap();
    let names: Vec<&str> =
        first.config.ignored.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(names, ["DATABASE_URL", "DB_HOST", "REDIS_PORT", "SOMETHING"]);
    assert_eq!(first.master_key.as_ref().unwrap().reveal(), "canary");
    let check = check(&first.config, Vec::new());
    assert!(check.findings.iter().any(|f| f.key == "DATABASE_URL" && f.level == Severity::Hint));
    inputs.env.insert("UPLOAD_PATH".into(), "/app/uploads".into());
    let ignored = |inputs: &Inputs| load(inputs).unwrap().config.ignored.to_vec();
    let uploads = ignored(&inputs).into_iter().find(|variable| variable.name == "UPLOAD_PATH");
    assert!(uploads.unwrap().reason.contains("database"));
    inputs.env.remove("UPLOAD_PATH");
    for profile in ProfileName::all() {
        inputs.env.insert("AUTHD_PROFILE".into(), profile.name.into());
        let names: Vec<String> =
            ignored(&inputs).into_iter().map(|variable| variable.name).collect();
        assert_eq!(
            names,
            ["DATABASE_URL", "DB_HOST", "REDIS_PORT", "SOMETHING"],
            "{}",
            profile.name
        );
    }
}

#[test]
fn a_secret_in_an_argument_is_known() {
    for (key, value) in [
        ("tokens.secret", "x"),
        ("tokens__secret", "x"),
        ("sms.secret", "x"),
        ("sms.headers", "x: y"),
        ("sms.body", "key=x"),
        ("mail.smtp_password", "x"),
        ("mail.smtp-password", "x"),
        ("mail.smtp_url", "smtp://me:pw@host"),
        ("mail.smtp-url", "a:b@c"),
        ("sms.url", "https://me:pw@host/send"),
        ("sms.url", "https://sms.example/send?key=x"),
        ("db", "postgres://me:pw@host/db"),
        ("mail.smpt_url", "smtp://me:pw@host"),
    ] {
        assert!(is_secret(key, value), "{key}");
    }
    for (key, value) in [
        ("mail.smtp_url", "smtp://host:25"),
        ("mail.smtp_url", "smtp://me@host:25"),
        ("sms.url", "https://sms.example/send"),
        ("server.public_url", "https://a.example:8443"),
        ("links.verify", "https://a.example:8443/@me?token={token}"),
        ("mail.from", "Us: <us@example.com>"),
        ("public_url", "https://a.example:8443"),
        ("tokens.access", "5m"),
        ("tokens.secrets", "x"),
    ] {
        assert!(!is_secret(key, value), "{key} {value}");
    }
}

#[test]
fn names_that_a_platform_sets_for_its_neighbours_are_not_ours() {
    loaded(&[
        ("AUTHD_PORT", "tcp://10.0.0.1:80"),
        ("AUTHD_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("AUTHD_SERVICE_HOST", "10.0.0.1"),
        ("AUTHD_SERVICE_PORT", "80"),
        ("AUTHD_SERVICE_PORT_HTTP", "80"),
        ("AUTHD_LISTEN", ""),
    ]);
    assert!(
        refused(&[("AUTHD_PORT", "3000")]).contains("AUTHD_PORT (env AUTHD_PORT): unknown key")
    );
}

#[test]
fn listening_to_other_machines_without_a_public_url_is_warned_of_at_start() {
    assert!(loaded(&[("AUTHD_LISTEN", "0.0.0.0:3000")]).notes[0].contains("server.public_url"));
    assert!(loaded(&[("AUTHD_LISTEN", "[::1]:3000")]).notes.is_empty());
}

#[test]
fn every_error_is_listed_with_key_origin_allowed_values_and_nearest_spelling() {
    let (_dir, mut inputs) = folder(&[(
        "authd.toml",
        "[tokens]\nacess = \"5m\"\n[limits]\ngeneral = { count = 5, window = \"1m\", shape = \"smoth\" }\n[colour]\nred = 1\n",
    )]);
    inputs.env =
        env(&[("AUTHD_SERVER__LISTN", "x"), ("AUTHD_SESSIONS__MAX", "many"), ("AUTHD_LISTN", "x")]);
    inputs.flags = vec![("db".into(), "postgres://me:canary@box/db".into())];
    let text = load(&inputs).err().unwrap().to_string();
    insta::assert_snapshot!(text);
}

#[test]
fn an_unknown_profile_names_those_that_there_are() {
    let text = refused(&[("AUTHD_PROFILE", "perfect")]);
    assert!(
        text.contains(
            "expected standard or perfect21 or siteworks or jobpath or jobpsych or authbackend, got \"perfect\""
        ),
        "{text}"
    );
    assert!(text.contains("did you mean `perfect21`?"), "{text}");
}

#[test]
fn the_recorded_profile_is_used_and_another_one_is_said_aloud() {
    let mut inputs = from_env(&[]);
    inputs.recorded_profile = Some("perfect21".into());
    let first = load(&inputs).unwrap();
    assert_eq!(shown(&first, "profile"), ("perfect21", "database".into()));
    assert!(first.notes.is_empty());
    inputs.flags = vec![("profile".into(), "standard".into())];
    let other = load(&inputs).unwrap();
    assert_eq!(other.config.profile, "standard");
    assert_eq!(
        other.notes,
        ["using profile standard (flag --profile), but the database was started with perfect21"]
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let secret = "canary-canary-canary-canary-canary-1";
    let url = "smtp://user:canary@mx.example.org:2525";
    let first = loaded(&[
        ("AUTHD_TOKENS__ALGORITHM", "HS256"),
        ("AUTHD_TOKENS__SECRET", secret),
        ("AUTHD_MAIL__SMTP_URL", url),
    ]);
    assert_eq!(shown(&first, "tokens.secret").0, "***");
    assert_eq!(shown(&first, "mail.smtp_url").0, "smtp://***@mx.example.org:2525");
    for (url, expected) in [
        ("https://sms.example/send?key=canary", "https://sms.example/***"),
        ("https://sms.example:8443/canary", "https://sms.example:8443/***"),
        ("https://sms.example?key=canary", "https://sms.example/***"),
        ("https://sms.example/", "https://sms.example/"),
    ] {
        let texts = loaded(&[("AUTHD_SMS__URL", url), ("AUTHD_SMS__BODY", "{to} {text}")]);
        assert_eq!(shown(&texts, "sms.url").0, expected);
        let printed = format!("{:?} {}", texts.config, report::show_json(report::show(&texts)));
        assert!(!printed.contains("canary"), "{printed}");
    }
    let printed = format!(
        "{:?} {} {} {}",
        first.config,
        report::show_text(report::show(&first)),
        report::show_json(report::show(&first)),
        report::check_json(&check(&first.config, Vec::new()))
    );
    assert!(!printed.contains("canary"), "{printed}");
    for bad in [
        ("AUTHD_TOKENS__SECRET", "canary"),
        ("AUTHD_MAIL__SMTP_URL", "smtp://canary@mx"),
        ("AUTHD_MAIL__SMTP_PASSWORD", "canary"),
    ] {
        let text =
            refused(&[("AUTHD_TOKENS__ALGORITHM", "HS256"), ("AUTHD_MAIL__SMTP_HOST", "mx"), bad]);
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn weak_and_published_secrets_are_refused() {
    let hs256 = |secret: &str, environment: &str| {
        load(&from_env(&[
            ("AUTHD_TOKENS__ALGORITHM", "HS256"),
            ("AUTHD_TOKENS__SECRET", secret),
            ("AUTHD_SERVER__ENVIRONMENT", environment),
        ]))
    };
    let text = hs256("short", "development").err().unwrap().to_string();
    assert!(text.contains("expected at least 32 bytes, got 5"), "{text}");
    let printed = "your_access_token_secret_min_32_chars";
    assert!(hs256(printed, "production").err().unwrap().to_string().contains("public document"));
    assert!(hs256(printed, "development").unwrap().notes[0].contains("production refuses it"));
    assert!(hs256("0123456789abcdef0123456789abcdef", "production").is_ok());
}

#[test]
fn cheap_hashing_is_for_development_alone() {
    let cheap = |environment: &str| {
        load(&from_env(&[
            ("AUTHD_HASHING__MEMORY", "64"),
            ("AUTHD_HASHING__PASSES", "1"),
            ("AUTHD_SERVER__ENVIRONMENT", environment),
        ]))
    };
    assert!(cheap("development").unwrap().notes[0].contains("below OWASP's minimum"));
    assert!(cheap("production").err().unwrap().to_string().contains("hashing.memory"));
    assert!(
        loaded(&[("AUTHD_HASHING__MEMORY", "47104"), ("AUTHD_HASHING__PASSES", "1")])
            .notes
            .is_empty()
    );
}

#[test]
fn a_rate_is_disabled_by_off_or_a_count_of_zero_and_a_higher_layer_enables_it() {
    assert_eq!(from_file("[limits]\ngeneral = \"off\"").unwrap().config.limits.general, None);
    assert_eq!(from_file("[limits]\nsign_in.count = 0").unwrap().config.limits.sign_in, None);
    assert_eq!(loaded(&[("AUTHD_LIMITS__GENERAL", "off")]).config.limits.general, None);
    let (_dir, mut inputs) = folder(&[("authd.toml", "[limits]\ngeneral = \"off\"")]);
    inputs.env = env(&[("AUTHD_LIMITS__GENERAL__COUNT", "7")]);
    let on = load(&inputs).unwrap().config.limits.general.unwrap();
    assert_eq!((on.count, on.window, on.shape), (7, minutes(1), Shape::Smooth));
    inputs.env = env(&[("AUTHD_LIMITS__GENERAL__COUNT", "7"), ("AUTHD_LIMITS__GENERAL", "off")]);
    assert!(load(&inputs).err().unwrap().to_string().contains("contradicts"));
    assert!(
        from_file("[limits]\ngeneral = 5")
            .err()
            .unwrap()
            .contains("expected { count, window, shape }")
    );
}

#[test]
fn what_a_lower_layer_gives_can_be_taken_away() {
    assert_eq!(loaded(&[("AUTHD_SESSIONS__ABSOLUTE", "none")]).config.sessions.absolute, None);
    let (_dir, mut inputs) =
        folder(&[("authd.toml", "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]")]);
    assert_eq!(load(&inputs).unwrap().config.server.trusted_proxies.unwrap().len(), 1);
    inputs.env = env(&[("AUTHD_SERVER__TRUSTED_PROXIES", "[]")]);
    assert_eq!(load(&inputs).unwrap().config.server.trusted_proxies, Some(Vec::new()));
    inputs.env = env(&[("AUTHD_SERVER__TRUSTED_PROXIES", "none")]);
    assert_eq!(load(&inputs).unwrap().config.server.trusted_proxies, None);
    inputs.env = env(&[("AUTHD_SERVER__TRUSTED_PROXIES", "[\"192.0.2.1\", \"::1\"]")]);
    assert_eq!(load(&inputs).unwrap().config.server.trusted_proxies.unwrap().len(), 2);
    inputs.env = env(&[("AUTHD_SESSIONS__MAX", "none")]);
    assert!(load(&inputs).err().unwrap().to_string().contains("got \"none\""));
}

#[test]
fn values_that_do_not_fit_together_are_refused() {
    for (file, key) in [
        ("[sessions]\nabsolute = \"1h\"", "sessions.absolute"),
        ("[password]\nmin_length = 100\nmax_length = 64", "password.min_length"),
        ("[signup]\nremove_unproved = \"1h\"", "signup.remove_unproved"),
        ("[signup]\nrequire_email = false\n[login]\notp = \"email\"", "signup.require_email"),
        ("[signup]\nrequire_email = false\n[server]\nwire = \"siteworks\"", "signup.require_email"),
        ("[signup]\nrequire_email = false\n[server]\nwire = \"jobpath\"", "signup.require_email"),
        ("[signup]\nrequire_email = false\n[server]\nwire = \"jobpsych\"", "signup.require_email"),
        (
            "[signup]\nrequire_email = false\n[server]\nwire = \"authbackend\"",
            "signup.require_email",
        ),
        ("[throttle]\nlongest_wait = \"1s\"", "throttle.longest_wait"),
        ("[mail]\nsmtp_url = \"smtp://a\"\nsmtp_host = \"b\"", "mail.smtp_host"),
        ("[mail]\nsmtp_host = \"b\"\nsmtp_user = \"c\"", "mail.smtp_user"),
        (
            "[mail]\nsmtp_url = \"smtp://a:b@c\"\nsmtp_user = \"d\"\nsmtp_password = \"e\"",
            "mail.smtp_user",
        ),
        ("[mail]\ntemplates = \"gone\"", "mail.templates"),
        ("[server]\nservice_networks = [\"0.0.0.0/0\"]", "server.service_networks"),
        ("[server]\npublic_url = \"https://a.example.org/auth\"", "server.public_url"),
        ("[server]\ncors_origins = [\"*\"]", "server.cors_origins"),
        ("[server]\nlisten = 3000", "server.listen"),
        ("[links]\nverify = \"https://app.example.org/verify\"", "links.verify"),
        ("[links]\nverify = \"https://{token}.example.org/\"", "links.verify"),
        ("[links]\nverify = \"javascript:alert({token})\"", "links.verify"),
        ("[links]\nreset = \"https://app.example.org/reset\"", "links.reset"),
        ("[links]\nreset_life = \"0s\"", "links.reset_life"),
        ("[links]\nconfirm_email = \"//app.example.org/{token}\"", "links.confirm_email"),
        ("[service]\nname = \"a\\nb\"", "service.name"),
        ("[tokens]\naccess = 900", "tokens.access"),
        ("[audit]\nkeep = 1.5", "audit.keep"),
    ] {
        let text = from_file(file).err().unwrap_or_else(|| panic!("{file} was taken"));
        assert!(text.contains(key) && text.contains("authd.toml line "), "{text}");
    }
}

#[test]
fn a_password_may_come_from_elsewhere_than_its_mail_server() {
    let (_dir, mut inputs) = folder(&[(
        "authd.toml",
        "[mail]\nsmtp_url = \"smtp://mx.example.org\"\nsmtp_user = \"me\"",
    )]);
    inputs.env = env(&[("AUTHD_MAIL__SMTP_PASSWORD", "p")]);
    let smtp = load(&inputs).unwrap().config.mail.smtp.unwrap();
    assert_eq!((smtp.host.as_str(), smtp.login.is_some()), ("mx.example.org", true));
    let lone = loaded(&[("AUTHD_MAIL__SMTP_PASSWORD", "p")]);
    assert!(lone.config.mail.smtp.is_none() && lone.notes[0].contains("mail.smtp_host"));
    inputs.env =
        env(&[("AUTHD_MAIL__SMTP_PASSWORD", "p"), ("AUTHD_MAIL__SMTP_HOST", "other.example.org")]);
    assert_eq!(load(&inputs).unwrap().config.mail.smtp.unwrap().host, "other.example.org");
}

#[test]
fn service_calls_are_for_the_machine_itself_until_a_proxy_could_stand_before_it() {
    assert_eq!(loaded(&[]).config.service_networks(), Network::LOOPBACK);
    assert_eq!(
        loaded(&[("AUTHD_PUBLIC_URL", "http://localhost:3000")]).config.service_networks().len(),
        2
    );
    assert!(
        loaded(&[("AUTHD_PUBLIC_URL", "https://a.example.org")])
            .config
            .service_networks()
            .is_empty()
    );
    assert!(
        loaded(&[("AUTHD_SERVER__ENVIRONMENT", "production")]).config.service_networks().is_empty()
    );
}

#[test]
fn cookies_are_secure_behind_tls_and_in_production() {
    assert!(!loaded(&[]).config.is_secure());
    assert!(loaded(&[("AUTHD_PUBLIC_URL", "https://a.example.org/")]).config.is_secure());
    assert!(loaded(&[("AUTHD_SERVER__ENVIRONMENT", "production")]).config.is_secure());
}

#[test]
fn a_public_url_without_trusted_proxies_is_warned_of_at_start() {
    let public = ("AUTHD_PUBLIC_URL", "https://a.example.org");
    assert!(loaded(&[public]).notes[0].contains("trusted_proxies"));
    assert!(loaded(&[public, ("AUTHD_SERVER__TRUSTED_PROXIES", "[]")]).notes.is_empty());
}
