//! What a page answers to an error: the one table of statuses and words. Statuses are the same as
//! on the native API.

use poem::http::StatusCode;

use crate::config::Config;
use crate::error::Kind;
use crate::model::Page;
use crate::web::pages::words::Words;

/// The answer to an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Refusal {
    pub(in crate::web) status: StatusCode,
    pub(in crate::web) words: Words,
    /// The page that mails another link, if that helps. Its form is part of the answer.
    pub(in crate::web) way_on: Option<Page>,
}

/// Where users ask for a link to reset their password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum ResetsBegin {
    /// On authd's own page.
    OnPage,
    /// In the app, which identifies itself as an API client.
    InApp,
}

impl ResetsBegin {
    pub(in crate::web) fn under(config: &Config) -> Self {
        if config.apps.required { Self::InApp } else { Self::OnPage }
    }
}

/// The answer of a page to an error of this kind.
pub(in crate::web) fn refusal(page: Page, kind: Kind, resets: ResetsBegin) -> Refusal {
    let (status, mut words) = status_and_words(page, kind);
    let is_about_link =
        matches!(kind, Kind::MissingLinkToken | Kind::LinkExpired | Kind::LinkInvalid);
    let mut way_on = match page {
        Page::ResetPassword | Page::ForgotPassword | Page::NotMe => Some(Page::ForgotPassword),
        Page::VerifyEmail | Page::ResendVerification => Some(Page::ResendVerification),
        _ => None,
    };
    way_on = way_on.filter(|_| is_about_link);
    if way_on == Some(Page::ForgotPassword) && resets == ResetsBegin::InApp {
        way_on = None;
        words.text =
            "It works for a limited time and only once. Please request a new one in the app.";
    }
    Refusal { status, words, way_on }
}

fn status_and_words(page: Page, kind: Kind) -> (StatusCode, Words) {
    let again = "Please wait a moment, then try again.";
    let (status, title, text) = match kind {
        Kind::MissingLinkToken => {
            (StatusCode::BAD_REQUEST, "This link is incomplete", incomplete(page))
        }
        Kind::LinkExpired => (StatusCode::GONE, "This link has expired", expired(page)),
        Kind::LinkInvalid => (StatusCode::NOT_FOUND, "This link does not work", used(page)),
        Kind::ForeignOrigin => (
            StatusCode::FORBIDDEN,
            "Nothing was changed",
            "This form was sent from a page of another site. Please open the link from the email \
             itself.",
        ),
        Kind::AppInvalid => (
            StatusCode::FORBIDDEN,
            "Please continue in the app",
            "Request a new password in the app or on the site that you log in to.",
        ),
        Kind::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "This is too large", again),
        Kind::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many attempts", again),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not possible right now", again),
        Kind::MalformedBody | Kind::Validation => {
            (StatusCode::BAD_REQUEST, "Something went wrong", again)
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", again),
    };
    (status, Words { title, text })
}

/// Advice for a link without a token.
fn incomplete(page: Page) -> &'static str {
    match page {
        Page::ResetPassword | Page::VerifyEmail => {
            "Please open the full link from the email, or copy all of it into the address bar. Or \
             type your email address, and we will send you a new one."
        }
        Page::NotMe => {
            "Please open the full link from the email, or copy all of it into the address bar. Or \
             type your email address to choose a new password."
        }
        _ => "Please open the full link from the email, or copy all of it into the address bar.",
    }
}

/// Advice for an expired link.
fn expired(page: Page) -> &'static str {
    match page {
        Page::ResetPassword
        | Page::ForgotPassword
        | Page::VerifyEmail
        | Page::ResendVerification => {
            "Links work for a limited time only. Type your email address, and we will send you a \
             new one."
        }
        Page::ConfirmEmail => {
            "Please change the email address in your account again. You will get a new link."
        }
        Page::UndoEmail => {
            "A change can be undone for 7 days. Please contact the operator of this service."
        }
        Page::NotMe => {
            "Please log in and look at the list of your sessions, or choose a new password."
        }
        Page::DisownSignUp => {
            "There is nothing to do: an unverified account is removed automatically."
        }
        Page::OpenLogin => {
            "Please log in as usual. If your login is blocked again, you will get a new link."
        }
    }
}

/// The explanation for a link that stopped working.
fn used(page: Page) -> &'static str {
    match page {
        Page::ResetPassword
        | Page::ForgotPassword
        | Page::VerifyEmail
        | Page::ResendVerification => {
            "It may have been used already, or a newer email has replaced it. Type your email \
             address, and we will send you a new one."
        }
        Page::NotMe => {
            "It may have been used already, or a newer email has replaced it. Type your email \
             address to choose a new password."
        }
        _ => "It may have been used already, or a newer email has replaced it.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_leads_to_another_one_where_there_is_a_page_for_it() {
        for kind in [Kind::MissingLinkToken, Kind::LinkExpired, Kind::LinkInvalid] {
            for (page, on_page, in_app) in [
                (Page::ResetPassword, Some(Page::ForgotPassword), None),
                (Page::NotMe, Some(Page::ForgotPassword), None),
                (Page::VerifyEmail, Some(Page::ResendVerification), Some(Page::ResendVerification)),
                (Page::UndoEmail, None, None),
            ] {
                assert_eq!(refusal(page, kind, ResetsBegin::OnPage).way_on, on_page, "{page:?}");
                assert_eq!(refusal(page, kind, ResetsBegin::InApp).way_on, in_app, "{page:?}");
            }
        }
        let busy = refusal(Page::ResetPassword, Kind::Unavailable, ResetsBegin::OnPage);
        assert_eq!((busy.status, busy.way_on), (StatusCode::SERVICE_UNAVAILABLE, None));
    }
}
