//! The limits with their figures and how often each refused something, and the accounts that are locked
//! out now. Refusals are counted as they happen; no record is read for them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Limits;
use crate::error::Result;
use crate::identity::Core;
use crate::identity::admin::login_check::{Check, Obstacle};
use crate::identity::login::one_time_code::{EARNED, OTHERS, SENT};
use crate::identity::system::statistics;
use crate::model::event::What;
use crate::model::{Account, AccountId, Barrier};
use crate::store;
use crate::store::tables::audit::{AuditFilter, From};

/// How many records of each kind of lock are read, the newest.
const RECORDS: i64 = 100;

/// A limit, and how often it refused something.
#[derive(Debug, Clone)]
pub struct LimitFigures {
    /// Its name in the audit log and the metrics.
    pub name: &'static str,
    /// The key of the configuration that sets it; `None` if it is fixed.
    pub key: Option<&'static str>,
    /// What it allows, such as `30 in 1m`.
    pub allows: String,
    /// Refusals since the current hour began.
    pub hour: i64,
    /// Refusals in 24 hours.
    pub day: i64,
    /// Refusals in 30 days.
    pub month: i64,
}

/// All limits, those that refused most first.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core) -> Result<Vec<LimitFigures>> {
    let counts = statistics::refusals(core).await?;
    let figures = |barrier: Barrier| {
        let (key, allows) = allowance(core, barrier);
        let of = |counts: &BTreeMap<String, i64>| counts.get(barrier.series()).copied();
        let of = |counts| of(counts).unwrap_or(0);
        let (hour, day, month) = (of(&counts.hour), of(&counts.day), of(&counts.month));
        LimitFigures { name: barrier.as_str(), key, allows, hour, day, month }
    };
    let mut all: Vec<_> = Barrier::all().map(figures).collect();
    // Stable: limits that refused equally often keep their order.
    all.sort_by_key(|one| std::cmp::Reverse((one.day, one.month)));
    Ok(all)
}

/// The key of a limit, and what it allows.
fn allowance(core: &Core, barrier: Barrier) -> (Option<&'static str>, String) {
    let value = |key: &str| {
        let entry = core.config.entries.iter().find(|entry| entry.key == key);
        entry.and_then(|entry| entry.value.clone()).unwrap_or_else(|| "-".to_owned())
    };
    let rate = |key: &'static str| {
        let part = |part| value(&format!("{key}.{part}"));
        match part("count").as_str() {
            "0" => (Some(key), "off".to_owned()),
            count => (Some(key), format!("{count} in {}", part("window"))),
        }
    };
    let per = |(count, window): (u32, Duration)| format!("{count} in {}m", window.as_secs() / 60);
    let (throttle, lockout) = (&core.config.throttle, &core.config.lockout);
    match barrier {
        Barrier::Calls(limit) => rate(Limits::key(limit)),
        Barrier::FactorAttempts => rate("limits.factor_account"),
        Barrier::MailAddress => rate("limits.mail_address"),
        Barrier::MailClient => rate("limits.mail_client"),
        Barrier::Uploads => (Some("files.limit"), value("files.limit")),
        Barrier::CodeAttempts => {
            let text = format!("{} from known clients, {} from others", per(EARNED), per(OTHERS));
            (None, text)
        }
        Barrier::CodesSent => (None, per(SENT)),
        Barrier::Throttle if !throttle.enabled => (Some("throttle.enabled"), "off".to_owned()),
        Barrier::Throttle => {
            let (failures, window) = (value("throttle.failures"), value("throttle.window"));
            (Some("throttle.failures"), format!("{failures} in {window}"))
        }
        Barrier::Lockout if !lockout.enabled => (Some("lockout.enabled"), "off".to_owned()),
        Barrier::Lockout => {
            (Some("lockout.failures"), format!("{} failures", value("lockout.failures")))
        }
    }
}

/// An account that is locked out now.
#[derive(Debug, Clone)]
pub struct LockedAccount {
    pub account: Account,
    /// What failures have closed.
    pub locks: Vec<Obstacle>,
}

/// Accounts that are locked out now, the last ones first. Locks are kept under keyed digests, so they are
/// found by the newest records of locks; a name that no account has is not among them.
///
/// # Errors
/// `Unavailable`.
pub async fn locked(core: &Core) -> Result<Vec<LockedAccount>> {
    let check = Check::of(core);
    core.store
        .scan(move |db| {
            let mut ids: Vec<(String, AccountId)> = Vec::new();
            for what in [What::Lockout, What::PasswordClosed, What::FactorClosed] {
                let event = Some(what.as_str().to_owned());
                let filter = AuditFilter { event, ..AuditFilter::default() };
                let records = store::tables::audit::page(db, &filter, &From::Newest, RECORDS)?;
                ids.extend(
                    records
                        .into_iter()
                        .filter_map(|record| Some((record.id, AccountId::new(record.account_id?)))),
                );
            }
            // The id of a record begins with its time.
            ids.sort_unstable_by(|one, other| other.0.cmp(&one.0));
            let mut found: Vec<LockedAccount> = Vec::new();
            for (_, id) in ids {
                if found.iter().any(|known| known.account.id == id) {
                    continue;
                }
                let Some(account) = store::tables::accounts::find(db, &id)? else { continue };
                let locks = check.locks(db, &account)?;
                found.push(LockedAccount { account, locks });
            }
            found.retain(|one| !one.locks.is_empty() && one.account.deleted_at.is_none());
            Ok(found)
        })
        .await
}
