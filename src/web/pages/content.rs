//! Texts and forms of the pages. All text from outside this module is escaped.

use poem::http::StatusCode;

use crate::config::{Config, PasswordRules};
use crate::error::Kind;
use crate::web::pages::Page;

/// The content of a page.
#[derive(Debug)]
pub(in crate::web) struct Content {
    pub(in crate::web) title: &'static str,
    pub(in crate::web) text: &'static str,
    /// Forms and links, as HTML.
    pub(in crate::web) actions: String,
}

impl Content {
    pub(in crate::web) fn saying(title: &'static str, text: &'static str) -> Self {
        Self { title, text, actions: String::new() }
    }
}

/// Where users request a password reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Asks {
    /// On authd's own page.
    Here,
    /// In the app, which identifies itself as an API client.
    InApp,
}

impl Asks {
    pub(in crate::web) fn under(config: &Config) -> Self {
        if config.apps.required { Self::InApp } else { Self::Here }
    }
}

/// A page and its path. The mount in the path decides where forms and links lead.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct PageContext<'a> {
    pub(in crate::web) page: Page,
    /// The path as requested.
    pub(in crate::web) path: &'a str,
}

impl PageContext<'_> {
    /// Another page under the same mount.
    fn beside(&self, page: Page) -> String {
        let mount = self.path.strip_suffix(self.page.path()).unwrap_or("");
        escape(&format!("{mount}{}", page.path()))
    }

    fn token_form(&self, token: &str, inside: &str, button: &str) -> String {
        let (path, token) = (escape(self.path), escape(token));
        format!(
            "<form method=\"post\" action=\"{path}\"><input type=\"hidden\" name=\"token\" value=\"{token}\">{inside}\
             <button>{button}</button></form>"
        )
    }
}

/// The page of a link before the user presses the button. `broken` are the reasons why a password
/// was rejected.
pub(in crate::web) fn question(
    place: PageContext<'_>,
    token: &str,
    rules: &PasswordRules,
    broken: &[String],
) -> Content {
    let (title, text, actions) = match place.page {
        Page::Verify => (
            "Verify your email address",
            "Press the button to confirm that this email address is yours. You can then use your account.",
            format!(
                "{}<a class=\"other\" href=\"{}?token={}\">This was not me</a>",
                place.token_form(token, "", "Verify email address"),
                place.beside(Page::Disown),
                escape(token),
            ),
        ),
        Page::Disown => (
            "This was not you?",
            "Someone created an account with your email address. Press the button to remove it. \
             An account whose address is already verified is kept.",
            place.token_form(token, "", "Remove the account"),
        ),
        Page::OpenLogin => (
            "Allow login",
            "After many wrong passwords, your account accepts its password only from known networks. \
             Press the button on the device and network where you want to log in.",
            place.token_form(token, "", "Let me log in from here"),
        ),
        Page::Reset => (
            "Choose a new password",
            "You will be logged out on all devices. Then log in with the new password.",
            place.token_form(token, &new_password(rules, broken), "Set new password"),
        ),
        Page::ConfirmEmail => (
            "Confirm your new email address",
            "Press the button to confirm that this email address is yours. Your account will then use it.",
            place.token_form(token, "", "Confirm email address"),
        ),
        Page::UndoEmail => (
            "Keep your email address",
            "Someone who is logged in to your account asked to change its email address. If that was not you, press \
             the button. Your account keeps this address or gets it back, all devices are logged out, and your \
             current password stops working. We will send you an email with a link to choose a new one.",
            place.token_form(token, "", "Undo the change"),
        ),
        Page::NotMe => (
            "This was not you?",
            "Press the button to end that login and all others. Your password stops working, and we will send you an \
             email with a link to choose a new one.",
            place.token_form(token, "", "End that login"),
        ),
        Page::Forgot | Page::Resend => return ask_for_link(place, "", None),
    };
    Content { title, text, actions }
}

/// Adds a script that submits the page's form. Without scripting, the user presses the button.
pub(in crate::web) fn posting_at_once(place: PageContext<'_>, page: Content) -> Content {
    let script = format!("<script src=\"{}/post.js\" defer></script>", escape(place.path));
    Content { actions: page.actions + &script, ..page }
}

/// The page that asks for an address to send a new link to. With a `reason`, `typed` was rejected
/// as an invalid address.
pub(in crate::web) fn ask_for_link(
    place: PageContext<'_>,
    typed: &str,
    reason: Option<&'static str>,
) -> Content {
    let (title, text) = match place.page {
        Page::Resend => (
            "Verify your email address",
            "Type the email address that you signed up with. We will send you a new link.",
        ),
        _ => (
            "Forgot your password?",
            "Type the email address of your account. We will send you a link to choose a new password.",
        ),
    };
    Content { title, text, actions: address_form(&escape(place.path), typed, reason) }
}

