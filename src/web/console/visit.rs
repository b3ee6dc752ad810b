//! A visit by an administrator: the check before a handler runs, and what surrounds every page.

use std::ops::Deref;

use askama::Template;
use poem::Response;
use poem::http::StatusCode;

use crate::error::{Error, Kind, Result};
use crate::http::server::error_text;
use crate::http::server::reject;
use crate::identity::access::actor::{Demand, ProofAge};
use crate::identity::access::admit;
use crate::identity::access::version::StatedVersions;
use crate::identity::{Actor, Admin, By, FreshBy};
use crate::model::{Permission, Rights, Source, percent};
use crate::web::account::proof::{GivenProof, ProofFailure};
use crate::web::console::table::{ConsolePage, PAGES, PagePlace};
use crate::web::html::Layout;
use crate::web::notice::Notice;
use crate::web::site::note_failure;
use crate::web::stop::Stop;
use crate::web::target::{ACCOUNTS, NEW_ACCOUNT};
use crate::web::visit::{Owner, OwnerPage, Shown};
use crate::words::{Words, english};

/// The field of the version of an account, with the time when it was shown.
pub(super) const VERSION: &str = "version";

/// A visit by an administrator who may open the page. Only `admit` makes one.
pub(in crate::web) struct ConsoleVisit {
    owner: Owner,
    admin: Admin,
    rights: Rights,
    pub(super) page: &'static ConsolePage,
}

impl Deref for ConsoleVisit {
    type Target = Owner;

    fn deref(&self) -> &Owner {
        &self.owner
    }
}

impl OwnerPage for ConsolePage {
    fn open(&'static self, owner: Owner) -> Shown<'static> {
        Box::pin(admit(owner, self))
    }
}

/// Checks network and permission, and lets the handler answer. A refusal is in the audit log.
async fn admit(owner: Owner, page: &'static ConsolePage) -> Result<Response, Stop> {
    let handler = if owner.is_post { page.post } else { page.get };
    let handler = handler.ok_or(Kind::NotFound)?;
    let demand = Demand { any_of: page.any_of, proof: ProofAge::Any };
    let (caller, source) = (&owner.caller, owner.source());
    let admin = admit::admit(owner.core(), caller, demand, owner.locality, source).await?;
    let rights = Rights::of(&caller.roles, caller.permissions.clone());
    let visit = ConsoleVisit { owner, admin, rights, page };
    match handler(&visit).await {
        Err(Stop::Failed(error)) if is_of_the_request(&error) => visit.refuse(&error),
        other => other,
    }
}

/// Whether an error is one that the administrator can do something about.
pub(super) fn is_of_the_request(error: &Error) -> bool {
    reject::status(error.kind()).is_client_error() && error.kind() != Kind::SessionEnded
}

/// An actor with a fresh proof, or why there is none.
pub(super) enum ProvenActor {
    Fresh(Box<FreshBy>),
    Refused(ProofFailure),
}

impl ConsoleVisit {
    /// The words that the console shares with the other pages, which are English here.
    #[allow(clippy::unused_self, reason = "it hides the words of the visitor's language")]
    pub(super) fn english(&self) -> &'static Words {
        english().words
    }

    /// The actor, for the core, with the reason of the form.
    pub(super) fn by(&self) -> By {
        let admin = self.admin.clone().seeing(self.seen());
        By { actor: Actor::Admin(admin), source: self.reasoned() }
    }

    /// The administrator, for what belongs to them alone.
    pub(super) fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The version of the account that the posted form was made for. The core changes no other.
    fn seen(&self) -> Option<StatedVersions> {
        let stated = self.field(VERSION)?;
        Some(StatedVersions::any_of(stated.split_once('.').map(|(_, version)| version)))
    }

    /// Whether the administrator may still open this page.
    pub(super) async fn still_may(&self) -> Result<bool, Stop> {
        let demand = Demand { any_of: self.page.any_of, proof: ProofAge::Any };
        let caller = self.read_again().await?;
        let admitted = caller.require(self.core(), demand, self.locality, self.source()).await;
        Ok(admitted.is_ok())
    }

    fn reasoned(&self) -> Source {
        self.source().because(&self.text("reason"))
    }

