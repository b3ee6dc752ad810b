//! The OpenAPI document of the jobpsych wire: the errors of every operation, and examples.

use serde_json::{Value, json};

use crate::api::compat::jobpsych::{Jobpsych, JobpsychApi, UNCOUNTED};
use crate::config::Config;
use crate::error::Kind;
use crate::http::docs::openapi;
use crate::http::docs::openapi::Described;
use crate::http::extract::refresh_cookie;
use crate::http::extract::refresh_cookie::Naming;
use crate::http::server::policy;
use crate::identity::login::guard;

const EMAIL: &str = "john@example.com";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...";
const COOKIE_SCHEME: &str = "refreshCookie";

/// The document for this configuration.
pub(in crate::api) fn document(config: &Config) -> Value {
    let mut document = openapi::generated::<JobpsychApi>();
    let about = "Accounts with the refresh token in a cookie, files, and an upload quota that a second service can query.";
    openapi::introduce(&mut document, config, &[""], about);
    document["components"]["securitySchemes"][COOKIE_SCHEME] = json!({
        "type": "apiKey",
        "in": "cookie",
        "name": refresh_cookie::name(config, Naming::AsDocumented),
        "description": "The refresh token, set by a sign-up or a login.",
    });
    document["components"]["securitySchemes"]["serviceKey"] = json!({
        "type": "apiKey",
        "in": "header",
        "name": "X-Service-Key",
        "description": "A service's key. Callers from `server.service_networks` do not need one.",
    });
    for (path, method, security) in [
        ("/api/auth/refresh", "post", json!([{ COOKIE_SCHEME: [] }])),
        ("/api/auth/logout", "post", json!([{ COOKIE_SCHEME: [] }, { "bearerAuth": [] }, {}])),
        ("/api/auth/user-uploads/{email}", "get", json!([{ "serviceKey": [] }, {}])),
        ("/api/auth/increment-upload", "post", json!([{ "serviceKey": [] }, {}])),
        ("/api/auth/jwt-info", "get", json!([{ "serviceKey": [] }, {}])),
    ] {
        document["paths"][path][method]["security"] = security;
    }
    policy::publish_passwords(&mut document, &config.password);
    openapi::complete(&mut document, &Jobpsych::under(config), &operations(), &UNCOUNTED);
    let health = &mut document["paths"]["/health"]["get"]["responses"];
    let mut unwell = health["200"]["content"]["application/json"]["example"].clone();
    unwell["status"] = "UNAVAILABLE".into();
    unwell["database"] = "disconnected".into();
    health["503"]["content"]["application/json"]["example"] = unwell;
    for path in ["/api/auth/register", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout"] {
        let success = if path.ends_with("register") { "201" } else { "200" };
        document["paths"][path]["post"]["responses"][success]["headers"]["Set-Cookie"] = json!({
            "description": "Sets or clears the cookie with the refresh token.",
            "schema": { "type": "string" },
        });
    }
    openapi::share(&mut document);
    document
}

fn operations() -> Vec<Described> {
    let mut all = accounts();
    all.extend(services());
    all.extend(files());
    all.push(Described::new("getIndex", &[], index()));
    all.push(Described::new("getHealth", &[], health()));
    all
}

fn accounts() -> Vec<Described> {
    let sign_in =
        [Kind::InvalidCredentials, Kind::AccountSuspended, Kind::MfaRequired, Kind::AccountLocked];
    let refresh = [
        Kind::MissingRefreshToken,
        Kind::RefreshInvalid,
        Kind::RefreshRevoked,
        Kind::ForeignOrigin,
        Kind::Validation,
    ];
    let reset = [Kind::LinkInvalid, Kind::LinkExpired];
    let stats = json!({
        "email": EMAIL, "name": "John Doe", "totalUploads": 4, "limit": 10, "remaining": 6, "percentage": 40,
        "canUpload": true,
    });
    vec![
        Described::new(
            "register",
            &[Kind::EmailTaken],
            session("User registered successfully", 0),
        )
        .taking(
            "account",
            json!({
                "name": "John Doe", "email": EMAIL, "password": "securePassword123", "company_name": "Acme Corp",
            }),
        ),
        Described::new("login", &sign_in, session("Login successful", 2))
            .taking("password", json!({ "email": EMAIL, "password": "securePassword123" })),
        Described::new(
            "refresh",
            &refresh,
            json!({ "success": true, "message": "Token refreshed successfully", "accessToken": TOKEN }),
        ),
        Described::new("logout", &[Kind::ForeignOrigin, Kind::Validation], done("Logged out successfully")),
        Described::new("resetPassword", &reset, done("Password reset email sent if account exists"))
            .taking("ask", json!({ "email": EMAIL }))
            .taking("set", json!({ "token": "reset-token-from-email", "newPassword": "newSecurePassword123" })),
        Described::new("getProfile", &[], json!({ "success": true, "user": user(2) })),
        Described::new(
            "changePassword",
            &[Kind::WrongCurrentPassword, Kind::AccountLocked, guard::USED_UP],
            done("Password changed successfully"),
        )
        .taking("passwords", json!({ "currentPassword": "securePassword123", "newPassword": "newSecurePassword123" })),
        Described::new("getUploadStats", &[], json!({ "success": true, "stats": stats })),
    ]
}

