//! The words of the pages that mailed links open: which texts of the catalogue each page shows.

use crate::config::PasswordRules;
use crate::model::Page;
use crate::words::{Text, Words};

/// A heading and the paragraph below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Heading<'a> {
    pub(in crate::web) title: &'a str,
    pub(in crate::web) text: &'a str,
}

impl<'a> Heading<'a> {
    pub(in crate::web) fn new(title: &'a Text, text: &'a Text) -> Self {
        Self { title, text }
    }
}

/// The texts of a page.
pub(in crate::web) struct PageTexts<'a> {
    /// As it is opened.
    pub(in crate::web) opened: Heading<'a>,
    pub(in crate::web) button: &'a str,
    /// After its button was pressed. Those of a page that asks for an address are the same whether
    /// or not the address has an account.
    pub(in crate::web) done: Heading<'a>,
}

/// The texts of a page, from its section of the catalogue.
pub(in crate::web) fn texts(words: &Words, page: Page) -> PageTexts<'_> {
    let pages = &words.pages;
    macro_rules! of {
        ($section:ident) => {
            PageTexts {
                opened: Heading::new(&pages.$section.title, &pages.$section.text),
                button: &pages.$section.button,
                done: Heading::new(&pages.$section.done_title, &pages.$section.done_text),
            }
        };
    }
    match page {
        Page::VerifyEmail => of!(verify_email),
        Page::DisownSignUp => of!(disown_sign_up),
        Page::OpenLogin => of!(open_login),
        Page::ResetPassword => of!(reset_password),
        Page::ConfirmEmail => of!(confirm_email),
        Page::UndoEmail => of!(undo_email),
        Page::NotMe => of!(not_me),
        Page::ResendVerification => of!(resend_verification),
        Page::ForgotPassword => of!(forgot_password),
    }
}

/// The rules for a new password: `At least 12 characters, with an uppercase letter and a number.`
pub(in crate::web) fn password_rules(words: &Words, rules: &PasswordRules) -> String {
    let text = &words.rules;
    let kinds = [
        (rules.upper, &text.uppercase),
        (rules.lower, &text.lowercase),
        (rules.digit, &text.number),
        (rules.symbol, &text.symbol),
    ];
    let asked: Vec<&str> = kinds
        .into_iter()
        .filter_map(|(is_asked, kind)| is_asked.then_some(kind.as_str()))
        .collect();
    let length = if asked.is_empty() {
        text.length(rules.min_length)
    } else {
        text.length_with(rules.min_length, listed(words, &asked))
    };
    format!("{length}{}{}", words.lists.sentence_space, text.advice)
}

/// `a, b and c`
fn listed(words: &Words, parts: &[&str]) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => {
            format!("{}{}{last}", others.join(&words.lists.comma), words.lists.and)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::english;

    #[test]
    fn the_rules_are_written_out() {
        let rules = PasswordRules {
            min_length: 12,
            max_length: 256,
            upper: true,
            lower: false,
            digit: true,
            symbol: false,
            blocklist: true,
            personal: true,
            reset_by_code: false,
        };
        let written = |rules: &PasswordRules| password_rules(&english(), rules);
        assert!(
            written(&rules).starts_with(
                "At least 12 characters, with an uppercase letter and a number. A few"
            )
        );
        let all = PasswordRules { lower: true, symbol: true, ..rules };
        assert!(written(&all).contains(
            "with an uppercase letter, a lowercase letter, a number and a special character."
        ));
        let plain = PasswordRules { upper: false, digit: false, ..rules };
        assert!(written(&plain).starts_with("At least 12 characters. "));
    }
}
