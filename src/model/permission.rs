//! What administrators may do, and what one holder of roles may do compared with another.

use std::collections::BTreeSet;

use super::role;

/// What an operation on other people's data asks for. The word is what roles carry and what the document shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See accounts and their sessions.
    UsersRead,
    /// Make, change, delete and restore accounts, end their sessions.
    UsersWrite,
    /// Suspend accounts and let them in again.
    UsersSuspend,
    /// Make roles, give and take them.
    Roles,
    /// Read the audit log.
    Audit,
    /// See the outbox and try letters again.
    Mail,
    /// See and turn signing keys.
    Keys,
    /// Register apps and their keys.
    Apps,
    /// See figures.
    Stats,
}

impl Permission {
    /// Every one.
    pub const ALL: [Permission; 9] = [
        Permission::UsersRead,
        Permission::UsersWrite,
        Permission::UsersSuspend,
        Permission::Roles,
        Permission::Audit,
        Permission::Mail,
        Permission::Keys,
        Permission::Apps,
        Permission::Stats,
    ];

    /// The word for it.
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
        }
    }

    /// The permission behind a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == word)
    }
}

/// The most characters of a permission's or role's name.
pub const LONGEST_NAME: usize = 64;

/// Whether a role may carry this word: one of ours, or one of an app's own, which may not look like ours.
#[must_use]
pub fn is_grantable(word: &str) -> bool {
    let own = |word: &str| word == role::OWN_PROFILE || !(word.starts_with("admin.") || word == "admin");
    is_name(word) && (Permission::parse(word).is_some() || own(word))
}

/// Whether a role or a permission may be called so.
#[must_use]
pub fn is_name(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._:-".contains(&b);
    (1..=LONGEST_NAME).contains(&word.len()) && word.bytes().all(plain)
}

/// What somebody may do by all their roles together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    everything: bool,
    permissions: BTreeSet<String>,
}

impl Rights {
    /// Of these roles, which carry these permissions. The role `admin` may do everything, an app's own permissions too.
    #[must_use]
    pub fn of(roles: &[String], permissions: Vec<String>) -> Self {
        Self {
            everything: roles.iter().any(|name| name == role::ADMIN),
            permissions: permissions.into_iter().collect(),
        }
    }

    /// Whether this is among them.
    #[must_use]
    pub fn hold(&self, permission: Permission) -> bool {
        self.everything || self.permissions.contains(permission.as_str())
    }

    /// Whether somebody with the other rights has none that these lack.
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
        assert!(admin.cover(&rights("shop", &["orders.write"])) && !support.cover(&rights("shop", &["orders.write"])));
    }

    #[test]
    fn an_own_permission_cannot_pass_for_one_of_ours() {
        for good in ["users.read", "admin.users.read", "orders.write", "a"] {
            assert!(is_grantable(good), "{good}");
        }
        for bad in ["", "admin.everything", "admin", "Orders", "a b", "a,b", "a\n", &"a".repeat(65)] {
            assert!(!is_grantable(bad), "{bad}");
        }
    }
}
