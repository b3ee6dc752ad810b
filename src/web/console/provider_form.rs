//! The forms that add and change a provider. Which fields there are depends on the preset.

use askama::Template;
use poem::Response;

use crate::config::{given_key, preset_label, preset_names};
use crate::error::{Error, Kind, Result};
use crate::identity::admin::providers;
use crate::identity::admin::providers::{ProviderOrigin, ProviderRecord};
use crate::model::provider::ProviderKeys;
use crate::model::{ProviderSettings, Secret};
use crate::web::console::form::{Choice, ChoiceGroup, ConsoleForm, FormRefusal};
use crate::web::console::provider::{of_path, page_of};
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit, ProvenActor};
use crate::web::notice::Notice;
use crate::web::stop::Stop;
use crate::web::target::PROVIDERS;
use crate::web::view::{FieldKind, FieldView};

/// The most items of a list, as on the native API.
const MOST: usize = 50;

/// The choice of a preset.
#[derive(Template)]
#[template(path = "pages/console/provider_presets.html")]
struct PresetsView<'a> {
    frame: ConsoleFrame<'a>,
    presets: Vec<(&'static str, String)>,
}

/// What a form asks for besides what every provider has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ProviderShape {
    has_issuer: bool,
    has_tenant: bool,
    /// The client secret is signed with a private key.
    has_private_key: bool,
}

impl ProviderShape {
    fn of(preset: Option<&str>, settings: &ProviderSettings) -> Self {
        Self {
            has_issuer: matches!(preset, None | Some("gitlab")) || settings.issuer.is_some(),
            has_tenant: preset == Some("microsoft") || settings.tenant.is_some(),
            has_private_key: preset == Some("apple") || settings.team_id.is_some(),
        }
    }
}

/// `GET /console/providers/new`
pub(super) async fn ask_create(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let chosen = visit.parameter("preset");
    let is_known = |name: &String| name == ISSUER || preset_names().contains(&name.as_str());
    if let Some(preset) = chosen.filter(is_known) {
        return show_create(visit, &preset, None).await;
    }
    let presets = preset_names().into_iter();
    let presets = presets.filter_map(|name| Some((name, preset_label(name)?))).collect();
    visit.show(&PresetsView { frame: visit.frame(visit.page.title), presets })
}

/// The word for a provider without a preset.
const ISSUER: &str = "issuer";
/// The hidden field of the chosen preset.
const PRESET: &str = "preset";

async fn show_create(
    visit: &ConsoleVisit,
    preset: &str,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let known = Some(preset).filter(|preset| *preset != ISSUER);
    let settings = ProviderSettings::default();
    let shape = ProviderShape::of(known, &settings);
    let name = FieldView::new(visit.english(), FieldKind::Name, "name", "Name")
        .at_most(32)
        .holding(visit.field("name").unwrap_or_else(|| known.unwrap_or_default().to_owned()))
        .hinting("In paths and in the security record: lowercase letters, digits, underscores. It stays.");
    let mut fields = vec![if known.is_none() { name.focused() } else { name }];
    fields.extend(setting_fields(visit, shape, &settings));
    fields.splice(if shape.has_issuer { 4..4 } else { 3..3 }, key_fields(visit, shape, false));
    let label = known.and_then(preset_label);
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(label.unwrap_or_else(|| "OpenID Connect, by its issuer".to_owned())),
        text: "Register this server at the provider first: it issues a client ID and a secret. The address to register there is shown on the next page.",
        hidden: vec![(PRESET, preset.to_owned())],
        fields,
        choices: Some(options(visit, settings.keep_tokens, false)),
        button: "Add provider",
        back: PROVIDERS.to_owned(),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// The fields of the settings, as they are or as they were posted.
fn setting_fields<'a>(
    visit: &'a ConsoleVisit,
    shape: ProviderShape,
    had: &ProviderSettings,
) -> Vec<FieldView<'a>> {
    let field = |kind, id: &'static str, label: &'static str, had: Option<String>, max| {
        let value = visit.field(id).unwrap_or_else(|| had.unwrap_or_default());
        FieldView::new(visit.english(), kind, id, label).at_most(max).holding(value)
    };
    let name =
        |id, label, had: &Option<String>, max| field(FieldKind::Name, id, label, had.clone(), max);
    let list = |id, label, had: &[String], hint| {
        field(FieldKind::Name, id, label, Some(had.join(" ")), 4000).optional().hinting(hint)
    };
    let mut fields = Vec::new();
    if shape.has_issuer {
        let hint = "An https address, exactly as the provider writes it.";
        fields.push(name("issuer", "Issuer", &had.issuer, 500).hinting(hint));
    }
    fields.push(name("client_id", "Client ID", &had.client_id, 500));
    fields.push(
        field(FieldKind::Text, "label", "Name on the pages", had.label.clone(), 40)
            .optional()
            .hinting("Empty for the usual one."),
    );
    if shape.has_tenant {
        let hint = "The ID of a tenant, common, organizations or consumers; empty for common.";
        fields.push(name("tenant", "Tenant", &had.tenant, 100).optional().hinting(hint));
    }
    if shape.has_private_key {
        fields.push(name("team_id", "Team ID", &had.team_id, 40));
        fields.push(name("key_id", "Key ID", &had.key_id, 40));
    }
    let proof = had.proved_by.clone().map(String::from);
    fields.push(name("proved_by", "What proves an address", &proof, 100).optional().hinting(
        "always, never, or the name of a claim such as email_verified; empty for the usual one.",
    ));
    fields.push(list("scopes", "More scopes", &had.scopes, "With spaces between them."));
    fields.push(list(
        "redirect_uris",
        "Pages of your apps that take its answer",
        &had.redirect_uris,
        "Addresses with spaces between them; empty if people log in on the pages of this server.",
    ));
    fields.push(list(
        "audiences",
        "Other client IDs",
        &had.audiences,
        "Those whose ID tokens your apps send.",
    ));
    fields.push(list(
        "trusted_acr",
        "Values of acr that count as both factors",
        &had.trusted_acr,
        "After a login with one of them no second factor is asked for here.",
    ));
    fields
}

