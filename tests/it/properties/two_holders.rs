//! Two parties with one refresh token, the owner and a thief, in any schedule of their refreshes.
//! While both use their tokens, neither notices the other for longer than the grace period and one
//! refresh each; and what looks like a race of one party ends no session.

use std::time::Duration;

use serde_json::json;

use crate::support::{App, UNLIMITED, UNTHROTTLED, app_with};

/// Seconds.
const GRACE: u64 = 30;

/// The seconds between two refreshes, and whether the owner does the later one.
type Schedule = Vec<(u64, bool)>;

/// A session whose token both parties hold.
struct SharedSession<'a> {
    app: &'a App,
    /// All tokens of the session, and when each but the last was replaced.
    tokens: Vec<String>,
    replaced: Vec<u64>,
    now: u64,
    /// Which token the owner has, and which the thief.
    holders: [usize; 2],
    has_ended: bool,
}

impl SharedSession<'_> {
    fn wait(&mut self, seconds: u64) {
        self.app.turn_clock(Duration::from_secs(seconds));
        self.now += seconds;
    }

    /// A party presents its token, which has the effect that the rule says.
    async fn refresh(&mut self, is_owner: bool) {
        let (party, current) = (usize::from(!is_owner), self.tokens.len() - 1);
        let held = self.holders[party];
        let age = |generation: usize| self.now - self.replaced[generation];
        let expected = if self.has_ended {
            "TOKEN_REVOKED"
        } else if held == current || held + 1 == current && age(held) <= GRACE {
            ""
        } else if held + 1 < current && age(held + 1) <= GRACE {
            "INVALID_REFRESH_TOKEN"
        } else {
            "TOKEN_REVOKED"
        };
        let body = json!({ "refreshToken": self.tokens[held] });
        let answer = self.app.post("/v1/auth/refresh", &body).send().await;
        assert_eq!(answer.code(), expected, "{held} of {current} at {}", self.now);
        self.has_ended |= expected == "TOKEN_REVOKED";
        if !expected.is_empty() {
            return;
        }
        let next = answer.tokens().refresh;
        if held == current {
            self.tokens.push(next);
            self.replaced.push(self.now);
        } else {
            assert_eq!(next, self.tokens[current], "the parent gets the very successor");
        }
        self.holders[party] = held + 1;
    }
}

/// Schedules of up to twelve refreshes, with gaps below, at and above the grace period.
fn schedules() -> Vec<Schedule> {
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut throw = move |sides: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % sides
    };
    let gaps = [0, 1, 10, 14, 20, 29, 30, 31, 45, 61, 900];
    (0..80)
        .map(|_| {
            let length = 2 + throw(11);
            (0..length)
                .map(|_| (gaps[usize::try_from(throw(11)).unwrap()], throw(2) == 0))
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn two_parties_that_both_go_on_are_noticed_and_a_race_is_not() {
    let app = app_with(
        "standard",
        &[&UNLIMITED[..], &UNTHROTTLED, &[("limits.refresh", "off")]].concat(),
    )
    .await;
    let thief_turns_twice = vec![(0, false), (10, false), (10, true), (21, true)];
    for (run, schedule) in [thief_turns_twice].into_iter().chain(schedules()).enumerate() {
        let first = app.enter(&format!("user{run}")).await.refresh;
        let mut session = SharedSession {
            app: &app,
            tokens: vec![first],
            replaced: Vec::new(),
            now: 0,
            holders: [0, 0],
            has_ended: false,
        };
        for (gap, is_owner) in schedule {
            session.wait(gap);
            session.refresh(is_owner).await;
        }
        // Each presents its token once more, later than any race.
        for is_owner in [true, false, true] {
            session.wait(GRACE * 2);
            session.refresh(is_owner).await;
        }
        assert!(session.has_ended, "run {run}");
    }
}
