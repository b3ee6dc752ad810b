//! What the four wires say in their own words: envelopes, codes, and the messages about tokens.

use poem::http::Method;
use serde_json::Value;

use super::names;
use crate::support::Answer;

/// Status, code and message of a refusal.
pub type Said<'a> = (u16, &'a str, &'a str);

/// What a test must know of a wire to read its refusals.
pub struct Wording {
    pub name: &'static str,
    pub sign_up: &'static str,
    pub login: &'static str,
    pub logout: &'static str,
    /// The call that changes the caller's password, if the wire has one.
    pub change_password: Option<(Method, &'static str)>,
    pub validation: &'static str,
    pub too_many: &'static str,
    pub token_missing: Said<'static>,
    pub token_malformed: Said<'static>,
    /// Forged, or its session has ended.
    pub token_invalid: Said<'static>,
    pub token_expired: Said<'static>,
}

const BEARER_EXPECTED: &str = "Invalid authorization format, expected: Bearer <token>";

const AUTHBACKEND: Wording = Wording {
    name: "authbackend",
    sign_up: "/api/auth/signup",
    login: "/api/auth/login",
    logout: "/api/auth/logout",
    change_password: Some((Method::POST, "/api/auth/change-password")),
    validation: "VALIDATION_ERROR",
    too_many: "RATE_LIMIT_ERROR",
    token_missing: (401, "AUTHENTICATION_ERROR", "Access token is required"),
    token_malformed: (401, "AUTHENTICATION_ERROR", BEARER_EXPECTED),
    token_invalid: (401, "TOKEN_ERROR", "Invalid or expired token"),
    token_expired: (401, "TOKEN_ERROR", "Invalid or expired token"),
};

const JOBPATH: Wording = Wording {
    name: "jobpath",
    sign_up: "/auth/signup",
    login: "/auth/login",
    logout: "/auth/logout",
    change_password: None,
    validation: "validation_error",
    too_many: "rate_limit_exceeded",
    token_missing: (401, "invalid_token", "Not authenticated"),
    token_malformed: (401, "invalid_token", "Not authenticated"),
    token_invalid: (401, "invalid_token", "Invalid or expired token"),
    token_expired: (401, "invalid_token", "Invalid or expired token"),
};

const JOBPSYCH: Wording = Wording {
    name: "jobpsych",
    sign_up: "/api/auth/register",
    login: "/api/auth/login",
    logout: "/api/auth/logout",
    change_password: Some((Method::POST, "/api/auth/change-password")),
    validation: "VALIDATION_ERROR",
    too_many: "RATE_LIMIT_EXCEEDED",
    token_missing: (401, "TOKEN_VERIFICATION_FAILED", "Access token is required"),
    token_malformed: (401, "TOKEN_VERIFICATION_FAILED", "Access token is required"),
    token_invalid: (401, "TOKEN_VERIFICATION_FAILED", "Invalid or expired token"),
    token_expired: (401, "TOKEN_VERIFICATION_FAILED", "Invalid or expired token"),
};

const SITEWORKS: Wording = Wording {
    name: "siteworks",
    sign_up: "/api/auth/register",
    login: "/api/auth/login",
    logout: "/api/auth/logout",
    change_password: Some((Method::PUT, "/api/auth/change-password")),
    validation: "VALIDATION_ERROR",
    too_many: "RATE_LIMIT_EXCEEDED",
    token_missing: (401, "AUTH_ERROR", "Access token is required"),
    token_malformed: (401, "AUTH_ERROR", BEARER_EXPECTED),
    token_invalid: (401, "INVALID_TOKEN", "Invalid token"),
    token_expired: (401, "TOKEN_EXPIRED", "Token has expired"),
};

impl Wording {
    pub fn of(name: &str) -> Self {
        let found = [AUTHBACKEND, JOBPATH, JOBPSYCH, SITEWORKS]
            .into_iter()
            .find(|wording| wording.name == name);
        found.unwrap_or_else(|| panic!("no wire {name}"))
    }

    /// Status, code and message of a refusal. Its envelope must be the wire's, with nothing else in
    /// it.
    pub fn refusal<'a>(&self, answer: &'a Answer) -> Said<'a> {
        assert_eq!(
            answer.header("content-type"),
            "application/json; charset=utf-8",
            "{}",
            answer.text
        );
        assert!(!answer.header("x-request-id").is_empty());
        let body = &answer.body;
        let is_validation =
            [&body["code"], &body["error"]].iter().any(|code| **code == self.validation);
        let (mut fields, code, message) = match self.name {
            "jobpath" => {
                assert_eq!(body["status_code"], answer.status.as_u16());
                let detail: &[&str] =
                    if is_validation { &["message", "errors"] } else { &["message"] };
                assert_eq!(names(&body["detail"]), detail, "{}", answer.text);
                (vec!["error", "detail", "status_code"], &body["error"], &body["detail"]["message"])
            }
            "jobpsych" => (vec!["success", "message", "error"], &body["error"], &body["message"]),
            _ => (vec!["success", "message", "code"], &body["code"], &body["message"]),
        };
        match self.name {
            "jobpath" => {}
            "jobpsych" if *code == "USER_NOT_FOUND" => fields.push("filesUploaded"),
            "jobpsych" => fields.extend(body.get("details").map(|_| "details")),
            _ => fields.extend(is_validation.then_some("errors")),
        }
        assert_eq!(names(body), fields, "{}", answer.text);
        assert!(self.name == "jobpath" || body["success"] == false, "{}", answer.text);
        (answer.status.as_u16(), code.as_str().unwrap(), message.as_str().unwrap())
    }

    /// The fields that a validation error names, each with its sentence.
    pub fn rows<'a>(&self, answer: &'a Answer) -> Vec<(&'a str, &'a str)> {
        let of = |rows: &'a Value| {
            let row = |row: &'a Value| {
                assert_eq!(names(row), ["field", "message"]);
                (row["field"].as_str().unwrap(), row["message"].as_str().unwrap())
            };
            rows.as_array().unwrap_or_else(|| panic!("{}", answer.text)).iter().map(row).collect()
        };
        match self.name {
            "jobpath" => of(&answer.body["detail"]["errors"]),
            "jobpsych" => {
                let details =
                    answer.body["details"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
                details.split("; ").map(|row| row.split_once(": ").unwrap()).collect()
            }
            _ => of(&answer.body["errors"]),
        }
    }

    /// The status of a field that breaks a rule. One wire separates what is missing or of another
    /// type from what is well-formed but not acceptable.
    pub fn invalid_status(&self, sentence: &str) -> u16 {
        let is_form = sentence.ends_with("is required") || sentence.ends_with("must be a string");
        if self.name == "jobpsych" && !is_form { 422 } else { 400 }
    }
}
