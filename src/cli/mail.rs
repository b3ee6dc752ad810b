//! `authd mail`: the outbox, and a test of the mail server.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::console::{Console, ListRecord, OutputFormat, lines};
use super::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::env::Env;
use crate::http::server::error_text;
use crate::identity::admin::messages::{self, Message, MessageBody, MessageState, OutboxEntry};
use crate::identity::{By, Core};
use crate::mail::smtp::{self, ProbeOutcome, SmtpOutcome, SmtpStep};
use crate::model::{Email, Time};
use crate::outbox;

/// How many messages are read at a time.
const PAGE: usize = 500;

/// Show the outbox and test the mail server
///
/// Without a mail server all mail waits in the outbox. The links in waiting mail work.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    List(MailList),
    Show(MailShow),
    Retry(Retry),
    Test(Test),
}

/// List messages in the outbox, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd mail list
      List the newest messages and their state
  authd mail list --state failed --limit 0 --json
      List all messages that could not be delivered")]
pub struct MailList {
    /// Only messages in this state
    #[arg(long, value_enum)]
    state: Option<StateWord>,

    /// At most this many; 0 shows all
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,

    /// Only messages created before the one with this id
    #[arg(long, value_name = "ID")]
    before: Option<String>,
}

/// The state of a message.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StateWord {
    /// Requested; the server has not yet checked whether the account exists
    Requested,
    /// Written and waiting for delivery
    Waiting,
    /// Accepted by the mail server
    Delivered,
    /// Refused permanently, or given up
    Failed,
    /// Too old to be delivered
    Dropped,
}

impl StateWord {
    fn state(self) -> MessageState {
        match self {
            StateWord::Requested => MessageState::Requested,
            StateWord::Waiting => MessageState::Waiting,
            StateWord::Delivered => MessageState::Delivered,
            StateWord::Failed => MessageState::Failed,
            StateWord::Dropped => MessageState::Dropped,
        }
    }
}

/// How many of the newest messages are searched for the newest letter.
const PAGE_OF_NEWEST: usize = 20;

/// Show a message and its text; the text of a delivered message is erased
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd mail show --last
      Read the newest message and follow its link
  authd mail show 0192f0c1-7d2e-7a51-8c6f-1b2f3c4d5e6f
      Read a specific message")]
#[command(override_usage = "authd mail show [OPTIONS] <ID|--last>")]
pub struct MailShow {
    /// The message's id
    #[arg(value_name = "ID", required_unless_present = "last")]
    id: Option<String>,

    /// Show the newest message
    #[arg(long, conflicts_with = "id")]
    last: bool,
}

/// Retry delivery now
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd mail retry 0192f0c1-7d2e-7a51-8c6f-1b2f3c4d5e6f
      Retry one message
  authd mail retry --all
      Retry all messages that are waiting or failed")]
#[command(override_usage = "authd mail retry [OPTIONS] <ID|--all>")]
pub struct Retry {
    /// The message's id
    #[arg(value_name = "ID", required_unless_present = "all")]
    id: Option<String>,

