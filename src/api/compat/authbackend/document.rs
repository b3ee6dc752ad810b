//! The OpenAPI document of the authbackend wire: the errors of every operation, and examples.

use serde_json::{Value, json};

use crate::api::compat::authbackend::{Authbackend, AuthbackendApi, UNCOUNTED};
use crate::config::Config;
use crate::error::Kind;
use crate::http::docs::openapi;
use crate::http::docs::openapi::{Described, OtherGet};
use crate::http::extract::api_client;
use crate::http::server::policy;
use crate::identity::login::{guard, one_time_code};
use crate::model::Page;

const EMAIL: &str = "user@example.com";
const PASSWORD: &str = "SecurePass123!";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...";

/// The document for this configuration.
pub(in crate::api) fn document(config: &Config) -> Value {
    let mut document = openapi::generated::<AuthbackendApi>();
    let about = "Sign-up with email verification, login with a password and an emailed code, sessions, and \
                 administration. All errors share one envelope.";
    openapi::introduce(&mut document, config, &[""], about);
    policy::publish_passwords(&mut document, &config.password);
    let mut operations = [open(), own(), admin(), system()].concat();
    api_client::describe(&mut document, config, &mut operations);
    openapi::complete(&mut document, &Authbackend, &operations, &UNCOUNTED);
    describe_page(&mut document, config);
    openapi::share(&mut document);
    document
}

/// The page that the links in verification mail open. Its refusals are pages too.
fn describe_page(document: &mut Value, config: &Config) {
    let path = Page::VerifyEmail.path();
    let page = OtherGet {
        path,
        id: "verifyEmailPage",
        tag: "Authentication",
        summary: "Email verification page",
        description: "A page that verifies the address of the link, with `POST /api/auth/verify-email`.",
        success: "The page.",
        media_type: "text/html",
        schema_type: "string",
    };
    openapi::add_get(document, config, &page);
    let operation = &mut document["paths"][path]["get"];
    operation["security"] = json!([]);
    operation["parameters"] = json!([{
        "name": "token",
        "in": "query",
        "required": true,
        "description": "The token of the link.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 512 },
    }]);
    for (status, description) in [
        ("400", "The link has no token."),
        ("404", "The link is unknown."),
        ("410", "The link has expired."),
        ("500", "Internal Server Error"),
        ("503", "Service Unavailable"),
    ] {
        operation["responses"][status] = json!({
            "description": description,
            "content": { "text/html": { "schema": { "type": "string" } } },
        });
    }
    for response in
        operation["responses"].as_object_mut().into_iter().flat_map(|all| all.values_mut())
    {
        response["headers"]["X-Request-ID"] = openapi::header_ref("X-Request-ID");
    }
}

fn open() -> Vec<Described> {
    let sign_up = [Kind::EmailTaken, Kind::Forbidden];
    let sign_in = [
        Kind::InvalidCredentials,
        Kind::EmailUnverified,
        Kind::AccountSuspended,
        Kind::AccountDeleted,
        Kind::AccountLocked,
    ];
    let link = [Kind::LinkInvalid, Kind::LinkExpired];
    let code_used = [Kind::CodeInvalid, one_time_code::RESET_USED_UP];
    let code = json!({ "email": EMAIL, "otpCode": "123456" });
    let token = [Kind::TokenInvalid, Kind::TokenExpired, Kind::SessionEnded];
    vec![
        Described::new("signup", &sign_up, signed_up()).taking(
            "account",
            json!({ "email": EMAIL, "firstName": "John", "lastName": "Doe", "password": PASSWORD, "role": "user" }),
        ),
        Described::new("verifyEmail", &link, done("Email verified successfully"))
            .taking("token", json!({ "token": "verification-token-from-email" })),
        Described::new("login", &sign_in, waiting()).taking("password", json!({ "email": EMAIL, "password": PASSWORD })),
        Described::new("verifyOtp", &[Kind::MfaCodeInvalid], logged_in())
            .taking("code", code.clone()),
        Described::new(
            "passwordReset",
            &[],
            done("Password reset code sent to your email"),
        )
        .taking("address", json!({ "email": EMAIL })),
        Described::new(
            "passwordResetVerifyOtp",
            &code_used,
            done("OTP verified successfully"),
        )
        .taking("code", code),
        Described::new("passwordResetConfirm", &code_used, done("Password reset successfully"))
            .taking("password", json!({ "email": EMAIL, "otpCode": "123456", "newPassword": "NewSecurePass123!" })),
        Described::new("validateToken", &token, valid()).taking("token", json!({ "token": "jwt-token-here" })),
        Described::new(
            "refreshToken",
            &[Kind::RefreshInvalid, Kind::RefreshRevoked],
            json!({ "success": true, "message": "Token refreshed successfully", "data": { "token": TOKEN } }),
        )
        .taking("token", json!({ "refreshToken": "refresh-token-here" })),
    ]
}

