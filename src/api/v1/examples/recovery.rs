//! Recovery, changes of the email address, account deletion and the export.

use serde_json::{Value, json};

use super::{EMAIL, ID, done};
use crate::error::Kind;
use crate::http::docs::openapi::Described;
use crate::identity::factor;
use crate::identity::login::guard;

const LINK: &str = "reset_token_from_email";
/// Errors of every operation that checks the caller's password.
const PASSWORD_CHECK: [Kind; 3] = [Kind::WrongCurrentPassword, Kind::AccountLocked, guard::USED_UP];

pub(super) fn operations() -> Vec<Described> {
    let link = [Kind::MissingLinkToken, Kind::LinkInvalid, Kind::LinkExpired];
    let change = [&PASSWORD_CHECK[..], &[Kind::ReauthenticationRequired]].concat();
    let mut renew = change.clone();
    renew.extend([
        Kind::MfaCodeInvalid,
        Kind::BackupCodeUsed,
        Kind::MfaNotEnabled,
        factor::USED_UP,
    ]);
    let token = json!({ "token": "abc123def456ghi789..." });
    vec![
        Described::new("forgotPassword", &[], done("Password reset email sent if account exists"))
            .taking("address", json!({ "email": EMAIL })),
        Described::new("resetPassword", &link, done("Password reset successfully"))
            .taking("password", json!({ "token": LINK, "newPassword": "NewSecurePass123!" })),
        Described::new("changePassword", &change, done("Password changed successfully")).taking(
            "passwords",
            json!({ "currentPassword": "OldSecurePass123!", "newPassword": "NewSecurePass123!" }),
        ),
        Described::new("reauthenticate", &renew, done("Authentication renewed"))
            .taking("password", json!({ "password": "SecurePass123!" }))
            .taking("code", json!({ "code": "123456" })),
        Described::new(
            "changeEmail",
            &[Kind::ReauthenticationRequired],
            done("Confirmation email sent to the new address if it can be used"),
        )
        .taking("address", json!({ "newEmail": "new@example.com" })),
        Described::new("confirmEmail", &link, done("Email address changed successfully"))
            .taking("token", token.clone()),
        Described::new("undoEmail", &link, done("Change of email address undone"))
            .taking("token", token),
        Described::new(
            "deleteAccount",
            &[Kind::ReauthenticationRequired, Kind::LastAdmin],
            done("Account deleted successfully"),
        ),
        Described::new("exportAccount", &[Kind::ReauthenticationRequired], export_answer()),
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
            "passkeys": [], "identities": [],
            "files": [],
            "events": [{
                "at": used, "event": "login", "outcome": "done", "sessionId": "session-uuid-1",
                "ipAddress": "192.168.1.100", "userAgent": "curl/8.5.0", "detail": null, "count": 1,
            }],
            "mails": [{ "kind": "verify_email", "recipient": EMAIL, "state": "delivered", "createdAt": made }],
        },
    })
}
