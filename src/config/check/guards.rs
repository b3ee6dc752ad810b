//! The guards against guessing and floods: rate limits, throttle and lockout. A guard that is off,
//! or permits so much that it may as well be off, is a finding.

use std::time::Duration;

use crate::config::load::standard_limits;
use crate::config::values::span;
use crate::config::{Config, Limits, Rate, Throttle};
use crate::model::finding::{CheckReport, Severity};

/// A limit may permit this many times the rate of the profile `standard`.
const MOST_CALLS: f64 = 100.0;

/// Throttle and lockout may permit this many failures per hour: ten times the throttle of
/// `standard`.
const MOST_FAILURES: f64 = 400.0;

/// The same for the failures at one account from all clients together.
const MOST_ACCOUNT_FAILURES: f64 = 42.0;

/// Whether a guard slows down guessing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Off,
    Ineffective,
    Effective,
}

pub(super) fn find(config: &Config, found: &mut CheckReport) {
    passwords(config, found);
    limits(&config.limits, found);
}

/// The keys of the limits that are off.
pub(super) fn limits_off(limits: &Limits) -> Vec<&'static str> {
    limits.all().into_iter().filter(|(_, rate)| rate.is_none()).map(|(key, _)| key).collect()
}

/// True if nothing slows down guessing of passwords.
pub(super) fn is_open_to_guessing(config: &Config) -> bool {
    throttle(&config.throttle) != Guard::Effective && lockout(config) != Guard::Effective
}

fn passwords(config: &Config, found: &mut CheckReport) {
    let (throttle, lockout) = (throttle(&config.throttle), lockout(config));
    let level = if is_open_to_guessing(config) { Severity::Error } else { Severity::Warning };
    if throttle == Guard::Off && lockout == Guard::Off {
        found.error(
            "throttle.enabled",
            "neither throttle nor lockout is enabled: passwords can be guessed without limit",
            "set throttle.enabled = true",
        );
    }
    if throttle == Guard::Ineffective {
        found.add(
            level,
            "throttle.failures",
            "the throttle permits so many failures that it does not slow down guessing",
            "set throttle.failures and throttle.account_failures near those of the profile \
             standard: 10 in 15m, and 100 in 24h",
        );
    }
    if lockout == Guard::Ineffective {
        found.add(
            level,
            "lockout.failures",
            "the lockout permits so many failures that it does not slow down guessing",
            "set lockout.failures to 10 or fewer, and lockout.duration to 15m or more",
        );
    }
}

fn throttle(throttle: &Throttle) -> Guard {
    let is_effective = per_hour(throttle.failures, throttle.window) <= MOST_FAILURES
        // Every wait permits one more failure.
        && per_hour(1, throttle.longest_wait) <= MOST_FAILURES
        && per_hour(throttle.account_failures, throttle.account_window) <= MOST_ACCOUNT_FAILURES;
    guard(throttle.enabled.then_some(is_effective))
}

fn lockout(config: &Config) -> Guard {
    let lockout = &config.lockout;
    let is_effective = per_hour(lockout.failures, lockout.duration) <= MOST_FAILURES;
    guard(lockout.enabled.then_some(is_effective))
}

/// The guard by whether it is effective, if it is enabled at all.
fn guard(effective: Option<bool>) -> Guard {
    match effective {
        None => Guard::Off,
        Some(false) => Guard::Ineffective,
        Some(true) => Guard::Effective,
    }
}

fn limits(limits: &Limits, found: &mut CheckReport) {
    let standard = standard_limits();
    for (key, rate) in limits.all() {
        let usual = standard
            .as_ref()
            .and_then(|standard| standard.all().into_iter().find(|(known, _)| *known == key)?.1);
        let message = match (rate, usual) {
            (None, _) => format!("it is off: {}", consequence(key)),
            (Some(rate), Some(usual)) if speed(rate) > MOST_CALLS * speed(usual) => {
                format!("{} is as good as off: {}", form(rate), consequence(key))
            }
            (Some(_), _) => continue,
        };
        let remedy = match usual {
            Some(usual) => format!("set a rate, like {} of the profile standard", form(usual)),
            None => "set a rate".to_owned(),
        };
        found.add(severity(key), key, message, remedy);
    }
}

/// Mail and second factors have no other guard that a stranger would meet.
fn severity(key: &str) -> Severity {
    match key {
        "limits.mail_address" | "limits.mail_client" | "limits.factor_account" => Severity::Error,
        _ => Severity::Warning,
    }
}

fn consequence(key: &str) -> &'static str {
    match key {
        "limits.general" => "one client can send any number of requests",
        "limits.sign_in" => "one client can keep all hashing threads busy",
        "limits.sign_up" => "one client can create any number of accounts",
        "limits.resend" | "limits.forgot" => "one client can request any number of mails",
        "limits.mail_address" => "anyone can fill a user's mailbox",
        "limits.mail_client" => "one client can cause mail to any number of addresses",
        "limits.factor_account" => "second factors can be guessed from many clients at once",
        "limits.factor" | "limits.code" | "limits.reset" => "one client can guess codes quickly",
        _ => "one client can send any number of these requests",
    }
}

fn speed(rate: Rate) -> f64 {
    per_hour(rate.count, rate.window)
}

fn per_hour(count: u32, window: Duration) -> f64 {
    f64::from(count) * 3600.0 / window.as_secs_f64().max(1.0)
}

fn form(rate: Rate) -> String {
    format!("{{ count = {}, window = \"{}\" }}", rate.count, span::to_text(rate.window))
}
