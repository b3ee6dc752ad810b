//! The providers that people log in with: those of the configuration, which are only shown, and those of
//! the database. A secret is never shown again.

use askama::Template;
use poem::Response;

use crate::error::{Error, Kind, Result};
use crate::identity::admin::providers;
use crate::identity::admin::providers::{ProviderOrigin, ProviderRecord};
use crate::identity::provider;
use crate::model::percent;
use crate::model::provider::{AddressProof, ClientKey, Provider};
use crate::web::console::cells::{self, Tag};
use crate::web::console::form::{ButtonLook, ConsoleForm, FormRefusal};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, ProvenActor};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::PROVIDERS;
use crate::web::time::Moment;

/// The providers.
#[derive(Template)]
#[template(path = "pages/console/providers.html")]
struct ProvidersView<'a> {
    frame: ConsoleFrame<'a>,
    providers: Vec<ConsoleProviderLine>,
}

struct ConsoleProviderLine {
    path: String,
    label: String,
    name: String,
    issuer: String,
    place: String,
    state: Tag,
    problem: Option<String>,
}

/// One provider.
#[derive(Template)]
#[template(path = "pages/console/provider.html")]
struct ConsoleProviderView<'a> {
    frame: ConsoleFrame<'a>,
    line: ConsoleProviderLine,
    facts: Vec<(&'static str, String)>,
    register: Option<String>,
    /// Whether `server.public_url` says where this server is.
    has_public_url: bool,
    connected: String,
    created: Option<Moment>,
    updated: Option<Moment>,
    is_stored: bool,
    /// The database has a provider with this name that is not used.
    has_unused: bool,
}

/// What a test found.
#[derive(Template)]
#[template(path = "pages/console/provider_test.html")]
struct ProviderTestView<'a> {
    frame: ConsoleFrame<'a>,
    label: String,
    path: String,
    steps: Vec<(Tag, &'static str, String)>,
    register: Option<String>,
}

/// The path of the page of a provider.
pub(super) fn page_of(name: &str) -> String {
    format!("{PROVIDERS}/{}", percent::encode(name))
}

/// `GET /console/providers`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let all = providers::list(visit.core()).await?;
    let providers = all.iter().map(|record| line(visit, record)).collect();
    visit.show(&ProvidersView { frame: visit.frame(visit.page.title), providers })
}

fn line(visit: &ConsoleVisit, record: &ProviderRecord) -> ConsoleProviderLine {
    let provider = record.provider.as_ref().ok();
    let (state, problem) = match &record.provider {
        Err(why) => (Tag { word: "cannot be used", look: "bad" }, Some(why.clone())),
        Ok(_) if !record.is_in_force() => {
            let why = "The configuration has a provider with this name or issuer, which is used.";
            (Tag { word: "not used", look: "off" }, Some(why.to_owned()))
        }
        Ok(_) => (Tag { word: "in force", look: "good" }, None),
    };
    ConsoleProviderLine {
        path: page_of(&record.name),
        label: label(record),
        name: record.name.clone(),
        issuer: provider.map(|provider| provider.issuer.clone()).unwrap_or_default(),
        place: place(visit, record),
        state,
        problem,
    }
}

fn label(record: &ProviderRecord) -> String {
    let provider = record.provider.as_ref().ok();
    provider.map_or_else(|| record.name.clone(), |provider| provider.label.clone())
}

/// Where the settings of a provider are.
fn place(visit: &ConsoleVisit, record: &ProviderRecord) -> String {
    if record.origin == ProviderOrigin::Database {
        return "added here".to_owned();
    }
    let key = format!("providers.{}.client_id", record.name);
    let entry = visit.core().config.entries.iter().find(|entry| entry.key == key);
    entry.map_or_else(|| "configuration".to_owned(), |entry| entry.origin.to_string())
}

/// The provider of the path, and how many accounts are connected with it.
pub(super) async fn of_path(visit: &ConsoleVisit) -> Result<(ProviderRecord, i64), Stop> {
    Ok(providers::show(visit.core(), &visit.id()?).await?)
}

/// `GET /console/providers/{provider}`
pub(super) async fn show(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (record, connected) = of_path(visit).await?;
    let label = label(&record);
    let view = ConsoleProviderView {
        frame: visit.frame(&label),
        line: line(visit, &record),
        facts: record.provider.iter().flat_map(|provider| facts(provider)).collect(),
        register: record.redirect_address.clone(),
        has_public_url: visit.core().config.server.public_url.is_some(),
        connected: cells::number(connected),
        created: record.created_at.map(cells::time),
        updated: record.updated_at.map(cells::time),
        is_stored: record.origin == ProviderOrigin::Database,
        has_unused: record.origin == ProviderOrigin::Configuration && record.has_double,
    };
    visit.show(&view)
}

