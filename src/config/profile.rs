//! The presets embedded in the binary, and their `[env]` tables, which map a document's environment
//! variables to keys.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::layer::{Layer, Origin, from_toml};
use super::problem::Problem;

/// All embedded profiles. The first is the default, which the others override.
const EMBEDDED: [(&str, &str); 6] = [
    ("standard", include_str!("../../static/profiles/standard.toml")),
    ("perfect21", include_str!("../../static/profiles/perfect21.toml")),
    ("siteworks", include_str!("../../static/profiles/siteworks.toml")),
    ("jobpath", include_str!("../../static/profiles/jobpath.toml")),
    ("jobpsych", include_str!("../../static/profiles/jobpsych.toml")),
    ("authbackend", include_str!("../../static/profiles/authbackend.toml")),
];

/// The name of the default profile.
pub const STANDARD: &str = "standard";

/// An embedded preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileName {
    /// The name that selects the profile.
    pub name: &'static str,
    /// The commented TOML text.
    pub text: &'static str,
}

impl ProfileName {
    /// All profiles, the default first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        EMBEDDED.iter().map(|(name, text)| Self { name, text }).collect()
    }

    /// Finds a profile by name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|profile| profile.name == name)
    }

    /// The default profile, which the others override.
    #[must_use]
    pub fn standard() -> Self {
        let (name, text) = EMBEDDED[0];
        Self { name, text }
    }

    /// A one-line description: the first comment of the TOML text.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.text.lines().next().unwrap_or("").trim_start_matches(['#', ' '])
    }

    /// The text as a configuration file: there, the `[env]` table at its end is only a comment.
    pub(super) fn as_file(&self) -> String {
        let settings = self.text.find("\n[env").map_or(self.text.len(), |at| at + 1);
        let (settings, environment) = self.text.split_at(settings);
        let commented = environment.lines().map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("# {line}\n"),
        });
        settings.to_owned() + &commented.collect::<String>()
    }

    /// The settings, without the `[env]` table.
    pub(super) fn layer(&self, origin: &Origin) -> Result<Layer, Box<Problem>> {
        let mut layer = from_toml(self.text, |_| origin.clone())?;
        layer.retain(|key, _| !key.starts_with("env."));
        Ok(layer)
    }

    /// The `[env]` table, including the variables that have no effect under any profile.
    pub(super) fn environment(&self) -> Result<EnvTable, Box<Problem>> {
        let mut table = self.own_environment()?;
        for (name, reason) in Self::standard().own_environment()?.ignored {
            table.ignored.entry(name).or_insert(reason);
        }
        Ok(table)
    }

    fn own_environment(&self) -> Result<EnvTable, Box<Problem>> {
        let file: WithEnv = toml::from_str(self.text).map_err(|e| {
            Box::new(Problem::new(
                "env",
                Some(Origin::Profile(self.name.to_owned())),
                e.message().to_owned(),
            ))
        })?;
        Ok(file.env)
    }
}

#[derive(Deserialize)]
struct WithEnv {
    #[serde(default)]
    env: EnvTable,
}

/// What the environment variables of a document mean.
#[derive(Deserialize, Default)]
pub(super) struct EnvTable {
    /// Variables without an effect, with the reason. A name may end in `*`.
    #[serde(default)]
    ignored: BTreeMap<String, String>,
    /// Variables that set keys.
    #[serde(flatten)]
    pub honoured: BTreeMap<String, VariableMeaning>,
}

impl EnvTable {
    /// Why a variable is not honoured, if the document names it but it has no effect here.
    pub fn ignored(&self, name: &str) -> Option<&str> {
        let fits = |pattern: &str| {
            pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
        };
        self.ignored.iter().find(|(pattern, _)| fits(pattern)).map(|(_, reason)| reason.as_str())
    }
}

/// How one variable sets keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableMeaning {
    /// The keys that it sets.
    pub keys: Vec<String>,
    /// The unit of a bare number: `minutes`.
    unit: Option<String>,
    /// Values that are spelled differently here.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// A template; the value replaces `{}`.
    form: Option<String>,
    /// The format of a list. `comma` accepts a JSON list too.
    list: Option<ListForm>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum ListForm {
    Comma,
}

impl VariableMeaning {
    /// Converts the value to the form that the keys accept.
    pub fn translate(&self, value: &str) -> String {
        let value = unquoted(value.trim());
        let mut text = self.words.get(value).map_or(value, String::as_str).trim().to_owned();
        if let Some(unit) = &self.unit
            && !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
        {
            text = format!("{text} {unit}");
        }
        if self.list == Some(ListForm::Comma) {
            text = listed(&text)
                .iter()
                .map(|item| item.trim().trim_end_matches('/'))
                .collect::<Vec<_>>()
                .join(",");
        }
        self.form.as_ref().map_or(text.clone(), |form| form.replace("{}", &text))
    }
}

/// Splits `a, b` or `["a", "b"]` into items.
fn listed(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| text.split(',').map(str::to_owned).collect())
}

/// Removes quotes: documents print values in quotes, and some container tools pass the quotes on.
fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_readable_and_says_what_it_is() {
        for profile in ProfileName::all() {
            let problem = profile.layer(&Origin::BuiltIn).err().or(profile.environment().err());
            assert_eq!(problem.map(|p| p.to_string()), None, "{}", profile.name);
            assert!(profile.about().len() > 10, "{}", profile.name);
        }
    }

    #[test]
    fn a_meaning_knows_unit_words_form_and_list() {
        let meaning = |text: &str| toml::from_str::<VariableMeaning>(text).unwrap();
        assert_eq!(meaning("keys = [\"a\"]").translate("\"Our App <a@b.io>\""), "Our App <a@b.io>");
        assert_eq!(meaning("keys = [\"a\"]\nunit = \"minutes\"").translate("30"), "30 minutes");
        assert_eq!(meaning("keys = [\"a\"]\nunit = \"minutes\"").translate("2h"), "2h");
        assert_eq!(
            meaning("keys = [\"a\"]\nform = \"0.0.0.0:{}\"").translate("3000"),
            "0.0.0.0:3000"
        );
        assert_eq!(
            meaning("keys = [\"a\"]\nwords = { test = \"development\" }").translate("test"),
            "development"
        );
        assert_eq!(
            meaning("keys = [\"a\"]\nlist = \"comma\"").translate("https://a.io/, https://b.io"),
            "https://a.io,https://b.io"
        );
        assert_eq!(
            meaning("keys = [\"a\"]\nlist = \"comma\"")
                .translate("[\"https://a.io/\", \"https://b.io\"]"),
            "https://a.io,https://b.io"
        );
    }
}