fn services() -> Vec<Described> {
    let uploads = json!({
        "success": true, "email": EMAIL, "filesUploaded": 3, "limit": 10, "remaining": 7,
        "message": "Upload statistics retrieved successfully",
    });
    let incremented = json!({
        "success": true, "message": "Upload count incremented successfully", "email": EMAIL, "filesUploaded": 4,
        "limit": 10, "remaining": 6,
    });
    let decoded =
        json!({ "userId": "1", "email": EMAIL, "iat": 1_759_467_600, "exp": 1_759_468_500 });
    let bad_token = [Kind::TokenInvalid, Kind::TokenExpired, Kind::SessionEnded];
    vec![
        Described::new(
            "getUserUploads",
            &[Kind::Validation, Kind::Forbidden, Kind::AccountNotFound],
            uploads,
        ),
        Described::new(
            "incrementUpload",
            &[Kind::Forbidden, Kind::AccountNotFound, Kind::UploadLimitReached],
            incremented,
        )
        .taking("address", json!({ "email": EMAIL })),
        Described::new("verifyToken", &bad_token, json!({ "success": true, "decoded": decoded }))
            .taking("token", json!({ "token": TOKEN })),
        Described::new("getJwtInfo", &[Kind::Forbidden], jwt_info()),
    ]
}

fn files() -> Vec<Described> {
    let file = json!({
        "id": "018c2f3e-5b7a-7000-8000-000000000000", "name": "cv.pdf", "size": 48213, "type": "application/pdf",
        "uploadedAt": "2025-10-03T05:00:00.000Z",
    });
    let uploaded = json!({
        "success": true, "message": "File uploaded successfully", "file": file, "filesUploaded": 4, "limit": 10,
        "remaining": 6,
    });
    let stats = json!({ "totalFiles": 3, "totalSize": 144_639, "limit": 10, "remaining": 6, "percentage": 40 });
    vec![
        Described::new("uploadFile", &[Kind::UploadLimitReached], uploaded),
        Described::new("getFileStats", &[], json!({ "success": true, "stats": stats })),
        Described::new("listFiles", &[], json!({ "success": true, "files": [file] })),
        Described::new("getFile", &[Kind::NotFound], Value::Null),
        Described::new("deleteFile", &[Kind::NotFound], done("File deleted successfully")),
    ]
}

fn done(message: &str) -> Value {
    json!({ "success": true, "message": message })
}

fn user(uploaded: i64) -> Value {
    json!({
        "id": "1", "name": "John Doe", "email": EMAIL, "company_name": "Acme Corp", "filesUploaded": uploaded,
    })
}

fn session(message: &str, uploaded: i64) -> Value {
    json!({ "success": true, "message": message, "accessToken": TOKEN, "user": user(uploaded) })
}

fn jwt_info() -> Value {
    json!({
        "success": true,
        "message": "JWT configuration information",
        "jwtInfo": {
            "algorithm": "HS256", "accessTokenExpiry": "15m", "refreshTokenExpiry": "7d", "secretLength": 64,
            "secretFirstChars": "0123456789", "secretLastChars": "abcdef012", "secretFingerprint": "9f86d081884c7d65",
            "environment": "development", "timestamp": "2025-10-03T05:00:00.000Z",
        },
        "note": "Share this info with FastAPI team to ensure JWT secrets match",
    })
}

fn index() -> Value {
    json!({
        "success": true, "message": "JobPsych Auth API", "version": "2.0.0",
        "endpoints": { "auth": "/api/auth", "files": "/api/files", "health": "/health" }, "documentation": "/docs",
    })
}

fn health() -> Value {
    json!({
        "status": "OK", "service": "jobpsych-auth-api", "uptime": 12_345.67, "timestamp": "2025-10-03T05:00:00.000Z",
        "version": "2.0.0", "environment": "production", "database": "connected",
        "features": {
            "authentication": "active", "rateLimiting": "active", "fileUploads": "active",
            "fastapiIntegration": "active",
        },
    })
}
