//! One SMTP connection, step by step (RFC 5321; STARTTLS: RFC 3207). Each step has its own time
//! limit and is reported.
//!
//! This module only reports which step failed and how; for what that means to the outbox, see
//! `smtp`.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Response, Severity};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::listening::{Heard, Listening};
use super::message::Envelope;
use crate::config::{Protection, Smtp};

/// A step of the SMTP conversation, as `mail test` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpStep {
    /// `resolve`, `connect`, `banner`, `EHLO`, `STARTTLS`, `AUTH`, `MAIL FROM`, `RCPT TO`, `DATA`, `message`
    /// or `QUIT`.
    pub name: &'static str,
    pub outcome: SmtpOutcome,
    /// The server's reply, or the error.
    pub answer: String,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpOutcome {
    /// The step succeeded.
    Done,
    /// The step failed; the conversation ends here.
    Failed,
}

/// Receives each step.
pub(super) type StepReporter<'a> = &'a mut (dyn FnMut(SmtpStep) + Send);

/// A step that failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) step: &'static str,
    /// The server's reply code; `None` if there was no valid reply.
    pub(super) code: Option<u16>,
    pub(super) answer: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.answer)
    }
}

type Tried<T> = Result<T, Trouble>;

/// An open connection after the greeting, TLS and login.
pub(super) struct Conversation {
    connection: AsyncSmtpConnection,
    patience: Duration,
}

impl Conversation {
    /// Connects, greets the server, starts TLS and logs in.
    pub(super) async fn open(
        server: &Smtp,
        patience: Duration,
        report: StepReporter<'_>,
    ) -> Tried<Self> {
        let connection = match server.protection {
            Protection::Tls => connect_tls(server, patience, report).await?,
            Protection::StartTls | Protection::None => {
                connect_plain(server, patience, report).await?
            }
        };
        let mut this = Self { connection, patience };
        if server.protection == Protection::StartTls {
            let tls = tls_for(server)?;
            let name = ClientId::default();
            let done = reply(patience, "STARTTLS", this.connection.starttls(tls, &name)).await;
            tell(report, "STARTTLS", done.map(|()| "the connection is encrypted".to_owned()))?;
        }
        if let Some((user, password)) = &server.login {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            let done =
                reply(patience, "AUTH", this.connection.auth(DEFAULT_MECHANISMS, &credentials))
                    .await;
            // Only the reply code of a login is shown, because some servers echo the credentials.
            let done =
                done.map(|response| response.code().to_string()).map_err(|trouble| Trouble {
                    answer: trouble
                        .code
                        .map_or(trouble.answer, |code| format!("{code} the login was refused")),
                    ..trouble
                });
            tell(report, "AUTH", done)?;
        }
        Ok(this)
    }

    /// Sends one message; returns `Ok` once the server has accepted it.
    pub(super) async fn hand_over(
        &mut self,
        letter: &Envelope,
        report: StepReporter<'_>,
    ) -> Tried<()> {
        let patience = self.patience;
        let connection = &mut self.connection;
        let mail = connection.command(Mail::new(Some(letter.from.clone()), vec![]));
        tell(report, "MAIL FROM", accepted("MAIL FROM", reply(patience, "MAIL FROM", mail).await))?;
        let rcpt = connection.command(Rcpt::new(letter.to.clone(), vec![]));
        tell(report, "RCPT TO", accepted("RCPT TO", reply(patience, "RCPT TO", rcpt).await))?;
        let data = reply(patience, "DATA", connection.command(Data)).await;
        tell(report, "DATA", data.map(|response| words(&response)))?;
        let message = reply(patience, "message", connection.message(&letter.bytes)).await;
        tell(report, "message", accepted("message", message))
    }

    /// Sends QUIT and waits at most one second for the reply.
    pub(super) async fn close(mut self, report: StepReporter<'_>) {
        let patience = self.patience.min(Duration::from_secs(1));
        let done = reply(patience, "QUIT", self.connection.quit()).await;
        let _ = tell(report, "QUIT", done.map(|response| words(&response)));
    }
}

/// The step that looks up the server's name.
pub(super) const RESOLVE: &str = "resolve";

/// Looks up the server's name, so that the report distinguishes a name that does not exist from a
/// server that does not answer. An address needs no lookup.
pub(super) async fn resolve(
    server: &Smtp,
    patience: Duration,
    report: StepReporter<'_>,
) -> Tried<()> {
    if server.host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let looked_up = tokio::net::lookup_host((server.host.as_str(), server.port));
    let found = match timeout(patience, looked_up).await {
        Ok(Ok(addresses)) => {
            let addresses: Vec<_> = addresses.map(|address| address.ip().to_string()).collect();
            if addresses.is_empty() {
                Err(trouble(RESOLVE, "it has no address"))
            } else {
                Ok(addresses.join(" "))
            }
        }
        Ok(Err(error)) => Err(trouble(RESOLVE, &error.to_string())),
        Err(_) => Err(late(RESOLVE, patience)),
    };
    tell(report, RESOLVE, found)
}

