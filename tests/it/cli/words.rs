//! Files of words from the command line.

use super::*;

#[test]
fn a_file_of_words_is_written_checked_and_used() {
    let folder = Folder::new();
    std::fs::create_dir(folder.0.path().join("words")).unwrap();
    let german = folder.run(&["words", "export", "de"]);
    assert!(german.out.contains("\nname = \"Deutsch\"\n"), "{}", german.out);
    assert!(german.out.starts_with("# Translate the text on the right"), "{}", german.out);
    folder.write("words/de.toml", &german.out);
    let checked = folder.run(&["words", "check", "words/de.toml"]);
    assert_eq!((checked.code, checked.out.as_str(), checked.err.as_str()), (Some(0), "", ""));

    let text = "[common]\nnew_password = \"Nytt lösenord\"\nnothing = \"x\"\n";
    folder.write("words/sv.toml", text);
    let checked = folder.run(&["words", "check", "words/sv.toml"]);
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.out.contains("words/sv.toml:3: common.nothing is unknown\n"),
        "{}",
        checked.out
    );
    assert!(checked.out.contains("words/sv.toml:1: language.name is missing\n"), "{}", checked.out);
    let partial = folder.run(&["words", "check", "--partial", "--json", "words/sv.toml"]);
    let expected = serde_json::json!([
        { "file": "words/sv.toml", "line": 3, "message": "common.nothing is unknown" }
    ]);
    assert_eq!((partial.code, partial.json()), (Some(1), expected));

    let set = ["--set", "language.words=words", "--set", "language.default=sv"];
    let refused = folder.run(&[&["serve"], &set[..]].concat());
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("sv.toml, line 3: common.nothing is unknown"), "{}", refused.err);
    let found = folder.run(&[&["config", "check"], &set[..]].concat());
    assert!(found.out.contains("sv.toml, line 3: common.nothing is unknown"), "{}", found.out);

    folder.write("words/sv.toml", "[common]\nnew_password = \"Nytt lösenord\"\n");
    let found = folder.run(&[&["config", "check"], &set[..]].concat());
    assert!(found.out.contains("texts, which are shown in English"), "{}", found.out);
    let swedish = folder.run(&[&["words", "export", "sv"], &set[..]].concat());
    assert!(swedish.out.contains("\nnew_password = \"Nytt lösenord\"\n"), "{}", swedish.out);
    folder.write("words/en-XA.toml", &folder.run(&["words", "export", "en-XA"]).out);
    let server = folder.serve_with(&set);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_default_language_that_there_is_not_is_refused_at_start() {
    let folder = Folder::new();
    let refused = folder.run(&["serve", "--set", "language.default=sv"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("no words for the language sv; known: de, en"), "{}", refused.err);
    let refused = folder.run(&["serve", "--set", "language.default=d"]);
    assert!(refused.err.contains("language.default"), "{}", refused.err);
}
