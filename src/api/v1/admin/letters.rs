//! Letters as their readers see them, and a test of the mail server.

use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};

use super::super::V1Tag;
use crate::http::extract::allowed::{Allowed, ManageMail};
use crate::http::extract::body::{Body, Payload};
use crate::http::extract::fields::EmailField;
use crate::http::extract::params::{self, NameQuery};
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::admin::mail_check;
use crate::identity::admin::mail_check::{MailTestReport, MailTestStep};

/// Operations under `/admin/letters`, and the test of the mail server.
pub struct LettersApi {
    pub(super) core: Arc<Core>,
}

#[OpenApi]
impl LettersApi {
    /// List the letters and their languages
    #[oai(
        path = "/admin/letters",
        method = "get",
        operation_id = "listLetters",
        tag = "V1Tag::Admin"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn list(&self, _admin: Allowed<ManageMail>) -> Answer<LetterKindsAnswer> {
        let kinds = LetterKinds {
            letters: mail_check::letters().into_iter().map(str::to_owned).collect(),
            languages: mail_check::languages(&self.core)
                .into_iter()
                .map(|(tag, _)| tag.to_owned())
                .collect(),
        };
        Ok(answer(kinds.into()))
    }

    /// Preview a letter
    ///
    /// With the templates in force, filled with examples.
    #[oai(
        path = "/admin/letters/:letter",
        method = "get",
        operation_id = "previewLetter",
        tag = "V1Tag::Admin"
    )]
    #[allow(clippy::unused_async, reason = "operations are")]
    async fn preview(
        &self,
        _admin: Allowed<ManageMail>,
        letter: Path<String>,
        /// A tag such as `de`. Defaults to the language of the server.
        language: Query<Option<NameQuery>>,
    ) -> Answer<PreviewAnswer> {
        let language = params::name("language", language.0)?;
        let found = mail_check::preview(&self.core, &letter.0, language.as_deref())?;
        let preview = LetterPreview { subject: found.subject, text: found.text, html: found.html };
        Ok(answer(preview.into()))
    }

    /// Send a test letter
    ///
    /// Reports each step of the conversation with the mail server.
    #[oai(
        path = "/admin/mail/test",
        method = "post",
        operation_id = "testMail",
        tag = "V1Tag::Admin"
    )]
    async fn test(
        &self,
        admin: Allowed<ManageMail>,
        body: Body<MailTestRequest>,
    ) -> Answer<MailTestAnswer> {
        let report = mail_check::test(&self.core, &admin.by(), &body.0.to.0).await?;
        Ok(answer(shown(report).into()))
    }
}

/// A test of the mail server.
#[derive(Debug, Object)]
pub struct MailTestRequest {
    /// Who gets the letter.
    pub to: EmailField,
}

impl Payload for MailTestRequest {}

/// The letters and their languages.
#[derive(Debug, Object)]
pub struct LetterKinds {
    pub letters: Vec<String>,
    pub languages: Vec<String>,
}

/// A letter as its reader sees it.
#[derive(Debug, Object)]
pub struct LetterPreview {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// What a test of the mail server found.
#[derive(Debug, Object)]
pub struct MailTestResult {
    /// Whether the mail server took the letter.
    pub sent: bool,
    pub steps: Vec<ShownMailStep>,
    /// What to look at if a step failed.
    pub remedy: Option<String>,
}

/// A step of the conversation.
#[derive(Debug, Object)]
pub struct ShownMailStep {
    pub name: String,
    pub ok: bool,
    /// The answer of the mail server, or why it failed.
    pub answer: String,
}

fn shown(report: MailTestReport) -> MailTestResult {
    let step = |step: MailTestStep| ShownMailStep {
        name: step.name.to_owned(),
        ok: step.is_done,
        answer: step.answer,
    };
    MailTestResult {
        sent: report.is_sent,
        steps: report.steps.into_iter().map(step).collect(),
        remedy: report.remedy.map(str::to_owned),
    }
}

super::super::types::answers! {
    /// The letters and their languages.
    LetterKindsAnswer(LetterKinds);
    /// A letter.
    PreviewAnswer(LetterPreview);
    /// What the test found.
    MailTestAnswer(MailTestResult);
}
