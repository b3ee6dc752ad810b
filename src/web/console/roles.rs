//! Roles and what they may do.

use askama::Template;
use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::identity::admin::roles;
use crate::identity::admin::roles::Role;
use crate::model::{Permission, percent, permission};
use crate::web::console::cells;
use crate::web::console::form::{ButtonLook, Choice, ChoiceGroup, ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, ProvenActor};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::ROLES;
use crate::web::view::{FieldKind, FieldView};

/// The most permissions of a role, as on the native API.
const MOST: usize = 100;

/// The roles.
#[derive(Template)]
#[template(path = "pages/console/roles.html")]
struct RolesView<'a> {
    frame: ConsoleFrame<'a>,
    roles: Vec<RoleLine>,
}

struct RoleLine {
    name: String,
    path: String,
    members: String,
    permissions: Vec<String>,
    is_built_in: bool,
}

/// `GET /console/roles`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let line = |role: Role| RoleLine {
        path: format!("{ROLES}/{}", percent::encode(&role.name)),
        members: if role.has_more_members {
            format!("more than {}", cells::number(role.members))
        } else {
            cells::number(role.members)
        },
        permissions: role.permissions,
        is_built_in: role.built_in,
        name: role.name,
    };
    let roles = roles::list(visit.core()).await?.into_iter().map(line).collect();
    visit.show(&RolesView { frame: visit.frame(visit.page.title), roles })
}

/// What a permission allows.
fn meaning(permission: Permission) -> &'static str {
    match permission {
        Permission::UsersRead => "Read accounts and their sessions",
        Permission::UsersWrite => {
            "Create, change, delete and restore accounts, and end their sessions"
        }
        Permission::UsersSuspend => "Suspend accounts and lift suspensions",
        Permission::Roles => "Create, give and take roles",
        Permission::Audit => "Read the security record",
        Permission::Mail => "Read the outbox and retry messages",
        Permission::Keys => "Read and rotate signing keys",
        Permission::Apps => "Register apps and rotate their keys",
        Permission::Stats => "Read statistics",
        Permission::Providers => "Add, change and remove login providers",
        Permission::Settings => "Read the settings, without secrets",
        Permission::Backups => "Make, check and download backups of everything",
    }
}

fn choices(had: &[String]) -> ChoiceGroup {
    let choice = |permission: Permission| {
        Choice::new(permission.as_str(), meaning(permission))
            .hinting(permission.as_str())
            .chosen_if(had.iter().any(|name| name == permission.as_str()))
    };
    ChoiceGroup {
        name: "permission",
        label: "Permissions",
        kind: "checkbox",
        choices: Permission::ALL.map(choice).into_iter().collect(),
    }
}

/// The field for permissions of the operator's apps.
fn others<'a>(visit: &'a ConsoleVisit, had: &[String]) -> FieldView<'a> {
    let own = had.iter().filter(|name| Permission::parse(name).is_none());
    let own = own.cloned().collect::<Vec<_>>().join(" ");
    FieldView::new(visit.english(), FieldKind::Name, "others", "Permissions of your apps")
        .optional()
        .holding(visit.field("others").unwrap_or(own))
        .hinting("Names such as orders.write, with spaces between them.")
}

/// The permissions of the posted form.
fn posted(visit: &ConsoleVisit) -> Vec<String> {
    let mut all = visit.fields("permission");
    all.extend(visit.text("others").split_whitespace().map(str::to_owned));
    all.truncate(MOST + 1);
    all
}

/// `GET /console/roles/new`
pub(super) async fn ask_create(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show_create(visit, None).await
}

async fn show_create(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let had = posted(visit);
    let name = FieldView::new(visit.english(), FieldKind::Name, "name", "Name")
        .at_most(permission::LONGEST_NAME)
        .holding(visit.field("name").unwrap_or_default())
        .hinting("Lowercase letters, digits, dots, colons, underscores and hyphens.")
        .focused();
    let form = ConsoleForm {
        title: visit.page.title,
        text: "You can grant only permissions that you have yourself.",
        fields: vec![name, others(visit, &had)],
        choices: Some(choices(&had)),
        button: "Create role",
        back: ROLES.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/roles/new`
pub(super) async fn create(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let permissions = posted(visit);
    if permissions.len() > MOST {
        return show_create(visit, Some(too_many())).await;
    }
    let name = visit.text("name");
    match roles::create(visit.core(), &visit.by(), &name, permissions).await {
        Ok(_) => Ok(visit.done(ROLES, Notice::RoleSaved)),
        Err(error) => show_create(visit, Some(FormRefusal::of(error)?)).await,
    }
}

fn too_many() -> FormRefusal {
    FormRefusal::saying(format!("A role has at most {MOST} permissions"))
}

async fn role_of(visit: &ConsoleVisit) -> Result<Role, Stop> {
    let name = visit.id()?;
    let found = roles::list(visit.core()).await?.into_iter().find(|role| role.name == name);
    found.ok_or_else(|| Error::new(Kind::NotFound).into())
}

/// `GET /console/roles/{role}/edit`
pub(super) async fn ask_change(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let role = role_of(visit).await?;
    show_change(visit, &role, None).await
}

/// The permissions that the form was made for.
const SEEN: &str = "seen";

async fn show_change(
    visit: &ConsoleVisit,
    role: &Role,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(role.name.clone()),
        text: "You can grant and take only permissions that you have yourself. A change counts at once.",
        hidden: vec![(SEEN, role.permissions.join(" "))],
        fields: vec![others(visit, &role.permissions)],
        choices: Some(choices(&role.permissions)),
        button: "Save",
        back: ROLES.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/roles/{role}/edit`
pub(super) async fn change(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let role = role_of(visit).await?;
    if visit.text(SEEN) != role.permissions.join(" ") {
        let problem = "The role has changed since you opened this page, so nothing was done.";
        return show_change(visit, &role, Some(FormRefusal::saying(problem))).await;
    }
    let permissions = posted(visit);
    if permissions.len() > MOST {
        return show_change(visit, &role, Some(too_many())).await;
    }
    match roles::change_seen(visit.core(), &visit.by(), &role, permissions).await {
        Ok(_) => Ok(visit.done(ROLES, Notice::RoleSaved)),
        Err(error) => show_change(visit, &role, Some(FormRefusal::of(error)?)).await,
    }
}

/// `GET /console/roles/{role}/delete`
pub(super) async fn ask_delete(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let role = role_of(visit).await?;
    show_delete(visit, &role, None).await
}

async fn show_delete(
    visit: &ConsoleVisit,
    role: &Role,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(role.name.clone()),
        text: "Every account that has it loses it at once. This cannot be undone.",
        typed: Some(role.name.clone()),
        button: "Delete role",
        look: ButtonLook::Risky,
        back: ROLES.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/roles/{role}/delete`
pub(super) async fn delete(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let role = role_of(visit).await?;
    if let Err(refused) = visit.check_typed(&role.name) {
        return show_delete(visit, &role, Some(refused)).await;
    }
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show_delete(visit, &role, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    match roles::delete(visit.core(), &by, &role.name).await {
        Ok(()) => Ok(visit.done(ROLES, Notice::RoleGone)),
        Err(error) => show_delete(visit, &role, Some(FormRefusal::of(error)?)).await,
    }
}
