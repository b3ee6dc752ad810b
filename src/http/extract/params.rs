//! Types of query parameters. The schema of each states the rule that [`crate::error::Rule`]s report
//! when the operation reads the parameter.

use poem_openapi::registry::MetaSchema;
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult};

use crate::error::{Error, FieldError, Result, Rule};
use crate::http::extract::schema::TEXT;
use crate::http::extract::wrapper::wrapper;
use crate::model::{Time, text};

/// Entries per page if the query does not say.
const DEFAULT_LIMIT: i64 = 20;
/// Maximum number of entries per page.
const MAX_LIMIT: i32 = 100;
/// Maximum length of a search, in characters.
const LONGEST_SEARCH: usize = 255;
/// Maximum length of a name, such as the ID of an account.
const LONGEST_NAME: usize = 64;

/// Declares a type that is parsed from a parameter.
macro_rules! parameter {
    ($(#[$doc:meta])* $name:ident($inner:ty), $type:literal, $schema:expr) => {
        wrapper!($(#[$doc])* $name($inner), $type, $schema);

        impl ParseFromParameter for $name {
            fn parse_from_parameter(value: &str) -> ParseResult<Self> {
                <$inner>::parse_from_parameter(value).map(Self).map_err(ParseError::propagate)
            }
        }
    };
}

parameter!(
    /// The number of a page, from 1.
    PageNumber(i64),
    "integer",
    MetaSchema { format: Some("int64"), minimum: Some(1.0), ..MetaSchema::ANY }
);
parameter!(
    /// The number of entries per page.
    PageLimit(i64),
    "integer",
    MetaSchema {
        format: Some("int64"),
        minimum: Some(1.0),
        maximum: Some(f64::from(MAX_LIMIT)),
        ..MetaSchema::ANY
    }
);
parameter!(
    /// A search text.
    SearchQuery(String),
    "string",
    MetaSchema { max_length: Some(LONGEST_SEARCH), pattern: Some(TEXT.to_owned()), ..MetaSchema::ANY }
);
parameter!(
    /// A point in time.
    TimeQuery(String),
    "string",
    MetaSchema { format: Some("date-time"), ..MetaSchema::ANY }
);
parameter!(
    /// An ID or a word of a list.
    NameQuery(String),
    "string",
    MetaSchema {
        min_length: Some(1),
        max_length: Some(LONGEST_NAME),
        pattern: Some("^[!-~]+$".to_owned()),
        ..MetaSchema::ANY
    }
);

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
    pub fn read(page: Option<PageNumber>, limit: Option<PageLimit>) -> Result<Self> {
        let paging = Self {
            page: page.map_or(1, |page| page.0),
            limit: limit.map_or(DEFAULT_LIMIT, |limit| limit.0),
        };
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
pub fn search(name: &'static str, query: Option<SearchQuery>) -> Result<Option<String>> {
    let Some(SearchQuery(text)) = query else { return Ok(None) };
    if text.chars().any(text::is_control) || text::length(&text) > LONGEST_SEARCH {
        return Err(Error::invalid_field(name, Rule::SearchText { max: LONGEST_SEARCH }));
    }
    Ok(Some(text))
}

/// Reads an ID or a word of a list.
///
/// # Errors
/// `Validation` for anything that no such name can be. A filter is never left out because it is
/// malformed.
pub fn name(parameter: &'static str, query: Option<NameQuery>) -> Result<Option<String>> {
    let Some(NameQuery(text)) = query else { return Ok(None) };
    if text.is_empty() || text.len() > LONGEST_NAME || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::invalid_field(parameter, Rule::Word { max: LONGEST_NAME }));
    }
    Ok(Some(text))
}

/// Parses a time such as `2023-12-01T09:00:00Z`.
///
/// # Errors
/// `Validation` for any other format.
pub fn time(parameter: &'static str, query: Option<TimeQuery>) -> Result<Option<Time>> {
    let Some(TimeQuery(text)) = query else { return Ok(None) };
    match text.parse::<jiff::Timestamp>() {
        Ok(stamp) => Ok(Some(Time::from_millis(stamp.as_millisecond()))),
        Err(_) => Err(Error::invalid_field(parameter, Rule::Timestamp)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_at_least_the_first_and_has_at_most_a_hundred() {
        let read = |page, limit| Paging::read(Some(PageNumber(page)), Some(PageLimit(limit)));
        assert_eq!(Paging::read(None, None).unwrap(), Paging { page: 1, limit: 20 });
        for (page, limit) in [(0, 20), (-1, 20), (1, 0), (1, 101), (1, 1000)] {
            assert!(read(page, limit).is_err(), "{page} {limit}");
        }
        let paging = read(1, 20).unwrap();
        assert_eq!([0, 1, 20, 21, 150].map(|total| paging.pages(total)), [0, 1, 1, 2, 8]);
    }

    #[test]
    fn a_time_is_a_time() {
        let read = |text: &str| time("since", Some(TimeQuery(text.to_owned())));
        assert_eq!(read("2023-12-01T09:00:00Z").unwrap(), Some(Time::from_seconds(1_701_421_200)));
        assert!(read("yesterday").is_err());
        assert_eq!(time("since", None).unwrap(), None);
    }

    #[test]
    fn a_name_is_never_dropped() {
        let read = |text: &str| name("event", Some(NameQuery(text.to_owned())));
        assert_eq!(read("login").unwrap(), Some("login".to_owned()));
        for bad in ["", "\0", "a b", "ä", &"a".repeat(65)] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
