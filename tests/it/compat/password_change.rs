//! What the wires' calls that change the caller's password have in common.

use serde_json::{Value, json};

use super::checks::{WRONG_PASSWORD, long};
use super::wording::Said;
use super::{EMAIL, NEW_PASSWORD, PASSWORD, Session, WireApp, WireCall};

/// The keys under which two changes of a password in 15 minutes are allowed.
pub const TWO_CHANGES: [(&str, &str); 3] = [
    ("limits.factor.count", "2"),
    ("limits.factor.window", "15m"),
    ("limits.factor.shape", "window"),
];

impl WireApp {
    /// A change of the password in the words of all wires that have one.
    pub fn change_password(&self, access: &str, current: &str, new: &str) -> WireCall<'_> {
        let (method, path) =
            self.wording.change_password.clone().expect("the wire has no such call");
        let body = json!({ "currentPassword": current, "newPassword": new });
        self.call(method, path).bearer(access).json(&body)
    }

    /// Refuses a change without a session.
    pub async fn needs_a_session_to_change_a_password(&self) {
        let (method, path) = self.wording.change_password.clone().unwrap();
        let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
        self.needs_a_session(&|| self.call(method.clone(), path).json(&body)).await;
    }

    /// Refuses passwords that are missing, of the wrong type, too long or too short, and those that
    /// this wire refuses besides. Nothing changes.
    pub async fn refuses_bad_passwords(&self, more: &[(&str, Value, &str)]) {
        let session = self.join_and_enter(EMAIL).await;
        let current_is_long = "Current password must be at most 256 characters";
        let bad = [
            ("currentPassword", Value::Null, "Current password is required"),
            ("currentPassword", json!(7), "Current password must be a string"),
            ("currentPassword", long(257), current_is_long),
            ("newPassword", Value::Null, "New password is required"),
            ("newPassword", json!(false), "New password must be a string"),
            ("newPassword", json!("Short1!"), "Password must be at least 8 characters"),
        ];
        let good = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
        let call = || self.change_password(&session.access, PASSWORD, NEW_PASSWORD);
        self.refuses_fields(&call, &good, &[&bad, more].concat()).await;
        assert_eq!(self.login(EMAIL, PASSWORD).send().await.status, 200, "unchanged");
    }

    /// Refuses a wrong current password and records it. The token is good, so nothing asks for
    /// another one, and the session lives on.
    pub async fn refuses_a_wrong_current_password(&self, refusal: Said<'_>) {
        let session = self.join_and_enter(EMAIL).await;
        let call = self.change_password(&session.access, WRONG_PASSWORD, NEW_PASSWORD);
        let (answer, recorded) = self.recorded(call).await;
        assert_eq!(self.refusal(&answer), refusal);
        assert!(answer.header("www-authenticate").is_empty());
        assert_eq!(recorded, ["password_changed refused wrong_password"]);
        assert_eq!(self.login(EMAIL, PASSWORD).send().await.status, 200, "unchanged");
        let right = self.change_password(&session.access, PASSWORD, NEW_PASSWORD);
        assert_eq!(right.send().await.status, 200, "the session lives");
    }

    /// Makes a client wait after ten wrong current passwords, and no other client.
    pub async fn slows_guessing_of_the_current_password_down(&self, refusal: Said<'_>) {
        let Session { access, .. } = self.join_and_enter(EMAIL).await;
        let guess = || self.change_password(&access, WRONG_PASSWORD, NEW_PASSWORD);
        for _ in 0..10 {
            assert_eq!(self.refusal(&guess().send().await), refusal);
        }
        let refused = guess().send().await;
        self.is_refused(&refused, 60, "Too many requests. Try again in 1 minute.");
        assert_eq!(self.login(EMAIL, PASSWORD).from("192.0.2.9").send().await.status, 200);
    }

    /// Uses up the limit of [`TWO_CHANGES`], which leaves other operations alone.
    pub async fn limits_changes_of_the_password_alone(&self) {
        let (method, path) = self.wording.change_password.clone().unwrap();
        let session = self.join_and_enter(EMAIL).await;
        let call = |_| self.change_password(&session.access, WRONG_PASSWORD, NEW_PASSWORD);
        self.has_its_own_limit(method, path, &call, 2).await;
        let message = "Too many verification attempts. Try again in 15 minutes.";
        self.is_refused(&call(0).send().await, 900, message);
    }
}
