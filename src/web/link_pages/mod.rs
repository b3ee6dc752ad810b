//! The pages that links in mail open. Mail scanners follow links, so opening a page changes
//! nothing: only its button does, with or without script. Forms posted by other sites are refused.
//!
//! `words` picks their texts, `refusal` what they answer to errors, `views` their templates.

mod refusal;
mod views;
mod words;

pub(in crate::web) use crate::web::link_pages::words::password_rules;

use std::sync::Arc;

use poem::http::header::RETRY_AFTER;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Endpoint, Request, Response, RouteMethod, endpoint};

use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::http::extract::api_client::FromApp;
use crate::http::extract::request_context::RequestContext;
use crate::http::extract::{body, origin};
use crate::http::server::paths::Paths;
use crate::http::server::reject::{self, Reject};
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::identity::access::rate_key::RateKey;
use crate::identity::account::link::LinkPurpose;
use crate::identity::account::recover::Recovered;
use crate::identity::account::verify_email::Proved;
use crate::identity::account::{change_email, link, recover, verify_email};
use crate::identity::login::{new_device, open_login};
use crate::model::page::MOUNTS;
use crate::model::{Email, Page, Password};
use crate::web::brand::Brand;
use crate::web::form;
use crate::web::html::{self, Layout, Scripts};
use crate::web::language;
use crate::web::link_pages::refusal::{ResetsBegin, refusal};
use crate::web::link_pages::views::{
    AddressView, ConfirmView, MessageView, NewPasswordField, PasskeysStay,
};
use crate::web::link_pages::words::{Heading, PageTexts};
use crate::web::problems;
use crate::web::target::PASSKEYS;
use crate::words::Translation;

/// The script that presses the button. Only the page that verifies an address loads it, and only if
/// the policy enables it.
const POST_AT_ONCE: &str = include_str!("../../../static/pages/post.js");

/// The path of the script, relative to its page.
const SCRIPT: &str = "/post.js";

/// Adds the routes.
#[must_use]
pub(in crate::web) fn routes(mut route: Routes, core: &Arc<Core>, brand: &Arc<Brand>) -> Routes {
    for path in script_paths() {
        let script = endpoint::make_sync(|_| html::script(POST_AT_ONCE));
        route = route.at(path, poem::get(script));
    }
    for &page in Page::ALL {
        for mount in MOUNTS {
            let served = LinkPage::new(core.clone(), brand.clone(), page, mount);
            let methods =
                RouteMethod::new().get(served.clone().opened()).post(served.clone().pressed());
            route = route.at(format!("{mount}{}", page.path()), methods);
        }
    }
    route
}

/// The paths of the pages and of their script.
#[must_use]
pub(in crate::web) fn paths() -> Paths {
    Paths::default()
        .with(page_paths(), &[Method::GET, Method::POST])
        .with(script_paths(), &[Method::GET])
}

/// The paths of the pages, under each mount.
pub(in crate::web) fn page_paths() -> impl Iterator<Item = String> {
    Page::ALL.iter().flat_map(|page| MOUNTS.map(|mount| format!("{mount}{}", page.path())))
}

/// The paths of the script.
pub(in crate::web) fn script_paths() -> impl Iterator<Item = String> {
    MOUNTS.into_iter().map(|mount| format!("{mount}{}{SCRIPT}", Page::VerifyEmail.path()))
}

/// Whether a mailed link opens the page. The other pages ask for an address.
fn takes_token(page: Page) -> bool {
    !matches!(page, Page::ResendVerification | Page::ForgotPassword)
}

/// Whether a script presses the button.
fn posts_at_once(page: Page, config: &Config) -> bool {
    page == Page::VerifyEmail && config.links.post_at_once
}

/// The scripts that a page may run.
fn scripts(page: Page, config: &Config) -> Scripts {
    if posts_at_once(page, config) { Scripts::Own } else { Scripts::None }
}

/// The purpose that the page's link must have; `None` for pages without a link, and for the link of
/// a login alert, which is stored elsewhere.
fn purpose(page: Page) -> Option<LinkPurpose> {
    match page {
        Page::VerifyEmail | Page::DisownSignUp => Some(LinkPurpose::Verify),
        Page::OpenLogin => Some(LinkPurpose::OpenLogin),
        Page::ResetPassword => Some(LinkPurpose::Reset),
        Page::ConfirmEmail => Some(LinkPurpose::ConfirmEmail),
        Page::UndoEmail => Some(LinkPurpose::UndoEmail),
        Page::ResendVerification | Page::ForgotPassword | Page::NotMe => None,
    }
}

