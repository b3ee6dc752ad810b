//! What is done to an account by one button: a page asks before, and the account's page says what was
//! done. Two administrators at one account do not overwrite each other: a form has the version of the
//! account that it was made for.

use poem::Response;

use crate::error::{Detail, Error, Kind, Result};
use crate::identity::access::actor::ProofAge;
use crate::identity::access::version::AccountVersion;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::identity::admin::changes::Changes;
use crate::identity::admin::{accounts, changes, search};
use crate::identity::audit::log;
use crate::identity::audit::log::AuditFilter;
use crate::identity::{FreshBy, factor, passkey};
use crate::model::{AccountId, Permission, Status, Time};
use crate::web::console::accounts::page_of;
use crate::web::console::cells;
use crate::web::console::form::{ButtonLook, ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleVisit, ProvenActor, VERSION};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::ACCOUNTS;

/// The field of the key or session that an action is about.
const PART: &str = "part";

/// An action on an account. Its name is the last part of the path of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountAction {
    Suspend,
    Reinstate,
    Verify,
    Unlock,
    SendReset,
    EndSessions,
    EndSession,
    Restore,
    ResetFactors,
    RemovePasskey,
    Delete,
}

impl AccountAction {
    /// The action of the visited page.
    pub(super) fn of(visit: &ConsoleVisit) -> Result<Self, Stop> {
        Ok(match visit.page.path.rsplit('/').next().unwrap_or_default() {
            "suspend" => Self::Suspend,
            "reinstate" => Self::Reinstate,
            "verify" => Self::Verify,
            "unlock" => Self::Unlock,
            "reset-password" => Self::SendReset,
            "end-sessions" => Self::EndSessions,
            "restore" => Self::Restore,
            "reset-factors" => Self::ResetFactors,
            "remove-passkey" => Self::RemovePasskey,
            "delete" => Self::Delete,
            "end-session" => Self::EndSession,
            _ => return Err(Kind::NotFound.into()),
        })
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Suspend => {
                "It cannot log in, its sessions end now, its links stop working, and it gets no mail. The suspension can be lifted at any time."
            }
            Self::Reinstate => {
                "It can log in again. Its sessions stay ended, and what failures have closed stays closed."
            }
            Self::Verify => {
                "It counts as proved that the address belongs to the owner. Do this only if you know it. Where sign-ups gave different passwords, none of them stays, and the owner is sent a link to choose one."
            }
            Self::Unlock => {
                "Everything that wrong passwords and codes have closed is opened: lockouts, waits and closed second factors. A suspension stays."
            }
            Self::SendReset => {
                "The owner is sent a link to choose a new password. The current one works until then."
            }
            Self::EndSessions => "It is logged out on every device. The owner can log in again.",
            Self::EndSession => "It is logged out on this device. The owner can log in again.",
            Self::Restore => "It can log in again. Its sessions stay ended.",
            Self::ResetFactors => {
                "All authenticators, codes, security keys and passkeys are removed, so that the password alone logs in. Be sure that it is the owner who asks for it. The owner is notified by mail. This cannot be undone."
            }
            Self::RemovePasskey => {
                "It no longer logs in. The owner is notified by mail. This cannot be undone."
            }
            Self::Delete => {
                "It is hidden now and erased after 30 days; until then it can be restored. If its address was never verified, it is erased now."
            }
        }
    }

    pub(super) fn button(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend",
            Self::Reinstate => "Lift suspension",
            Self::Verify => "Mark as verified",
            Self::Unlock => "Unlock",
            Self::SendReset => "Send link",
            Self::EndSessions => "End all sessions",
            Self::EndSession => "End session",
            Self::Restore => "Restore",
            Self::ResetFactors => "Remove all",
            Self::RemovePasskey => "Remove passkey",
            Self::Delete => "Delete",
        }
    }

    pub(super) fn look(self) -> ButtonLook {
        match self {
            Self::Reinstate | Self::Verify | Self::Unlock | Self::SendReset | Self::Restore => {
                ButtonLook::Plain
            }
            _ => ButtonLook::Risky,
        }
    }

    /// Whether the address of the account must be typed, because nothing brings back what is lost.
    fn is_typed(self) -> bool {
        matches!(self, Self::ResetFactors | Self::Delete)
    }

    fn notice(self) -> Notice {
        match self {
            Self::Suspend => Notice::AccountSuspended,
            Self::Reinstate => Notice::AccountReinstated,
            Self::Verify => Notice::AddressMarked,
            Self::Unlock => Notice::AccountUnlocked,
            Self::SendReset => Notice::PasswordLinkSent,
            Self::EndSessions => Notice::SessionsStopped,
            Self::EndSession => Notice::SessionStopped,
            Self::Restore => Notice::AccountRestored,
            Self::ResetFactors => Notice::FactorsReset,
            Self::RemovePasskey => Notice::KeyTaken,
            Self::Delete => Notice::AccountRemoved,
        }
    }
}

/// `GET` of the page of an action
pub(super) async fn ask(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    show(visit, &entry, None).await
}

