//! Answers for the servers that share a database: an authority may reach any of them, whichever ordered.
//! The answer that is due is kept in the database, sealed and for minutes.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio_rustls::rustls::server::ServerConfig;

use super::challenges::rules;
use super::kept::AcmeEntries;
use crate::error::Result;
use crate::metrics::Stopwatch;
use crate::model::{Time, secret};

/// How long a server uses what it has read. However often it is asked for answers, it reads no more often.
const SEEN_FOR: Duration = Duration::from_secs(1);

/// How long the one that orders waits, until no server goes by what it read before.
const SPREADS: Duration = Duration::from_millis(1500);

/// How long an answer counts: longer than an authority may take.
const COUNTS_FOR: Duration = Duration::from_mins(3);

/// The answer that is due, as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct DueAnswer {
    body: DueBody,
    /// In milliseconds since 1970.
    expires: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DueBody {
    /// A certificate and its key, both DER in base64.
    Handshake {
        host: String,
        certificate: String,
        key: String,
    },
    Text {
        token: String,
        text: String,
    },
}

/// What this server has read.
struct SeenAnswer {
    since: Stopwatch,
    expires: Time,
    body: Option<ReadyBody>,
}

enum ReadyBody {
    Handshake(String, Arc<ServerConfig>),
    Text(String, String),
}

/// The answer in the database.
pub(super) struct SharedAnswers {
    entries: AcmeEntries,
    seen: Mutex<Option<SeenAnswer>>,
}

impl SharedAnswers {
    pub(super) fn of(entries: AcmeEntries) -> Self {
        Self { entries, seen: Mutex::default() }
    }

    /// Makes every server give this answer. When this returns, all of them do.
    pub(super) async fn give(&self, body: DueBody) -> Result<()> {
        let expires = (self.entries.env.now() + COUNTS_FOR).millis();
        self.entries.keep_answer(&DueAnswer { body, expires }).await?;
        tokio::time::sleep(SPREADS).await;
        Ok(())
    }

    /// No server gives an answer any more. If this fails, they stop when it expires.
    pub(super) async fn withdraw(&self) {
        if let Err(error) = self.entries.remove_answer().await {
            tracing::debug!(
                error = error.chain(),
                "an answer for an authority stays until it expires"
            );
        }
    }

    /// How to answer a handshake for this host.
    pub(super) async fn handshake(&self, host: &str) -> Option<Arc<ServerConfig>> {
        self.find(|body| match body {
            ReadyBody::Handshake(due, rules) if due.eq_ignore_ascii_case(host) => {
                Some(rules.clone())
            }
            _ => None,
        })
        .await
    }

    /// The answer for this token.
    pub(super) async fn text(&self, token: &str) -> Option<String> {
        self.find(|body| match body {
            ReadyBody::Text(due, text) if due == token => Some(text.clone()),
            _ => None,
        })
        .await
    }

    async fn find<T>(&self, of: impl Fn(&ReadyBody) -> Option<T>) -> Option<T> {
        // Those that come meanwhile wait for the one that reads.
        let mut seen = self.seen.lock().await;
        let is_old = |seen: &SeenAnswer| seen.since.seconds() >= SEEN_FOR.as_secs_f64();
        if seen.as_ref().is_none_or(is_old) {
            *seen = Some(self.read().await);
        }
        let seen = seen.as_ref().filter(|seen| seen.expires > self.entries.env.now())?;
        seen.body.as_ref().and_then(of)
    }

    async fn read(&self) -> SeenAnswer {
        let since = Stopwatch::start();
        let due = self.entries.answer().await.unwrap_or_else(|error| {
            tracing::debug!(error = error.chain(), "the answers for an authority cannot be read");
            None
        });
        let expires = Time::from_millis(due.as_ref().map_or(0, |due| due.expires));
        SeenAnswer { since, expires, body: due.and_then(|due| ready(due.body)) }
    }
}

fn ready(body: DueBody) -> Option<ReadyBody> {
    match body {
        DueBody::Text { token, text } => Some(ReadyBody::Text(token, text)),
        DueBody::Handshake { host, certificate, key } => {
            let (certificate, key) = (secret::decode(&certificate)?, secret::decode(&key)?);
            rules(certificate, key).ok().map(|rules| ReadyBody::Handshake(host, Arc::new(rules)))
        }
    }
}
