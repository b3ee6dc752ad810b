//! Calls for other services, and reset codes.

use serde_json::{Value, json};

use super::{EMAIL, ID, TOKEN, described, done};
use crate::error::{Kind, Limit};
use crate::http::docs::openapi::Described;

pub(super) fn operations() -> Vec<Described> {
    let mut all = reset_codes();
    let quota = json!({
        "email": EMAIL, "quota": { "filesUploaded": 4, "limit": 10, "remaining": 6, "percentage": 40 },
    });
    let bad_token = [Kind::TokenInvalid, Kind::TokenExpired, Kind::SessionEnded];
    all.extend([
        described(
            "verifyToken",
            &bad_token,
            json!({ "success": true, "message": "Token is valid", "data": verified() }),
        )
        .taking("token", json!({ "token": TOKEN })),
        described(
            "introspectToken",
            &[Kind::Forbidden],
            json!({ "success": true, "data": { "active": true, "token": verified() } }),
        )
        .taking("token", json!({ "token": TOKEN })),
        described(
            "getQuotaOf",
            &[Kind::Validation, Kind::Forbidden, Kind::AccountNotFound],
            json!({ "success": true, "data": quota }),
        ),
        described(
            "countUpload",
            &[Kind::Forbidden, Kind::AccountNotFound, Kind::UploadLimitReached],
            json!({ "success": true, "message": "Upload counted", "data": quota }),
        )
        .taking("address", json!({ "email": EMAIL })),
        described("getJwtInfo", &[Kind::Forbidden], json!({ "success": true, "data": signing() })),
    ]);
    all
}

fn reset_codes() -> Vec<Described> {
    let code = |limit| [Kind::NotFound, Kind::CodeInvalid, Kind::TooMany(limit)];
    let shown = json!({ "email": EMAIL, "code": "123456" });
    vec![
        described(
            "resetCodeRequest",
            &[Kind::NotFound, Kind::TooMany(Limit::ForgotByCode)],
            done("Password reset code sent if account exists"),
        )
        .taking("address", json!({ "email": EMAIL })),
        described("resetCodeVerify", &code(Limit::ResetCode), done("Code verified successfully"))
            .taking("code", shown),
        described(
            "resetCodeConfirm",
            &code(Limit::ResetByCode),
            done("Password reset successfully"),
        )
        .taking(
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
