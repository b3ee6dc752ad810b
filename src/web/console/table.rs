//! The pages of the console: one row each, with what it is called, who may open it, and the operations
//! of the native API that do the same. The router, the menu, the check before a handler runs and the
//! tests are all made from these rows, so a page cannot have one of them without the others.

use crate::identity::access::actor::ProofAge;
use crate::model::Permission;
use crate::web::console::visit::ConsoleVisit;
use crate::web::console::{
    account, accounts, actions, apps, backups, bulk, create, edits, keys, letters, limits,
    login_check, mail, overview, provider, provider_form, record, roles, saved_searches, settings,
};
use crate::web::target::{
    ACCOUNTS, APPS, AUDIT, BACKUPS, KEYS, LIMITS, MAIL, NEW_ACCOUNT, OVERVIEW, PROVIDERS, ROLES,
    SETTINGS, START,
};
use crate::web::visit::Shown;

/// Writes a handler as a [`ConsoleAct`].
macro_rules! handler {
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
    /// The key that opens it after `g`; each page of the menu has one.
    pub key: Option<char>,
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
        Self { path, title, place, key: None, any_of, proof, operations, get, post: None }
    }

    /// A page of the menu that this key opens.
    const fn at_key(self, key: char) -> Self {
        Self { key: Some(key), ..self }
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
        let get: Option<ConsoleAct> = handler!(actions::ask);
        let post: Option<ConsoleAct> = handler!(actions::press);
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
        let get: Option<ConsoleAct> = handler!(bulk::ask);
        let post: Option<ConsoleAct> = handler!(bulk::press);
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
const MANAGE_PROVIDERS: &[Permission] = &[Permission::Providers];
const READ_SETTINGS: &[Permission] = &[Permission::Settings];
const MANAGE_BACKUPS: &[Permission] = &[Permission::Backups];

/// Every page.
pub(in crate::web) static PAGES: &[ConsolePage] = &[
    ConsolePage::menu(START, "Console", &Permission::ALL, &[], handler!(overview::lead))
        .below(OVERVIEW),
    ConsolePage::menu(
        OVERVIEW,
        "Overview",
        READ_STATS,
        &["getStats", "getActivity", "listFindings"],
        handler!(overview::open),
    )
    .at_key('o'),
    ConsolePage::menu(
        ACCOUNTS,
        "Accounts",
        READ_USERS,
        &["listUsers", "listSearches"],
        handler!(accounts::open),
    )
    .at_key('a'),
    ConsolePage::menu(
        saved_searches::SAVE,
        "Save search",
        READ_USERS,
        &["saveSearch"],
        handler!(saved_searches::ask),
    )
    .below(ACCOUNTS)
    .posting(handler!(saved_searches::save)),
    ConsolePage::menu(
        "/console/searches/remove",
        "Remove search",
        READ_USERS,
        &["removeSearch"],
        None,
    )
    .below(ACCOUNTS)
    .posting(handler!(saved_searches::remove)),
    ConsolePage::menu(
        "/console/accounts/export",
        "Export of accounts",
        READ_USERS,
        &["listUsers"],
        handler!(accounts::export),
    )
    .below(ACCOUNTS),
    ConsolePage::menu(
        NEW_ACCOUNT,
        "New account",
        WRITE_USERS,
        &["createUser", "resetUserPassword"],
        handler!(create::open),
    )
    .below(ACCOUNTS)
    .posting(handler!(create::press)),
    ConsolePage::menu(
        "/console/accounts/:id",
        "Account",
        READ_USERS,
        &["getUser", "listUserSessions", "listUserPasskeys", "explainUserLogin"],
        handler!(account::open),
    )
    .below(ACCOUNTS),
    ConsolePage::menu(
        "/console/accounts/:id/login",
        "Why can’t they log in?",
        READ_USERS,
        &["explainUserLogin"],
        handler!(login_check::open),
    )
    .below(ACCOUNTS),
    ConsolePage::menu(
        "/console/accounts/:id/profile",
        "Edit profile",
        WRITE_USERS,
        &["updateUser"],
        handler!(edits::profile),
    )
    .below(ACCOUNTS)
    .posting(handler!(edits::save_profile)),
    ConsolePage::menu(
        "/console/accounts/:id/roles",
        "Change roles",
        MANAGE_ROLES,
        &["updateUser"],
        handler!(edits::roles),
    )
    .below(ACCOUNTS)
    .posting(handler!(edits::save_roles)),
    ConsolePage::menu(
        "/console/accounts/:id/quota",
        "Change quota",
        WRITE_USERS,
        &["setUserQuota"],
        handler!(edits::quota),
    )
    .below(ACCOUNTS)
    .posting(handler!(edits::save_quota)),
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
    ConsolePage::menu(AUDIT, "Security record", READ_AUDIT, &["listAudit"], handler!(record::open))
        .at_key('s'),
    ConsolePage::menu(
        "/console/record/newer",
        "New entries",
        READ_AUDIT,
        &["listAudit"],
        handler!(record::newer),
    )
    .below(AUDIT),
    ConsolePage::menu(
        "/console/record/export",
        "Export of the record",
        READ_AUDIT,
        &["exportAudit"],
        handler!(record::export),
    )
    .below(AUDIT),
    ConsolePage::menu(MAIL, "Mail", MANAGE_MAIL, &["listMail"], handler!(mail::open)).at_key('m'),
    ConsolePage::menu("/console/mail/retry", "Retry", MANAGE_MAIL, &["retryMail"], None)
        .below(MAIL)
        .posting(handler!(mail::retry)),
    ConsolePage::menu(
        "/console/mail/test",
        "Test letter",
        MANAGE_MAIL,
        &["testMail"],
        handler!(letters::ask_test),
    )
    .below(MAIL)
    .posting(handler!(letters::test)),
    ConsolePage::menu(
        "/console/letters",
        "Letters",
        MANAGE_MAIL,
        &["listLetters"],
        handler!(letters::open),
    )
    .below(MAIL),
    ConsolePage::menu(
        "/console/letters/:id",
        "Letter",
        MANAGE_MAIL,
        &["previewLetter"],
        handler!(letters::show),
    )
    .below(MAIL),
    ConsolePage::menu(
        "/console/letters/:id/html",
        "Letter as HTML",
        MANAGE_MAIL,
        &["previewLetter"],
        handler!(letters::html),
    )
    .below(MAIL),
    ConsolePage::menu(ROLES, "Roles", MANAGE_ROLES, &["listRoles"], handler!(roles::open))
        .at_key('r'),
    ConsolePage::menu(
        "/console/roles/new",
        "New role",
        MANAGE_ROLES,
        &["createRole"],
        handler!(roles::ask_create),
    )
    .below(ROLES)
    .posting(handler!(roles::create)),
    ConsolePage::menu(
        "/console/roles/:id/edit",
        "Permissions of a role",
        MANAGE_ROLES,
        &["updateRole"],
        handler!(roles::ask_change),
    )
    .below(ROLES)
    .posting(handler!(roles::change)),
    ConsolePage::menu(
        "/console/roles/:id/delete",
        "Delete role",
        MANAGE_ROLES,
        &["deleteRole"],
        handler!(roles::ask_delete),
    )
    .below(ROLES)
    .posting(handler!(roles::delete))
    .with_fresh_proof(),
    ConsolePage::menu(APPS, "Apps", MANAGE_APPS, &["listApps"], handler!(apps::open)).at_key('p'),
    ConsolePage::menu(
        "/console/apps/new",
        "New app",
        MANAGE_APPS,
        &["createApp"],
        handler!(apps::ask_create),
    )
    .below(APPS)
    .posting(handler!(apps::create)),
    ConsolePage::menu(
        "/console/apps/:id/rotate",
        "New key for an app",
        MANAGE_APPS,
        &["rotateApp"],
        handler!(apps::ask_rotate),
    )
    .below(APPS)
    .posting(handler!(apps::rotate))
    .with_fresh_proof(),
    ConsolePage::menu(
        "/console/apps/:id/delete",
        "Delete app",
        MANAGE_APPS,
        &["deleteApp"],
        handler!(apps::ask_delete),
    )
    .below(APPS)
    .posting(handler!(apps::delete))
    .with_fresh_proof(),
    ConsolePage::menu(
        PROVIDERS,
        "Providers",
        MANAGE_PROVIDERS,
        &["listProviderSettings"],
        handler!(provider::open),
    )
    .at_key('v'),
    ConsolePage::menu(
        "/console/providers/new",
        "Add provider",
        MANAGE_PROVIDERS,
        &["createProvider"],
        handler!(provider_form::ask_create),
    )
    .below(PROVIDERS)
    .posting(handler!(provider_form::create))
    .with_fresh_proof(),
    ConsolePage::menu(
        "/console/providers/:id",
        "Provider",
        MANAGE_PROVIDERS,
        &["getProvider"],
        handler!(provider::show),
    )
    .below(PROVIDERS),
    ConsolePage::menu(
        "/console/providers/:id/edit",
        "Change provider",
        MANAGE_PROVIDERS,
        &["updateProvider"],
        handler!(provider_form::ask_change),
    )
    .below(PROVIDERS)
    .posting(handler!(provider_form::change))
    .with_fresh_proof(),
    ConsolePage::menu(
        "/console/providers/:id/test",
        "Test of a provider",
        MANAGE_PROVIDERS,
        &["testProvider"],
        None,
    )
    .below(PROVIDERS)
    .posting(handler!(provider::test)),
    ConsolePage::menu(
        "/console/providers/:id/remove",
        "Remove provider",
        MANAGE_PROVIDERS,
        &["deleteProvider"],
        handler!(provider::ask_remove),
    )
    .below(PROVIDERS)
    .posting(handler!(provider::remove))
    .with_fresh_proof(),
    ConsolePage::menu(KEYS, "Signing keys", MANAGE_KEYS, &["listKeys"], handler!(keys::open))
        .at_key('k'),
    ConsolePage::menu(
        "/console/keys/rotate",
        "Rotate signing keys",
        MANAGE_KEYS,
        &["rotateKeys"],
        handler!(keys::ask_rotate),
    )
    .below(KEYS)
    .posting(handler!(keys::rotate))
    .with_fresh_proof(),
    ConsolePage::menu(LIMITS, "Limits", READ_STATS, &["listLimits"], handler!(limits::open))
        .at_key('l'),
    ConsolePage::menu(
        "/console/limits/locked",
        "Locked out now",
        READ_USERS,
        &["listLocks"],
        handler!(limits::locked),
    )
    .below(LIMITS),
    ConsolePage::menu(
        SETTINGS,
        "Settings",
        READ_SETTINGS,
        &["listSettings"],
        handler!(settings::open),
    )
    .at_key('e'),
    ConsolePage::menu(
        BACKUPS,
        "Backups",
        MANAGE_BACKUPS,
        &["listBackups"],
        handler!(backups::open),
    )
    .at_key('b'),
    ConsolePage::menu(
        "/console/backups/new",
        "Make a backup",
        MANAGE_BACKUPS,
        &["createBackup"],
        handler!(backups::ask_make),
    )
    .below(BACKUPS)
    .posting(handler!(backups::make)),
    ConsolePage::menu(
        "/console/backups/:id/verify",
        "Check a backup",
        MANAGE_BACKUPS,
        &["verifyBackup"],
        None,
    )
    .below(BACKUPS)
    .posting(handler!(backups::verify)),
    ConsolePage::menu(
        "/console/backups/:id/download",
        "Download a backup",
        MANAGE_BACKUPS,
        &["downloadBackup"],
        handler!(backups::ask_download),
    )
    .below(BACKUPS)
    .posting(handler!(backups::download))
    .with_fresh_proof(),
];
