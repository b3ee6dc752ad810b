//! Recovery, changes of the email address, account deletion and the export.

use serde_json::{Value, json};

use super::{EMAIL, ID, described, done};
use crate::error::{Kind, Limit};
use crate::http::docs::openapi::Described;

const LINK: &str = "reset_token_from_email";
/// Errors of every operation that checks the caller's password.
const PASSWORD_CHECK: [Kind; 3] =
    [Kind::WrongCurrentPassword, Kind::AccountLocked, Kind::TooMany(Limit::SignIn)];

pub(super) fn operations() -> Vec<Described> {
    let link = |limit| {
        [Kind::MissingLinkToken, Kind::LinkInvalid, Kind::LinkExpired, Kind::TooMany(limit)]
    };
    let reset = link(Limit::Reset);
    let mut change = PASSWORD_CHECK.to_vec();
    change.push(Kind::TooMany(Limit::ChangePassword));
    let mut renew = PASSWORD_CHECK.to_vec();
    renew.extend([
        Kind::MfaCodeInvalid,
        Kind::BackupCodeUsed,
        Kind::MfaNotEnabled,
        Kind::TooMany(Limit::Reauthenticate),
    ]);
    let token = json!({ "token": "abc123def456ghi789..." });
    vec![
        described(
            "forgotPassword",
            &[Kind::TooMany(Limit::Forgot)],
            done("Password reset email sent if account exists"),
        )
        .taking("address", json!({ "email": EMAIL })),
        described("resetPassword", &reset, done("Password reset successfully"))
            .taking("password", json!({ "token": LINK, "newPassword": "NewSecurePass123!" })),
        described("changePassword", &change, done("Password changed successfully")).taking(
            "passwords",
            json!({ "currentPassword": "OldSecurePass123!", "newPassword": "NewSecurePass123!" }),
        ),
        described("reauthenticate", &renew, done("Authentication renewed"))
            .taking("password", json!({ "password": "SecurePass123!" }))
            .taking("code", json!({ "code": "123456" })),
        described(
            "changeEmail",
            &[Kind::ReauthenticationRequired],
            done("Confirmation email sent to the new address if it can be used"),
        )
        .taking("address", json!({ "newEmail": "new@example.com" })),
        described(
            "confirmEmail",
            &link(Limit::ConfirmEmail),
            done("Email address changed successfully"),
        )
        .taking("token", token.clone()),
        described("undoEmail", &link(Limit::UndoEmail), done("Change of email address undone"))
            .taking("token", token),
        described(
            "deleteAccount",
            &[Kind::ReauthenticationRequired, Kind::LastAdmin],
            done("Account deleted successfully"),
        ),
        described("exportAccount", &[Kind::ReauthenticationRequired], export_answer()),
    ]
}

fn export_answer() -> Value {
    let (made, used) = ("2023-11-01T09:00:00Z", "2023-12-01T10:30:00Z");
    json!({
        "success": true,
        "data": {
            "exportedAt": used,
            "account": {
                "id": ID, "number": 1, "email": EMAIL, "emailVerifiedAt": made, "username": "johndoe",
                "firstName": "John", "lastName": "Doe", "name": null, "companyName": null, "phone": "+1234567890",
                "phoneVerifiedAt": null, "hasPassword": true, "roles": ["user"], "lastLogin": used, "createdAt": made,
                "updatedAt": used,
            },
            "sessions": [{
                "id": "session-uuid-1", "ipAddress": "192.168.1.100", "userAgent": "curl/8.5.0", "createdAt": used,
                "lastActivity": used, "endedAt": null, "endReason": null,
            }],
            "clients": [{ "ipAddress": "192.168.1.100", "lastLogin": used }],
            "factors": [],
            "backupCodesLeft": 0,
            "files": [],
            "events": [{
                "at": used, "event": "login", "outcome": "done", "sessionId": "session-uuid-1",
                "ipAddress": "192.168.1.100", "userAgent": "curl/8.5.0", "detail": null, "count": 1,
            }],
            "mails": [{ "kind": "verify_email", "recipient": EMAIL, "state": "delivered", "createdAt": made }],
        },
    })
}
