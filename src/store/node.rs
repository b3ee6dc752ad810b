//! This server among those that share its database: whether it lives, how many others do, and whether it
//! is the one that acts for all of them. Servers know of each other by rows of the database alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::Stopwatch;

/// The most that the clock of a server may differ from that of the database.
pub const MOST_DIFFERENCE: Duration = Duration::from_secs(5);

/// The most that the clocks of two servers differ which go by the same database: what one of them has
/// stored may be this far in the future of another.
const CLOCKS_AGREE: Duration = Duration::from_secs(1);

/// A difference that is not known.
const UNKNOWN: i64 = i64::MIN;

/// A server, as it is among those that share its database. Cheap to clone. A server on a file, and a
/// command, is among none.
#[derive(Clone, Default)]
pub struct Node(Option<Arc<Membership>>);

/// What a server knows of itself and the others. The engine keeps it up to date.
pub(in crate::store) struct Membership {
    pub(in crate::store) id: String,
    pub(in crate::store) name: String,
    /// How long the others wait for a sign of life before they act without this server.
    silence: Duration,
    since: Stopwatch,
    /// When the last sign of life was given that reached the database, in milliseconds since `since`.
    heard_at: AtomicU64,
    /// How often the others may have acted without this server, because its signs of life came too late.
    lapses: AtomicU64,
    leads: AtomicBool,
    has_retired: AtomicBool,
    live: AtomicU32,
    clock_ahead: AtomicI64,
}

impl Membership {
    pub(in crate::store) fn new(id: String, name: String, silence: Duration) -> Self {
        Self {
            id,
            name,
            silence,
            since: Stopwatch::start(),
            heard_at: AtomicU64::new(0),
            lapses: AtomicU64::new(0),
            leads: AtomicBool::new(false),
            has_retired: AtomicBool::new(false),
            live: AtomicU32::new(1),
            clock_ahead: AtomicI64::new(UNKNOWN),
        }
    }

    /// The time on this server's own stopwatch, for [`Membership::heard`].
    pub(in crate::store) fn elapsed(&self) -> Duration {
        Duration::from_secs_f64(self.since.seconds())
    }

    /// A sign of life that was given at this time has reached the database.
    pub(in crate::store) fn heard(&self, at: Duration) {
        let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        let before = Duration::from_millis(self.heard_at.load(Ordering::Relaxed));
        if at.saturating_sub(before) >= self.patience() {
            self.lapses.fetch_add(1, Ordering::Relaxed);
            // Until the engine has looked who acts for all now.
            self.set_leads(false);
        }
        // Who sees that this server is current again sees the lapse.
        self.heard_at.store(millis, Ordering::Release);
    }

    /// The others act without this server after `silence`; it stops acting well before.
    fn patience(&self) -> Duration {
        self.silence / 4 * 3
    }

    pub(in crate::store) fn set_live(&self, live: usize) {
        let live = u32::try_from(live).unwrap_or(u32::MAX).max(1);
        if self.live.swap(live, Ordering::Relaxed) != live {
            tracing::info!(servers = live, "another number of servers shares the database");
        }
    }

    pub(in crate::store) fn set_leads(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    /// This server does nothing more for the others.
    pub(in crate::store) fn retire(&self) {
        self.has_retired.store(true, Ordering::Relaxed);
    }

    pub(in crate::store) fn set_clock_ahead(&self, millis: Option<i64>) {
        self.clock_ahead.store(millis.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    fn is_current(&self) -> bool {
        let heard_at = Duration::from_millis(self.heard_at.load(Ordering::Acquire));
        !self.has_retired.load(Ordering::Relaxed)
            && self.elapsed().saturating_sub(heard_at) < self.patience()
    }
}

impl Node {
    pub(in crate::store) fn member(member: Arc<Membership>) -> Self {
        Self(Some(member))
    }

    /// The id under which it claims work; `None` if it shares its database with no other server.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.as_ref().map(|member| &*member.id)
    }

    /// Its name, for people: machine and process.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|member| &*member.name)
    }

    /// How many servers live, this one included.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.0.as_ref().map_or(1, |member| member.live.load(Ordering::Relaxed))
    }

    /// Whether this server does what one of them does for all: cleanup, schedules, alarms, certificates.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|member| member.leads.load(Ordering::Relaxed) && member.is_current())
    }

    /// Whether the others still count on this server. If not, they may already do what it had claimed.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.0.as_ref().is_none_or(|member| member.is_current())
    }

    /// The time during which the others have counted on this server without a break; `None` if they no longer
    /// do. What it claimed in an earlier one, another server may have taken over.
    #[must_use]
    pub fn tenure(&self) -> Option<Tenure> {
        let Some(member) = &self.0 else { return Some(Tenure(0)) };
        member.is_current().then(|| Tenure(member.lapses.load(Ordering::Relaxed)))
    }

    /// How far in the future a time may be that another server has stored just now.
    #[must_use]
    pub fn clock_lag(&self) -> Duration {
        if self.0.is_some() { CLOCKS_AGREE } else { Duration::ZERO }
    }

    /// By how many milliseconds the clock of this machine is ahead of the database's, if that is known.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        let ahead = self.0.as_ref()?.clock_ahead.load(Ordering::Relaxed);
        (ahead != UNKNOWN).then_some(ahead)
    }
}

/// A time during which the others counted on a server without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure(u64);

/// A server in a list of all that share a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedNode {
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// Whether it acts for all of them.
    pub leads: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_not_heard_of_stops_acting_before_the_others_act_without_it() {
        let member = Arc::new(Membership::new("a".into(), "box/1".into(), Duration::from_secs(8)));
        let node = Node::member(member.clone());
        assert!(node.is_current() && !node.leads());
        member.set_leads(true);
        assert!(node.leads());
        member.retire();
        assert!(!node.is_current() && !node.leads());
        let member = Membership::new("a".into(), "box/1".into(), Duration::ZERO);
        member.set_leads(true);
        let node = Node::member(Arc::new(member));
        assert!(!node.is_current() && !node.leads());
        let alone = Node::default();
        assert!(alone.is_current() && alone.leads() && alone.live() == 1 && alone.id().is_none());
        assert_eq!((alone.clock_lag(), node.clock_lag()), (Duration::ZERO, CLOCKS_AGREE));
    }

    #[test]
    fn what_was_claimed_before_a_break_does_not_count_after_it() {
        let member = Arc::new(Membership::new("a".into(), "box/1".into(), Duration::from_hours(8)));
        let node = Node::member(member.clone());
        let first = node.tenure();
        assert!(first.is_some());
        member.heard(Duration::from_hours(5));
        assert_eq!(node.tenure(), first);
        member.set_leads(true);
        assert!(node.leads());
        member.heard(Duration::from_hours(11));
        assert!(!node.leads(), "another one does by now");
        let second = node.tenure();
        assert!(second.is_some() && second != first, "six hours without a sign of life");
        member.retire();
        assert_eq!(node.tenure(), None);
        assert_eq!(Node::default().tenure(), Node::default().tenure());
    }

    #[test]
    fn what_is_not_known_of_the_clock_is_not_a_difference() {
        let member = Arc::new(Membership::new("a".into(), "box/1".into(), Duration::from_secs(8)));
        let node = Node::member(member.clone());
        assert_eq!(node.clock_ahead(), None);
        member.set_clock_ahead(Some(-6000));
        assert_eq!(node.clock_ahead(), Some(-6000));
        member.set_clock_ahead(None);
        assert_eq!(node.clock_ahead(), None);
    }
}
