//! One entry per operation: the errors it can return, and example requests and responses.

mod mfa;
mod passkeys;
mod providers;
mod recovery;
mod service;

use serde_json::{Value, json};

use crate::error::Kind;
use crate::http::docs::openapi::Described;

pub(super) const EMAIL: &str = "user@example.com";
pub(super) const ID: &str = "123e4567-e89b-12d3-a456-426614174000";
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9...";
const PASSWORD: &str = "SecurePass123!";

/// All operations. A test fails if one is missing.
pub(super) fn operations() -> Vec<Described> {
    let mut all = authentication();
    all.extend(email_verification());
    all.extend(user_management());
    all.extend(super::admin::examples::operations());
    all.extend(recovery::operations());
    all.extend(mfa::operations());
    all.extend(passkeys::operations());
    all.extend(providers::operations());
    all.extend(service::operations());
    all.extend(files());
    all.push(Described::new("getHealth", &[], health_answer()));
    all.extend(system());
    all
}

fn authentication() -> Vec<Described> {
    let sign_up = [Kind::EmailTaken, Kind::UsernameTaken];
    let sign_in = [
        Kind::MissingCredentials,
        Kind::InvalidCredentials,
        Kind::EmailUnverified,
        Kind::AccountSuspended,
        Kind::AccountDeleted,
        Kind::AccountLocked,
        Kind::MfaRequired,
    ];
    let refresh = [
        Kind::MissingRefreshToken,
        Kind::RefreshInvalid,
        Kind::RefreshRevoked,
        Kind::ForeignOrigin,
    ];
    let sign_out = [Kind::RefreshInvalid, Kind::RefreshRevoked, Kind::ForeignOrigin];
    vec![
        Described::new("register", &sign_up, register_answer())
            .taking("account", register_request()),
        Described::new("login", &sign_in, login_answer())
            .taking("email", json!({ "email": EMAIL, "password": PASSWORD, "rememberMe": true }))
            .taking(
                "username",
                json!({ "username": "johndoe", "password": PASSWORD, "rememberMe": false }),
            ),
        Described::new("refresh", &refresh, refresh_answer())
            .taking("body", json!({ "refreshToken": "def502004e6a0b5c9df6e5..." })),
        Described::new("logout", &sign_out, done("Logged out successfully"))
            .taking("here", json!({ "logoutAllDevices": false })),
        Described::new("logoutAll", &[], done("Logged out successfully")),
    ]
}

fn email_verification() -> Vec<Described> {
    let link = [Kind::MissingLinkToken, Kind::LinkInvalid, Kind::LinkExpired];
    let token = json!({ "token": "abc123def456ghi789..." });
    vec![
        Described::new("verifyEmail", &link, done("Email verified successfully"))
            .taking("token", token.clone()),
        Described::new(
            "resendVerification",
            &[],
            done("Verification email sent if the account exists and is not verified"),
        )
        .taking("address", json!({ "email": EMAIL })),
        Described::new("disownEmail", &link, done("Account removed")).taking("token", token),
    ]
}

fn user_management() -> Vec<Described> {
    vec![
        Described::new("getProfile", &[], profile_answer()),
        Described::new("updateProfile", &[], update_answer()).taking(
            "profile",
            json!({ "firstName": "John", "lastName": "Smith", "phone": "+1234567890" }),
        ),
    ]
}

fn files() -> Vec<Described> {
    let file = json!({
        "id": ID, "name": "cv.pdf", "size": 48213, "type": "application/pdf", "uploadedAt": "2023-12-01T10:30:00Z",
    });
    let quota = json!({ "filesUploaded": 4, "limit": 10, "remaining": 6, "percentage": 40 });
    let uploaded = json!({
        "success": true, "message": "File uploaded successfully", "data": { "file": file, "quota": quota },
    });
    vec![
        Described::new("uploadFile", &[Kind::UploadLimitReached], uploaded),
        Described::new("listFiles", &[], json!({ "success": true, "data": [file] })),
        Described::new("getFile", &[Kind::NotFound], Value::Null),
        Described::new("deleteFile", &[Kind::NotFound], done("File deleted successfully")),
        Described::new("getQuota", &[], json!({ "success": true, "data": quota })),
    ]
}

pub(super) fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

fn register_request() -> Value {
    json!({
        "email": EMAIL, "username": "johndoe", "password": PASSWORD,
        "firstName": "John", "lastName": "Doe", "phone": "+1234567890",
    })
}

fn register_answer() -> Value {
    json!({
        "success": true,
        "message": "User registered successfully. Please check your email for verification.",
        "data": {
            "userId": ID, "email": EMAIL, "username": "johndoe", "status": "pending", "emailVerified": false,
            "createdAt": "2023-12-01T09:00:00Z",
        },
    })
}

fn login_answer() -> Value {
    json!({
        "success": true,
        "message": "Login successful",
        "data": {
            "accessToken": TOKEN, "refreshToken": "def502004e6a0b5c9df6e5...", "expiresIn": 900, "tokenType": "Bearer",
            "user": {
                "id": ID, "email": EMAIL, "username": "johndoe", "firstName": "John", "lastName": "Doe",
                "status": "active", "emailVerified": true, "roles": ["user"], "permissions": ["users.read"],
                "lastLogin": "2023-12-01T10:30:00Z",
            },
        },
    })
}

fn refresh_answer() -> Value {
    json!({ "success": true, "data": { "accessToken": TOKEN, "expiresIn": 900, "tokenType": "Bearer" } })
}

fn profile_answer() -> Value {
    json!({
        "success": true,
        "data": {
            "id": ID, "email": EMAIL, "username": "johndoe", "firstName": "John", "lastName": "Doe",
            "phone": "+1234567890", "status": "active", "emailVerified": true, "phoneVerified": false,
            "lastLogin": "2023-12-01T10:30:00Z", "createdAt": "2023-11-01T09:00:00Z",
            "updatedAt": "2023-12-01T10:30:00Z", "roles": ["user"], "permissions": ["users.read"],
        },
    })
}

fn update_answer() -> Value {
    json!({
        "success": true,
        "message": "Profile updated successfully",
        "data": {
            "id": ID, "email": EMAIL, "username": "johndoe", "firstName": "John", "lastName": "Smith",
            "phone": "+1234567890", "updatedAt": "2023-12-01T10:35:00Z",
        },
    })
}

fn health_answer() -> Value {
    json!({
        "status": "OK", "timestamp": "2023-12-01T10:30:00Z", "version": "1.0.0", "uptime": 86400,
        "services": { "database": "healthy", "redis": "not used", "email": "healthy" },
    })
}

/// The operations at the root. Their examples are the texts that they send.
fn system() -> Vec<Described> {
    let key = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "es256-4SSSAjZ3mIIvUGcI",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    vec![
        Described::new("getJwks", &[], json!({ "keys": [key] })),
        Described::new("getRelatedOrigins", &[], json!({ "origins": ["https://app.example.com"] })),
        Described::new("getLivez", &[], json!("ok")),
        Described::new("getReadyz", &[Kind::Unavailable], json!("ok")),
        Described::new("getMetrics", &[Kind::Forbidden], json!("# EOF")),
    ]
}
