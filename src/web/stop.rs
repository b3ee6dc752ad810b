//! Why a page is not shown or a form not accepted: statuses are those of the native API.

use poem::http::StatusCode;

use crate::error::{Detail, Error, Kind};
use crate::http::server::reject;
use crate::web::jar::PageCookie;
use crate::web::notice::Notice;
use crate::web::problems::title;
use crate::words::Words;

/// Why a handler stops.
#[derive(Debug)]
pub(in crate::web) enum Stop {
    Failed(Error),
    /// The form was not shown to this browser.
    ForeignForm,
    /// `return_to` is not on the list, or is given twice.
    UnknownTarget(String),
    /// The cookies would cross a network without TLS.
    WithoutTls,
    /// The visitor must log in first, and can then come back to this page.
    LoggedOut(Option<&'static str>),
    /// The login must begin again.
    LoginOver,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.kind() == Kind::SessionEnded { Stop::LoggedOut(None) } else { Stop::Failed(error) }
    }
}

impl From<Kind> for Stop {
    fn from(kind: Kind) -> Self {
        Error::new(kind).into()
    }
}

/// What the visitor gets instead of the page.
pub(in crate::web) enum Instead<'a> {
    Page {
        status: StatusCode,
        title: &'a str,
        text: &'a str,
    },
    /// The sign-in page, which says why.
    SignIn {
        back: Option<&'static str>,
        notice: Notice,
        clears: PageCookie,
    },
}

impl Stop {
    pub(in crate::web) fn instead<'a>(&self, words: &'a Words) -> Instead<'a> {
        let text = &words.stops;
        let page = |status, title, text| Instead::Page { status, title, text };
        match self {
            Stop::ForeignForm => {
                page(StatusCode::FORBIDDEN, &text.expired_title, &text.expired_text)
            }
            Stop::UnknownTarget(_) => {
                page(StatusCode::BAD_REQUEST, &text.return_title, &text.return_text)
            }
            Stop::WithoutTls => page(StatusCode::FORBIDDEN, &text.plain_title, &text.plain_text),
            Stop::LoggedOut(back) => Instead::SignIn {
                back: *back,
                notice: Notice::SignInAgain,
                clears: PageCookie::Session,
            },
            Stop::LoginOver => Instead::SignIn {
                back: None,
                notice: Notice::LoginOver,
                clears: PageCookie::Pending,
            },
            Stop::Failed(error) => {
                let (title, text): (&str, &str) = match error.kind() {
                    Kind::ForeignOrigin => (&words.refusals.foreign_title, &text.foreign_text),
                    Kind::NotFound | Kind::SessionNotFound => {
                        (&text.not_found_title, &text.not_found_text)
                    }
                    Kind::Forbidden => (&text.forbidden_title, &text.forbidden_text),
                    kind => (title(words, kind), &words.refusals.wait),
                };
                page(reject::status(error.kind()), title, text)
            }
        }
    }
}

/// What a form says of an error that concerns no single field.
pub(in crate::web) fn problem(words: &Words, error: &Error) -> String {
    let stops = &words.stops;
    // More than the kind says: nothing is wrong with the passkey.
    if let Some(Detail::PasskeyChallengeStale | Detail::RegistrationStale) = error.detail() {
        return words.passkey.late.to_string();
    }
    match error.kind() {
        Kind::AccountLocked => words.sign_in.locked.to_string(),
        Kind::Conflict => stops.conflict.to_string(),
        Kind::LastAdmin => stops.last_admin.to_string(),
        Kind::Forbidden => stops.forbidden_text.to_string(),
        Kind::PasskeyInvalid => words.passkey.wrong.to_string(),
        Kind::PasskeyRejected => words.account.passkeys.failed.to_string(),
        Kind::LastLoginMethod => words.account.passkeys.not_possible.to_string(),
        Kind::ReauthenticationRequired => words.proof.sign_in_text.to_string(),
        Kind::AlreadyExists => words.account.factors.exists.to_string(),
        kind => {
            let (space, wait) = (&words.lists.sentence_space, &words.refusals.wait);
            format!("{}.{space}{wait}", title(words, kind))
        }
    }
}
