//! Tests of the limits with a manual clock.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;

use super::*;
use crate::env::{FixedRandom, HandClock};
use crate::error::{Field, Rule, limit};
use crate::http::extract::limited::Limited;
use crate::identity::access::counted::Checked;
use crate::identity::audit::refusals::Refusals;
use crate::metrics::Metrics;
use crate::model::{Source, Time};

fn rate(count: u32, seconds: u64, shape: Shape) -> Rate {
    Rate { count, window: Duration::from_secs(seconds), shape }
}

fn limits(shape: Shape) -> Limits {
    Limits {
        general: Some(rate(6, 60, shape)),
        token_factor: 10,
        sign_in: Some(rate(5, 900, shape)),
        sign_up: Some(rate(3, 3600, shape)),
        refresh: Some(rate(5, 900, shape)),
        resend: None,
        verify_email: Some(rate(3, 3600, shape)),
        forgot: None,
        reset: None,
        factor: None,
        code: None,
        factor_account: None,
        mail_address: None,
        mail_client: None,
    }
}

struct World {
    clock: Arc<HandClock>,
    limiter: Limiter,
    metrics: Metrics,
}

impl World {
    fn new(shape: Shape) -> Self {
        let clock = Arc::new(HandClock::at(Time::from_seconds(1_700_000_000)));
        let env = Env::new(clock.clone(), Arc::new(FixedRandom::default()));
        let limiter = Limiter::new(limits(shape), env);
        Self { clock, limiter, metrics: Metrics::default() }
    }

    /// The meter of a request from this client.
    fn meter(&self, last: u8) -> Meter {
        let env = Env::new(self.clock.clone(), Arc::new(FixedRandom::default()));
        let source = Source { address: Some(client(last).address()), ..Source::command_line() };
        Meter::new(self.limiter.clone(), Refusals::new(env, self.metrics.clone()), source)
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    fn seconds(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// How many consecutive calls are allowed.
    fn passed(&self, limit: Limit, client: ClientIp) -> usize {
        (0..100).take_while(|_| now(self.limiter.check(limit, client)).is_ok()).count()
    }
}

/// The answer of a limit that waits for no database.
fn now<T>(asked: impl Future<Output = T>) -> T {
    asked.now_or_never().expect("it is counted in memory")
}

fn client(last: u8) -> ClientIp {
    ClientIp::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
}

#[test]
fn a_fixed_window_is_whole_again_at_its_end_and_not_before() {
    let world = World::new(Shape::Window);
    assert_eq!(world.passed(Limit::SignIn, client(1)), 5);
    world.seconds(899);
    assert_eq!(world.passed(Limit::SignIn, client(1)), 0);
    world.seconds(1);
    assert_eq!(world.passed(Limit::SignIn, client(1)), 5);
}

#[test]
fn a_smooth_limit_gives_calls_back_one_by_one() {
    let world = World::new(Shape::Smooth);
    assert_eq!(world.passed(Limit::General, client(1)), 6);
    world.advance(Duration::from_millis(9_999));
    assert_eq!(world.passed(Limit::General, client(1)), 0);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.passed(Limit::General, client(1)), 1);
    world.seconds(3600);
    assert_eq!(world.passed(Limit::General, client(1)), 6);
}

#[test]
fn each_limit_counts_each_client_separately() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        assert_eq!(world.passed(Limit::SignIn, client(1)), 5);
        assert_eq!(world.passed(Limit::SignIn, client(2)), 5);
        assert_eq!(world.passed(Limit::SignUp, client(1)), 3);
        assert_eq!(world.passed(Limit::Refresh, client(1)), 5);
    }
}

#[test]
fn a_valid_token_has_ten_times_the_general_limit_beside_it() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        assert_eq!(world.passed(Limit::General, client(1)), 6);
        let with_token =
            (0..100).take_while(|_| now(world.limiter.check_with_token(client(1))).is_ok()).count();
        assert_eq!(with_token, 60);
    }
}

