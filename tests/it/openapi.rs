//! The contract of every wire, pinned in one snapshot for each operation, one for the schemas, one for
//! the errors and one for the rest; and the table of errors of all wires.
//!
//! After an intended change, `INSTA_UPDATE=always cargo test --test it openapi` writes the snapshots.

mod errors;
mod places;
mod text;

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use authd::api;
use authd::config::{self, WireName};
use authd::error::Kind;
use authd::http::docs::shared::inlined;
use serde_json::Value;

use crate::support::app_with;
use crate::v1::fixture::native_document;

/// Every wire, with the profile that serves it at the root.
const WIRES: [(WireName, &str); 5] = [
    (WireName::V1, "standard"),
    (WireName::Siteworks, "siteworks"),
    (WireName::Jobpath, "jobpath"),
    (WireName::Jobpsych, "jobpsych"),
    (WireName::Authbackend, "authbackend"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openapi")
}

/// The document of a wire, with every response in its place.
async fn document(wire: WireName, profile: &str) -> Value {
    let app = app_with(profile, &[]).await;
    if wire == WireName::V1 {
        return inlined(&native_document(&app).await);
    }
    let answer = app.get(&format!("/openapi/{}.json", wire.as_str())).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    inlined(&answer.body)
}

/// Compares a text with its snapshot. Snapshots have no metadata that changes with the test.
fn is_as_agreed(wire: &str, name: &str, text: &str) -> bool {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder().join(wire));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| catch_unwind(|| insta::assert_snapshot!(name, text)).is_ok())
}

/// The names of the snapshots in a wire's folder.
fn snapshots_of(wire: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder().join(wire)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".snap").map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_operation_of_every_wire_is_as_agreed() {
    let (mut changed, mut left_over) = (Vec::new(), Vec::new());
    for (wire, profile) in WIRES {
        let texts = text::texts(&document(wire, profile).await);
        let wire = wire.as_str();
        for (name, text) in &texts {
            if !is_as_agreed(wire, name, text) {
                changed.push(format!("{wire}/{name}.snap"));
            }
        }
        let left = snapshots_of(wire).into_iter().filter(|name| !texts.contains_key(name));
        left_over.extend(left.map(|name| format!("{wire}/{name}.snap")));
    }
    assert!(
        changed.is_empty(),
        "in tests/it/openapi, these differ: {changed:#?}\nof no operation: {left_over:#?}"
    );
    assert!(left_over.is_empty(), "in tests/it/openapi, these are of no operation: {left_over:#?}");
}

#[test]
fn every_wire_has_its_snapshots_and_no_others() {
    let named: BTreeSet<_> = WIRES.iter().map(|(wire, _)| wire.as_str().to_owned()).collect();
    let all: BTreeSet<_> = WireName::ALL.iter().map(|wire| wire.as_str().to_owned()).collect();
    assert_eq!(named, all);
    let entries = std::fs::read_dir(folder()).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    assert_eq!(
        folders.map(|folder| folder.file_name().into_string().unwrap()).collect::<BTreeSet<_>>(),
        all
    );
}

#[tokio::test]
async fn no_place_in_a_document_can_change_without_its_snapshots() {
    let mut seen = BTreeSet::new();
    for (wire, profile) in WIRES.into_iter().rev() {
        let document = document(wire, profile).await;
        for place in places::all(&document).filter(|place| seen.insert(places::kind(place))) {
            let part = places::around(&document, &place);
            for other in [places::changed(&part, &place), places::without(&part, &place)] {
                assert_ne!(text::texts(&other), text::texts(&part), "{} {place}", wire.as_str());
            }
        }
    }
    assert!(seen.len() > 100, "{seen:#?}");
}

#[test]
fn every_kind_of_error_has_its_status_and_code_on_every_wire() {
    let wires = WIRES.map(|(wire, profile)| {
        let flags = vec![("profile".to_owned(), profile.to_owned())];
        let loaded = config::load(&config::Inputs { flags, ..config::Inputs::default() });
        api::named(wire, &loaded.unwrap_or_else(|problems| panic!("{problems}")).config).wire
    });
    let line = |head: String, cells: Vec<String>| {
        let cells: Vec<_> = cells.into_iter().map(|cell| format!("{cell:<40}")).collect();
        format!("{head:<26}{}", cells.concat()).trim_end().to_owned() + "\n"
    };
    let mut table = line(String::new(), wires.iter().map(|wire| wire.name().to_owned()).collect());
    table.extend(Kind::ALL.map(|kind| {
        let cells =
            wires.iter().map(|wire| format!("{} {}", wire.status(kind).as_u16(), wire.code(kind)));
        line(format!("{kind:?}"), cells.collect())
    }));
    assert!(
        is_as_agreed("", "statuses", &table),
        "the table of statuses and codes differs from its snapshot"
    );
}
