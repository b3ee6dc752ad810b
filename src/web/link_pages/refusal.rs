//! What a page answers to an error: the one table of statuses and words. Statuses are the same as
//! on the native API.

use poem::http::StatusCode;

use crate::config::Config;
use crate::error::Kind;
use crate::http::server::reject;
use crate::model::Page;
use crate::web::link_pages::words::Heading;
use crate::web::problems::title;
use crate::words::{Text, Words};

/// The answer to an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Refusal<'a> {
    pub(in crate::web) status: StatusCode,
    pub(in crate::web) heading: Heading<'a>,
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
pub(in crate::web) fn refusal(
    words: &Words,
    page: Page,
    kind: Kind,
    resets: ResetsBegin,
) -> Refusal<'_> {
    let (status, mut heading) = status_and_heading(words, page, kind);
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
        heading.text = &words.refusals.request_in_app;
    }
    Refusal { status, heading, way_on }
}

fn status_and_heading(words: &Words, page: Page, kind: Kind) -> (StatusCode, Heading<'_>) {
    let text = &words.refusals;
    let (status, title, text) = match kind {
        Kind::MissingLinkToken => {
            (StatusCode::BAD_REQUEST, &text.incomplete_title, incomplete(words, page))
        }
        Kind::LinkExpired => (StatusCode::GONE, &text.expired_title, expired(words, page)),
        Kind::LinkInvalid => (StatusCode::NOT_FOUND, &text.used_title, used(words, page)),
        Kind::ForeignOrigin => (StatusCode::FORBIDDEN, &text.foreign_title, &text.foreign),
        Kind::AppInvalid => (StatusCode::FORBIDDEN, &text.app_title, &text.app),
        Kind::PayloadTooLarge
        | Kind::TooMany(_)
        | Kind::Unavailable
        | Kind::MalformedBody
        | Kind::Validation => (reject::status(kind), title(words, kind), &text.wait),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, title(words, kind), &text.wait),
    };
    (status, Heading::new(title, text))
}

/// Advice for a link without a token.
fn incomplete(words: &Words, page: Page) -> &Text {
    match page {
        Page::ResetPassword | Page::VerifyEmail => &words.refusals.incomplete_send,
        Page::NotMe => &words.refusals.incomplete_choose,
        _ => &words.refusals.incomplete,
    }
}

/// Advice for an expired link.
fn expired(words: &Words, page: Page) -> &Text {
    let text = &words.refusals;
    match page {
        Page::ResetPassword
        | Page::ForgotPassword
        | Page::VerifyEmail
        | Page::ResendVerification => &text.expired_send,
        Page::ConfirmEmail => &text.expired_confirm_email,
        Page::UndoEmail => &text.expired_undo_email,
        Page::NotMe => &text.expired_not_me,
        Page::DisownSignUp => &text.expired_disown,
        Page::OpenLogin => &text.expired_open_login,
    }
}

/// The explanation for a link that stopped working.
fn used(words: &Words, page: Page) -> &Text {
    match page {
        Page::ResetPassword
        | Page::ForgotPassword
        | Page::VerifyEmail
        | Page::ResendVerification => &words.refusals.used_send,
        Page::NotMe => &words.refusals.used_choose,
        _ => &words.refusals.used,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::english;

    #[test]
    fn a_dead_link_leads_to_another_one_where_there_is_a_page_for_it() {
        for kind in [Kind::MissingLinkToken, Kind::LinkExpired, Kind::LinkInvalid] {
            for (page, on_page, in_app) in [
                (Page::ResetPassword, Some(Page::ForgotPassword), None),
                (Page::NotMe, Some(Page::ForgotPassword), None),
                (Page::VerifyEmail, Some(Page::ResendVerification), Some(Page::ResendVerification)),
                (Page::UndoEmail, None, None),
            ] {
                let way_on = |resets| refusal(&english(), page, kind, resets).way_on;
                assert_eq!(way_on(ResetsBegin::OnPage), on_page, "{page:?}");
                assert_eq!(way_on(ResetsBegin::InApp), in_app, "{page:?}");
            }
        }
        let words = english();
        let busy = refusal(&words, Page::ResetPassword, Kind::Unavailable, ResetsBegin::OnPage);
        assert_eq!((busy.status, busy.way_on), (StatusCode::SERVICE_UNAVAILABLE, None));
    }
}