/// The page after an address was submitted. The same whether or not the address has an account.
pub(in crate::web) fn link_asked_for(page: Page) -> Content {
    let text = match page {
        Page::Resend => {
            "If an account with this address is not verified yet, we have sent it a new link."
        }
        _ => {
            "If there is an account with this address, we have sent it a link to choose a new password."
        }
    };
    Content::saying("Check your email", text)
}

fn address_form(action: &str, typed: &str, reason: Option<&'static str>) -> String {
    let typed = escape(typed);
    let (mark, alert) = match reason {
        Some(reason) => (
            " aria-invalid=\"true\" aria-describedby=\"reasons\"",
            format!(
                "<ul class=\"reasons\" id=\"reasons\" role=\"alert\"><li>{}</li></ul>",
                escape(reason)
            ),
        ),
        None => ("", String::new()),
    };
    format!(
        "<form method=\"post\" action=\"{action}\"><label for=\"email\">Email address</label>\
         <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" inputmode=\"email\" required \
         maxlength=\"254\" value=\"{typed}\"{mark}>{alert}<button>Send me a link</button></form>"
    )
}

/// The field for a new password with its rules, and the reasons why the previous password was
/// rejected.
fn new_password(rules: &PasswordRules, broken: &[String]) -> String {
    let mut reasons = String::new();
    let (mark, described) = if broken.is_empty() {
        ("", "rules")
    } else {
        let items =
            broken.iter().map(|reason| escape(reason)).collect::<Vec<_>>().join("</li><li>");
        reasons =
            format!("<ul class=\"reasons\" id=\"reasons\" role=\"alert\"><li>{items}</li></ul>");
        (" aria-invalid=\"true\"", "reasons rules")
    };
    // No maxlength: browsers truncate silently, and count UTF-16 units where authd counts code
    // points.
    format!(
        "<label for=\"new-password\">New password</label>\
         <input id=\"new-password\" name=\"newPassword\" type=\"password\" autocomplete=\"new-password\" required \
         minlength=\"{}\" autocapitalize=\"off\" spellcheck=\"false\" aria-describedby=\"{described}\"{mark} autofocus>\
         {reasons}<p class=\"hint\" id=\"rules\">{}</p>",
        rules.min_length,
        escape(&in_words(rules)),
    )
}