fn own() -> Vec<Described> {
    let change = [Kind::WrongCurrentPassword, Kind::AccountLocked, guard::USED_UP];
    let session = json!({
        "sessionId": "session-1",
        "device": "Chrome on Windows",
        "lastActive": "2025-09-29T10:30:00Z",
        "isCurrent": true,
    });
    vec![
        Described::new("changePassword", &change, done("Password changed successfully")).taking(
            "passwords",
            json!({ "currentPassword": "OldPass123!", "newPassword": "NewSecurePass123!" }),
        ),
        Described::new("logout", &[], done("Logged out successfully")),
        Described::new("logoutAll", &[], done("Logged out from all devices successfully")),
        Described::new(
            "listSessions",
            &[],
            json!({ "success": true, "data": { "sessions": [session] } }),
        ),
        Described::new(
            "endSession",
            &[Kind::SessionNotFound],
            done("Session terminated successfully"),
        ),
    ]
}

fn admin() -> Vec<Described> {
    let missing = [Kind::AccountNotFound];
    let change = [Kind::AccountNotFound, Kind::LastAdmin];
    let figures = json!({ "totalUsers": 150, "verifiedUsers": 145, "totalLogins": 1250, "activeSessions": 45 });
    let logins = json!({
        "dailyLogins": [{ "date": "2025-09-29", "count": 45 }],
        "monthlyLogins": [{ "month": "2025-09", "count": 1250 }],
    });
    vec![
        Described::new(
            "listUsers",
            &[Kind::Validation],
            json!({ "success": true, "data": { "users": [user()] } }),
        ),
        Described::new("getUser", &missing, json!({ "success": true, "data": { "user": user() } })),
        Described::new("setUserRole", &change, done("User role updated successfully"))
            .taking("role", json!({ "role": "admin" })),
        Described::new("toggleUserLock", &change, done("User lock status updated")),
        Described::new("deleteUser", &change, done("User deleted successfully")),
        Described::new("getStats", &[], json!({ "success": true, "data": figures })),
        Described::new("getLogins", &[], json!({ "success": true, "data": logins })),
    ]
}

fn system() -> Vec<Described> {
    let health = json!({
        "success": true,
        "message": "Server is running",
        "timestamp": "2025-09-29T10:30:00Z",
        "environment": "development",
    });
    let index = json!({
        "success": true,
        "message": "Authentication API Server",
        "version": "1.0.0",
        "endpoints": { "auth": "/api/auth", "admin": "/api/admin", "health": "/health" },
        "documentation": "Check README.md for API documentation",
    });
    vec![
        Described::new("getHealth", &[Kind::Unavailable], health),
        Described::new("getIndex", &[], index),
    ]
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

fn signed_up() -> Value {
    json!({
        "success": true,
        "message": "User registered successfully. Please verify your email.",
        "data": { "userId": 1, "email": EMAIL, "emailVerificationRequired": true },
    })
}

fn waiting() -> Value {
    json!({
        "success": true,
        "message": "Verification code sent to your email",
        "data": { "email": EMAIL, "otpRequired": true },
    })
}

fn logged_in() -> Value {
    json!({
        "success": true,
        "message": "Login successful",
        "data": {
            "token": TOKEN,
            "refreshToken": "refresh-token-here",
            "user": { "id": 1, "email": EMAIL, "role": "user" },
            "sessionId": "session-uuid-here",
        },
    })
}

fn valid() -> Value {
    json!({
        "success": true,
        "message": "Token is valid",
        "data": { "userId": 1, "email": EMAIL, "role": "user" },
    })
}

fn user() -> Value {
    json!({
        "id": 1,
        "email": EMAIL,
        "firstName": "John",
        "lastName": "Doe",
        "role": "user",
        "isEmailVerified": true,
        "createdAt": "2025-09-29T10:00:00Z",
    })
}
