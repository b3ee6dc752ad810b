//! A configuration for the tests of this wire.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::{
    Algorithm, Audit, Config, Environment, Hashing, Limits, Links, Lockout, Log, LogFormat, Mail, PasswordRules,
    Rotate, Server, Service, Sessions, SignUp, SignUpField, Throttle, Tokens,
};

/// Asks for a user name besides address and password.
pub(super) fn config() -> Config {
    let day = Duration::from_secs(86400);
    Config {
        profile: "standard".into(),
        db: PathBuf::from("authd.db"),
        server: Server {
            listen: ([127, 0, 0, 1], 3000).into(),
            public_url: None,
            environment: Environment::Development,
            trusted_proxies: None,
            service_networks: None,
            cors_origins: Vec::new(),
            connections: 100,
            body_limit: 65536,
        },
        service: Service { name: "authd".into() },
        tokens: Tokens { algorithm: Algorithm::Es256, access: day, issuer: None, audience: None, secret: None },
        sessions: Sessions {
            idle: day,
            absolute: None,
            short: day,
            rotate: Rotate::Always,
            grace: Duration::from_secs(30),
            max: 20,
        },
        password: PasswordRules {
            min_length: 12,
            max_length: 256,
            upper: false,
            lower: false,
            digit: false,
            symbol: false,
            blocklist: true,
            personal: true,
        },
        signup: SignUp {
            verify_email: true,
            reveal_existing: false,
            require: BTreeSet::from([SignUpField::Username]),
            remove_unproved: day,
        },
        throttle: Throttle {
            enabled: true,
            failures: 10,
            window: day,
            first_wait: day,
            longest_wait: day,
            account_failures: 100,
            account_window: day,
            known_for: day,
        },
        lockout: Lockout { enabled: false, failures: 5, duration: day },
        limits: Limits {
            general: None,
            token_factor: 10,
            sign_in: None,
            sign_up: None,
            refresh: None,
            resend: None,
            verify_email: None,
            mail_address: None,
            mail_client: None,
        },
        links: Links { verify_life: day, verify: None },
        mail: Mail { smtp: None, from: "authd@example.com".into(), templates: None },
        hashing: Hashing { memory: 64, passes: 1, threads: None, queue: 8 },
        audit: Audit { keep: day },
        log: Log { level: "info".into(), format: LogFormat::Text },
    }
}
