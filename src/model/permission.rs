//! What administrators may do, and how the rights of two accounts compare.

use std::collections::BTreeSet;

use super::role;

/// What an operation on other accounts requires. Roles carry these names and the OpenAPI document
/// shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Read accounts and their sessions.
    UsersRead,
    /// Create, change, delete and restore accounts, and end their sessions.
    UsersWrite,
    /// Suspend and reinstate accounts.
    UsersSuspend,
    /// Create, assign and remove roles.
    Roles,
    /// Read the audit log.
    Audit,
    /// Read the outbox and retry mail.
    Mail,
    /// Read and rotate signing keys.
    Keys,
    /// Register API clients and rotate their keys.
    Apps,
    /// Read statistics.
    Stats,
    /// Add, change and remove the providers that people log in with. What a provider says of a
    /// person is believed, so this is a power over the accounts that are connected.
    Providers,
    /// Read the configuration in force, without its secrets.
    Settings,
    /// Make, check and download backups of the whole database.
    Backups,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Permission; 12] = [
        Permission::UsersRead,
        Permission::UsersWrite,
        Permission::UsersSuspend,
        Permission::Roles,
        Permission::Audit,
        Permission::Mail,
        Permission::Keys,
        Permission::Apps,
        Permission::Stats,
        Permission::Providers,
        Permission::Settings,
        Permission::Backups,
    ];

    /// The name that roles carry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::UsersRead => "admin.users.read",
            Permission::UsersWrite => "admin.users.write",
            Permission::UsersSuspend => "admin.users.suspend",
            Permission::Roles => "admin.roles",
            Permission::Audit => "admin.audit",
            Permission::Mail => "admin.mail",
            Permission::Keys => "admin.keys",
            Permission::Apps => "admin.apps",
            Permission::Stats => "admin.stats",
            Permission::Providers => "admin.providers",
            Permission::Settings => "admin.settings",
            Permission::Backups => "admin.backups",
        }
    }

    /// The permission with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == word)
    }
}

/// The maximum length of a permission or role name.
pub const LONGEST_NAME: usize = 64;

/// Whether a role may carry this name: a built-in permission, or an application's own permission
/// that cannot be mistaken for a built-in one.
#[must_use]
pub fn is_grantable(word: &str) -> bool {
    let own =
        |word: &str| word == role::OWN_PROFILE || !(word.starts_with("admin.") || word == "admin");
    is_name(word) && (Permission::parse(word).is_some() || own(word))
}

/// Whether this is a valid name for a role or a permission.
#[must_use]
pub fn is_name(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._:-".contains(&b);
    (1..=LONGEST_NAME).contains(&word.len()) && word.bytes().all(plain)
}

/// What an account may do through all its roles together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    everything: bool,
    permissions: BTreeSet<String>,
}

impl Rights {
    /// The rights of these roles, which carry these permissions. The role `admin` may do
    /// everything, including an application's own permissions.
    #[must_use]
    pub fn of(roles: &[String], permissions: Vec<String>) -> Self {
        Self {
            everything: roles.iter().any(|name| name == role::ADMIN),
            permissions: permissions.into_iter().collect(),
        }
    }

    /// Whether the rights include this permission.
    #[must_use]
    pub fn hold(&self, permission: Permission) -> bool {
        self.everything || self.permissions.contains(permission.as_str())
    }

    /// Whether these rights include all of the other rights.
    #[must_use]
    pub fn cover(&self, other: &Rights) -> bool {
        self.everything || !other.everything && other.permissions.is_subset(&self.permissions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(role: &str, permissions: &[&str]) -> Rights {
        Rights::of(&[role.to_owned()], permissions.iter().map(|&word| word.to_owned()).collect())
    }

    #[test]
    fn the_built_in_admin_holds_every_permission_there_is() {
        let built_in = role::BUILT_IN.iter().find(|role| role.name == role::ADMIN).unwrap();
        for permission in Permission::ALL {
            assert!(built_in.permissions.contains(&permission.as_str()), "{permission:?}");
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
        }
    }

    #[test]
    fn rights_cover_what_they_hold_and_no_more() {
        let admin = rights("admin", &[]);
        let support = rights("support", &["users.read", "admin.users.read"]);
        let user = rights("user", &["users.read"]);
        assert!(admin.cover(&support) && support.cover(&user) && user.cover(&user));
        assert!(!user.cover(&support) && !support.cover(&admin) && admin.cover(&admin));
        assert!(
            admin.cover(&rights("shop", &["orders.write"]))
                && !support.cover(&rights("shop", &["orders.write"]))
        );
    }

    #[test]
    fn an_own_permission_cannot_pass_for_one_of_ours() {
        for good in ["users.read", "admin.users.read", "orders.write", "a"] {
            assert!(is_grantable(good), "{good}");
        }
        for bad in ["", "admin.everything", "admin", "Orders", "a b", "a,b", "a\n", &"a".repeat(65)]
        {
            assert!(!is_grantable(bad), "{bad}");
        }
    }
}
