//! Why sessions end, and when their refresh tokens were rotated.

use std::time::Duration;

use super::time::Time;

/// Why a session ended. The name goes into the store and the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// The owner logged out.
    Logout,
    /// The owner logged out everywhere.
    LogoutEverywhere,
    /// It was the oldest session when the account reached its session limit.
    Cap,
    /// A used refresh token was used again.
    Reuse,
    /// It exceeded its maximum or idle lifetime.
    Expired,
    /// The password was changed or reset.
    Password,
    /// A change of address was undone.
    EmailUndone,
    /// The owner deleted the account.
    Deleted,
    /// An administrator ended the session, or suspended or deleted the account.
    Admin,
    /// The owner ended it from another session.
    Revoked,
    /// The owner reported that the login was not theirs.
    Disowned,
    /// The keys of its tokens were revoked.
    KeysRevoked,
    /// The database was restored from a copy.
    Restored,
}

impl SessionEnd {
    /// All reasons.
    pub const ALL: [SessionEnd; 13] = [
        SessionEnd::Logout,
        SessionEnd::LogoutEverywhere,
        SessionEnd::Cap,
        SessionEnd::Reuse,
        SessionEnd::Expired,
        SessionEnd::Password,
        SessionEnd::EmailUndone,
        SessionEnd::Deleted,
        SessionEnd::Admin,
        SessionEnd::Revoked,
        SessionEnd::Disowned,
        SessionEnd::KeysRevoked,
        SessionEnd::Restored,
    ];

    /// Whether it ended because another party may have used it: then what was requested in it and
    /// waits for a confirmation is void.
    #[must_use]
    pub fn is_distrust(self) -> bool {
        !matches!(self, SessionEnd::Logout | SessionEnd::Cap | SessionEnd::Expired)
    }

    /// The name used in the store and the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SessionEnd::Logout => "logout",
            SessionEnd::LogoutEverywhere => "logout_everywhere",
            SessionEnd::Cap => "cap",
            SessionEnd::Reuse => "reuse",
            SessionEnd::Expired => "expired",
            SessionEnd::Password => "password",
            SessionEnd::EmailUndone => "email_undone",
            SessionEnd::Deleted => "deleted",
            SessionEnd::Admin => "admin",
            SessionEnd::Revoked => "revoked",
            SessionEnd::Disowned => "disowned",
            SessionEnd::KeysRevoked => "keys_revoked",
            SessionEnd::Restored => "restored",
        }
    }
}

/// When the recent refresh tokens of a session were replaced, oldest first, for reuse detection.
///
/// It stays small without forgetting: of the tokens replaced longer ago than the grace period, only
/// the newest is kept, which speaks for all older ones; of those replaced within it, at most
/// `MOST_RECENT`, so that rotating in quick succession hides nothing for longer than two sevenths of
/// the grace period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RotationHistory(Vec<Replacement>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Replacement {
    /// The token that was replaced; all before it had been replaced by then.
    generation: i64,
    at: Time,
}

/// How many replacements within the grace period are kept.
const MOST_RECENT: usize = 8;

impl RotationHistory {
    /// Decodes the stored form, two 8-byte numbers for each replacement.
    #[must_use]
    pub fn stored(bytes: &[u8]) -> Self {
        let (numbers, _) = bytes.as_chunks::<8>();
        let read = |two: &[[u8; 8]; 2]| Replacement {
            generation: i64::from_be_bytes(two[0]),
            at: Time::from_millis(i64::from_be_bytes(two[1])),
        };
        Self(numbers.as_chunks::<2>().0.iter().map(read).collect())
    }