/// The fields of the secrets. They are always empty.
fn key_fields(visit: &ConsoleVisit, shape: ProviderShape, is_kept: bool) -> Vec<FieldView<'_>> {
    let words = visit.english();
    let field = if shape.has_private_key {
        FieldView::new(words, FieldKind::Lines, "private_key", "Private key (PEM)")
    } else {
        FieldView::new(words, FieldKind::Password, "client_secret", "Client secret")
            .completed_as("off")
            .optional()
    };
    let hint = match (is_kept, shape.has_private_key) {
        (true, _) => "Empty to keep the present one. It is not shown again.",
        (false, true) => "The file AuthKey_….p8. It is not shown again.",
        (false, false) => "Empty if the provider issued none. It is not shown again.",
    };
    let field = field.hinting(hint);
    vec![if is_kept { field.optional() } else { field }]
}

/// The settings and secrets of a posted form.
struct PostedProvider {
    settings: ProviderSettings,
    client_secret: Option<Secret>,
    private_key: Option<Secret>,
    forgets_secret: bool,
}

impl PostedProvider {
    fn of(visit: &ConsoleVisit) -> Result<Self, FormRefusal> {
        let one = |id: &str| Some(visit.text(id)).filter(|text| !text.is_empty());
        let list = |id: &str| visit.text(id).split_whitespace().map(str::to_owned).collect();
        let settings = ProviderSettings {
            label: one("label"),
            issuer: one("issuer"),
            client_id: one("client_id"),
            tenant: one("tenant"),
            team_id: one("team_id"),
            key_id: one("key_id"),
            scopes: list("scopes"),
            audiences: list("audiences"),
            redirect_uris: list("redirect_uris"),
            trusted_acr: list("trusted_acr"),
            proved_by: one("proved_by").map(Into::into),
            keep_tokens: chosen(visit, KEEP),
            ..ProviderSettings::default()
        };
        let lists =
            [&settings.scopes, &settings.audiences, &settings.redirect_uris, &settings.trusted_acr];
        if lists.iter().any(|list: &&Vec<String>| list.len() > MOST) {
            return Err(FormRefusal::saying(format!("A list has at most {MOST} items")));
        }
        let key = |id: &str| visit.field(id).and_then(|text| given_key(&text));
        Ok(Self {
            settings,
            client_secret: key("client_secret"),
            private_key: key("private_key"),
            forgets_secret: chosen(visit, FORGET),
        })
    }

    /// Lays the form over what is stored. What the form does not ask for stays, and so do secrets that
    /// were left empty.
    fn lay_over(&self, settings: &mut ProviderSettings, keys: &mut ProviderKeys) {
        let new = self.settings.clone();
        *settings = ProviderSettings {
            label: new.label,
            issuer: new.issuer,
            client_id: new.client_id,
            tenant: new.tenant,
            team_id: new.team_id,
            key_id: new.key_id,
            scopes: new.scopes,
            audiences: new.audiences,
            redirect_uris: new.redirect_uris,
            trusted_acr: new.trusted_acr,
            proved_by: new.proved_by,
            keep_tokens: new.keep_tokens,
            ..std::mem::take(settings)
        };
        self.replace_keys(keys);
    }

    fn replace_keys(&self, keys: &mut ProviderKeys) {
        if self.forgets_secret {
            keys.client_secret = None;
        }
        for (kept, new) in [
            (&mut keys.client_secret, &self.client_secret),
            (&mut keys.private_key, &self.private_key),
        ] {
            if new.is_some() {
                kept.clone_from(new);
            }
        }
    }
}

