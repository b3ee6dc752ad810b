//! Formats the configuration as text and JSON, and builds the reference of all keys. The command
//! line prints the result, which contains no secrets.

use std::fmt::Write;

use serde_json::{Value, json};

use super::layer::Layer;
use super::reader::ConfigReader;
use super::{CheckReport, Config, ConfigEntry, Loaded, Origin, ProfileName};

/// `config show`: every key with its value and origin, in the order of the sections.
#[must_use]
pub fn show(loaded: &Loaded) -> &[ConfigEntry] {
    &loaded.config.entries
}

/// `config show` as text: `key  value  origin` in aligned columns.
#[must_use]
pub fn show_text(entries: &[ConfigEntry]) -> String {
    let rows = entries.iter().map(|entry| {
        [
            entry.key.to_string(),
            entry.value.clone().unwrap_or_else(|| "-".to_owned()),
            entry.origin.to_string(),
        ]
    });
    aligned(&rows.collect::<Vec<_>>())
}

/// `config show --json`.
#[must_use]
pub fn show_json(entries: &[ConfigEntry]) -> Value {
    let row = |entry: &ConfigEntry| json!({"key": entry.key, "value": entry.value, "origin": entry.origin.to_string()});
    Value::Array(entries.iter().map(row).collect())
}

/// `config check` as text.
#[must_use]
pub fn check_text(check: &CheckReport) -> String {
    let mut text = findings_text(check);
    text.push_str(if check.has_error() {
        "not ready for production\n"
    } else {
        "no errors in the configuration; authd doctor checks the rest\n"
    });
    text
}

/// The findings of a check as text: each with its remedy on the line after it.
#[must_use]
pub fn findings_text(check: &CheckReport) -> String {
    let mut text = String::new();
    for finding in &check.findings {
        let _ = writeln!(text, "{}: {}: {}", finding.level, finding.key, finding.message);
        let _ = writeln!(text, "  {}", finding.remedy);
    }
    text
}

/// `config check --json`.
#[must_use]
pub fn check_json(check: &CheckReport) -> Value {
    check.to_json()
}

/// `profile list`: the name and description of every profile.
#[must_use]
pub fn profiles() -> Vec<(&'static str, &'static str)> {
    ProfileName::all().into_iter().map(|profile| (profile.name, profile.about())).collect()
}

/// `profile show`: the TOML text of a profile, as a configuration file.
#[must_use]
pub fn profile(name: &str) -> Option<String> {
    ProfileName::find(name).map(|profile| profile.as_file())
}

/// The reference: every key, its allowed values, and its value in each profile.
#[must_use]
pub fn reference() -> String {
    let mut columns = Vec::new();
    for profile in ProfileName::all() {
        let mut layer = Layer::new();
        for (below, origin) in
            [(ProfileName::standard(), Origin::BuiltIn), (profile, Origin::Profile(String::new()))]
        {
            layer.extend(below.layer(&origin).unwrap_or_default());
        }
        let mut reader = ConfigReader::new(layer, std::path::Path::new(""));
        // Only the entries matter here. `load` checks that the values fit together.
        let _ = Config::read(&mut reader);
        columns.push((profile.name, reader.entries));
    }
    let mut text = String::new();
    for index in 0..columns.first().map_or(0, |(_, entries)| entries.len()) {
        let Some(entry) = columns.first().and_then(|(_, entries)| entries.get(index)) else {
            continue;
        };
        let _ = writeln!(text, "{}\n  {}", entry.key, entry.allowed);
        for (name, entries) in &columns {
            let value = entries.get(index).and_then(|entry| entry.value.as_deref()).unwrap_or("-");
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    text
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
