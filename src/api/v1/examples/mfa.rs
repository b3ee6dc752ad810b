//! Second factors and one-time codes.

use serde_json::{Value, json};

use super::{EMAIL, ID, described, done, login_answer};
use crate::error::{Kind, Limit};
use crate::http::docs::openapi::Described;

const MADE: &str = "2023-12-01T10:30:00Z";

pub(super) fn operations() -> Vec<Described> {
    let code = json!({ "code": "123456" });
    let limit = Kind::TooMany(Limit::Factor);
    let shown = [Kind::MfaCodeInvalid, Kind::BackupCodeUsed, Kind::MfaNotEnabled, limit];
    let set_up = [Kind::Forbidden, Kind::ReauthenticationRequired, Kind::AlreadyExists, limit];
    let sent = [Kind::NotFound, Kind::TooMany(Limit::CodeRequest)];
    let logged_in =
        [Kind::NotFound, Kind::TooMany(Limit::Code), Kind::CodeInvalid, Kind::MfaRequired];
    let name = json!({ "deviceName": "My new phone" });
    vec![
        described("mfaSetup", &set_up, json!({ "success": true, "data": setup() }))
            .taking("totp", json!({ "type": "totp", "deviceName": "My iPhone" }))
            .taking("email", json!({ "type": "email" })),
        described("mfaVerify", &shown, done("MFA verified successfully"))
            .taking("code", code)
            .taking("device", json!({ "code": "123456", "deviceId": ID }))
            .taking("backupCode", json!({ "code": "MFRG-GZDF-MZTW-Q2LK" })),
        described(
            "mfaChallenge",
            &[Kind::TooMany(Limit::FactorSent)],
            done("Verification code sent by email"),
        )
        .taking("method", json!({ "method": "email" })),
        described(
            "mfaBackupCodes",
            &[Kind::ReauthenticationRequired, Kind::MfaNotEnabled, Kind::Conflict],
            backup_codes(),
        ),
        described("listMfa", &[], json!({ "success": true, "data": overview() })),
        described(
            "renameMfa",
            &[Kind::NotFound],
            json!({ "success": true, "data": device("My new phone") }),
        )
        .taking("name", name.clone()),
        described(
            "replaceMfaName",
            &[Kind::NotFound],
            json!({ "success": true, "data": device("My new phone") }),
        )
        .taking("name", name),
        described(
            "removeMfa",
            &[Kind::ReauthenticationRequired, Kind::NotFound, Kind::Conflict],
            done("MFA device removed"),
        ),
        described("otpRequest", &sent, done("Login code sent if account exists"))
            .taking("address", json!({ "email": EMAIL })),
        described("otpVerify", &logged_in, login_answer())
            .taking("code", json!({ "email": EMAIL, "code": "123456", "rememberMe": true })),
    ]
}

fn setup() -> Value {
    json!({
        "deviceId": ID, "type": "totp", "secret": "JBSWY3DPEHPK3PXP",
        "otpauthUri": "otpauth://totp/Example:user%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example",
        "qrCode": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA...", "backupCodes": ["MFRG-GZDF-MZTW-Q2LK"],
    })
}

fn backup_codes() -> Value {
    json!({ "success": true, "data": { "backupCodes": ["MFRG-GZDF-MZTW-Q2LK"] } })
}

fn device(name: &str) -> Value {
    json!({
        "id": ID, "type": "totp", "deviceName": name, "phone": null, "confirmed": true, "createdAt": MADE,
        "lastUsed": null,
    })
}

fn overview() -> Value {
    json!({ "enabled": true, "devices": [device("My iPhone")], "backupCodesLeft": 10 })
}
