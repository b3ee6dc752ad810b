//! The shape of every form of the console: what it does and to what, its fields, a word to type where
//! the change cannot be undone, the reason, and a proof where one is due.

use askama::Template;
use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::http::server::error_text;
use crate::identity::access::actor::ProofAge;
use crate::model::source::LONGEST_REASON;
use crate::model::text;
use crate::web::account::proof::{self, ProofFailure, ProofWays};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, is_of_the_request};
use crate::web::stop::Stop;
use crate::web::view::{FieldKind, FieldView, ProofView};

/// The field of the word to type.
const TYPED: &str = "typed";

/// A form.
#[derive(Default)]
pub(super) struct ConsoleForm<'a> {
    pub(super) title: &'a str,
    /// What it is done to, and a text about it.
    pub(super) subject: Option<String>,
    pub(super) text: &'a str,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) fields: Vec<FieldView<'a>>,
    pub(super) choices: Option<ChoiceGroup>,
    /// What it is done to, where there are several.
    pub(super) items: Vec<String>,
    /// The word that must be typed.
    pub(super) typed: Option<String>,
    pub(super) button: &'a str,
    pub(super) look: ButtonLook,
    /// The page that "Cancel" leads back to.
    pub(super) back: String,
}

/// How the button of a form looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ButtonLook {
    #[default]
    Plain,
    /// Something is lost by it.
    Risky,
}

/// Values to choose from.
pub(super) struct ChoiceGroup {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// `radio` or `checkbox`.
    pub(super) kind: &'static str,
    pub(super) choices: Vec<Choice>,
}

/// One of the values.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) hint: Option<String>,
    pub(super) is_chosen: bool,
}

impl Choice {
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        let (value, label) = (value.into(), label.into());
        Self { value, label, hint: None, is_chosen: false }
    }

    pub(super) fn hinting(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn chosen_if(self, is_chosen: bool) -> Self {
        Self { is_chosen, ..self }
    }
}

/// Why a form was not accepted.
#[derive(Default)]
pub(super) struct FormRefusal {
    pub(super) problems: Vec<String>,
    /// What others have changed since the form was shown.
    pub(super) changes: Vec<String>,
    pub(super) typed: Option<&'static str>,
    pub(super) proof: Option<ProofFailure>,
    pub(super) error: Option<Error>,
}

impl FormRefusal {
    pub(super) fn saying(problem: impl Into<String>) -> Self {
        Self { problems: vec![problem.into()], ..Self::default() }
    }

    pub(super) fn of_proof(failure: ProofFailure) -> Self {
        Self { proof: Some(failure), ..Self::default() }
    }

    /// The refusal of the core, unless the request has nothing to do with it.
    ///
    /// # Errors
    /// The error itself.
    pub(super) fn of(error: Error) -> Result<Self, Stop> {
        if !is_of_the_request(&error) {
            return Err(error.into());
        }
        let problems = match error.kind() {
            Kind::Validation if !error.fields().is_empty() => error
                .fields()
                .iter()
                .map(|field| error_text::sentence(field).into_owned())
                .collect(),
            _ => vec![error_text::message(&error).into_owned()],
        };
        Ok(Self { problems, error: Some(error), ..Self::default() })
    }
}

/// A page that is a form (`pages/console/form.html`).
#[derive(Template)]
#[template(path = "pages/console/form.html")]
struct ConsoleFormView<'a> {
    frame: ConsoleFrame<'a>,
    form: ConsoleForm<'a>,
    action: &'a str,
    problems: Vec<String>,
    changes: Vec<String>,
    typed: Option<FieldView<'a>>,
    reason: FieldView<'a>,
    proof: ProofView<'a>,
}

impl ConsoleVisit {
    /// Shows a form, or shows it again because it was not accepted.
    pub(super) async fn ask(
        &self,
        form: ConsoleForm<'_>,
        refused: Option<FormRefusal>,
    ) -> Result<Response, Stop> {
        let (words, is_refused) = (self.english(), refused.is_some());
        let refused = refused.unwrap_or_default();
        let is_due = self.page.proof == ProofAge::Fresh;
        let ways = if is_due { self.proof_ways().await? } else { ProofWays::NOT_DUE };
        let label = form.typed.as_ref().map(|word| format!("Type {word} to confirm"));
        let typed = label.as_deref().map(|label| {
            let field = FieldView::new(words, FieldKind::Name, TYPED, label);
            field.refused(refused.typed.map(str::to_owned))
        });
        let reason = FieldView::new(words, FieldKind::Text, "reason", "Reason (optional)")
            .optional()
            .at_most(LONGEST_REASON)
            .holding(self.text("reason"))
            .hinting("Kept in the security record, where other administrators can read it.");
        let view = ConsoleFormView {
            frame: self.frame(form.title),
            action: &self.context.path,
            problems: refused.problems,
            changes: refused.changes,
            typed,
            reason,
            proof: proof::view(words, ways, self.page.in_menu(), refused.proof.as_ref()),
            form,
        };
        if is_refused { self.show_refused(&view, refused.error.as_ref()) } else { self.show(&view) }
    }

    /// The text of an optional field, `None` if it is empty. Adds to the problems if it is not one line
    /// of at most so many characters.
    pub(super) fn one_line(
        &self,
        id: &str,
        label: &str,
        most: usize,
        problems: &mut Vec<String>,
    ) -> Option<String> {
        let typed = self.text(id);
        if typed.contains(text::is_control) || text::length(&typed) > most {
            problems.push(format!("{label} must be one line of at most {most} characters"));
        }
        Some(typed).filter(|typed| !typed.is_empty())
    }

    /// Checks the word that must be typed.
    pub(super) fn check_typed(&self, expected: &str) -> Result<(), FormRefusal> {
        if self.text(TYPED) == expected {
            return Ok(());
        }
        let typed = Some("This is something else.");
        Err(FormRefusal { typed, ..FormRefusal::default() })
    }
}
