//! Configuration errors, all reported at once: key, location, allowed values, actual value, nearest
//! spelling.

use std::fmt;

use super::layer::Origin;

/// One configuration error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, or the name of a variable that stands for no key. Empty if a whole file is
    /// unreadable.
    pub key: String,
    /// Where the value came from. `None` if no layer has one.
    pub origin: Option<Origin>,
    /// What was expected and what was found.
    pub message: String,
    /// The nearest known spelling.
    pub nearest: Option<String>,
}

impl Problem {
    /// A problem with the value of a key.
    pub(super) fn new(key: &str, origin: Option<Origin>, message: String) -> Self {
        Self { key: key.to_owned(), origin, message, nearest: None }
    }

    /// A problem with a file that cannot be read.
    pub(super) fn unreadable(origin: Origin, message: String) -> Self {
        Self { key: String::new(), origin: Some(origin), message, nearest: None }
    }

    /// Adds the nearest known spelling, if one is near enough.
    pub(super) fn suggest<'a>(
        mut self,
        came: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.nearest = nearest(came, known).map(str::to_owned);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.key.is_empty()) {
            (Some(origin), true) => write!(f, "{origin}: ")?,
            (Some(origin), false) => write!(f, "{} ({origin}): ", self.key)?,
            (None, false) => write!(f, "{}: ", self.key)?,
            (None, true) => {}
        }
        f.write_str(&self.message)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

/// All errors of a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration has an error: {one}"),
            many => {
                write!(f, "the configuration has {} errors:", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}

/// The known spelling nearest to `came`, if any is near: one or two typing errors, or a name
/// without its section.
#[must_use]
pub fn nearest<'a>(came: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let came = came.to_lowercase();
    let allowed = (came.chars().count() / 3).max(2);
    let far = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let whole = distance(&came, &candidate);
        // Matches `listen` and `mail.listen` to `server.listen`: the name is right, but its section
        // is missing or wrong.
        let (name, came_name) = (last(&candidate), last(&came));
        let moved = if came.contains('.') && name != came_name {
            usize::MAX
        } else {
            distance(name, came_name) + 1
        };
        whole.min(moved)
    };
    known
        .into_iter()
        .map(|candidate| (far(candidate), candidate))
        .filter(|(far, _)| *far <= allowed)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_is_found_and_far_ones_are_not() {
        let known = ["server.listen", "tokens.access", "sessions.idle", "mail.from"];
        assert_eq!(nearest("tokens.acess", known), Some("tokens.access"));
        assert_eq!(nearest("listen", known), Some("server.listen"));
        assert_eq!(nearest("listn", known), Some("server.listen"));
        assert_eq!(nearest("Sessions.Idle", known), Some("sessions.idle"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn distance_counts_single_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn all_errors_are_listed_at_once() {
        let one = Problem::new("a.b", Some(Origin::BuiltIn), "expected x".into());
        let text = Problems(vec![one.clone(), one]).to_string();
        assert_eq!(
            text,
            "the configuration has 2 errors:\n  a.b (built-in): expected x\n  a.b (built-in): expected x"
        );
    }
}
