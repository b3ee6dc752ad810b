//! The pages that links in mail open, and their paths. The core makes links to them, `web` serves
//! them.

use crate::model::percent;

/// Declares the pages, so that none can be missing in [`Page::ALL`].
macro_rules! pages {
    ($($(#[$doc:meta])* $page:ident => $path:literal,)*) => {
        /// A page that a link in mail opens, or that mails such a link.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Page {
            $($(#[$doc])* $page,)*
        }

        impl Page {
            /// All pages.
            pub const ALL: &[Page] = &[$(Page::$page),*];

            /// The path below each of [`MOUNTS`].
            #[must_use]
            pub fn path(self) -> &'static str {
                match self {
                    $(Page::$page => $path,)*
                }
            }
        }
    };
}

pages! {
    /// Verifies the address of a new account.
    VerifyEmail => "/verify-email",
    /// Removes an account that someone else created with this address.
    DisownSignUp => "/verify-email/disown",
    /// Mails another verification link.
    ResendVerification => "/resend-verification",
    /// Allows a login by password again after many wrong ones.
    OpenLogin => "/open-login",
    /// Mails a link to choose a new password.
    ForgotPassword => "/forgot-password",
    /// Sets a new password.
    ResetPassword => "/reset-password",
    /// Confirms the new address of an account.
    ConfirmEmail => "/confirm-email",
    /// Undoes a change of the address.
    UndoEmail => "/undo-email",
    /// Ends a login that was not the owner's.
    NotMe => "/not-me",
}

/// The prefixes at which every page is served: the root, and each mount of the native API, so that
/// the pages work behind a proxy that forwards only the API.
pub const MOUNTS: [&str; 3] = ["", "/v1", "/api/v1"];

impl Page {
    /// The link that opens the page, in this language if there is one, under one of [`MOUNTS`], below the public URL.
    #[must_use]
    pub fn link(
        self,
        public_url: &str,
        mount: &str,
        language: Option<&str>,
        token: &str,
    ) -> String {
        let wish = language.map_or_else(String::new, |tag| format!("lang={tag}&"));
        format!("{public_url}{mount}{}?{wish}token={}", self.path(), percent::encode(token))
    }

    /// The path of another page under the mount of `path`, the path of this one.
    #[must_use]
    pub fn beside(self, path: &str, other: Page) -> String {
        let mount = path.strip_suffix(self.path()).unwrap_or("");
        format!("{mount}{}", other.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_unique_and_a_link_carries_its_token() {
        for page in Page::ALL {
            assert_eq!(Page::ALL.iter().filter(|other| other.path() == page.path()).count(), 1);
        }
        assert_eq!(
            Page::UndoEmail.link("https://id.example.com", "/v1", None, "a-b_1&x"),
            "https://id.example.com/v1/undo-email?token=a-b_1%26x"
        );
        assert_eq!(
            Page::NotMe.link("https://id.example.com", "", Some("pt-BR"), "a"),
            "https://id.example.com/not-me?lang=pt-BR&token=a"
        );
    }

    #[test]
    fn a_page_leads_to_others_under_the_same_mount() {
        for mount in MOUNTS {
            let path = format!("{mount}/verify-email");
            assert_eq!(
                Page::VerifyEmail.beside(&path, Page::DisownSignUp),
                format!("{mount}/verify-email/disown")
            );
        }
    }
}
