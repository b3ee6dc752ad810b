//! The configuration in force: each value with its origin, section by section, and what a check finds.

use std::collections::BTreeSet;

use askama::Template;
use poem::Response;

use crate::error::Result;
use crate::identity::admin::settings;
use crate::identity::admin::settings::Setting;
use crate::model::finding::{Finding, Severity};
use crate::model::percent;
use crate::web::console::cells::Tag;
use crate::web::console::visit::{ConsoleFrame, ConsoleVisit};
use crate::web::stop::Stop;
use crate::web::target::SETTINGS;

/// The most settings that a search shows.
const MOST: usize = 30;

/// The settings.
#[derive(Template)]
#[template(path = "pages/console/settings.html")]
struct SettingsView<'a> {
    frame: ConsoleFrame<'a>,
    asked: String,
    /// Path, name, and whether it is the chosen one.
    sections: Vec<(String, String, bool)>,
    settings: Vec<SettingLine>,
    /// Findings that belong to no line.
    findings: Vec<FindingLine>,
    /// How many settings a search leaves out.
    left_out: usize,
    is_first: bool,
    profile: &'a str,
}

struct SettingLine {
    key: String,
    about: String,
    value: Option<String>,
    origin: String,
    is_own: bool,
    findings: Vec<FindingLine>,
}

struct FindingLine {
    key: String,
    /// The section of the key, to look at.
    section: String,
    level: Tag,
    message: String,
    remedy: String,
}

/// `GET /console/settings`
pub(super) async fn open(visit: &ConsoleVisit) -> Result<Response, Stop> {
    let report = settings::read(visit.core());
    let lines = joined(report.settings);
    let asked = visit.parameter("q").unwrap_or_default().trim().to_lowercase();
    let section = visit.parameter("section").unwrap_or_default();
    let names: Vec<&str> = lines.iter().map(|line| section_of(&line.key)).collect();
    let is_known = names.contains(&section.as_str());
    let is_first = asked.is_empty() && !is_known;
    let sections = sections(&names, &section, is_first);
    let wanted = |line: &SettingLine| match (asked.as_str(), is_known) {
        ("", true) => section_of(&line.key) == section,
        ("", false) => line.is_own,
        (asked, _) => {
            let texts = [Some(&line.key), Some(&line.about), line.value.as_ref()];
            texts.into_iter().flatten().any(|text| text.to_lowercase().contains(asked))
        }
    };
    let mut shown: Vec<SettingLine> = lines.into_iter().filter(wanted).collect();
    let left_out = shown.len().saturating_sub(MOST);
    if !asked.is_empty() {
        shown.truncate(MOST);
    }
    let mut others = Vec::new();
    for finding in report.findings {
        match shown.iter_mut().find(|line| line.key == finding.key) {
            Some(line) => line.findings.push(finding_line(finding)),
            None => others.push(finding_line(finding)),
        }
    }
    let profile = visit.core().config.profile.as_str();
    let view = SettingsView {
        frame: visit.frame(visit.page.title),
        sections,
        settings: shown,
        findings: if is_first { others } else { Vec::new() },
        left_out: if asked.is_empty() { 0 } else { left_out },
        asked,
        is_first,
        profile,
    };
    std::future::ready(visit.show(&view)).await
}

/// The page of the section of a key.
pub(super) fn section(key: &str) -> String {
    format!("{SETTINGS}?section={}", percent::encode(section_of(key)))
}

/// The section of a key. The keys without one are of the whole server.
fn section_of(key: &str) -> &str {
    key.split_once('.').map_or("server", |(section, _)| section)
}

fn sections(names: &[&str], chosen: &str, is_first: bool) -> Vec<(String, String, bool)> {
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = names.iter().copied().filter(|name| seen.insert(*name)).collect();
    let section = |name: &str| {
        let path = format!("?section={}", percent::encode(name));
        (path, name.to_owned(), name == chosen && !is_first)
    };
    let first = (SETTINGS.to_owned(), "Set here".to_owned(), is_first);
    std::iter::once(first).chain(names.into_iter().map(section)).collect()
}

/// The lines of the settings. A rate, which has three keys, is one line.
fn joined(settings: Vec<Setting>) -> Vec<SettingLine> {
    let mut lines: Vec<SettingLine> = Vec::with_capacity(settings.len());
    for setting in settings {
        let part = ["count", "window", "shape"].into_iter().find_map(|part| {
            let key = setting.key.strip_prefix("limits.")?.strip_suffix(part)?;
            Some((part, format!("limits.{}", key.strip_suffix('.')?)))
        });
        let is_default = matches!(setting.origin.as_str(), "built-in" | "profile standard");
        let origin = if is_default { "default" } else { &setting.origin };
        match (part, lines.last_mut()) {
            (Some((part, key)), Some(line)) if part != "count" && line.key == key => {
                add_part(line, part, setting.value.as_deref(), origin);
                line.is_own |= setting.is_own;
            }
            (part, _) => lines.push(SettingLine {
                key: part.map_or_else(|| setting.key.clone(), |(_, key)| key),
                about: setting.about.clone().unwrap_or_default(),
                origin: origin.to_owned(),
                is_own: setting.is_own,
                value: setting.value,
                findings: Vec::new(),
            }),
        }
    }
    lines
}

fn add_part(line: &mut SettingLine, part: &str, value: Option<&str>, origin: &str) {
    let is_off = matches!(line.value.as_deref(), Some("0" | "off"));
    if let (Some(text), Some(value)) = (&mut line.value, value) {
        match part {
            _ if is_off => "off".clone_into(text),
            "window" => text.extend([" in ", value]),
            _ => text.extend([", ", value]),
        }
    }
    if !line.origin.split(", ").any(|known| known == origin) {
        line.origin = format!("{}, {origin}", line.origin);
    }
}

fn finding_line(finding: Finding) -> FindingLine {
    let (word, look) = match finding.level {
        Severity::Error => ("error", "bad"),
        Severity::Warning => ("warning", "mark"),
        Severity::Hint => ("hint", "off"),
    };
    FindingLine {
        section: section(&finding.key),
        key: finding.key,
        level: Tag { word, look },
        message: finding.message,
        remedy: finding.remedy,
    }
}
