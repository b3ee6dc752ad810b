//! The outbox worker with a scripted mailer.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::env::Later;
use authd::error::{Detail, Kind};
use authd::http::server::error_text;
use authd::identity::admin::messages::{self, MessageBody};
use authd::mail::{Letter, Mail, MailChannel, Mailer};
use authd::model::{Source, Time};
use authd::outbox::{
    self as queue, Channel, Delivery, Job, JobHandler, Message, MessageState, Outbox, Worker,
};
use authd::store::db::Db;
use authd::store::tables::{health, outbox};
use tokio::sync::{Notify, Semaphore};

use super::fixture::{Actor, FROM, LINK, OutboxFixture, Writes, contains, key};

const MINUTE: Duration = Duration::from_mins(1);

fn later(why: &str) -> Delivery {
    Delivery::Later(why.to_owned())
}

/// Makes a letter due again, as the command line and administrators do.
async fn retry(fixture: &OutboxFixture, id: &str) -> authd::error::Result<Message> {
    let (id, now, outbox) = (id.to_owned(), fixture.env.now(), fixture.outbox.clone());
    fixture.store.write(move |db| outbox.retry(db, &id, now)).await
}

#[tokio::test]
async fn a_letter_is_sealed_while_it_waits_and_erased_once_delivered() {
    let fixture = OutboxFixture::open();
    let id = fixture.send("joe@example.org").await;
    assert!(contains(&fixture.bytes(), "joe@example.org"));
    for canary in ["canary-in-the-link", "canary-in-the-other", "Confirm your"] {
        assert!(!contains(&fixture.bytes(), canary), "{canary}");
    }
    let actor = Arc::new(Actor::default());
    let worker = fixture.worker(actor.clone());
    assert_eq!(worker.run_once().await.unwrap(), 1);
    assert_eq!(worker.run_once().await.unwrap(), 0);
    let row = fixture.row(&id).await;
    assert_eq!((row.state, row.sealed, row.attempts), (MessageState::Delivered, None, 1));
    assert!(row.finished_at.is_some());
    let seen = actor.seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].text.contains(LINK) && seen[0].html.contains(LINK));
    assert_eq!(seen[0].subject, "Confirm your email address for Example");
    assert_eq!(seen[0].message_id, format!("<{id}@auth.example>"));
    assert!(!format!("{:?}", seen[0]).contains("canary"));
}

#[tokio::test]
async fn a_bad_address_fails_alone() {
    let fixture = OutboxFixture::open();
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(fixture.send(&format!("u{number}@example.org")).await);
    }
    let actor = Arc::new(Actor::default());
    let never = Delivery::Never("RCPT TO: 550 no such user".to_owned());
    actor
        .refused
        .lock()
        .unwrap()
        .extend((0..5).map(|n| (format!("u{n}@example.org"), never.clone())));
    assert_eq!(fixture.worker(actor.clone()).run_once().await.unwrap(), 10);
    assert_eq!(actor.seen_by().len(), 5);
    let failed = fixture.row(&ids[0]).await;
    assert_eq!(
        (failed.state, failed.last_error.as_deref()),
        (MessageState::Failed, Some("RCPT TO: 550 no such user"))
    );
    assert_eq!(fixture.row(&ids[9]).await.state, MessageState::Delivered);
    let counts = fixture.store.read(outbox::count).await.unwrap();
    assert_eq!(counts, [(MessageState::Delivered, 5), (MessageState::Failed, 5)]);
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_at_growing_intervals_under_one_message_id() {
    let fixture = OutboxFixture::open();
    let id = fixture.send("joe@example.org").await;
    let actor = Arc::new(Actor::default());
    actor.answers.lock().unwrap().extend([later("451 one"), later("451 two")]);
    let worker = fixture.worker(actor.clone());
    assert_eq!(worker.run_once().await.unwrap(), 1);
    let row = fixture.row(&id).await;
    assert_eq!(
        (row.state, row.attempts, row.last_error.as_deref()),
        (MessageState::Waiting, 1, Some("451 one"))
    );
    for (wait, attempts) in [(9, 0), (1, 1), (19, 0), (1, 1), (3600, 0)] {
        fixture.clock.advance(Duration::from_secs(wait));
        assert_eq!(worker.run_once().await.unwrap(), attempts, "after {wait} s");
    }
    let row = fixture.row(&id).await;
    assert_eq!((row.state, row.attempts, row.last_error), (MessageState::Delivered, 3, None));
    let ids: Vec<_> =
        actor.seen.lock().unwrap().iter().map(|mail| mail.message_id.clone()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn mail_leaves_within_a_minute_of_the_mail_servers_return() {
    let fixture = OutboxFixture::open();
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(fixture.send(&format!("u{number}@example.org")).await);
    }
    let actor = Arc::new(Actor::default());
    *actor.unreachable.lock().unwrap() = true;
    let worker = fixture.worker(actor.clone());
    for _ in 0..600 {
        worker.run_once().await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    let attempts = actor.attempts.load(Ordering::Relaxed);
    assert!(
        attempts < 60,
        "a lost server is asked from time to time, not for every message: {attempts}"
    );
    assert!(fixture.row(&ids[0]).await.attempts <= 1);
    *actor.unreachable.lock().unwrap() = false;
    for _ in 0..60 {
        worker.run_once().await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    let mut seen = actor.seen_by();
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), actor.seen_by().len()), (20, 20));
}

