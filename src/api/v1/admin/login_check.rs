//! Why an account cannot log in: the response, and its conversion.

use poem_openapi::Object;

use super::super::view::time;
use crate::identity::admin::login_check::{LoginCheck, LoginMethods, Obstacle};

/// What an account logs in with, and what stands in the way.
#[derive(Debug, Object)]
pub struct ShownLoginCheck {
    /// What the account can log in with.
    pub methods: ShownLoginMethods,
    /// What stands in the way, those that refuse every login first.
    pub obstacles: Vec<ShownObstacle>,
}

/// What an account can log in with.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownLoginMethods {
    /// Whether it has a password.
    pub password: bool,
    /// Number of passkeys.
    pub passkeys: usize,
    /// Number of security keys.
    pub security_keys: usize,
    /// Types of its second factors: `totp`, `email` or `sms`.
    pub mfa: Vec<String>,
    /// Number of backup codes that are left.
    pub backup_codes: i64,
    /// Providers with a connected account.
    pub providers: Vec<String>,
    /// Whether the server mails codes to log in with.
    pub mailed_codes: bool,
}

/// Something that stands in the way of a login.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ShownObstacle {
    /// What it is, such as `suspended`, `locked_out` or `mail_failed`.
    pub code: String,
    /// When it began, or happened last.
    pub since: Option<String>,
    /// When it ends by itself.
    pub until: Option<String>,
    /// The client's IP address, if it concerns only one.
    pub ip_address: Option<String>,
    /// Further detail, such as the answer of the mail server.
    pub detail: Option<String>,
    /// Number of occurrences.
    pub count: i64,
}

/// Converts what was found.
pub(super) fn shown(check: LoginCheck) -> ShownLoginCheck {
    let LoginMethods { factors, .. } = &check.methods;
    let mfa = factors.iter().map(|factor| factor.kind.as_str().to_owned()).collect();
    let obstacle = |obstacle: Obstacle| ShownObstacle {
        code: obstacle.kind.as_str().to_owned(),
        since: time(obstacle.since),
        until: time(obstacle.until),
        ip_address: obstacle.client_ip,
        detail: obstacle.detail,
        count: obstacle.count,
    };
    ShownLoginCheck {
        methods: ShownLoginMethods {
            mfa,
            password: check.methods.has_password,
            passkeys: check.methods.passkeys,
            security_keys: check.methods.security_keys,
            backup_codes: check.methods.backup_codes,
            providers: check.methods.providers,
            mailed_codes: check.methods.has_mailed_codes,
        },
        obstacles: check.obstacles.into_iter().map(obstacle).collect(),
    }
}

super::super::types::answers! {
    /// Why an account cannot log in.
    LoginCheckAnswer(ShownLoginCheck);
}
