//! Pages, searches and times in query strings.

use crate::error::{Error, FieldError, Result, Rule};
use crate::model::{Time, text};

/// Entries per page if the query does not say.
const DEFAULT_LIMIT: i64 = 20;
/// Maximum number of entries per page.
const MAX_LIMIT: i32 = 100;
/// Maximum length of a search, in characters.
const LONGEST_SEARCH: usize = 255;

/// A requested page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// The page number, from 1.
    pub page: i64,
    /// Entries per page.
    pub limit: i64,
}

impl Paging {
    /// Reads the page number and size from the query.
    ///
    /// # Errors
    /// `Validation` for a page below 1, or a limit below 1 or above 100.
    pub fn read(page: Option<i64>, limit: Option<i64>) -> Result<Self> {
        let paging = Self { page: page.unwrap_or(1), limit: limit.unwrap_or(DEFAULT_LIMIT) };
        let mut broken = Vec::new();
        if paging.page < 1 {
            broken.push(FieldError::new("page", Rule::TooSmall { min: 1.0 }));
        }
        if paging.limit < 1 {
            broken.push(FieldError::new("limit", Rule::TooSmall { min: 1.0 }));
        }
        if paging.limit > i64::from(MAX_LIMIT) {
            broken.push(FieldError::new("limit", Rule::TooLarge { max: f64::from(MAX_LIMIT) }));
        }
        if broken.is_empty() { Ok(paging) } else { Err(Error::invalid(broken)) }
    }

    /// Number of pages for this number of entries.
    #[must_use]
    pub fn pages(&self, total: i64) -> i64 {
        (total + self.limit - 1) / self.limit
    }
}

/// Reads a search text. Every character is matched literally.
///
/// # Errors
/// `Validation` for control characters, and for texts longer than any name.
pub fn search(text: Option<String>) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    if text.chars().any(text::is_control) || text::length(&text) > LONGEST_SEARCH {
        return Err(Error::invalid_field("search", Rule::SearchText { max: LONGEST_SEARCH }));
    }
    Ok(Some(text))
}

/// Parses a time such as `2023-12-01T09:00:00Z`.
///
/// # Errors
/// `Validation` for any other format.
pub fn time(name: &'static str, text: Option<&str>) -> Result<Option<Time>> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<jiff::Timestamp>() {
        Ok(stamp) => Ok(Some(Time::from_millis(stamp.as_millisecond()))),
        Err(_) => Err(Error::invalid_field(name, Rule::Timestamp)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_at_least_the_first_and_has_at_most_a_hundred() {
        assert_eq!(Paging::read(None, None).unwrap(), Paging { page: 1, limit: 20 });
        for (page, limit) in [(0, 20), (-1, 20), (1, 0), (1, 101), (1, 1000)] {
            assert!(Paging::read(Some(page), Some(limit)).is_err(), "{page} {limit}");
        }
        let paging = Paging::read(Some(1), Some(20)).unwrap();
        assert_eq!([0, 1, 20, 21, 150].map(|total| paging.pages(total)), [0, 1, 1, 2, 8]);
    }

    #[test]
    fn a_time_is_a_time() {
        assert_eq!(
            time("since", Some("2023-12-01T09:00:00Z")).unwrap(),
            Some(Time::from_seconds(1_701_421_200))
        );
        assert!(time("since", Some("yesterday")).is_err());
        assert_eq!(time("since", None).unwrap(), None);
    }
}