/// What the page of a link asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Button,
    /// A new password.
    Password,
    /// The password of an account whose sign-ups gave different ones.
    Choice,
}

/// What a link did.
struct Followed<'a> {
    heading: Heading<'a>,
    passkeys: Option<PasskeysStay<'a>>,
}

impl<'a> From<Heading<'a>> for Followed<'a> {
    fn from(heading: Heading<'a>) -> Self {
        Self { heading, passkeys: None }
    }
}

/// One page, as it is served.
#[derive(Clone)]
struct LinkPage {
    core: Arc<Core>,
    brand: Arc<Brand>,
    page: Page,
    /// The prefix of its path.
    mount: &'static str,
    policy: HeaderValue,
}

impl LinkPage {
    fn new(core: Arc<Core>, brand: Arc<Brand>, page: Page, mount: &'static str) -> Self {
        let policy = html::policy(scripts(page, &core.config));
        Self { core, brand, page, mount, policy }
    }

    /// `GET`: explains the link and shows the button, or shows that the link no longer works.
    fn opened(self) -> impl Endpoint {
        endpoint::make(move |request: Request| {
            let page = self.clone();
            async move {
                let visit = language::context_of(&page.core, &request).await?;
                let shown = page.open(&request, &visit).await;
                page.or_refusal(shown, &visit)
            }
        })
    }

    async fn open(&self, request: &Request, visit: &RequestContext) -> Result<Response> {
        if !takes_token(self.page) {
            self.admit(request.headers()).await?;
            return self.ask_for_address(StatusCode::OK, visit, "", None);
        }
        let query = request.original_uri().query().unwrap_or("");
        let token = form::token_of(query).ok_or(Kind::MissingLinkToken)?;
        let ask = self.look(token).await?;
        let script = (ask == Ask::Button && posts_at_once(self.page, &self.core.config))
            .then(|| format!("{}{SCRIPT}", visit.path));
        let view = ConfirmView { script, ..self.question(ask, visit, token, &[]) };
        self.show(StatusCode::OK, &view)
    }

    /// Checks the link without using it. Returns what its page asks for.
    async fn look(&self, token: &str) -> Result<Ask> {
        match (self.page, purpose(self.page)) {
            (Page::VerifyEmail, _) => {
                let asks_password = verify_email::asks_password(&self.core, token).await?;
                return Ok(if asks_password { Ask::Choice } else { Ask::Button });
            }
            (_, Some(purpose)) => link::look(&self.core, purpose, token).await?,
            (_, None) => new_device::look(&self.core, token).await?,
        }
        Ok(if self.page == Page::ResetPassword { Ask::Password } else { Ask::Button })
    }

    /// `POST`: does what the button says.
    fn pressed(self) -> impl Endpoint {
        endpoint::make(move |request: Request| {
            let page = self.clone();
            async move {
                let visit = language::context_of(&page.core, &request).await?;
                let done = page.press(request, &visit).await;
                page.or_refusal(done, &visit)
            }
        })
    }

    async fn press(&self, request: Request, visit: &RequestContext) -> Result<Response> {
        origin::check_form(&request, &self.core.config)?;
        body::refuse_announced(&request, &self.core.config)?;
        let (request, mut body) = request.split();
        let form = body::bytes(&self.core.config, &mut body).await?;
        let form = std::str::from_utf8(&form).map_err(|_| Kind::MalformedBody)?;
        if !takes_token(self.page) {
            let app = self.admit(request.headers()).await?;
            return self.send_link(form, visit, app).await;
        }
        let token = form::token_of(form).ok_or(Kind::MissingLinkToken)?;
        let words = self.words(visit);
        match self.follow(token, form, visit).await {
            Ok(Some(followed)) => self.say(&followed, visit),
            Ok(None) => {
                let reasons = [words.problems.no_password.to_string()];
                let view = self.question(Ask::Choice, visit, token, &reasons);
                self.show(StatusCode::BAD_REQUEST, &view)
            }
            Err(error) if !error.fields().is_empty() => {
                let reasons: Vec<_> =
                    error.fields().iter().map(|row| problems::reason(&words, row)).collect();
                let is_reset = self.page == Page::ResetPassword;
                let ask = if is_reset { Ask::Password } else { Ask::Choice };
                self.show(StatusCode::BAD_REQUEST, &self.question(ask, visit, token, &reasons))
            }
            Err(error) => Err(error),
        }
    }

