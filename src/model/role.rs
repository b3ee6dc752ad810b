//! The built-in roles and what they may do.

/// What every account may do: read its own profile, as the native API's document gives it to everybody.
pub const OWN_PROFILE: &str = "users.read";

/// A role that exists in every database.
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// What it may do.
    pub permissions: &'static [&'static str],
}

/// From the least to the most.
pub const BUILT_IN: [BuiltIn; 3] = [
    BuiltIn { name: "user", permissions: &[OWN_PROFILE] },
    BuiltIn { name: "moderator", permissions: &[OWN_PROFILE, "admin.users.read", "admin.users.suspend"] },
    BuiltIn {
        name: "admin",
        permissions: &[
            OWN_PROFILE,
            "admin.apps",
            "admin.audit",
            "admin.keys",
            "admin.mail",
            "admin.roles",
            "admin.stats",
            "admin.users.read",
            "admin.users.suspend",
            "admin.users.write",
        ],
    },
];

/// The role that a sign-up gives.
pub const DEFAULT: &str = "user";

/// The role whose last holder cannot be removed.
pub const ADMIN: &str = "admin";

/// The highest of an account's roles, for APIs that show one: a built-in one by its rank, between `user` and the others
/// one's own.
#[must_use]
pub fn highest(roles: &[String]) -> &str {
    let rank = |name: &str| match BUILT_IN.iter().position(|role| role.name == name) {
        Some(0) => 0,
        Some(rank) => rank + 1,
        None => 1,
    };
    roles.iter().map(String::as_str).max_by_key(|name| rank(name)).unwrap_or(DEFAULT)
}