async fn connect_plain(
    server: &Smtp,
    patience: Duration,
    report: StepReporter<'_>,
) -> Tried<AsyncSmtpConnection> {
    let connected =
        timeout(patience, TcpStream::connect((server.host.as_str(), server.port))).await;
    let stream = match connected {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(trouble("connect", &error.to_string())),
        Err(_) => Err(late("connect", patience)),
    };
    let peer = |stream: &TcpStream| {
        stream.peer_addr().map_or_else(|_| String::new(), |peer| peer.to_string())
    };
    let address = stream.as_ref().map(peer).map_err(Trouble::again);
    tell(report, "connect", address)?;
    let heard = Heard::default();
    let listening = Box::new(Listening::to(stream?, heard.clone()));
    let name = ClientId::default();
    let greeted =
        reply(patience, "EHLO", AsyncSmtpConnection::connect_with_transport(listening, &name))
            .await;
    let banner = heard.banner();
    match greeted {
        Ok(connection) => {
            tell(report, "banner", Ok(banner))?;
            tell(report, "EHLO", Ok(connection.server_info().to_string()))?;
            Ok(connection)
        }
        Err(trouble) => {
            let step = if banner.starts_with("220") { "EHLO" } else { "banner" };
            if step == "EHLO" {
                tell(report, "banner", Ok(banner))?;
            }
            Err(tell(report, step, Err(Trouble { step, ..trouble }))
                .err()
                .unwrap_or_else(|| late(step, patience)))
        }
    }
}

async fn connect_tls(
    server: &Smtp,
    patience: Duration,
    report: StepReporter<'_>,
) -> Tried<AsyncSmtpConnection> {
    let (name, tls) = (ClientId::default(), tls_for(server)?);
    let address = (server.host.as_str(), server.port);
    let opened =
        AsyncSmtpConnection::connect_tokio1(address, Some(patience), &name, Some(tls), None);
    let connection = reply(patience, "connect", opened).await;
    let address =
        connection.as_ref().map(|_| format!("TLS with {}", server.host)).map_err(Trouble::again);
    tell(report, "connect", address)?;
    let connection = connection?;
    tell(report, "EHLO", Ok(connection.server_info().to_string()))?;
    Ok(connection)
}

fn tls_for(server: &Smtp) -> Tried<TlsParameters> {
    TlsParameters::new_rustls(server.host.clone())
        .map_err(|error| trouble("connect", &error.to_string()))
}

/// Runs one step within its time limit.
async fn reply<T>(
    patience: Duration,
    step: &'static str,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Tried<T> {
    match timeout(patience, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let code = error.status().map(u16::from);
            let behind = std::error::Error::source(&error).map(ToString::to_string);
            let answer = match (code, behind) {
                (Some(code), Some(words)) => format!("{code} {words}"),
                _ => error.to_string(),
            };
            Err(Trouble { step, code, answer: tidy(&answer) })
        }
        Err(_) => Err(late(step, patience)),
    }
}

/// Only a 2xx reply accepts a message; a 3xx reply is invalid here.
fn accepted(step: &'static str, response: Tried<Response>) -> Tried<String> {
    let response = response?;
    if response.code().severity == Severity::PositiveCompletion {
        Ok(words(&response))
    } else {
        Err(trouble(step, &format!("expected a 2xx reply, got {}", words(&response))))
    }
}

fn tell(report: StepReporter<'_>, name: &'static str, done: Tried<String>) -> Tried<()> {
    let (outcome, answer) = match &done {
        Ok(answer) => (SmtpOutcome::Done, tidy(answer)),
        Err(trouble) => (SmtpOutcome::Failed, trouble.answer.clone()),
    };
    report(SmtpStep { name, outcome, answer });
    done.map(drop)
}

fn trouble(step: &'static str, answer: &str) -> Trouble {
    Trouble { step, code: None, answer: tidy(answer) }
}

fn late(step: &'static str, patience: Duration) -> Trouble {
    trouble(step, &format!("no reply within {} ms", patience.as_millis()))
}

impl Trouble {
    fn again(&self) -> Self {
        Self { step: self.step, code: self.code, answer: self.answer.clone() }
    }
}

fn words(response: &Response) -> String {
    format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" "))
}

/// Cleans a server's reply for storage: one short line without links or words as long as a token,
/// because spam filters quote parts of the message.
fn tidy(answer: &str) -> String {
    let plain: String = answer.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = plain.split_whitespace().map(|word| {
        let is_secret = word.contains("://") || word.contains("token") || word.chars().count() > 40;
        if is_secret { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_are_kept_without_links_and_tokens() {
        let long = "a".repeat(43);
        let answer = format!("550 5.7.1 blocked\r\nhttps://a.example/v?token=x {long} bad link");
        assert_eq!(tidy(&answer), "550 5.7.1 blocked … … bad link");
        assert!(tidy(&"word ".repeat(1000)).len() <= 300);
    }
}