    /// Counts the call and follows the link. Returns `None` if a password has to be chosen with it.
    async fn follow(
        &self,
        token: &str,
        form: &str,
        visit: &RequestContext,
    ) -> Result<Option<Followed<'_>>> {
        let (core, source) = (&self.core, &visit.source);
        match self.page {
            Page::VerifyEmail => {
                let counted = visit.limited().count().await?;
                let new = form::field(form, "newPassword").map(Password::new);
                match verify_email::prove_and_choose(core, token, new, &counted, source).await? {
                    Some(Proved::Now) => {}
                    Some(Proved::Already) => {
                        let text = &self.words(visit).words.pages.verify_email;
                        let heading = Heading::new(&text.already_title, &text.already_text);
                        return Ok(Some(heading.into()));
                    }
                    None => return Ok(None),
                }
            }
            Page::DisownSignUp => {
                verify_email::disown(core, token, &visit.limited().count().await?, source).await?;
            }
            Page::OpenLogin => {
                open_login::follow(core, token, &visit.limited().count().await?, source).await?;
            }
            Page::ResetPassword => {
                let counted = visit.limited().count().await?;
                let new = Password::new(form::field(form, "newPassword").unwrap_or_default());
                let recovered = recover::reset(core, token, new, &counted, source).await?;
                let passkeys = match recovered {
                    Recovered::WithPasskeys => Some(self.passkeys_stay(visit)),
                    Recovered::PasswordAlone => None,
                };
                return Ok(Some(Followed { heading: self.texts(visit).done, passkeys }));
            }
            Page::ConfirmEmail => {
                change_email::confirm(core, token, &visit.limited().count().await?, source).await?;
            }
            Page::UndoEmail => {
                change_email::undo(core, token, &visit.limited().count().await?, source).await?;
            }
            Page::NotMe => {
                new_device::disown(core, token, &visit.limited().count().await?, source).await?;
            }
            Page::ForgotPassword | Page::ResendVerification => {}
        }
        Ok(Some(self.texts(visit).done.into()))
    }

    /// If the policy requires an API client for a password reset, this page does too, as every API
    /// does: it then works only behind a proxy that sends the credentials of an API client.
    async fn admit(&self, headers: &HeaderMap) -> Result<Option<FromApp>> {
        match self.page {
            Page::ForgotPassword => FromApp::of(&self.core, headers).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Requests a new link. The response never depends on whether the account exists.
    async fn send_link(
        &self,
        form: &str,
        visit: &RequestContext,
        app: Option<FromApp>,
    ) -> Result<Response> {
        let typed = form::field(form, "email").unwrap_or_default();
        let Some(email) = Email::parse(typed.trim()) else {
            let reason = Some(self.words(visit).words.problems.no_address.as_str());
            return self.ask_for_address(StatusCode::BAD_REQUEST, visit, &typed, reason);
        };
        let (core, source) = (&self.core, &visit.source);
        if let Some(app) = app {
            let counted = visit.limited().count_for(&app, RateKey::Email(&email)).await?;
            recover::request(core, &email, &counted, source).await?;
        } else {
            let counted = visit.limited().count().await?;
            verify_email::request(core, &email, &counted, source).await?;
        }
        self.say(&self.texts(visit).done.into(), visit)
    }

    /// The page of a link before the button is pressed, or again with the reasons why a password
    /// was rejected.
    fn question<'a>(
        &'a self,
        ask: Ask,
        visit: &'a RequestContext,
        token: &'a str,
        reasons: &'a [String],
    ) -> ConfirmView<'a> {
        let words = self.words(visit);
        let own = self.texts(visit);
        let choice = &words.words.pages.verify_email;
        let (heading, button) = match ask {
            Ask::Choice => {
                (Heading::new(&choice.title, &choice.choice_text), choice.choice_button.as_str())
            }
            Ask::Button | Ask::Password => (own.opened, own.button),
        };
        let rules = &self.core.config.password;
        let password = (ask != Ask::Button).then(|| NewPasswordField {
            min_length: rules.min_length,
            rules: words::password_rules(&words, rules),
            reasons,
        });
        let disown = (self.page == Page::VerifyEmail)
            .then(|| Self::link(visit, &self.page.beside(&visit.path, Page::DisownSignUp), token));
        let layout = self.layout(heading, visit);
        let action = Self::target(visit, &visit.path);
        ConfirmView { layout, words, action, token, button, password, disown, script: None }
    }

    /// The page that asks for an address. With a `reason`, what was typed is no address.
    fn ask_for_address(
        &self,
        status: StatusCode,
        visit: &RequestContext,
        typed: &str,
        reason: Option<&str>,
    ) -> Result<Response> {
        let (words, own) = (self.words(visit), self.texts(visit));
        let (layout, button) = (self.layout(own.opened, visit), own.button);
        let action = Self::target(visit, &visit.path);
        self.show(status, &AddressView { layout, words, action, typed, reason, button })
    }

    /// The page after the button was pressed.
    fn say(&self, followed: &Followed<'_>, visit: &RequestContext) -> Result<Response> {
        let Followed { heading, passkeys } = *followed;
        let mails_link = matches!(self.page, Page::UndoEmail | Page::NotMe);
        let again = mails_link
            .then(|| Self::target(visit, &self.page.beside(&visit.path, Page::ForgotPassword)));
        let (layout, words) = (self.layout(heading, visit), self.words(visit));
        self.show(StatusCode::OK, &MessageView { layout, words, again, passkeys })
    }

    /// What the owner of passkeys reads after a reset, which removes none.
    fn passkeys_stay(&self, visit: &RequestContext) -> PasskeysStay<'_> {
        let text = &self.words(visit).words.pages.reset_password;
        let has_page = self.core.config.serves_pages();
        let link = has_page.then_some((PASSKEYS, text.passkeys_link.as_str()));
        PasskeysStay { text: &text.passkeys_stay, link }
    }

    /// The response, or the page for an error.
    fn or_refusal(
        &self,
        response: Result<Response>,
        visit: &RequestContext,
    ) -> poem::Result<Response> {
        let response = response.or_else(|error| self.refuse(&error, visit));
        Ok(response.map_err(Reject)?)
    }

    fn refuse(&self, error: &Error, visit: &RequestContext) -> Result<Response> {
        let words = self.words(visit);
        let resets = ResetsBegin::under(&self.core.config);
        let answer = refusal(&words, self.page, error.kind(), resets);
        reject::log(error, answer.status, visit.source.request_id.as_deref().unwrap_or_default());
        let layout = self.layout(answer.heading, visit);
        let mut response = match answer.way_on {
            Some(other) => {
                let action = Self::target(visit, &self.page.beside(&visit.path, other));
                let button = words::texts(&words, other).button;
                let (typed, reason) = ("", None);
                let view = AddressView { layout, words, action, typed, reason, button };
                self.show(answer.status, &view)?
            }
            None => self.show(answer.status, &MessageView::plain(layout, words))?,
        };
        if let Some(wait) = error.retry_delay() {
            response.headers_mut().insert(RETRY_AFTER, reject::retry_after(wait));
        }
        Ok(response)
    }

    /// The language that the page is shown in.
    fn words(&self, visit: &RequestContext) -> Translation<'_> {
        self.core.words.pick([visit.wish, visit.source.language])
    }

    /// A path of this server, with the wish for a language that the page was opened with.
    fn target(visit: &RequestContext, path: &str) -> String {
        match &visit.wish {
            Some(language) => format!("{path}?lang={language}"),
            None => path.to_owned(),
        }
    }

    /// The same with a link's token.
    fn link(visit: &RequestContext, path: &str, token: &str) -> String {
        match &visit.wish {
            Some(language) => format!("{path}?lang={language}&token={token}"),
            None => format!("{path}?token={token}"),
        }
    }

    fn texts(&self, visit: &RequestContext) -> PageTexts<'_> {
        words::texts(self.words(visit).words, self.page)
    }

    fn layout<'a>(&'a self, heading: Heading<'a>, visit: &RequestContext) -> Layout<'a> {
        let Heading { title, text } = heading;
        Layout {
            mount: self.mount,
            has_sign_in: self.core.config.serves_pages(),
            ..Layout::new(&self.brand, self.words(visit), title, text)
        }
    }

    fn show(&self, status: StatusCode, view: &impl askama::Template) -> Result<Response> {
        html::page(status, &self.policy, &self.brand, view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, load};

    #[test]
    fn script_runs_only_on_one_page_and_only_where_the_policy_says_so() {
        let inputs = |profile: &str| Inputs {
            flags: vec![("profile".into(), profile.into())],
            ..Inputs::default()
        };
        for (profile, scripted) in [("standard", 0), ("authbackend", 1)] {
            let config =
                load(&inputs(profile)).unwrap_or_else(|problems| panic!("{problems}")).config;
            let own = |page: &&Page| scripts(**page, &config) == Scripts::Own;
            assert_eq!(Page::ALL.iter().filter(own).count(), scripted);
        }
    }
}
