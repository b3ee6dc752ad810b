//! Tests of the profiles that serve another API at the root: settings and variables of their
//! documents.

use std::time::Duration;

use super::*;
use crate::error::Limit;

const SECRET: &str = "a secret of our own that is long enough";

fn load_under(profile: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let named = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let env = named.chain([("AUTHD_PROFILE".to_owned(), profile.to_owned())]).collect();
    load(&Inputs { env, dir: "/nowhere".into(), ..Inputs::default() })
        .map_err(|problems| problems.to_string())
}

fn under(profile: &str, variables: &[(&str, &str)]) -> Loaded {
    load_under(profile, variables).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(profile: &str, variables: &[(&str, &str)]) -> String {
    load_under(profile, variables).err().unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

#[test]
fn the_siteworks_profile_has_its_documents_figures() {
    let config = under("siteworks", &[]).config;
    assert_eq!(
        (config.server.wire, config.server.listen.to_string()),
        (WireName::Siteworks, "127.0.0.1:8000".into())
    );
    assert_eq!((config.tokens.algorithm, config.tokens.access), (Algorithm::Hs256, minutes(15)));
    let sessions = &config.sessions;
    assert_eq!((sessions.idle, sessions.absolute), (Duration::from_hours(7 * 24), None));
    assert_eq!(sessions.rotate, RotationPolicy::Always);
    let rules = &config.password;
    assert_eq!((rules.min_length, rules.blocklist, rules.personal), (8, false, false));
    assert!(rules.upper && rules.lower && rules.digit && rules.symbol);
    assert!(!config.signup.verify_email && config.signup.reveal_existing && config.signup.logs_in);
    let window = |count| Some(Rate { count, window: minutes(15), shape: Shape::Window });
    let limits = &config.limits;
    assert_eq!((limits.rate(Limit::General), limits.rate(Limit::SignUp)), (window(100), window(5)));
    assert_eq!((limits.rate(Limit::SignIn), limits.rate(Limit::Refresh)), (window(10), window(20)));
}

#[test]
fn the_jobpath_profile_has_its_documents_figures() {
    let (config, standard) = (under("jobpath", &[]).config, under("standard", &[]).config);
    assert_eq!(
        (config.server.wire, config.server.listen.to_string()),
        (WireName::Jobpath, "127.0.0.1:8000".into())
    );
    assert_eq!((config.tokens.algorithm, config.tokens.access), (Algorithm::Hs256, minutes(30)));
    assert_eq!((config.sessions.idle, config.sessions.absolute), (minutes(30), None));
    let rules = &config.password;
    assert_eq!((rules.min_length, rules.blocklist, rules.personal), (8, false, false));
    assert!(!rules.upper && !rules.lower && !rules.digit && !rules.symbol);
    assert!(!config.signup.verify_email && config.signup.reveal_existing && !config.signup.logs_in);
    assert_eq!(config.limits.sign_in, standard.limits.sign_in);
    assert!(config.throttle.enabled && !config.lockout.enabled);
}

#[test]
fn the_variables_of_siteworks_mean_what_its_document_says() {
    let loaded = under(
        "siteworks",
        &[
            ("DATABASE_URL", "postgresql://username:password@localhost:5432/siteworks_db"),
            ("JWT_SECRET", "\"your-super-secret-jwt-key-here-make-it-long-and-random\""),
            ("JWT_ACCESS_EXPIRES_IN", "\"10m\""),
            ("BREVO_API_KEY", "your-brevo-api-key"),
            ("BREVO_SENDER_NAME", "SiteWorks"),
            ("BREVO_SENDER_EMAIL", "noreply@siteworks.com"),
            ("PORT", "8000"),
            ("NODE_ENV", "development"),
            ("FRONTEND_URL", "http://localhost:3000/"),
        ],
    );
    let config = &loaded.config;
    assert_eq!(
        (config.tokens.access, config.server.listen.to_string()),
        (minutes(10), "0.0.0.0:8000".into())
    );
    assert_eq!(
        (config.service.name.as_str(), config.mail.from.as_str()),
        ("SiteWorks", "SiteWorks <noreply@siteworks.com>")
    );
    assert_eq!(config.server.cors_origins, ["http://localhost:3000"]);
    assert!(config.tokens.has_published_secret());
    assert!(
        loaded.notes.iter().any(|note| note.contains("production refuses it")),
        "{:?}",
        loaded.notes
    );
    let ignored: Vec<&str> =
        loaded.config.ignored.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(ignored, ["BREVO_API_KEY", "DATABASE_URL"]);
}

#[test]
fn the_variables_of_jobpath_mean_what_its_document_says() {
    let loaded = under(
        "jobpath",
        &[
            ("APP_NAME", "JobPath"),
            ("APP_VERSION", "1.0.0"),
            ("DEBUG", "False"),
            ("DATABASE_URL", "postgresql+asyncpg://user:password@localhost:5432/jobpath_db"),
            ("DB_POOL_SIZE", "20"),
            ("JWT_SECRET_KEY", SECRET),
            ("JWT_ALGORITHM", "HS256"),
            ("ACCESS_TOKEN_EXPIRE_MINUTES", "45"),
            ("BCRYPT_ROUNDS", "12"),
            ("CORS_ORIGINS", "[\"https://yourdomain.com\", \"https://app.example.com\"]"),
            ("LOG_LEVEL", "WARNING"),
        ],
    );
    let config = &loaded.config;
    assert_eq!(
        (config.service.name.as_str(), config.server.environment),
        ("JobPath", Environment::Production)
    );
    assert_eq!((config.tokens.access, config.sessions.idle), (minutes(45), minutes(45)));
    assert_eq!(config.server.cors_origins, ["https://yourdomain.com", "https://app.example.com"]);
    assert_eq!(config.log.level, "warn");
    let ignored: Vec<&str> =
        loaded.config.ignored.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(ignored, ["APP_VERSION", "BCRYPT_ROUNDS", "DATABASE_URL", "DB_POOL_SIZE"]);
    let printed = under("jobpath", &[("CORS_ORIGINS", "localhost:3000,8000")]).config;
    let unset = under("jobpath", &[]).config;
    for config in [&printed, &unset, &under("jobpsych", &[]).config] {
        let origins = ["http://localhost:3000", "http://localhost:8000"];
        assert_eq!(config.server.cors_origins, origins);
    }
    let environment = |value: &str| under("jobpath", &[("DEBUG", value)]).config.server.environment;
    assert_eq!(
        (environment("True"), environment("0")),
        (Environment::Development, Environment::Production)
    );
}

#[test]
fn the_optional_variables_of_perfect21_mean_what_its_document_says() {
    let config = under(
        "perfect21",
        &[
            ("ENABLE_METRICS", "false"),
            ("ENABLE_MFA", "false"),
            ("MFA_ISSUER", "Your App Name"),
            ("UPLOAD_MAX_SIZE", "5MB"),
            ("UPLOAD_ALLOWED_TYPES", "jpg,PNG"),
        ],
    )
    .config;
    assert!(!config.metrics.enabled && !config.factors.enabled);
    assert_eq!(config.factors.issuer.as_deref(), Some("Your App Name"));
    let kinds: Vec<_> = config.files.kinds.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((config.files.size, kinds), (5_000_000, vec!["jpg", "png"]));
    assert!(refused("perfect21", &[("UPLOAD_ALLOWED_TYPES", "exe")]).contains("jpeg"));
    let config = under("perfect21", &[]).config;
    assert!(config.metrics.enabled && config.factors.enabled);
    let kinds: Vec<_> = config.files.kinds.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((config.files.size, kinds), (10_000_000, vec!["jpg", "jpeg", "png", "gif"]));
}

#[test]
fn the_sender_of_siteworks_has_its_name() {
    let from = |name| {
        let variables =
            [("BREVO_SENDER_EMAIL", "noreply@siteworks.com"), ("BREVO_SENDER_NAME", name)];
        under("siteworks", &variables).config.mail
    };
    for name in ["SiteWorks", "Site, Works & Co."] {
        let mail = from(name);
        assert_eq!(mail.from, format!("{name} <noreply@siteworks.com>"));
        assert_eq!(mail.sender_address().unwrap().key(), "noreply@siteworks.com");
    }
}

#[test]
fn the_secrets_that_the_documents_print_are_refused_in_production() {
    let printed = "your-super-secret-jwt-key-here-make-it-long-and-random";
    let text = refused("siteworks", &[("JWT_SECRET", printed), ("NODE_ENV", "production")]);
    assert!(text.contains("printed in a public document") && !text.contains(printed), "{text}");
    let printed = "your-super-secret-key-make-it-strong";
    assert!(under("jobpath", &[("JWT_SECRET_KEY", printed)]).config.tokens.has_published_secret());
    let text = refused("jobpath", &[("JWT_SECRET_KEY", printed), ("DEBUG", "False")]);
    assert!(text.contains("printed in a public document"), "{text}");
    assert!(
        refused("jobpath", &[("JWT_SECRET_KEY", "your-secret-key")]).contains("at least 32 bytes")
    );
}

#[test]
fn what_no_key_can_mean_is_refused_by_its_own_name() {
    for (profile, name, value) in [
        ("jobpath", "JWT_ALGORITHM", "none"),
        ("jobpath", "JWT_ALGORITHM", "HS1"),
        ("jobpath", "ACCESS_TOKEN_EXPIRE_MINUTES", "soon"),
        ("jobpath", "CORS_ORIGINS", "app.example.com,8000"),
        ("jobpath", "CORS_ORIGINS", "[\"*\"]"),
        ("jobpath", "DEBUG", "perhaps"),
        ("siteworks", "PORT", "many"),
        ("siteworks", "NODE_ENV", "moon"),
    ] {
        let text = refused(profile, &[(name, value)]);
        assert!(text.contains(&format!("env {name}")), "{name}={value}: {text}");
    }
}

#[test]
fn a_sign_up_that_logs_in_hides_no_address_and_waits_for_no_proof() {
    let text = refused("siteworks", &[("AUTHD_SIGNUP__REVEAL_EXISTING", "false")]);
    assert!(text.contains("signup.reveal_existing") && text.contains("signup.logs_in"), "{text}");
    assert!(
        refused("siteworks", &[("AUTHD_SIGNUP__VERIFY_EMAIL", "true")])
            .contains("signup.verify_email")
    );
    assert!(refused("siteworks", &[("AUTHD_LOGIN__OTP", "email")]).contains("login.otp"));
    assert!(
        refused("standard", &[("AUTHD_SERVER__WIRE", "sitework")])
            .contains("did you mean `siteworks`?")
    );
}

#[test]
fn the_authbackend_profile_has_its_documents_figures() {
    let config = under("authbackend", &[("PORT", "3000"), ("JWT_SECRET", SECRET)]).config;
    assert_eq!(
        (config.server.wire, config.server.listen.to_string()),
        (WireName::Authbackend, "0.0.0.0:3000".into())
    );
    assert_eq!((config.tokens.algorithm, config.tokens.access), (Algorithm::Hs256, minutes(15)));
    assert_eq!(
        (config.sessions.idle, config.sessions.rotate),
        (Duration::from_hours(7 * 24), RotationPolicy::Never)
    );
    assert!(config.signup.verify_email && config.signup.reveal_existing && !config.signup.logs_in);
    assert!(config.apps.required && config.links.post_at_once);
    assert_eq!(config.login.otp, LoginOtp::Email);
    let window = |count, window| Some(Rate { count, window, shape: Shape::Window });
    for limit in [Limit::SignUp, Limit::SignIn, Limit::VerifyEmail] {
        assert_eq!(config.limits.rate(limit), window(5, minutes(15)));
    }
    for limit in [Limit::Factor, Limit::Code] {
        assert_eq!(config.limits.rate(limit), window(3, minutes(10)));
    }
    for limit in [Limit::Forgot, Limit::Reset] {
        assert_eq!(config.limits.rate(limit), window(3, minutes(60)));
    }
}

#[test]
fn the_jobpsych_profile_has_its_documents_figures() {
    let (config, standard) = (under("jobpsych", &[]).config, under("standard", &[]).config);
    assert_eq!(
        (config.server.wire, config.server.listen.to_string()),
        (WireName::Jobpsych, "127.0.0.1:5000".into())
    );
    assert_eq!((config.tokens.algorithm, config.tokens.access), (Algorithm::Hs256, minutes(15)));
    let sessions = &config.sessions;
    assert_eq!((sessions.idle, sessions.absolute), (Duration::from_hours(7 * 24), None));
    assert_eq!(sessions.rotate, RotationPolicy::Always);
    let rules = &config.password;
    assert_eq!((rules.min_length, rules.blocklist, rules.personal), (8, false, false));
    assert!(!rules.upper && !rules.lower && !rules.digit && !rules.symbol);
    assert!(!config.signup.verify_email && config.signup.reveal_existing && config.signup.logs_in);
    assert_eq!((config.files.limit, config.files.size), (10, 10_000_000));
    assert_eq!(config.limits.sign_in, standard.limits.sign_in);
}

#[test]
fn the_variables_of_jobpsych_mean_what_its_document_says() {
    let loaded = under(
        "jobpsych",
        &[
            ("PORT", "5000"),
            ("NODE_ENV", "production"),
            ("DATABASE_URL", "postgresql://user:pass@host:5432/db"),
            ("JWT_ACCESS_SECRET", SECRET),
            ("JWT_SECRET", SECRET),
            ("JWT_REFRESH_SECRET", "your_refresh_secret_here"),
            ("JWT_ACCESS_EXPIRES_IN", "10m"),
            ("JWT_REFRESH_EXPIRES_IN", "5d"),
            ("CORS_ORIGINS", "https://app.example.com,http://localhost:3000"),
            ("UPLOAD_LIMIT", "25"),
        ],
    );
    let config = &loaded.config;
    assert_eq!(
        (config.server.listen.to_string(), config.server.environment),
        ("0.0.0.0:5000".into(), Environment::Production)
    );
    assert_eq!(config.tokens.secret.as_ref().map(crate::model::Secret::reveal), Some(SECRET));
    assert_eq!(
        (config.tokens.access, config.sessions.idle),
        (minutes(10), Duration::from_hours(5 * 24))
    );
    assert_eq!(config.server.cors_origins, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(config.files.limit, 25);
    let ignored: Vec<&str> =
        loaded.config.ignored.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(ignored, ["DATABASE_URL", "JWT_REFRESH_SECRET"]);

    let two = refused(
        "jobpsych",
        &[("JWT_ACCESS_SECRET", SECRET), ("JWT_SECRET", "another secret that is long enough, too")],
    );
    assert!(
        two.contains("JWT_ACCESS_SECRET")
            && two.contains("JWT_SECRET")
            && !two.contains("another secret"),
        "{two}"
    );
    let printed = "343164a0c3169c9defa93088fddfc759dbda6f11cd0322c67a7c086665cbe75a";
    assert!(under("jobpsych", &[("JWT_SECRET", printed)]).config.tokens.has_published_secret());
    let text = refused("jobpsych", &[("JWT_SECRET", printed), ("NODE_ENV", "production")]);
    assert!(text.contains("printed in a public document") && !text.contains(printed), "{text}");
    assert!(
        refused("jobpsych", &[("JWT_SECRET", "your_64_char_secret_here")])
            .contains("at least 32 bytes")
    );
    for (name, value) in
        [("UPLOAD_LIMIT", "many"), ("JWT_ACCESS_EXPIRES_IN", "soon"), ("CORS_ORIGINS", "*")]
    {
        assert!(refused("jobpsych", &[(name, value)]).contains(&format!("env {name}")), "{name}");
    }
}