#[test]
fn a_limit_that_is_off_counts_nothing() {
    let world = World::new(Shape::Window);
    assert_eq!(now(world.limiter.check(Limit::Resend, client(1))).unwrap(), None);
    assert!(world.limiter.is_empty());
}

#[test]
fn looking_counts_nothing_and_sees_what_a_call_would() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        let look = || now(world.limiter.peek(Limit::SignIn, client(1)));
        for left in [5, 5, 5] {
            assert_eq!(look().unwrap().unwrap().remaining, left, "{shape:?}");
        }
        assert_eq!(
            now(world.limiter.check(Limit::SignIn, client(1))).unwrap().unwrap().remaining,
            4
        );
        assert_eq!(look().unwrap().unwrap().remaining, 4);
        world.passed(Limit::SignIn, client(1));
        assert_eq!(look().unwrap_err().kind(), Kind::TooMany(Limit::SignIn));
    }
}

#[test]
fn a_call_given_back_can_be_made_again() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        assert_eq!(world.passed(Limit::SignIn, client(1)), 5);
        now(world.limiter.give_back(Limit::SignIn, client(1))).unwrap();
        assert_eq!(world.passed(Limit::SignIn, client(1)), 1);
        now(world.limiter.give_back(Limit::SignIn, client(2))).unwrap();
        assert_eq!(world.passed(Limit::SignIn, client(2)), 5);
    }
}

#[test]
fn the_announced_wait_is_exact() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        world.passed(Limit::SignUp, client(1));
        world.advance(Duration::from_millis(1234));
        let refusal = now(world.limiter.check(Limit::SignUp, client(1))).unwrap_err();
        let wait = refusal.retry_delay().unwrap();
        world.advance(wait.saturating_sub(Duration::from_millis(1)));
        assert!(now(world.limiter.check(Limit::SignUp, client(1))).is_err(), "{shape:?}");
        world.advance(Duration::from_millis(1));
        assert!(now(world.limiter.check(Limit::SignUp, client(1))).is_ok(), "{shape:?}");
    }
}

#[test]
fn many_threads_get_exactly_what_is_allowed() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        let passed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    passed.fetch_add(world.passed(Limit::SignIn, client(1)), Ordering::SeqCst)
                });
            }
        });
        assert_eq!(passed.into_inner(), 5, "{shape:?}");
    }
}

#[test]
fn a_purge_forgets_what_no_longer_counts() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        for network in 0..5_000_u64 {
            let address = Ipv6Addr::from_bits(u128::from(network) << 64);
            let _ = now(world.limiter.check(Limit::SignIn, ClientIp::of(IpAddr::V6(address))));
        }
        assert_eq!(world.limiter.len(), 5_000);
        world.seconds(901);
        world.limiter.purge();
        assert!(world.limiter.is_empty());
    }
}