    /// The actor with a fresh proof: the last one, or the one in the form.
    pub(super) async fn prove(&self) -> Result<ProvenActor, Stop> {
        let fresh = match self.fresh().await? {
            GivenProof::Fresh(fresh) => fresh,
            GivenProof::Refused(failure) => return Ok(ProvenActor::Refused(failure)),
        };
        let demand = Demand { any_of: self.page.any_of, proof: ProofAge::Fresh };
        let caller = fresh.caller();
        let admin = caller.require(self.core(), demand, self.locality, self.source()).await?;
        let by = By { actor: Actor::Admin(admin.seeing(self.seen())), source: self.reasoned() };
        Ok(ProvenActor::Fresh(Box::new(FreshBy::check(by)?)))
    }

    /// Whether the administrator has this permission besides.
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.rights.hold(permission)
    }

    /// The part of the path that stands for `:id`.
    ///
    /// # Errors
    /// `NotFound` if it is malformed.
    pub(super) fn id(&self) -> Result<String, Stop> {
        let part = self.segment(3).and_then(percent::decode);
        part.filter(|id| !id.is_empty() && id.len() <= 255).ok_or_else(|| Kind::NotFound.into())
    }

    /// What surrounds the page.
    pub(super) fn frame<'a>(&'a self, title: &'a str) -> ConsoleFrame<'a> {
        let layout = Layout {
            token: &self.token,
            has_script: true,
            ..Layout::new(&self.site.brand, english(), title, "")
        };
        let menu = PAGES
            .iter()
            .filter(|page| page.place == PagePlace::Menu)
            .filter(|page| page.any_of.iter().any(|permission| self.may(*permission)))
            .map(|page| MenuLine {
                path: page.path,
                title: page.title,
                is_here: page.path == self.page.in_menu(),
                key: page.key,
            })
            .collect();
        ConsoleFrame {
            layout,
            menu,
            who: self.caller.account.label(),
            may_search: self.may(Permission::UsersRead),
            new_account: self.may(Permission::UsersWrite).then_some(NEW_ACCOUNT),
            operations: self.page.operations,
            note: self.notice.map(|notice| notice.text(self.english())),
            undo: None,
        }
    }

    /// Renders a page.
    pub(super) fn show(&self, view: &impl Template) -> Result<Response, Stop> {
        Ok(self.site.render(StatusCode::OK, view)?)
    }

    /// Renders a page that refuses something.
    pub(super) fn show_refused(
        &self,
        view: &impl Template,
        error: Option<&Error>,
    ) -> Result<Response, Stop> {
        let status = error.map_or(StatusCode::BAD_REQUEST, |error| reject::status(error.kind()));
        let mut response = self.site.render(status, view)?;
        if let Some(error) = error {
            note_failure(&mut response, error, self.source());
        }
        Ok(response)
    }

    /// The page that says why nothing was done.
    fn refuse(&self, error: &Error) -> Result<Response, Stop> {
        let title = match error.kind() {
            Kind::NotFound | Kind::AccountNotFound | Kind::SessionNotFound => {
                "There is nothing here"
            }
            Kind::Forbidden => "You may not do this",
            _ => "This was not done",
        };
        let text = error_text::message(error);
        let view = RefusedPageView { frame: self.frame(title), text: &text };
        self.show_refused(&view, Some(error))
    }

    /// Leads to another page, which shows this notice.
    pub(super) fn done(&self, place: &str, notice: Notice) -> Response {
        self.go_with(place, notice)
    }
}

/// A page of the menu.
pub(super) struct MenuLine {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) is_here: bool,
    /// The key that opens it after `g`.
    pub(super) key: Option<char>,
}

/// What surrounds a page of the console (`pages/console/frame.html`).
pub(super) struct ConsoleFrame<'a> {
    pub(super) layout: Layout<'a>,
    pub(super) menu: Vec<MenuLine>,
    pub(super) who: String,
    pub(super) may_search: bool,
    /// The page that makes an account, for those who may.
    pub(super) new_account: Option<&'static str>,
    pub(super) operations: &'static [&'static str],
    /// What was done just now, and the page that takes it back.
    pub(super) note: Option<&'a str>,
    pub(super) undo: Option<String>,
}

impl ConsoleFrame<'_> {
    /// The page of the accounts, which the search leads to.
    #[allow(clippy::unused_self, reason = "templates call it so")]
    pub(super) fn accounts(&self) -> &'static str {
        ACCOUNTS
    }
}

/// Says why nothing was done.
#[derive(Template)]
#[template(path = "pages/console/refused.html")]
struct RefusedPageView<'a> {
    frame: ConsoleFrame<'a>,
    text: &'a str,
}