fn facts(provider: &Provider) -> Vec<(&'static str, String)> {
    let list = |values: &[String]| values.join(" ");
    let key = match &provider.key {
        ClientKey::None => "none",
        ClientKey::Secret(_) => "a client secret, which is not shown",
        ClientKey::Signed { .. } => "a private key, which is not shown",
    };
    let proof = match &provider.proof {
        AddressProof::Claim(name) => format!("the claim {name}"),
        AddressProof::Always => "that the provider states it".to_owned(),
        AddressProof::Never => "nothing; the owner gets a code".to_owned(),
        AddressProof::List => "the provider's list of addresses".to_owned(),
    };
    let all = [
        ("Preset", provider.preset.clone().unwrap_or_default()),
        ("Issuer", provider.issuer.clone()),
        ("Client ID", provider.client_id.clone()),
        ("Key", key.to_owned()),
        ("Scopes", list(&provider.scopes)),
        ("An address is proved by", proof),
        ("Pages of apps that take its answer", list(&provider.redirect_uris)),
        ("Other client IDs of ID tokens", list(&provider.audiences)),
        ("Counts as both factors (acr)", list(&provider.trusted_acr)),
        ("Tokens", if provider.keeps_tokens() { "kept, sealed" } else { "not kept" }.to_owned()),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// `POST /console/providers/{provider}/test`
pub(super) async fn test(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (record, _) = of_path(visit).await?;
    let step = |name, result| match result {
        Ok(found) => (Tag { word: "ok", look: "good" }, name, found),
        Err(why) => (Tag { word: "failed", look: "bad" }, name, why),
    };
    let settings = record.provider.as_ref().map(|_| place(visit, &record)).map_err(Clone::clone);
    let mut steps = vec![step("settings", settings)];
    if record.provider.is_ok() {
        let probed = provider::probe(visit.core(), &record.name).await?;
        let probed =
            probed.into_iter().map(|one| (one.name, one.result.map_err(|fail| fail.reason)));
        steps.extend(probed.map(|(name, result)| step(name, result)));
    }
    let view = ProviderTestView {
        frame: visit.frame(visit.page.title),
        label: label(&record),
        path: page_of(&record.name),
        steps,
        register: record.redirect_address,
    };
    visit.show(&view)
}

/// `GET /console/providers/{provider}/remove`
pub(super) async fn ask_remove(visit: &ConsoleVisit) -> Result<Response, Stop> {
    show_remove(visit, None).await
}

async fn show_remove(visit: &ConsoleVisit, refused: Option<FormRefusal>) -> Result<Response, Stop> {
    let (record, connected) = of_path(visit).await?;
    if record.origin == ProviderOrigin::Configuration && !record.has_double {
        let text = "The configuration has this provider; remove it there";
        return Err(Error::with(Kind::Conflict, text).into());
    }
    let cost = match (record.origin, connected) {
        (ProviderOrigin::Configuration, _) => {
            "It is removed from the database. That of the configuration stays in force.".to_owned()
        }
        (ProviderOrigin::Database, 0) => {
            "People can no longer log in with it. No account is connected with it.".to_owned()
        }
        (ProviderOrigin::Database, count) => format!(
            "People can no longer log in with it. Connected accounts: {}. The connections stay, for a provider with the same issuer; until then those without a password or passkey can log in only after a password reset.",
            cells::number(count)
        ),
    };
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(label(&record)),
        text: &cost,
        typed: Some(record.name.clone()),
        button: "Remove provider",
        look: ButtonLook::Risky,
        back: page_of(&record.name),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/providers/{provider}/remove`
pub(super) async fn remove(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let (record, _) = of_path(visit).await?;
    if let Err(refused) = visit.check_typed(&record.name) {
        return show_remove(visit, Some(refused)).await;
    }
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show_remove(visit, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    match providers::remove(visit.core(), &by, &record.name).await {
        Ok(_) => Ok(visit.done(PROVIDERS, Notice::ProviderGone)),
        Err(error) => show_remove(visit, Some(FormRefusal::of(error)?)).await,
    }
}