#[test]
fn each_refusal_is_noted_once_however_it_came_about() {
    let world = World::new(Shape::Window);
    let (first, second) = (world.meter(1), world.meter(2));
    for _ in 0..8 {
        let _ = now(first.count(Limit::SignUp));
    }
    for _ in 0..6 {
        let _ = refresh_fails(&second);
    }
    let _ = now(second.counter().peek(Limit::Refresh));
    let text = world.metrics.text(crate::metrics::MetricsSnapshot::default());
    for line in [
        "authd_limit_refusals_total{limit=\"sign_up\"} 5",
        "authd_limit_refusals_total{limit=\"refresh\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn new_limits_keep_what_was_counted() {
    for shape in [Shape::Window, Shape::Smooth] {
        let world = World::new(shape);
        assert_eq!(world.passed(Limit::SignIn, client(1)), 5);
        let changed = world.limiter.under(Limits { general: None, ..limits(shape) });
        assert!(now(changed.check(Limit::SignIn, client(1))).is_err());
        assert!(now(changed.check(Limit::General, client(1))).unwrap().is_none());
    }
}

#[test]
fn the_headers_speak_of_the_limit_nearest_to_its_end() {
    let world = World::new(Shape::Window);
    let meter = world.meter(1);
    now(meter.count(Limit::General)).unwrap();
    now(meter.count(Limit::SignUp)).unwrap();
    let mut headers = poem::http::HeaderMap::new();
    meter.statuses().write(&mut headers);
    assert_eq!(headers["x-ratelimit-limit"], "3");
    assert_eq!(headers["x-ratelimit-remaining"], "2");
    assert_eq!(headers["x-ratelimit-reset"], (1_700_000_000 + 3600).to_string().as_str());
}

#[test]
fn failures_beyond_the_limit_are_answered_as_too_many() {
    let world = World::new(Shape::Window);
    let meter = world.meter(1);
    let checked: Checked<limit::Refresh> = now(Checked::by(meter.counter())).unwrap();
    let answers: Vec<Kind> =
        (0..7).map(|_| now(checked.failed(Kind::RefreshInvalid.into())).kind()).collect();
    assert_eq!(answers[..5], [Kind::RefreshInvalid; 5]);
    assert_eq!(answers[5..], [Kind::TooMany(Limit::Refresh); 2]);
    assert_eq!(refresh_fails(&meter).unwrap_err().kind(), Kind::TooMany(Limit::Refresh));
}

#[test]
fn a_reset_counts_unless_only_the_new_password_is_refused() {
    let world = World::new(Shape::Window);
    let limited: Limited<limit::SignUp> = Limited::new(&world.meter(1));
    let weak = || Error::invalid_field(Field::Password, Rule::TooShort { min: 12 });
    for _ in 0..9 {
        let _ = now(now(limited.count()).unwrap().failed(weak()));
    }
    for _ in 0..3 {
        let _ = now(now(limited.count()).unwrap().failed(Kind::LinkInvalid.into()));
    }
    assert_eq!(now(limited.count()).err().unwrap().kind(), Kind::TooMany(Limit::SignUp));
}

/// One failed refresh under the limit that counts failures only.
fn refresh_fails(meter: &Meter) -> Result<Error> {
    let checked: Checked<limit::Refresh> = now(Checked::by(meter.counter()))?;
    Ok(now(checked.failed(Kind::RefreshInvalid.into())))
}

#[test]
fn a_refusal_says_in_words_when_to_come_again() {
    for (limit, seconds, words) in [
        (Limit::General, 900, "Too many requests. Try again in 15 minutes."),
        (Limit::SignIn, 841, "Too many requests. Try again in 15 minutes."),
        (Limit::SignIn, 1, "Too many requests. Try again in 1 minute."),
        (Limit::SignUp, 3600, "Too many registration attempts. Try again in 1 hour."),
        (Limit::SignUp, 3541, "Too many registration attempts. Try again in 1 hour."),
        (Limit::Resend, 3601, "Too many requests. Try again in 2 hours."),
    ] {
        assert_eq!(sentence(limit, Duration::from_secs(seconds)), words);
    }
}

/// Limiters of several servers that count in one database.
struct Several {
    clock: Arc<HandClock>,
    limiters: Vec<Limiter>,
    _folder: tempfile::TempDir,
}

impl Several {
    fn open(limits: &Limits, servers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::at(Time::from_seconds(1_700_000_000)));
        let env = Env::new(clock.clone(), Arc::new(FixedRandom::default()));
        let counts = crate::identity::access::shared_counts::fixture::counts(folder.path(), &env);
        let limiter = |_| Limiter::sharing(limits.clone(), env.clone(), Some(counts.clone()));
        Self { clock, limiters: (0..servers).map(limiter).collect(), _folder: folder }
    }

    /// How many calls pass before this server refuses one, in turn with the others.
    async fn passed_in_turn(&self, limit: Limit, calls: usize) -> Vec<bool> {
        let mut passed = Vec::new();
        for call in 0..calls {
            let limiter = &self.limiters[call % self.limiters.len()];
            passed.push(limiter.check(limit, client(1)).await.is_ok());
        }
        passed
    }
}