    /// Retry all messages that are waiting or failed
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

/// Send a test message and print each step of the conversation
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd mail test you@example.com
      Check whether the mail server accepts mail from authd
  AUTHD_MAIL__SMTP_URL=smtps://me:secret@mail.example.com authd mail test you@example.com
      Test a mail server before configuring it")]
pub struct Test {
    /// The recipient of the test message
    #[arg(value_name = "ADDRESS", value_parser = crate::cli::global::email)]
    to: Email,
}

impl MailCommand {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        match self {
            MailCommand::List(command) => {
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
            MailCommand::Show(command) => {
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
            MailCommand::Retry(command) => {
                opened::with_core(global, console, async |core, console| {
                    command.run(core, console).await
                })
            }
            MailCommand::Test(command) => command.run(global, console),
        }
    }
}

impl MailList {
    async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        let state = self.state.map(StateWord::state);
        let mut left = if self.limit == 0 { usize::MAX } else { self.limit };
        let mut before = self.before;
        let mut list = console.list();
        while left > 0 {
            let size = left.min(PAGE);
            let page = read(core, state, before.as_deref(), size).await?;
            list.page(&page.iter().map(MailRow).collect::<Vec<_>>())?;
            left -= page.len();
            if page.len() < size {
                return Ok(list.end()?);
            }
            before = page.last().map(|message| message.id.clone());
        }
        list.end()?;
        let next = before.unwrap_or_default();
        if !read(core, state, Some(&next), 1).await?.is_empty() {
            console.note(&format!(
                "there are more messages: continue with --before {next}, or show all with --limit 0"
            ));
        }
        Ok(())
    }
}

async fn read(
    core: &Core,
    state: Option<MessageState>,
    before: Option<&str>,
    size: usize,
) -> Result<Vec<Message>, Failure> {
    Ok(outbox::list(&core.store, state, before, i64::try_from(size).unwrap_or(i64::MAX)).await?)
}

/// The newest letter. If the server is still writing one, waits up to two seconds for it.
async fn newest(core: &Core) -> Result<String, Failure> {
    let is_asked_for =
        |message: &Message| message.recipient.is_none() && message.finished_at.is_none();
    let mut page = read(core, None, None, PAGE_OF_NEWEST).await?;
    for _ in 0..20 {
        if !page.iter().any(is_asked_for) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        page = read(core, None, None, PAGE_OF_NEWEST).await?;
    }
    let letter = page.iter().find(|message| message.recipient.is_some()).or(page.first());
    letter.map(|message| message.id.clone()).ok_or_else(|| Failure::failed("the outbox is empty"))
}

impl MailShow {
    async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        let id = match self.id {
            Some(id) => id,
            None => newest(core).await?,
        };
        let shown = messages::show(core, &By::command_line(), &id).await?;
        if console.form() == OutputFormat::Json {
            return Ok(console.json(&whole(&shown))?);
        }
        let row = MailRow(&shown.message);
        let labels =
            ["id", "to", "letter", "state", "attempts", "created", "next attempt", "last error"];
        let details: Vec<(&str, String)> = labels.into_iter().zip(row.details()).collect();
        console.details(&details, &Value::Null)?;
        let Some(body) = &shown.body else {
            console.note("the text has been erased");
            return Ok(());
        };
        let Some([subject, text, _]) = parts(body) else {
            console.note("it is only requested: the server writes it if the account exists");
            return Ok(());
        };
        console.details(&[("subject   ", subject.to_owned())], &Value::Null)?;
        console.line(&format!("\n{}", lines(text).trim_end()))?;
        Ok(())
    }
}

/// The subject, text and HTML of a message, empty where it has none; `None` for a job.
fn parts(body: &MessageBody) -> Option<[&str; 3]> {
    match body {
        MessageBody::Letter { subject, text, html } => {
            Some([subject.as_str(), text.reveal(), html.reveal()])
        }
        MessageBody::Text(text) => Some(["", text.reveal(), ""]),
        MessageBody::Job(_) => None,
    }
}

/// The message with its body, as JSON.
fn whole(shown: &OutboxEntry) -> Value {
    let mut json = MailRow(&shown.message).json();
    if let (Value::Object(fields), Some(values)) = (&mut json, shown.body.as_ref().and_then(parts))
    {
        let names = ["subject", "text", "html"].map(str::to_owned);
        fields.extend(names.into_iter().zip(values.map(Value::from)));
    }
    json
}

impl Retry {
    async fn run(self, core: &Core, console: &mut Console) -> Result<(), Failure> {
        let ids = match self.id {
            Some(id) => vec![id],
            None => undelivered(core).await?,
        };
        let by = By::command_line();
        let mut due = Vec::with_capacity(ids.len());
        for id in &ids {
            match messages::retry(core, &by, id).await {
                Ok(message) => due.push(message),
                // With --all, a message may have a link that has expired since, or may just have
                // been delivered.
                Err(error) if self.all => console.warning(&error_text::message(&error)),
                Err(error) => return Err(error.into()),
            }
        }
        if core.config.mail.smtp.is_none() {
            console.warning(
                "no mail server is configured (mail.smtp_url): the messages stay in the outbox",
            );
        }
        Ok(console.records(&due.iter().map(MailRow).collect::<Vec<_>>())?)
    }
}

async fn undelivered(core: &Core) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for state in [MessageState::Requested, MessageState::Waiting, MessageState::Failed] {
        let mut before: Option<String> = None;
        loop {
            let page = read(core, Some(state), before.as_deref(), PAGE).await?;
            before = page.last().map(|message| message.id.clone());
            ids.extend(page.into_iter().map(|message| message.id));
            if before.is_none() {
                break;
            }
        }
    }
    Ok(ids)
}

