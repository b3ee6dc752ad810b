//! Calls for other services, and reset codes.

use serde_json::{Value, json};

use super::{EMAIL, ID, TOKEN, done};
use crate::error::Kind;
use crate::http::docs::openapi::Described;
use crate::identity::login::one_time_code;

pub(super) fn operations() -> Vec<Described> {
    let mut all = reset_codes();
    let quota = json!({
        "email": EMAIL, "quota": { "filesUploaded": 4, "limit": 10, "remaining": 6, "percentage": 40 },
    });
    let bad_token = [Kind::TokenInvalid, Kind::TokenExpired, Kind::SessionEnded];
    all.extend([
        Described::new(
            "verifyToken",
            &bad_token,
            json!({ "success": true, "message": "Token is valid", "data": verified() }),
        )
        .taking("token", json!({ "token": TOKEN })),
        Described::new(
            "introspectToken",
            &[Kind::Forbidden],
            json!({ "success": true, "data": { "active": true, "token": verified() } }),
        )
        .taking("token", json!({ "token": TOKEN })),
        Described::new(
            "getQuotaOf",
            &[Kind::Validation, Kind::Forbidden, Kind::AccountNotFound],
            json!({ "success": true, "data": quota }),
        ),
        Described::new(
            "countUpload",
            &[Kind::Forbidden, Kind::AccountNotFound, Kind::UploadLimitReached],
            json!({ "success": true, "message": "Upload counted", "data": quota }),
        )
        .taking("address", json!({ "email": EMAIL })),
        Described::new(
            "getJwtInfo",
            &[Kind::Forbidden],
            json!({ "success": true, "data": signing() }),
        ),
    ]);
    all
}

fn reset_codes() -> Vec<Described> {
    let code = [Kind::NotFound, Kind::CodeInvalid, one_time_code::RESET_USED_UP];
    let shown = json!({ "email": EMAIL, "code": "123456" });
    vec![
        Described::new(
            "resetCodeRequest",
            &[Kind::NotFound],
            done("Password reset code sent if account exists"),
        )
        .taking("address", json!({ "email": EMAIL })),
        Described::new("resetCodeVerify", &code, done("Code verified successfully"))
            .taking("code", shown),
        Described::new("resetCodeConfirm", &code, done("Password reset successfully")).taking(
            "password",
            json!({ "email": EMAIL, "code": "123456", "newPassword": "NewSecurePass123!" }),
        ),
    ]
}

fn verified() -> Value {
    json!({
        "userId": ID, "email": EMAIL, "username": "johndoe", "sessionId": "session-uuid-1", "roles": ["user"],
        "permissions": ["users.read"], "issuedAt": "2023-12-01T10:30:00Z", "expiresAt": "2023-12-01T10:45:00Z",
    })
}

fn signing() -> Value {
    json!({
        "algorithm": "HS256", "accessExpiresIn": 900, "refreshExpiresIn": 604_800,
        "secret": { "length": 64, "fingerprint": "9f86d081884c7d65" },
        "environment": "production",
    })
}
