//! The program against a small model: seeded random operations on a few accounts, with every
//! response predicted.

use std::time::Duration;

use serde_json::json;

use crate::support::{App, PASSWORD, START, UNLIMITED, UNLIMITED_MAIL, UNTHROTTLED, app_with};

const NAMES: [&str; 3] = ["ada", "bob", "cyd"];
const CAP: usize = 3;
const DAY: i64 = 24 * 3600;
const GRACE: i64 = 30;
const IDLE: i64 = 30 * DAY;
const ABSOLUTE: i64 = 90 * DAY;
const ACCESS: i64 = 900;

/// No limits except the session limit.
fn settings() -> Vec<(&'static str, &'static str)> {
    [&UNLIMITED[..], &UNLIMITED_MAIL, &UNTHROTTLED, &[("sessions.max", "3")]].concat()
}

/// Random numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.throw(from.len())]
    }
}

#[derive(Default)]
struct Account {
    exists: bool,
    is_proved: bool,
    /// Verification links with the second in which they expire.
    links: Vec<(String, i64)>,
}

struct Session {
    owner: usize,
    made: i64,
    /// Refresh tokens by generation; the last one is current.
    refresh: Vec<String>,
    /// When each refresh token but the current one was replaced.
    replaced: Vec<i64>,
    idle_until: i64,
    has_ended: bool,
    access: (String, i64),
}

impl Session {
    fn is_too_old(&self, now: i64) -> bool {
        now >= self.idle_until || now >= self.made + ABSOLUTE
    }

    fn is_alive(&self, now: i64) -> bool {
        !self.has_ended && !self.is_too_old(now)
    }
}

