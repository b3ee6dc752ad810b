//! The choice of a language, and the operator's folder.

use super::*;

fn tag(text: &str) -> LanguageTag {
    LanguageTag::parse(text).unwrap()
}

/// The built-in languages.
fn built_in() -> Catalogue {
    Catalogue::load(None, tag("en")).unwrap()
}

/// A catalogue with this file in the folder.
fn with(file: &str, text: &str) -> Result<Catalogue> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), text).unwrap();
    Catalogue::load(Some(folder.path()), tag("en"))
}

#[test]
fn a_range_finds_its_language_or_a_variety_that_its_reader_can_read() {
    let catalogue = built_in();
    for (range, expected) in [
        ("de", Some("de")),
        ("DE-at", Some("de")),
        ("de-CH-1996", Some("de")),
        ("de-x-private", Some("de")),
        ("en-GB", Some("en")),
        ("pt", Some("pt-BR")),
        ("pt-PT", Some("pt-BR")),
        ("zh", Some("zh-Hans")),
        ("zh-CN", Some("zh-Hans")),
        ("zh-Hans-SG", Some("zh-Hans")),
        ("zh-TW", None),
        ("zh-Hant-HK", None),
        ("es-419", Some("es")),
        ("sv", None),
        ("*", None),
        ("", None),
        ("-", None),
        ("d", None),
    ] {
        assert_eq!(catalogue.lookup(range).map(|found| found.tag), expected, "{range}");
    }
}

#[test]
fn a_browser_gets_the_language_that_it_prefers_among_those_there_are() {
    let catalogue = built_in();
    for (header, expected) in [
        ("de", Some("de")),
        ("de-AT, de;q=0.9, en;q=0.8", Some("de")),
        ("sv, fr;q=0.7, de;q=0.8", Some("de")),
        ("en;q=0.5, fr;q=0.5", Some("en")),
        ("de;q=0, fr;q=0.1", Some("fr")),
        ("fr;Q=0.1,de ; q=0.2", Some("de")),
        ("zh-TW, ja;q=0.5", Some("ja")),
        ("*", None),
        ("sv", None),
        ("", None),
        ("de;q=2", None),
        ("de;q=1.001", None),
        ("de;q=0.1234", None),
        ("de;q=x, fr", Some("fr")),
        ("de;level=1", None),
        (",,;;, ,it", Some("it")),
    ] {
        let found = catalogue.accepted(header);
        assert_eq!(found.as_ref().map(LanguageTag::as_str), expected, "{header}");
    }
    let long = format!("{}de", "sv,".repeat(1000));
    assert_eq!(catalogue.accepted(&long), None);
}

#[test]
fn the_first_wish_that_can_be_met_counts() {
    let catalogue = Catalogue::load(None, tag("nl")).unwrap();
    for (wishes, expected) in [
        ([Some("fr"), Some("de"), Some("it")], "fr"),
        ([None, Some("de"), Some("it")], "de"),
        ([Some("sv"), None, Some("it")], "it"),
        ([Some("sv"), Some("zh-TW"), None], "nl"),
        ([None, None, None], "nl"),
    ] {
        assert_eq!(catalogue.pick(wishes.map(|wish| wish.map(tag))).tag, expected);
    }
}

#[test]
fn a_file_of_the_folder_replaces_texts_and_adds_languages() {
    let catalogue = with("de.toml", "[common]\nnew_password = \"Neues Kennwort\"\n").unwrap();
    let german = catalogue.lookup("de").unwrap();
    assert_eq!(german.common.new_password.as_str(), "Neues Kennwort");
    assert_ne!(german.common.email_address, english().common.email_address);
    assert_eq!(catalogue.incomplete(), []);
    assert_eq!(catalogue.all().filter(|language| language.tag == "de").count(), 1);

    let catalogue = with("sv.toml", "[common]\nnew_password = \"Nytt lösenord\"\n").unwrap();
    let swedish = catalogue.lookup("sv-FI").unwrap();
    assert_eq!(swedish.common.new_password.as_str(), "Nytt lösenord");
    assert_eq!(swedish.common.email_address, english().common.email_address);
    assert_eq!(catalogue.incomplete(), [(tag("sv"), crate::words::paths().count() - 1)]);
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_line() {
    for (file, text, expected) in [
        ("de.toml", "[common]\n\nnothing = \"x\"\n", "de.toml, line 3: common.nothing is unknown"),
        ("de.toml", "a = \"{\"\n", "de.toml, line 1: a: a brace is open"),
        ("german_.toml", "", "line 1: german_ is no language tag"),
        ("DE.toml", "", "line 1: DE is no language tag"),
    ] {
        let error = with(file, text).unwrap_err();
        assert!(error.message().contains(expected), "{file}: {}", error.message());
    }
    assert!(with("notes.txt", "anything").is_ok());
    let error = Catalogue::load(None, tag("sv")).unwrap_err();
    assert!(error.message().contains("no words for the language sv; known: "), "{error:?}");
    let gone = Catalogue::load(Some(Path::new("/nowhere/at/all")), tag("en")).unwrap_err();
    assert!(gone.message().contains("/nowhere/at/all cannot be read"), "{gone:?}");
}
