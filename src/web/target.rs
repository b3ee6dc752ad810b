//! Where the browser goes after a login: to an app, if its URL is listed byte for byte, or to one
//! of the account pages.

use crate::config::PagesConfig;
use crate::model::percent;
use crate::web::stop::Stop;

/// The account pages, in the order of their list.
pub(in crate::web) const ACCOUNT: &str = "/account";
pub(in crate::web) const PROFILE: &str = "/account/profile";
pub(in crate::web) const EMAIL: &str = "/account/email";
pub(in crate::web) const PASSWORD: &str = "/account/password";
pub(in crate::web) const PASSKEYS: &str = "/account/passkeys";
pub(in crate::web) const CONNECTIONS: &str = "/account/connections";
pub(in crate::web) const AUTHENTICATOR: &str = "/account/authenticator";
pub(in crate::web) const SESSIONS: &str = "/account/sessions";
pub(in crate::web) const RECORD: &str = "/account/record";
pub(in crate::web) const DATA: &str = "/account/data";

const OWN: [&str; 10] = [
    ACCOUNT,
    PROFILE,
    EMAIL,
    PASSWORD,
    PASSKEYS,
    CONNECTIONS,
    AUTHENTICATOR,
    SESSIONS,
    RECORD,
    DATA,
];

/// The pages of the menu of the console. The first one leads to the first of the others that its
/// visitor may open.
pub(in crate::web) const START: &str = "/console";
pub(in crate::web) const OVERVIEW: &str = "/console/overview";
pub(in crate::web) const ACCOUNTS: &str = "/console/accounts";
pub(in crate::web) const AUDIT: &str = "/console/record";
pub(in crate::web) const MAIL: &str = "/console/mail";
pub(in crate::web) const ROLES: &str = "/console/roles";
pub(in crate::web) const APPS: &str = "/console/apps";
pub(in crate::web) const KEYS: &str = "/console/keys";
pub(in crate::web) const PROVIDERS: &str = "/console/providers";
pub(in crate::web) const SETTINGS: &str = "/console/settings";
pub(in crate::web) const LIMITS: &str = "/console/limits";
pub(in crate::web) const BACKUPS: &str = "/console/backups";

/// The page of the console that makes an account. Every other one has a link to it.
pub(in crate::web) const NEW_ACCOUNT: &str = "/console/accounts/new";

const CONSOLE: [&str; 12] = [
    START, OVERVIEW, ACCOUNTS, AUDIT, MAIL, ROLES, APPS, KEYS, PROVIDERS, SETTINGS, LIMITS, BACKUPS,
];

/// A checked place to go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Target(String);

impl Target {
    /// The place that a request names; `None` if it names none.
    ///
    /// # Errors
    /// [`Stop::UnknownTarget`] for any other place. The comparison is exact, so no spelling of a
    /// URL can mean another place than the one that is listed.
    pub(in crate::web) fn admit(
        named: Option<String>,
        pages: &PagesConfig,
    ) -> Result<Option<Self>, Stop> {
        match named.filter(|named| !named.is_empty()) {
            None => Ok(None),
            Some(named)
                if OWN.contains(&named.as_str())
                    || CONSOLE.contains(&named.as_str())
                    || pages.return_to.contains(&named) =>
            {
                Ok(Some(Self(named)))
            }
            Some(named) => Err(Stop::UnknownTarget(named)),
        }
    }

    pub(in crate::web) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path with the target as its parameter, if there is one.
pub(in crate::web) fn with_target(path: &str, target: Option<&str>) -> String {
    let Some(target) = target else { return path.to_owned() };
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}return_to={}", percent::encode(target))
}
