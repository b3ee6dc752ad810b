//! The pages of the console: one row each, with what it is called, who may open it, and the operations
//! of the native API that do the same. The router, the menu, the check before a handler runs and the
//! tests are all made from these rows, so a page cannot have one of them without the others.

use crate::identity::access::actor::ProofAge;
use crate::model::Permission;
use crate::web::console::desk::ConsoleVisit;
use crate::web::console::{
    account, accounts, actions, apps, bulk, create, edits, keys, login, mail, overview, record,
    roles,
};
use crate::web::target::{ACCOUNTS, APPS, AUDIT, KEYS, MAIL, OVERVIEW, ROLES, START};
use crate::web::visit::Shown;

/// Writes a handler as a [`ConsoleAct`].
macro_rules! act {
    ($handler:path) => {
        Some(|visit| Box::pin($handler(visit)))
    };
}

/// What a page does with a request of an administrator who may open it.
pub(in crate::web) type ConsoleAct = for<'a> fn(&'a ConsoleVisit) -> Shown<'a>;

/// A page of the console.
pub struct ConsolePage {
    /// Its path; `:id` and the like stand for one segment.
    pub path: &'static str,
    pub title: &'static str,
    pub place: PagePlace,
    /// One of these permissions is required.
    pub any_of: &'static [Permission],
    /// What posting to it requires besides.
    pub proof: ProofAge,
    /// The operations of the native API that do the same; none for the page that only leads on.
    pub operations: &'static [&'static str],
    pub(in crate::web) get: Option<ConsoleAct>,
    pub(in crate::web) post: Option<ConsoleAct>,
}

/// Where a page is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePlace {
    Menu,
    /// Another page leads to it. The menu marks this one meanwhile.
    Below(&'static str),
}

impl ConsolePage {
    const fn menu(
        path: &'static str,
        title: &'static str,
        any_of: &'static [Permission],
        operations: &'static [&'static str],
        get: Option<ConsoleAct>,
    ) -> Self {
        let (place, proof) = (PagePlace::Menu, ProofAge::Any);
        Self { path, title, place, any_of, proof, operations, get, post: None }
    }

    const fn below(self, menu: &'static str) -> Self {
        Self { place: PagePlace::Below(menu), ..self }
    }

    const fn posting(self, post: Option<ConsoleAct>) -> Self {
        Self { post, ..self }
    }

    /// The change cannot be undone.
    const fn with_fresh_proof(self) -> Self {
        Self { proof: ProofAge::Fresh, ..self }
    }

    /// One of the actions on an account.
    const fn action(
        path: &'static str,
        title: &'static str,
        any_of: &'static [Permission],
        operations: &'static [&'static str],
    ) -> Self {
        let get: Option<ConsoleAct> = act!(actions::ask);
        let post: Option<ConsoleAct> = act!(actions::press);
        Self::menu(path, title, any_of, operations, get).below(ACCOUNTS).posting(post)
    }

    /// Whether it can be opened.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.get.is_some()
    }

    /// Whether it takes a form.
    #[must_use]
    pub fn takes_form(&self) -> bool {
        self.post.is_some()
    }

    /// One of the actions on several accounts at once.
    const fn bulk(
        path: &'static str,
        title: &'static str,
        any_of: &'static [Permission],
        operations: &'static [&'static str],
    ) -> Self {
        let get: Option<ConsoleAct> = act!(bulk::ask);
        let post: Option<ConsoleAct> = act!(bulk::press);
        Self::menu(path, title, any_of, operations, get).below(ACCOUNTS).posting(post)
    }

    /// The page of the menu that it belongs to.
    #[must_use]
    pub fn in_menu(&self) -> &'static str {
        match self.place {
            PagePlace::Menu => self.path,
            PagePlace::Below(menu) => menu,
        }
    }
}

