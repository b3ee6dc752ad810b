//! The words of the pages that differ from page to page; labels are in the templates.

use crate::config::PasswordRules;
use crate::model::Page;

/// A heading and the paragraph below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Words {
    pub(in crate::web) title: &'static str,
    pub(in crate::web) text: &'static str,
}

/// The words of a page as it is opened, and the label of its button.
pub(in crate::web) fn opening(page: Page) -> (Words, &'static str) {
    let (title, text, button) = match page {
        Page::VerifyEmail => (
            "Verify your email address",
            "Press the button to confirm that this email address is yours. You can then use your \
             account.",
            "Verify email address",
        ),
        Page::DisownSignUp => (
            "This was not you?",
            "Someone created an account with your email address. Press the button to remove it. An \
             account whose address is already verified is kept.",
            "Remove the account",
        ),
        Page::OpenLogin => (
            "Allow login",
            "After many wrong passwords, your account accepts its password only from known \
             networks. Press the button on the device and network where you want to log in.",
            "Let me log in from here",
        ),
        Page::ResetPassword => (
            "Choose a new password",
            "You will be logged out on all devices. Then log in with the new password.",
            "Set new password",
        ),
        Page::ConfirmEmail => (
            "Confirm your new email address",
            "Press the button to confirm that this email address is yours. Your account will then \
             use it.",
            "Confirm email address",
        ),
        Page::UndoEmail => (
            "Keep your email address",
            "Someone who is logged in to your account asked to change its email address. If that \
             was not you, press the button. Your account keeps this address or gets it back, all \
             devices are logged out, and your current password stops working. We will send you an \
             email with a link to choose a new one.",
            "Undo the change",
        ),
        Page::NotMe => (
            "This was not you?",
            "Press the button to end that login and all others. Your password stops working, and \
             we will send you an email with a link to choose a new one.",
            "End that login",
        ),
        Page::ResendVerification => (
            "Verify your email address",
            "Type the email address that you signed up with. We will send you a new link.",
            SEND,
        ),
        Page::ForgotPassword => (
            "Forgot your password?",
            "Type the email address of your account. We will send you a link to choose a new \
             password.",
            SEND,
        ),
    };
    (Words { title, text }, button)
}

/// The words of the page that verifies an address whose sign-ups gave different passwords.
pub(in crate::web) const CHOICE: (Words, &str) = (
    Words {
        title: "Verify your email address",
        text: "This email address was used for more than one sign-up, with different passwords. \
               Choose the password of your account. This also confirms that the email address is \
               yours.",
    },
    "Verify and set password",
);

/// The label of the button that asks for a link.
const SEND: &str = "Send me a link";

/// The words of a page after its button was pressed. Those of a page that asks for an address are
/// the same whether or not the address has an account.
pub(in crate::web) fn done(page: Page) -> Words {
    match page {
        Page::VerifyEmail => Words {
            title: "Email address verified",
            text: "Thank you. You can close this page and log in.",
        },
        Page::DisownSignUp => Words {
            title: "Account removed",
            text: "The account created with your email address was removed. There is nothing else \
                   to do.",
        },
        Page::OpenLogin => Words {
            title: "Login allowed",
            text: "You can now log in with your password from here.",
        },
        Page::ResetPassword => Words {
            title: "Password changed",
            text: "You have been logged out on all devices. Close this page and log in with your \
                   new password.",
        },
        Page::ConfirmEmail => Words {
            title: "Email address changed",
            text: "Thank you. Your account uses this email address from now on. You can close this \
                   page.",
        },
        Page::UndoEmail => Words {
            title: "Your account keeps this address",
            text: "All devices have been logged out. The person who asked for the change may know \
                   your password, so it no longer works. We have sent you a link to choose a new \
                   one.",
        },
        Page::NotMe => Words {
            title: "Login ended",
            text: "All devices have been logged out. Someone may know your password, so it no \
                   longer works. We have sent you a link to choose a new one.",
        },
        Page::ResendVerification => Words {
            title: "Check your email",
            text: "If an account with this address is not verified yet, we have sent it a new \
                   link.",
        },
        Page::ForgotPassword => Words {
            title: "Check your email",
            text: "If there is an account with this address, we have sent it a link to choose a \
                   new password.",
        },
    }
}

/// The words for an address that was already verified.
pub(in crate::web) const VERIFIED_ALREADY: Words = Words {
    title: "Already verified",
    text: "This email address is already verified. You can close this page and log in.",
};

/// The reason why an address was not verified without a password.
pub(in crate::web) const NO_PASSWORD: &str = "Please choose a password.";

/// The reason why what was typed is no address.
pub(in crate::web) const NO_ADDRESS: &str = "Please type an email address, like jo@example.com.";

/// `At least 12 characters, with an uppercase letter and a number.`
pub(in crate::web) fn password_rules(rules: &PasswordRules) -> String {
    let kinds = [
        (rules.upper, "an uppercase letter"),
        (rules.lower, "a lowercase letter"),
        (rules.digit, "a number"),
        (rules.symbol, "a special character"),
    ];
    let asked: Vec<_> =
        kinds.into_iter().filter_map(|(is_asked, words)| is_asked.then_some(words)).collect();
    let with = match asked.split_last() {
        None => String::new(),
        Some((only, [])) => format!(", with {only}"),
        Some((last, others)) => format!(", with {} and {last}", others.join(", ")),
    };
    format!(
        "At least {} characters{with}. A few random words are easy to remember and hard to guess.",
        rules.min_length
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(
            password_rules(&rules)
                .starts_with("At least 12 characters, with an uppercase letter and a number.")
        );
        let plain = PasswordRules { upper: false, digit: false, ..rules };
        assert!(password_rules(&plain).starts_with("At least 12 characters. "));
    }
}
