//! What all sign-in and account pages share: the core, the looks, the headers, and the pages that
//! are shown instead of others.

use std::sync::Arc;

use askama::Template;
use poem::http::header::RETRY_AFTER;
use poem::http::{HeaderName, HeaderValue, StatusCode};
use poem::{Body, Response};

use crate::config::{Config, Environment};
use crate::doctor::remembered::RememberedFindings;
use crate::error::{Error, Result};
use crate::http::server::log::{Plain, WarningLimit};
use crate::http::server::reject;
use crate::identity::Core;
use crate::identity::account::export::PersonalExport;
use crate::model::Source;
use crate::web::brand::Brand;
use crate::web::html::{self, Layout};
use crate::web::jar::{Jar, PageCookie};
use crate::web::notice::Notice;
use crate::web::stop::{Instead, Stop};
use crate::web::target::{self, with_target};
use crate::web::visit::{Visit, add_cookie, go};
use crate::words::Translation;

/// Writes an export as the native API does, while it is sent.
pub type WriteExport = fn(Arc<Core>, PersonalExport) -> Result<Body>;

/// What all pages share.
pub(in crate::web) struct Site {
    pub(in crate::web) core: Arc<Core>,
    pub(in crate::web) brand: Arc<Brand>,
    pub(in crate::web) write_export: WriteExport,
    pub(in crate::web) findings: RememberedFindings,
    policy: HeaderValue,
    target_warnings: WarningLimit,
}

impl Site {
    pub(in crate::web) fn new(
        core: &Arc<Core>,
        brand: &Arc<Brand>,
        write_export: WriteExport,
    ) -> Self {
        let policy = policy(&core.config);
        let target_warnings = WarningLimit::new(core.env.clone());
        let findings = RememberedFindings::default();
        let (core, brand) = (core.clone(), brand.clone());
        Self { core, brand, write_export, findings, policy, target_warnings }
    }
}

/// The content security policy. `form-action` covers the redirect after a form too, so it names the
/// apps that a login may lead to.
fn policy(config: &Config) -> HeaderValue {
    let mut apps: Vec<String> = config.pages.return_sources().collect();
    apps.sort_unstable();
    apps.dedup();
    let apps: String = apps.iter().flat_map(|app| [" ", app.as_str()]).collect();
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'{apps}; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Says something, with links on (`pages/notice.html`).
#[derive(Template)]
#[template(path = "pages/notice.html")]
pub(in crate::web) struct SayView<'a> {
    pub(in crate::web) layout: Layout<'a>,
    pub(in crate::web) text: &'a str,
    pub(in crate::web) links: &'a [(&'a str, &'a str)],
}

impl Site {
    /// Renders a page.
    pub(in crate::web) fn render(
        &self,
        status: StatusCode,
        view: &impl Template,
    ) -> Result<Response> {
        let mut response = html::page(status, &self.policy, &self.brand, view)?;
        let own = HeaderValue::from_static("same-origin");
        response.headers_mut().insert(OPENER_POLICY, own.clone());
        response.headers_mut().insert(RESOURCE_POLICY, own);
        Ok(response)
    }

    /// What the visitor gets instead of a page.
    pub(in crate::web) fn stop(
        &self,
        stop: &Stop,
        words: Translation<'_>,
        source: &Source,
    ) -> Result<Response> {
        let (status, title, text) = match stop.instead(&words) {
            Instead::SignIn { back, notice, clears } => {
                return Ok(self.to_sign_in(back, notice, clears));
            }
            Instead::Page { status, title, text } => (status, title, text),
        };
        let links = [
            ("/sign-in", words.words.shell.sign_in.as_str()),
            (target::ACCOUNT, words.words.shell.home.as_str()),
        ];
        let layout = Layout::new(&self.brand, words, title, text);
        let mut response = self.render(status, &SayView { layout, text, links: &links })?;
        if let Stop::UnknownTarget(named) = stop {
            self.note_target(named);
        }
        if let Stop::Failed(error) = stop {
            note_failure(&mut response, error, source);
        }
        Ok(response)
    }

    /// Tells developers why a page does not lead on. In production, such links are other sites'
    /// attempts.
    fn note_target(&self, named: &str) {
        let is_production = self.core.config.server.environment == Environment::Production;
        if !is_production && !named.is_empty() && self.target_warnings.permits() {
            tracing::warn!(
                "a page asked to return to {}, which is not in pages.return_to",
                Plain(named)
            );
        }
    }

    fn to_sign_in(&self, back: Option<&str>, notice: Notice, clears: PageCookie) -> Response {
        let jar = Jar::configured(&self.core.config.server);
        let mut response = go(&with_target("/sign-in", back));
        add_cookie(&mut response, &jar.notice(notice));
        add_cookie(&mut response, &jar.clear(clears));
        response
    }
}

/// Logs a refusal that a page shows, and says when to come back.
pub(in crate::web) fn note_failure(response: &mut Response, error: &Error, source: &Source) {
    let id = source.request_id.as_deref().unwrap_or_default();
    reject::log(error, response.status(), id);
    if let Some(wait) = error.retry_delay() {
        response.headers_mut().insert(RETRY_AFTER, reject::retry_after(wait));
    }
}

impl Visit {
    /// The document around this page, which a template of the operator can arrange.
    pub(in crate::web) fn layout_of<'a>(
        &'a self,
        page: &'static str,
        title: &'a str,
    ) -> Layout<'a> {
        Layout { page, ..self.layout(title) }
    }

    /// The document around a page with this title.
    pub(in crate::web) fn layout<'a>(&'a self, title: &'a str) -> Layout<'a> {
        Layout {
            token: &self.token,
            has_script: true,
            ..Layout::new(&self.site.brand, self.words(), title, "")
        }
    }
}