struct World {
    app: App,
    dice: Dice,
    now: i64,
    accounts: [Account; 3],
    sessions: Vec<Session>,
    story: Vec<String>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let app = app_with("standard", &settings()).await;
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self {
            app,
            dice,
            now: START / 1000,
            accounts: Default::default(),
            sessions: Vec::new(),
            story: Vec::new(),
        }
    }

    /// Logs an operation and checks that its result is the predicted one.
    fn check(&mut self, done: &str, got: &str, foretold: &str) {
        self.story.push(format!("{done} -> {got}"));
        let last = self.story.len().saturating_sub(30);
        assert_eq!(got, foretold, "after\n{}", self.story[last..].join("\n"));
    }

    async fn post(&self, path: &str, body: serde_json::Value) -> crate::support::Answer {
        self.app.post(&format!("/v1/auth/{path}"), &body).send().await
    }

    /// Received letters: links by the account that they name.
    async fn read_letters(&mut self) {
        for mail in self.app.mails().await {
            let owner = NAMES.iter().position(|name| mail.to.starts_with(name)).unwrap();
            if let Some((_, rest)) = mail.text.split_once("/v1/verify-email?token=") {
                let token = rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                    .collect();
                self.accounts[owner].links.push((token, self.now + DAY));
            }
        }
    }

    async fn sign_up(&mut self) {
        let who = self.dice.throw(3);
        let body = json!({ "email": format!("{}@example.com", NAMES[who]), "password": PASSWORD });
        let answer = self.post("register", body).await;
        self.accounts[who].exists = true;
        self.check(&format!("sign up {}", NAMES[who]), answer.status.as_str(), "201");
        self.read_letters().await;
    }

    async fn verify(&mut self) {
        let who = self.dice.throw(3);
        if self.accounts[who].links.is_empty() {
            return;
        }
        let (token, until) = self.dice.pick(&self.accounts[who].links).clone();
        let foretold = if self.now >= until { "TOKEN_EXPIRED" } else { "" };
        let answer = self.post("verify-email", json!({ "token": token })).await;
        self.accounts[who].is_proved |= foretold.is_empty();
        self.check(&format!("verify {}", NAMES[who]), answer.code(), foretold);
    }

    async fn login(&mut self) {
        let (who, is_right) = (self.dice.throw(3), self.dice.throw(4) > 0);
        // Of sessions that began in the same millisecond, none is the oldest.
        self.pass(1);
        let password = if is_right { PASSWORD } else { "wrong password" };
        let answer = self.app.login(NAMES[who], password).await;
        let opens = is_right && self.accounts[who].is_proved;
        let foretold = if opens { "" } else { "INVALID_CREDENTIALS" };
        self.check(&format!("log in {}", NAMES[who]), answer.code(), foretold);
        self.read_letters().await;
        if !opens {
            return;
        }
        let (tokens, now) = (answer.tokens(), self.now);
        self.sessions.push(Session {
            owner: who,
            made: now,
            refresh: vec![tokens.refresh],
            replaced: Vec::new(),
            idle_until: now + IDLE,
            has_ended: false,
            access: (tokens.access, now + ACCESS),
        });
        let mine = |session: &&mut Session| session.owner == who && !session.has_ended;
        let kept = self
            .sessions
            .iter_mut()
            .rev()
            .filter(mine)
            .filter(|session| now < session.idle_until)
            .take(CAP);
        let kept: Vec<String> = kept.map(|session| session.refresh[0].clone()).collect();
        self.sessions
            .iter_mut()
            .filter(mine)
            .for_each(|session| session.has_ended = !kept.contains(&session.refresh[0]));
    }

    async fn refresh(&mut self) {
        if self.sessions.is_empty() {
            return;
        }
        let at = self.dice.throw(self.sessions.len());
        let back = *self.dice.pick(&[0, 0, 0, 0, 1, 1, 2, 3]);
        let session = &mut self.sessions[at];
        let current = session.refresh.len() - 1;
        let generation = current.saturating_sub(back);
        let token = session.refresh[generation].clone();
        // Of a parent, when it was replaced; of an older token, when its successor was.
        let replaced = session.replaced.get((generation + 1).min(current.saturating_sub(1)));
        let within_grace = replaced.is_some_and(|at| self.now - at <= GRACE);
        let foretold = if session.has_ended {
            "TOKEN_REVOKED"
        } else if session.is_too_old(self.now) {
            session.has_ended = true;
            "INVALID_REFRESH_TOKEN"
        } else if generation == current || generation + 1 == current && within_grace {
            ""
        } else if within_grace {
            "INVALID_REFRESH_TOKEN"
        } else {
            session.has_ended = true;
            "TOKEN_REVOKED"
        };
        let answer = self.post("refresh", json!({ "refreshToken": token })).await;
        let done = format!(
            "refresh session {at} of {} with {generation} of {current}",
            NAMES[self.sessions[at].owner]
        );
        self.check(&done, answer.code(), foretold);
        self.read_letters().await;
        if !foretold.is_empty() {
            return;
        }
        let (tokens, now) = (answer.tokens(), self.now);
        let session = &mut self.sessions[at];
        let ends = session.made + ABSOLUTE;
        session.access = (tokens.access, (now + ACCESS).min(ends));
        if generation == current {
            session.refresh.push(tokens.refresh);
            session.replaced.push(now);
            session.idle_until = (now + IDLE).min(ends);
        } else {
            assert_eq!(
                tokens.refresh, session.refresh[current],
                "the parent gets the very successor"
            );
        }
    }

    async fn look(&mut self) {
        for at in 0..self.sessions.len() {
            let session = &self.sessions[at];
            let (token, until) = session.access.clone();
            let foretold = match (self.now >= until, session.has_ended) {
                (true, _) => "TOKEN_EXPIRED",
                (false, true) => "TOKEN_REVOKED",
                (false, false) => "",
            };
            let answer = self.app.get("/v1/users/me").bearer(&token).send().await;
            self.check(&format!("look at session {at}"), answer.code(), foretold);
        }
    }

    async fn logout(&mut self) {
        if self.sessions.is_empty() {
            return;
        }
        let (at, everywhere) = (self.dice.throw(self.sessions.len()), self.dice.throw(3) == 0);
        let session = &self.sessions[at];
        let foretold = match (session.has_ended, session.is_alive(self.now)) {
            (true, _) => "TOKEN_REVOKED",
            (false, false) => "INVALID_REFRESH_TOKEN",
            (false, true) => "",
        };
        let body =
            json!({ "refreshToken": session.refresh.last(), "logoutAllDevices": everywhere });
        let answer = self.post("logout", body).await;
        self.check(
            &format!("log out session {at}, everywhere: {everywhere}"),
            answer.code(),
            foretold,
        );
        if foretold.is_empty() {
            let owner = self.sessions[at].owner;
            for (other, session) in self.sessions.iter_mut().enumerate() {
                session.has_ended |= other == at || everywhere && session.owner == owner;
            }
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        self.app.turn_clock(Duration::from_secs(u64::try_from(seconds).unwrap()));
    }

    fn wait(&mut self) {
        let seconds =
            *self.dice.pick(&[1, 7, 29, 31, 60, 300, 901, 3600, DAY + 1, 9 * DAY, 31 * DAY]);
        self.pass(seconds);
        self.story.push(format!("wait {seconds} seconds"));
    }

    async fn step(&mut self) {
        match self.dice.throw(20) {
            0 | 1 => self.sign_up().await,
            2 | 3 => self.verify().await,
            4..=6 => self.login().await,
            7..=12 => self.refresh().await,
            13 | 14 => self.logout().await,
            15..=17 => self.wait(),
            _ => self.look().await,
        }
    }
}

#[tokio::test]
async fn any_sequence_of_operations_ends_as_the_model_predicts() {
    let (seeds, steps) = if crate::process::is_long() { (200, 400) } else { (4, 90) };
    for seed in 1..=seeds {
        let mut world = World::new(seed).await;
        for step in 0..steps {
            world.step().await;
            if step % 60 == 59 {
                world.app = world.app.restart("standard", &settings()).await;
                world.story.push("restart".into());
            }
        }
    }
}
