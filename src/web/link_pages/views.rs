//! The templates of the pages, with the values they show.

use askama::Template;

use crate::web::html::Layout;
use crate::words::Translation;

/// Asks to press a button that uses the link.
#[derive(Template)]
#[template(path = "pages/confirm.html")]
pub(in crate::web) struct ConfirmView<'a> {
    pub(in crate::web) layout: Layout<'a>,
    pub(in crate::web) words: Translation<'a>,
    /// Where the form is posted: the page's own path.
    pub(in crate::web) action: String,
    pub(in crate::web) token: &'a str,
    pub(in crate::web) button: &'a str,
    pub(in crate::web) password: Option<NewPasswordField<'a>>,
    /// The path of the page for owners of the address who did not sign up.
    pub(in crate::web) disown: Option<String>,
    /// The path of the script that presses the button.
    pub(in crate::web) script: Option<String>,
}

/// The field for a new password.
pub(in crate::web) struct NewPasswordField<'a> {
    pub(in crate::web) min_length: usize,
    /// The rules in words.
    pub(in crate::web) rules: String,
    /// The reasons why the previous password was rejected.
    pub(in crate::web) reasons: &'a [String],
}

/// Asks for the address that a link is mailed to.
#[derive(Template)]
#[template(path = "pages/address.html")]
pub(in crate::web) struct AddressView<'a> {
    pub(in crate::web) layout: Layout<'a>,
    pub(in crate::web) words: Translation<'a>,
    /// Where the form is posted.
    pub(in crate::web) action: String,
    /// What was typed before.
    pub(in crate::web) typed: &'a str,
    /// Why that is no address.
    pub(in crate::web) reason: Option<&'a str>,
    pub(in crate::web) button: &'a str,
}

/// Says what happened.
#[derive(Template)]
#[template(path = "pages/message.html")]
pub(in crate::web) struct MessageView<'a> {
    pub(in crate::web) layout: Layout<'a>,
    pub(in crate::web) words: Translation<'a>,
    /// The path of the page that mails the announced link again.
    pub(in crate::web) again: Option<String>,
    pub(in crate::web) passkeys: Option<PasskeysStay<'a>>,
}

impl<'a> MessageView<'a> {
    /// Without a way on.
    pub(in crate::web) fn plain(layout: Layout<'a>, words: Translation<'a>) -> Self {
        Self { layout, words, again: None, passkeys: None }
    }
}

/// That passkeys still log in after a reset, and the page with them, where the server has it.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct PasskeysStay<'a> {
    pub(in crate::web) text: &'a str,
    pub(in crate::web) link: Option<(&'a str, &'a str)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::brand::Brand;
    use crate::web::front::{FrontLink, FrontView};
    use crate::words::english;

    const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=\"'&>{{ x }}{% y %}";

    fn layout(text: &'static str) -> Layout<'static> {
        let brand = Box::leak(Box::new(Brand::named(text)));
        Layout::new(brand, english(), text, text)
    }

    /// Each template, with this text in every place.
    fn rendered(text: &'static str) -> [String; 4] {
        let reasons = [text.to_owned(), text.to_owned()];
        let confirm = ConfirmView {
            layout: layout(text),
            words: english(),
            action: text.into(),
            token: text,
            button: text,
            password: Some(NewPasswordField {
                min_length: 12,
                rules: text.into(),
                reasons: &reasons,
            }),
            disown: Some(text.into()),
            script: Some(text.into()),
        };
        let address = AddressView {
            layout: layout(text),
            words: english(),
            action: text.into(),
            typed: text,
            reason: Some(text),
            button: text,
        };
        let message = MessageView {
            layout: layout(text),
            words: english(),
            again: Some(text.into()),
            passkeys: Some(PasskeysStay { text, link: Some((text, text)) }),
        };
        let links = [FrontLink { path: text.into(), words: text }];
        let front = FrontView { layout: layout(text), links: &links };
        [confirm.to_string(), address.to_string(), message.to_string(), front.to_string()]
    }

    #[test]
    fn no_template_takes_a_value_for_markup() {
        for (page, plain) in rendered(MARKUP).iter().zip(rendered("QQQ")) {
            let escaped = "&#60;script&#62;alert(1)&#60;/script&#62;&#60;img src=x onerror=&#34;&#39;&#38;&#62;{{ x }}{% y %}";
            assert!(!page.contains("<img") && !page.contains("<script>"), "{page}");
            assert_eq!(page.matches(escaped).count(), plain.matches("QQQ").count(), "{page}");
            assert_eq!(page.replace(escaped, "QQQ"), plain);
        }
    }
}
