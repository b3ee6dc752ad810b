//! The OpenAPI document of the jobpath wire: the errors of every operation, and examples.

use serde_json::{Value, json};

use crate::api::compat::jobpath::Jobpath;
use crate::api::compat::jobpath::auth::JobpathAuthApi;
use crate::config::Config;
use crate::error::{Kind, Limit};
use crate::http::docs::openapi;
use crate::http::docs::openapi::{Described, LimitCoverage};
use crate::http::server::policy;

const EMAIL: &str = "user@example.com";
const PASSWORD: &str = "SecurePass123";
const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

/// The document for this configuration.
pub(in crate::api) fn document(config: &Config) -> Value {
    let mut document = openapi::generated::<JobpathAuthApi>();
    let about =
        "Sign-up and login with one token that cannot be refreshed. All errors share one envelope.";
    openapi::introduce(&mut document, config, &[""], about);
    let schemas = &mut document["components"]["schemas"];
    policy::bound_password(
        &mut schemas["SignupRequest"]["properties"]["password"],
        &config.password,
    );
    openapi::complete(&mut document, &Jobpath, &operations());
    document
}

fn described(id: &'static str, errors: &[Kind], response: Value) -> Described {
    Described {
        id,
        errors: errors.to_vec(),
        counted: LimitCoverage::Yes,
        requests: Vec::new(),
        response,
    }
}

fn operations() -> Vec<Described> {
    let sign_in = [
        Kind::InvalidCredentials,
        Kind::AccountSuspended,
        Kind::MfaRequired,
        Kind::AccountLocked,
        Kind::TooMany(Limit::SignIn),
    ];
    let user = || json!({ "id": ID, "email": EMAIL, "is_active": true });
    let created = json!({ "id": ID, "email": EMAIL, "created_at": "2024-02-06T10:30:00Z" });
    let logged_in = json!({
        "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
        "token_type": "bearer",
        "user": user(),
    });
    let account = || json!({ "email": EMAIL, "password": PASSWORD });
    vec![
        described("signup", &[Kind::EmailTaken, Kind::TooMany(Limit::SignUp)], created)
            .taking("account", account()),
        described("login", &sign_in, logged_in).taking("password", account()),
        described("getCurrentUser", &[], user()),
        described("logout", &[], json!({ "message": "Logged out successfully" })),
    ]
}