/// `POST /console/providers/new`
pub(super) async fn create(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let preset = visit.text(PRESET);
    if preset != ISSUER && !preset_names().contains(&preset.as_str()) {
        return Err(Error::with(Kind::Validation, "Choose a provider first").into());
    }
    let posted = match PostedProvider::of(visit) {
        Ok(posted) => posted,
        Err(refused) => return show_create(visit, &preset, Some(refused)).await,
    };
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show_create(visit, &preset, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    let mut settings = posted.settings.clone();
    settings.preset = Some(preset.clone()).filter(|preset| preset != ISSUER);
    let mut keys = ProviderKeys::default();
    posted.replace_keys(&mut keys);
    let name = visit.text("name");
    match providers::create(visit.core(), &by, &name, &settings, &keys).await {
        Ok(record) => Ok(visit.done(&page_of(&record.name), Notice::ProviderSaved)),
        Err(error) => show_create(visit, &preset, Some(FormRefusal::of(error)?)).await,
    }
}

/// The boxes to check.
const OPTIONS: &str = "option";
/// The one that keeps the tokens of each login.
const KEEP: &str = "keep_tokens";
/// The one that removes the client secret.
const FORGET: &str = "forget_secret";

fn chosen(visit: &ConsoleVisit, option: &str) -> bool {
    visit.fields(OPTIONS).iter().any(|one| one == option)
}

/// The boxes of a form, as the provider has them or as they were posted.
fn options(visit: &ConsoleVisit, keeps_tokens: bool, has_secret: bool) -> ChoiceGroup {
    let is_posted = visit.field("client_id").is_some();
    let keep = Choice::new(KEEP, "Keep the tokens of each login")
        .hinting("Sealed, for apps that call the provider's API for its users. Without it, tokens that were kept are deleted.")
        .chosen_if(if is_posted { chosen(visit, KEEP) } else { keeps_tokens });
    let mut choices = vec![keep];
    if has_secret {
        let forget = Choice::new(FORGET, "Remove the client secret")
            .hinting("For a provider that issued none.")
            .chosen_if(chosen(visit, FORGET));
        choices.push(forget);
    }
    ChoiceGroup { name: OPTIONS, label: "Options", kind: "checkbox", choices }
}
/// The state that the form was made for.
const SEEN: &str = "seen";

fn version_of(record: &ProviderRecord) -> String {
    record.updated_at.map(crate::model::Time::to_millis_text).unwrap_or_default()
}

/// The provider of the path, if it can be changed here.
async fn stored(visit: &ConsoleVisit) -> Result<ProviderRecord, Stop> {
    let (record, _) = of_path(visit).await?;
    if record.origin == ProviderOrigin::Configuration {
        let text = "The configuration has this provider; change it there";
        return Err(Error::with(Kind::Conflict, text).into());
    }
    Ok(record)
}

/// `GET /console/providers/{provider}/edit`
pub(super) async fn ask_change(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let record = stored(visit).await?;
    show_change(visit, &record, None).await
}

async fn show_change(
    visit: &ConsoleVisit,
    record: &ProviderRecord,
    refused: Option<FormRefusal>,
) -> Result<Response, Stop> {
    let provider = record.provider.as_ref().ok();
    let settings = provider.map(|provider| provider.settings.clone()).unwrap_or_default();
    let preset = provider.and_then(|provider| provider.preset.as_deref());
    let shape = ProviderShape::of(preset, &settings);
    let mut fields = Vec::new();
    if provider.is_some() {
        fields = setting_fields(visit, shape, &settings);
    }
    fields.extend(key_fields(visit, shape, true));
    let has_secret =
        provider.is_some_and(|one| matches!(one.key, crate::model::provider::ClientKey::Secret(_)));
    let form = ConsoleForm {
        title: visit.page.title,
        subject: Some(record.name.clone()),
        text: if provider.is_some() {
            "A change counts at once."
        } else {
            "Its secret cannot be opened any more. Give it again; the other settings stay."
        },
        hidden: vec![(SEEN, version_of(record))],
        fields,
        choices: provider.map(|one| options(visit, one.keeps_tokens(), has_secret)),
        button: "Save",
        back: page_of(&record.name),
        ..ConsoleForm::default()
    };
    visit.ask(form, refused).await
}

/// `POST /console/providers/{provider}/edit`
pub(super) async fn change(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let record = stored(visit).await?;
    if visit.text(SEEN) != version_of(&record) {
        let problem = "The provider has changed since you opened this page, so nothing was done.";
        return show_change(visit, &record, Some(FormRefusal::saying(problem))).await;
    }
    let posted = match PostedProvider::of(visit) {
        Ok(posted) => posted,
        Err(refused) => return show_change(visit, &record, Some(refused)).await,
    };
    let by = match visit.prove().await? {
        ProvenActor::Fresh(by) => by,
        ProvenActor::Refused(failure) => {
            return show_change(visit, &record, Some(FormRefusal::of_proof(failure))).await;
        }
    };
    let is_readable = record.provider.is_ok();
    let patch = move |settings: &mut ProviderSettings, keys: &mut ProviderKeys| {
        if is_readable {
            posted.lay_over(settings, keys);
        } else {
            posted.replace_keys(keys);
        }
    };
    match providers::change(visit.core(), &by, &record.name, record.updated_at, patch).await {
        Ok(_) => Ok(visit.done(&page_of(&record.name), Notice::ProviderSaved)),
        Err(error) => show_change(visit, &record, Some(FormRefusal::of(error)?)).await,
    }
}
