//! Second factors and one-time codes.

use serde_json::{Value, json};

use super::{EMAIL, ID, done, login_answer};
use crate::error::Kind;
use crate::http::docs::openapi::Described;
use crate::identity::factor;

const MADE: &str = "2023-12-01T10:30:00Z";

pub(super) fn operations() -> Vec<Described> {
    let code = json!({ "code": "123456" });
    let shown = [
        Kind::MfaCodeInvalid,
        Kind::BackupCodeUsed,
        Kind::MfaNotEnabled,
        Kind::ReauthenticationRequired,
        Kind::AlreadyExists,
    ];
    let set_up =
        [Kind::Forbidden, Kind::ReauthenticationRequired, Kind::AlreadyExists, factor::USED_UP];
    let logged_in = [Kind::NotFound, Kind::CodeInvalid, Kind::MfaRequired];
    let name = json!({ "deviceName": "My new phone" });
    vec![
        Described::new("mfaSetup", &set_up, json!({ "success": true, "data": setup() }))
            .taking("totp", json!({ "type": "totp", "deviceName": "My iPhone" }))
            .taking("email", json!({ "type": "email" })),
        Described::new("mfaVerify", &shown, done("MFA verified successfully"))
            .taking("code", code)
            .taking("device", json!({ "code": "123456", "deviceId": ID }))
            .taking("backupCode", json!({ "code": "MFRG-GZDF-MZTW-Q2LK" })),
        Described::new("mfaChallenge", &[factor::USED_UP], done("Verification code sent by email"))
            .taking("method", json!({ "method": "email" })),
        Described::new(
            "mfaBackupCodes",
            &[Kind::ReauthenticationRequired, Kind::MfaNotEnabled, Kind::Conflict],
            backup_codes(),
        ),
        Described::new("listMfa", &[], json!({ "success": true, "data": overview() })),
        Described::new(
            "renameMfa",
            &[Kind::NotFound],
            json!({ "success": true, "data": device("My new phone") }),
        )
        .taking("name", name.clone()),
        Described::new(
            "replaceMfaName",
            &[Kind::NotFound],
            json!({ "success": true, "data": device("My new phone") }),
        )
        .taking("name", name),
        Described::new(
            "removeMfa",
            &[Kind::ReauthenticationRequired, Kind::NotFound, Kind::Conflict],
            done("MFA device removed"),
        ),
        Described::new("otpRequest", &[Kind::NotFound], done("Login code sent if account exists"))
            .taking("address", json!({ "email": EMAIL })),
        Described::new("otpVerify", &logged_in, login_answer())
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
