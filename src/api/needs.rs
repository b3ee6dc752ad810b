//! What a wire needs of the configuration: data beside its operations. The settings that do not meet
//! it are refused when the configuration is loaded.

use crate::api::named;
use crate::config::{Config, Finding, LoginOtp, Severity, UnmetNeed};

/// Something that a wire needs of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireNeed {
    /// A sign-up returns a session.
    SessionAtSignUp,
    /// A login requires a code.
    LoginCode,
    /// A sign-up returns the account's number, which a taken address has none of.
    AccountNumber,
    /// Clients send no headers of an API client, so none may be required.
    NoAppHeaders,
    /// Another service makes calls, from a network that is configured or with a key.
    ServiceCalls,
}

impl WireNeed {
    fn unmet(self, config: &Config) -> Option<UnmetNeed> {
        let (is_met, key, message): (bool, &'static str, String) = match self {
            Self::SessionAtSignUp => (
                config.signup.logs_in,
                "signup.logs_in",
                "expected true for a server.wire whose sign-up returns tokens, got false".into(),
            ),
            Self::LoginCode => (
                config.login.otp != LoginOtp::Off,
                "login.otp",
                "expected \"email\" for a server.wire whose login requires a code, got \"off\""
                    .into(),
            ),
            Self::AccountNumber => (
                config.signup.reveal_existing,
                "signup.reveal_existing",
                "expected true for a server.wire whose sign-up returns the account's number, got \
                 false"
                    .into(),
            ),
            Self::NoAppHeaders => {
                let wire = config.server.wire.as_str();
                let message = format!(
                    "expected false for server.wire \"{wire}\", whose clients send no app headers, got true"
                );
                (!config.apps.required, "apps.required", message)
            }
            Self::ServiceCalls => return None,
        };
        (!is_met).then_some(UnmetNeed { key, message })
    }

    fn finding(self, config: &Config) -> Option<Finding> {
        let is_closed =
            config.server.service_networks.is_none() && config.service_networks().is_empty();
        (self == Self::ServiceCalls && is_closed).then(|| Finding {
            level: Severity::Hint,
            key: "server.service_networks".into(),
            message: "it is not set: a second service gets 403, even on this machine, unless it sends a key".into(),
            remedy: "set it to the service's network (127.0.0.1/32 only if no proxy on this machine forwards \
                     calls), or create a key: authd app create --kind service"
                .into(),
        })
    }
}

fn needs(config: &Config) -> &'static [WireNeed] {
    named(config.server.wire, config).needs
}

/// The needs of the wire at the root that the configuration does not meet.
#[must_use]
pub fn unmet(config: &Config) -> Vec<UnmetNeed> {
    needs(config).iter().filter_map(|need| need.unmet(config)).collect()
}

/// What a production deployment of the wire at the root still lacks.
#[must_use]
pub fn findings(config: &Config) -> Vec<Finding> {
    needs(config).iter().filter_map(|need| need.finding(config)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Inputs, Loaded, load};

    fn load_under(profile: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
        let named = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = named.chain([("AUTHD_PROFILE".to_owned(), profile.to_owned())]).collect();
        let inputs =
            Inputs { env, dir: "/nowhere".into(), needs_of_wire: Some(unmet), ..Inputs::default() };
        load(&inputs).map_err(|problems| problems.to_string())
    }

    fn refused(profile: &str, variables: &[(&str, &str)]) -> String {
        load_under(profile, variables).err().unwrap()
    }

    #[test]
    fn a_sign_up_that_returns_tokens_logs_in() {
        assert!(
            refused("siteworks", &[("AUTHD_SIGNUP__LOGS_IN", "false")]).contains("server.wire")
        );
    }

    #[test]
    fn app_headers_are_not_asked_for_on_a_wire_whose_clients_send_none() {
        for profile in ["siteworks", "jobpath", "jobpsych"] {
            let text = refused(profile, &[("AUTHD_APPS__REQUIRED", "true")]);
            assert!(
                text.contains("apps.required") && text.contains(&format!("\"{profile}\"")),
                "{text}"
            );
        }
        let standard = load_under("standard", &[("AUTHD_APPS__REQUIRED", "true")]).unwrap();
        assert!(standard.config.apps.required);
        assert!(
            refused("authbackend", &[("AUTHD_SERVER__WIRE", "jobpath")]).contains("apps.required")
        );
    }

    #[test]
    fn a_login_that_is_completed_with_a_code_needs_one() {
        let text = refused(
            "authbackend",
            &[("AUTHD_LOGIN__OTP", "off"), ("AUTHD_SIGNUP__REVEAL_EXISTING", "false")],
        );
        assert!(text.contains("login.otp") && text.contains("signup.reveal_existing"), "{text}");
        assert!(text.contains("env AUTHD_LOGIN__OTP"), "{text}");
    }

    #[test]
    fn a_closed_service_network_is_a_hint_where_a_second_service_calls() {
        let config = |profile| {
            load_under(profile, &[("AUTHD_SERVER__ENVIRONMENT", "production")]).unwrap().config
        };
        let keys: Vec<_> =
            findings(&config("jobpsych")).into_iter().map(|finding| finding.key).collect();
        assert_eq!(keys, ["server.service_networks"]);
        assert_eq!(findings(&config("standard")), []);
    }
}
