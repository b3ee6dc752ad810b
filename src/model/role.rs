//! The built-in roles and what they may do.

/// The permission that every account has: reading its own profile. The native API document grants
/// it to all users.
pub const OWN_PROFILE: &str = "users.read";

/// A role that exists in every database.
pub struct BuiltIn {
    pub name: &'static str,
    pub permissions: &'static [&'static str],
}

/// From the least to the most privileged.
pub const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn { name: "user", permissions: &[OWN_PROFILE] },
    BuiltIn {
        name: "moderator",
        permissions: &[OWN_PROFILE, "admin.users.read", "admin.users.suspend"],
    },
    BuiltIn {
        name: "admin",
        permissions: &[
            OWN_PROFILE,
            "admin.apps",
            "admin.audit",
            "admin.backups",
            "admin.keys",
            "admin.mail",
            "admin.providers",
            "admin.roles",
            "admin.settings",
            "admin.stats",
            "admin.users.read",
            "admin.users.suspend",
            "admin.users.write",
        ],
    },
];

/// The role that a new sign-up gets.
pub const DEFAULT: &str = "user";

/// The administrator role; its last holder cannot be removed.
pub const ADMIN: &str = "admin";

/// The highest of an account's roles, for APIs that show only one. Built-in roles rank in order;
/// custom roles rank just above `user`.
#[must_use]
pub fn highest(roles: &[String]) -> &str {
    let rank = |name: &str| match BUILT_IN.iter().position(|role| role.name == name) {
        Some(0) => 0,
        Some(rank) => rank + 1,
        None => 1,
    };
    roles.iter().map(String::as_str).max_by_key(|name| rank(name)).unwrap_or(DEFAULT)
}
