//! Tests of the hashing pool.

use std::sync::mpsc;

use super::*;
use crate::error::Kind;

fn pool_of(threads: usize, queue: usize, memory: u32) -> Pool {
    let hashing = config::Hashing { memory, passes: 1, threads: Some(threads), queue };
    Pool::start(&hashing, &Env::real()).unwrap()
}

fn client(last: u8) -> Lane {
    Lane::Client(ClientIp::of([192, 0, 2, last].into()))
}

fn password(text: &str) -> Password {
    Password::new(text)
}

/// Keeps a thread busy until the sender is dropped. Returns once the thread has begun.
async fn occupy(
    pool: &Pool,
    scheme: Scheme,
) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
    let (release, hold) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let pool = pool.clone();
    let job = tokio::spawn(async move {
        let work = move |_: &mut HashMemory| {
            begun.send(()).unwrap();
            hold.recv().unwrap_err();
            Ok(())
        };
        pool.submit(client(9), scheme, work).await
    });
    has_begun.await.unwrap();
    (release, job)
}

/// Lets spawned calls run until this many jobs are in the queue.
async fn until_waiting(pool: &Pool, jobs: usize) {
    while pool.shared().room().lanes.len() != jobs {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hashed_password_is_the_right_one_and_no_other() {
    let pool = pool_of(2, 8, 64);
    let hash = pool.hash(client(9), password("correct horse")).await.unwrap();
    assert_eq!(hash.scheme, "argon2id:64:1:1");
    let right = pool.verify(client(1), password("correct horse"), hash.text.clone()).await.unwrap();
    assert!(right.matches && right.upgrade.is_none());
    let wrong = pool.verify(client(1), password("Correct horse"), hash.text).await.unwrap();
    assert!(!wrong.matches && wrong.upgrade.is_none());
}

#[tokio::test]
async fn imported_hashes_are_upgraded_at_a_login_unless_they_cost_more() {
    let pool = pool_of(1, 8, 64);
    for (stored, better) in [
        ("$2y$04$/OK.fbVrR/bpIqNJ5ianF.RYxan6GqoWFZ.Gvlr69TFErQfu72DzK", Some("argon2id:64:1:1")),
        (
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            None,
        ),
    ] {
        let right = pool.verify(client(9), password("password"), stored.to_owned()).await.unwrap();
        assert_eq!(
            (right.matches, right.upgrade.as_ref().map(|hash| &*hash.scheme)),
            (true, better)
        );
        let kept = right.upgrade.map_or(stored.to_owned(), |hash| hash.text);
        let again = pool.verify(client(9), password("password"), kept).await.unwrap();
        assert!(again.matches && again.upgrade.is_none());
        let wrong = pool.verify(client(9), password("passwort"), stored.to_owned()).await.unwrap();
        assert!(!wrong.matches && wrong.upgrade.is_none());
    }
    pool.hash(client(9), password("the next job comes after the last one's end")).await.unwrap();
    assert_eq!(pool.shared().room().spare, MOST_MEMORY, "booked memory is given back");
}

#[tokio::test]
async fn passwords_match_as_received_and_in_nfc() {
    let pool = pool_of(1, 8, 64);
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let ours = pool.hash(client(9), password(decomposed)).await.unwrap().text;
    let scheme = pool.shared().today;
    let mut memory = vec![argon2::Block::new(); 64];
    let theirs = super::super::scheme::hash(scheme, decomposed.as_bytes(), [1; 16], &mut memory)
        .unwrap()
        .text;
    for (stored, typed, expected) in [
        (&ours, composed, true),
        (&ours, decomposed, true),
        (&theirs, decomposed, true),
        (&theirs, composed, false),
        (&ours, "cafe", false),
    ] {
        let verdict = pool.verify(client(9), password(typed), stored.clone()).await.unwrap();
        assert_eq!(verdict.matches, expected, "{typed:?}");
    }
}

#[tokio::test]
async fn a_stored_hash_that_cannot_be_read_is_wrong() {
    let pool = pool_of(1, 8, 64);
    for stored in
        ["", "password", "$argon2id$v=19$m=4294967295,t=9,p=1$c29tZXNhbHQ$AAAA", "$2b$31$"]
    {
        let verdict =
            pool.verify(client(9), password("password"), stored.to_owned()).await.unwrap();
        assert!(!verdict.matches && verdict.upgrade.is_none());
    }
}

#[tokio::test]
async fn a_name_without_a_password_costs_a_check_of_the_scheme_it_draws() {
    let pool = pool_of(1, 8, 64);
    pool.learn(vec![("bcrypt:4".to_owned(), 1)]);
    assert_eq!(pool.shared().draw.scheme("nobody").to_string(), "bcrypt:4");
    pool.verify_nothing(client(1), password("password"), "nobody").await.unwrap();
    assert!(pool.shared().room().lanes.take(|_| true).is_none());
}

#[tokio::test]
async fn a_full_queue_answers_unavailable_at_once_and_the_longest_lane_pays() {
    let pool = pool_of(1, 2, 64);
    let (release, busy) = occupy(&pool, pool.shared().today).await;
    let ask = |lane| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.hash(lane, password("x")).await })
    };
    let first = ask(client(1));
    until_waiting(&pool, 1).await;
    let second = ask(client(1));
    until_waiting(&pool, 2).await;
    let refused = pool.hash(client(1), password("x")).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.retry_delay().is_some_and(|delay| delay >= Duration::from_secs(1)));
    let other = ask(client(2));
    assert_eq!(second.await.unwrap().unwrap_err().kind(), Kind::Unavailable);
    drop(release);
    busy.await.unwrap().unwrap();
    assert!(first.await.unwrap().is_ok() && other.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_flood_from_one_client_makes_another_wait_for_one_job_only() {
    let pool = pool_of(1, 100, 8);
    let (release, busy) = occupy(&pool, pool.shared().today).await;
    let (done, order) = mpsc::channel();
    let ask = |lane, name: &'static str| {
        let (pool, done) = (pool.clone(), done.clone());
        tokio::spawn(async move {
            let work = move |_: &mut HashMemory| {
                done.send(name).map_err(|_| Error::internal("no receiver"))
            };
            pool.submit(lane, pool.shared().today, work).await
        })
    };
    let flood: Vec<_> = (0..50).map(|_| ask(client(1), "flood")).collect();
    until_waiting(&pool, 50).await;
    let guest = ask(client(2), "guest");
    until_waiting(&pool, 51).await;
    drop(release);
    for job in flood.into_iter().chain([guest, busy]) {
        job.await.unwrap().unwrap();
    }
    assert_eq!(order.try_iter().position(|name| name == "guest"), Some(1));
}

