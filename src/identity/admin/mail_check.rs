//! Letters as their readers see them, filled with examples, and a test of the mail server.

use std::time::Duration;

use crate::error::{InstanceFault, Kind, Result};
use crate::identity::Core;
use crate::identity::access::actor::By;
use crate::identity::audit::log::AuditLog;
use crate::mail::letter::LetterKind;
use crate::mail::smtp::{self, ProbeOutcome, SmtpOutcome, SmtpStep};
use crate::mail::{examples, templates::Rendered};
use crate::model::event::What;
use crate::model::{Email, Event, Permission};

/// How long the conversation with the mail server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the links of the examples seem to be valid.
const LIFE: Duration = Duration::from_hours(1);

/// The names of all letters.
#[must_use]
pub fn letters() -> Vec<&'static str> {
    LetterKind::ALL.iter().map(|kind| kind.name).collect()
}

/// The tags and names of the languages that letters can be written in.
#[must_use]
pub fn languages(core: &Core) -> Vec<(&str, &str)> {
    core.words.all().map(|one| (one.tag, one.words.language.name.as_str())).collect()
}

/// A letter that is filled with examples, with the templates in force. Its links lead nowhere.
///
/// # Errors
/// `NotFound` without such a letter or language.
pub fn preview(core: &Core, letter: &str, language: Option<&str>) -> Result<Rendered> {
    let language = match language {
        Some(tag) => core.words.all().find(|one| one.tag == tag).ok_or(Kind::NotFound)?,
        None => core.words.pick([]),
    };
    let link = format!("{}/v1/example?token=EXAMPLE", core.config.public_url());
    let letters = examples::one_of_each(&link, core.env.now() + LIFE);
    let found = letters.into_iter().find(|one| one.kind().name == letter);
    core.mail.preview(&found.ok_or(Kind::NotFound)?, language)
}

/// A step of the conversation with the mail server.
#[derive(Debug, Clone)]
pub struct MailTestStep {
    pub name: &'static str,
    pub is_done: bool,
    /// The answer of the mail server, or why the step failed.
    pub answer: String,
}

/// What a test of the mail server found.
#[derive(Debug, Clone)]
pub struct MailTestReport {
    /// Whether the mail server took the letter.
    pub is_sent: bool,
    /// The steps up to the one that failed.
    pub steps: Vec<MailTestStep>,
    /// What to look at if a step failed.
    pub remedy: Option<&'static str>,
}

/// Sends a test letter to this address, as `authd mail test` does. The audit log has it.
///
/// # Errors
/// `Conflict` without a mail server, or while another test goes on; `Forbidden`, `Validation` if the
/// sender is no address.
pub async fn test(core: &Core, by: &By, to: &Email) -> Result<MailTestReport> {
    let Some(server) = &core.config.mail.smtp else {
        return Err(InstanceFault::NoMailServer.into());
    };
    let actor = by.actor.clone();
    core.store.read(move |db| actor.needs(db, Permission::Mail)).await?;
    let _running = core.mail_test_limit.begin(core.store.node().live(), core.env.now())?;
    let mut steps: Vec<MailTestStep> = Vec::new();
    let report = |step: SmtpStep| {
        let is_done = step.outcome == SmtpOutcome::Done;
        steps.push(MailTestStep { name: step.name, is_done, answer: step.answer });
    };
    let sent = smtp::probe(server, &core.config.mail.from, to, &core.env, report);
    let (is_sent, remedy) = if let Ok(ended) = tokio::time::timeout(PATIENCE, sent).await {
        match ended? {
            ProbeOutcome::Passed => (true, None),
            ProbeOutcome::StepFailed { remedy, .. } => (false, remedy),
        }
    } else {
        let answer = format!("the mail server took longer than {} s", PATIENCE.as_secs());
        steps.push(MailTestStep { name: "time", is_done: false, answer });
        (false, None)
    };
    let event =
        if is_sent { Event::done(What::MailTested) } else { Event::refused(What::MailTested) };
    let event = event.by(by.actor.name()).because(to.to_string());
    let log = AuditLog::new(core, &by.source);
    core.store.write(move |db| log.record(db, &event)).await?;
    Ok(MailTestReport { is_sent, steps, remedy })
}