async fn show(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let action = AccountAction::of(visit)?;
    let label = cells::label(&entry.account);
    let part = visit.parameter(PART).or_else(|| visit.field(PART));
    let part = part.filter(|part| part.len() <= 255).map(|part| (PART, part));
    let form = ConsoleForm {
        title: visit.page.title,
        typed: action.is_typed().then(|| label.clone()),
        subject: Some(label),
        text: action.text(),
        hidden: version_fields(visit, entry).into_iter().chain(part).collect(),
        button: action.button(),
        look: action.look(),
        back: page_of(entry.account.id.as_str()),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST` of the page of an action
pub(super) async fn press(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let entry = find(visit).await?;
    let action = AccountAction::of(visit)?;
    if let Some(refused) = changed(visit, &entry).await? {
        return show(visit, &entry, Some(refused)).await;
    }
    if action == AccountAction::Reinstate && entry.account.suspended_at.is_none() {
        let refused = FormRefusal::saying("The account is not suspended.");
        return show(visit, &entry, Some(refused)).await;
    }
    if action.is_typed()
        && let Err(refused) = visit.check_typed(&cells::label(&entry.account))
    {
        return show(visit, &entry, Some(refused)).await;
    }
    let id = entry.account.id.clone();
    let done = if visit.page.proof == ProofAge::Fresh {
        match visit.prove().await? {
            ProvenActor::Fresh(by) => perform_fresh(visit, action, &id, &by).await,
            ProvenActor::Refused(failure) => {
                return show(visit, &entry, Some(FormRefusal::of_proof(failure))).await;
            }
        }
    } else {
        perform(visit, action, &id).await
    };
    match done {
        Ok(()) if is_gone(visit, &id).await? => Ok(visit.done(ACCOUNTS, Notice::AccountErased)),
        Ok(()) => Ok(visit.done(&page_of(id.as_str()), action.notice())),
        Err(error) => {
            let refused = refusal(visit, error).await?;
            show(visit, &find(visit).await?, Some(refused)).await
        }
    }
}

/// Does what needs no fresh proof.
pub(super) async fn perform(
    visit: &ConsoleVisit,
    action: AccountAction,
    id: &AccountId,
) -> Result<()> {
    let (core, by, id) = (visit.core(), visit.by(), id.as_str());
    let status = |status| Changes { status: Some(status), ..Changes::default() };
    match action {
        AccountAction::Suspend => changes::update(core, &by, id, status(Status::Suspended)).await,
        AccountAction::Reinstate => changes::update(core, &by, id, status(Status::Active)).await,
        AccountAction::Verify => accounts::verify(core, &by, id).await,
        AccountAction::Unlock => accounts::clear_lockout(core, &by, id).await,
        AccountAction::SendReset => changes::send_reset(core, &by, id).await,
        AccountAction::EndSessions => changes::end_sessions(core, &by, id).await,
        AccountAction::Restore => changes::restore(core, &by, id).await,
        AccountAction::EndSession => changes::end_session(core, &by, id, &visit.text(PART)).await,
        AccountAction::ResetFactors | AccountAction::RemovePasskey | AccountAction::Delete => {
            return Err(Kind::ReauthenticationRequired.into());
        }
    }
    .map(drop)
}

async fn perform_fresh(
    visit: &ConsoleVisit,
    action: AccountAction,
    id: &AccountId,
    by: &FreshBy,
) -> Result<()> {
    let core = visit.core();
    match action {
        AccountAction::ResetFactors => factor::reset_all(core, by, id).await.map(drop),
        AccountAction::RemovePasskey => {
            passkey::remove_of(core, by, id, &visit.text(PART)).await.map(drop)
        }
        AccountAction::Delete => accounts::delete(core, by, id.as_str()).await.map(drop),
        other => perform(visit, other, id).await,
    }
}

/// Whether the account is erased, because its address was never verified.
async fn is_gone(visit: &ConsoleVisit, id: &AccountId) -> Result<bool, Stop> {
    match search::details(visit.core(), id.as_str()).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == Kind::AccountNotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The account that the path names.
pub(super) async fn find(visit: &ConsoleVisit) -> Result<AccountWithRoles, Stop> {
    Ok(search::details(visit.core(), &visit.id()?).await?.entry)
}

/// The version of an account as a form carries it, with the time when it was shown.
pub(super) fn version_fields(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
) -> Vec<(&'static str, String)> {
    let now = visit.core().env.now().millis();
    vec![(VERSION, format!("{now}.{}", version(entry).as_str()))]
}

fn version(entry: &AccountWithRoles) -> AccountVersion {
    AccountVersion::of(&entry.account, &entry.roles)
}

/// The refusal of the core. If the account has changed while the form was handled, it says what.
pub(super) async fn refusal(visit: &ConsoleVisit, error: Error) -> Result<FormRefusal, Stop> {
    if matches!(error.detail(), Some(Detail::AccountChanged))
        && let Some(refused) = changed(visit, &find(visit).await?).await?
    {
        return Ok(refused);
    }
    FormRefusal::of(error)
}

/// What has changed since the form was shown, if the account is not the one that it was made for.
pub(super) async fn changed(
    visit: &ConsoleVisit,
    entry: &AccountWithRoles,
) -> Result<Option<FormRefusal>, Stop> {
    let given = visit.text(VERSION);
    let (shown, seen) = given.split_once('.').unwrap_or(("", ""));
    if seen == version(entry).as_str() {
        return Ok(None);
    }
    let mut changes = Vec::new();
    if visit.may(Permission::Audit) {
        let since = shown.parse().ok().map(Time::from_millis);
        let about = Some(entry.account.id.clone());
        let filter = AuditFilter { about, since, ..AuditFilter::default() };
        let (records, _) = log::newest(visit.core(), &filter, None, 10).await?;
        let names = log::addresses(visit.core(), &records).await?;
        changes.extend(records.iter().map(|record| {
            let actor = record.actor.as_deref().unwrap_or("someone");
            let actor = names.get(actor).map_or(actor, String::as_str);
            let detail = record.detail.as_deref().map(|detail| format!(" ({detail})"));
            format!("{}{} by {actor}", cells::words(&record.event), detail.unwrap_or_default())
        }));
    }
    let problem = "The account has changed since you opened this page, so nothing was done. Look at \
                   what is here now, and do it again if it is still needed.";
    Ok(Some(FormRefusal { changes, ..FormRefusal::saying(problem) }))
}