#[tokio::test]
async fn the_work_of_a_caller_who_has_gone_is_skipped() {
    let pool = pool_of(1, 8, 8);
    let (release, busy) = occupy(&pool, pool.shared().today).await;
    let (done, order) = mpsc::channel::<()>();
    let gone = {
        let pool = pool.clone();
        tokio::spawn(async move {
            let work =
                move |_: &mut HashMemory| done.send(()).map_err(|_| Error::internal("no receiver"));
            pool.submit(client(1), pool.shared().today, work).await
        })
    };
    until_waiting(&pool, 1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    drop(release);
    busy.await.unwrap().unwrap();
    pool.hash(client(2), password("x")).await.unwrap();
    assert!(order.try_recv().is_err());
}

#[tokio::test]
async fn memory_beyond_the_own_is_booked_and_waited_for() {
    let pool = pool_of(3, 8, 8);
    let big: Scheme = "argon2id:40000:1:1".parse().unwrap();
    let (release, busy) = occupy(&pool, big).await;
    assert_eq!(pool.shared().room().spare, MOST_MEMORY - 40_000);
    let second = {
        let pool = pool.clone();
        tokio::spawn(async move { pool.submit(client(1), big, |_| Ok(())).await })
    };
    until_waiting(&pool, 1).await;
    pool.hash(client(2), password("x")).await.unwrap();
    assert_eq!(pool.shared().room().lanes.len(), 1, "it still waits, and blocks no other job");
    drop(release);
    busy.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_costs_one_job_and_no_thread() {
    let pool = pool_of(1, 8, 8);
    let error = pool
        .submit::<()>(client(9), pool.shared().today, |_| panic!("as asked"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
    pool.hash(client(9), password("x")).await.unwrap();
}

#[tokio::test]
async fn the_backlog_is_what_waits_at_the_pace_so_far() {
    let pool = pool_of(1, 8, 8);
    assert_eq!(pool.backlog(), Duration::ZERO);
    let (release, first) = occupy(&pool, pool.shared().today).await;
    let waiting: Vec<_> = (0..3).map(|_| Box::pin(pool.hash(client(9), password("x")))).collect();
    let mut waiting = futures_util::future::join_all(waiting);
    assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
    pool.shared().room().pace = Duration::from_millis(8);
    assert_eq!(pool.backlog(), Duration::from_millis(24));
    drop(release);
    first.await.unwrap().unwrap();
    waiting.await;
    assert_eq!(pool.backlog(), Duration::ZERO);
}

#[tokio::test]
async fn how_long_jobs_waited_for_a_thread_is_counted() {
    let clock = Arc::new(crate::env::HandClock::at(Time::from_millis(0)));
    let env = Env::new(clock.clone(), Arc::new(crate::env::SystemRandomness::default()));
    let hashing = config::Hashing { memory: 8, passes: 1, threads: Some(1), queue: 8 };
    let pool = Pool::start(&hashing, &env).unwrap();
    let (release, first) = occupy(&pool, pool.shared().today).await;
    let mut waiting = Box::pin(pool.hash(client(9), password("x")));
    assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
    clock.advance(Duration::from_secs(3));
    drop(release);
    first.await.unwrap().unwrap();
    waiting.await.unwrap();
    let vitals = pool.vitals();
    assert_eq!((vitals.hashed, vitals.waited), (2, Duration::from_secs(3)));
}

#[test]
fn the_threads_end_with_the_last_clone() {
    let pool = pool_of(2, 8, 8);
    let shared = Arc::downgrade(&pool.office.shared);
    drop(pool.clone());
    assert!(pool.shared().room().open);
    drop(pool);
    while shared.strong_count() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_cost_that_could_not_be_read_back_is_refused_at_start() {
    for (memory, passes) in [(65_537, 1), (7, 1), (64, 0), (65_536, 33)] {
        let hashing = config::Hashing { memory, passes, threads: Some(1), queue: 1 };
        assert!(Pool::start(&hashing, &Env::real()).is_err(), "{memory} {passes}");
    }
}