const READ_USERS: &[Permission] = &[Permission::UsersRead];
const WRITE_USERS: &[Permission] = &[Permission::UsersWrite];
const SUSPEND_USERS: &[Permission] = &[Permission::UsersSuspend];
const MANAGE_ROLES: &[Permission] = &[Permission::Roles];
const READ_AUDIT: &[Permission] = &[Permission::Audit];
const MANAGE_MAIL: &[Permission] = &[Permission::Mail];
const MANAGE_KEYS: &[Permission] = &[Permission::Keys];
const MANAGE_APPS: &[Permission] = &[Permission::Apps];
const READ_STATS: &[Permission] = &[Permission::Stats];

/// Every page.
pub(in crate::web) static PAGES: &[ConsolePage] = &[
    ConsolePage::menu(START, "Console", &Permission::ALL, &[], act!(overview::lead))
        .below(OVERVIEW),
    ConsolePage::menu(
        OVERVIEW,
        "Overview",
        READ_STATS,
        &["getStats", "getActivity"],
        act!(overview::open),
    ),
    ConsolePage::menu(ACCOUNTS, "Accounts", READ_USERS, &["listUsers"], act!(accounts::open)),
    ConsolePage::menu(
        "/console/accounts/export",
        "Export of accounts",
        READ_USERS,
        &["listUsers"],
        act!(accounts::export),
    )
    .below(ACCOUNTS),
    ConsolePage::menu(
        "/console/accounts/new",
        "New account",
        WRITE_USERS,
        &["createUser", "resetUserPassword"],
        act!(create::open),
    )
    .below(ACCOUNTS)
    .posting(act!(create::press)),
    ConsolePage::menu(
        "/console/accounts/:id",
        "Account",
        READ_USERS,
        &["getUser", "listUserSessions", "listUserPasskeys", "explainUserLogin"],
        act!(account::open),
    )
    .below(ACCOUNTS),
    ConsolePage::menu(
        "/console/accounts/:id/login",
        "Why can’t they log in?",
        READ_USERS,
        &["explainUserLogin"],
        act!(login::open),
    )
    .below(ACCOUNTS),
    ConsolePage::menu(
        "/console/accounts/:id/profile",
        "Edit profile",
        WRITE_USERS,
        &["updateUser"],
        act!(edits::profile),
    )
    .below(ACCOUNTS)
    .posting(act!(edits::save_profile)),
    ConsolePage::menu(
        "/console/accounts/:id/roles",
        "Change roles",
        MANAGE_ROLES,
        &["updateUser"],
        act!(edits::roles),
    )
    .below(ACCOUNTS)
    .posting(act!(edits::save_roles)),
    ConsolePage::menu(
        "/console/accounts/:id/quota",
        "Change quota",
        WRITE_USERS,
        &["setUserQuota"],
        act!(edits::quota),
    )
    .below(ACCOUNTS)
    .posting(act!(edits::save_quota)),
    ConsolePage::action(
        "/console/accounts/:id/suspend",
        "Suspend account",
        SUSPEND_USERS,
        &["updateUser"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/reinstate",
        "Lift suspension",
        SUSPEND_USERS,
        &["updateUser"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/verify",
        "Mark address as verified",
        WRITE_USERS,
        &["verifyUser"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/unlock",
        "Unlock account",
        WRITE_USERS,
        &["unlockUser"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/reset-password",
        "Send link for a new password",
        WRITE_USERS,
        &["resetUserPassword"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/end-sessions",
        "End all sessions",
        WRITE_USERS,
        &["endUserSessions"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/end-session",
        "End session",
        WRITE_USERS,
        &["endUserSession"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/restore",
        "Restore account",
        WRITE_USERS,
        &["restoreUser"],
    ),
    ConsolePage::action(
        "/console/accounts/:id/reset-factors",
        "Remove second factors and passkeys",
        WRITE_USERS,
        &["resetUserMfa"],
    )
    .with_fresh_proof(),
    ConsolePage::action(
        "/console/accounts/:id/remove-passkey",
        "Remove passkey",
        WRITE_USERS,
        &["removeUserPasskey"],
    )
    .with_fresh_proof(),
    ConsolePage::action(
        "/console/accounts/:id/delete",
        "Delete account",
        WRITE_USERS,
        &["deleteUser"],
    )
    .with_fresh_proof(),
    ConsolePage::bulk("/console/bulk/suspend", "Suspend accounts", SUSPEND_USERS, &["updateUser"]),
    ConsolePage::bulk(
        "/console/bulk/reinstate",
        "Lift suspensions",
        SUSPEND_USERS,
        &["updateUser"],
    ),
    ConsolePage::bulk(
        "/console/bulk/end-sessions",
        "End all sessions of accounts",
        WRITE_USERS,
        &["endUserSessions"],
    ),
    ConsolePage::menu(AUDIT, "Security record", READ_AUDIT, &["listAudit"], act!(record::open)),
    ConsolePage::menu(
        "/console/record/newer",
        "New entries",
        READ_AUDIT,
        &["listAudit"],
        act!(record::newer),
    )
    .below(AUDIT),
    ConsolePage::menu(
        "/console/record/export",
        "Export of the record",
        READ_AUDIT,
        &["exportAudit"],
        act!(record::export),
    )
    .below(AUDIT),
    ConsolePage::menu(MAIL, "Mail", MANAGE_MAIL, &["listMail"], act!(mail::open)),
    ConsolePage::menu("/console/mail/retry", "Retry", MANAGE_MAIL, &["retryMail"], None)
        .below(MAIL)
        .posting(act!(mail::retry)),
    ConsolePage::menu(ROLES, "Roles", MANAGE_ROLES, &["listRoles"], act!(roles::open)),
    ConsolePage::menu(
        "/console/roles/new",
        "New role",
        MANAGE_ROLES,
        &["createRole"],
        act!(roles::ask_create),
    )
    .below(ROLES)
    .posting(act!(roles::create)),
    ConsolePage::menu(
        "/console/roles/:id/edit",
        "Permissions of a role",
        MANAGE_ROLES,
        &["updateRole"],
        act!(roles::ask_change),
    )
    .below(ROLES)
    .posting(act!(roles::change)),
    ConsolePage::menu(
        "/console/roles/:id/delete",
        "Delete role",
        MANAGE_ROLES,
        &["deleteRole"],
        act!(roles::ask_delete),
    )
    .below(ROLES)
    .posting(act!(roles::delete))
    .with_fresh_proof(),
    ConsolePage::menu(APPS, "Apps", MANAGE_APPS, &["listApps"], act!(apps::open)),
    ConsolePage::menu(
        "/console/apps/new",
        "New app",
        MANAGE_APPS,
        &["createApp"],
        act!(apps::ask_create),
    )
    .below(APPS)
    .posting(act!(apps::create)),
    ConsolePage::menu(
        "/console/apps/:id/rotate",
        "New key for an app",
        MANAGE_APPS,
        &["rotateApp"],
        act!(apps::ask_rotate),
    )
    .below(APPS)
    .posting(act!(apps::rotate))
    .with_fresh_proof(),
    ConsolePage::menu(
        "/console/apps/:id/delete",
        "Delete app",
        MANAGE_APPS,
        &["deleteApp"],
        act!(apps::ask_delete),
    )
    .below(APPS)
    .posting(act!(apps::delete))
    .with_fresh_proof(),
    ConsolePage::menu(KEYS, "Signing keys", MANAGE_KEYS, &["listKeys"], act!(keys::open)),
    ConsolePage::menu(
        "/console/keys/rotate",
        "Rotate signing keys",
        MANAGE_KEYS,
        &["rotateKeys"],
        act!(keys::ask_rotate),
    )
    .below(KEYS)
    .posting(act!(keys::rotate))
    .with_fresh_proof(),
];