fn only_sign_in(count: u32) -> Limits {
    let rate = Some(rate(count, 900, Shape::Window));
    Limits { sign_in: rate, general: None, sign_up: None, ..limits(Shape::Window) }
}

#[tokio::test]
async fn several_servers_count_a_small_window_call_by_call() {
    for most in [1, 5, 20] {
        let several = Several::open(&only_sign_in(most), 3);
        let passed = several.passed_in_turn(Limit::SignIn, 45).await;
        let expected: Vec<bool> = (0..45).map(|call| call < most).collect();
        assert_eq!(passed, expected, "{most}");
        let refused = several.limiters[1].check(Limit::SignIn, client(1)).await.unwrap_err();
        assert_eq!(refused.retry_delay(), Some(Duration::from_mins(15)));
        several.limiters[0].give_back(Limit::SignIn, client(1)).await.unwrap();
        let again = several.limiters[2].peek(Limit::SignIn, client(1)).await.unwrap();
        assert_eq!(again.unwrap().remaining, 1, "what one gives back is there for all");
        several.clock.advance(Duration::from_mins(15));
        let passed = several.passed_in_turn(Limit::SignIn, 30).await;
        assert_eq!(passed.iter().filter(|passed| **passed).count(), most as usize);
    }
}

#[tokio::test]
async fn parallel_calls_at_several_servers_never_exceed_a_small_window() {
    let several = Several::open(&only_sign_in(20), 3);
    let calls = (0..120).map(|call| several.limiters[call % 3].check(Limit::SignIn, client(1)));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
}

/// The bound of `docs/postgresql.md`: never more than the limit, and none is refused before all but the
/// parts that the other servers hold are used.
#[tokio::test]
async fn several_servers_lease_a_large_window_in_tenths() {
    for (most, servers) in [(21, 2), (100, 2), (100, 3), (1000, 3)] {
        let several = Several::open(&only_sign_in(most), servers);
        let passed = several.passed_in_turn(Limit::SignIn, 3 * most as usize).await;
        let in_all = passed.iter().filter(|passed| **passed).count();
        assert_eq!(in_all, most as usize, "{most} at {servers}");
        let before_refusal = passed.iter().take_while(|passed| **passed).count();
        let held = (servers - 1) * (most as usize).div_ceil(10).saturating_sub(1);
        assert!(before_refusal >= most as usize - held, "{most} at {servers}: {before_refusal}");
    }
    // One that asks a single server gets everything.
    let several = Several::open(&only_sign_in(100), 3);
    let only = &several.limiters[0];
    for left in (0..100).rev() {
        let status = only.check(Limit::SignIn, client(1)).await.unwrap().unwrap();
        assert_eq!((status.allowed, status.remaining), (100, left));
    }
    assert!(only.check(Limit::SignIn, client(1)).await.is_err());
}

#[tokio::test]
async fn a_large_window_that_is_used_up_is_not_asked_for_at_every_call() {
    let several = Several::open(&only_sign_in(30), 2);
    while several.limiters[0].check(Limit::SignIn, client(1)).await.is_ok() {}
    let refused = several.limiters[0].check(Limit::SignIn, client(1));
    assert!(now(refused).is_err(), "without the database");
    several.clock.advance(Duration::from_secs(1));
    assert!(several.limiters[0].check(Limit::SignIn, client(1)).now_or_never().is_none());
}

#[test]
fn the_tenth_of_a_window_is_rounded_up_and_small_windows_are_not_divided() {
    let sizes = [1, 20, 21, 100, 105, 1000].map(shared::portion);
    assert_eq!(sizes, [1, 1, 3, 10, 11, 100]);
}