#[tokio::test]
async fn a_letter_with_a_dead_link_is_dropped_unsent() {
    let fixture = OutboxFixture::open();
    let id = fixture.send("joe@example.org").await;
    let lasting =
        fixture.store_letter("joe@example.org", &Letter::PasswordSet { remaining: None }).await;
    fixture.clock.advance(Duration::from_hours(24));
    let actor = Arc::new(Actor::default());
    fixture.worker(actor.clone()).run_once().await.unwrap();
    let row = fixture.row(&id).await;
    assert_eq!((row.state, row.sealed), (MessageState::Dropped, None));
    assert_eq!(fixture.row(&lasting).await.state, MessageState::Delivered);
    assert_eq!(actor.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_letter_is_given_up_after_three_days_and_can_be_tried_by_hand() {
    let fixture = OutboxFixture::open();
    let id =
        fixture.store_letter("joe@example.org", &Letter::PasswordSet { remaining: None }).await;
    let actor = Arc::new(Actor::default());
    actor.refused.lock().unwrap().push(("joe@example.org".to_owned(), later("451 busy")));
    let worker = fixture.worker(actor.clone());
    for _ in 0..73 {
        worker.run_once().await.unwrap();
        fixture.clock.advance(Duration::from_hours(1));
    }
    let row = fixture.row(&id).await;
    assert_eq!(
        (row.state, row.last_error.as_deref()),
        (MessageState::Failed, Some("given up; the last attempt: 451 busy"))
    );
    actor.refused.lock().unwrap().clear();
    assert_eq!(worker.run_once().await.unwrap(), 0);
    retry(&fixture, &id).await.unwrap();
    assert_eq!(worker.run_once().await.unwrap(), 1);
    assert_eq!(fixture.row(&id).await.state, MessageState::Delivered);
}

#[tokio::test]
async fn without_a_mail_server_letters_wait_and_jobs_are_handled() {
    let fixture = OutboxFixture::open();
    let job = fixture.job().await;
    let letter = fixture.send("joe@example.org").await;
    let actor = Arc::new(Actor { unconfigured: true, ..Actor::default() });
    let writes = fixture.writes();
    let worker = fixture.worker_with(actor.clone(), writes.clone());
    assert_eq!(worker.run_once().await.unwrap(), 1);
    assert_eq!(fixture.store.read(move |db| outbox::find(db, &job)).await.unwrap(), None);
    assert_eq!(
        fixture.store.read(outbox::count).await.unwrap(),
        [(MessageState::Waiting, 2)],
        "nothing was delivered"
    );
    let row = fixture.row(&letter).await;
    assert_eq!((row.state, row.attempts), (MessageState::Waiting, 0));
    let (asked, by) = writes.asked.lock().unwrap()[0].clone();
    assert_eq!(asked, Job::Verification { email_key: "asked@example.org".to_owned() });
    assert_eq!(by.client, Source::command_line().client().to_bytes());
    let waiting = queue::list(&fixture.store, Some(MessageState::Waiting), None, 10).await.unwrap();
    assert_eq!(waiting.len(), 2);
}

#[tokio::test]
async fn a_job_becomes_one_letter_even_when_it_is_handled_twice() {
    let fixture = OutboxFixture::open();
    let id = fixture.job().await;
    assert!(!contains(&fixture.bytes(), "asked@example.org"));
    let actor = Arc::new(Actor::default());
    let writes = fixture.writes();
    *writes.fail.lock().unwrap() = 1;
    let worker = fixture.worker_with(actor.clone(), writes.clone());
    worker.run_once().await.unwrap();
    let row = fixture.row(&id).await;
    assert_eq!(
        (row.state, row.last_error.as_deref()),
        (MessageState::Requested, Some("Service temporarily unavailable"))
    );
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(worker.run_once().await.unwrap(), 2);
    let (job, by) = writes.asked.lock().unwrap()[0].clone();
    writes.handle(id, job, by).await.unwrap();
    worker.run_once().await.unwrap();
    assert_eq!(actor.seen_by(), ["asked@example.org"]);
}

#[tokio::test]
async fn what_another_master_key_sealed_fails_and_says_so() {
    let fixture = OutboxFixture::open();
    let id = fixture.send("joe@example.org").await;
    let other = Outbox::new(fixture.env.clone(), key(2));
    let channel = Arc::new(MailChannel::new(Arc::new(Actor::default()), FROM));
    let worker = Worker::new(other, fixture.store.clone(), channel);
    worker.run_once().await.unwrap();
    let row = fixture.row(&id).await;
    assert_eq!(row.state, MessageState::Failed);
    assert!(row.last_error.unwrap().contains("wrong master key"));
}

/// A mailer that keeps what it begins until it may go on.
struct Gate {
    began: Mutex<Vec<String>>,
    begins: Notify,
    may_end: Semaphore,
}

impl Gate {
    fn closed() -> Arc<Self> {
        let (began, begins) = (Mutex::default(), Notify::new());
        Arc::new(Self { began, begins, may_end: Semaphore::new(0) })
    }
}

impl Mailer for Gate {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        Box::pin(async {
            self.began.lock().unwrap().push(mail.to.clone());
            self.begins.notify_one();
            self.may_end.acquire().await.unwrap().forget();
            Delivery::Delivered
        })
    }

    fn is_configured(&self) -> bool {
        true
    }
}

/// A running worker whose mails wait at a gate, and what stops it.
fn behind_a_gate(fixture: &OutboxFixture) -> (Arc<Gate>, Arc<Notify>, tokio::task::JoinHandle<()>) {
    let gate = Gate::closed();
    let worker = fixture.worker(gate.clone());
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    let running = tokio::spawn(async move { worker.run(stopped.notified()).await });
    (gate, stop, running)
}

#[tokio::test]
async fn a_stopping_worker_finishes_what_is_in_hand() {
    let fixture = OutboxFixture::open();
    let (gate, stop, running) = behind_a_gate(&fixture);
    let id = fixture.send("joe@example.org").await;
    gate.begins.notified().await;
    stop.notify_one();
    tokio::task::yield_now().await;
    gate.may_end.add_permits(1);
    running.await.unwrap();
    assert_eq!(fixture.row(&id).await.state, MessageState::Delivered);
}

#[tokio::test]
async fn a_message_that_is_retried_while_it_is_in_hand_leaves_once() {
    let fixture = OutboxFixture::open();
    let (gate, stop, running) = behind_a_gate(&fixture);
    let id = fixture.send("joe@example.org").await;
    gate.begins.notified().await;
    retry(&fixture, &id).await.unwrap();
    fixture.send("ann@example.org").await;
    while !gate.began.lock().unwrap().contains(&"ann@example.org".to_owned()) {
        gate.begins.notified().await;
    }
    stop.notify_one();
    gate.may_end.add_permits(9);
    running.await.unwrap();
    assert_eq!(*gate.began.lock().unwrap(), ["joe@example.org", "ann@example.org"]);
    assert_eq!(fixture.row(&id).await.state, MessageState::Delivered);
}

#[tokio::test]
async fn what_was_in_hand_when_the_server_died_leaves_after_the_restart() {
    let fixture = OutboxFixture::open();
    let id = fixture.send("joe@example.org").await;
    let now = fixture.env.now();
    let lease = Duration::from_mins(3);
    fixture.store.write(move |db| outbox::claim(db, &due_mail(now), now + lease, 4)).await.unwrap();
    let gate = Gate::closed();
    gate.may_end.add_permits(1);
    fixture.worker(gate.clone()).run(gate.begins.notified()).await;
    assert_eq!(fixture.row(&id).await.state, MessageState::Delivered);
}

/// What the worker for mail may claim at this time.
fn due_mail(now: Time) -> outbox::ClaimRule {
    let (channel, state) = (Channel::Mail, MessageState::Waiting);
    outbox::ClaimRule { channel, state, server: None, now }
}

#[tokio::test]
async fn a_message_that_a_server_has_claimed_stays_with_it_until_the_server_is_gone() {
    let fixture = OutboxFixture::open();
    fixture.send("joe@example.org").await;
    let now = fixture.env.now();
    let claim = |server: &str, at: Time| {
        let rule = outbox::ClaimRule { server: Some(server.to_owned()), ..due_mail(at) };
        fixture.store.write(move |db| Ok(outbox::claim(db, &rule, at + MINUTE, 4)?.len()))
    };
    assert_eq!(claim("one", now).await.unwrap(), 1);
    let later = now + 2 * MINUTE;
    assert_eq!(claim("two", later).await.unwrap(), 0, "it may only be slow to note a delivery");
    let hurried =
        fixture.store.write(move |db| outbox::hurry(db, Channel::Mail, Some("two"), later));
    assert_eq!(hurried.await.unwrap(), 0);
    assert_eq!(claim("one", later).await.unwrap(), 1, "the same one may attempt it again");
    fixture.store.write(move |db| outbox::free_claims(db, "one", later)).await.unwrap();
    assert_eq!(claim("two", later).await.unwrap(), 1);
    assert_eq!(claim("one", later).await.unwrap(), 0);
}

#[tokio::test]
async fn a_claimed_message_belongs_to_one_worker() {
    let fixture = OutboxFixture::open();
    for number in 0..6 {
        fixture.send(&format!("u{number}@example.org")).await;
    }
    let now = fixture.env.now();
    let claim = |at: Time| {
        let until = at + Duration::from_secs(9);
        fixture.store.write(move |db| outbox::claim(db, &due_mail(at), until, 4))
    };
    let (first, second) = (claim(now).await.unwrap(), claim(now).await.unwrap());
    assert_eq!((first.len(), second.len()), (4, 2));
    assert_eq!(claim(now).await.unwrap().len(), 0);
    assert_eq!(claim(now + Duration::from_secs(9)).await.unwrap().len(), 4);
}

#[tokio::test]
async fn the_command_line_lists_opens_and_retries() {
    let fixture = OutboxFixture::open();
    let first = fixture.send("one@example.org").await;
    fixture.clock.advance(Duration::from_millis(5));
    let second = fixture.job().await;
    let page = queue::list(&fixture.store, None, None, 1).await.unwrap();
    assert_eq!(
        (page.len(), page[0].id.as_str(), page[0].sealed.as_ref()),
        (1, second.as_str(), None)
    );
    let page = queue::list(&fixture.store, None, Some(&second), 10).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [first.as_str()]);

    let opened = messages::entry(&fixture.store, &fixture.outbox, &first).await.unwrap();
    assert!(!format!("{opened:?}").contains("canary"));
    let Some(MessageBody::Letter { text, html, .. }) = opened.body else { panic!("a letter") };
    assert!(text.reveal().contains(LINK) && html.reveal().contains(LINK));
    let other = Outbox::new(fixture.env.clone(), key(2));
    let opened = messages::entry(&fixture.store, &fixture.outbox, &second).await.unwrap();
    assert!(matches!(opened.body, Some(MessageBody::Job(Job::Verification { .. }))));
    assert!(messages::entry(&fixture.store, &other, &first).await.is_err());

    assert_eq!(
        messages::entry(&fixture.store, &fixture.outbox, "nobody").await.unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(retry(&fixture, "nobody").await.unwrap_err().kind(), Kind::NotFound);
    fixture.worker(Arc::new(Actor::default())).run_once().await.unwrap();
    let refused = retry(&fixture, &first).await.unwrap_err();
    let spent = Detail::MessageSpent { id: first.clone(), state: "delivered" };
    assert_eq!(refused.detail(), Some(&spent));
    let sentence = error_text::message(&refused);
    assert!(sentence.contains("is delivered and cannot be sent again"), "{sentence}");
    assert!(messages::entry(&fixture.store, &fixture.outbox, &first).await.unwrap().body.is_none());
}

#[tokio::test]
async fn finished_messages_are_purged_in_pieces() {
    let fixture = OutboxFixture::open();
    for number in 0..5 {
        fixture.send(&format!("u{number}@example.org")).await;
    }
    fixture.worker(Arc::new(Actor::default())).run_once().await.unwrap();
    let waiting = fixture.send("new@example.org").await;
    let before = fixture.env.now() + Duration::from_secs(1);
    let purge = || fixture.store.write(move |db| outbox::purge(db, before, 3));
    assert_eq!([purge().await.unwrap(), purge().await.unwrap(), purge().await.unwrap()], [3, 2, 0]);
    assert_eq!(fixture.row(&waiting).await.state, MessageState::Waiting);
}

#[tokio::test]
async fn mail_is_stuck_while_the_mail_server_is_down_and_not_while_it_is_slow() {
    let fixture = OutboxFixture::open();
    let is_stuck = async || fixture.store.read(health::is_mail_stuck).await.unwrap();
    fixture.send("joe@example.org").await;
    let gate = Gate::closed();
    let worker = fixture.worker(gate.clone());
    let watch = async {
        gate.begins.notified().await;
        assert!(!is_stuck().await, "it is only slow");
        gate.may_end.add_permits(1);
    };
    assert_eq!(tokio::join!(worker.run_once(), watch).0.unwrap(), 1);

    for number in 0..200 {
        fixture.send(&format!("u{number}@example.org")).await;
    }
    let actor = Arc::new(Actor::default());
    *actor.unreachable.lock().unwrap() = true;
    let worker = fixture.worker(actor.clone());
    worker.run_once().await.unwrap();
    assert!(is_stuck().await, "the server does not answer");
    *actor.unreachable.lock().unwrap() = false;
    for _ in 0..60 {
        fixture.clock.advance(Duration::from_secs(1));
        worker.run_once().await.unwrap();
    }
    assert!(!is_stuck().await, "it is back");
}

#[tokio::test]
async fn the_worker_for_texts_takes_no_letter_out_of_another_hand() {
    let fixture = OutboxFixture::open();
    fixture.send("joe@example.org").await;
    let now = fixture.env.now();
    let claim = move |db: &mut dyn Db| outbox::claim(db, &due_mail(now), now + MINUTE, 4);
    assert_eq!(fixture.store.write(claim).await.unwrap().len(), 1);
    assert_eq!(
        fixture.store.write(move |db| outbox::hurry(db, Channel::Sms, None, now)).await.unwrap(),
        0
    );
    assert_eq!(fixture.store.write(claim).await.unwrap().len(), 0);
    assert_eq!(
        fixture.store.write(move |db| outbox::hurry(db, Channel::Mail, None, now)).await.unwrap(),
        1
    );
}

/// A mailer that panics for one address.
struct Faulty(Actor);

impl Mailer for Faulty {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        assert!(mail.to != "bad@example.org", "a fault");
        self.0.deliver(mail)
    }

    fn is_configured(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_fault_in_one_message_puts_off_that_one_alone() {
    let fixture = OutboxFixture::open();
    let bad = fixture.send("bad@example.org").await;
    fixture.send("joe@example.org").await;
    let mailer = Arc::new(Faulty(Actor::default()));
    assert_eq!(fixture.worker(mailer.clone()).run_once().await.unwrap(), 2);
    assert_eq!(mailer.0.seen_by(), ["joe@example.org"]);
    let row = fixture.row(&bad).await;
    assert_eq!((row.state, row.last_error.as_deref()), (MessageState::Waiting, Some("panic")));
    assert!(row.next_at > fixture.env.now());
}

/// A mailer that notes how many jobs were handled before its first letter.
struct After {
    writes: Arc<Writes>,
    jobs: Mutex<Option<usize>>,
}

impl Mailer for After {
    fn deliver<'a>(&'a self, _: &'a Mail) -> Later<'a, Delivery> {
        let jobs = self.writes.asked.lock().unwrap().len();
        self.jobs.lock().unwrap().get_or_insert(jobs);
        Box::pin(std::future::ready(Delivery::Delivered))
    }

    fn is_configured(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn many_jobs_do_not_hold_up_a_letter() {
    let fixture = OutboxFixture::open();
    for _ in 0..100 {
        fixture.job().await;
    }
    fixture.send("joe@example.org").await;
    let writes = fixture.writes();
    let mailer = Arc::new(After { writes: writes.clone(), jobs: Mutex::default() });
    let worker = fixture.worker_with(mailer.clone(), writes.clone());
    assert_eq!(worker.run_once().await.unwrap(), 201, "each job makes a letter");
    assert_eq!(writes.asked.lock().unwrap().len(), 100);
    assert!(mailer.jobs.lock().unwrap().unwrap() < 10);
}
