//! What administrators list accounts by: filters, an order, and a place in the list.

use crate::model::{SearchText, Status, Time};

/// Which accounts to list. Every filter that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    pub status: Option<Status>,
    /// Accounts whose address, user name or name contains this text.
    pub search: Option<SearchText>,
    /// Accounts with this role.
    pub role: Option<String>,
    pub factor: Option<FactorFilter>,
    /// Accounts that are connected to this provider.
    pub provider: Option<String>,
    pub created: TimeRange,
    pub last_login: LoginFilter,
}

impl ListFilter {
    /// Whether nothing but the status is set.
    #[must_use]
    pub fn is_only_status(&self) -> bool {
        *self == Self { status: self.status, ..Self::default() }
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What an account logs in with besides a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorFilter {
    /// No second factor. A passkey is none: it logs in alone.
    Without,
    Totp,
    Email,
    Sms,
    SecurityKey,
    Passkey,
}

impl FactorFilter {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Without, Self::Totp, Self::Email, Self::Sms, Self::SecurityKey, Self::Passkey];

    /// Its name in queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Without => "none",
            Self::Totp => "totp",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::SecurityKey => "security_key",
            Self::Passkey => "passkey",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// A range of times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Inclusive.
    pub from: Option<Time>,
    /// Exclusive.
    pub until: Option<Time>,
}

impl TimeRange {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it contains a time.
    #[must_use]
    pub fn contains(&self, at: Time) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

/// When an account last logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFilter {
    /// At any time. An open range is also met by accounts that never logged in.
    Within(TimeRange),
    Never,
}

impl Default for LoginFilter {
    fn default() -> Self {
        Self::Within(TimeRange::default())
    }
}

impl LoginFilter {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an account with this last login is meant.
    #[must_use]
    pub fn contains(&self, last_login: Option<Time>) -> bool {
        match (self, last_login) {
            (Self::Never, at) => at.is_none(),
            (Self::Within(range), None) => range.is_open(),
            (Self::Within(range), Some(at)) => range.contains(at),
        }
    }
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListSort {
    #[default]
    Created,
    /// Accounts that never logged in come before all others.
    LastLogin,
    /// Accounts without an address are left out.
    Address,
}

impl ListSort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Created, Self::LastLogin, Self::Address];

    /// Its name in addresses of the console.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::LastLogin => "last_login",
            Self::Address => "email",
        }
    }
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListDirection {
    #[default]
    Ascending,
    Descending,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListOrder {
    pub sort: ListSort,
    pub direction: ListDirection,
}

impl ListOrder {
    /// Reads a name such as `created` or, for descending order, `-created`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (direction, name) = match name.strip_prefix('-') {
            Some(name) => (ListDirection::Descending, name),
            None => (ListDirection::Ascending, name),
        };
        let sort = ListSort::ALL.into_iter().find(|sort| sort.as_str() == name)?;
        Some(Self { sort, direction })
    }

    /// Its name in queries.
    #[must_use]
    pub fn name(self) -> String {
        let sign = if self.direction == ListDirection::Descending { "-" } else { "" };
        format!("{sign}{}", self.sort.as_str())
    }
}

/// An account's place in a list: the time that the list is sorted by, and the account's number. In a
/// list by address the time is 0, so that no address is in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPlace {
    pub time: i64,
    pub number: i64,
}

impl ListPlace {
    /// Reads the text of a place.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (time, number) = text.split_once('.')?;
        Some(Self { time: time.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for ListPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.time, self.number)
    }
}

/// Where a page of a list is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListStart {
    #[default]
    First,
    /// The accounts that follow a place.
    After(ListPlace),
    /// The last accounts before a place.
    Before(ListPlace),
}

/// How many accounts match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListCount {
    Exactly(i64),
    /// So many were counted, and there may be more.
    AtLeast(i64),
    /// Only the first page is counted.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for factor in FactorFilter::ALL {
            assert_eq!(FactorFilter::parse(factor.as_str()), Some(factor));
        }
        for name in ["created", "-created", "last_login", "-last_login", "email", "-email"] {
            assert_eq!(ListOrder::parse(name).unwrap().name(), name);
        }
        for bad in ["", "-", "--created", "Created", "password_hash"] {
            assert_eq!(ListOrder::parse(bad), None, "{bad}");
        }
        let place = ListPlace { time: -5, number: 7 };
        assert_eq!(ListPlace::parse(&place.to_string()), Some(place));
        for bad in ["", ".", "1", "1.2.3", "a.1", "99999999999999999999.1"] {
            assert_eq!(ListPlace::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_of_logins_leaves_out_who_never_logged_in() {
        let at = Time::from_millis(5);
        let from = LoginFilter::Within(TimeRange { from: Some(at), until: None });
        assert!(from.contains(Some(at)) && !from.contains(None));
        assert!(LoginFilter::default().contains(None) && LoginFilter::default().contains(Some(at)));
        assert!(LoginFilter::Never.contains(None) && !LoginFilter::Never.contains(Some(at)));
        let until = TimeRange { from: None, until: Some(at) };
        assert!(!until.contains(at) && until.contains(Time::from_millis(4)));
    }
}
