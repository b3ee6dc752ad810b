//! The OpenAPI document of the jobpath wire: the errors of every operation, and examples.

use serde_json::{Value, json};

use crate::api::compat::jobpath::Jobpath;
use crate::api::compat::jobpath::auth::JobpathAuthApi;
use crate::config::Config;
use crate::error::Kind;
use crate::http::docs::openapi;
use crate::http::docs::openapi::Described;
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
    policy::publish_passwords(&mut document, &config.password);
    openapi::complete(&mut document, &Jobpath, &operations(), &[]);
    openapi::share(&mut document);
    document
}

fn operations() -> Vec<Described> {
    let sign_in =
        [Kind::InvalidCredentials, Kind::AccountSuspended, Kind::MfaRequired, Kind::AccountLocked];
    let user = || json!({ "id": ID, "email": EMAIL, "is_active": true });
    let created = json!({ "id": ID, "email": EMAIL, "created_at": "2024-02-06T10:30:00Z" });
    let logged_in = json!({
        "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
        "token_type": "bearer",
        "user": user(),
    });
    let account = || json!({ "email": EMAIL, "password": PASSWORD });
    vec![
        Described::new("signup", &[Kind::EmailTaken], created).taking("account", account()),
        Described::new("login", &sign_in, logged_in).taking("password", account()),
        Described::new("getCurrentUser", &[], user()),
        Described::new("logout", &[], json!({ "message": "Logged out successfully" })),
    ]
}