    /// Encodes the history for the store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let both =
            |one: &Replacement| [one.generation.to_be_bytes(), one.at.millis().to_be_bytes()];
        self.0.iter().flat_map(both).flatten().collect()
    }

    /// The history after the token of this generation was replaced.
    #[must_use]
    pub fn with(&self, generation: i64, at: Time, grace: Duration) -> Self {
        let mut all = self.0.clone();
        all.push(Replacement { generation, at });
        let settled = all.iter().filter(|one| at.since(one.at) > grace).count();
        all.drain(..settled.saturating_sub(1));
        if all.len() > MOST_RECENT + 1 {
            // The next one speaks for it; what remains is spread evenly over the grace period.
            let gap = |index: &usize| all[index + 1].at.since(all[index - 1].at);
            if let Some(closest) = (1..all.len() - 1).min_by_key(gap) {
                all.remove(closest);
            }
        }
        Self(all)
    }

    /// Whether the token of this generation was replaced longer ago than the grace period.
    #[must_use]
    pub fn is_long_replaced(&self, generation: i64, now: Time, grace: Duration) -> bool {
        self.0.iter().any(|one| one.generation >= generation && now.since(one.at) > grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    /// The history of a session whose token was rotated at these seconds.
    fn rotated(seconds: impl IntoIterator<Item = i64>) -> RotationHistory {
        let numbered = (0..).zip(seconds);
        numbered.fold(RotationHistory::default(), |history, (generation, at)| {
            history.with(generation, Time::from_seconds(at), GRACE)
        })
    }

    fn is_long_replaced(history: &RotationHistory, generation: i64, second: i64) -> bool {
        history.is_long_replaced(generation, Time::from_seconds(second), GRACE)
    }

    #[test]
    fn a_history_is_stored_and_read_back() {
        let history = rotated([5, 1_800_000_000, 1_800_000_020]);
        assert_eq!(RotationHistory::stored(&history.to_bytes()), history);
        assert_eq!(history.to_bytes().len(), 3 * 16);
        assert_eq!(RotationHistory::stored(&[]), RotationHistory::default());
        let odd = Replacement { generation: 3, at: Time::from_millis(-7) };
        assert_eq!(RotationHistory::stored(&RotationHistory(vec![odd]).to_bytes()).0, [odd]);
    }

    #[test]
    fn each_replacement_is_known_to_the_second() {
        let history = rotated([20, 40, 60]);
        for (generation, settled_at) in [(0, 51), (1, 71), (2, 91)] {
            assert!(!is_long_replaced(&history, generation, settled_at - 1), "{generation}");
            assert!(is_long_replaced(&history, generation, settled_at), "{generation}");
        }
        assert!(!is_long_replaced(&history, 3, 1_000_000), "never replaced");
    }

    #[test]
    fn a_history_of_slow_rotations_is_two_entries_long() {
        assert_eq!(rotated((0..100).map(|turn| turn * 900)).0.len(), 2);
    }

    #[test]
    fn rotating_in_quick_succession_hides_nothing() {
        for gap in 1..=20 {
            let history = rotated((0..200).map(|turn| turn * gap));
            assert!(history.0.len() <= MOST_RECENT + 1, "{}", history.0.len());
            let now = 199 * gap;
            let settled = (0..200).take_while(|turn| now - turn * gap > 45).last();
            if let Some(generation) = settled {
                assert!(is_long_replaced(&history, generation, now), "every {gap} seconds");
            }
            let recent = (0..200).find(|turn| now - turn * gap <= 30).unwrap_or(0);
            assert!(!is_long_replaced(&history, recent, now), "every {gap} seconds");
        }
    }

    proptest::proptest! {
        /// For any schedule of rotations, and every token of it: the history never says too early
        /// that the token was replaced long ago, and at most two sevenths of the grace period too
        /// late; not late at all where no more than eight rotations fall into one grace period.
        #[test]
        fn every_schedule_of_rotations_is_told_in_time(
            gaps in proptest::collection::vec(0_u32..40_000, 1..80),
            fast in proptest::collection::vec(0_u32..3_000, 0..80),
            wait in 0_u32..60_000,
        ) {
            let gaps = gaps.iter().chain(&fast).chain(&gaps);
            let times: Vec<Time> = gaps
                .scan(Time::from_seconds(1_800_000_000), |at, gap| {
                    *at = *at + Duration::from_millis(u64::from(*gap));
                    Some(*at)
                })
                .collect();
            let history = (0..).zip(&times).fold(RotationHistory::default(), |all, (of, at)| {
                all.with(of, *at, GRACE)
            });
            proptest::prop_assert!(history.0.len() <= MOST_RECENT + 1);
            let is_sparse = times.windows(MOST_RECENT + 1).all(|some| {
                some[MOST_RECENT].since(some[0]) > GRACE
            });
            let now = times[times.len() - 1] + Duration::from_millis(u64::from(wait));
            for (generation, replaced) in (0..).zip(&times) {
                let (age, told) = (now.since(*replaced), history.is_long_replaced(generation, now, GRACE));
                proptest::prop_assert!(!told || age > GRACE, "{generation} too early");
                let latest = if is_sparse { GRACE } else { GRACE * 9 / 7 };
                proptest::prop_assert!(told || age <= latest, "{generation} too late: {age:?}");
            }
        }
    }

    #[test]
    fn a_clock_set_back_makes_no_replacement_old() {
        let history = rotated([100, 50]);
        assert!(!is_long_replaced(&history, 1, 60));
        assert!(is_long_replaced(&history, 1, 81));
    }
}
