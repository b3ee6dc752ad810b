//! Failures of a command: the message on standard error, the hint after it, and the exit code.

use std::process::ExitCode;
use std::{fmt, io};

use crate::config::nearest;
use crate::error::{Detail, Error, FieldError, Kind, RoleRule, Rule};
use crate::http::server::error_text;
use crate::model::{Permission, role};

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Success.
    Done,
    /// The command was valid and failed.
    Failed,
    /// The command line was wrong; nothing was done.
    Usage,
}

impl Exit {
    fn number(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The command was valid and failed.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, message: message.to_string(), hint: None }
    }

    /// The command line was wrong.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, ..Self::failed(message) }
    }

    /// A failure whose reason is already on standard output, so that only the exit code remains.
    #[must_use]
    pub fn reported() -> Self {
        Self::failed("")
    }

    /// Adds a hint on how to fix the problem.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What went wrong; empty if it has already been printed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The hint on how to fix the problem.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<io::Error> for Failure {
    /// Converts errors in writing output. A reader that closes the pipe early (`| head`) is not a
    /// failure.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Done, ..Self::reported() };
        }
        Self::failed(format_args!("the output could not be written: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::failed(message(&error));
        let hint = role_advice(&error)
            .or_else(|| space_advice(&error))
            .or_else(|| advice(error.kind()).map(str::to_owned));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The message with its causes. API clients get only a constant sentence, but the administrator who
/// runs a command may see the cause.
fn message(error: &Error) -> String {
    if error.fields().len() > 1 {
        let sentences: Vec<_> = error.fields().iter().map(error_text::sentence).collect();
        return sentences.join("\n  ");
    }
    let causes = error.causes().collect::<Vec<_>>().join(": ");
    // A specific message is useful to the administrator. The constant sentence of an internal error
    // is not, so only the causes remain.
    let is_constant = matches!(error.kind(), Kind::Internal | Kind::Unavailable)
        && error_text::specific(error).is_none();
    match (causes.is_empty(), is_constant) {
        (true, _) => error_text::message(error).into_owned(),
        (false, true) => causes,
        (false, false) => format!("{}: {causes}", error_text::message(error)),
    }
}

/// What helps where the disk is full, in the words of SQLite.
fn space_advice(error: &Error) -> Option<String> {
    let is_full = error.causes().any(|cause| cause.contains("disk is full"));
    is_full.then(|| "make space: docs/rescue.md says what can be removed".to_owned())
}

/// What helps with a role or permission that does not exist.
fn role_advice(error: &Error) -> Option<String> {
    let roles = || role::BUILT_IN.iter().map(|role| role.name).collect::<Vec<_>>();
    let of_field = |field: &FieldError| match &field.rule {
        Rule::Role(RoleRule::Unknown(name)) => Some(list_of_roles(name, roles())),
        Rule::Role(RoleRule::UnknownPermission(word)) => {
            Some(list_of_roles(word, Permission::ALL.map(Permission::as_str).to_vec()))
        }
        _ => None,
    };
    match error.detail() {
        Some(Detail::UnknownRole(name)) => Some(list_of_roles(name, roles())),
        _ => error.fields().iter().find_map(of_field),
    }
}

fn list_of_roles(came: &str, known: Vec<&str>) -> String {
    let list = "roles and their permissions: authd role list";
    match nearest(came, known) {
        Some(near) => format!("did you mean {near}? {list}"),
        None => list.to_owned(),
    }
}

fn advice(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::AccountNotFound => {
            Some("name a user by e-mail address, username or id; see authd user list")
        }
        Kind::EmailTaken | Kind::UsernameTaken => {
            Some("show the account that uses it: authd user show <USER>")
        }
        Kind::Unavailable => Some("try again in a moment"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Field, Weakness};

    #[test]
    fn a_fault_of_ours_tells_what_is_behind_it() {
        let failure = Failure::from(
            Error::internal("authd.db cannot be opened").caused_by(io::Error::other("no")),
        );
        assert_eq!(failure.message(), "no");
        let failure = Failure::from(
            Error::refused("authd.db is damaged".to_owned()).caused_by(io::Error::other("no")),
        );
        assert_eq!(failure.message(), "authd.db is damaged: no");
        let failure = Failure::from(Error::internal("authd.db is not an authd database"));
        assert_eq!(
            (failure.message(), failure.exit()),
            ("authd.db is not an authd database", Exit::Failed)
        );
    }

    #[test]
    fn a_full_disk_leads_to_what_can_be_removed() {
        let of = |cause: &str| {
            let cause = io::Error::other(cause.to_owned());
            Failure::from(Error::new(Kind::Unavailable).caused_by(cause))
        };
        let full = of("the commit failed: database or disk is full");
        assert!(full.advice().unwrap().contains("docs/rescue.md"));
        assert_eq!(of("the database is locked").advice(), Some("try again in a moment"));
    }

    #[test]
    fn all_broken_rules_are_listed() {
        let field = |rule| FieldError::new(Field::Password, rule);
        let failure = Failure::from(Error::invalid(vec![
            field(Rule::TooShort { min: 12 }),
            field(Rule::Weak(Weakness::Common)),
        ]));
        let words = "Password must be at least 12 characters\n  \
                     Password is too common or too easy to guess";
        assert_eq!(failure.message(), words);
    }

    #[test]
    fn a_role_that_does_not_exist_leads_to_those_that_do() {
        let of_user = |name: &str| {
            let rule = Rule::Role(RoleRule::Unknown(name.to_owned()));
            Failure::from(Error::invalid_field(Field::Roles, rule))
        };
        let permission = Rule::Role(RoleRule::UnknownPermission("admin.user.read".to_owned()));
        let list = "roles and their permissions: authd role list";
        for (failure, near) in [
            (of_user("admn"), "did you mean admin? "),
            (of_user("wizard"), ""),
            (
                Failure::from(Error::from(Detail::UnknownRole("Moderater".to_owned()))),
                "did you mean moderator? ",
            ),
            (
                Failure::from(Error::invalid_field(Field::Permission(0), permission)),
                "did you mean admin.users.read? ",
            ),
        ] {
            assert_eq!(failure.advice(), Some(format!("{near}{list}").as_str()));
        }
        assert_eq!(Failure::from(Error::new(Kind::NotFound)).advice(), None);
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.message()), (Exit::Done, ""));
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.exit(), Exit::Failed);
    }
}
