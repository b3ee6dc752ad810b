//! Shared by the mail scenarios: a manual clock, an outbox on a temporary database, and a mailer
//! that responds as scripted and stores its messages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::config;
use authd::env::{Env, FixedRandom, HandClock, Later};
use authd::error::{Error, Result};
use authd::mail::{Composer, Letter, Mail, MailChannel, Mailer};
use authd::model::{Database, Email, LanguageTag, Secret, Source, Time};
use authd::outbox::{Delivery, Job, JobHandler, Message, Outbox, RequestedBy, Worker, enqueue};
use authd::seal::MasterKey;
use authd::store::ProcessRole;
use authd::store::Store;
use authd::store::tables::outbox;
use authd::words::{Catalogue, english};

pub const START: i64 = 1_701_421_200_000;
pub const FROM: &str = "Example <no-reply@auth.example>";
pub const LINK: &str = "https://auth.example/v1/verify?token=canary-in-the-link";

pub fn env() -> (Arc<HandClock>, Env) {
    let clock = Arc::new(HandClock::at(Time::from_millis(START)));
    (clock.clone(), Env::new(clock, Arc::new(FixedRandom::default())))
}

pub fn key(byte: u8) -> MasterKey {
    MasterKey::parse(&authd::model::secret::encode(&[byte; 32])).unwrap()
}

/// A mailer that returns scripted results, then accepts every message.
#[derive(Default)]
pub struct Actor {
    pub answers: Mutex<VecDeque<Delivery>>,
    pub unreachable: Mutex<bool>,
    pub refused: Mutex<Vec<(String, Delivery)>>,
    pub seen: Mutex<Vec<Mail>>,
    pub attempts: AtomicU64,
    pub unconfigured: bool,
}

impl Actor {
    pub fn seen_by(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|mail| mail.to.clone()).collect()
    }

    fn answer(&self, mail: &Mail) -> Delivery {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if *self.unreachable.lock().unwrap() {
            return Delivery::Unreachable("connect: connection refused".to_owned());
        }
        if let Some((_, answer)) =
            self.refused.lock().unwrap().iter().find(|(to, _)| *to == mail.to)
        {
            return answer.clone();
        }
        self.seen.lock().unwrap().push(mail.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or(Delivery::Delivered)
    }
}

impl Mailer for Actor {
    fn deliver<'a>(&'a self, mail: &'a Mail) -> Later<'a, Delivery> {
        Box::pin(std::future::ready(self.answer(mail)))
    }

    fn is_configured(&self) -> bool {
        !self.unconfigured
    }
}

/// Handles every job with one letter; fails first if configured to.
pub struct Writes {
    pub mail: Composer,
    pub store: Store,
    pub fail: Mutex<u32>,
    pub asked: Mutex<Vec<(Job, RequestedBy)>>,
}

impl JobHandler for Writes {
    fn handle(&self, id: String, job: Job, by: RequestedBy) -> Later<'_, Result<()>> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((job, by));
            {
                let mut fail = self.fail.lock().unwrap();
                if *fail > 0 {
                    *fail -= 1;
                    return Err(Error::unavailable("the disk is full"));
                }
            }
            let letter = self.mail.compose(
                &email("asked@example.org"),
                "a-1",
                english(),
                &Letter::AlreadyRegistered,
            )?;
            let write = self.store.write(move |db| {
                if outbox::end_job(db, &id)? {
                    enqueue(db, &letter)?;
                }
                Ok(())
            });
            write.await
        })
    }
}

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub struct OutboxFixture {
    pub clock: Arc<HandClock>,
    pub env: Env,
    pub store: Store,
    pub outbox: Outbox,
    pub mail: Composer,
    pub folder: tempfile::TempDir,
}

impl OutboxFixture {
    pub fn open() -> Self {
        let (clock, env) = env();
        let folder = tempfile::tempdir().unwrap();
        let database = Database::File(folder.path().join("authd.db"));
        let store = Store::open(&database, ProcessRole::Server, &env).unwrap();
        let outbox = Outbox::new(env.clone(), key(1));
        let service = config::ServiceConfig { name: "Example".to_owned() };
        let mail = config::MailConfig { smtp: None, from: FROM.to_owned(), templates: None };
        let words = Catalogue::load(None, LanguageTag::parse("en").unwrap()).unwrap();
        let mail = Composer::new(&service, &mail, &words, outbox.clone()).unwrap();
        Self { clock, env, store, outbox, mail, folder }
    }

    pub fn writes(&self) -> Arc<Writes> {
        let (mail, store) = (self.mail.clone(), self.store.clone());
        Arc::new(Writes { mail, store, fail: Mutex::new(0), asked: Mutex::default() })
    }

    pub fn worker(&self, mailer: Arc<dyn Mailer>) -> Worker {
        self.worker_with(mailer, self.writes())
    }

    pub fn worker_with(&self, mailer: Arc<dyn Mailer>, jobs: Arc<dyn JobHandler>) -> Worker {
        let channel = Arc::new(MailChannel::new(mailer, FROM));
        Worker::new(self.outbox.clone(), self.store.clone(), channel).with_jobs(jobs)
    }

    /// Stores a letter with a link that is valid for a day; returns its row's id.
    pub async fn send(&self, to: &str) -> String {
        let until = self.env.now() + Duration::from_hours(24);
        let disown = Secret::new("https://auth.example/v1/disown?token=canary-in-the-other");
        self.store_letter(to, &Letter::VerifyEmail { link: Secret::new(LINK), disown, until }).await
    }

    pub async fn store_letter(&self, to: &str, letter: &Letter) -> String {
        let outgoing = self.mail.compose(&email(to), "a-1", english(), letter).unwrap();
        let id = outgoing.id.clone();
        self.store.write(move |db| enqueue(db, &outgoing)).await.unwrap();
        id
    }

    pub async fn job(&self) -> String {
        let job = Job::Verification { email_key: "asked@example.org".to_owned() };
        let outgoing = self.outbox.job(&job, &Source::command_line()).unwrap();
        let id = outgoing.id.clone();
        self.store.write(move |db| enqueue(db, &outgoing)).await.unwrap();
        id
    }

    pub async fn row(&self, id: &str) -> Message {
        let id = id.to_owned();
        self.store.read(move |db| outbox::find(db, &id)).await.unwrap().unwrap()
    }

    /// All bytes of the database, including its journal.
    pub fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
