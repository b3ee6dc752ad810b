//! The OpenAPI document of the siteworks wire: the errors of every operation, and examples.

use serde_json::{Value, json};

use crate::api::compat::siteworks::{Siteworks, SiteworksApi};
use crate::config::Config;
use crate::error::Kind;
use crate::http::docs::openapi;
use crate::http::docs::openapi::Described;
use crate::http::server::policy;
use crate::identity::login::guard;

const EMAIL: &str = "user@example.com";
const NAME: &str = "John Doe";
const PASSWORD: &str = "SecurePass123!";
const ID: &str = "123e4567-e89b-12d3-a456-426614174000";

/// The document for this configuration.
pub(in crate::api) fn document(config: &Config) -> Value {
    let mut document = openapi::generated::<SiteworksApi>();
    let about =
        "Sign-up, login and sessions with a token pair in the body. All errors share one envelope.";
    openapi::introduce(&mut document, config, &[""], about);
    policy::publish_passwords(&mut document, &config.password);
    openapi::complete(&mut document, &Siteworks, &operations(), &[]);
    openapi::share(&mut document);
    document
}

fn operations() -> Vec<Described> {
    let sign_in =
        [Kind::InvalidCredentials, Kind::AccountSuspended, Kind::MfaRequired, Kind::AccountLocked];
    let refresh = [Kind::RefreshInvalid];
    let change = [Kind::WrongCurrentPassword, Kind::AccountLocked, guard::USED_UP];
    vec![
        Described::new("register", &[Kind::EmailTaken], register_answer())
            .taking("account", json!({ "email": EMAIL, "password": PASSWORD, "name": NAME })),
        Described::new("login", &sign_in, login_answer())
            .taking("password", json!({ "email": EMAIL, "password": PASSWORD })),
        Described::new("refresh", &refresh, refresh_answer())
            .taking("token", json!({ "refreshToken": "refresh_token" })),
        Described::new("logout", &[], done("Logged out successfully"))
            .taking("token", json!({ "refreshToken": "refresh_token" })),
        Described::new("logoutAll", &[], done("Logged out from all devices successfully")),
        Described::new("getProfile", &[], json!({ "success": true, "user": profile(NAME) })),
        Described::new("updateProfile", &[], updated())
            .taking("name", json!({ "name": "Updated Name" })),
        Described::new("changePassword", &change, done("Password changed successfully")).taking(
            "passwords",
            json!({ "currentPassword": "OldPass123!", "newPassword": "NewSecurePass456!" }),
        ),
    ]
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

fn tokens() -> Value {
    json!({
        "accessToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
        "refreshToken": "def502004e6a0b5c9df6e5...",
        "expiresAt": "2024-01-08T00:00:00.000Z",
    })
}

fn register_answer() -> Value {
    json!({
        "success": true,
        "message": "User registered successfully",
        "user": {
            "id": ID,
            "email": EMAIL,
            "name": NAME,
            "isVerified": true,
            "isActive": true,
            "createdAt": "2024-01-01T00:00:00.000Z",
        },
        "tokens": tokens(),
    })
}

fn login_answer() -> Value {
    json!({
        "success": true,
        "message": "Login successful",
        "user": {
            "id": ID,
            "email": EMAIL,
            "name": NAME,
            "isVerified": true,
            "isActive": true,
            "lastLoginAt": "2024-01-01T00:00:00.000Z",
        },
        "tokens": tokens(),
    })
}

fn refresh_answer() -> Value {
    json!({ "success": true, "message": "Token refreshed successfully", "tokens": tokens() })
}

fn profile(name: &str) -> Value {
    json!({
        "id": ID,
        "email": EMAIL,
        "name": name,
        "isVerified": true,
        "isActive": true,
        "lastLoginAt": "2024-01-01T00:00:00.000Z",
        "createdAt": "2024-01-01T00:00:00.000Z",
        "updatedAt": "2024-01-01T00:00:00.000Z",
    })
}

fn updated() -> Value {
    json!({ "success": true, "message": "Profile updated successfully", "user": profile("Updated Name") })
}
