//! The keys that sign tokens.

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::system::key;
use crate::identity::system::key::{Begin, KeySummary, Old, Rotation, Use};
use crate::web::console::cells::{self, Tag};
use crate::web::console::form::{ButtonLook, Choice, ChoiceGroup, ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, ProvenActor};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::KEYS;
use crate::web::time::Moment;

/// The keys.
#[derive(Template)]
#[template(path = "pages/console/keys.html")]
struct KeysView<'a> {
    frame: ConsoleFrame<'a>,
    keys: Vec<SigningKeyLine>,
}

struct SigningKeyLine {
    id: String,
    algorithm: String,
    used_for: Tag,
    created: Moment,
    signs_from: Moment,
    verifies_until: Option<Moment>,
}

/// `GET /console/keys`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let line = |key: KeySummary| SigningKeyLine {
        used_for: Tag {
            word: key.used_for.as_str(),
            look: if key.used_for == Use::Signing { "good" } else { "off" },
        },
        created: cells::time(key.created_at),
        signs_from: cells::time(key.signs_from),
        verifies_until: key.verifies_until.map(cells::time),
        id: key.id,
        algorithm: key.algorithm,
    };
    let keys = key::list(visit.core()).await?.into_iter().map(line).collect();
    visit.show(&KeysView { frame: visit.frame(visit.page.title), keys })
}

/// The word to type before all tokens die.
const REVOKE: &str = "revoke";

/// `GET /console/keys/rotate`
pub(super) async fn ask_rotate(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show(visit, None).await
}

async fn show(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let chosen = visit.text("mode");
    let choice = |value: &'static str, label, hint| {
        let is_chosen = chosen == value || chosen.is_empty() && value == "scheduled";
        Choice::new(value, label).hinting(hint).chosen_if(is_chosen)
    };
    let form = ConsoleForm {
        title: visit.page.title,
        choices: Some(ChoiceGroup {
            name: "mode",
            label: "How",
            kind: "radio",
            choices: vec![
                choice(
                    "scheduled",
                    "As planned",
                    "The new key is published now and signs after the lead time. The present one verifies until its last token has expired.",
                ),
                choice(
                    "now",
                    "At once",
                    "The new key signs now. The present one verifies until its last token has expired.",
                ),
                choice(
                    REVOKE,
                    "Revoke",
                    "For a key that may be in other hands: the new key signs now, all others stop working, and every session on every device ends. This cannot be undone.",
                ),
            ],
        }),
        fields: vec![
            crate::web::view::FieldView::new(
                visit.english(),
                crate::web::view::FieldKind::Name,
                "confirmation",
                "To revoke, type revoke",
            )
            .optional()
            .holding(visit.text("confirmation")),
        ],
        button: "Rotate",
        look: ButtonLook::Risky,
        back: KEYS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/keys/rotate`
pub(super) async fn rotate(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let mode = visit.text("mode");
    let rotation = match mode.as_str() {
        "scheduled" => Rotation { begin: Begin::AfterLead, old: Old::Expire },
        "now" => Rotation { begin: Begin::AtOnce, old: Old::Expire },
        REVOKE if visit.text("confirmation") == REVOKE => {
            Rotation { begin: Begin::AtOnce, old: Old::Die }
        }
        REVOKE => {
            return show(visit, Some(FormRefusal::saying("Type revoke to end every session.")))
                .await;
        }
        _ => return show(visit, Some(FormRefusal::saying("Choose how to rotate."))).await,
    };
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show(visit, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    match key::rotate(visit.core(), &by, rotation).await {
        Ok(_) => Ok(visit.done(KEYS, Notice::KeysRotated)),
        Err(error) => show(visit, Some(FormRefusal::of(error)?)).await,
    }
}
