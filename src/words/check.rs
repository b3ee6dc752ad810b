//! The report about a file of words for its translator: what does not fit the reference, and what is
//! longer than its place.

use super::source::{self, WordEntry, WordFault, WordProblem};

/// The maximum number of characters of a letter's subject, filled in.
pub const LONGEST_SUBJECT: usize = 78;
/// The maximum number of characters of a button.
pub const LONGEST_BUTTON: usize = 30;
/// The maximum length of a text message in the GSM alphabet, and of one outside it.
const LONGEST_TEXT: (usize, usize) = (160, 70);
/// The maximum length of a service's name in a letter.
const LONGEST_SERVICE: usize = 40;

/// The basic character set of text messages and its extension, whose characters count twice (3GPP
/// TS 23.038, section 6.2.1).
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                   ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM_EXTENSION: &str = "^{}\\[~]|€";

/// The reference as its translators see it, with comments.
pub const REFERENCE: &str = include_str!("../../static/words/en.toml");

/// Everything that is wrong with a file, in the order of its lines.
#[must_use]
pub fn check(text: &str) -> Vec<WordProblem> {
    let (reference, entries) = match (source::parse(REFERENCE), source::parse(text)) {
        (Ok(reference), Ok(entries)) => (reference, entries),
        (_, Err(problems)) | (Err(problems), _) => return problems,
    };
    let mut problems = source::differences(&reference, &entries);
    for entry in &entries {
        let fixed = fixed_value(entry).map(|why| (WordFault::Invalid, why));
        let long = too_long(entry).map(|why| (WordFault::TooLong, why));
        let found = fixed.into_iter().chain(long);
        problems.extend(found.map(|(fault, why)| WordProblem { line: entry.line, fault, why }));
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// Why a value that is no text for people is wrong.
fn fixed_value(entry: &WordEntry) -> Option<String> {
    let (path, text) = (entry.path.as_str(), entry.text.as_str());
    match path {
        "language.direction" if !["ltr", "rtl"].contains(&text) => {
            Some(format!("{path} must be ltr or rtl"))
        }
        "numbers.group_from" if text.parse::<u64>().is_err() => {
            Some(format!("{path} must be a number"))
        }
        _ if text.is_empty() && !["lists.sentence_space", "numbers.group"].contains(&path) => {
            Some(format!("{path} is empty"))
        }
        _ => None,
    }
}

/// Why a text does not fit its place.
fn too_long(entry: &WordEntry) -> Option<String> {
    let (path, filled) = (&entry.path, filled(&entry.text));
    let length = filled.chars().count();
    let key = path.rsplit('.').next().unwrap_or(path);
    let most = if path.starts_with("texts.") {
        let (length, most) = text_message(&filled);
        return (length > most).then(|| {
            format!("{path} is a text message of {length} characters, at most {most} fit into one")
        });
    } else if path.starts_with("letters.") && key == "subject" {
        LONGEST_SUBJECT
    } else if key == "button" || key.ends_with("_button") {
        LONGEST_BUTTON
    } else {
        return None;
    };
    (length > most).then(|| format!("{path} has {length} characters, at most {most} fit"))
}

/// The text with the longest values that its placeholders can have.
fn filled(text: &str) -> String {
    text.replace("{service}", &"x".repeat(LONGEST_SERVICE)).replace("{code}", "123456")
}

/// The length of a text message, and the length that fits into one.
fn text_message(text: &str) -> (usize, usize) {
    let (gsm, other) = LONGEST_TEXT;
    if text.chars().all(|c| GSM.contains(c) || GSM_EXTENSION.contains(c)) {
        let weight = |c: char| if GSM_EXTENSION.contains(c) { 2 } else { 1 };
        (text.chars().map(weight).sum(), gsm)
    } else {
        (text.encode_utf16().count(), other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let all = check(text).into_iter().filter(|problem| problem.fault != WordFault::Missing);
        all.map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn the_reference_itself_fits() {
        assert_eq!(check(REFERENCE), []);
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_line() {
        let long = "x".repeat(31);
        for (text, expected) in [
            ("a = 1\n".to_owned(), "line 1: a is not a text"),
            ("[common]\nnothing = \"x\"\n".into(), "line 2: common.nothing is unknown"),
            ("[texts]\ncode = \"x\"\n".into(), "line 2: texts.code must use {code} and {service}"),
            (
                "[language]\ndirection = \"up\"\n".into(),
                "line 2: language.direction must be ltr or rtl",
            ),
            (
                "[numbers]\ngroup_from = \"x\"\n".into(),
                "line 2: numbers.group_from must be a number",
            ),
            ("[common]\nnew_password = \"\"\n".into(), "line 2: common.new_password is empty"),
            (
                format!("[pages.not_me]\nbutton = \"{long}\"\n"),
                "line 2: pages.not_me.button has 31 characters, at most 30 fit",
            ),
            (
                format!("[letters.new_device]\n\nsubject = \"{{service}} {long}{long}\"\n"),
                "line 3: letters.new_device.subject has 103 characters, at most 78 fit",
            ),
            (
                format!("[texts]\ncode = \"{{code}} 码 {{service}} {long}\"\n"),
                "line 2: texts.code is a text message of 81 characters, at most 70 fit into one",
            ),
        ] {
            assert_eq!(said(&text), [expected]);
        }
    }

    #[test]
    fn a_missing_text_is_reported_in_the_line_of_the_text_before_it() {
        let all = check("[common]\nemail_address = \"E-Mail-Adresse\"\n");
        let found = all.iter().find(|problem| problem.why.contains("new_password")).unwrap();
        assert_eq!(
            (found.to_string().as_str(), found.fault),
            ("line 2: common.new_password is missing", WordFault::Missing)
        );
    }

    #[test]
    fn a_text_message_is_measured_in_its_alphabet() {
        assert_eq!(text_message("abc€"), (5, 160));
        assert_eq!(text_message("abç"), (3, 70));
        assert_eq!(text_message("🔑"), (2, 70));
    }
}
