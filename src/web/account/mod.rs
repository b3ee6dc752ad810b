//! The account pages: what people see and change of their own account.

mod connections;
mod data;
mod email;
mod factors;
mod overview;
mod passkeys;
mod password;
mod profile;
pub(in crate::web) mod proof;
mod record;
mod sessions;

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::error::{Error, Result};
use crate::http::server::reject;
use crate::model::{Permission, Rights, Secret};
use crate::web::account::proof::{ProofFailure, ProofWays};
use crate::web::html::Layout;
use crate::web::site::note_failure;
use crate::web::stop::Stop;
use crate::web::target;
use crate::web::view::{AccountFrame, FieldView, ProofView, focus_first};
use crate::web::visit::{Owner, PageRoute, owner};

/// The pages with their handlers.
pub(in crate::web) fn page_routes() -> [PageRoute; 23] {
    let page = |path, get, post| PageRoute { path, get, post, back: Some(path) };
    let step = |path, get, post, back| PageRoute { path, get, post, back: Some(back) };
    [
        page(target::ACCOUNT, owner!(overview::open), None),
        page(target::PROFILE, owner!(profile::open), owner!(profile::press)),
        page(target::EMAIL, owner!(email::open), owner!(email::press)),
        page(target::PASSWORD, owner!(password::open), owner!(password::press)),
        page(target::PASSKEYS, owner!(passkeys::open), owner!(passkeys::add)),
        step(
            "/account/passkeys/new",
            owner!(passkeys::open),
            owner!(passkeys::begin),
            target::PASSKEYS,
        ),
        step("/account/passkeys/rename", None, owner!(passkeys::rename), target::PASSKEYS),
        step(
            "/account/passkeys/remove",
            owner!(passkeys::ask_remove),
            owner!(passkeys::remove),
            target::PASSKEYS,
        ),
        page(target::AUTHENTICATOR, owner!(factors::open), None),
        step(
            "/account/authenticator/new",
            owner!(factors::open),
            owner!(factors::begin),
            target::AUTHENTICATOR,
        ),
        step(
            "/account/authenticator/confirm",
            owner!(factors::open),
            owner!(factors::confirm),
            target::AUTHENTICATOR,
        ),
        step(
            "/account/authenticator/remove",
            owner!(factors::ask_remove),
            owner!(factors::remove),
            target::AUTHENTICATOR,
        ),
        step(
            "/account/backup-codes",
            owner!(factors::ask_codes),
            owner!(factors::new_codes),
            target::AUTHENTICATOR,
        ),
        page(target::SESSIONS, owner!(sessions::open), None),
        step("/account/sessions/end", None, owner!(sessions::end), target::SESSIONS),
        step("/account/sessions/end-others", None, owner!(sessions::end_others), target::SESSIONS),
        page(target::RECORD, owner!(record::open), None),
        page(target::DATA, owner!(data::open), None),
        step("/account/data/export", owner!(data::ask_export), owner!(data::export), target::DATA),
        step("/account/data/delete", owner!(data::ask_delete), owner!(data::delete), target::DATA),
        page("/account/proof/passkey", None, owner!(proof::take_key)),
        page("/account/proof/passkey/options", None, owner!(proof::key_options)),
        // Where password managers look for the page that changes a password.
        step("/.well-known/change-password", owner!(password::lead), None, target::PASSWORD),
    ]
}

/// The pages of connected accounts.
pub(in crate::web) fn connection_routes() -> [PageRoute; 3] {
    let route = |path, get, post| PageRoute { path, get, post, back: Some(target::CONNECTIONS) };
    [
        route(target::CONNECTIONS, owner!(connections::open), owner!(connections::connect)),
        route("/account/connections/new", owner!(connections::open), owner!(connections::begin)),
        route(
            "/account/connections/remove",
            owner!(connections::ask_remove),
            owner!(connections::remove),
        ),
    ]
}

/// A page that is one form.
#[derive(Template)]
#[template(path = "pages/account/form.html")]
struct FormView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    /// For password managers.
    user_name: Option<&'a str>,
    fields: Vec<FieldView<'a>>,
    proof: ProofView<'a>,
    button: &'a str,
}

/// New backup codes.
#[derive(Template)]
#[template(path = "pages/account/codes.html")]
struct CodesView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    codes: Vec<&'a str>,
}

/// Asks before something happens.
#[derive(Template)]
#[template(path = "pages/account/confirm.html")]
struct ConfirmStepView<'a> {
    layout: Layout<'a>,
    frame: AccountFrame<'a>,
    step: &'a Step<'a>,
    consent_reason: Option<String>,
    proof: ProofView<'a>,
}

/// What happens after a page has asked.
struct Step<'a> {
    /// The page that it belongs to, which "Cancel" leads back to.
    page: &'static str,
    action: &'a str,
    /// What it is done to, where there are several.
    id: Option<&'a str>,
    title: &'a str,
    text: &'a str,
    /// A box to tick.
    consent: Option<&'a str>,
    button: &'a str,
    kind: StepKind,
}