/// `At least 12 characters, with an uppercase letter and a number.`
fn in_words(rules: &PasswordRules) -> String {
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

/// The page after the button was pressed.
pub(in crate::web) fn done(place: PageContext<'_>) -> Content {
    match place.page {
        Page::Verify => Content::saying(
            "Email address verified",
            "Thank you. You can close this page and log in.",
        ),
        Page::Disown => Content::saying(
            "Account removed",
            "The account created with your email address was removed. There is nothing else to do.",
        ),
        Page::OpenLogin => {
            Content::saying("Login allowed", "You can now log in with your password from here.")
        }
        Page::Reset => Content::saying(
            "Password changed",
            "You have been logged out on all devices. Close this page and log in with your new password.",
        ),
        Page::ConfirmEmail => Content::saying(
            "Email address changed",
            "Thank you. Your account uses this email address from now on. You can close this page.",
        ),
        Page::UndoEmail => Content {
            title: "Your account keeps this address",
            text: "All devices have been logged out. The person who asked for the change may know your password, so \
                   it no longer works. We have sent you a link to choose a new one.",
            actions: format!(
                "<a class=\"other\" href=\"{}\">Send it again</a>",
                place.beside(Page::Forgot)
            ),
        },
        Page::NotMe => Content {
            title: "Login ended",
            text: "All devices have been logged out. Someone may know your password, so it no longer works. We have \
                   sent you a link to choose a new one.",
            actions: format!(
                "<a class=\"other\" href=\"{}\">Send it again</a>",
                place.beside(Page::Forgot)
            ),
        },
        Page::Forgot | Page::Resend => link_asked_for(place.page),
    }
}

/// The page for an address that was already verified.
pub(in crate::web) fn verified_already() -> Content {
    Content::saying(
        "Already verified",
        "This email address is already verified. You can close this page and log in.",
    )
}

/// The page for an error, with a form for a new link if that helps. Statuses are the same as on the
/// native API.
pub(in crate::web) fn refusal(
    place: PageContext<'_>,
    kind: Kind,
    asks: Asks,
) -> (StatusCode, Content) {
    let again = "Please wait a moment, then try again.";
    let is_about_link =
        matches!(kind, Kind::MissingLinkToken | Kind::LinkExpired | Kind::LinkInvalid);
    let (status, title, text) = match kind {
        Kind::MissingLinkToken => (
            StatusCode::BAD_REQUEST,
            "This link is incomplete",
            "Please open the full link from the email, or copy all of it into the address bar.",
        ),
        Kind::LinkExpired => (StatusCode::GONE, "This link has expired", after(place.page)),
        Kind::LinkInvalid => (StatusCode::NOT_FOUND, "This link does not work", gone(place.page)),
        Kind::ForeignOrigin => (
            StatusCode::FORBIDDEN,
            "Nothing was changed",
            "This form was sent from a page of another site. Please open the link from the email itself.",
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
    let mut content = Content::saying(title, text);
    if is_about_link
        && asks == Asks::InApp
        && matches!(place.page, Page::Reset | Page::Forgot | Page::NotMe)
    {
        return (
            status,
            Content::saying(
                title,
                "It works for a limited time and only once. Please request a new one in the app.",
            ),
        );
    }
    let way_on = match place.page {
        Page::Reset | Page::Forgot | Page::NotMe => Some(Page::Forgot),
        Page::Verify | Page::Resend => Some(Page::Resend),
        _ => None,
    };
    if let Some(page) = way_on.filter(|_| is_about_link) {
        content.actions = address_form(&place.beside(page), "", None);
    }
    (status, content)
}

/// Advice for an expired link.
fn after(page: Page) -> &'static str {
    match page {
        Page::Reset | Page::Forgot | Page::Verify | Page::Resend => {
            "Links work for a limited time only. Type your email address, and we will send you a new one."
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
        Page::Disown => "There is nothing to do: an unverified account is removed automatically.",
        Page::OpenLogin => {
            "Please log in as usual. If your login is blocked again, you will get a new link."
        }
    }
}

/// The explanation for a link that stopped working.
fn gone(page: Page) -> &'static str {
    match page {
        Page::Reset | Page::Forgot | Page::Verify | Page::Resend => {
            "It may have been used already, or a newer email has replaced it. Type your email address, and we will send \
             you a new one."
        }
        _ => "It may have been used already, or a newer email has replaced it.",
    }
}

pub(in crate::web) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> PasswordRules {
        PasswordRules {
            min_length: 12,
            max_length: 256,
            upper: true,
            lower: false,
            digit: true,
            symbol: false,
            blocklist: true,
            personal: true,
            reset_by_code: false,
        }
    }

    #[test]
    fn what_is_shown_is_escaped() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        let place = PageContext { page: Page::Forgot, path: "/forgot-password" };
        let content = ask_for_link(place, "\"><script>", Some("<b>"));
        assert!(
            !content.actions.contains("<script>") && !content.actions.contains("<b>"),
            "{}",
            content.actions
        );
        let place = PageContext { page: Page::Reset, path: "/reset-password" };
        let content = question(place, "abc", &rules(), &["<script>".to_owned()]);
        assert!(
            content.actions.contains("&lt;script&gt;") && !content.actions.contains("<script>")
        );
    }

    #[test]
    fn forms_post_under_the_mount_that_was_used() {
        for mount in ["", "/v1", "/api/v1"] {
            let path = format!("{mount}/verify-email");
            let content =
                question(PageContext { page: Page::Verify, path: &path }, "abc", &rules(), &[]);
            assert!(
                content
                    .actions
                    .contains(&format!("method=\"post\" action=\"{mount}/verify-email\""))
            );
            assert!(
                content
                    .actions
                    .contains(&format!("href=\"{mount}/verify-email/disown?token=abc\""))
            );
            let path = format!("{mount}/reset-password");
            let (_, content) = refusal(
                PageContext { page: Page::Reset, path: &path },
                Kind::LinkExpired,
                Asks::Here,
            );
            assert!(
                content.actions.contains(&format!("action=\"{mount}/forgot-password\"")),
                "{}",
                content.actions
            );
            let (_, content) = refusal(
                PageContext { page: Page::Reset, path: &path },
                Kind::LinkExpired,
                Asks::InApp,
            );
            assert_eq!(content.actions, "");
        }
    }

    #[test]
    fn the_rules_are_told_in_words() {
        assert!(
            in_words(&rules())
                .starts_with("At least 12 characters, with an uppercase letter and a number.")
        );
        let plain = PasswordRules { upper: false, digit: false, ..rules() };
        assert!(in_words(&plain).starts_with("At least 12 characters. "));
    }
}