/// A message in a list.
struct MailRow<'a>(&'a Message);

impl MailRow<'_> {
    fn details(&self) -> Vec<String> {
        let message = self.0;
        let due = matches!(message.state, MessageState::Requested | MessageState::Waiting)
            .then_some(message.next_at);
        vec![
            message.id.clone(),
            message.recipient.clone().unwrap_or_else(|| "-".to_owned()),
            message.kind.clone(),
            message.state.as_str().to_owned(),
            message.attempts.to_string(),
            message.created_at.to_string(),
            due.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            message.last_error.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

impl ListRecord for MailRow<'_> {
    const HEADINGS: &'static [&'static str] =
        &["ID", "TO", "LETTER", "STATE", "ATTEMPTS", "CREATED", "NEXT ATTEMPT", "LAST ERROR"];

    fn cells(&self) -> Vec<String> {
        self.details()
    }

    fn json(&self) -> Value {
        let message = self.0;
        let time = |at: Option<Time>| at.map(Time::to_millis_text);
        json!({
            "id": message.id,
            "kind": message.kind,
            "accountId": message.account_id,
            "recipient": message.recipient,
            "state": message.state.as_str(),
            "attempts": message.attempts,
            "nextAt": message.next_at.to_millis_text(),
            "expiresAt": time(message.expires_at),
            "lastError": message.last_error,
            "createdAt": message.created_at.to_millis_text(),
            "finishedAt": time(message.finished_at),
        })
    }
}

impl Test {
    fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        let config = opened::configuration(global, console)?.config;
        let Some(server) = &config.mail.smtp else {
            return Err(Failure::failed(
                "no mail server is configured, so there is nothing to test",
            )
            .hint("set mail.smtp_url, or AUTHD_MAIL__SMTP_URL=smtp://user:password@host:port"));
        };
        let (env, form) = (Env::real(), console.form());
        let mut steps = Vec::new();
        let report = |step: SmtpStep| match form {
            // Print each step as it happens, because the next one may take long.
            OutputFormat::People => console.step(&step_line(&step)),
            OutputFormat::Json => steps.push(step_json(&step)),
        };
        let done = opened::wait(smtp::probe(server, &config.mail.from, &self.to, &env, report))?;
        if form == OutputFormat::Json {
            let is_delivered = matches!(done, Ok(ProbeOutcome::Passed));
            console.json(&json!({ "delivered": is_delivered, "steps": steps }))?;
        }
        match done? {
            ProbeOutcome::Passed => Ok(()),
            ProbeOutcome::StepFailed { message, remedy } => {
                Err(Failure::failed(message).hint(remedy.unwrap_or("try again in a moment")))
            }
        }
    }
}

fn step_line(step: &SmtpStep) -> String {
    let mark = if step.outcome == SmtpOutcome::Done { "ok    " } else { "FAILED" };
    format!("{mark}  {:9}  {}", step.name, step.answer)
}

fn step_json(step: &SmtpStep) -> Value {
    json!({ "name": step.name, "ok": step.outcome == SmtpOutcome::Done, "answer": step.answer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::outbox::Channel;

    fn shown(body: MessageBody) -> Value {
        let message = Message {
            id: "1".to_owned(),
            channel: Channel::Mail,
            kind: "test".to_owned(),
            account_id: None,
            recipient: None,
            language: None,
            sealed: None,
            state: MessageState::Waiting,
            attempts: 0,
            next_at: Time::default(),
            expires_at: None,
            last_error: None,
            created_at: Time::default(),
            finished_at: None,
        };
        let json = whole(&OutboxEntry { message, body: Some(body) });
        ["subject", "text", "html"].map(|name| json[name].clone()).into_iter().collect()
    }

    #[test]
    fn every_written_message_is_shown_with_the_same_fields() {
        let letter = MessageBody::Letter {
            subject: "Hello".to_owned(),
            text: Secret::new("plain"),
            html: Secret::new("<p>"),
        };
        assert_eq!(shown(letter), json!(["Hello", "plain", "<p>"]));
        assert_eq!(shown(MessageBody::Text(Secret::new("123456"))), json!(["", "123456", ""]));
        let job = crate::outbox::Job::Welcome { account_id: "a-1".to_owned() };
        assert_eq!(shown(MessageBody::Job(job)), json!([null, null, null]));
    }
}