/// How a step looks and what its answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepKind {
    Harmless,
    /// Something is lost by it.
    Risky,
    /// The answer is a file, so the page stays.
    Download,
}

/// The field of the box to tick.
const CONSENT: &str = "consent";

/// A key or device in a list, which can be removed.
struct RemovableItem<'a> {
    /// The page with the list.
    page: &'static str,
    id: &'a str,
    /// The page that asks before it is removed.
    title: &'a str,
    text: &'a str,
}

/// A form that was refused: why each field was, or why all of it was.
#[derive(Default)]
struct RefusedForm {
    reasons: Vec<(&'static str, String)>,
    proof: Option<ProofFailure>,
    problem: Option<String>,
    error: Option<Error>,
}

impl RefusedForm {
    fn field(id: &'static str, reason: impl Into<String>) -> Self {
        Self { reasons: vec![(id, reason.into())], ..Self::default() }
    }

    fn proof(failure: ProofFailure) -> Self {
        Self { proof: Some(failure), ..Self::default() }
    }

    fn failed(owner: &Owner, error: Error) -> Self {
        let problem = Some(crate::web::stop::problem(owner.words().words, &error));
        Self { problem, error: Some(error), ..Self::default() }
    }

    fn reason(&self, id: &str) -> Option<String> {
        self.reasons.iter().find(|(known, _)| *known == id).map(|(_, reason)| reason.clone())
    }

    fn status(&self) -> StatusCode {
        let of_proof = self.proof.as_ref().and_then(ProofFailure::error);
        match self.error.as_ref().or(of_proof) {
            Some(error) => reject::status(error.kind()),
            None => StatusCode::BAD_REQUEST,
        }
    }
}

impl Owner {
    /// The parts around the content of a page.
    fn account_frame<'a>(
        &'a self,
        path: &'static str,
        text: Option<&'a str>,
        refused: Option<&'a RefusedForm>,
    ) -> AccountFrame<'a> {
        let words = self.words().words;
        let note = self.notice.filter(|_| refused.is_none());
        let rights = Rights::of(&self.caller.roles, self.caller.permissions.clone());
        AccountFrame {
            words,
            who: self.caller.account.label(),
            path,
            text,
            note: note.map(|notice| notice.text(words)),
            problem: refused.and_then(|refused| refused.problem.as_deref()),
            is_admin: Permission::ALL.into_iter().any(|permission| rights.hold(permission)),
            has_providers: self.has_providers,
        }
    }

    /// The field for a proof, if one is due.
    fn proof_view(
        &self,
        ways: ProofWays,
        path: &str,
        refused: Option<&RefusedForm>,
    ) -> ProofView<'_> {
        let failure = refused.and_then(|refused| refused.proof.as_ref());
        proof::view(self.words().words, ways, path, failure)
    }

    /// Shows new backup codes, on one of the account pages.
    fn show_codes(&self, page: &'static str, codes: &[Secret]) -> Result<Response, Stop> {
        let text = &self.words().words.account.factors;
        let view = CodesView {
            layout: self.layout(&text.made_title),
            frame: self.account_frame(page, Some(&text.made_text), None),
            codes: codes.iter().map(Secret::reveal).collect(),
        };
        self.render(&view, None)
    }

    /// Shows the page that asks before a step, with a proof where one is due.
    async fn ask(&self, step: &Step<'_>, refused: Option<RefusedForm>) -> Result<Response, Stop> {
        let refused = refused.as_ref();
        let mut proof = self.proof_view(self.proof_ways().await?, step.page, refused);
        focus(&mut [], &mut proof);
        let view = ConfirmStepView {
            layout: self.layout(step.title),
            frame: self.account_frame(step.page, Some(step.text), refused),
            step,
            consent_reason: refused.and_then(|refused| refused.reason(CONSENT)),
            proof,
        };
        self.render(&view, refused)
    }

    /// Shows the page that asks before a key or device is removed.
    async fn ask_removal(
        &self,
        removed: &RemovableItem<'_>,
        refused: Option<RefusedForm>,
    ) -> Result<Response, Stop> {
        let step = Step {
            page: removed.page,
            action: &format!("{}/remove", removed.page),
            id: Some(removed.id),
            title: removed.title,
            text: removed.text,
            consent: None,
            button: &self.words().words.shell.remove,
            kind: StepKind::Risky,
        };
        self.ask(&step, refused).await
    }

    /// Renders a page, or a form that was refused.
    fn render(
        &self,
        view: &impl Template,
        refused: Option<&RefusedForm>,
    ) -> Result<Response, Stop> {
        let status = refused.map_or(StatusCode::OK, RefusedForm::status);
        let mut response = self.site.render(status, view)?;
        if let Some(error) = refused.and_then(|refused| refused.error.as_ref()) {
            note_failure(&mut response, error, self.source());
        }
        Ok(response)
    }
}

/// Moves the focus to what was refused first: a field, or else the proof.
fn focus<'a>(fields: &mut [FieldView<'a>], proof: &mut ProofView<'a>) {
    focus_first(fields.iter_mut().chain(proof.field.iter_mut()));
}
